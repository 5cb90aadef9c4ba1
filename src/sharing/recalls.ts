/** Recalls: what the caller fetched and should handle anew, and who has acknowledged its organization's (policy.md §7, §13). */
import { AppError } from '../errors.ts'
import type { Caller, Subject } from '../policy/model.ts'
import { isDeadlock } from '../store/database-errors.ts'
import {
  acknowledgeRecall,
  findRecalls,
  type Issued,
  type Listener,
  type Notice,
  RECIPIENTS,
  readIssued,
  readNotices,
} from '../store/recalls.ts'
import { assume } from '../store/session.ts'
import type { Exchange } from '../taxii/exchange.ts'
import { formatMicros } from '../time.ts'
import { readable } from './own-copies.ts'
import { type Asked, openWalk, PAGE, pageOfRows, seal, unseal } from './walk.ts'

type Member = Caller & { subject: Subject }

/** A capped token learns of what it fetched itself; any other credential of whatever its owner fetched. */
const credential = ({ subject, token }: Member) => (subject.cap === null ? null : (token?.id ?? ''))

/** All recalls of its organization's objects are for an uncapped custodian. */
const seesAll = ({ subject: { principal, cap } }: Member) =>
  principal.kind === 'person' && principal.custodian && cap === null

/** An author is told of its own only what it knows a reason of. */
const listening = (exchange: Exchange, caller: Member): Listener =>
  seesAll(caller)
    ? { author: null, capped: false, readBack: [] }
    : { author: caller.id, capped: caller.subject.cap !== null, readBack: exchange.readBack(caller) }

/** The caller's notices, open ones first, each as soon as what it is about has happened. */
export async function listRecalls(exchange: Exchange, caller: Member, asked: Asked) {
  const token = credential(caller)
  const binding = ['recalls', caller.id, token ?? '']
  const walk = unseal(exchange, asked.next, binding)
  const limit = asked.limit ?? PAGE
  const beyond = walk && { open: walk.addedAfter === 1n, seq: walk.after }
  const reader = exchange.reader(caller)
  const listener = listening(exchange, caller)
  const read = () =>
    exchange.pool.transaction(async (db) => {
      await assume(db, reader)
      await findRecalls(db)
      return await readNotices(db, reader, { token, id: null, beyond, limit, listener })
    })
  // Sealing may note the same notices at this moment, in another order. What it had noted is there then.
  const rows = await read().catch((error: unknown) => {
    if (!isDeadlock(error)) throw error
    return read()
  })
  const items = rows.slice(0, limit)
  const last = items.at(-1)
  if (rows.length <= limit || !last) return { items: items.map(shown) }
  const place = { after: last.seq, addedAfter: last.acknowledged === null ? 1n : 0n }
  return { items: items.map(shown), next: seal(exchange, place, binding) }
}

function shown({ id, at, root, collection, object, versions, fetched, kind, reason, acknowledged }: Notice) {
  return {
    id,
    at: formatMicros(at),
    root,
    collection,
    object,
    versions,
    fetched_at: formatMicros(fetched),
    kind,
    reason,
    acknowledged_at: acknowledged === null ? null : formatMicros(acknowledged),
  }
}

/** Says that the caller has seen a recall to. Again changes nothing. @throws notFound unless it is one of its own */
export async function acknowledge(exchange: Exchange, caller: Member, recall: string) {
  const reader = exchange.reader(caller)
  const token = credential(caller)
  const listener = listening(exchange, caller)
  return await exchange.pool.transaction(async (db) => {
    await assume(db, reader)
    if (!(await acknowledgeRecall(db, recall, token, exchange.clock.now()))) throw new AppError('notFound')
    const [notice] = await readNotices(db, reader, { token, id: recall, beyond: null, limit: 1, listener })
    if (!notice) throw new AppError('notFound')
    return shown(notice)
  })
}

/** Recalls of the caller's organization's objects: those that it may see; all of them to an uncapped custodian. */
export async function listIssued(exchange: Exchange, caller: Member, asked: Asked) {
  const walk = openWalk(exchange, asked, ['recalls-issued', caller.id, caller.subject.cap ?? ''])
  const { principal, organization } = caller.subject
  const rows =
    principal.kind === 'person'
      ? await readIssued(exchange.pool, exchange.reader(caller), {
          organization: organization.id,
          collections: [...readable(exchange, caller).keys()],
          all: seesAll(caller),
          listener: listening(exchange, caller),
          before: walk.beyond,
          limit: walk.limit,
        })
      : []
  return pageOfRows(exchange, walk, rows, shownIssued)
}

function shownIssued(recall: Issued) {
  const { id, at, root, collection, object, versions, kind, actor, reason, fetched, acknowledged } = recall
  const time = (text: string) => formatMicros(BigInt(text))
  return {
    id,
    at: formatMicros(at),
    root,
    collection,
    object,
    versions,
    kind,
    // What an object points at may be another organization's.
    actor: kind === 'reference' ? null : actor,
    reason,
    fetched,
    acknowledged,
    recipients: recall.recipients.map((r) => ({
      principal: r.principal,
      organization: r.organization,
      fetched_at: time(r.fetched),
      acknowledged_at: r.acknowledged === null ? null : time(r.acknowledged),
    })),
    recipients_left_out: Math.max(0, fetched - RECIPIENTS),
  }
}
