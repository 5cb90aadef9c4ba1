/**
 * How far the primary is, for one reader and one collection, and the condition that a replica has come as far. Positions
 * are committed in order, so a replica that has the last row that the reader sees has all before it; whatever changes or
 * removes a row, a tightened label above all, raises `rewritten` in the same transaction (policy.md §7).
 */
import type { Database } from './pool.ts'
import { type Sql, sql } from './sql.ts'
import { type Mark, TIMELINE } from './world.ts'

/** What the primary says. Rows that the reader may not see are not in it, so they do not choose who answers. */
export interface Standing extends Mark {
  collection: number
  /** null: the collection is gone */
  rewritten: bigint | null
  /** No row that the reader sees lies after it; null = it sees none. */
  head: bigint | null
  /** Of the primary's history: a failover begins a new one. 0 = it is none itself, and no replica will do. */
  timeline: number
}

/** A reader's audiences as bits, as in session.ts. */
interface Bits {
  bits: string
  size: number
}

const head = (collection: number, { bits, size }: Bits): Sql =>
  sql`(select max(last) from collection_audience where collection = ${collection}::int
    and get_bit(${bits}::bytea, least(audience, ${size}::int)) = 1)`

/** Asked of the primary. */
export async function readStanding(db: Database, collection: number, reader: Bits): Promise<Standing> {
  const row = await db.one<Omit<Standing, 'timeline' | 'collection'> & { timeline: string }>(sql`select
    (select epoch from state) as epoch, (select coalesce(max(id), 0) from audience)::int as audiences,
    (select rewritten from collection_head where collection = ${collection}::int) as rewritten,
    ${head(collection, reader)} as head, ${TIMELINE} as timeline`)
  return { ...row, collection, timeline: Number.parseInt(row.timeline || '0', 16) }
}

/**
 * The end of a condition, for a statement on the replica: it is a standby, of the primary's present history, and has
 * replayed up to the standing. A server that was left behind by a failover has another history, or is no standby.
 */
export function hasReplayed(past: Standing, reader: Bits): Sql {
  return sql`and pg_is_in_recovery()
    and (select greatest(c.timeline_id, r.min_recovery_end_timeline) from pg_control_checkpoint() c, pg_control_recovery() r)
      = ${past.timeline}::int
    and (select rewritten from collection_head where collection = ${past.collection}::int) >= ${past.rewritten}::bigint
    and coalesce(${head(past.collection, reader)}, -1) >= ${past.head ?? -1n}::bigint`
}
