/** Writing objects: what a writer collides with, appending, deleting. Only definer functions write (0002_write.sql). */
import type { AudienceRecord } from '../policy/model.ts'
import type { Database } from './pool.ts'
import { type Sql, sql } from './sql.ts'

/** A stored copy that the writer can see. */
export interface Stored {
  position: bigint
  accepted: bigint
  object_id: string
  spec: number
  version: string
  version_key: string
  organization: string
  sco: boolean
  standard: boolean
  hash: Buffer
  /** Text of the writer's organization's latest visible version of an object with versions; null for other rows. */
  body: string | null
}

/**
 * Copies of these ids that the transaction's reader can see, in order of acceptance.
 * @param own only those that this principal submitted (write-only access), or null for all visible ones
 */
export async function readStored(
  db: Database,
  scope: string,
  collection: number,
  ids: readonly string[],
  organization: string,
  own: string | null,
): Promise<Stored[]> {
  return await db.rows(sql`select position, accepted, object_id, spec, version, version_key, organization, sco, standard,
      coalesce(c.hash, i.hash) as hash,
      case when not sco and organization = ${organization} and row_number() over (
        partition by object_id, organization order by version_key desc, accepted) = 1 then coalesce(c.body, i.body) end as body
    from item i ${copyOf(scope)} where collection = ${collection} and object_id = any (${ids}::text[])
      and audience = any (${scope}::int[])
      and (${own}::text is null or principal = ${own} or standard) order by accepted`)
}

/** What the transaction's reader gets of an object with copies: what it sees is what it collides with. */
export function copyOf(scope: string): Sql {
  return sql`left join lateral (
      select r.body, r.hash from rendering r where i.parted and r.collection = i.collection and r.accepted = i.accepted
        and r.audience = any (${scope}::int[]) order by r.rank desc limit 1
    ) c on true`
}

/** A marking-definition's text as the writer may read it; the first accepted copy. */
export async function readDefinitions(
  db: Database,
  scope: string,
  collection: number,
  ids: readonly string[],
  own: string | null,
): Promise<{ object_id: string; body: string }[]> {
  return await db.rows(sql`select distinct on (object_id) object_id, coalesce(c.body, i.body) as body from item i ${copyOf(scope)}
    where collection = ${collection} and object_id = any (${ids}::text[]) and audience = any (${scope}::int[])
      and (${own}::text is null or principal = ${own} or standard)
    order by object_id, accepted`)
}

/** One object to append. */
export interface NewItem {
  id: string
  type: string
  spec: number
  sco: boolean
  version: string | null
  versionKey: string | null
  /** Interned audience of this version alone. */
  label: number
  /** Of its markings, and what older versions need, where they are not the label. */
  marks: number | null
  need: number | null
  /** End of its embargo, in microseconds. */
  heldUntil: bigint | null
  hash: string
  text: string
  /** Its texts are renderings. */
  parted: boolean
  /** Position of the copy whose place it takes (on_conflict: replace). */
  replaces: bigint | null
}

/** Appends in order; @returns the position of the first, the others follow in steps of one microsecond; ids that were here before or come twice; ids that references waited for. */
export async function appendItems(
  db: Database,
  collection: number,
  now: bigint,
  organization: string,
  principal: string,
  items: readonly NewItem[],
): Promise<{ first: bigint; known: string[]; awaited: string[] }> {
  const column = <K extends keyof NewItem>(key: K) => items.map((item) => item[key])
  const row = await db.one<{
    first: bigint
    known: string[] | null
    awaited: string[] | null
  }>(sql`select * from append_items(${collection}, ${now}::bigint, ${organization},
    ${principal}, ${column('id')}::text[], ${column('type')}::text[], ${column('spec')}::smallint[],
    ${column('sco')}::boolean[], ${column('version')}::text[], ${column('versionKey')}::text[],
    ${column('label')}::int[], ${column('marks')}::int[], ${column('need')}::int[],
    ${items.map((i) => i.heldUntil?.toString() ?? null)}::bigint[],
    ${items.map((i) => `\\x${i.hash}`)}::bytea[], ${column('text')}::text[], ${column('parted')}::boolean[],
    ${items.map((i) => i.replaces?.toString() ?? null)}::bigint[])`)
  return { first: row.first, known: row.known ?? [], awaited: row.awaited ?? [] }
}

/** Deletes an organization's copies at these positions, leaving tombstones; @returns how many. */
export async function removeItems(
  db: Database,
  collection: number,
  organization: string,
  positions: readonly bigint[],
  now: bigint,
): Promise<number> {
  const row = await db.one<{ count: number }>(
    sql`select remove_items(${collection}, ${organization}, ${positions.map(String)}::bigint[], ${now}::bigint) as count`,
  )
  return row.count
}

/** Id of the audience with this record, made if it is new. */
export async function internAudience(db: Database, record: AudienceRecord): Promise<number> {
  const row = await db.one<{ id: number }>(sql`select intern(${JSON.stringify(record)}::jsonb) as id`)
  return row.id
}

/** Renews the planner's statistics when much has changed since the last time. @returns whether it made some: there may be more */
export async function tendStatistics(db: Database): Promise<boolean> {
  return (await db.one<{ made: boolean }>(sql`select tend() as made`)).made
}

/** Keeps a record of something that a person may have to answer for; never an object's content. */
export async function audit(
  db: Database,
  at: bigint,
  actor: string,
  action: string,
  detail: object,
): Promise<void> {
  await db.rows(sql`insert into audit (at, actor, action, detail)
    values (${at}::bigint, ${actor}, ${action}, ${JSON.stringify(detail)}::jsonb)`)
}
