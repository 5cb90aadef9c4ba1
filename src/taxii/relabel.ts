/** New labels for stored objects: by their originator, by a schedule, by an operator's decision, by a veto (policy.md §7). */
import { audienceOf, type Labelled } from '../policy/label.ts'
import type { Collection } from '../policy/model.ts'
import type { Database } from '../store/pool.ts'
import { readLabelledRows } from '../store/references.ts'
import { audit } from '../store/write-items.ts'
import { Book } from './book.ts'
import type { Exchange } from './exchange.ts'
import { recallPointing, recallSettled } from './recall.ts'
import { type Override, propagate, type Settled, settle } from './settle.ts'

export interface Relabelling {
  /** Names the row for good (item.accepted), unlike its position. */
  accepted: bigint
  /** What its markings now say. */
  labelled: Extract<Labelled, { ok: true }>
  /** The object's text with other markings, and its hash; absent: they stay. */
  text?: string
  hash?: string
}

/** Who changes labels, and why. */
export interface Cause {
  kind: 'relabel' | 'schedule' | 'quarantine' | 'veto'
  actor: string
  reason: string | null
}

export interface Relabelled {
  accepted: bigint
  /** As far as the row's author knows. */
  change: Settled['told']
  /** date_added, in microseconds. */
  position: bigint
}

/**
 * Gives rows of a collection new labels, in the caller's transaction, which holds the collection's log
 * (lockAndAssume). Tightens in place; what somebody may read who could not before is appended again with a new
 * date_added. What points at the rows, and older versions, are brought up to date.
 */
export async function relabel(
  exchange: Exchange,
  db: Database,
  collection: Collection,
  changes: readonly Relabelling[],
  cause: Cause,
): Promise<Relabelled[]> {
  const at = { exchange, db, collection, book: new Book(exchange, db), now: exchange.clock.now() }
  const names = changes.map((c) => c.accepted)
  const rows = new Map(
    (await readLabelledRows(db, collection.seq, names, false)).map((row) => [row.accepted, row]),
  )
  const overrides = new Map<bigint, Override>()
  for (const { accepted, labelled, text, hash } of changes) {
    const row = rows.get(accepted)
    if (!row) continue
    const { record } = audienceOf(labelled.labels, row.principal, row.organization, at.now)
    overrides.set(accepted, { marks: record, parts: labelled.parts, text: text ?? null, hash: hash ?? null })
  }
  const settled = await settle(at, [...overrides.keys()], overrides, true)
  const followed = await propagate(at, chainsOf(settled))
  const { kind, actor, reason } = cause
  await recallSettled(at, settled, cause)
  await recallPointing(at, actor, followed, settled)
  const objects = settled.map(({ row, change }) => ({ id: row.object_id, version: row.version_key, change }))
  await audit(db, at.now, actor, 'relabel', {
    cause: kind,
    reason,
    collection: collection.id,
    count: objects.length,
    objects: objects.slice(0, 100),
  })
  return settled.map(({ row, told, position }) => ({ accepted: row.accepted, change: told, position }))
}

/** The chains that rows belong to, each once. */
export function chainsOf(settled: readonly Settled[]): { id: string; organization: string }[] {
  const found = new Map(
    settled.map(({ row }) => [
      `${row.organization} ${row.object_id}`,
      { id: row.object_id, organization: row.organization },
    ]),
  )
  return [...found.values()]
}
