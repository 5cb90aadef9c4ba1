/** Stores prepared requests of one writer: locked, compared, appended, in the caller's transaction. */
import type { Database } from '../store/pool.ts'
import { lockAndAssume, type Reader } from '../store/session.ts'
import type { Batch } from '../store/statuses.ts'
import { appendItems, audit, type NewItem, readStored } from '../store/write-items.ts'
import { formatMicros } from '../time.ts'
import { decide, fromStored, type Known } from './collide.ts'
import type { Exchange } from './exchange.ts'
import { batchOf, type Outcome } from './outcome.ts'
import { ownOnly, type Prepared, uncapped, type Writer } from './prepare-objects.ts'

/**
 * Stores what was prepared, in the caller's transaction: one or more requests of one writer, in their order.
 * @returns a batch per request, for its status
 */
export async function storeObjects(
  exchange: Exchange,
  db: Database,
  writer: Writer,
  requests: readonly Prepared[],
): Promise<Batch[]> {
  const { collection, subject } = writer
  const outcomes = requests.map((prepared) => [...prepared.outcomes])
  const ids = new Set(requests.flatMap((prepared) => prepared.candidates.map((c) => c.object.id)))
  if (ids.size > 0) {
    const reader = uncapped(exchange, writer)
    await lockAndAssume(db, reader, collection.seq)
    const known = await readKnown(db, reader, writer, [...ids])
    const items: NewItem[] = []
    const tampered: string[] = []
    requests.forEach((prepared, r) => {
      for (const candidate of prepared.candidates) {
        const list = known.get(candidate.object.id) ?? []
        known.set(candidate.object.id, list)
        const outcome = decide(candidate, list, items, writer, tampered, prepared.requested)
        ;(outcomes[r] as (Outcome | undefined)[])[candidate.index] = outcome
      }
    })
    const now = exchange.clock.now()
    if (items.length > 0) {
      const first = await appendItems(
        db,
        collection.seq,
        now,
        subject.organization.id,
        subject.principal.id,
        items,
      )
      for (const outcome of outcomes.flat()) {
        if (outcome?.appended !== undefined && outcome.detail.version === '') {
          outcome.detail.version = formatMicros(first + BigInt(outcome.appended))
        }
      }
    }
    if (tampered.length > 0) {
      await audit(db, now, subject.principal.id, 'other-content', {
        collection: collection.id,
        objects: tampered.slice(0, 100),
      })
    }
  }
  return outcomes.map(batchOf)
}

/** What the writer can see of these ids, in order of acceptance. */
async function readKnown(
  db: Database,
  reader: Reader,
  writer: Writer,
  ids: readonly string[],
): Promise<Map<string, Known[]>> {
  const known = new Map<string, Known[]>()
  for (const row of await readStored(
    db,
    reader.scope,
    writer.collection.seq,
    ids,
    writer.subject.organization.id,
    ownOnly(writer),
  )) {
    const list = known.get(row.object_id) ?? []
    list.push(fromStored(row))
    known.set(row.object_id, list)
  }
  return known
}
