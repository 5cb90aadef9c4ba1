/** The one decision: may this subject read what carries this audience, now (policy.md §3). Pure. */
import type { Micros } from '../time.ts'
import {
  type Agreement,
  type AudienceRecord,
  type Baseline,
  type Label,
  NO_COUNTRY,
  type Organization,
  rank,
  type Subject,
  type Tlp,
  type Topology,
} from './model.ts'
import { vetoed } from './veto.ts'

/** What decided, in words that the ledger and the answers for people show, such as `agreement MY>SG`. */
export interface Decision {
  yes: boolean
  /** Of a yes: the way it came by. Of a no: what stood against it. */
  rule: string
  /** The label that decided; absent when none did. */
  label?: Label
}

const no = (rule: string, label?: Label): Decision =>
  label ? { yes: false, rule, label } : { yes: false, rule }

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
  return decide(topology, subject, audience, now).yes
}

/** The same decision with the rule that made it. */
export function decide(
  topology: Topology,
  subject: Subject | null,
  audience: AudienceRecord,
  now: Micros,
): Decision {
  if (audience.own.length === 0) return no('no-label')
  if (subject && !subject.principal.active) return no('inactive')
  const origin = audience.origin ?? soleOriginator(audience.own)
  if (subject) {
    const above = audience.own.find((label) => !withinCap(subject, label))
    if (above) return no('above-cap', above)
    if (submitted(subject, audience, origin)) {
      // What may be taken out of it may be above the cap; it reads back the rest.
      return all(
        audience.any,
        (label) => (withinCap(subject, label) ? { yes: true, rule: 'submitter' } : no('above-cap', label)),
        {
          yes: true,
          rule: 'submitter',
        },
      )
    }
  }
  if (audience.held && (subject === null || subject.organization.id !== origin)) return no('embargo')
  const judge = (label: Label): Decision =>
    subject ? admits(topology, subject, label, now) : admitsAnyone(topology, label, now)
  const own = weigh(audience.own, judge)
  if (!own.yes) return own
  const parts = all(audience.any, judge, own)
  if (!parts.yes) return no('part', parts.label)
  for (const need of audience.later ?? []) {
    if (need.at !== undefined && BigInt(need.at) > now) continue
    const later = weigh(need.labels, judge)
    if (!later.yes) return no('later-version', later.label)
    const without = all(need.any, judge, later)
    if (!without.yes) return no('later-version', without.label)
  }
  return own
}

/** All labels must admit; of several yes, the strictest label's is told. */
function weigh(labels: readonly Label[], judge: (label: Label) => Decision): Decision {
  let found: Decision | null = null
  for (const label of labels) {
    const one = judge(label)
    if (!one.yes) return one
    if (found === null || rank(label.level) > rank(found.label?.level ?? 'clear')) found = { ...one, label }
  }
  return found ?? { yes: true, rule: 'no-condition' }
}

/** Of each clause, one list of labels must admit as a whole. */
function all(
  clauses: AudienceRecord['any'],
  judge: (label: Label) => Decision,
  otherwise: Decision,
): Decision {
  for (const clause of clauses ?? []) {
    let refused: Decision = no('part')
    const met = clause.some((labels) => {
      const one = weigh(labels, judge)
      if (!one.yes) refused = one
      return one.yes
    })
    if (!met) return refused
  }
  return otherwise
}

/** Records of before migration 3 do not name their originator; all of their labels are of it. */
function soleOriginator(labels: readonly Label[]): string | undefined {
  const org = labels[0]?.org
  return labels.every((label) => label.org === org) ? org : undefined
}

/** Nobody in particular: CLEAR and in its time; that the collection is public is the collection's matter. */
function admitsAnyone(topology: Topology, label: Label, now: Micros): Decision {
  if (label.level !== 'clear' || limited(label)) return no('anonymous', label)
  if (!inWindow(label, now)) return no('outside-its-time', label)
  if (vetoed(topology, label, null, now)) return no('veto', label)
  return { yes: true, rule: 'clear' }
}

const limited = (label: Label) =>
  label.releasableTo !== undefined || label.notReleasableTo !== undefined || label.clients === 'denied'

export function withinCap(subject: Subject, label: Label): boolean {
  return label.level === 'clear' || subject.cap === null || rank(label.level) <= rank(subject.cap)
}

/** A writer reads back its own while it is in the originator organization (relation 1). */
function submitted(subject: Subject, audience: AudienceRecord, origin: string | undefined): boolean {
  return audience.submitter === subject.principal.id && subject.organization.id === origin
}

/** One label against one reader. */
function admits(topology: Topology, subject: Subject, label: Label, now: Micros): Decision {
  if (!withinCap(subject, label)) return no('above-cap', label)
  const named = label.level === 'red' && (label.releasableTo?.persons ?? []).includes(subject.principal.id)
  if (label.level !== 'clear' && rank(label.level) > rank(ceiling(topology, subject, named))) {
    return no('above-clearance', label)
  }
  if (label.org === subject.organization.id) {
    if (label.level !== 'red') return { yes: true, rule: 'own-organization' }
    if (named) return { yes: true, rule: 'named-person' }
    return subject.principal.custodian ? { yes: true, rule: 'custodian' } : no('red-of-a-colleague', label)
  }
  if (!inWindow(label, now)) return no('outside-its-time', label)
  const { organization } = subject
  if (inCountries(label.notReleasableTo?.countries, organization)) return no('not-releasable-to', label)
  if (vetoed(topology, label, organization, now)) return no('veto', label)
  const released = label.releasableTo === undefined ? null : isReleasedTo(topology, label, subject, named)
  if (released === false) return no('not-released', label)
  if (label.level === 'clear') return { yes: true, rule: 'clear' }
  const origin = topology.organizations.get(label.org)
  if (!origin || label.level === 'unmarked') return no('own-organization-only', label)
  const adhoc = released === true && (topology.countries.get(origin.country)?.adhocRelease ?? true)
  const way = ways(topology, origin, organization, label.level, now)
  if (adhoc) way.recipient ??= named ? 'named-person' : 'release-list'
  const rule = hop(label, way, named)
  return rule === null ? no('no-way', label) : { yes: true, rule }
}

/** The lowest ceiling of the principal, its organization and its country (policy.md §1). @param named for RED, by a label */
export function ceiling(topology: Topology, { principal, organization }: Subject, named = false): Tlp {
  const stated: (Tlp | null | undefined)[] = [
    principal.clearance,
    organization.clearance,
    topology.countries.get(organization.country)?.clearance,
    principal.kind === 'service' && !named ? 'amber+strict' : null,
  ]
  return stated.reduce<Tlp>((low, level) => (level && rank(level) < rank(low) ? level : low), 'red')
}

export function inWindow(label: Label, now: Micros): boolean {
  return (
    (label.notBefore === undefined || now >= BigInt(label.notBefore)) &&
    (label.notAfter === undefined || now < BigInt(label.notAfter))
  )
}

export function inCountries(countries: readonly string[] | undefined, organization: Organization): boolean {
  return organization.country !== NO_COUNTRY && (countries ?? []).includes(organization.country)
}

export function isReleasedTo(topology: Topology, label: Label, subject: Subject, named: boolean): boolean {
  const list = label.releasableTo ?? {}
  const { organization } = subject
  return (
    named ||
    inCountries(list.countries, organization) ||
    (list.organizations ?? []).includes(organization.id) ||
    (list.communities ?? []).some((id) => topology.communities.get(id)?.members.has(organization.id) ?? false)
  )
}

/** How an object of one level may travel from its originator to a reader's organization; each by the rule that lets it. */
export interface Ways {
  /** Column 3: on the originator's roster. */
  client: string | null
  /** Column 5 abroad, or "D" at home: an agreement or domestic rule makes the organization a recipient. */
  recipient: string | null
  /** Column 6: client of a recipient abroad whose agreement lets clients in. */
  recipientClient: string | null
  /** Columns 4 and 7: an agreement, or the baseline, reaches it as one of many. */
  channel: string | null
}

export function ways(
  topology: Topology,
  origin: Organization,
  reader: Organization,
  level: Tlp,
  now: Micros,
): Ways {
  const way: Ways = {
    client: origin.clients.has(reader.id) && rank(level) <= rank('amber') ? `roster of ${origin.id}` : null,
    recipient: null,
    recipientClient: null,
    channel: null,
  }
  for (const agreement of topology.agreements) {
    if (rank(level) > rank(agreement.maxTlp) || !inForce(agreement, now)) continue
    if (agreement.source !== origin.id && !isCountry(agreement.source, origin)) continue
    const reach = reaches(topology, agreement, origin, reader)
    const rule = `agreement ${agreement.source}>${agreement.target}`
    if (reach === 'recipient') way.recipient ??= rule
    if (reach !== 'no') way.channel ??= rule
    if (agreement.clients && way.recipientClient === null) {
      const patron = patrons(topology, reader).find(
        (p) => !compatriots(origin, p) && reaches(topology, agreement, origin, p) === 'recipient',
      )
      if (patron) way.recipientClient = `${rule}, client of ${patron.id}`
    }
  }
  const { baseline } = topology
  if (
    rank(level) <= Math.min(rank(baseline.maxTlp), rank('green')) &&
    isMember(baseline, origin) &&
    isMember(baseline, reader)
  ) {
    way.channel ??= 'baseline'
    if (!compatriots(origin, reader)) way.recipient ??= 'baseline'
  }
  return way
}

/** Per topology, which is immutable: each organization's patrons. */
const rosters = new WeakMap<Topology, Map<string, Organization[]>>()

/** Organizations that have the reader on their roster. */
export function patrons(topology: Topology, reader: Organization): readonly Organization[] {
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

export function inForce(agreement: Agreement, now: Micros): boolean {
  return (
    agreement.signed.includes(agreement.source) &&
    agreement.signed.includes(agreement.target) &&
    (agreement.validFrom === null || now >= agreement.validFrom) &&
    (agreement.validUntil === null || now < agreement.validUntil)
  )
}

/** What an agreement makes of an organization: a recipient (column 5, or "D" at home), one of many (4, 7), or nothing. */
export function reaches(
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

export function isCountry(code: string, organization: Organization): boolean {
  return organization.country !== NO_COUNTRY && organization.country === code
}

export function compatriots(a: Organization, b: Organization): boolean {
  return a.country !== NO_COUNTRY && a.country === b.country
}

/** Is it in the multilateral baseline, and has neither it nor its country opted out? */
export function isMember({ members, optedOut }: Baseline, organization: Organization): boolean {
  const on = (list: ReadonlySet<string>) =>
    list.has(organization.id) || (organization.country !== NO_COUNTRY && list.has(organization.country))
  return !on(optedOut) && (members === null || on(members))
}

/** The table of policy.md §3 for columns 3 to 7; columns 1, 2, 8 and 9 are decided before. */
export function hop(label: Label, way: Ways, named: boolean): string | null {
  const clients = label.clients === 'denied' ? null : (way.client ?? way.recipientClient)
  switch (label.level) {
    case 'green':
      return way.recipient ?? way.channel ?? clients
    case 'amber':
      return way.recipient ?? clients
    case 'amber+strict':
      return way.recipient
    case 'red':
      return named ? way.recipient : null
    default:
      return null
  }
}
