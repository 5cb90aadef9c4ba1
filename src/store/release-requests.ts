/** Requests for release and the originators' decisions (policy.md §13); only definer functions write. */
import type { Database } from './pool.ts'
import { type Reader, readAs } from './session.ts'
import { sql } from './sql.ts'

/** What a requester asks for: a level, or readers. */
export interface Wanted {
  level?: string
  countries?: string[]
  organizations?: string[]
  communities?: string[]
}

export interface NewRequest {
  id: string
  principal: string
  organization: string
  collection: number
  object: string
  version: string | null
  versionKey: string | null
  wanted: Wanted
  justification: string
  created: bigint
  expires: bigint
}

/** Organizations whose copy of this object the reader of this transaction sees. */
export async function readSeen(
  db: Database,
  scope: string,
  collection: number,
  object: string,
): Promise<string[]> {
  const rows = await db.rows<{ organization: string }>(sql`select distinct organization from item
    where collection = ${collection} and object_id = ${object} and not standard and audience = any (${scope}::int[])
    order by organization`)
  return rows.map((row) => row.organization)
}

/** @returns false when its requester has `most` open ones */
export async function fileRequest(
  db: Database,
  made: NewRequest,
  seen: readonly string[],
  most: number,
): Promise<boolean> {
  const row = await db.one<{ filed: boolean }>(
    sql`select file_request(${made.id}::uuid, ${made.principal}, ${made.organization}, ${made.collection}, ${made.object},
      ${made.version}, ${made.versionKey}, ${JSON.stringify(made.wanted)}::jsonb, ${made.justification},
      ${seen}::text[], ${made.created}::bigint, ${made.expires}::bigint, ${most}::int) as filed`,
  )
  return row.filed
}

/** Lets originators know of new requests; @returns how many were looked at. */
export async function routeRequests(db: Database): Promise<number> {
  return (await db.one<{ count: number }>(sql`select route_requests() as count`)).count
}

export interface Filed {
  seq: bigint
  id: string
  collection: number
  object_id: string
  version: string | null
  wanted: Wanted
  justification: string
  created: bigint
  expires: bigint
  decision: 'approved' | 'declined' | null
  reason: string | null
}

type RawFiled<T> = Omit<T, 'seq' | 'created' | 'expires'> & { seq: number; created: number; expires: number }

function fromRaw<T extends Filed>(raw: RawFiled<T>): T {
  const { seq, created, expires } = raw
  return { ...raw, seq: BigInt(seq), created: BigInt(created), expires: BigInt(expires) } as unknown as T
}

/** The caller's own in these collections, the last first, at most one more than `limit`. */
export async function readFiled(
  db: Database,
  reader: Reader,
  collections: readonly number[],
  before: bigint | null,
  limit: number,
): Promise<Filed[]> {
  const row = await readAs<{ found: RawFiled<Filed>[] | null }>(
    db,
    reader,
    sql`select json_agg(x order by x.seq desc) as found from (
      select r.seq, r.id, r.collection, r.object_id, r.version, r.wanted, r.justification, r.created, r.expires,
        r.decision, r.reason
      from release_request r
      where s.fresh and r.principal = ${reader.principal} and r.collection = any (${collections}::int[])
        and (${before}::bigint is null or r.seq < ${before}::bigint)
      order by r.seq desc limit ${limit + 1}
    ) x`,
  )
  return (row.found ?? []).map((raw) => fromRaw<Filed>(raw))
}

export interface Received extends Filed {
  principal: string
  organization: string
  /** The copies that are meant, or null: any version. */
  accepted: bigint[] | null
}

export interface ReceivedQuery {
  /** Collections that the caller may read. */
  collections: readonly number[]
  organization: string
  id: string | null
  before: bigint | null
  limit: number
}

/** Requests to an organization for objects of its own that the reader sees; decision and reason are its own. */
export async function readReceived(db: Database, reader: Reader, query: ReceivedQuery): Promise<Received[]> {
  const row = await readAs<{ found: (RawFiled<Received> & { accepted: string[] | null })[] | null }>(
    db,
    reader,
    sql`select json_agg(x order by x.seq desc) as found from (
      select r.seq, r.id, r.principal, r.organization, r.collection, r.object_id, r.version, r.wanted, r.justification,
        r.created, r.expires, a.decision, a.reason, a.accepted::text[] as accepted
      from release_request_to a join release_request r on r.id = a.request
      where s.fresh and s.scope is not null and a.organization = ${query.organization}
        and a.collection = any (${query.collections}::int[])
        and exists (select from item i where i.collection = a.collection and i.object_id = a.object_id
          and i.organization = a.organization and (a.accepted is null or i.accepted = any (a.accepted))
          and i.audience = any (${reader.scope}::int[]))
        and (${query.id}::uuid is null or a.request = ${query.id}::uuid)
        and (${query.before}::bigint is null or a.seq < ${query.before}::bigint)
      order by a.seq desc limit ${query.limit + 1}
    ) x`,
  )
  return (row.found ?? []).map(({ accepted, ...raw }) => ({
    ...fromRaw<Omit<Received, 'accepted'>>(raw),
    accepted: accepted?.map(BigInt) ?? null,
  }))
}

/** @returns false when this organization has decided already */
export async function answerRequest(
  db: Database,
  id: string,
  organization: string,
  principal: string,
  decision: 'approved' | 'declined',
  reason: string,
  now: bigint,
): Promise<boolean> {
  const row = await db.one<{ answered: boolean }>(
    sql`select answer_request(${id}::uuid, ${organization}, ${principal}, ${decision}, ${reason}, ${now}::bigint) as answered`,
  )
  return row.answered
}

/** Removes schedules and requests that ended before this time. */
export async function sweepReleases(db: Database, before: bigint): Promise<void> {
  await db.rows(sql`select sweep_releases(${before}::bigint)`)
}
