/** The partitions of the log: which there are, and the next one made ahead of time (migrations/0012_growth.sql). */
import type { Database } from './pool.ts'
import { sql } from './sql.ts'

export interface Partition {
  name: string
  /** In microseconds: the first position in it, and the first beyond it; null = open. */
  lower: bigint | null
  upper: bigint | null
}

/** As comity_owner; the first lies lowest. */
export async function readPartitions(db: Database): Promise<Partition[]> {
  const rows = await db.rows<{ name: string; lower: string | null; upper: string | null }>(
    sql`select name, lower::text, upper::text from partitions()`,
  )
  const micros = (text: string | null) => (text === null ? null : BigInt(text))
  return rows.map(({ name, lower, upper }) => ({ name, lower: micros(lower), upper: micros(upper) }))
}

/**
 * Makes partitions until the time ahead is covered. Never by an insert, and never so that readers wait: without the lock
 * at once it gives up, and is asked again long before it matters.
 * @param months that a new one covers
 * @returns names of what was made
 */
export async function tendPartitions(db: Database, now: bigint, months: number): Promise<string[]> {
  const made: string[] = []
  for (;;) {
    // Each statement commits by itself: the look through rows ahead must not keep the lock of the statement before.
    const row = await db.one<{ name: string | null }>(
      sql`select tend_partitions(${now}::bigint, ${months}::int) as name`,
    )
    if (row.name === null) return made
    if (row.name === 'item_span') await db.rows(sql`select validate_ahead()`)
    else made.push(row.name)
  }
}
