/** Takes the steps of release schedules when they are due: late possible, early never (policy.md §7, §13). */
import { AppError } from '../errors.ts'
import { rights } from '../policy/access.ts'
import type { Collection, Subject } from '../policy/model.ts'
import type { Database } from '../store/pool.ts'
import { readTargets, type Target } from '../store/release-targets.ts'
import {
  type DueStep,
  dueStep,
  failStep,
  finishStep,
  postponeStep,
  type TakenStep,
  takeStep,
} from '../store/schedules.ts'
import { lockAndAssume, type Reader, StaleWorld } from '../store/session.ts'
import { audit } from '../store/write-items.ts'
import type { Exchange } from './exchange.ts'
import { applyMarks, remark } from './remark.ts'

const ATTEMPTS = 5
/** Microseconds that a step waits after a fault, so that the others go on. */
const RETRY_AFTER = 10_000_000n

/**
 * Takes the first step that is due, in one transaction with all that it changes: a crash repeats nothing.
 * @returns false when there is nothing to do
 */
export async function continueSchedule(exchange: Exchange): Promise<boolean> {
  const due = await dueStep(exchange.pool, exchange.clock.now())
  if (!due) return false
  for (let attempt = 1; ; attempt++) {
    await exchange.refresh()
    try {
      return await exchange.pool.transaction((db) => step(exchange, db, due))
    } catch (error) {
      if (error instanceof StaleWorld && attempt < ATTEMPTS) continue
      await postponeStep(exchange.pool, due, exchange.clock.now() + RETRY_AFTER)
      throw error
    }
  }
}

/** Acts as the principal that made the schedule, as it is now; without its right, nothing is released. */
async function step(exchange: Exchange, db: Database, due: DueStep): Promise<boolean> {
  const maker = makerOf(exchange, due)
  if (typeof maker === 'string') return await fail(exchange, db, due, maker)
  const { reader, collection } = maker
  // The log first, as a PATCH does: whoever decides about an object waits for the other.
  await lockAndAssume(db, reader, collection.seq)
  const taken = await takeStep(db, due, exchange.clock.now())
  if (!taken) return false
  const targets = chosen(await readTargets(db, reader.scope, collection.seq, due.object_id), taken)
  if (typeof targets === 'string') return await fail(exchange, db, due, targets)
  const remarked = await remark(exchange, db, reader, collection, targets, {
    object_marking_refs: taken.refs,
  }).catch((error: unknown) => {
    if (error instanceof AppError && (error.code === 'unprocessable' || error.code === 'conflict')) {
      return error.message
    }
    throw error
  })
  if (typeof remarked === 'string') return await fail(exchange, db, due, remarked)
  const cause = { kind: 'schedule', actor: due.principal, reason: taken.reason } as const
  const change = await applyMarks(exchange, db, collection, remarked, cause)
  const hashes = new Map(remarked.map(({ target, hash }) => [target.accepted, hash]))
  const now = exchange.clock.now()
  await finishStep(
    db,
    due,
    change,
    taken.accepted.map((accepted) => hashes.get(accepted) as string),
    now,
  )
  await audit(db, now, due.principal, 'schedule-step', {
    schedule: due.schedule,
    step: due.step,
    object: due.object_id,
    change,
    reason: taken.reason,
  })
  return true
}

interface Maker {
  subject: Subject
  collection: Collection
  reader: Reader
}

function makerOf(exchange: Exchange, due: DueStep): Maker | string {
  const { world } = exchange
  const subject = exchange.subject(world.topology.principals.get(due.principal))
  const collection = [...world.roots.values()]
    .flatMap((root) => root.collections)
    .find((c) => c.seq === due.collection)
  if (subject?.organization.id !== due.organization) {
    return `${due.principal}, who made this schedule, is not active in ${due.organization} any more.`
  }
  const caller = { id: due.principal, subject, token: null }
  const found = collection && rights(world, caller, collection)
  if (!collection || !found?.read || !found.write) {
    return `${due.principal}, who made this schedule, may not read and write this collection any more.`
  }
  return { subject, collection, reader: exchange.reader(caller) }
}

/** The copies that the schedule was made for, if they still are what they were. */
function chosen(copies: readonly Target[], { accepted, hashes }: TakenStep): Target[] | string {
  const targets = accepted.map((at) => copies.find((copy) => copy.accepted === at))
  if (targets.some((target) => target === undefined)) {
    return 'The object is not there any more, or who made this schedule may not read it any more.'
  }
  const found = targets as Target[]
  if (found.some((target, i) => target.hash !== hashes[i])) {
    return 'The object was replaced by other content since this schedule was made or took its last step.'
  }
  return found
}

async function fail(exchange: Exchange, db: Database, due: DueStep, problem: string): Promise<boolean> {
  const now = exchange.clock.now()
  if (!(await failStep(db, due, problem, now))) return false
  await audit(db, now, due.principal, 'schedule-step', {
    schedule: due.schedule,
    step: due.step,
    object: due.object_id,
    failed: problem,
  })
  return true
}
