/** What the author of a row sees of what the row refers to (policy.md §6). */
import { rights } from '../policy/access.ts'
import { distinct } from '../policy/label.ts'
import type { AudienceRecord } from '../policy/model.ts'
import {
  type EdgeRow,
  type LabelledRow,
  type Newest,
  type OwnHeld,
  readHeldOf,
  readNewest,
} from '../store/references.ts'
import type { Micros } from '../time.ts'
import type { Composition } from './compose.ts'
import type { Transaction } from './settle.ts'

export type Sees = (record: AudienceRecord) => boolean

const bared = new WeakMap<AudienceRecord, AudienceRecord>()

/** The labels that must all admit, without what tells of parts, of embargoed versions and of what may be taken out. */
export function bare(record: AudienceRecord): AudienceRecord {
  const { own, submitter, origin, any, later, held } = record
  if (!any && !later && !held) return record
  let found = bared.get(record)
  if (!found) {
    found = { own, submitter, ...(origin !== undefined && { origin }) }
    bared.set(record, found)
  }
  return found
}

/** One record for all that a reference says; null when that is nothing. */
export function together(records: readonly AudienceRecord[], now: Micros): AudienceRecord | null {
  const [first, ...rest] = records
  if (!first) return null
  if (rest.length === 0) return begun(bare(first), now)
  return {
    ...bare(first),
    own: distinct(
      records.flatMap((r) => r.own),
      now,
    ),
  }
}

/** The same without windows that have begun. */
export function begun(record: AudienceRecord, now: Micros): AudienceRecord {
  const ended = record.own.some(({ notBefore }) => notBefore !== undefined && BigInt(notBefore) <= now)
  return ended ? { ...record, own: distinct(record.own, now) } : record
}

/** A version that an author sees, or what else a reference says to it. */
export interface Seen {
  /** A version of its own, with references of its own: its label as its author knows it. */
  own: { accepted: bigint } | null
  record: AudienceRecord | null
  /** Is the latest open version hidden from the author? */
  hidden?: boolean
}

/**
 * What the author of a row may see in this collection. All, when it reads nothing there: no date_added tells it
 * anything, and who else reads the row sees what decides on it.
 */
export function sightOf(
  { exchange, collection }: Pick<Transaction, 'exchange' | 'collection'>,
  row: Pick<LabelledRow, 'principal' | 'organization'>,
): Sees {
  const { world } = exchange
  const subject = exchange.subject(world.topology.principals.get(row.principal))
  if (subject?.organization.id !== row.organization) return () => true
  const caller = { id: row.principal, subject, token: null }
  return rights(world, caller, collection)?.read ? exchange.admits(caller, false) : () => true
}

function versionOf(
  { principal }: LabelledRow,
  accepted: bigint,
  record: AudienceRecord,
  refers: boolean,
): Seen {
  return { own: record.submitter === principal && refers ? { accepted } : null, record: bare(record) }
}

/** What a reference says to the row's author: the latest version of its chain that it sees. */
export function look(
  { book, now }: Transaction,
  row: LabelledRow,
  edge: EdgeRow,
  sees: Sees,
  compositions: ReadonlyMap<bigint, Composition>,
): Seen {
  const labelOf = (accepted: bigint, label: number) =>
    compositions.get(accepted)?.record ?? book.record(label)
  const version = (accepted: bigint, label: number, refers: boolean): Seen =>
    versionOf(row, accepted, labelOf(accepted, label), refers)
  const { latest, label, held, mine } = edge
  if (edge.organization === null) return { own: null, record: null }
  if (latest !== null && label !== null) {
    const due = (held ?? []).filter(({ at }) => BigInt(at) <= now)
    if (sees(labelOf(latest, label)) && due.every((h) => sees(book.record(h.label))))
      return version(latest, label, edge.refers)
    if (mine !== null) return { ...version(mine, edge.mine_label as number, edge.mine_refers), hidden: true }
  }
  const waiting = (held ?? []).map((h) => book.record(h.label)).filter(sees)
  return { own: null, record: together(waiting, now), hidden: latest !== null }
}

/** Where the latest version is hidden from an author, another one that is as new may not be: that decides then. */
export async function lookBeside(
  { db, collection, book, now }: Transaction,
  edges: readonly { row: LabelledRow; edge: EdgeRow; sees: Sees }[],
  seen: Map<EdgeRow, Seen>,
  compositions: ReadonlyMap<bigint, Composition>,
): Promise<void> {
  const asked = edges.filter(({ edge }) => seen.get(edge)?.hidden)
  const newest = await readNewest(
    db,
    collection.seq,
    asked.map(({ edge }) => edge),
  )
  for (const [i, { row, edge, sees }] of asked.entries()) {
    const due = (edge.held ?? []).filter(({ at }) => BigInt(at) <= now)
    if (!due.every((held) => sees(book.record(held.label)))) continue
    for (const { accepted, label, refers } of newest[i] as Newest[]) {
      const record = compositions.get(accepted)?.record ?? book.record(label)
      if (!sees(record)) continue
      seen.set(edge, versionOf(row, accepted, record, refers))
      break
    }
  }
}

/**
 * Versions of an author's own that are held. As far as it knows, some are not: what holds them is hidden from it. The
 * newest of those decides, if nothing newer that it sees is open. And where the latest open version is hidden, those that
 * it knows to be held say what they would say without that one, also when they are older.
 * @returns what each of these references may say, the first of which is not held as the author knows it
 */
export async function lookHeld(
  { db, collection, book, now }: Transaction,
  edges: readonly { row: LabelledRow; edge: EdgeRow }[],
  seen: ReadonlyMap<EdgeRow, Seen>,
): Promise<Map<EdgeRow, Seen[]>> {
  const asked = edges.filter(({ edge }) => edge.held !== null || seen.get(edge)?.hidden)
  const chains = asked.map(({ row, edge }) => ({ ...edge, principal: row.principal }))
  const held = await readHeldOf(db, collection.seq, chains)
  const found = new Map<EdgeRow, Seen[]>()
  for (const [i, { edge }] of asked.entries()) {
    const own = held[i] as OwnHeld[]
    if (own.length === 0) continue
    const otherwise = seen.get(edge) as Seen
    const newer = own.filter((one) => (otherwise.hidden ? one.after_own : one.after_all))
    const choices: Seen[] = newer.map(({ accepted, label }) => ({
      own: { accepted },
      record: bare(book.record(label)),
    }))
    if (otherwise.hidden && edge.mine === null) {
      const waiting = own.map((one) => book.record(one.label))
      choices.push({
        own: null,
        record: together([...(otherwise.record ? [otherwise.record] : []), ...waiting], now),
      })
    } else choices.push(otherwise)
    found.set(edge, choices)
  }
  return found
}
