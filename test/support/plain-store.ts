/**
 * The plain reference of a read: every stored row, its labels read anew from its text (policy.md §2, §5), who may
 * see it by test/matrix/reference.ts, and TAXII's selection (§3.4, §3.4.1; policy.md §9) in loops over lists.
 */
import type pg from 'pg'
import type { DeclaredCollection, DeclaredTopology } from '../../src/policy/declared.ts'
import {
  type Label,
  type Level,
  rank,
  type Subject,
  type Tlp,
  type Topology,
} from '../../src/policy/model.ts'
import { RELEASE_EXTENSION } from '../../src/stix/index.ts'
import { type Micros, parseMicros } from '../../src/time.ts'
import { mayRead } from '../matrix/reference.ts'
import type { StixObject } from './client.ts'
import { TLP } from './stix.ts'

export interface Row {
  collection: number
  collectionId: string
  position: bigint
  accepted: bigint
  held: bigint | null
  spec: number
  sco: boolean
  standard: boolean
  id: string
  type: string
  key: string
  version: string
  organization: string
  principal: string
  body: string
}

/** Everything that is stored, as its owner sees it. */
export async function storedRows(client: pg.Client): Promise<Row[]> {
  const { rows } = await client.query(`select i.collection, c.id::text as "collectionId", position::text,
      accepted::text, held_until::text as held, spec, sco, standard, object_id as id, type, version_key as key,
      version, organization, principal, body
    from item i join collection c on c.seq = i.collection order by collection, i.position`)
  return rows.map((r) => ({
    ...r,
    position: BigInt(r.position),
    accepted: BigInt(r.accepted),
    held: r.held === null ? null : BigInt(r.held),
  }))
}

export function topologyOf(d: DeclaredTopology): Topology {
  return {
    countries: new Map(d.countries.map((c) => [c.code, c])),
    organizations: new Map(d.organizations.map((o) => [o.id, { ...o, clients: new Set(o.clients) }])),
    communities: new Map(d.communities.map((c) => [c.id, { ...c, members: new Set(c.members) }])),
    principals: new Map(d.principals.map((p) => [p.id, { ...p, changed: 0n }])),
    agreements: d.agreements,
    vetoes: d.vetoes.map((v, i) => ({ ...v, id: `${i}` })),
    baseline: {
      optedOut: new Set(d.optOuts),
      maxTlp: d.baseline.maxTlp,
      members: d.baseline.members === null ? null : new Set(d.baseline.members),
    },
  }
}

// --- labels, read from the text --------------------------------------------------------------------------

const LEVEL_OF = new Map<string, Tlp>(Object.entries(TLP).map(([level, id]) => [id, level as Tlp]))

const higher = (a: Level, b: Level): Level => (rank(b) > rank(a) ? b : a)

interface Condition {
  releasable_to?: Label['releasableTo']
  not_releasable_to?: { countries: string[] }
  clients?: 'denied' | 'allowed'
  not_before?: string
  not_after?: string
  disclose_recipients?: boolean
}

function condition(definition: StixObject | undefined): Condition | null {
  const extensions = definition?.extensions as Record<string, Condition> | undefined
  return extensions?.[RELEASE_EXTENSION] ?? null
}

function labelled(level: Level, org: string, c: Condition | null): Label {
  const time = (text: string | undefined) => (text === undefined ? undefined : Number(parseMicros(text)))
  const [from, until] = [time(c?.not_before), time(c?.not_after)]
  return {
    level,
    org,
    ...(c?.releasable_to && { releasableTo: c.releasable_to }),
    ...(c?.not_releasable_to && { notReleasableTo: c.not_releasable_to }),
    ...(c?.clients && { clients: c.clients }),
    ...(from !== undefined && { notBefore: from }),
    ...(until !== undefined && { notAfter: until }),
  }
}

interface Marked {
  object_marking_refs?: string[]
  granular_markings?: { selectors: string[]; marking_ref: string }[]
  labels?: string[]
}

/** The labels of one version: the object's, and those of its parts, which must all admit (`withhold`). */
export function labelsIn(
  body: StixObject,
  org: string,
  fallback: string | null,
  definitions: ReadonlyMap<string, StixObject>,
): Label[] {
  const { object_marking_refs: refs = [], granular_markings: granular = [], labels = [] } = body as Marked
  const stated = refs.flatMap((ref) => LEVEL_OF.get(ref) ?? [])
  const first: Level = (fallback?.slice(4) as Tlp | undefined) ?? 'unmarked'
  let level: Level = stated.length > 0 ? stated.reduce<Level>(higher, 'clear') : first
  for (const label of labels) {
    const hint = /^tlp:(.*)$/i.exec(label)?.[1]?.toLowerCase()
    if (hint && hint in TLP && (level === 'unmarked' ? hint === 'red' : true))
      level = higher(level, hint as Tlp)
  }
  const found: Label[] = [labelled(level, org, null)]
  const conditions = refs.flatMap((ref) => condition(definitions.get(ref)) ?? [])
  // A release list is a limit and a way at once: it stands in the label of its level, not beside a bare one.
  if (conditions.length > 0) found.length = 0
  for (const c of conditions) found.push(labelled(level, org, c))
  for (const { marking_ref: ref } of granular) {
    const part = LEVEL_OF.get(ref)
    if (part && rank(part) > rank(level)) found.push(labelled(part, org, null))
    const c = condition(definitions.get(ref))
    if (c) found.push(labelled(level, org, c))
  }
  if (condition(body)?.disclose_recipients === false) found.push(labelled('unmarked', org, null))
  // What a veto may name it by (§4).
  const named = [body.id, ...refs, ...granular.map((g) => g.marking_ref)]
  return found.map((label) => ({ ...label, named }))
}

// --- who sees what ---------------------------------------------------------------------------------------

/** "`to` in a grant: an organization, a principal, a community, a country code, or `*`"; grants add up (§1, §12). */
export function rightsOf(
  t: Topology,
  reader: Subject | null,
  c: DeclaredCollection,
): { read: boolean; write: boolean } | null {
  if (reader === null) return c.public ? { read: true, write: false } : null
  const { principal, organization } = reader
  const grants = c.grants.filter(
    ({ to }) =>
      to === '*' ||
      to === principal.id ||
      to === organization.id ||
      (to === organization.country && to !== 'ZZ') ||
      t.communities.get(to)?.members.has(organization.id),
  )
  if (grants.length === 0 && !c.public) return null
  return { read: c.public || grants.some((g) => g.read), write: grants.some((g) => g.write) }
}

export class PlainStore {
  readonly rows: readonly Row[]
  readonly topology: Topology
  readonly #collections: Map<string, DeclaredCollection>
  readonly #labels = new Map<Row, Label[]>()

  constructor(declared: DeclaredTopology, rows: readonly Row[], definitions: readonly StixObject[]) {
    this.rows = rows
    this.topology = topologyOf(declared)
    this.#collections = new Map(declared.roots.flatMap((r) => r.collections).map((c) => [c.id, c]))
    const byId = new Map(definitions.map((d) => [d.id, d]))
    for (const row of rows) {
      const fallback = this.#collections.get(row.collectionId)?.defaultMarking ?? null
      const standard: Label[] = [{ level: 'clear', org: '' }]
      this.#labels.set(
        row,
        row.standard ? standard : labelsIn(JSON.parse(row.body), row.organization, fallback, byId),
      )
    }
  }

  rights(reader: Subject | null, collection: string): { read: boolean; write: boolean } | null {
    const c = this.#collections.get(collection)
    return c ? rightsOf(this.topology, reader, c) : null
  }

  labels(row: Row): Label[] {
    return this.#labels.get(row) ?? []
  }

  /** §7: the same originator's latest version in the same collection; under embargo it is not yet the latest. */
  laterLabels(row: Row, now: Micros): Label[] {
    const chain = this.rows.filter(
      (r) =>
        r.collection === row.collection &&
        r.id === row.id &&
        r.organization === row.organization &&
        !r.standard &&
        (r.held === null || r.held <= now),
    )
    const latest = [row.key, ...chain.map((r) => r.key)].sort().at(-1) ?? row.key
    return latest > row.key ? chain.filter((r) => r.key === latest).flatMap((r) => this.labels(r)) : []
  }

  /** By its label and by the right to read the collection. */
  sees(reader: Subject | null, row: Row, now: Micros): boolean {
    if (!this.rights(reader, row.collectionId)?.read) return false
    return this.admits(reader, row, now)
  }

  admits(reader: Subject | null, row: Row, now: Micros): boolean {
    const later = [{ labels: row.standard ? [] : this.laterLabels(row, now) }]
    const { organization, principal } = row
    return mayRead(
      this.topology,
      reader,
      this.labels(row),
      later,
      principal,
      row.held !== null,
      now,
      organization,
    )
  }
}

// --- TAXII's selection -----------------------------------------------------------------------------------

export interface Query {
  ids: readonly string[] | null
  types: readonly string[] | null
  specs: readonly number[] | null
  /** 'first', 'last', 'all' or version keys. */
  versions: readonly string[]
  addedAfter: bigint | null
}

/** What a reader gets of the rows that it sees, in the order of the log; before `next` and `limit`. */
export function select(visible: readonly Row[], query: Query): Row[] {
  const found: Row[] = []
  for (const id of new Set(visible.map((r) => r.id))) {
    let copies = visible.filter((r) => r.id === id && (query.ids !== null || !r.standard))
    copies.sort((a, b) => (a.accepted < b.accepted ? -1 : 1))
    // Several organizations' copies of an SCO: the chain of the first accepted one.
    const [first] = copies
    if (first?.sco) copies = copies.filter((r) => r.organization === first.organization)
    // Several copies of one version: the first accepted.
    const versions = copies.filter(
      (r, i) => copies.findIndex((c) => c.key === r.key && c.spec === r.spec) === i,
    )
    const kept = versions.filter(
      (r) =>
        (query.ids?.includes(id) ?? true) &&
        (query.types?.includes(r.type) ?? true) &&
        (query.specs?.includes(r.spec) ?? true) &&
        (query.addedAfter === null || r.position > query.addedAfter),
    )
    if (query.specs !== null) found.push(...ofVersions(kept, query.versions))
    else {
      const newest = ofVersions(
        kept.filter((r) => r.spec === 21),
        query.versions,
      )
      found.push(
        ...(newest.length > 0
          ? newest
          : ofVersions(
              kept.filter((r) => r.spec === 20),
              query.versions,
            )),
      )
    }
  }
  return found.sort((a, b) => (a.position < b.position ? -1 : 1))
}

function ofVersions(rows: Row[], wanted: readonly string[]): Row[] {
  const order = [...rows].sort((a, b) => (a.key === b.key ? a.spec - b.spec : a.key < b.key ? -1 : 1))
  return order.filter(
    (r, i) =>
      wanted.includes('all') ||
      (wanted.includes('first') && i === 0) ||
      (wanted.includes('last') && i === order.length - 1) ||
      wanted.includes(r.key),
  )
}
