/** Who may read under one label and not under another: for answers to the originator, never for a read. */
import type { Micros } from '../time.ts'
import { representatives } from './kin.ts'
import type { AudienceRecord, Subject, Topology } from './model.ts'
import { permit } from './permit.ts'

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
  for (const subject of [null, ...representatives(topology, [before, after])]) {
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
