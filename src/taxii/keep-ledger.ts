/** The ledger's work that no request waits for: seals deliveries, spreads recalls, signs heads (policy.md §13). */
import { sealDeliveries, spreadRecalls } from '../store/deliveries.ts'
import type { Exchange } from './exchange.ts'
import { signHeads } from './ledger-head.ts'

const ANSWERS = 200
const RECALLS = 20

/** Any number of nodes may do so at the same time: the database lets one at a time. */
export async function keepLedger(exchange: Exchange, stopped: () => boolean = () => false): Promise<void> {
  const { pool, clock } = exchange
  while (!stopped() && (await sealDeliveries(pool, clock.now(), ANSWERS)) > 0) {}
  while (!stopped() && (await spreadRecalls(pool, RECALLS)) > 0) {}
  while (!stopped() && (await signHeads(exchange)) > 0) {}
}
