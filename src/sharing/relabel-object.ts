/** Relabel: the originator gives a version of its object other markings, tighter or wider (policy.md §7, §9). */
import { AppError } from '../errors.ts'
import { rights } from '../policy/access.ts'
import { countReaders } from '../policy/losers.ts'
import type { AudienceRecord, Collection, Subject } from '../policy/model.ts'
import { openToAnybody } from '../policy/readers.ts'
import type { Markings } from '../stix/index.ts'
import type { Database } from '../store/pool.ts'
import { readPlaces, readTargets, type Target } from '../store/release-targets.ts'
import { cancelSchedules } from '../store/schedules.ts'
import { lockAndAssume, type Reader, StaleWorld } from '../store/session.ts'
import { knownLabelsOf } from '../taxii/author-view.ts'
import { Book } from '../taxii/book.ts'
import type { Exchange } from '../taxii/exchange.ts'
import type { Place } from '../taxii/operation.ts'
import { applyMarks, type Change, remark } from '../taxii/remark.ts'
import { formatMicros } from '../time.ts'
import { ownCopies } from './own-copies.ts'

/** What is to be marked, how, and why. */
export interface Marking {
  id: string
  versionKey: string | null
  /** Only these copies; null: all that the caller's organization has of the version. */
  accepted: readonly bigint[] | null
  markings: Markings
  reason: string
}

export interface Relabelled {
  id: string
  version: string
  change: Change
  /** null: the caller may not read it any more. */
  date_added: string | null
  warnings: string[]
  cancelled_schedules: string[]
  /** Organizations with somebody who may read it. */
  readers: { before: number; after: number | null }
}

/** A caller as the database knows it, twice: with its token's cap, and without. */
interface Writer {
  id: string
  subject: Subject
  reader: Reader
  wide: Reader
}

const ATTEMPTS = 5

/** @throws notFound, forbidden, conflict (a marking-definition), unprocessable (markings that cannot be applied) */
export async function relabelObject(
  exchange: Exchange,
  caller: { id: string; subject: Subject },
  place: Place,
  asked: Marking,
  also: (db: Database, change: Change) => Promise<void> = async () => {},
): Promise<Relabelled> {
  const { collection } = place
  const writer = writerOf(exchange, caller)
  const done = await exchange.pool.transaction(async (db) => {
    const marked = await markCopies(exchange, db, writer, place, asked)
    await also(db, marked.change)
    return marked
  })
  const accepted = done.targets.map((target) => target.accepted)
  const now = await placeNow(exchange, writer, collection.seq, asked.id, accepted)
  return {
    id: asked.id,
    version: now?.version ?? done.targets[0]?.version ?? '',
    change: done.change,
    date_added: now ? formatMicros(now.position) : null,
    warnings: done.warnings,
    cancelled_schedules: done.cancelled,
    readers: {
      before: readers(exchange, place, done.before),
      after: now
        ? readers(exchange, place, await knownLabel(exchange, exchange.pool, collection, accepted[0]))
        : null,
    },
  }
}

/** Taken at once, from one world: scopes are kept, and must not mix two of them. */
function writerOf(exchange: Exchange, caller: { id: string; subject: Subject }): Writer {
  const { id, subject } = caller
  const known = { id, subject, token: null }
  return { id, subject, reader: exchange.reader(known), wide: exchange.reader(known, false) }
}

interface Marked {
  targets: Target[]
  before: AudienceRecord | null
  change: Change
  warnings: string[]
  cancelled: string[]
}

async function markCopies(
  exchange: Exchange,
  db: Database,
  writer: Writer,
  { collection }: Place,
  asked: Marking,
): Promise<Marked> {
  const { reader, wide, subject } = writer
  await lockAndAssume(db, reader, collection.seq)
  const copies = await readTargets(db, reader.scope, collection.seq, asked.id)
  const meant = asked.accepted ? copies.filter((copy) => asked.accepted?.includes(copy.accepted)) : copies
  const targets = ownCopies(meant, subject.organization.id, asked.versionKey)
  const remarked = await remark(exchange, db, wide, collection, targets, asked.markings)
  const before = await knownLabel(exchange, db, collection, targets[0]?.accepted)
  const cause = { kind: 'relabel', actor: writer.id, reason: asked.reason } as const
  const change = await applyMarks(exchange, db, collection, remarked, cause)
  const cancelled = await cancelSchedules(
    db,
    collection.seq,
    asked.id,
    targets.map((target) => target.accepted),
    `${writer.id} has relabelled the object.`,
    exchange.clock.now(),
  )
  const warnings = [...new Set(remarked.flatMap(({ labelled }) => labelled.warnings))]
  return { targets, before, change, warnings, cancelled }
}

/** After the commit: where it lies in the log, if the caller still sees it. It never undoes what is done. */
async function placeNow(
  exchange: Exchange,
  { id, subject }: Writer,
  collection: number,
  object: string,
  accepted: readonly bigint[],
) {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    await exchange.refresh()
    const now = exchange.subject(exchange.world.topology.principals.get(id), subject.cap)
    if (!now) return null
    try {
      const reader = exchange.reader({ id, subject: now, token: null })
      const [place] = await readPlaces(exchange.pool, reader, collection, object, accepted)
      return place ?? null
    } catch (error) {
      if (!(error instanceof StaleWorld)) throw error
    }
  }
  return null
}

/** A row's label as its author knows it: what it refers to may have become hidden from it, and a count must not tell. */
async function knownLabel(
  exchange: Exchange,
  db: Database,
  collection: Collection,
  accepted: bigint | undefined,
): Promise<AudienceRecord | null> {
  if (accepted === undefined) return null
  const at = { db, collection, book: new Book(exchange, db), now: exchange.clock.now() }
  return (await knownLabelsOf(at, [accepted])).get(accepted) ?? null
}

function readers(exchange: Exchange, { collection }: Place, record: AudienceRecord | null): number {
  const { world } = exchange
  if (!record) return 0
  const now = exchange.clock.now()
  const open = openToAnybody(world, collection, record, now)
  const mayEnter = (subject: Subject) =>
    open || (rights(world, { id: subject.principal.id, subject, token: null }, collection)?.read ?? false)
  return countReaders(world.topology, record, now, mayEnter)
}

/** An approval is a release: nobody loses by it. @throws unprocessable */
export function refuseTightening(change: Change): void {
  if (change !== 'tightened') return
  throw new AppError('unprocessable', {
    detail: 'These markings take readers away and add none: to tighten it, relabel it by PATCH.',
  })
}
