/** Requests to one collection that wait for its log share a transaction: one lock, one fsync. */
import { AppError } from '../errors.ts'
import { assume, StaleWorld } from '../store/session.ts'
import { type Batch, closedStatuses, type NewStatus } from '../store/statuses.ts'
import type { Exchange } from './exchange.ts'
import { type Prepared, uncapped, type Writer } from './prepare-objects.ts'
import { storeObjects } from './store-objects.ts'
import { type Plain, type PlainRequest, planPlain, storePlain } from './store-plain.ts'

/** One request, ready to be stored. */
export interface Commission {
  writer: Writer
  prepared: Prepared
  status: NewStatus | null
}

interface Waiting extends Commission {
  /** Of the world that it was prepared in. */
  epoch: bigint
  /** For the short way; null: it has to look at what is there. */
  plain: Plain | null
  bytes: number
  /** When it came, in milliseconds. */
  since: number
  resolve: (batch: Batch) => void
  reject: (error: unknown) => void
}

/** Of one collection: who waits for its log, and how many transactions of this node are at it. */
interface Lane {
  waiting: Waiting[]
  inside: number
}

/** What goes into one transaction at most, unless one request is larger. */
const MOST_REQUESTS = 200
const MOST_OBJECTS = 2000
const MOST_BYTES = 16_777_216
/**
 * One transaction at a time: what comes meanwhile shares the next one's fsync. A second one, so that its parameters are
 * on their way while the first still stores, only where it is as large as this.
 */
const AT_ONCE = 2
const WORTH_OVERLAP = 100
/** Milliseconds that a request waits for the log. */
const PATIENCE = 10_000

const lanes = new WeakMap<Exchange, Map<number, Lane>>()

/** Stores a request together with those that wait beside it. @throws what its transaction threw */
export async function commit(exchange: Exchange, commission: Commission): Promise<Batch> {
  const { writer, prepared } = commission
  const { epoch } = exchange.world
  const plain = exchange.short ? await planPlain(exchange, writer, prepared) : null
  let open = lanes.get(exchange)
  if (!open) {
    open = new Map()
    lanes.set(exchange, open)
  }
  const lane = open.get(writer.collection.seq) ?? { waiting: [], inside: 0 }
  open.set(writer.collection.seq, lane)
  let bytes = 0
  for (const { object } of prepared.candidates) bytes += object.text.length
  return await new Promise((resolve, reject) => {
    lane.waiting.push({ ...commission, plain, epoch, bytes, since: performance.now(), resolve, reject })
    pump(exchange, lane)
  })
}

function pump(exchange: Exchange, lane: Lane): void {
  giveUp(lane)
  while (lane.waiting.length > 0 && (lane.inside === 0 || (lane.inside < AT_ONCE && isLarge(lane)))) {
    const group = takeGroup(lane)
    lane.inside++
    void settle(exchange, group).finally(() => {
      lane.inside--
      pump(exchange, lane)
    })
  }
  if (lane.waiting.length > 0) watch(exchange, lane)
}

function isLarge({ waiting }: Lane): boolean {
  let objects = 0
  for (const { prepared } of waiting) objects += prepared.candidates.length
  return objects >= WORTH_OVERLAP
}

const watched = new WeakSet<Lane>()

/** What waits is told when it has waited too long, even while nothing moves. */
function watch(exchange: Exchange, lane: Lane): void {
  if (watched.has(lane)) return
  watched.add(lane)
  setTimeout(() => {
    watched.delete(lane)
    pump(exchange, lane)
  }, PATIENCE / 4).unref()
}

function giveUp(lane: Lane): void {
  const before = performance.now() - PATIENCE
  while (lane.waiting[0] && lane.waiting[0].since < before) {
    lane.waiting.shift()?.reject(new AppError('unavailable', { headers: { 'retry-after': '5' } }))
  }
}

/**
 * The oldest, and those behind it that may share its transaction: of the same writer, or all on the short way. There,
 * all ids are different, and none refers to what another stores, so that storing them together is the same as storing
 * one after the other.
 */
function takeGroup(lane: Lane): Waiting[] {
  const [first] = lane.waiting as [Waiting]
  const group: Waiting[] = []
  const left: Waiting[] = []
  const ids = new Set<string>()
  const targets = new Set<string>()
  let objects = 0
  let bytes = 0
  for (const one of lane.waiting) {
    const size = one.prepared.candidates.length
    const full =
      group.length > 0 &&
      (group.length >= MOST_REQUESTS || objects + size > MOST_OBJECTS || bytes + one.bytes > MOST_BYTES)
    if (full || one.epoch !== first.epoch || !together(first, one, ids, targets)) {
      left.push(one)
      continue
    }
    for (const { id } of one.plain?.items ?? []) ids.add(id)
    for (const id of one.plain?.targets ?? []) targets.add(id)
    objects += size
    bytes += one.bytes
    group.push(one)
  }
  lane.waiting = left
  return group
}

/** @param ids of what is in the group already, and `targets` what that refers to */
function together(
  first: Waiting,
  one: Waiting,
  ids: ReadonlySet<string>,
  targets: ReadonlySet<string>,
): boolean {
  if (first === one) return true
  if (first.plain) {
    const { plain } = one
    if (!plain?.items.every(({ id }) => !ids.has(id) && !targets.has(id))) return false
    for (const id of plain.targets) if (ids.has(id)) return false
    return true
  }
  return (
    !one.plain &&
    one.writer.subject.principal.id === first.writer.subject.principal.id &&
    one.writer.canRead === first.writer.canRead
  )
}

/** Stores a group and answers all of it; never throws. */
async function settle(exchange: Exchange, group: Waiting[]): Promise<void> {
  try {
    if (exchange.world.epoch !== (group[0] as Waiting).epoch) throw new StaleWorld()
    if (group.every((entry) => entry.plain)) await settlePlain(exchange, group)
    else {
      const batches = await storeNow(exchange, group)
      group.forEach((entry, i) => {
        entry.resolve(batches[i] as Batch)
      })
    }
  } catch (error) {
    // One that cannot be stored must not take its neighbours with it; a database that is gone takes all.
    if (group.length === 1 || (error instanceof AppError && error.code === 'unavailable')) {
      for (const entry of group) entry.reject(error)
    } else for (const entry of group) await settle(exchange, [entry])
  }
}

/** The short way; those that meet something go the long one, each writer's together, and the others once more. */
async function settlePlain(exchange: Exchange, group: Waiting[]): Promise<void> {
  const done = await storePlain(exchange, group as (Waiting & PlainRequest)[])
  if ('batches' in done) {
    group.forEach((entry, i) => {
      entry.resolve(done.batches[i] as Batch)
    })
    return
  }
  const others = group.filter((_, i) => !done.met.has(i))
  if (others.length > 0) await settle(exchange, others)
  const byWriter = new Map<string, Waiting[]>()
  group.forEach((entry, i) => {
    if (!done.met.has(i)) return
    entry.plain = null
    const key = `${entry.writer.canRead} ${entry.writer.subject.principal.id}`
    byWriter.set(key, [...(byWriter.get(key) ?? []), entry])
  })
  for (const entries of byWriter.values()) await settle(exchange, entries)
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
