/** Ends embargoes whose time has come: the row is appended again, with a new date_added, for its whole audience (policy.md §7). */
import { ANONYMOUS } from '../policy/model.ts'
import { readDue } from '../store/references.ts'
import { lockAndAssume, StaleWorld } from '../store/session.ts'
import { Book } from './book.ts'
import { readChains } from './chains.ts'
import type { Exchange } from './exchange.ts'
import { recallOlder, recallPointing } from './recall.ts'
import { chainsOf } from './relabel.ts'
import { propagate, type Settled, settle, type Transaction } from './settle.ts'

/** @returns how many objects were released; at most a thousand of one collection at once */
export async function releaseDue(exchange: Exchange): Promise<number> {
  const first = await readDue(exchange.pool, exchange.clock.now())
  if (!first) return 0
  await exchange.refresh()
  const collection = [...exchange.world.roots.values()]
    .flatMap((root) => root.collections)
    .find((c) => c.seq === first.collection)
  if (!collection) return 0
  try {
    return await exchange.pool.transaction(async (db) => {
      await lockAndAssume(db, exchange.reader(ANONYMOUS), collection.seq)
      const now = exchange.clock.now()
      const due = await readDue(db, now)
      if (due?.collection !== collection.seq) return 1
      const at = { exchange, db, collection, book: new Book(exchange, db), now }
      const settled = await settle(at, due.accepted, new Map(), true)
      const followed = await propagate(at, chainsOf(settled))
      await recall(at, settled, followed)
      return settled.length
    })
  } catch (error) {
    // The world moved on between reading it and taking the lock: the next round knows it.
    if (error instanceof StaleWorld) return 1
    throw error
  }
}

/**
 * Who fetched what a version under embargo has taken from it hears of that: of older versions, and of what points at
 * them. It was taken at the end of the embargo, and is noted here.
 */
async function recall(
  at: Transaction,
  released: readonly Settled[],
  followed: readonly Settled[],
): Promise<void> {
  const fresh = new Set(released.map(({ row }) => row.accepted))
  const copies = await readChains(
    at,
    released.map(({ row }) => row),
  )
  await recallOlder(at, '', copies, (copy) => fresh.has(copy.accepted))
  await recallPointing(at, '', followed)
}
