/** The ledger's work that no request waits for: seals deliveries, spreads recalls, signs heads (policy.md §13). */
import {
  type Part,
  rulesOf,
  sealDeliveries,
  spreadRecalls,
  type Taken,
  takeDeliveries,
} from '../store/deliveries.ts'
import { unfold } from '../store/page-places.ts'
import type { Database } from '../store/pool.ts'
import type { Exchange } from './exchange.ts'
import { signHeads } from './ledger-head.ts'

const ANSWERS = 200
const RECALLS = 20
/**
 * A page whose rules are still missing after so long is sealed without: its node has died. If it is only slow, it finds
 * the page sealed, and answers 503.
 */
const PATIENCE = 5_000_000n

/** Any number of nodes may do so at the same time: the database lets one at a time. */
export async function keepLedger(exchange: Exchange, stopped: () => boolean = () => false): Promise<void> {
  const { pool } = exchange
  let after: bigint | null = 0n
  while (!stopped() && after !== null) after = await seal(exchange, after)
  while (!stopped() && (await spreadRecalls(pool, RECALLS)) > 0) {}
  while (!stopped() && (await signHeads(exchange)) > 0) {}
}

/** Seals some of what was delivered. @returns after which delivery to go on; null: nothing is left, or another node does it */
async function seal(exchange: Exchange, after: bigint): Promise<bigint | null> {
  const now = exchange.clock.now()
  return await exchange.pool.transaction(async (db) => {
    const taken = await takeDeliveries(db, after, ANSWERS)
    const last = taken.at(-1)
    if (!last) return null
    const raw = await partsOf(exchange, db, taken, now)
    const ids = taken.filter(({ id, book }) => book === null || raw.has(id)).map(({ id }) => id)
    await sealDeliveries(
      db,
      now,
      ids,
      [...raw].map(([id, parts]) => ({ id: String(id), parts })),
    )
    return last.id
  })
}

/** Puts together what pages hold that are still as they were read; those whose rules are not noted yet are left out. */
async function partsOf(
  exchange: Exchange,
  db: Database,
  taken: readonly Taken[],
  now: bigint,
): Promise<Map<bigint, Part[]>> {
  const found = new Map<bigint, Part[]>()
  const books = new Set(taken.map(({ book }) => book).filter((book) => book !== null))
  if (books.size === 0) return found
  const rules = await rulesOf(db, [...books])
  // Another node may have met audiences that this one does not know yet.
  await exchange.refresh()
  for (const { id, at, book, ...page } of taken) {
    if (book === null) continue
    const parts: Part[] = []
    let missing = false
    for (const share of exchange.shares(unfold(page))) {
      const noted = rules.get(book)?.get(share.audience)
      if (!noted) missing = true
      parts.push({ ...share, country: noted?.country ?? share.country, rule: noted?.rule ?? 'unknown' })
    }
    if (!missing || now - at > PATIENCE) found.set(id, parts)
  }
  return found
}
