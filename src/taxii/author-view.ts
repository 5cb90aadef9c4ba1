/** What the author of a row knows of its label: that alone decides whether the row is appended again (policy.md §7). */
import { demandsOfParts, join, NEVER } from '../policy/closure.ts'
import type { AudienceRecord, Collection } from '../policy/model.ts'
import { isContainer } from '../stix/index.ts'
import {
  type EdgeRow,
  type LabelledRow,
  learn,
  type OwnHeld,
  readEdges,
  readHeldOf,
  readLabelledRows,
} from '../store/references.ts'
import type { Micros } from '../time.ts'
import { isNewer } from './arriving.ts'
import { bare, look, lookBeside, lookHeld, type Seen, type Sees, sightOf } from './author-sight.ts'
import type { Composition } from './compose.ts'
import { Numbers } from './numbers.ts'
import type { Override, Transaction } from './settle.ts'
import { untilStable } from './until-stable.ts'

/** How a row's label changes as far as its author knows. */
export interface Knowledge {
  gains: boolean
  loses: boolean
  /** Of what it loses: by what happens to it now; or had it lost that before, by a change that nobody has noted since? */
  lost: boolean
  ended: boolean
  /** Before, with what it refers to as that is now. */
  former: AudienceRecord
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
  const labelled = (row: LabelledRow, marks: AudienceRecord) =>
    knownLabel(
      collection,
      row.type,
      marks,
      (references.get(row.accepted) ?? []).flatMap((edge) => said(edge) ?? []),
      now,
    )
  const labelOf = (row: LabelledRow) => labelled(row, overrides.get(row.accepted)?.marks ?? marksOf(row))
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
  const weigh = (
    row: LabelledRow,
    override: Override | undefined,
    before: AudienceRecord,
    after: AudienceRecord,
  ) => [
    compare(before, after),
    ...demandsOfParts(row.parts ?? [], override?.parts ?? row.parts ?? [], before, after, now).map((pair) =>
      compare(pair.before, pair.after),
    ),
  ]
  const found = new Map<bigint, Knowledge>()
  for (const { row, sees } of known) {
    const own = references.get(row.accepted) ?? []
    const knew = own.flatMap(lastSeen).map((id) => book.record(id))
    const before = knownLabel(collection, row.type, marksOf(row), knew, now)
    const after = labels.get(row.accepted) as AudienceRecord
    const override = overrides.get(row.accepted)
    const weighed = weigh(row, override, before, after)
    const loses = weighed.some((one) => one.loses)
    // Markings are compared as its references are now: what these took from somebody before is not by the markings.
    const without = override && labelled(row, marksOf(row))
    const lost = without ? weigh(row, override, without, after).some((one) => one.loses) : loses
    found.set(row.accepted, {
      // What it sees again is released to it, at the least.
      gains:
        weighed.some((one) => one.gains) ||
        own.some((edge) => (edge.known ?? 0) < 0 && seen.get(edge)?.record != null),
      loses,
      lost,
      ended: without !== undefined && !lost && compare(before, without).loses,
      former: without ?? before,
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
