/** Requests of one writer to one collection that wait for its log share a transaction: one lock, one fsync. */
import { AppError } from '../errors.ts'
import { assume } from '../store/session.ts'
import { type Batch, closedStatuses, type NewStatus } from '../store/statuses.ts'
import type { Exchange } from './exchange.ts'
import { type Prepared, uncapped, type Writer } from './prepare-objects.ts'
import { storeObjects } from './store-objects.ts'

/** One request, ready to be stored. */
export interface Commission {
  writer: Writer
  prepared: Prepared
  status: NewStatus | null
}

interface Waiting extends Commission {
  resolve: (batch: Batch) => void
  reject: (error: unknown) => void
}

const MOST_OBJECTS = 2000
const queues = new WeakMap<Exchange, Map<string, Waiting[]>>()

/** Stores a request together with those that wait beside it. @throws what its transaction threw */
export async function commit(exchange: Exchange, commission: Commission): Promise<Batch> {
  let lanes = queues.get(exchange)
  if (!lanes) {
    lanes = new Map()
    queues.set(exchange, lanes)
  }
  const { subject, collection, canRead } = commission.writer
  const key = `${exchange.world.epoch} ${collection.seq} ${canRead} ${subject.principal.id}`
  return await new Promise((resolve, reject) => {
    const entry = { ...commission, resolve, reject }
    const lane = lanes.get(key)
    if (lane) {
      lane.push(entry)
      return
    }
    lanes.set(key, [entry])
    void drain(exchange, lanes, key)
  })
}

async function drain(exchange: Exchange, lanes: Map<string, Waiting[]>, key: string): Promise<void> {
  for (;;) {
    const lane = lanes.get(key) ?? []
    if (lane.length === 0) {
      lanes.delete(key)
      return
    }
    let objects = 0
    let count = 0
    while (count < lane.length && (count === 0 || objects < MOST_OBJECTS)) {
      objects += (lane[count] as Waiting).prepared.candidates.length
      count++
    }
    await settle(exchange, lane.splice(0, count))
  }
}

async function settle(exchange: Exchange, group: Waiting[]): Promise<void> {
  try {
    const batches = await store(exchange, group)
    group.forEach((entry, i) => {
      entry.resolve(batches[i] as Batch)
    })
  } catch (error) {
    // One that cannot be stored must not take its neighbours with it; a database that is gone takes all.
    if (group.length === 1 || (error instanceof AppError && error.code === 'unavailable')) {
      for (const entry of group) entry.reject(error)
    } else for (const entry of group) await settle(exchange, [entry])
  }
}

/** Writers of one collection wait for its log here and not on database connections, which others need. */
const AT_ONCE = 2
/** Milliseconds. */
const PATIENCE = 10_000
const gates = new WeakMap<Exchange, Map<number, { inside: number; waiting: (() => void)[] }>>()

/** @throws unavailable when the log is not free in time */
async function admitted(waiting: (() => void)[]): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const go = () => {
      clearTimeout(timer)
      resolve()
    }
    const timer = setTimeout(() => {
      const at = waiting.indexOf(go)
      if (at < 0) return
      waiting.splice(at, 1)
      reject(new AppError('unavailable', { headers: { 'retry-after': '5' } }))
    }, PATIENCE)
    waiting.push(go)
  })
}

async function through<T>(exchange: Exchange, collection: number, work: () => Promise<T>): Promise<T> {
  let open = gates.get(exchange)
  if (!open) {
    open = new Map()
    gates.set(exchange, open)
  }
  const gate = open.get(collection) ?? { inside: 0, waiting: [] }
  open.set(collection, gate)
  if (gate.inside >= AT_ONCE) await admitted(gate.waiting)
  else gate.inside++
  try {
    return await work()
  } finally {
    const next = gate.waiting.shift()
    if (next) next()
    else gate.inside--
  }
}

async function store(exchange: Exchange, group: readonly Waiting[]): Promise<Batch[]> {
  const { writer } = group[0] as Waiting
  return await through(exchange, writer.collection.seq, async () => await storeNow(exchange, group))
}

async function storeNow(exchange: Exchange, group: readonly Waiting[]): Promise<Batch[]> {
  const { writer } = group[0] as Waiting
  return await exchange.pool.transaction(async (db) => {
    const prepared = group.map((entry) => entry.prepared)
    // With nothing to store, nothing else would ask whether the writer is still one.
    if (prepared.every((p) => p.candidates.length === 0)) await assume(db, uncapped(exchange, writer))
    const batches = await storeObjects(exchange, db, writer, prepared)
    const statuses = group.flatMap(({ status }, i) =>
      status ? [{ status, batch: batches[i] as Batch }] : [],
    )
    await closedStatuses(db, statuses, exchange.clock.now())
    return batches
  })
}
