/** Release schedules: RED now, AMBER to two countries on the 1st, CLEAR on the 15th (policy.md §7, §13). */
import { randomUUID } from 'node:crypto'
import { AppError } from '../errors.ts'
import type { Caller, Collection, Subject } from '../policy/model.ts'
import { readTargets } from '../store/release-targets.ts'
import { cancelSchedule, openSchedule, readSchedules, type Schedule } from '../store/schedules.ts'
import { lockAndAssume } from '../store/session.ts'
import { audit } from '../store/write-items.ts'
import type { Exchange } from '../taxii/exchange.ts'
import { formatMicros } from '../time.ts'
import { findOwnPlace, ownCopies, readable, versionKeyOf } from './own-copies.ts'
import { parseSteps, refuseUnlessReleasing } from './release-steps.ts'
import { type Asked, openWalk, pageOfRows } from './walk.ts'

type Member = Caller & { subject: Subject }

/** Schedules of one principal that may be under way at once. */
const MOST = 1000

export interface NewReleaseSchedule {
  root: string
  collection: string
  id: string
  version?: string | undefined
  steps: readonly { at: string; object_marking_refs: readonly string[] }[]
  reason: string
}

/** Makes a schedule for the organization's copies of one version. @throws what a relabel throws, and unprocessable for a step that takes readers away */
export async function addSchedule(exchange: Exchange, caller: Member, asked: NewReleaseSchedule) {
  const { collection } = findOwnPlace(exchange, caller, asked.root, asked.collection)
  const versionKey = versionKeyOf(asked.version)
  const now = exchange.clock.now()
  const steps = parseSteps(asked.steps, now)
  const reader = exchange.reader(caller)
  const wide = exchange.reader(caller, false)
  const { world } = exchange
  const schedule: Schedule = await exchange.pool.transaction(async (db) => {
    await lockAndAssume(db, reader, collection.seq)
    const copies = await readTargets(db, reader.scope, collection.seq, asked.id)
    const targets = ownCopies(copies, caller.subject.organization.id, versionKey)
    await refuseUnlessReleasing(exchange, db, { world, wide, collection, targets, steps })
    const made = {
      id: randomUUID(),
      organization: caller.subject.organization.id,
      principal: caller.id,
      collection: collection.seq,
      object: asked.id,
      version: targets[0]?.version ?? '',
      accepted: targets.map((target) => target.accepted),
      hashes: targets.map((target) => target.hash),
      reason: asked.reason,
      steps,
    }
    refuseOutcome(await openSchedule(db, made, now, MOST))
    await audit(db, now, caller.id, 'schedule', {
      schedule: made.id,
      collection: collection.id,
      object: asked.id,
      steps: steps.map((step) => ({ at: formatMicros(step.at), refs: step.refs })),
      reason: asked.reason,
    })
    const pending = { state: 'pending', ended: null, change: null, problem: null } as const
    return {
      ...made,
      seq: 0n,
      object_id: asked.id,
      created: now,
      state: 'active',
      ended: null,
      note: null,
      steps: steps.map((step) => ({ ...step, refs: [...step.refs], ...pending })),
    }
  })
  return render(collection, schedule)
}

function refuseOutcome(outcome: 'made' | 'busy' | 'many'): void {
  if (outcome === 'busy') {
    throw new AppError('conflict', {
      detail: 'This version has a release schedule that is under way: cancel it first.',
    })
  }
  if (outcome === 'many') {
    throw new AppError('conflict', {
      detail: `You have ${MOST} release schedules under way: wait until some are done, or cancel some.`,
    })
  }
}

/** The organization's schedules for objects that the caller sees, the last made first. */
export async function listSchedules(exchange: Exchange, caller: Member, asked: Asked) {
  const walk = openWalk(exchange, asked, ['release-schedules', caller.id])
  const collections = readable(exchange, caller)
  const rows = await readSchedules(exchange.pool, exchange.reader(caller), {
    collections: [...collections.keys()],
    maker: makerOf(caller),
    id: null,
    before: walk.beyond,
    limit: walk.limit,
  })
  return pageOfRows(exchange, walk, rows, (row) => render(collections.get(row.collection) as Collection, row))
}

/** @throws notFound for one that is not there or not for this caller */
export async function getSchedule(exchange: Exchange, caller: Member, id: string) {
  const { collection, schedule } = await find(exchange, caller, id)
  return render(collection, schedule)
}

/** Ends a schedule; steps that are done stay done. @throws notFound, forbidden, conflict when it is over */
export async function endSchedule(exchange: Exchange, caller: Member, id: string, reason: string) {
  const { collection, schedule, reader, query } = await find(exchange, caller, id)
  findOwnPlace(exchange, caller, collection.root, collection.id)
  const now = exchange.clock.now()
  const note = `${caller.id} has cancelled it: ${reason}`
  const after = await exchange.pool.transaction(async (db) => {
    if (!(await cancelSchedule(db, id, note, now))) return null
    const { object_id: object } = schedule
    await audit(db, now, caller.id, 'schedule-cancel', { schedule: id, object, reason })
    const [ended] = await readSchedules(db, reader, query)
    return ended ?? schedule
  })
  if (!after) throw new AppError('conflict', { detail: 'This release schedule is over.' })
  return render(collection, after)
}

/** Sees what it made itself; with a capped token only on objects that the token may read (policy.md §1). */
const makerOf = ({ id, subject }: Member) => (subject.cap === null ? id : null)

async function find(exchange: Exchange, caller: Member, id: string) {
  const collections = readable(exchange, caller)
  const reader = exchange.reader(caller)
  const maker = makerOf(caller)
  const query = { collections: [...collections.keys()], maker, id, before: null, limit: 1 }
  const [schedule] = await readSchedules(exchange.pool, reader, query)
  const collection = collections.get(schedule?.collection ?? -1)
  if (!schedule || !collection) throw new AppError('notFound')
  return { schedule, collection, reader, query }
}

function render(collection: Collection, schedule: Schedule) {
  const { steps, note, ended } = schedule
  return {
    id: schedule.id,
    state: schedule.state,
    root: collection.root,
    collection: collection.id,
    object: schedule.object_id,
    version: schedule.version,
    made_by: schedule.principal,
    created: formatMicros(schedule.created),
    reason: schedule.reason,
    ...(ended !== null && { ended: formatMicros(ended) }),
    ...(note !== null && { note }),
    steps: steps.map((step) => ({
      at: formatMicros(step.at),
      object_marking_refs: step.refs,
      state: step.state,
      ...(step.state === 'done' && step.ended !== null && { done: formatMicros(step.ended) }),
      ...(step.change !== null && { change: step.change }),
      ...(step.problem !== null && { problem: step.problem }),
    })),
  }
}
