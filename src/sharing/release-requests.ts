/** Requests for release: asked for without knowing whether the object exists, answered by its originator (policy.md §13). */
import { randomUUID } from 'node:crypto'
import { AppError } from '../errors.ts'
import type { Caller, Collection, Subject } from '../policy/model.ts'
import {
  answerRequest,
  type Filed,
  fileRequest,
  type NewRequest,
  type Received,
  readFiled,
  readReceived,
  readSeen,
  type Wanted,
} from '../store/release-requests.ts'
import { assume, StaleWorld } from '../store/session.ts'
import { audit } from '../store/write-items.ts'
import type { Exchange } from '../taxii/exchange.ts'
import { findCollection, requireRead } from '../taxii/operation.ts'
import { formatMicros, type Micros } from '../time.ts'
import { findOwnPlace, readable, versionKeyOf } from './own-copies.ts'
import { refuseTightening, relabelObject } from './relabel-object.ts'
import { type Asked, openWalk, pageOfRows } from './walk.ts'

type Member = Caller & { subject: Subject }

/** Open requests of one principal. */
const MOST = 100
const LIFETIME = 30n * 86_400_000_000n

export interface NewReleaseRequest {
  root: string
  collection: string
  id: string
  version?: string | undefined
  to: Wanted
  justification: string
}

/**
 * Files a request. Nothing here looks for what the requester may not see: originators are looked for afterwards, in
 * the background, so that neither the answer nor its time depends on whether there is one.
 */
export async function fileReleaseRequest(exchange: Exchange, caller: Member, asked: NewReleaseRequest) {
  const place = findCollection(exchange, caller, asked.root, asked.collection)
  requireRead(place)
  const { collection } = place
  const created = exchange.clock.now()
  const made: NewRequest = {
    id: randomUUID(),
    principal: caller.id,
    organization: caller.subject.organization.id,
    collection: collection.seq,
    object: asked.id,
    version: asked.version ?? null,
    versionKey: versionKeyOf(asked.version),
    wanted: asked.to,
    justification: asked.justification,
    created,
    expires: created + LIFETIME,
  }
  const reader = exchange.reader(caller)
  const filed = await exchange.pool.transaction(async (db) => {
    await assume(db, reader)
    const seen = await readSeen(db, reader.scope, collection.seq, asked.id)
    if (!(await fileRequest(db, made, seen, MOST))) return false
    const detail = { request: made.id, collection: collection.id, object: asked.id, why: asked.justification }
    await audit(db, created, caller.id, 'release-request', detail)
    return true
  })
  if (!filed) {
    throw new AppError('conflict', {
      detail: `You have ${MOST} open requests for release: wait until some are answered or expire.`,
    })
  }
  const { id, version, wanted, justification, expires } = made
  const row = { id, collection: collection.seq, object_id: asked.id, version, wanted, justification }
  return render(collection, { ...row, seq: 0n, created, expires, decision: null, reason: null }, created)
}

/** The caller's own requests: open, or what was decided and why. */
export async function listFiled(exchange: Exchange, caller: Member, asked: Asked) {
  const walk = openWalk(exchange, asked, ['release-requests', caller.id])
  const collections = readable(exchange, caller)
  const ids = [...collections.keys()]
  const reader = exchange.reader(caller)
  const rows = await readFiled(exchange.pool, reader, ids, walk.beyond, walk.limit)
  const now = exchange.clock.now()
  return pageOfRows(exchange, walk, rows, (row) =>
    render(collections.get(row.collection) as Collection, row, now),
  )
}

/** Requests to the caller's organization for objects of its own that the caller sees. @throws forbidden for a service */
export async function listReceived(exchange: Exchange, caller: Member, asked: Asked) {
  requirePerson(caller)
  const walk = openWalk(exchange, asked, ['release-requests-received', caller.id])
  const collections = readable(exchange, caller)
  const rows = await readReceived(exchange.pool, exchange.reader(caller), {
    collections: [...collections.keys()],
    organization: caller.subject.organization.id,
    id: null,
    before: walk.beyond,
    limit: walk.limit,
  })
  const now = exchange.clock.now()
  return pageOfRows(exchange, walk, rows, (row) => ({
    ...render(collections.get(row.collection) as Collection, row, now),
    requester: row.principal,
    organization: row.organization,
  }))
}

/** Releases what was asked for, as far as these markings go, and tells the requester. */
export async function approveRequest(
  exchange: Exchange,
  caller: Member,
  id: string,
  asked: { object_marking_refs: readonly string[]; reason: string },
) {
  const { epoch } = exchange.world
  const { place, request } = await toDecide(exchange, caller, id)
  // The caller is of the world that it was known in: in another one it is asked about again.
  if (exchange.world.epoch !== epoch) throw new StaleWorld()
  const marking = {
    id: request.object_id,
    versionKey: null,
    accepted: request.accepted,
    markings: { object_marking_refs: asked.object_marking_refs },
    reason: asked.reason,
  }
  return await relabelObject(exchange, caller, place, marking, async (db, change) => {
    refuseTightening(change)
    const organization = caller.subject.organization.id
    const now = exchange.clock.now()
    const answered = await answerRequest(db, id, organization, caller.id, 'approved', asked.reason, now)
    if (!answered) throw decidedAlready()
    const detail = { request: id, object: request.object_id, change, reason: asked.reason }
    await audit(db, now, caller.id, 'release-approval', detail)
  })
}

/** Declines; the requester learns that, and the reason. */
export async function refuseRequest(exchange: Exchange, caller: Member, id: string, reason: string) {
  const { place, request } = await toDecide(exchange, caller, id)
  const organization = caller.subject.organization.id
  const now = exchange.clock.now()
  await exchange.pool.transaction(async (db) => {
    if (!(await answerRequest(db, id, organization, caller.id, 'declined', reason, now)))
      throw decidedAlready()
    await audit(db, now, caller.id, 'release-refusal', { request: id, object: request.object_id, reason })
  })
  return {
    ...render(place.collection, { ...request, decision: 'declined', reason }, now),
    requester: request.principal,
    organization: request.organization,
  }
}

/** @throws notFound, forbidden without the right to write, conflict when it is decided or has expired */
async function toDecide(exchange: Exchange, caller: Member, id: string) {
  requirePerson(caller)
  const collections = readable(exchange, caller)
  const [request] = await readReceived(exchange.pool, exchange.reader(caller), {
    collections: [...collections.keys()],
    organization: caller.subject.organization.id,
    id,
    before: null,
    limit: 1,
  })
  const collection = collections.get(request?.collection ?? -1)
  if (!request || !collection) throw new AppError('notFound')
  const place = findOwnPlace(exchange, caller, collection.root, collection.id)
  if (request.decision) throw decidedAlready()
  if (request.expires <= exchange.clock.now()) {
    throw new AppError('conflict', { detail: 'This request has expired.' })
  }
  return { place, request }
}

const decidedAlready = () =>
  new AppError('conflict', { detail: 'Your organization has decided this request already.' })

function requirePerson({ subject }: Member): void {
  if (subject.principal.kind === 'person') return
  throw new AppError('forbidden', { detail: 'Requests for release are for persons to decide.' })
}

function render(collection: Collection, request: Filed | Received, now: Micros) {
  const { decision, reason, version } = request
  return {
    id: request.id,
    state: decision ?? (request.expires <= now ? ('expired' as const) : ('open' as const)),
    root: collection.root,
    collection: collection.id,
    object: request.object_id,
    ...(version !== null && { version }),
    to: request.wanted,
    justification: request.justification,
    created: formatMicros(request.created),
    expires: formatMicros(request.expires),
    ...(reason !== null && { reason }),
  }
}
