/** Who may read under one label and not under another: for answers to the originator, never for a read. */
import type { Micros } from '../time.ts'
import type { AudienceRecord, Principal, Subject, Topology } from './model.ts'
import { permit } from './permit.ts'

/** Principals with the same answer to every label that names none of them, by one of them each. */
function* classes(topology: Topology, records: readonly AudienceRecord[]): Generator<Subject> {
  const named = new Set<string>(
    records.flatMap(({ own, any = [], later = [], submitter }) => [
      submitter,
      ...[...own, ...any.flat(2), ...later.flatMap((l) => [...l.labels, ...(l.any ?? []).flat(2)])].flatMap(
        (label) => label.releasableTo?.persons ?? [],
      ),
    ]),
  )
  const met = new Set<string>()
  for (const principal of topology.principals.values()) {
    const organization = topology.organizations.get(principal.organization)
    if (!principal.active || !organization) continue
    const key = named.has(principal.id) ? principal.id : kindOf(principal)
    if (met.has(key)) continue
    met.add(key)
    yield { principal, organization, cap: null }
  }
}

const kindOf = ({ organization, kind, clearance, custodian }: Principal) =>
  JSON.stringify([organization, kind, clearance, custodian])

/**
 * Organizations of which somebody may read under `before` and no more under `after`, at this time; '' for readers
 * without credentials.
 */
export function losers(
  topology: Topology,
  before: AudienceRecord,
  after: AudienceRecord,
  now: Micros,
): string[] {
  const lost = new Set<string>()
  const reads = (subject: Subject | null, record: AudienceRecord) => permit(topology, subject, record, now)
  for (const subject of [null, ...classes(topology, [before, after])]) {
    if (reads(subject, before) && !reads(subject, after)) lost.add(subject?.organization.id ?? '')
  }
  return [...lost].sort()
}

/** How many organizations have somebody who may read this. @param mayEnter has this principal a right to read there? */
export function countReaders(
  topology: Topology,
  record: AudienceRecord,
  now: Micros,
  mayEnter: (subject: Subject) => boolean,
): number {
  const found = new Set<string>()
  for (const principal of topology.principals.values()) {
    const organization = topology.organizations.get(principal.organization)
    if (!organization || found.has(organization.id)) continue
    const subject = { principal, organization, cap: null }
    if (mayEnter(subject) && permit(topology, subject, record, now)) found.add(organization.id)
  }
  return found.size
}
