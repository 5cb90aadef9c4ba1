/** Notes what stored texts can be found by, in the transaction that stores them (TAXII 2.1 interop 3.13.2). */
import { matchTerms } from '../stix/index.ts'
import {
  advanceFill,
  type NewMatch,
  noteMatches,
  readUnfilled,
  readUnmatched,
  type Unmatched,
} from '../store/match.ts'
import { lockCollection } from '../store/session.ts'
import type { Exchange } from './exchange.ts'

/** Of an object that every reader gets as it is. */
export function matchOf(accepted: bigint, position: bigint, value: Record<string, unknown>): NewMatch {
  return { accepted, position, audience: null, rank: null, ...matchTerms(value) }
}

/** Of one of its renderings. */
export function matchOfCopy(
  accepted: bigint,
  position: bigint,
  { audience, rank, body }: { audience: number | null; rank: number | null; body: string },
): NewMatch {
  return { accepted, position, audience, rank, ...matchTerms(JSON.parse(body) as Record<string, unknown>) }
}

/** Objects per transaction, which holds the collection's log. */
const BATCH = 500

/**
 * Reads one batch of objects from before the index. It can be run again at any time: where it stands is committed with
 * what it noted.
 * @returns false when all collections are read in
 */
export async function fillMatches(exchange: Exchange): Promise<boolean> {
  const collection = await readUnfilled(exchange.pool)
  if (collection === null) return false
  await exchange.pool.transaction(async (db) => {
    await lockCollection(db, collection)
    const texts = await readUnmatched(db, collection, BATCH)
    const found = texts.map((text: Unmatched) => matchOfCopy(text.accepted, text.position, text))
    await noteMatches(db, collection, found)
    await advanceFill(db, collection, BATCH)
  })
  return true
}
