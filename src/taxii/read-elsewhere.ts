/**
 * Pages from a replica (docs/scaling.md). The primary is asked first, in a small statement that those who see the same
 * share, how far it is; the replica answers only if it has come as far, in the statement that reads the page. So a reader
 * gets what it could have got from the primary at that moment or later: what it wrote itself, and no row whose label was
 * tightened before it asked. Time windows are in the reader's scope, by the clock of this node.
 */
import { type ItemQuery, type Page, readPage } from '../store/read-items.ts'
import { readStanding, type Standing } from '../store/replica-standing.ts'
import { type Reader, StaleWorld } from '../store/session.ts'
import { Coalesced } from './coalesced.ts'
import type { Exchange } from './exchange.ts'

const MOST = 10_000
const standings = new WeakMap<Exchange, Map<string, Coalesced<Standing>>>()

async function standingOf(exchange: Exchange, collection: number, reader: Reader): Promise<Standing> {
  let known = standings.get(exchange)
  if (!known) {
    known = new Map()
    standings.set(exchange, known)
  }
  const { bits, size } = reader
  const key = `${collection} ${bits}`
  let standing = known.get(key)
  if (!standing) {
    standing = new Coalesced(() => readStanding(exchange.pool, collection, { bits, size }))
    if (known.size > MOST) known.clear()
    known.set(key, standing)
  }
  return await standing.run()
}

/**
 * Reads a page on the replica. Its delivery is still to be written down, on the primary.
 * @returns null when there is none, or it cannot or may not answer: read on the primary
 * @throws StaleWorld when the world has changed since the reader's scope was computed
 */
export async function readElsewhere(
  exchange: Exchange,
  reader: Reader,
  query: ItemQuery,
): Promise<Page | null> {
  const { replica } = exchange
  if (!replica?.ready(query.collection)) return null
  const past = await standingOf(exchange, query.collection, reader)
  if (past.epoch !== reader.mark.epoch || past.audiences !== reader.mark.audiences) throw new StaleWorld()
  if (past.rewritten === null) return null
  return await replica.read(query.collection, async (db) => await readPage(db, { ...reader, past }, query))
}
