/** The topology as the policy sees it: countries, organizations, principals, agreements (policy.md §1, §4). */
import type { Micros } from '../time.ts'

/** Levels in order (policy.md §2); `unmarked` is judged as AMBER+STRICT and reaches only its own organization. */
export type Tlp = 'clear' | 'green' | 'amber' | 'amber+strict' | 'red'
export type Level = Tlp | 'unmarked'

export const TLPS: readonly Tlp[] = ['clear', 'green', 'amber', 'amber+strict', 'red']

const RANK: Record<Level, number> = { clear: 0, green: 1, amber: 2, 'amber+strict': 3, unmarked: 3, red: 4 }

/** Position of a level in the order CLEAR < GREEN < AMBER < AMBER+STRICT < RED. */
export function rank(level: Level): number {
  return RANK[level]
}

export function isTlp(text: unknown): text is Tlp {
  return typeof text === 'string' && (TLPS as readonly string[]).includes(text)
}

/** Code of international bodies: no country rule ever matches it (policy.md §1). */
export const NO_COUNTRY = 'ZZ'

export interface Country {
  code: string
  clearance: Tlp | null
  adhocRelease: boolean
}

export interface Organization {
  id: string
  name: string
  country: string
  kind: 'national-cert' | 'organization' | 'international'
  clearance: Tlp | null
  /** The roster: ids of its client organizations. */
  clients: ReadonlySet<string>
  /** When it last changed in what it lets somebody read; absent: not known. */
  changed?: Micros
}

export interface Community {
  id: string
  title: string
  members: ReadonlySet<string>
  /** When it last changed in what it lets somebody read; absent: not known. */
  changed?: Micros
}

export interface Principal {
  id: string
  organization: string
  kind: 'person' | 'service'
  clearance: Tlp | null
  custodian: boolean
  active: boolean
  /** Grows when the password changes. */
  changed: Micros
}

export interface Agreement {
  source: string
  target: string
  maxTlp: Tlp
  recipients: 'national-cert' | 'all'
  clients: boolean
  validFrom: Micros | null
  validUntil: Micros | null
  signed: readonly string[]
  /** When it last changed in what it lets somebody read; absent: not known. */
  changed?: Micros
}

export interface Baseline {
  maxTlp: Tlp
  /** Organizations and country codes; null = every declared organization. */
  members: ReadonlySet<string> | null
  /** Organizations and country codes that neither give nor receive under it. */
  optedOut: ReadonlySet<string>
}

/**
 * A national authority's no to what originates in its country (policy.md §4). Each selector that is set must match;
 * the originating organization itself reads on.
 */
export interface Veto {
  id: string
  country: string
  /** The national CERT that spoke it. */
  by: string
  /** Countries that may not read; null = nobody outside the originating organization. */
  to: readonly string[] | null
  /** This level and stricter ones; null = every level. */
  level: Tlp | null
  /** Id of an object, or of a marking-definition; matched with `named` of a label. */
  named: string | null
  validFrom: Micros | null
  validUntil: Micros | null
}

/** Everything that decides who may read, at one epoch; immutable. */
export interface Topology {
  countries: ReadonlyMap<string, Country>
  organizations: ReadonlyMap<string, Organization>
  communities: ReadonlyMap<string, Community>
  principals: ReadonlyMap<string, Principal>
  agreements: readonly Agreement[]
  vetoes: readonly Veto[]
  baseline: Baseline
}

/** A reader: a principal seen through one credential. `null` where a Subject is asked for means anonymous. */
export interface Subject {
  principal: Principal
  organization: Organization
  /** The credential's `max_tlp`, if it has one. */
  cap: Tlp | null
}

/** One set of conditions on one object or part; all labels of an object must admit the reader (policy.md §2). */
export interface Label {
  level: Level
  /** Originating organization; '' for the standard definitions, which belong to nobody. */
  org: string
  releasableTo?: {
    countries?: string[]
    communities?: string[]
    organizations?: string[]
    persons?: string[]
  }
  notReleasableTo?: { countries: string[] }
  clients?: 'denied' | 'allowed'
  /** Microseconds since the epoch, as numbers (exact below 2^53). */
  notBefore?: number
  notAfter?: number
  /** Ids of the object, or of markings on it, that some veto has named (policy.md §4), ascending. */
  named?: string[]
}

/** What operators decided on markings that are unknown or cannot be enforced (policy.md §2), by the marking's id. */
export type Decisions = ReadonlyMap<string, Tlp | 'statement'>

export const NO_DECISIONS: Decisions = new Map()

/** Who may read a row: what is interned as an audience (policy.md §11). */
export interface AudienceRecord {
  /** Labels of this version alone, and of what it refers to (policy.md §6): all must admit. */
  own: Label[]
  /** Clauses; of each, one list of labels must admit as a whole (parts and references that may be taken out, §5, §6). */
  any?: Label[][][]
  /** The submitting organization; absent in records of before migration 3, whose labels are all of it. */
  origin?: string
  /** The principal that submitted it, who reads its own back. */
  submitter: string
  /** Labels of the chain's latest version, which must admit as well; `at` = only from that time on (an embargo). */
  later?: { labels: Label[]; any?: Label[][][]; at?: number }[]
  /** Under embargo until the release job appends it again: its own organization only. */
  held?: boolean
}

/** A collection as declared (policy.md §12), with its place in the store. */
export interface Collection {
  seq: number
  root: string
  id: string
  alias: string | null
  title: string
  description: string | null
  /** `tlp:green` and the like. */
  defaultMarking: string | null
  redaction: 'withhold' | 'redact'
  refs: 'closed' | 'own'
  onConflict: 'fail' | 'keep' | 'replace'
  strict: boolean
  stix: readonly ('2.0' | '2.1')[]
  quarantine: boolean
  public: boolean
  grants: readonly { to: string; read: boolean; write: boolean }[]
  created: Micros
  /** It has the match fields beyond the standard's; writing for them costs. */
  match: boolean
  /** It has, and all its objects are in their index. */
  matched: boolean
}

export interface Root {
  path: string
  title: string
  description: string | null
  isDefault: boolean
  /** Ascending by id (T-3.3-02). */
  collections: readonly Collection[]
  /** By id and by alias (T-5.2-02). */
  byKey: ReadonlyMap<string, Collection>
}

/** An API token: weaker than its owner, never stronger. */
export interface Token {
  id: string
  principal: string
  maxTlp: Tlp | null
  scopes: readonly ('read' | 'write')[]
  /** Ids or aliases; null = all. */
  collections: ReadonlySet<string> | null
  expires: Micros | null
  cidrs: readonly string[] | null
}

/** Everything a node knows at one epoch. `audiences` grows at its end, the rest is immutable. */
export interface World {
  epoch: bigint
  topology: Topology
  roots: ReadonlyMap<string, Root>
  tokens: ReadonlyMap<string, Token>
  settings: ReadonlyMap<string, string>
  decisions: Decisions
  audiences: (AudienceRecord | undefined)[]
  audienceCount: number
  /** Per collection (its seq), how often rows that were there have changed or gone, as decimal text. */
  rewritten: Record<string, string>
}

/** Who asks: a subject through one credential, or anonymous (`subject` null, `id` ''). */
export interface Caller {
  id: string
  subject: Subject | null
  token: Token | null
  /** Who it is all the same, when it reads as anybody does (`subject` null): for the ledger. */
  guest?: Subject
  /** Known by a JWT, which was made from another credential and makes no further ones. */
  jwt?: true
}

export const ANONYMOUS: Caller = { id: '', subject: null, token: null }
