/** Ends embargoes whose time has come: the row is appended again, with a new date_added, for its whole audience (policy.md §7). */
import { ANONYMOUS } from '../policy/model.ts'
import { readDue } from '../store/references.ts'
import { lockAndAssume, StaleWorld } from '../store/session.ts'
import { Book } from './book.ts'
import type { Exchange } from './exchange.ts'
import { chainsOf } from './relabel.ts'
import { propagate, settle } from './settle.ts'

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
      await propagate(at, chainsOf(settled))
      return settled.length
    })
  } catch (error) {
    // The world moved on between reading it and taking the lock: the next round knows it.
    if (error instanceof StaleWorld) return 1
    throw error
  }
}
