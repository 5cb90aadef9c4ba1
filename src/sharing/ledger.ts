/** Who received what of the caller's organization, when, under which rule; and the proof of it (policy.md §13). */
import { AppError } from '../errors.ts'
import type { Caller, Subject } from '../policy/model.ts'
import { ceiling } from '../policy/permit.ts'
import { entryHashes } from '../store/deliveries.ts'
import { type Entry, type Head, NAMED, readEntries, readHeads } from '../store/ledger.ts'
import { type Delivered, readAnswers } from '../store/ledger-answers.ts'
import type { Binding } from '../taxii/cursor.ts'
import type { Exchange } from '../taxii/exchange.ts'
import { entryText } from '../taxii/ledger-entry.ts'
import { dayName, headText, ledgerKey } from '../taxii/ledger-head.ts'
import { treeOf } from '../taxii/ledger-tree.ts'
import { formatMicros, parseMicros } from '../time.ts'
import { readable } from './own-copies.ts'
import { type Asked, openWalk, pageOfRows, seal, unseal } from './walk.ts'

type Member = Caller & { subject: Subject }

export interface AskedEntries extends Asked {
  order?: 'newest' | 'oldest' | undefined
  object?: string | undefined
  since?: string | undefined
  organization?: string | undefined
}

/**
 * May the caller see the chain itself: every entry, with its number? Who may not see RED of its organization would
 * learn from gaps in the numbers how much of it is delivered.
 */
function seesChain(exchange: Exchange, { subject }: Member): boolean {
  const { principal, cap } = subject
  return (
    principal.kind === 'person' &&
    principal.custodian &&
    cap === null &&
    ceiling(exchange.world.topology, subject) === 'red'
  )
}

const PAGE = 50

/** @throws badRequest for a `since` that is no time; badParameter for a `next` of another list */
export async function listEntries(exchange: Exchange, caller: Member, asked: AskedEntries) {
  const since = asked.since === undefined ? null : parseMicros(asked.since)
  if (asked.since !== undefined && since === null) {
    throw new AppError('badParameter', { detail: '/since of the query is not a timestamp.' })
  }
  const oldest = asked.order === 'oldest'
  const { object = null, organization: reader = null } = asked
  const chain = seesChain(exchange, caller)
  const limit = asked.limit ?? PAGE
  const binding = ['ledger', caller.id, JSON.stringify([oldest, object, asked.since ?? null, reader, chain])]
  const organization = caller.subject.organization.id
  const collections = [...readable(exchange, caller).keys()]
  const query = { organization, collections, oldest, since, reader, object, limit }
  if (!chain) return await listAnswers(exchange, caller, query, { next: asked.next, binding })
  const walk = openWalk(exchange, { limit, next: asked.next }, binding)
  const { beyond } = walk
  const rows = await readEntries(exchange.pool, exchange.reader(caller), { ...query, beyond, seq: null })
  return pageOfRows(exchange, walk, rows, (entry) => ({
    ...shown(entry, entry.until),
    count: entry.count,
    chain: linkOf(entry),
  }))
}

/** To those who do not see the chain: answer by answer, as if there were nothing but what they see. */
async function listAnswers(
  exchange: Exchange,
  caller: Member,
  query: Omit<Parameters<typeof readAnswers>[2], 'beyond'>,
  { next, binding }: { next: string | undefined; binding: Binding },
) {
  const from = unseal(exchange, next, binding)
  const beyond = from && { at: from.after, tie: from.addedAfter ?? 0n }
  const rows = await readAnswers(exchange.pool, exchange.reader(caller), { ...query, beyond })
  const items = rows.slice(0, query.limit).map((one) => shown(one, one.at))
  const last = rows[query.limit - 1]
  if (rows.length <= query.limit || !last) return { items }
  return { items, next: seal(exchange, { after: last.at, addedAfter: last.tie }, binding) }
}

/** A delivery as the caller gets it. */
function shown(one: Delivered, until: bigint) {
  const { at, principal, reader, token, root, collection, rule, visible, objects } = one
  return {
    at: formatMicros(at),
    until: formatMicros(until),
    principal: principal === '' ? null : principal,
    organization: reader === '' ? null : reader,
    token,
    root,
    collection,
    rule,
    count: visible,
    objects,
    objects_left_out: Math.max(0, visible - NAMED),
  }
}

/** What of an entry only matters to its hash. */
function linkOf(entry: Entry) {
  const {
    seq,
    country,
    sealed,
    audience,
    marks_rule,
    epoch,
    revision,
    first,
    last,
    runs,
    pages,
    previous,
    hash,
  } = entry
  return {
    seq: Number(seq),
    country,
    sealed: formatMicros(sealed),
    audience,
    marks_rule,
    epoch: Number(epoch),
    revision: Number(revision),
    first: formatMicros(first),
    last: formatMicros(last),
    runs,
    pages,
    previous,
    hash,
  }
}

/** Signed heads of the chain, for those who see it; an empty list to others. */
export async function listHeads(exchange: Exchange, caller: Member, asked: Asked) {
  const walk = openWalk(exchange, asked, ['ledger-heads', caller.id])
  const rows = seesChain(exchange, caller)
    ? await readHeads(exchange.pool, exchange.reader(caller), caller.subject.organization.id, {
        before: walk.beyond,
        holding: null,
        limit: walk.limit,
      })
    : []
  return pageOfRows(
    exchange,
    walk,
    rows.map((head) => ({ ...head, seq: BigInt(head.day) })),
    shownHead,
  )
}

function shownHead(head: Head) {
  const { organization, day, first, last, objects, root, hash, signed, key, signature } = head
  return {
    organization,
    day: dayName(day),
    first: Number(first),
    last: Number(last),
    objects: Number(objects),
    root: root.toString('hex'),
    hash: hash.toString('hex'),
    signed: formatMicros(signed),
    key,
    text: headText(head),
    signature: signature.toString('base64'),
  }
}

/**
 * That an entry is in the chain as it was signed.
 * @throws notFound for an entry that is not there, and to those who do not see the chain
 */
export async function proveEntry(exchange: Exchange, caller: Member, seq: bigint) {
  const reader = exchange.reader(caller)
  const organization = caller.subject.organization.id
  const collections = [...readable(exchange, caller).keys()]
  const everything = {
    collections,
    oldest: false,
    beyond: null,
    since: null,
    reader: null,
    object: null,
  }
  const [entry] = seesChain(exchange, caller)
    ? await readEntries(exchange.pool, reader, { ...everything, organization, seq, limit: 1 })
    : []
  if (!entry) throw new AppError('notFound')
  const own = { seq: Number(seq), text: entryText(organization, entry), hash: entry.hash }
  const [head] = await readHeads(exchange.pool, reader, organization, {
    before: null,
    holding: seq,
    limit: 1,
  })
  if (!head) return { entry: own, head: null, path: [] }
  const { path } = await treeOf(
    entryHashes(exchange.pool, organization, head.first, head.last),
    Number(seq - head.first),
  )
  return {
    entry: own,
    head: shownHead(head),
    path: path.map(({ side, hash }) => ({ side, hash: hash.toString('hex') })),
  }
}

/** The key that signs heads. */
export function publicKey(exchange: Exchange) {
  const { name, pem } = ledgerKey(exchange.world.settings)
  return { key: name, algorithm: 'Ed25519' as const, pem }
}
