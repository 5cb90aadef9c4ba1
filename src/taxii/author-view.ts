/** What the author of a row knows of its label: that alone decides whether the row is appended again (policy.md §7). */
import { rights } from '../policy/access.ts'
import { demandsOfParts, join, NEVER } from '../policy/closure.ts'
import { distinct } from '../policy/label.ts'
import type { AudienceRecord, Collection } from '../policy/model.ts'
import { isContainer } from '../stix/index.ts'
import {
  type EdgeRow,
  type LabelledRow,
  learn,
  type Newest,
  type OwnHeld,
  readEdges,
  readHeldOf,
  readLabelledRows,
  readNewest,
} from '../store/references.ts'
import type { Micros } from '../time.ts'
import { isNewer } from './arriving.ts'
import type { Composition } from './compose.ts'
import { Numbers } from './numbers.ts'
import type { Override, Transaction } from './settle.ts'
import { untilStable } from './until-stable.ts'

/** How a row's label changes as far as its author knows. */
export interface Knowledge {
  gains: boolean
  loses: boolean
  /** Is it the latest version that its author sees? */
  latest: boolean
  /** As it is now. */
  label: AudienceRecord
  /** Has an embargo that its author knows of ended since the row was appended? */
  released: boolean
}

/**
 * How far ahead of the clock a row may lie that was just appended. Embargoes that had ended before a row was appended
 * released it then: rows of before kept them in their markings.
 */
const AHEAD: Micros = 60_000_000n

type Sees = (record: AudienceRecord) => boolean

const bared = new WeakMap<AudienceRecord, AudienceRecord>()

/** The labels that must all admit, without what tells of parts, of embargoed versions and of what may be taken out. */
export function bare(record: AudienceRecord): AudienceRecord {
  const { own, submitter, origin, any, later, held } = record
  if (!any && !later && !held) return record
  let found = bared.get(record)
  if (!found) {
    found = { own, submitter, ...(origin !== undefined && { origin }) }
    bared.set(record, found)
  }
  return found
}

/** One record for all that a reference says; null when that is nothing. */
export function together(records: readonly AudienceRecord[], now: Micros): AudienceRecord | null {
  const [first, ...rest] = records
  if (!first) return null
  if (rest.length === 0) return begun(bare(first), now)
  return {
    ...bare(first),
    own: distinct(
      records.flatMap((r) => r.own),
      now,
    ),
  }
}

/** The same without windows that have begun. */
export function begun(record: AudienceRecord, now: Micros): AudienceRecord {
  const ended = record.own.some(({ notBefore }) => notBefore !== undefined && BigInt(notBefore) <= now)
  return ended ? { ...record, own: distinct(record.own, now) } : record
}

/** A label as its author knows it. What is taken out of containers never counts: their readers do not see all of it. */
export function knownLabel(
  collection: Collection,
  type: string,
  marks: AudienceRecord,
  seen: readonly AudienceRecord[],
  now: Micros,
): AudienceRecord {
  const strips = collection.redaction === 'redact' && isContainer(type)
  return join(bare(marks), strips ? [] : seen.map((record) => ({ record })), now).record
}

/**
 * Until when a row is held: as its author knows it, so that what is hidden from it does not show in what happens to the
 * row then. Where that is sooner than all of it, it is held on from there.
 */
export function heldUntil(known: AudienceRecord, { heldUntil }: Composition, now: Micros): Micros | null {
  // Where a hidden version binds instead of an embargo that its author knows of, the row is not held: it binds older ones.
  if (heldUntil === null || !known.held) return heldUntil
  const { heldUntil: told } = join(known, [], now)
  return told === null || heldUntil < told ? heldUntil : told
}

/** Known labels of the objects of one request: the same object for equal marks and references. */
export class KnownLabels {
  readonly #collection: Collection
  readonly #now: Micros
  readonly #numbers = new Numbers<AudienceRecord>()
  readonly #known = new Map<string, AudienceRecord>()

  constructor(collection: Collection, now: Micros) {
    this.#collection = collection
    this.#now = now
  }

  of(type: string, marks: AudienceRecord, seen: readonly AudienceRecord[]): AudienceRecord {
    const key = `${isContainer(type)} ${this.#numbers.of(marks)} ${this.#numbers.key(seen)}`
    let found = this.#known.get(key)
    if (!found) {
      found = knownLabel(this.#collection, type, marks, seen, this.#now)
      this.#known.set(key, found)
    }
    return found
  }
}

/**
 * Known labels of rows that are not being settled, by their names.
 * @param still of what authors see now: what they see no more does not exist for them
 */
export async function knownLabelsOf(
  { db, collection, book, now }: Omit<Transaction, 'exchange'>,
  accepted: readonly bigint[],
  still = false,
): Promise<Map<bigint, AudienceRecord>> {
  if (accepted.length === 0) return new Map()
  const rows = await readLabelledRows(db, collection.seq, accepted, false)
  const edges = bySource(await readEdges(db, collection.seq, rows))
  return new Map(
    rows.map((row) => {
      const known = (edges.get(row.accepted) ?? []).flatMap((edge) =>
        still && (edge.known ?? 0) < 0 ? [] : lastSeen(edge),
      )
      const seen = known.map((id) => book.record(id))
      const marks = book.record(row.marks ?? row.label)
      return [row.accepted, knownLabel(collection, row.type, marks, seen, now)]
    }),
  )
}

export function bySource(edges: readonly EdgeRow[]): Map<bigint, EdgeRow[]> {
  const found = new Map<bigint, EdgeRow[]>()
  for (const edge of edges) {
    const list = found.get(edge.source)
    if (list) list.push(edge)
    else found.set(edge.source, [edge])
  }
  return found
}

/** What an author last saw of a target, negative once it sees it no more. */
const lastSeen = ({ known }: EdgeRow): number[] => (known === null ? [] : [Math.abs(known)])

/** A version that an author sees, or what else a reference says to it. */
interface Seen {
  /** A version of its own, with references of its own: its label as its author knows it. */
  own: { accepted: bigint } | null
  record: AudienceRecord | null
  /** Is the latest open version hidden from the author? */
  hidden?: boolean
}

/** Compares what authors knew of their rows' labels with what they know now, and remembers that. */
export async function knowledge(
  at: Transaction,
  rows: readonly LabelledRow[],
  edges: readonly EdgeRow[],
  overrides: ReadonlyMap<bigint, Override>,
  compositions: ReadonlyMap<bigint, Composition>,
): Promise<Map<bigint, Knowledge>> {
  const { collection, book, now } = at
  const authors = new Map<string, Sees>()
  const references = bySource(edges)
  const seen = new Map<EdgeRow, Seen>()
  const known: { row: LabelledRow; sees: Sees }[] = []
  for (const row of rows) {
    const key = `${row.organization} ${row.principal}`
    const sees = authors.get(key) ?? sightOf(at, row)
    authors.set(key, sees)
    known.push({ row, sees })
    for (const edge of references.get(row.accepted) ?? [])
      seen.set(edge, look(at, row, edge, sees, compositions))
  }
  const all = known.flatMap(({ row, sees }) =>
    (references.get(row.accepted) ?? []).map((edge) => ({ row, edge, sees })),
  )
  await lookBeside(at, all, seen, compositions)
  const choices = await lookHeld(at, all, seen)
  const inside = new Set(rows.map((row) => row.accepted))
  const elsewhere = [...seen.values(), ...[...choices.values()].flat()].flatMap(({ own }) =>
    own && !inside.has(own.accepted) ? [own.accepted] : [],
  )
  const labels = await knownLabelsOf(at, [...new Set(elsewhere)])
  const said = (edge: EdgeRow): AudienceRecord | null => {
    const found = seen.get(edge)
    if (found?.own) return bare(labels.get(found.own.accepted) ?? (found.record as AudienceRecord))
    return found?.record ?? (edge.known === null ? null : book.record(Math.abs(edge.known)))
  }
  const marksOf = (row: LabelledRow) => book.record(row.marks ?? row.label)
  const labelOf = (row: LabelledRow) =>
    knownLabel(
      collection,
      row.type,
      overrides.get(row.accepted)?.marks ?? marksOf(row),
      (references.get(row.accepted) ?? []).flatMap((edge) => said(edge) ?? []),
      now,
    )
  for (let chosen = true; chosen; ) {
    for (const [edge, [first]] of choices) seen.set(edge, first as Seen)
    // Of the rows themselves, without their references first: labels only grow, until nothing changes.
    for (const { row } of known)
      labels.set(
        row.accepted,
        knownLabel(collection, row.type, overrides.get(row.accepted)?.marks ?? marksOf(row), [], now),
      )
    untilStable(known, ({ row }) => {
      const before = labels.get(row.accepted)
      const after = labelOf(row)
      labels.set(row.accepted, after)
      return before !== after && JSON.stringify(before) !== JSON.stringify(after)
    })
    chosen = false
    for (const list of choices.values()) {
      const own = list[0]?.own
      if (list.length === 1 || !own || !labels.get(own.accepted)?.held) continue
      list.shift()
      chosen = true
    }
  }

  const compared = new Map<string, { gains: boolean; loses: boolean }>()
  const compare = (before: AudienceRecord, after: AudienceRecord) => {
    const key = `${JSON.stringify(before)} ${JSON.stringify(after)}`
    const found = compared.get(key) ?? at.exchange.compare(before, after)
    compared.set(key, found)
    return found
  }
  const found = new Map<bigint, Knowledge>()
  for (const { row, sees } of known) {
    const own = references.get(row.accepted) ?? []
    const knew = own.flatMap(lastSeen).map((id) => book.record(id))
    const before = knownLabel(collection, row.type, marksOf(row), knew, now)
    const after = labels.get(row.accepted) as AudienceRecord
    const parts = overrides.get(row.accepted)?.parts ?? row.parts ?? []
    const pairs = demandsOfParts(row.parts ?? [], parts, before, after, now)
    const weighed = [compare(before, after), ...pairs.map((pair) => compare(pair.before, pair.after))]
    found.set(row.accepted, {
      // What it sees again is released to it, at the least.
      gains:
        weighed.some((one) => one.gains) ||
        own.some((edge) => (edge.known ?? 0) < 0 && seen.get(edge)?.record != null),
      loses: weighed.some((one) => one.loses),
      latest: row.latest || !(row.superseded || sees(book.record(row.newest as number))),
      label: after,
      released: !after.held && embargoed(row, knownLabel(collection, row.type, marksOf(row), knew, NEVER)),
    })
  }
  await passOver(at, known, found, labels)
  await remember(at, seen, said)
  return found
}

/** Was it under this embargo when it was last appended? */
const embargoed = ({ position }: LabelledRow, { own }: AudienceRecord) =>
  own.some(({ notBefore }) => notBefore !== undefined && BigInt(notBefore) > position - AHEAD)

/** A row is not the latest where a newer one of its author's own is held by what is hidden from the author. */
async function passOver(
  at: Transaction,
  known: readonly { row: LabelledRow }[],
  found: ReadonlyMap<bigint, Knowledge>,
  labels: Map<bigint, AudienceRecord>,
): Promise<void> {
  const asked = known.flatMap(({ row }) => {
    const knows = found.get(row.accepted) as Knowledge
    return knows.gains && knows.latest ? [{ row, knows }] : []
  })
  const chains = asked.map(({ row: { object_id: target, organization, principal } }) => ({
    target,
    organization,
    principal,
  }))
  const held = await readHeldOf(at.db, at.collection.seq, chains)
  const newer = asked.map(({ row }, i) =>
    (held[i] as OwnHeld[]).filter((one) => isNewer(one.version_key, one.spec, row.version_key, row.spec)),
  )
  const elsewhere = newer.flat().flatMap(({ accepted }) => (labels.has(accepted) ? [] : [accepted]))
  for (const [accepted, label] of await knownLabelsOf(at, elsewhere)) labels.set(accepted, label)
  for (const [i, { knows }] of asked.entries())
    if (newer[i]?.some(({ accepted }) => !labels.get(accepted)?.held)) knows.latest = false
}

/**
 * What the author of a row may see in this collection. All, when it reads nothing there: no date_added tells it
 * anything, and who else reads the row sees what decides on it.
 */
export function sightOf(
  { exchange, collection }: Pick<Transaction, 'exchange' | 'collection'>,
  row: LabelledRow,
): Sees {
  const { world } = exchange
  const subject = exchange.subject(world.topology.principals.get(row.principal))
  if (subject?.organization.id !== row.organization) return () => true
  const caller = { id: row.principal, subject, token: null }
  return rights(world, caller, collection)?.read ? exchange.admits(caller, false) : () => true
}

/** What a reference says to the row's author: the latest version of its chain that it sees. */
function look(
  { book, now }: Transaction,
  row: LabelledRow,
  edge: EdgeRow,
  sees: Sees,
  compositions: ReadonlyMap<bigint, Composition>,
): Seen {
  const labelOf = (accepted: bigint, label: number) =>
    compositions.get(accepted)?.record ?? book.record(label)
  const version = (accepted: bigint, label: number, refers: boolean): Seen => {
    const record = labelOf(accepted, label)
    const own = record.submitter === row.principal && refers ? { accepted } : null
    return { own, record: bare(record) }
  }
  const { latest, label, held, mine } = edge
  if (edge.organization === null) return { own: null, record: null }
  if (latest !== null && label !== null) {
    const due = (held ?? []).filter(({ at }) => BigInt(at) <= now)
    if (sees(labelOf(latest, label)) && due.every((h) => sees(book.record(h.label))))
      return version(latest, label, edge.refers)
    if (mine !== null) return { ...version(mine, edge.mine_label as number, edge.mine_refers), hidden: true }
  }
  const waiting = (held ?? []).map((h) => book.record(h.label)).filter(sees)
  return { own: null, record: together(waiting, now), hidden: latest !== null }
}

/** Where the latest version is hidden from an author, another one that is as new may not be: that decides then. */
async function lookBeside(
  { db, collection, book, now }: Transaction,
  edges: readonly { row: LabelledRow; edge: EdgeRow; sees: Sees }[],
  seen: Map<EdgeRow, Seen>,
  compositions: ReadonlyMap<bigint, Composition>,
): Promise<void> {
  const asked = edges.filter(({ edge }) => seen.get(edge)?.hidden)
  const newest = await readNewest(
    db,
    collection.seq,
    asked.map(({ edge }) => edge),
  )
  for (const [i, { row, edge, sees }] of asked.entries()) {
    const due = (edge.held ?? []).filter(({ at }) => BigInt(at) <= now)
    if (!due.every((held) => sees(book.record(held.label)))) continue
    for (const { accepted, label, refers } of newest[i] as Newest[]) {
      const record = compositions.get(accepted)?.record ?? book.record(label)
      if (!sees(record)) continue
      const own = record.submitter === row.principal && refers ? { accepted } : null
      seen.set(edge, { own, record: bare(record) })
      break
    }
  }
}

/**
 * Versions of an author's own that are held. As far as it knows, some are not: what holds them is hidden from it. The
 * newest of those decides, if nothing newer that it sees is open. And where the latest open version is hidden, those that
 * it knows to be held say what they would say without that one, also when they are older.
 * @returns what each of these references may say, the first of which is not held as the author knows it
 */
async function lookHeld(
  { db, collection, book, now }: Transaction,
  edges: readonly { row: LabelledRow; edge: EdgeRow }[],
  seen: ReadonlyMap<EdgeRow, Seen>,
): Promise<Map<EdgeRow, Seen[]>> {
  const asked = edges.filter(({ edge }) => edge.held !== null || seen.get(edge)?.hidden)
  const chains = asked.map(({ row, edge }) => ({ ...edge, principal: row.principal }))
  const held = await readHeldOf(db, collection.seq, chains)
  const found = new Map<EdgeRow, Seen[]>()
  for (const [i, { edge }] of asked.entries()) {
    const own = held[i] as OwnHeld[]
    if (own.length === 0) continue
    const otherwise = seen.get(edge) as Seen
    const newer = own.filter((one) => (otherwise.hidden ? one.after_own : one.after_all))
    const choices: Seen[] = newer.map(({ accepted, label }) => ({
      own: { accepted },
      record: bare(book.record(label)),
    }))
    if (otherwise.hidden && edge.mine === null) {
      const waiting = own.map((one) => book.record(one.label))
      choices.push({
        own: null,
        record: together([...(otherwise.record ? [otherwise.record] : []), ...waiting], now),
      })
    } else choices.push(otherwise)
    found.set(edge, choices)
  }
  return found
}

async function remember(
  { db, collection, book }: Transaction,
  seen: ReadonlyMap<EdgeRow, Seen>,
  said: (edge: EdgeRow) => AudienceRecord | null,
): Promise<void> {
  const news: { source: bigint; target: string; known: number }[] = []
  for (const edge of seen.keys()) {
    const record = said(edge)
    const gone = !seen.get(edge)?.record
    const known = record && (gone ? -1 : 1) * (await book.id(record))
    if (known !== null && known !== edge.known) news.push({ source: edge.source, target: edge.target, known })
  }
  await learn(db, collection.seq, news)
}
