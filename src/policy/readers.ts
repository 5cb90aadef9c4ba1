/** Which principals, organizations and countries an audience admits: for the answers to people (policy.md §13). Pure. */
import type { Micros } from '../time.ts'
import { rights } from './access.ts'
import { type Kin, kinsOf, labelsIn, namedIn } from './kin.ts'
import {
  type AudienceRecord,
  type Collection,
  type Label,
  NO_COUNTRY,
  type Organization,
  type Principal,
  type Subject,
  type Topology,
  type World,
} from './model.ts'
import { type Decision, decide, permit } from './permit.ts'

/** What is decided on a kin, without a token's cap. */
export interface Verdict extends Kin {
  decision: Decision
}

/** Who of an organization reads something, and by which rules. */
export interface OrganizationReaders {
  organization: Organization
  principals: Principal[]
  /** Ascending; several when its principals read by different rules. */
  rules: string[]
}

/** Ids of all organizations that have active principals, ascending. */
export function organizationsWithReaders(topology: Topology): string[] {
  return [...kinsOf(topology).keys()].sort()
}

/**
 * The decision on every kin of these organizations. A principal whom a label names, and the submitter, stand alone.
 */
export function verdicts(
  topology: Topology,
  record: AudienceRecord,
  now: Micros,
  organizations: readonly string[],
): Verdict[] {
  const named = namedIn([record])
  const found: Verdict[] = []
  const bearing = withAgreementsOf(topology, record)
  const add = (organization: Organization, principals: readonly Principal[]) => {
    const [principal] = principals
    if (!principal) return
    const decision = decide(bearing, { principal, organization, cap: null }, record, now)
    found.push({ organization, principals, decision })
  }
  const kins = kinsOf(topology)
  for (const id of organizations) {
    for (const { organization, principals } of kins.get(id) ?? []) {
      const apart = principals.filter((p) => named.has(p.id))
      add(organization, apart.length === 0 ? principals : principals.filter((p) => !named.has(p.id)))
      for (const principal of apart) add(organization, [principal])
    }
  }
  return found
}

const MOST_KEPT = 128
const narrowed = new WeakMap<Topology, Map<string, Topology>>()

/** The topology with only those agreements that give what these organizations originate: others decide nothing. */
function withAgreementsOf(topology: Topology, record: AudienceRecord): Topology {
  const origins = [...new Set(labelsIn(record).map((label) => label.org))].sort()
  const key = JSON.stringify(origins)
  let kept = narrowed.get(topology)
  if (!kept) {
    kept = new Map()
    narrowed.set(topology, kept)
  }
  let found = kept.get(key)
  if (!found) {
    const sources = new Set(origins.flatMap((id) => [id, topology.organizations.get(id)?.country ?? id]))
    found = { ...topology, agreements: topology.agreements.filter((a) => sources.has(a.source)) }
    if (kept.size >= MOST_KEPT) kept.clear()
    kept.set(key, found)
  }
  return found
}

interface Kept {
  from: Micros
  until: Micros
  verdicts: readonly Verdict[]
}

const keptByTopology = new WeakMap<Topology, Map<string, Kept>>()

/** The decision on every kin there is; kept per topology and audience until a time window begins or ends. */
export function allVerdicts(topology: Topology, record: AudienceRecord, now: Micros): readonly Verdict[] {
  let kept = keptByTopology.get(topology)
  if (!kept) {
    kept = new Map()
    keptByTopology.set(topology, kept)
  }
  const key = JSON.stringify(record)
  const found = kept.get(key)
  if (found && now >= found.from && now < found.until) return found.verdicts
  const made = {
    from: now,
    until: nextChange(topology, record, now),
    verdicts: verdicts(topology, record, now, organizationsWithReaders(topology)),
  }
  if (kept.size >= MOST_KEPT) kept.clear()
  kept.set(key, made)
  return made.verdicts
}

/** The first moment after `now` at which a decision on this record may change by itself. */
function nextChange(topology: Topology, record: AudienceRecord, now: Micros): Micros {
  const times = [...topology.agreements, ...topology.vetoes].flatMap((a) => [a.validFrom, a.validUntil])
  for (const { notBefore, notAfter } of labelsIn(record)) {
    for (const at of [notBefore, notAfter]) if (at !== undefined) times.push(BigInt(at))
  }
  for (const { at } of record.later ?? []) if (at !== undefined) times.push(BigInt(at))
  let next = 1n << 62n
  for (const at of times) if (at !== null && at > now && at < next) next = at
  return next
}

const readingPrincipals = new WeakMap<
  Collection,
  { principals: Topology['principals']; ids: ReadonlySet<string> }
>()

/** Active principals whose grants let them read from a collection, each without a token. */
function mayRead(world: World, collection: Collection): ReadonlySet<string> {
  // Collections and principals are read anew together; a simulated world has those of the real one.
  const { principals: all } = world.topology
  const kept = readingPrincipals.get(collection)
  if (kept?.principals === all) return kept.ids
  const ids = new Set<string>()
  for (const kins of kinsOf(world.topology).values()) {
    for (const { organization, principals } of kins) {
      for (const principal of principals) {
        const subject: Subject = { principal, organization, cap: null }
        if (rights(world, { id: principal.id, subject, token: null }, collection)?.read) ids.add(principal.id)
      }
    }
  }
  readingPrincipals.set(collection, { principals: all, ids })
  return ids
}

/** Who reads, ascending by organization: whom the decision admits and the collection's grants let read. */
export function readersOf(
  world: World,
  collection: Collection,
  record: AudienceRecord,
  now: Micros,
): OrganizationReaders[] {
  return admitted(world, collection, record, now, allVerdicts(world.topology, record, now))
}

/** The same, of some organizations only. */
export function readersAmong(
  world: World,
  collection: Collection,
  record: AudienceRecord,
  now: Micros,
  organizations: readonly string[],
): OrganizationReaders[] {
  return admitted(world, collection, record, now, verdicts(world.topology, record, now, organizations))
}

/** Does anybody read it, as the collection is public? Then every principal does, whatever its grants. */
export function openToAnybody(
  { topology }: World,
  collection: Collection,
  record: AudienceRecord,
  now: Micros,
): boolean {
  return collection.public && permit(topology, null, record, now)
}

function admitted(
  world: World,
  collection: Collection,
  record: AudienceRecord,
  now: Micros,
  all: readonly Verdict[],
): OrganizationReaders[] {
  const may = openToAnybody(world, collection, record, now) ? null : mayRead(world, collection)
  const found = new Map<string, OrganizationReaders>()
  for (const { organization, principals, decision } of all) {
    if (!decision.yes) continue
    const reading = may ? principals.filter((p) => may.has(p.id)) : principals
    if (reading.length === 0) continue
    let entry = found.get(organization.id)
    if (!entry) {
      entry = { organization, principals: [], rules: [] }
      found.set(organization.id, entry)
    }
    entry.principals.push(...reading)
    if (!entry.rules.includes(decision.rule)) entry.rules.push(decision.rule)
  }
  const list = [...found.values()]
  for (const entry of list) entry.rules.sort()
  return list.sort((a, b) => (a.organization.id < b.organization.id ? -1 : 1))
}

/** A country, an organization or one principal: whose view is asked for. */
export interface Party {
  kind: 'country' | 'organization' | 'principal'
  organizations: string[]
  /** Of kind `principal`: the only one that counts. */
  principal: string | null
}

/** What a name means, a country before an organization before a principal; null when nothing has it. ZZ is no country. */
export function partyOf(topology: Topology, name: string): Party | null {
  if (name === NO_COUNTRY) return null
  const ofCountry = [...topology.organizations.values()].filter((o) => o.country === name).map((o) => o.id)
  if (topology.countries.has(name) || ofCountry.length > 0) {
    return { kind: 'country', organizations: ofCountry, principal: null }
  }
  if (topology.organizations.has(name)) {
    return { kind: 'organization', organizations: [name], principal: null }
  }
  const principal = topology.principals.get(name)
  if (!principal) return null
  return { kind: 'principal', organizations: [principal.organization], principal: principal.id }
}

/** Who of a party reads. */
export function readersWithin(
  world: World,
  party: Party,
  collection: Collection,
  record: AudienceRecord,
  now: Micros,
): OrganizationReaders[] {
  if (party.principal === null) return readersAmong(world, collection, record, now, party.organizations)
  const one = verdicts(world.topology, record, now, party.organizations).flatMap((verdict) => {
    const principals = verdict.principals.filter((p) => p.id === party.principal)
    return principals.length > 0 ? [{ ...verdict, principals }] : []
  })
  return admitted(world, collection, record, now, one)
}

/** A label without what versions beside the latest demand that another's embargo holds (`bindingOf`): of these nobody is told. */
export function besideLeftOut(label: AudienceRecord): AudienceRecord {
  const { later, ...rest } = label
  const ahead = later?.filter(({ at }) => at !== undefined) ?? []
  if (ahead.length === (later?.length ?? 0)) return label
  return { ...rest, ...(ahead.length > 0 && { later: ahead }) }
}

/**
 * A record without what came into it from objects that the subject, who sees the row, may not see: the answers must
 * be the same when those are deleted.
 * @param marks labels of the row's own markings, which are known whatever they say
 */
export function knownTo(
  topology: Topology,
  subject: Subject,
  record: AudienceRecord,
  marks: readonly Label[],
  now: Micros,
): AudienceRecord {
  const origin = record.origin ?? record.own[0]?.org
  const own = new Set(marks.map((label) => JSON.stringify(label)))
  const sees = (own: Label[]) => decide(topology, subject, { own, submitter: '' }, now).yes
  const mine = (label: Label) => own.has(JSON.stringify(label))
  const some = record.own.some((label) => !mine(label) && !sees([label]))
  // A window stands beside the label that it goes with: where that is hidden, it is taken for one of the same object.
  const windowed = ({ notBefore, notAfter }: Label) => notBefore !== undefined || notAfter !== undefined
  const known = (labels: Label[]) =>
    labels.filter((label) => mine(label) || (sees([label]) && !(some && windowed(label))))
  const later = (labels: Label[]) => labels.filter((label) => label.org === origin || sees([label]))
  const lists = (clauses: Label[][][]) =>
    clauses
      .map((clause) => clause.filter((labels) => labels.every((l) => l.org === origin) || sees(labels)))
      .filter((clause) => clause.length > 0)
  const { any, later: demands, held, ...rest } = record
  const left = known(record.own)
  return {
    ...rest,
    own: left,
    ...(held && left.some(({ notBefore }) => notBefore !== undefined) && { held }),
    ...(any && { any: lists(any) }),
    ...(demands && {
      later: demands.map(({ any: parts, labels, ...at }) => ({
        ...at,
        labels: later(labels),
        ...(parts && { any: lists(parts) }),
      })),
    }),
  }
}
