/** Writes down what is about to be delivered (policy.md §13): answers that are ready at the same time share a statement. */
import { AppError } from '../errors.ts'
import type { Caller } from '../policy/model.ts'
import { type NewDelivery, recordDeliveries } from '../store/deliveries.ts'
import { StaleWorld } from '../store/session.ts'
import type { Exchange } from './exchange.ts'
import type { Share } from './runs.ts'

/** A page that is about to leave. */
export interface Outgoing {
  collection: number
  /** Of the world in which the reader's scope was computed. */
  epoch: bigint
  shares: readonly Share[]
  /** The collection's `rewritten` as the page was read. */
  rewritten: string
}

interface Waiting {
  delivery: NewDelivery
  resolve: (kept: boolean) => void
  reject: (error: unknown) => void
}

const MOST = 100
const queues = new WeakMap<Exchange, { waiting: Waiting[]; running: boolean }>()

/**
 * Writes a page down. The answer may leave when this has returned.
 * @throws unavailable when it cannot be written: no delivery without a record
 */
export async function deliver(exchange: Exchange, caller: Caller, page: Outgoing): Promise<void> {
  if (exchange.config.ledger && page.shares.length > 0) await record(exchange, caller, page, false)
}

/**
 * Confirms a page that was kept in memory, and writes it down in the same statement.
 * @returns false when it is not what the database holds any more
 * @throws StaleWorld when the topology has changed since the reader's scope was computed
 */
export async function confirmAndDeliver(
  exchange: Exchange,
  caller: Caller,
  page: Outgoing,
): Promise<boolean> {
  const written = exchange.config.ledger && page.shares.length > 0
  if (written && (await record(exchange, caller, page, true))) return true
  await exchange.refresh()
  if (exchange.world.epoch !== page.epoch) throw new StaleWorld()
  return !written && page.rewritten === exchange.world.rewritten[page.collection]
}

async function record(
  exchange: Exchange,
  caller: Caller,
  { collection, epoch, shares, rewritten }: Outgoing,
  confirm: boolean,
): Promise<boolean> {
  const delivery: NewDelivery = {
    at: String(exchange.clock.now()),
    principal: caller.id,
    reader: caller.subject?.organization.id ?? '',
    token: caller.token?.id ?? null,
    collection,
    epoch: String(epoch),
    revision: rewritten,
    confirm,
    parts: shares.map((share) => ({ ...share, rule: exchange.rule(caller, share.audience) })),
  }
  let queue = queues.get(exchange)
  if (!queue) {
    queue = { waiting: [], running: false }
    queues.set(exchange, queue)
  }
  const { waiting } = queue
  return await new Promise((resolve, reject) => {
    waiting.push({ delivery, resolve, reject })
    if (!queue.running) void drain(exchange, queue)
  })
}

async function drain(exchange: Exchange, queue: { waiting: Waiting[]; running: boolean }): Promise<void> {
  queue.running = true
  while (queue.waiting.length > 0) {
    const group = queue.waiting.splice(0, MOST)
    try {
      // On a connection that has just read a page.
      const kept = await recordDeliveries(
        exchange.pages,
        group.map((w) => w.delivery),
      )
      group.forEach((w, i) => {
        w.resolve(kept[i] === true)
      })
    } catch (cause) {
      // Whatever it is, these answers are not sent.
      for (const w of group) w.reject(new AppError('unavailable', { cause, headers: { 'retry-after': '2' } }))
    }
  }
  queue.running = false
}
