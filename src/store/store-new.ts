/** The short way of a write: objects that meet nothing, with their statuses, in one statement (0021_referring.sql). */
import { integers } from './arrays.ts'
import { notingNew, type PlainMatch } from './match.ts'
import type { Database } from './pool.ts'
import type { CopyRow } from './references.ts'
import { type Reader, StaleWorld } from './session.ts'
import { sql } from './sql.ts'
import type { Batch, NewStatus } from './statuses.ts'
import type { NewItem } from './write-items.ts'

/** Between the texts of a list, and around the number of a row in a status; no JSON text holds it as it is. */
export const BETWEEN = '\x1e'

/** Who writes: an organization's principal, by whose eyes its objects are compared with what is there. */
export interface NewWriter {
  organization: string
  reader: Reader
  /** It sees only what it submitted itself. */
  ownOnly: boolean
}

/** A reference to be written: to an object of the same request, or to one whose copies were looked up. */
export interface PlainReference {
  target: string
  /** Those copies, as `copiesText`; null = it is of the same request. */
  found: string | null
  /** Whose copies it means; null = not there yet. */
  organization: string | null
  /** Audience: what its author sees of the target; null = nothing. */
  known: number | null
}

/** An object that is whole for all its readers. */
export interface PlainItem
  extends Pick<
    NewItem,
    'id' | 'type' | 'spec' | 'sco' | 'version' | 'versionKey' | 'label' | 'marks' | 'hash' | 'text'
  > {
  /** Place in the list of writers. */
  writer: number
  references: readonly PlainReference[]
  /** What it can be found by; null when the collection has no match fields. */
  match: PlainMatch | null
}

/** Copies of one id as store_plain compares them, in order of acceptance; '' = none. */
export const copiesText = (copies: readonly Pick<CopyRow, 'accepted' | 'position' | 'label'>[]): string =>
  copies.map(({ accepted, position, label }) => `${accepted}:${position}:${label}`).join()

export interface PlainStatus {
  writer: number
  status: NewStatus
  /** In its lists BETWEEN, the number of a row (from 1) and BETWEEN stand for that row's version. */
  batch: Batch
}

/**
 * Stores all of it, or nothing when some meet what is there (or waits) already.
 * @returns the position of the first; or the places of those that meet something
 * @throws StaleWorld when the world of the writers is not the database's any more
 */
export async function storeNew(
  db: Database,
  collection: number,
  root: string,
  now: bigint,
  writers: readonly NewWriter[],
  items: readonly PlainItem[],
  statuses: readonly PlainStatus[],
): Promise<{ first: bigint; met: number[] | null }> {
  const { mark } = (writers[0] as NewWriter).reader
  const texts = (pick: (item: PlainItem) => string | null) =>
    items.map((item) => pick(item) ?? '').join(BETWEEN)
  const column = <T>(pick: (item: PlainItem) => T) => items.map(pick)
  const each = <T>(pick: (entry: PlainStatus) => T) => statuses.map(pick)
  const labels = column((i) => i.label)
  const matches = items.flatMap((item) => item.match ?? [])
  const { targets, found, sources, refs, meant, known } = referring(items)
  const noting =
    matches.length === 0
      ? sql`null`
      : sql`case when s.fresh and s.met is null then ${notingNew(collection, labels, matches)} end`
  const row = await db.one<{
    fresh: boolean
    first: bigint
    met: number[] | null
  }>(sql`select s.fresh, s.first, s.met, ${noting} as noted from store_plain(
    ${collection}, ${now}::bigint, ${mark.epoch}::bigint, ${mark.audiences},
    ${writers.map((w) => w.organization)}::text[], ${writers.map((w) => w.reader.principal)}::text[],
    ${writers.map((w) => w.reader.bits)}::bytea[], ${writers.map((w) => w.ownOnly)}::boolean[],
    ${integers(column((i) => i.writer + 1))}::int[], ${texts((i) => i.id)}, ${texts((i) => i.type)},
    ${column((i) => i.spec)}::smallint[], ${column((i) => i.sco)}::boolean[], ${texts((i) => i.version)},
    ${texts((i) => i.versionKey)}, ${integers(labels)}::int[], ${integers(column((i) => i.marks ?? 0))}::int[],
    ${Buffer.from(column((i) => i.hash).join(''), 'hex')}::bytea, ${texts((i) => i.text)},
    ${targets.join(BETWEEN)}, ${found.join(BETWEEN)}, ${integers(sources)}::int[], ${integers(refs)}::int[],
    ${meant.join(BETWEEN)}, ${integers(known)}::int[],
    ${root}, ${each((e) => e.status.id)}::uuid[], ${each((e) => e.writer + 1)}::int[],
    ${each((e) => e.status.token)}::uuid[], ${each((e) => e.status.requested.toString())}::bigint[],
    ${each((e) => e.status.total)}::int[], ${each((e) => e.batch.success)}::int[],
    ${each((e) => e.batch.failure)}::int[], ${each((e) => e.batch.successes)}::text[],
    ${each((e) => e.batch.failures)}::text[]) s`)
  if (!row.fresh) throw new StaleWorld()
  return { first: row.first, met: row.met?.map((n) => n - 1) ?? null }
}

/** References as store_plain takes them: each target once, and which of them, or which object (negative), each one means. */
function referring(items: readonly PlainItem[]) {
  const targets: string[] = []
  const found: string[] = []
  const sources: number[] = []
  const refs: number[] = []
  const meant: string[] = []
  const known: number[] = []
  const places = new Map<string, number>()
  const refers = items.some(({ references }) => references.length > 0)
  const rows = new Map(refers ? items.map(({ id }, i) => [id, -1 - i]) : [])
  items.forEach(({ references }, i) => {
    for (const reference of references) {
      const { target } = reference
      let ref = reference.found === null ? rows.get(target) : places.get(`${target} ${reference.found}`)
      if (ref === undefined) {
        ref = targets.push(target)
        found.push(reference.found ?? '')
        places.set(`${target} ${reference.found}`, ref)
      }
      sources.push(i + 1)
      refs.push(ref)
      meant.push(reference.organization ?? '')
      known.push(reference.known ?? 0)
    }
  })
  return { targets, found, sources, refs, meant, known }
}
