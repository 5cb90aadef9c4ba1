/**
 * The reference model: policy.md §3, §4 and §7 read literally, written apart from `src/policy/permit.ts` and
 * kept slow and plain. The reader's columns are computed first, then their letters are looked up in the table.
 */
import {
  type Agreement,
  type AudienceRecord,
  type Label,
  type Level,
  NO_COUNTRY,
  type Organization,
  rank,
  type Subject,
  type Tlp,
  type Topology,
} from '../../src/policy/model.ts'
import type { Micros } from '../../src/time.ts'

/** Y yes · M member with a channel · K client allowed · D domestic rule · N named · C custodian · - no (§3). */
type Letter = 'Y' | 'M' | 'K' | 'D' | 'N' | 'C' | '-'
type Column = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9

/** The table of §3, cell by cell; column 9 of CLEAR also needs a public collection, which is not ours to know. */
export const TABLE: Record<Level, string> = {
  //               1 2 3 4 5 6 7 8 9
  clear: /*     */ 'Y Y Y Y Y Y Y Y Y',
  green: /*     */ 'Y Y M M M M M - -',
  amber: /*     */ 'Y Y K D Y K - - -',
  'amber+strict': 'Y Y - D Y - - - -',
  red: /*       */ 'Y C - N N - - - -',
  unmarked: /*  */ 'Y Y - - - - - - -',
}

function letterAt(level: Level, column: Column): Letter {
  return TABLE[level].split(' ')[column - 1] as Letter
}

/** One question: may this reader, at this time, read what carries this one label? */
interface Question {
  topology: Topology
  reader: Subject
  label: Label
  now: Micros
}

// --- countries and organizations -------------------------------------------------------------------------

/** "`ZZ` is no country: no country rule names it" (§1). */
function countryOf(organization: Organization): string | null {
  return organization.country === NO_COUNTRY ? null : organization.country
}

/** "two ZZ organizations are not compatriots" (§1). */
function compatriots(a: Organization, b: Organization): boolean {
  return countryOf(a) !== null && countryOf(a) === countryOf(b)
}

function originatorOf(q: Question): Organization | undefined {
  return q.topology.organizations.get(q.label.org)
}

// --- agreements in force (§4) ----------------------------------------------------------------------------

/** "In force only when both sides have signed, from `valid_from` and before `valid_until`." */
function inForce(a: Agreement, now: Micros): boolean {
  const bothSigned = [a.source, a.target].every((side) => a.signed.includes(side))
  const begun = a.validFrom === null || a.validFrom <= now
  const notEnded = a.validUntil === null || now < a.validUntil
  return bothSigned && begun && notEnded
}

/** The agreements in force at `level` or above whose `from` is the originator or its country. */
function given(q: Question, level: Level): Agreement[] {
  const originator = originatorOf(q)
  if (!originator) return []
  return q.topology.agreements.filter(
    (a) =>
      inForce(a, q.now) &&
      rank(a.maxTlp) >= rank(level) &&
      (a.source === originator.id || a.source === countryOf(originator)),
  )
}

/** Is `organization` the `to` of the agreement, or in the country or community that is? */
function within(topology: Topology, a: Agreement, organization: Organization): boolean {
  return (
    a.target === organization.id ||
    a.target === countryOf(organization) ||
    topology.communities.get(a.target)?.members.has(organization.id) === true
  )
}

/** "An agreement with one organization reaches that organization"; otherwise `recipients` says who. */
function isRecipient(topology: Topology, a: Agreement, organization: Organization): boolean {
  if (a.target === organization.id) return true
  return (
    within(topology, a, organization) && (a.recipients === 'all' || organization.kind === 'national-cert')
  )
}

/** "A domestic rule is an agreement whose `to` is an organization of the originator's own country." */
function domesticRuleNames(q: Question, level: Level): boolean {
  const originator = originatorOf(q)
  const organization = q.reader.organization
  if (!originator || !compatriots(originator, organization)) return false
  return given(q, level).some((a) => a.target === organization.id)
}

/** Agreements under which the organization is a recipient in another country (column 5). */
function asForeignRecipient(q: Question, level: Level, organization: Organization): Agreement[] {
  const originator = originatorOf(q)
  if (!originator || originator.id === organization.id || compatriots(originator, organization)) return []
  return given(q, level).filter((a) => isRecipient(q.topology, a, organization))
}

/** Agreements under which the reader's organization is a client of such a recipient (column 6). */
function asClientOfRecipient(q: Question, level: Level): Agreement[] {
  const found: Agreement[] = []
  for (const recipient of q.topology.organizations.values()) {
    if (!recipient.clients.has(q.reader.organization.id)) continue
    found.push(...asForeignRecipient(q, level, recipient))
  }
  return found
}

/** "lets vetted members share up to GREEN with the whole community, inside a country too" (§4). */
function baselineJoins(q: Question, level: Level): boolean {
  const { members, maxTlp, optedOut } = q.topology.baseline
  const originator = originatorOf(q)
  if (!originator || rank(level) > rank(maxTlp) || rank(level) > rank('green')) return false
  return [originator, q.reader.organization].every((o) => {
    if (!q.topology.organizations.has(o.id)) return false
    const country = countryOf(o)
    // "a country or organization that opted out neither gives nor receives under it"
    if (optedOut.has(o.id) || (country !== null && optedOut.has(country))) return false
    if (members === null) return true
    return members.has(o.id) || (country !== null && members.has(country))
  })
}

// --- vetoes (§4) -----------------------------------------------------------------------------------------

/**
 * "A national authority may veto (by country, level, object or label) anything that originates in its country": what is
 * said of it must all be so. Who is anonymous may be of any country, and is of each that is refused.
 */
function vetoed(
  topology: Topology,
  label: Label,
  readerCountry: string | null | 'anonymous',
  now: Micros,
): boolean {
  const originator = topology.organizations.get(label.org)
  for (const v of topology.vetoes) {
    const originates = originator !== undefined && countryOf(originator) === v.country
    const begun = v.validFrom === null || v.validFrom <= now
    const notOver = v.validUntil === null || now < v.validUntil
    const byCountry =
      v.to === null ||
      readerCountry === 'anonymous' ||
      (readerCountry !== null && v.to.includes(readerCountry))
    const byLevel = v.level === null || rank(label.level) >= rank(v.level)
    const byName = v.named === null || label.named?.includes(v.named) === true
    if (originates && begun && notOver && byCountry && byLevel && byName) return true
  }
  return false
}

// --- releasable_to (§2, §4) ------------------------------------------------------------------------------

/** "`persons` counts for RED only" (§2). */
function namedAsPerson(q: Question): boolean {
  const persons = q.label.releasableTo?.persons ?? []
  return q.label.level === 'red' && persons.includes(q.reader.principal.id)
}

/** Its country, a community of it, or the organization itself is on the release list. */
function namedAsOrganization(q: Question): boolean {
  const list = q.label.releasableTo
  const organization = q.reader.organization
  const country = countryOf(organization)
  return (
    (country !== null && (list?.countries ?? []).includes(country)) ||
    (list?.organizations ?? []).includes(organization.id) ||
    (list?.communities ?? []).some((id) => q.topology.communities.get(id)?.members.has(organization.id))
  )
}

/** "unless the national authority disabled ad-hoc release (at home too)"; what is declared for ZZ tightens as well. */
function adhocAllowed(q: Question): boolean {
  const originator = originatorOf(q)
  if (!originator) return false
  return q.topology.countries.get(originator.country)?.adhocRelease !== false
}

/** "at the object's own level, an ad-hoc agreement" with the reader's organization. */
function adhocReaches(q: Question): boolean {
  return namedAsOrganization(q) && adhocAllowed(q)
}

// --- the nine relations, in the words of §3 --------------------------------------------------------------

/** "Services are capped at AMBER+STRICT" with "a principal's clearance = the lowest of ..." (§1). */
function clearanceOf(q: Question): Tlp {
  const { principal, organization } = q.reader
  const ceilings: (Tlp | null | undefined)[] = [
    principal.clearance,
    organization.clearance,
    q.topology.countries.get(organization.country)?.clearance,
    principal.kind === 'service' && !namedAsPerson(q) ? 'amber+strict' : null,
  ]
  return ceilings.reduce<Tlp>((low, c) => (c && rank(c) < rank(low) ? c : low), 'red')
}

const RELATIONS: Record<1 | 2 | 3 | 4 | 5 | 6 | 7, (q: Question) => boolean> = {
  // 1 submitter or named person: "where ad-hoc release is disabled, a person named for RED needs an
  // organization that an agreement or domestic rule makes a recipient at RED" (columns 4 and 5, letter N)
  1: (q) => namedAsPerson(q) && adhocAllowed(q),
  // 2 same organization
  2: (q) => q.reader.organization.id === q.label.org,
  // 3 client of the originator
  3: (q) => originatorOf(q)?.clients.has(q.reader.organization.id) === true,
  // 4 other organization of the same country
  4: (q) => {
    const originator = originatorOf(q)
    const own = q.reader.organization
    return originator !== undefined && originator.id !== own.id && compatriots(originator, own)
  },
  // 5 recipient organization of a partner country under an agreement >= level (ad-hoc ones too)
  5: (q) => {
    const abroad = !RELATIONS[2](q) && !RELATIONS[4](q)
    return (
      abroad && (asForeignRecipient(q, q.label.level, q.reader.organization).length > 0 || adhocReaches(q))
    )
  },
  // 6 client of such a recipient
  6: (q) => asClientOfRecipient(q, q.label.level).length > 0,
  // 7 another organization there ("an agreement with one organization reaches ... nobody else there")
  7: (q) => {
    const abroad = !RELATIONS[2](q) && !RELATIONS[4](q)
    const level = q.label.level
    return (
      abroad &&
      (given(q, level).some((a) => within(q.topology, a, q.reader.organization)) || baselineJoins(q, level))
    )
  },
}

/** Every column the reader stands in; 8, "no agreement", when in none of the others. */
export function columnsOf(q: Question): Set<Column> {
  const columns = new Set<Column>()
  for (const column of [1, 2, 3, 4, 5, 6, 7] as const) if (RELATIONS[column](q)) columns.add(column)
  return columns.size > 0 ? columns : new Set([8])
}

// --- the letters -----------------------------------------------------------------------------------------

/** A channel at >= GREEN for a reader who stands in this column. */
function channelForGreen(q: Question, column: Column): boolean {
  switch (column) {
    case 3: // the roster
      return q.label.clients !== 'denied'
    case 4:
    case 5:
    case 7: {
      const reached = given(q, 'green').some((a) => within(q.topology, a, q.reader.organization))
      return reached || baselineJoins(q, 'green') || adhocReaches(q)
    }
    case 6: // "needs `clients: true` in the agreement for GREEN as well"
      return q.label.clients !== 'denied' && asClientOfRecipient(q, 'green').some((a) => a.clients)
    default:
      return false
  }
}

const LETTERS: Record<Letter, (q: Question, column: Column) => boolean> = {
  Y: () => true,
  '-': () => false,
  // member of the object's community (default: all vetted organizations, and every declared one is vetted)
  M: (q, column) => q.topology.organizations.has(q.reader.organization.id) && channelForGreen(q, column),
  // on the roster, clients allowed by label and agreement
  K: (q, column) => {
    if (q.label.clients === 'denied') return false
    return column === 3 || asClientOfRecipient(q, q.label.level).some((a) => a.clients)
  },
  // only if a domestic rule names that organization; an ad-hoc release is one, at the object's own level
  D: (q) => domesticRuleNames(q, q.label.level) || adhocReaches(q),
  // only if named, by an organization that an agreement or domestic rule makes a recipient at RED
  N: (q, column) => namedAsPerson(q) && (column === 5 || domesticRuleNames(q, 'red')),
  C: (q) => (q.reader.principal.custodian && q.reader.principal.kind === 'person') || namedAsPerson(q),
}

// --- the decision ----------------------------------------------------------------------------------------

function aboveCap(reader: Subject, label: Label): boolean {
  return reader.cap !== null && label.level !== 'clear' && rank(label.level) > rank(reader.cap)
}

/** One label, one reader who has not submitted under it: §3 from the clearance on. */
function labelAdmits(q: Question): boolean {
  const { reader, label, now } = q
  if (aboveCap(reader, label)) return false
  if (label.level !== 'clear' && rank(label.level) > rank(clearanceOf(q))) return false
  if (RELATIONS[2](q) && LETTERS[letterAt(label.level, 2)](q, 2)) return true
  if (label.notBefore !== undefined && now < BigInt(label.notBefore)) return false
  if (label.notAfter !== undefined && now >= BigInt(label.notAfter)) return false
  const country = countryOf(reader.organization)
  if (country !== null && label.notReleasableTo?.countries.includes(country)) return false
  if (vetoed(q.topology, label, country, now)) return false
  if (label.releasableTo && !namedAsOrganization(q) && !namedAsPerson(q)) return false
  for (const column of columnsOf(q)) if (LETTERS[letterAt(label.level, column)](q, column)) return true
  return false
}

/** Anonymous: "CLEAR in collections flagged `public`, nothing else" (§1), in its time and with no limit on it (§2). */
function labelAdmitsAnonymous(topology: Topology, label: Label, now: Micros): boolean {
  if (letterAt(label.level, 9) !== 'Y') return false
  if (label.notBefore !== undefined && now < BigInt(label.notBefore)) return false
  if (label.notAfter !== undefined && now >= BigInt(label.notAfter)) return false
  if (vetoed(topology, label, 'anonymous', now)) return false
  return !label.releasableTo && !label.notReleasableTo && label.clients !== 'denied'
}

/** The originator of a version, when its labels tell: those joined from others' objects (§6) carry other names. */
function soleOriginator(labels: readonly Label[]): string | null {
  const names = new Set(labels.map((label) => label.org))
  return names.size === 1 ? (labels[0]?.org ?? null) : null
}

/** What a reader is to one label by itself: admitted, and within the cap of its credential. */
export interface Judge {
  admits(label: Label): boolean
  withinCap(label: Label): boolean
}

export function judgeOf(topology: Topology, reader: Subject | null, now: Micros): Judge {
  return {
    admits: (label) =>
      reader === null
        ? labelAdmitsAnonymous(topology, label, now)
        : reader.principal.active && labelAdmits({ topology, reader, label, now }),
    withinCap: (label) => reader === null || !aboveCap(reader, label),
  }
}

/** Of parts and references that may be taken out, enough are left when one list of each clause admits whole (§5, §6). */
function enoughIsLeft(clauses: AudienceRecord['any'], admits: (label: Label) => boolean): boolean {
  return (clauses ?? []).every((clause) => clause.some((labels) => labels.every(admits)))
}

/**
 * May the reader see a version with these labels? All labels must admit (§2), those of what it refers to as well (§6),
 * and the latest version's by themselves (§7); the submitter's right to read back is per version and stops at no
 * later label.
 */
export function mayRead(
  topology: Topology,
  reader: Subject | null,
  record: AudienceRecord,
  now: Micros,
): boolean {
  const { own, any, origin, submitter, held = false, later = [] } = record
  if (own.length === 0) return false // "Never CLEAR": what carries no label admits nobody
  const { admits, withinCap } = judgeOf(topology, reader, now)
  const originator = origin ?? soleOriginator(own)
  if (reader !== null) {
    if (!reader.principal.active || !own.every(withinCap)) return false
    const inOriginator = reader.organization.id === originator
    // It reads its own back, of whatever label, without the parts that are above its credential's cap.
    if (inOriginator && reader.principal.id === submitter) return enoughIsLeft(any, withinCap)
    if (held && !inOriginator) return false
  } else if (held) return false
  const binding = later.filter((l) => l.at === undefined || now >= BigInt(l.at))
  return [{ labels: own, any }, ...binding].every(
    (version) => version.labels.every(admits) && enoughIsLeft(version.any, admits),
  )
}
