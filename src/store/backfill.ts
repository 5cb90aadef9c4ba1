/** Rows that somebody may read since an agreement was made, and appending them again (0004_agreements.sql). */
import type { Micros } from '../time.ts'
import type { Database } from './pool.ts'
import { type Sql, sql } from './sql.ts'
import { micros } from './topology-read.ts'

/** Agreements in force that may have let somebody in, and since when. */
export interface Widening {
  source: string
  target: string
  since: Micros
}

/** @param targets organizations, countries and communities that somebody belongs to */
export async function readWidenings(
  db: Database,
  targets: readonly string[],
  now: Micros,
): Promise<Widening[]> {
  const rows = await db.rows<Widening>(sql`select a.source, a.target,
      greatest(a.changed, coalesce(a.valid_from, 0), coalesce(c.changed, 0)) as since
    from agreement a left join community c on c.id = a.target
    where a.target = any (${targets}::text[]) and a.ended_at is null
      and a.source = any (a.signed) and a.target = any (a.signed)
      and coalesce(a.valid_from, 0) <= ${now}::bigint and (a.valid_until is null or a.valid_until > ${now}::bigint)
    order by a.id`)
  return rows.map((row) => ({ ...row, since: micros(row.since) }))
}

/** Originators, and the time before which their rows were added. */
export interface Span {
  organizations: readonly string[]
  before: Micros
}

/**
 * What a scope sees of these originators and of before that time. Of an observable only the latest version of its
 * organization: its version is its date_added, and an older one appended again would pass it.
 */
const due = (collection: number, scope: string, { organizations, before }: Span): Sql => sql`from item i
    where i.collection = ${collection} and i.position < ${before}::bigint and i.audience = any (${scope}::int[])
      and i.organization = any (${organizations}::text[]) and not i.standard and i.held_until is null
      and not (i.sco and exists (select from item n where n.collection = i.collection and n.object_id = i.object_id
        and n.organization = i.organization and n.version_key > i.version_key))`

/** Names (`accepted`) of the next rows, older first. */
export async function readBackfill(
  db: Database,
  collection: number,
  scope: string,
  span: Span,
  limit: number,
): Promise<bigint[]> {
  const rows = await db.rows<{ accepted: bigint }>(
    sql`select i.accepted ${due(collection, scope, span)} order by i.position limit ${limit}`,
  )
  return rows.map((row) => row.accepted)
}

export async function countBackfill(
  db: Database,
  collection: number,
  scope: string,
  span: Span,
): Promise<number> {
  const row = await db.one<{ count: number }>(
    sql`select count(*)::int as count ${due(collection, scope, span)}`,
  )
  return row.count
}

/** Appends rows again, in the transaction that holds the log; @returns how many */
export async function reappend(
  db: Database,
  collection: number,
  accepted: readonly bigint[],
  now: Micros,
): Promise<number> {
  const row = await db.one<{ count: number }>(
    sql`select reappend(${collection}, ${accepted.map(String)}::bigint[], ${now}::bigint) as count`,
  )
  return row.count
}
