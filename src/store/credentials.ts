/** Reading credentials, and when a token was last used. */
import type { Database } from './pool.ts'
import { sql } from './sql.ts'

/** A principal's password hash; null when there is no such principal. */
export async function readPassword(
  db: Database,
  principal: string,
): Promise<{ passwordHash: string | null; changed: bigint } | null> {
  const [row] = await db.rows<{ passwordHash: string | null; changed: bigint }>(
    sql`select password_hash as "passwordHash", changed from principal where id = ${principal}`,
  )
  return row ?? null
}

/** Id of the token with this keyed hash. */
export async function findToken(db: Database, hash: Buffer): Promise<string | null> {
  const [row] = await db.rows<{ id: string }>(
    sql`select id::text from token where value_hash = ${hash}::bytea`,
  )
  return row?.id ?? null
}

/** Keeps a token's last use, to the minute. */
export async function touchToken(db: Database, id: string, now: bigint): Promise<void> {
  await db.rows(sql`insert into token_use as u (token, last_used) values (${id}::uuid, ${now}::bigint)
    on conflict (token) do update set last_used = excluded.last_used where u.last_used < excluded.last_used - 60000000`)
}
