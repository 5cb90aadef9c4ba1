/** Status resources and unfinished uploads (TAXII 2.1 §4.3, D-5). */
import type { Database } from './pool.ts'
import { type Reader, readAs } from './session.ts'
import { sql } from './sql.ts'

export interface StatusRow {
  id: string
  requested: bigint
  total: number
  success: number
  failure: number
  /** status-details as JSON text, comma-separated. */
  successes: string
  failures: string
}

export interface Batch {
  success: number
  failure: number
  successes: string
  failures: string
}

export interface NewStatus {
  id: string
  root: string
  collection: number
  principal: string
  /** API token that it was submitted with. */
  token: string | null
  requested: bigint
  total: number
}

/** Opens a status; with a payload it stays pending until a worker has finished the upload. */
export async function openStatus(db: Database, status: NewStatus, payload: Buffer | null): Promise<void> {
  await db.rows(sql`select open_status(${status.id}::uuid, ${status.root}, ${status.collection}, ${status.principal},
    ${status.token}::uuid, ${status.requested}::bigint, ${status.total}, ${payload}::bytea)`)
}

/** Unfinished uploads of a principal and of all; until the transaction ends, nobody else opens one. */
export async function countUploads(
  db: Database,
  principal: string,
): Promise<{ own: number; everybody: number }> {
  return await db.one(sql`select own, everybody from count_uploads(${principal})`)
}

/** Adds one batch's outcome, in the transaction that stored its objects. */
export async function advanceStatus(
  db: Database,
  id: string,
  part: number,
  batch: Batch,
  next: number,
  now: bigint,
): Promise<void> {
  await db.rows(sql`select advance_status(${id}::uuid, ${part}, ${batch.success}, ${batch.failure},
    ${batch.successes}, ${batch.failures}, ${next}, ${now}::bigint)`)
}

/** Opens and completes statuses of one principal's requests to one collection, in one statement. */
export async function closedStatuses(
  db: Database,
  statuses: readonly { status: NewStatus; batch: Batch }[],
  now: bigint,
): Promise<void> {
  const [head] = statuses
  if (!head) return
  const { root, collection, principal } = head.status
  const column = <T>(pick: (entry: { status: NewStatus; batch: Batch }) => T) => statuses.map(pick)
  await db.rows(sql`select close_statuses(${root}, ${collection}, ${principal},
    ${column((e) => e.status.id)}::uuid[], ${column((e) => e.status.token)}::uuid[], ${column((e) => e.status.requested.toString())}::bigint[],
    ${column((e) => e.status.total)}::int[], ${column((e) => e.batch.success)}::int[],
    ${column((e) => e.batch.failure)}::int[], ${column((e) => e.batch.successes)}::text[],
    ${column((e) => e.batch.failures)}::text[], ${now}::bigint)`)
}

/** A principal's own status in a root, or null. @param token only what was submitted with it; null = all */
export async function readStatus(
  db: Database,
  reader: Reader,
  root: string,
  id: string,
  token: string | null,
): Promise<StatusRow | null> {
  const row = await readAs<{ found: StatusRow | null }>(
    db,
    reader,
    sql`select row_to_json(x) as found from (
      select i.id, i.requested::text as requested, i.total, i.success, i.failure,
        coalesce((select string_agg(successes, ',' order by part) filter (where successes <> '') from status_part where status = i.id), i.successes) as successes,
        coalesce((select string_agg(failures, ',' order by part) filter (where failures <> '') from status_part where status = i.id), i.failures) as failures
      from status i where s.fresh and s.principal <> '' and i.id = ${id}::uuid and i.root = ${root}
        and i.principal = ${reader.principal} and (${token}::uuid is null or i.token = ${token}::uuid)
    ) x`,
  )
  return row.found ? { ...row.found, requested: BigInt(row.found.requested) } : null
}

/** An upload that this transaction works on. */
export interface Claimed {
  status: string
  principal: string
  token: string | null
  collection: number
  next_index: number
}

/** Claims the oldest upload that no other node works on, until the transaction ends. */
export async function claimUpload(db: Database, now: bigint): Promise<Claimed | null> {
  const [row] = await db.rows<Claimed>(
    sql`select status::text, principal, token::text, collection, next_index from claim_upload(${now}::bigint)`,
  )
  return row ?? null
}

/** Lets others go first until a time, after a failure. */
export async function postponeUpload(db: Database, id: string, until: bigint): Promise<void> {
  await db.rows(sql`select postpone_upload(${id}::uuid, ${until}::bigint)`)
}

/** The envelope of an upload; the transaction must have assumed its principal. */
export async function readUpload(
  db: Database,
  id: string,
): Promise<{ payload: Buffer; requested: bigint } | null> {
  const [row] = await db.rows<{ payload: Buffer; requested: bigint }>(
    sql`select u.payload, s.requested from upload u join status s on s.id = u.status where u.status = ${id}::uuid`,
  )
  return row ?? null
}

/** Forgets statuses completed before a time; @returns how many. */
export async function sweepStatuses(db: Database, before: bigint): Promise<number> {
  const row = await db.one<{ count: number }>(sql`select sweep(${before}::bigint) as count`)
  return row.count
}
