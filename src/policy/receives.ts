/** What an organization receives, and by which rules: for `GET /api/v1/me/clearance` (policy.md §3, §4). Pure. */
import type { Micros } from '../time.ts'
import { type Agreement, type Organization, rank, type Tlp, type Topology } from './model.ts'
import { compatriots, inForce, isCountry, isMember, patrons, reaches } from './permit.ts'

/** One rule by which an organization receives. */
export interface Received {
  by: 'agreement' | 'domestic-rule' | 'roster' | 'baseline'
  /** Country or organization that it receives from; null = every member of the baseline. */
  from: string | null
  /** The other side as the agreement names it; null for rosters and the baseline. */
  to: string | null
  /** Whose client it is, when it receives as one. */
  clientOf: string | null
  maxTlp: Tlp
  until: Micros | null
}

const lower = (a: Tlp, b: Tlp): Tlp => (rank(a) <= rank(b) ? a : b)

/** Every rule in force that reaches the organization from others, with the highest level that it lets through. */
export function received(topology: Topology, reader: Organization, now: Micros): Received[] {
  const found: Received[] = []
  for (const agreement of topology.agreements) {
    if (inForce(agreement, now)) found.push(...byAgreement(topology, agreement, reader))
  }
  for (const patron of patrons(topology, reader)) {
    if (patron.id === reader.id) continue
    found.push({ by: 'roster', from: patron.id, to: null, clientOf: patron.id, maxTlp: 'amber', until: null })
  }
  const { baseline } = topology
  if (isMember(baseline, reader)) {
    const maxTlp = lower(baseline.maxTlp, 'green')
    found.push({ by: 'baseline', from: null, to: null, clientOf: null, maxTlp, until: null })
  }
  return found
}

function byAgreement(topology: Topology, agreement: Agreement, reader: Organization): Received[] {
  const { source, target, maxTlp, validUntil } = agreement
  const origin = topology.organizations.get(source) ?? someOrganizationOf(source)
  if (origin.id === reader.id) return []
  const common = { from: source, to: target, until: validUntil }
  const reach = reaches(topology, agreement, origin, reader)
  if (reach === 'recipient') {
    const by = compatriots(origin, reader) ? 'domestic-rule' : 'agreement'
    return [{ ...common, by, clientOf: null, maxTlp }]
  }
  // Not a recipient: one of many, up to GREEN (column 7), or a client, up to AMBER (column 6).
  const found: Received[] = []
  if (reach === 'other') {
    found.push({ ...common, by: 'agreement', clientOf: null, maxTlp: lower(maxTlp, 'green') })
  }
  const patron =
    agreement.clients &&
    patrons(topology, reader).find(
      (p) => !compatriots(origin, p) && reaches(topology, agreement, origin, p) === 'recipient',
    )
  if (patron) {
    found.push({ ...common, by: 'agreement', clientOf: patron.id, maxTlp: lower(maxTlp, 'amber') })
  }
  return found
}

/** Stands for any organization of a country, where only the country counts. */
function someOrganizationOf(country: string): Organization {
  return { id: '', name: '', country, kind: 'organization', clearance: null, clients: new Set() }
}

/**
 * Time of the last change that may have widened what the organization reads of what is already there (policy.md §7):
 * such objects keep their date_added, so only a full pull brings them. null when none is known.
 */
export function lastWidening(topology: Topology, reader: Organization, now: Micros): Micros | null {
  const times: (Micros | null)[] = [reader.changed ?? null]
  for (const agreement of topology.agreements) {
    if (!inForce(agreement, now) || byAgreement(topology, agreement, reader).length === 0) continue
    times.push(agreement.validFrom, agreement.changed ?? null)
  }
  for (const patron of patrons(topology, reader)) times.push(patron.changed ?? null)
  for (const community of topology.communities.values()) {
    if (community.members.has(reader.id)) times.push(community.changed ?? null)
  }
  return times.reduce(
    (last, at) => (at !== null && at <= now && (last === null || at > last) ? at : last),
    null,
  )
}

/**
 * Organizations whose reading an agreement can change: whom it reaches, and their clients if it lets them in.
 * Organizations of the source are not spared: one country's agreement with itself is none.
 */
export function touchedBy(topology: Topology, agreement: Agreement): string[] {
  const { target } = agreement
  const reached = (organization: Organization) =>
    organization.id === target ||
    isCountry(target, organization) ||
    (topology.communities.get(target)?.members.has(organization.id) ?? false)
  const found: string[] = []
  for (const organization of topology.organizations.values()) {
    if (reached(organization) || (agreement.clients && patrons(topology, organization).some(reached))) {
      found.push(organization.id)
    }
  }
  return found.sort()
}
