/** The one decision: may this subject read what carries this audience, now (policy.md §3). Pure. */
import type { Micros } from '../time.ts'
import {
  type Agreement,
  type AudienceRecord,
  type Label,
  NO_COUNTRY,
  type Organization,
  rank,
  type Subject,
  type Tlp,
  type Topology,
} from './model.ts'

/**
 * Decides on one row.
 * @param subject the reader, or null for anonymous
 * @param now microseconds since the epoch
 * @returns true when every label admits the reader, or when it reads back what it submitted itself
 */
export function permit(
  topology: Topology,
  subject: Subject | null,
  audience: AudienceRecord,
  now: Micros,
): boolean {
  if (audience.own.length === 0) return false
  if (subject === null) return anonymous(audience, now)
  if (!subject.principal.active) return false
  if (!audience.own.every((label) => withinCap(subject, label))) return false
  if (readsBack(subject, audience)) return true
  if (!audience.own.every((label) => admits(topology, subject, label, audience.held === true, now)))
    return false
  return (audience.later ?? []).every(
    (need) =>
      (need.at !== undefined && BigInt(need.at) > now) ||
      need.labels.every((label) => withinCap(subject, label) && admits(topology, subject, label, false, now)),
  )
}

/** Nobody in particular: CLEAR and in its time; that the collection is public is the collection's matter. */
function anonymous(audience: AudienceRecord, now: Micros): boolean {
  if (audience.held) return false
  const open = (label: Label) => label.level === 'clear' && inWindow(label, now) && !limited(label)
  return (
    audience.own.every(open) &&
    (audience.later ?? []).every(
      (need) => (need.at !== undefined && BigInt(need.at) > now) || need.labels.every(open),
    )
  )
}

const limited = (label: Label) =>
  label.releasableTo !== undefined || label.notReleasableTo !== undefined || label.clients !== undefined

function withinCap(subject: Subject, label: Label): boolean {
  return label.level === 'clear' || subject.cap === null || rank(label.level) <= rank(subject.cap)
}

/** A writer reads back its own while it is in the originator organization (relation 1). */
function readsBack(subject: Subject, audience: AudienceRecord): boolean {
  return (
    audience.submitter === subject.principal.id &&
    audience.own.every((label) => label.org === subject.organization.id)
  )
}

/** One label against one reader, the cap apart. `held`: under embargo, its own organization only. */
function admits(topology: Topology, subject: Subject, label: Label, held: boolean, now: Micros): boolean {
  const named = label.level === 'red' && (label.releasableTo?.persons ?? []).includes(subject.principal.id)
  if (label.level !== 'clear' && rank(label.level) > clearance(topology, subject, named)) return false
  if (label.org === subject.organization.id) {
    return label.level !== 'red' || named || subject.principal.custodian
  }
  if (held || !inWindow(label, now)) return false
  const { organization } = subject
  if (inCountries(label.notReleasableTo?.countries, organization)) return false
  const released = label.releasableTo === undefined ? null : isReleasedTo(topology, label, subject, named)
  if (released === false) return false
  if (label.level === 'clear') return true
  const origin = topology.organizations.get(label.org)
  if (!origin || label.level === 'unmarked') return false
  const adhoc = released === true && (topology.countries.get(origin.country)?.adhocRelease ?? true)
  const way = ways(topology, origin, organization, label.level, now)
  return hop(label, { ...way, recipient: way.recipient || adhoc }, named)
}

/** The lowest ceiling of the principal, its organization and its country, as a rank (policy.md §1). */
function clearance(topology: Topology, subject: Subject, named: boolean): number {
  const { principal, organization } = subject
  let ceiling = rank('red')
  const lower = (level: Tlp | null | undefined) => {
    if (level) ceiling = Math.min(ceiling, rank(level))
  }
  lower(principal.clearance)
  lower(organization.clearance)
  lower(topology.countries.get(organization.country)?.clearance)
  if (principal.kind === 'service' && !named) lower('amber+strict')
  return ceiling
}

function inWindow(label: Label, now: Micros): boolean {
  return (
    (label.notBefore === undefined || now >= BigInt(label.notBefore)) &&
    (label.notAfter === undefined || now < BigInt(label.notAfter))
  )
}

function inCountries(countries: readonly string[] | undefined, organization: Organization): boolean {
  return organization.country !== NO_COUNTRY && (countries ?? []).includes(organization.country)
}

function isReleasedTo(topology: Topology, label: Label, subject: Subject, named: boolean): boolean {
  const list = label.releasableTo ?? {}
  const { organization } = subject
  return (
    named ||
    inCountries(list.countries, organization) ||
    (list.organizations ?? []).includes(organization.id) ||
    (list.communities ?? []).some((id) => topology.communities.get(id)?.members.has(organization.id) ?? false)
  )
}

/** How an object of one level may travel from its originator to a reader's organization. */
interface Ways {
  /** Column 3: on the originator's roster. */
  client: boolean
  /** Column 5 abroad, or "D" at home: an agreement or domestic rule makes the organization a recipient. */
  recipient: boolean
  /** Column 6: client of a recipient abroad whose agreement lets clients in. */
  recipientClient: boolean
  /** Columns 4 and 7: an agreement, or the baseline, reaches it as one of many. */
  channel: boolean
}

function ways(topology: Topology, origin: Organization, reader: Organization, level: Tlp, now: Micros): Ways {
  const way: Ways = {
    client: origin.clients.has(reader.id) && rank(level) <= rank('amber'),
    recipient: false,
    recipientClient: false,
    channel: false,
  }
  const { baseline } = topology
  if (
    rank(level) <= Math.min(rank(baseline.maxTlp), rank('green')) &&
    isMember(baseline.members, origin) &&
    isMember(baseline.members, reader)
  ) {
    way.channel = true
    if (!compatriots(origin, reader)) way.recipient = true
  }
  for (const agreement of topology.agreements) {
    if (rank(level) > rank(agreement.maxTlp) || !inForce(agreement, now)) continue
    if (agreement.source !== origin.id && !isCountry(agreement.source, origin)) continue
    const reach = reaches(topology, agreement, origin, reader)
    if (reach === 'recipient') way.recipient = true
    if (reach !== 'no') way.channel = true
    if (agreement.clients && !way.recipientClient) {
      way.recipientClient = patrons(topology, reader).some(
        (patron) =>
          !compatriots(origin, patron) && reaches(topology, agreement, origin, patron) === 'recipient',
      )
    }
  }
  return way
}

/** Per topology, which is immutable: each organization's patrons. */
const rosters = new WeakMap<Topology, Map<string, Organization[]>>()

/** Organizations that have the reader on their roster. */
function patrons(topology: Topology, reader: Organization): readonly Organization[] {
  let found = rosters.get(topology)
  if (!found) {
    found = new Map()
    for (const organization of topology.organizations.values()) {
      for (const client of organization.clients) {
        const list = found.get(client)
        if (list) list.push(organization)
        else found.set(client, [organization])
      }
    }
    rosters.set(topology, found)
  }
  return found.get(reader.id) ?? []
}

function inForce(agreement: Agreement, now: Micros): boolean {
  return (
    agreement.signed.includes(agreement.source) &&
    agreement.signed.includes(agreement.target) &&
    (agreement.validFrom === null || now >= agreement.validFrom) &&
    (agreement.validUntil === null || now < agreement.validUntil)
  )
}

/** What an agreement makes of an organization: a recipient (column 5, or "D" at home), one of many (4, 7), or nothing. */
function reaches(
  topology: Topology,
  agreement: Agreement,
  origin: Organization,
  reader: Organization,
): 'recipient' | 'other' | 'no' {
  if (agreement.target === reader.id) return 'recipient'
  const reached =
    isCountry(agreement.target, reader) ||
    (topology.communities.get(agreement.target)?.members.has(reader.id) ?? false)
  if (!reached) return 'no'
  if (compatriots(origin, reader)) return 'other'
  return agreement.recipients === 'all' || reader.kind === 'national-cert' ? 'recipient' : 'other'
}

function isCountry(code: string, organization: Organization): boolean {
  return organization.country !== NO_COUNTRY && organization.country === code
}

function compatriots(a: Organization, b: Organization): boolean {
  return a.country !== NO_COUNTRY && a.country === b.country
}

function isMember(members: ReadonlySet<string> | null, organization: Organization): boolean {
  if (members === null) return true
  return (
    members.has(organization.id) || (organization.country !== NO_COUNTRY && members.has(organization.country))
  )
}

/** The table of policy.md §3 for columns 3 to 7; columns 1, 2, 8 and 9 are decided before. */
function hop(label: Label, way: Ways, named: boolean): boolean {
  const clients = label.clients !== 'denied' && (way.client || way.recipientClient)
  switch (label.level) {
    case 'green':
      return way.recipient || way.channel || clients
    case 'amber':
      return way.recipient || clients
    case 'amber+strict':
      return way.recipient
    case 'red':
      return named && way.recipient
    default:
      return false
  }
}
