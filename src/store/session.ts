/** Sets a reader's scope for exactly one statement: the only place that tells Postgres who reads (policy.md §11). */
import { AppError } from '../errors.ts'
import type { Database } from './pool.ts'
import { hasReplayed, type Standing } from './replica-standing.ts'
import { type Sql, sql } from './sql.ts'
import type { Mark } from './world.ts'

/** A reader as the database knows it: audiences, principal, and the world in which they were computed. */
export interface Reader {
  /** `{1,2,3}`: what the predicate of a query compares with. */
  scope: string
  /** The same audiences as a bit string (`\\x...`): what row-level security looks them up in. */
  bits: string
  /** Number of the last bit, which is 0. */
  size: number
  /** '' = anonymous */
  principal: string
  mark: Mark
  /** On a replica: what it must have replayed before it may answer. */
  past?: Standing
}

/** Thrown when the topology or the audiences have changed since the scope was computed: compute it again. */
export class StaleWorld extends AppError {
  constructor() {
    super('unavailable', { headers: { 'retry-after': '1' } })
  }
}

/**
 * Runs one select as a reader, in one round trip: the settings are made by the outer side of a lateral join, so no
 * row is looked at before them, and end with the statement. `body` must be a select that refers to `s.fresh`.
 * @throws StaleWorld when the reader's mark is not the database's any more
 */
export async function readAs<T>(db: Database, reader: Reader, body: Sql, binary = false): Promise<T> {
  const statement = sql`select s.fresh, p.* from (
      select set_config('comity.scope', ${reader.bits}, true) as scope,
        set_config('comity.principal', ${reader.principal}, true) as principal,
        (select epoch from state) = ${reader.mark.epoch}::bigint
          and (select coalesce(max(id), 0) from audience) = ${reader.mark.audiences}::int
          ${reader.past ? hasReplayed(reader.past, reader) : sql``} as fresh
      offset 0
    ) s left join lateral (${body}) p on true`
  const row = await db.one<T & { fresh: boolean }>(statement, binary)
  if (!row.fresh) throw new StaleWorld()
  return row
}

/** Inside a transaction: the scope holds until its end. */
export async function assume(db: Database, reader: Reader): Promise<void> {
  const row = await db.one<{ fresh: boolean }>(sql`select set_config('comity.scope', ${reader.bits}, true),
      set_config('comity.principal', ${reader.principal}, true),
      (select epoch from state) = ${reader.mark.epoch}::bigint
        and (select coalesce(max(id), 0) from audience) = ${reader.mark.audiences}::int as fresh`)
  if (!row.fresh) throw new StaleWorld()
}

/**
 * The same, and takes a collection's log until the end of the transaction (D-1). What is read after it is what the
 * append meets: the next statement sees what the former holder committed.
 */
export async function lockAndAssume(db: Database, reader: Reader, collection: number): Promise<void> {
  const row = await db.one<{ fresh: boolean }>(sql`select lock_collection(${collection}),
      set_config('comity.scope', ${reader.bits}, true), set_config('comity.principal', ${reader.principal}, true),
      (select epoch from state) = ${reader.mark.epoch}::bigint
        and (select coalesce(max(id), 0) from audience) = ${reader.mark.audiences}::int as fresh`)
  if (!row.fresh) throw new StaleWorld()
}

/** Takes a collection's log until the end of the transaction (D-1), as nobody in particular. */
export async function lockCollection(db: Database, collection: number): Promise<void> {
  await db.rows(sql`select lock_collection(${collection})`)
}
