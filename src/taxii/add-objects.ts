/** Add objects (TAXII 2.1 §5.5): envelope in, status out; large ones are finished by a durable worker (D-5). */
import { randomUUID } from 'node:crypto'
import { AppError } from '../errors.ts'
import { rights } from '../policy/access.ts'
import type { Caller, Collection } from '../policy/model.ts'
import { type Limits, type Member, readEnvelope, readEnvelopeInTurns } from '../stix/index.ts'
import type { Database } from '../store/pool.ts'
import { assume, StaleWorld } from '../store/session.ts'
import {
  advanceStatus,
  type Batch,
  claimUpload,
  countUploads,
  type NewStatus,
  openStatus,
  postponeUpload,
  readUpload,
} from '../store/statuses.ts'
import type { Micros } from '../time.ts'
import { commit } from './commit-queue.ts'
import type { Exchange } from './exchange.ts'
import type { Place } from './operation.ts'
import { type Prepared, prepareObjects, type Writer } from './prepare-objects.ts'
import { renderStatus } from './status.ts'
import { storeObjects } from './store-objects.ts'
import { inTurns, type Work, workOf } from './turn.ts'

const ATTEMPTS = 5

/** Limits of one object, from the settings. */
export function limitsOf(exchange: Exchange): Limits {
  const { depth, bytes } = exchange.config.objectLimits
  return { depth, objectBytes: bytes, idLength: 400 }
}

/**
 * @param epoch of the world in which caller and place were found
 * @throws unprocessable for what is not an envelope; StaleWorld when the caller's rights are to be decided again.
 * Nothing is stored then
 */
export async function addObjects(
  exchange: Exchange,
  caller: Caller,
  place: Place,
  body: Buffer,
  epoch: bigint,
): Promise<string> {
  const work = workOf(body.length)
  const envelope = await inTurns(work, (pause) => readEnvelopeInTurns(body, limitsOf(exchange), pause))
  // The body took its time, and so did reading it.
  if (exchange.world.epoch !== epoch) throw new StaleWorld()
  if (!envelope.ok) throw new AppError('unprocessable', { detail: envelope.detail })
  const { members } = envelope
  const writer = writerOf(caller, place)
  const requested = exchange.clock.now()
  const status: NewStatus = {
    id: randomUUID(),
    root: place.root.path,
    collection: place.collection.seq,
    principal: caller.id,
    token: caller.token?.id ?? null,
    requested,
    total: members.length,
  }
  if (members.length > exchange.config.syncObjects) {
    await exchange.pool.transaction(async (db) => {
      await assume(db, exchange.reader(caller))
      await findRoom(exchange, db, caller.id)
      await openStatus(db, status, body)
    })
    return renderStatus({ ...status, success: 0, failure: 0, successes: '', failures: '' })
  }
  const batch = await storeBatch(exchange, writer, members, requested, status, work)
  exchange.observer.ingested(batch.success, batch.failure)
  return renderStatus({ ...status, ...batch })
}

/** @throws tooManyRequests for the principal's share of unfinished uploads; unavailable for those of all */
async function findRoom(exchange: Exchange, db: Database, principal: string): Promise<void> {
  const { most, share } = exchange.config.uploads
  const { own, everybody } = await countUploads(db, principal)
  if (own >= share) {
    throw new AppError('tooManyRequests', {
      detail: `${share} large envelopes of yours are not finished yet: look at their statuses, and send more when they are.`,
      headers: { 'retry-after': '30' },
    })
  }
  if (everybody >= most) throw new AppError('unavailable', { headers: { 'retry-after': '30' } })
}

/**
 * Prepares, then stores through the writer's queue; again when the world changed in between.
 * @param status to be opened and completed in the same transaction; null for an import
 */
export async function storeBatch(
  exchange: Exchange,
  writer: Writer,
  members: readonly Member[],
  requested: Micros,
  status: NewStatus | null,
  work?: Work,
): Promise<Batch> {
  for (let attempt = 1; ; attempt++) {
    const { epoch } = exchange.world
    try {
      const prepared = await prepareObjects(exchange, writer, members, requested, work)
      await takeIn(exchange, prepared)
      if (exchange.world.epoch !== epoch) throw new StaleWorld()
      return await commit(exchange, { writer, prepared, status })
    } catch (error) {
      if (!(error instanceof StaleWorld) || attempt >= ATTEMPTS) throw error
      await exchange.refresh()
      // Rights may have changed with the topology: let the whole request be decided again.
      if (exchange.world.epoch !== epoch) throw error
    }
  }
}

/** New audiences are part of the world: the transaction compares what this node knows with what there is. */
async function takeIn(exchange: Exchange, prepared: Prepared): Promise<void> {
  if (prepared.candidates.some((c) => c.marksId > exchange.world.audienceCount)) await exchange.refresh()
}

function writerOf(caller: Caller, place: Place): Writer {
  if (!caller.subject) throw new AppError('forbidden')
  return { subject: caller.subject, collection: place.collection, canRead: place.rights.read }
}

const BATCH = 1000
/** Microseconds that an upload waits after a failure. */
const RETRY_AFTER = 10_000_000n

/**
 * Works on the oldest unfinished upload, one batch per transaction: objects and counts commit together, so that a
 * crash repeats nothing and loses nothing.
 * @returns false when there is nothing to do
 */
export async function continueUpload(exchange: Exchange): Promise<boolean> {
  await exchange.refresh()
  let at: string | undefined
  try {
    return await workOnUpload(exchange, (id) => {
      at = id
    })
  } catch (error) {
    const later = exchange.clock.now() + RETRY_AFTER
    if (at !== undefined && !(error instanceof StaleWorld)) await postponeUpload(exchange.pool, at, later)
    throw error
  }
}

async function workOnUpload(exchange: Exchange, claims: (id: string) => void): Promise<boolean> {
  return await exchange.pool.transaction(async (db) => {
    const claimed = await claimUpload(db, exchange.clock.now())
    if (!claimed) return false
    claims(claimed.status)
    const { world } = exchange
    const subject = exchange.subject(world.topology.principals.get(claimed.principal))
    const collection = [...world.roots.values()]
      .flatMap((r) => r.collections)
      .find((c) => c.seq === claimed.collection)
    await assume(db, {
      scope: '{}',
      bits: '',
      size: 0,
      principal: claimed.principal,
      mark: { epoch: world.epoch, audiences: world.audienceCount },
    })
    const upload = await readUpload(db, claimed.status)
    if (!upload) return false
    const envelope = readEnvelope(upload.payload, limitsOf(exchange))
    if (!envelope.ok) throw new AppError('internal', { detail: 'a stored upload is not readable' })
    const from = claimed.next_index
    const members = envelope.members.slice(from, from + BATCH)
    const next = from + members.length
    const ended = claimed.token !== null && !world.tokens.has(claimed.token)
    const writer = subject && collection && !ended ? uploader(exchange, subject, collection) : null
    const batch = writer
      ? await batchInto(exchange, db, writer, members, upload.requested)
      : refuseAll(members, 'your right to write to this collection, or the token of this upload, has ended')
    await advanceStatus(db, claimed.status, from, batch, next, exchange.clock.now())
    exchange.observer.ingested(batch.success, batch.failure)
    return true
  })
}

async function batchInto(
  exchange: Exchange,
  db: Parameters<typeof storeObjects>[1],
  writer: Writer,
  members: readonly Member[],
  requested: Micros,
): Promise<Batch> {
  const { epoch } = exchange.world
  const prepared = await prepareObjects(exchange, writer, members, requested)
  await takeIn(exchange, prepared)
  if (exchange.world.epoch !== epoch) throw new StaleWorld()
  const [batch] = await storeObjects(exchange, db, writer, [prepared])
  return batch as Batch
}

function uploader(exchange: Exchange, subject: Writer['subject'], collection: Collection): Writer | null {
  const r = rights(exchange.world, { id: subject.principal.id, subject, token: null }, collection)
  return r?.write ? { subject, collection, canRead: r.read } : null
}

function refuseAll(members: readonly Member[], message: string): Batch {
  const failures = members.map((m) =>
    JSON.stringify({ id: `objects[${m.index}]`, version: '1970-01-01T00:00:00.000000Z', message }),
  )
  return { success: 0, failure: failures.length, successes: '', failures: failures.join(',') }
}
