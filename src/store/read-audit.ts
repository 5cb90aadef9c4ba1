/** The audit as its owner reads it: the serving role may only add to it. */
import type { Micros } from '../time.ts'
import type { Database } from './pool.ts'
import { sql } from './sql.ts'
import { micros } from './topology-read.ts'

export interface AuditEntry {
  id: bigint
  at: Micros
  actor: string
  action: string
  detail: Record<string, unknown>
}

/** Entries after one, in their order. @param since the oldest time, or null */
export async function readAudit(
  db: Database,
  since: Micros | null,
  after: bigint,
  limit: number,
): Promise<AuditEntry[]> {
  const rows = await db.rows<AuditEntry>(sql`select id, at, actor, action, detail from audit
    where id > ${after}::bigint and (${since}::bigint is null or at >= ${since}::bigint) order by id limit ${limit}`)
  return rows.map((row) => ({ ...row, id: micros(row.id), at: micros(row.at) }))
}
