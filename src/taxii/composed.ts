/** Labels of rows together with those of what they refer to, in circles as well, and what comes under an embargo with them. */
import { bindingOf, type Referenced } from '../policy/closure.ts'
import {
  type EdgeRow,
  type LabelledRow,
  type NewLabel,
  readEdges,
  readWithAnotherOpen,
  setLabels,
} from '../store/references.ts'
import { bySource } from './author-view.ts'
import { Composer, type Composition, type Edge } from './compose.ts'
import type { Override, Transaction } from './settle.ts'
import { untilStable } from './until-stable.ts'

/** As deep as reports about reports go; what is deeper waits with what it refers to: tighter, never wider. */
const MOST_HOLDS = 8

/**
 * Compositions of rows, and what they refer to. What comes under an embargo here is the latest of its chain no more: its
 * row is held first, so that what refers to it is judged by another version that is open, if there is one, and by all that the
 * held one asks for but the time (policy.md §7).
 */
export async function composed(
  at: Transaction,
  rows: readonly LabelledRow[],
  overrides: ReadonlyMap<bigint, Override>,
): Promise<{ edges: readonly EdgeRow[]; compositions: Map<bigint, Composition> }> {
  const { db, collection, book, now } = at
  if (collection.refs === 'own') return { edges: [], compositions: closed(at, rows, [], overrides) }
  let edges = await readEdges(db, collection.seq, rows)
  let compositions = closed(at, rows, edges, overrides)
  const held = new Set<bigint>()
  for (let round = 0; round < MOST_HOLDS; round++) {
    const latest = new Set(edges.map((edge) => edge.latest))
    const waits = ({ accepted, held_until }: LabelledRow) =>
      held_until === null && latest.has(accepted) && !held.has(accepted)
    const heldIn = (found: ReadonlyMap<bigint, Composition>) => (row: LabelledRow) =>
      found.get(row.accepted)?.heldUntil != null
    const names = rows.filter((row) => waits(row) && heldIn(compositions)(row)).map((row) => row.accepted)
    const replaced = new Set(names.length === 0 ? [] : await readWithAnotherOpen(db, collection.seq, names))
    if (replaced.size === 0) break
    // Not those that would wait only for one another: another version may decide for them as well.
    const least = closed(at, rows, edges, overrides, replaced)
    const holds: NewLabel[] = []
    for (const row of rows.filter((row) => replaced.has(row.accepted) && heldIn(least)(row))) {
      const { record, heldUntil } = compositions.get(row.accepted) as Composition
      const { accepted, marks, need } = row
      held.add(accepted)
      const label = await book.id(record)
      holds.push({
        accepted,
        label,
        // Of a row whose references added nothing its label was that of its markings.
        marks: (marks ?? row.label) === label ? null : (marks ?? row.label),
        need,
        heldUntil,
        move: false,
        text: null,
        hash: null,
      })
    }
    if (holds.length === 0) break
    await setLabels(db, collection.seq, now, holds)
    edges = await readEdges(db, collection.seq, rows)
    compositions = closed(at, rows, edges, overrides)
  }
  return { edges, compositions }
}

/**
 * Compositions of all rows: those that point at each other are composed until nothing changes.
 * @param unsaid rows that say nothing to what refers to them
 */
function closed(
  { collection, book, now }: Transaction,
  rows: readonly LabelledRow[],
  edges: readonly EdgeRow[],
  overrides: ReadonlyMap<bigint, Override>,
  unsaid: ReadonlySet<bigint> = new Set(),
): Map<bigint, Composition> {
  const references = bySource(edges)
  const composer = new Composer(collection, now)
  const compositions = new Map<bigint, Composition>()
  const composeRow = (row: LabelledRow, said: readonly Edge[]) => {
    const override = overrides.get(row.accepted)
    const { type, spec } = row
    const marks = override?.marks ?? book.record(row.marks ?? row.label)
    const parts = override?.parts ?? row.parts ?? []
    const text = override?.text ?? row.whole ?? ''
    const hash = override?.hash ?? row.whole_hash?.toString('hex') ?? ''
    return composer.compose({ type, spec, marks, parts, text, hash }, said)
  }
  for (const row of rows) compositions.set(row.accepted, composeRow(row, []))
  const says = ({ latest, label, held }: EdgeRow): Referenced[] => {
    if (latest !== null && unsaid.has(latest)) return []
    const open = latest === null ? undefined : compositions.get(latest)
    const said: Referenced[] = open
      ? [{ record: open.record }]
      : label === null
        ? []
        : [{ record: book.record(label) }]
    const waiting = (held ?? []).map((h) => ({ record: book.record(h.label), at: BigInt(h.at) }))
    if (said.length === 0) return waiting.map(({ record }) => ({ record }))
    const beside = (held ?? []).flatMap(({ label, marks, at }) => {
      return bindingOf(book.record(label), book.record(marks ?? label), BigInt(at)) ?? []
    })
    return [...said, ...waiting, ...beside]
  }
  untilStable(rows, (row) => {
    const own = references.get(row.accepted)
    if (!own) return false
    const said = own.map((edge) => ({
      target: edge.target,
      referenced: edge.organization === null ? [] : says(edge),
    }))
    const after = composeRow(row, said)
    const before = compositions.get(row.accepted)
    compositions.set(row.accepted, after)
    return before !== after && JSON.stringify(before?.record) !== JSON.stringify(after.record)
  })
  return compositions
}
