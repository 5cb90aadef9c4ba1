/** Principals that no condition tells apart: whoever asks about all readers asks one of each kin. */
import type { AudienceRecord, Label, Organization, Principal, Subject, Topology } from './model.ts'

/** Active principals of one organization with the same kind, clearance and custody. */
export interface Kin {
  organization: Organization
  principals: readonly Principal[]
}

/** Every label that a record mentions. */
export function labelsIn({ own, any = [], later = [] }: AudienceRecord): Label[] {
  return [...own, ...any.flat(2), ...later.flatMap((l) => [...l.labels, ...(l.any ?? []).flat(2)])]
}

/** Principals whom these records name, and their submitters: they stand alone. */
export function namedIn(records: readonly AudienceRecord[]): Set<string> {
  const named = new Set(records.map((record) => record.submitter))
  for (const label of records.flatMap(labelsIn)) {
    for (const id of label.releasableTo?.persons ?? []) named.add(id)
  }
  return named
}

const kinsByTopology = new WeakMap<Topology, Map<string, Kin[]>>()

/** The kins of every organization that has active principals, by its id. */
export function kinsOf(topology: Topology): ReadonlyMap<string, readonly Kin[]> {
  let found = kinsByTopology.get(topology)
  if (found) return found
  const groups = new Map<string, { organization: Organization; principals: Principal[] }>()
  for (const principal of topology.principals.values()) {
    const organization = topology.organizations.get(principal.organization)
    if (!principal.active || !organization) continue
    const { kind, clearance, custodian } = principal
    const key = `${kind} ${clearance} ${custodian} ${organization.id}`
    const group = groups.get(key)
    if (group) group.principals.push(principal)
    else groups.set(key, { organization, principals: [principal] })
  }
  found = new Map()
  for (const kin of groups.values()) {
    const list = found.get(kin.organization.id)
    if (list) list.push(kin)
    else found.set(kin.organization.id, [kin])
  }
  kinsByTopology.set(topology, found)
  return found
}

/** Uncapped subjects whose answers to these records are those of all principals. */
export function* representatives(topology: Topology, records: readonly AudienceRecord[]): Generator<Subject> {
  const named = namedIn(records)
  for (const kins of kinsOf(topology).values()) {
    for (const { organization, principals } of kins) {
      const one = principals.find((p) => !named.has(p.id))
      if (one) yield { principal: one, organization, cap: null }
      for (const principal of principals)
        if (named.has(principal.id)) yield { principal, organization, cap: null }
    }
  }
}
