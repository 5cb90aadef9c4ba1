/** The ledger's work that no request waits for: seals deliveries, spreads recalls, signs heads (policy.md §13). */
import {
  type NewRule,
  type Part,
  rulesOf,
  sealEntries,
  spreadRecalls,
  type Taken,
  takeDeliveries,
} from '../store/deliveries.ts'
import { unfold } from '../store/page-places.ts'
import type { Database } from '../store/pool.ts'
import { decodeRuns, stretchOf } from '../store/runs.ts'
import { TENTH } from './deliveries.ts'
import type { Exchange } from './exchange.ts'
import { signHeads } from './ledger-head.ts'
import { nameMarksRules, type Sealable } from './marks-rules.ts'
import { type Mergeable, mergeDeliveries } from './merge-deliveries.ts'

const ANSWERS = 500
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

/**
 * Seals some of what was delivered.
 * @returns after which delivery to go on; null: nothing is left but what left meanwhile, or another node does it
 */
async function seal(exchange: Exchange, after: bigint): Promise<bigint | null> {
  const now = exchange.clock.now()
  return await exchange.pool.transaction(async (db) => {
    const taken = await takeDeliveries(db, after, ANSWERS)
    const last = taken.at(-1)
    if (!last) return null
    const pages = await pagesOf(exchange, db, taken, now)
    const named = await nameMarksRules(exchange, db, pages)
    const whole = pages.map(({ id, at, receiver, parts }) => {
      const found = named.get(id) ?? parts
      return { id, at, receiver, parts: at % TENTH === 0n ? found.flatMap(singles) : found }
    })
    await sealEntries(
      db,
      now,
      whole.map(({ id }) => id),
      mergeDeliveries(whole),
    )
    // What has come since is for the next time: together with more, not page by page as fast as they leave.
    return taken.length < ANSWERS ? null : last.id
  })
}

/** Single objects were written down together: each by itself, so that they fall in with others of their time. */
function singles(part: Part): Part[] {
  if (part.count > 100) return [part]
  return decodeRuns(Number(part.first), Buffer.from(part.runs, 'hex')).map((at) => ({
    ...part,
    ...stretchOf([at]),
  }))
}

/**
 * What is to be sealed, with its parts. Those are put together here of pages that are still as they were read; of these,
 * the ones whose rules are not noted yet are left out.
 */
async function pagesOf(
  exchange: Exchange,
  db: Database,
  taken: readonly Taken[],
  now: bigint,
): Promise<(Sealable & Mergeable)[]> {
  const pages: (Sealable & Mergeable)[] = []
  const books = new Set(taken.map(({ book }) => book).filter((book) => book !== null))
  const rules = books.size > 0 ? await rulesOf(db, [...books]) : new Map<string, Map<number, NewRule>>()
  // Another node may have met audiences that this one does not know yet.
  await exchange.refresh()
  for (const { id, at, book, collection, revision, receiver, ...page } of taken) {
    if (book === null) {
      pages.push({ id, at, collection, revision, receiver, parts: page.parts ?? [] })
      continue
    }
    const parts: Part[] = []
    let missing = false
    for (const share of exchange.shares(unfold(page))) {
      const noted = rules.get(book)?.get(share.audience)
      if (!noted) missing = true
      const each = noted?.each ? { each: noted.each } : {}
      parts.push({
        ...share,
        country: noted?.country ?? share.country,
        rule: noted?.rule ?? 'unknown',
        ...each,
      })
    }
    if (!missing || now - at > PATIENCE) pages.push({ id, at, collection, revision, receiver, parts })
  }
  return pages
}
