/** Recalls: who fetched what has become stricter or is gone, and who has acknowledged it (policy.md §7, §13). */
import type { Database } from './pool.ts'
import type { CopyNote } from './references.ts'
import { type Reader, readAs } from './session.ts'
import { type Sql, sql } from './sql.ts'

export type RecallKind =
  | 'relabel'
  | 'delete'
  | 'newer-version'
  | 'reference'
  | 'schedule'
  | 'quarantine'
  | 'veto'

/** What is recalled: names of rows (item.accepted). */
export interface Recalled {
  /** Rows that somebody lost, in fact or as far as their author knows. */
  rows: bigint[]
  /** Those of them of which their author knows no reason: to it there is no recall. */
  untold: bigint[]
}

/**
 * Notes that rows have become stricter, in the transaction that makes them so, which holds the collection's log. Whoever
 * fetched one of them gets a notice, `actor` apart.
 * @param copies of rows whose readers get copies: whose own is the same as before hears nothing
 */
export async function noteTightening(
  db: Database,
  collection: number,
  { rows, untold }: Recalled,
  cause: { kind: RecallKind; actor: string; reason: string | null },
  copies: ReadonlyMap<bigint, Recopied> = new Map(),
): Promise<void> {
  if (rows.length === 0) return
  const texts = copies.size === 0 ? null : JSON.stringify(Object.fromEntries(copies))
  await db.rows(sql`select note_tightening(${collection}, ${rows.map(String)}::bigint[], ${cause.kind},
    ${cause.actor}, ${cause.reason}, ${texts}::jsonb, ${untold.map(String)}::bigint[])`)
}

/** What readers of a row get, before and after; a text for all is one copy. */
export interface Recopied {
  was: readonly FormerCopy[]
  now: readonly CopyNote[]
}

export interface FormerCopy extends CopyNote {
  /** Does somebody get it no more? */
  lost: boolean
}

/** Something that the caller fetched and that is recalled. */
export interface Notice {
  seq: bigint
  id: string
  at: bigint
  root: string
  collection: string
  object: string
  versions: string[]
  fetched: bigint
  kind: RecallKind
  reason: string | null
  acknowledged: bigint | null
}

type Raw<T> = {
  [K in keyof T]: T[K] extends bigint ? string : T[K] extends bigint | null ? string | null : T[K]
}

export interface NoticeQuery {
  /** Only what this credential fetched (a capped token's id), or null: whatever the principal fetched. */
  token: string | null
  id: string | null
  /** Beyond this one in the list: open ones first, then the last first. */
  beyond: { open: boolean; seq: bigint } | null
  limit: number
  listener: Listener
}

/** To whom a list says what. */
export interface Listener {
  /** Whose own rows it tells of only what it was told; null: of all (a custodian). */
  author: string | null
  /** By a token that sees less than its owner: of what it does not see of its owner's own it is told nothing. */
  capped: boolean
  /** Audiences that the reader sees only because it submitted what carries them: recalls of before it was noted who submitted what. */
  readBack: readonly number[]
}

/** Did the author submit the row at this place? Unknown of what was noted before it was asked. */
const mine = (place: Sql, { author }: Listener) =>
  sql`coalesce(r.authors[array_position(r.places, ${place})] = ${author}::text, false)`

/**
 * Is this place its own, and did it become stricter only by what is hidden from it? The author reads its own back, and
 * learns nothing new. To all others the label of the row tells it.
 */
const untold = (place: Sql, listener: Listener) => sql`(case when r.authors is not null
  then ${mine(place, listener)} and coalesce(${place} = any (r.untold), false)
  else ${listener.readBack}::int[] <> '{}' and r.kind in ('newer-version', 'reference') and ${onlyBack(place, listener)} end)`

/** Does the reader, or did it when the row at this place was recalled, see it only because it had submitted it? */
const onlyBack = (place: Sql, { readBack }: Listener) => sql`(
  coalesce(r.audiences[array_position(r.places, ${place})] = any (${readBack}::int[]), false)
  or exists (select from item i where i.collection = r.collection and i.position = ${place} and i.audience = any (${readBack}::int[]))
  or exists (select from former f where f.collection = r.collection and f.position = ${place} and f.audience = any (${readBack}::int[])))`

/** Of `r.copies`, is what the reader gets of this place the same as it got? */
const untouched = ({ bits, size }: Reader) => {
  const seen = (copies: Sql) => sql`copy_seen(${copies}, ${bits}::bytea, ${size}::int)`
  const copies = sql`r.copies -> u.place::text`
  return sql`(${copies} is not null and ${seen(sql`${copies} -> 'was'`)} is not distinct from ${seen(sql`${copies} -> 'now'`)})`
}

/**
 * Of `r.copies`, is the copy of this place that the reader sees still everybody's who had it? Then what became stricter is
 * a part, or a reference, that it never had. Unknown of what was noted before it was asked: taken to be so.
 */
const notOfItsCopy = ({ bits, size }: Reader, place: Sql) => {
  const copies = sql`r.copies -> ${place}::text`
  return sql`(${copies} is not null and not coalesce((
    select c.lost from jsonb_to_recordset(${copies} -> 'was') as c (audience int, rank int, lost boolean)
    where get_bit(${bits}::bytea, least(c.audience, ${size}::int)) = 1 order by c.rank desc, c.audience limit 1), false))`
}

/** @returns at most one more than `limit` */
export async function readNotices(db: Database, reader: Reader, query: NoticeQuery): Promise<Notice[]> {
  const { beyond, listener } = query
  const row = await readAs<{ found: Raw<Notice>[] | null }>(
    db,
    reader,
    sql`select json_agg(x) as found from (
      select r.seq::text, r.id, r.at::text, p.root, p.id as collection, r.object_id as object, n.versions,
        n.fetched::text, r.kind, r.reason, n.acknowledged::text
      from (
        select n.recall, min(t.fetched) as fetched, json_agg(distinct v) as versions,
          case when bool_and(n.acknowledged is not null) then min(n.acknowledged) end as acknowledged
        from recall_notice n join recall r on r.id = n.recall
        cross join lateral (
          select min(u.at) as fetched, array_agg(w.version) as versions
          from unnest(n.places, n.times) as u (place, at) join unnest(r.places, r.versions) as w (place, version) using (place)
          where not ${untold(sql`u.place`, listener)} and not ${untouched(reader)} having count(*) > 0
          union all
          select n.fetched, n.versions where n.places = '{}'
        ) t cross join lateral unnest(t.versions) v
        where s.fresh and n.principal = ${reader.principal} and (${query.token}::text is null or n.token = ${query.token})
          and (${query.id}::uuid is null or n.recall = ${query.id}::uuid)
        group by n.recall
      ) n join recall r on r.id = n.recall join ledger_place p on p.collection = r.collection
      where ${beyond === null}::boolean
        or (n.acknowledged is null, r.seq) < (${beyond?.open ?? false}::boolean, ${beyond?.seq ?? 0n}::bigint)
      order by (n.acknowledged is null) desc, r.seq desc limit ${query.limit + 1}
    ) x`,
  )
  return (row.found ?? []).map((raw) => ({
    ...raw,
    seq: BigInt(raw.seq),
    at: BigInt(raw.at),
    fetched: BigInt(raw.fetched),
    acknowledged: raw.acknowledged === null ? null : BigInt(raw.acknowledged),
  }))
}

/** Notices of what was delivered and recalled a moment ago; in a transaction that has assumed the reader. */
export async function findRecalls(db: Database): Promise<void> {
  await db.rows(sql`select find_recalls()`)
}

/** In a transaction that has assumed the reader. @returns false when it has no such notice */
export async function acknowledgeRecall(
  db: Database,
  recall: string,
  token: string | null,
  now: bigint,
): Promise<boolean> {
  const row = await db.one<{ done: boolean }>(
    sql`select acknowledge_recall(${recall}::uuid, ${token}, ${now}::bigint) as done`,
  )
  return row.done
}

/** Recipients named per recall. */
export const RECIPIENTS = 200

/** A recall of the caller's organization's object. */
export interface Issued {
  seq: bigint
  id: string
  at: bigint
  root: string
  collection: string
  object: string
  versions: string[]
  kind: RecallKind
  actor: string
  reason: string | null
  fetched: number
  acknowledged: number
  recipients: { principal: string; organization: string; fetched: string; acknowledged: string | null }[]
}

/** The last first. @param all also recalls of what the reader may not see (a custodian) */
export async function readIssued(
  db: Database,
  reader: Reader,
  query: {
    organization: string
    /** Collections that the reader may read: of others it sees no object. */
    collections: readonly number[]
    all: boolean
    listener: Listener
    before: bigint | null
    limit: number
  },
): Promise<Issued[]> {
  const { listener } = query
  const me = reader.principal
  // Who did it knows; and an author that sees all of its own is told of it whatever copies others get.
  const told = (place: Sql) =>
    sql`(not ${untold(place, listener)} or r.authors is null and r.actor = ${me})
      and (not ${listener.capped}::boolean and ${mine(place, listener)} or not ${notOfItsCopy(reader, place)})`
  const row = await readAs<{ found: Raw<Issued>[] | null }>(
    db,
    reader,
    sql`select json_agg(x) as found from (
      select r.seq::text, r.id, r.at::text, p.root, p.id as collection, r.object_id as object, v.versions, r.kind,
        r.actor, r.reason, n.fetched, n.acknowledged, coalesce(n.recipients, '[]') as recipients
      from recall r join ledger_place p on p.collection = r.collection
      cross join lateral (
        select case when ${query.all}::boolean then (select array_agg(distinct a) from unnest(r.versions) a)
          else array_agg(distinct o.version) end as versions, array_agg(o.position) as places
        from (
          select i.version, i.position from item i where i.collection = r.collection and i.position = any (r.places)
            and i.organization = r.organization and i.audience = any (${reader.scope}::int[])
            and i.collection = any (${query.collections}::int[]) and ${told(sql`i.position`)}
          union all
          select f.version, f.position from former f where f.collection = r.collection and f.position = any (r.places)
            and f.organization = r.organization and f.audience = any (${reader.scope}::int[])
            and f.collection = any (${query.collections}::int[]) and ${told(sql`f.position`)}
        ) o
      ) v
      cross join lateral (
        select count(*)::int as fetched, count(acknowledged)::int as acknowledged,
          json_agg(json_build_object('principal', m.principal, 'organization', m.reader, 'fetched', m.fetched::text,
            'acknowledged', m.acknowledged::text) order by m.principal) filter (where m.n <= ${RECIPIENTS}::int) as recipients
        from (
          select principal, min(reader) as reader, row_number() over (order by principal) as n,
            min(case when ${query.all}::boolean then fetched
              else (select min(u.at) from unnest(places, times) as u (place, at) where u.place = any (v.places)) end) as fetched,
            case when bool_and(acknowledged is not null) then max(acknowledged) end as acknowledged
          from recall_notice where recall = r.id and organization = r.organization
            and (${query.all}::boolean or places && v.places) group by principal
        ) m
      ) n
      where s.fresh and s.scope is not null and r.organization = ${query.organization} and v.versions is not null
        and (${query.before}::bigint is null or r.seq < ${query.before}::bigint)
      order by r.seq desc limit ${query.limit + 1}
    ) x`,
  )
  return (row.found ?? []).map((raw) => ({ ...raw, seq: BigInt(raw.seq), at: BigInt(raw.at) }))
}
