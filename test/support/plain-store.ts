/**
 * The plain reference of a read: every stored row, its labels read anew from its text, what its references mean by the
 * log of who wrote what when, and who may see it by test/matrix/reference.ts (policy.md §2, §5, §6, §7).
 */
import type pg from 'pg'
import type { DeclaredCollection, DeclaredTopology } from '../../src/policy/declared.ts'
import type { Label, Subject, Topology } from '../../src/policy/model.ts'
import type { Micros } from '../../src/time.ts'
import type { StixObject } from './client.ts'
import { labelsIn, type MarkedPart } from './plain-labels.ts'
import { View } from './plain-view.ts'

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
  /** The whole of it. */
  body: string
}

/** Everything that is stored, as its owner sees it. */
export async function storedRows(client: pg.Client): Promise<Row[]> {
  const { rows } = await client.query(`select i.collection, c.id::text as "collectionId", position::text,
      accepted::text, held_until::text as held, spec, sco, standard, object_id as id, type, version_key as key,
      version, organization, principal, coalesce((select r.body from rendering r where i.parted
        and r.collection = i.collection and r.accepted = i.accepted order by r.rank desc limit 1), body) as body
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

/** "`to` in a grant: an organization, a principal, a community, a country code, or `*`"; grants add up (§1, §12). */
export function rightsOf(
  t: Topology,
  reader: Subject | null,
  c: DeclaredCollection,
): { read: boolean; write: boolean; open?: boolean } | null {
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
  const read = grants.some((g) => g.read)
  // "Anonymous: CLEAR in collections flagged `public`": whoever has no grant reads as anybody does.
  return { read, write: grants.some((g) => g.write), open: c.public && !read }
}

/** A version that a reference leads to; of a chain that is gone, as it was in the store before. */
export interface Said {
  store: PlainStore
  row: Row
  /** It binds by all but the time: see PlainStore.binding. */
  timeless?: true
}

export interface References {
  /** Per row, the organization whose copies each reference means; null = it waits. */
  targets: ReadonlyMap<string, ReadonlyMap<string, string | null>>
  /** Of each chain that is gone, its last version. */
  last: ReadonlyMap<string, Said>
}

const NOTHING: References = { targets: new Map(), last: new Map() }

/** Of two copies of one version, which colleagues who do not see each other's have sent, the first accepted counts last. */
const byVersion = (a: Row, b: Row) => {
  if (a.key !== b.key) return a.key < b.key ? -1 : 1
  return a.spec - b.spec || (a.accepted > b.accepted ? -1 : 1)
}

export class PlainStore {
  readonly rows: readonly Row[]
  readonly topology: Topology
  readonly references: References
  readonly #collections: Map<string, DeclaredCollection>
  readonly #marks = new Map<Row, { labels: Label[]; parts: MarkedPart[] }>()
  readonly #chains = new Map<string, Row[]>()
  readonly #views = new Map<string, View>()

  constructor(
    declared: DeclaredTopology,
    rows: readonly Row[],
    definitions: readonly StixObject[],
    references: References = NOTHING,
  ) {
    this.rows = rows
    this.topology = topologyOf(declared)
    this.references = references
    this.#collections = new Map(declared.roots.flatMap((r) => r.collections).map((c) => [c.id, c]))
    const byId = new Map(definitions.map((d) => [d.id, d]))
    for (const row of rows) {
      const { defaultMarking = null, redaction = 'withhold' } = this.#collections.get(row.collectionId) ?? {}
      if (row.standard) {
        this.#marks.set(row, { labels: [{ level: 'clear', org: '' }], parts: [] })
        continue
      }
      const { labels, parts } = labelsIn(JSON.parse(row.body), row.organization, defaultMarking, byId)
      // `withhold`: an object is visible only if every part of it is (§5).
      const whole = redaction === 'withhold' ? [...labels, ...parts.flatMap((p) => p.labels)] : labels
      this.#marks.set(row, { labels: whole, parts: redaction === 'withhold' ? [] : parts })
      const key = chainKey(row.collection, row.organization, row.id)
      this.#chains.set(key, [...(this.#chains.get(key) ?? []), row].sort(byVersion))
    }
  }

  collection(row: Row): DeclaredCollection {
    return this.#collections.get(row.collectionId) as DeclaredCollection
  }

  rights(
    reader: Subject | null,
    collection: string,
  ): { read: boolean; write: boolean; open?: boolean } | null {
    const c = this.#collections.get(collection)
    return c ? rightsOf(this.topology, reader, c) : null
  }

  /** Of its markings alone. */
  labels(row: Row): readonly Label[] {
    return this.#marks.get(row)?.labels ?? []
  }

  /** Parts that may be taken out of it. */
  parts(row: Row): readonly MarkedPart[] {
    return this.#marks.get(row)?.parts ?? []
  }

  chain(collection: number, organization: string, id: string): readonly Row[] {
    return this.#chains.get(chainKey(collection, organization, id)) ?? []
  }

  /**
   * The version that decides for its chain: the latest that is out (§6, §7), in STIX 2.0 and in 2.1 if it is in both. An
   * embargoed one is not the latest before its time; from then on it binds beside the other, until it is out.
   */
  latest(collection: number, organization: string, id: string, now: Micros): Row[] {
    const chain = this.chain(collection, organization, id)
    const key = chain.filter((r) => r.held === null).at(-1)?.key
    const out = chain.filter((r) => r.held === null && r.key === key)
    const due = chain.filter((r) => r.held !== null && r.held <= now && (!key || r.key > key))
    return [...out, ...due]
  }

  /**
   * Newer versions than the latest that is out, held by an embargo of what they refer to and by none of their own: these bind
   * older versions of their object, by all but the time, or whoever embargoes what they refer to would open those (§6, §7).
   */
  binding(collection: number, organization: string, id: string, now: Micros): Row[] {
    const chain = this.chain(collection, organization, id)
    const key = chain.filter((r) => r.held === null).at(-1)?.key
    const newer = chain.filter((r) => r.held !== null && r.held > now && (!key || r.key > key))
    return newer.filter((r) => this.labels(r).every((label) => BigInt(label.notBefore ?? 0) <= now))
  }

  /** What each object that it refers to says, by the id of that object. */
  referenced(row: Row, now: Micros): Map<string, Said[]> {
    const found = new Map<string, Said[]>()
    if (row.standard || this.collection(row).refs === 'own') return found
    for (const [target, organization] of this.references.targets.get(nameOf(row)) ?? []) {
      if (organization === null) continue
      const chain = this.chain(row.collection, organization, target)
      const last = this.references.last.get(chainKey(row.collection, organization, target))
      if (chain.length === 0) {
        if (last) found.set(target, [last])
        continue
      }
      const latest = this.latest(row.collection, organization, target, now)
      const out = latest.filter((r) => r.held === null).at(-1)
      // All of it under embargo: nothing of it is out, so neither is what points at it.
      const rows = out ? [out, ...latest.filter((r) => r.held !== null)] : chain
      const said = rows.map((r): Said => ({ store: this, row: r }))
      if (out)
        for (const r of this.binding(row.collection, organization, target, now))
          said.push({ store: this, row: r, timeless: true })
      found.set(target, said)
    }
    return found
  }

  view(reader: Subject | null, now: Micros): View {
    const key = `${reader?.principal.id} ${reader?.cap} ${now}`
    let view = this.#views.get(key)
    if (!view) {
      view = new View(this, reader, now)
      this.#views.set(key, view)
    }
    return view
  }

  /** By its label and by the right to read the collection. */
  sees(reader: Subject | null, row: Row, now: Micros): boolean {
    const rights = this.rights(reader, row.collectionId)
    if (rights?.open) return this.admits(null, row, now)
    return rights?.read === true && this.admits(reader, row, now)
  }

  /** As whom it reads there. */
  eyes(reader: Subject | null, collection: string): Subject | null {
    return this.rights(reader, collection)?.open ? null : reader
  }

  /** What it gets of a row. */
  viewOf(reader: Subject | null, row: Row, now: Micros): View {
    return this.view(this.eyes(reader, row.collectionId), now)
  }

  /** Selectors of the marked parts that are in the reader's copy; null when no part is marked. */
  partsLeft(reader: Subject | null, row: Row, now: Micros): string[] | null {
    const parts = this.parts(row)
    return parts.length === 0 ? null : this.viewOf(reader, row, now).partsLeft(row)
  }

  admits(reader: Subject | null, row: Row, now: Micros): boolean {
    return this.view(reader, now).sees(row)
  }
}

/** Names a row for good. */
export const nameOf = (row: Row): string => `${row.collection} ${row.accepted}`
export const chainKey = (collection: number, organization: string, id: string): string =>
  `${collection} ${organization} ${id}`
