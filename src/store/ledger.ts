/** Reads the delivery ledger as a custodian: the chain of its organization as it is, with the objects that it sees (policy.md §13). */
import type { Database } from './pool.ts'
import { type Reader, readAs } from './session.ts'
import { type Sql, sql } from './sql.ts'

/** Objects named per entry. */
export const NAMED = 100

/** What an entry says, and what its hash is of. */
export interface EntryTerms {
  seq: bigint
  country: string
  sealed: bigint
  at: bigint
  until: bigint
  principal: string
  /** The reader's organization. */
  reader: string
  token: string | null
  root: string
  collection: string
  audience: number
  rule: string
  epoch: bigint
  revision: bigint
  count: number
  first: bigint
  last: bigint
  /** Hexadecimal, as `pages` and `previous`. */
  runs: string
  /** By which rule the markings alone admit; null in entries of before 0014, as `pages`. */
  marks_rule: string | null
  /** When its pages left. */
  pages: string | null
  previous: string
}

export interface Entry extends EntryTerms {
  hash: string
  /** How many of its objects the caller sees, and the first of them. */
  visible: number
  objects: { id: string; version: string }[]
}

export interface EntryQuery {
  organization: string
  /** Collections that the caller may read: of others it sees no object. */
  collections: readonly number[]
  oldest: boolean
  /** Only those beyond this one, in the order asked for. */
  beyond: bigint | null
  seq: bigint | null
  since: bigint | null
  reader: string | null
  /** Only entries that hold this object, and of their objects only this one. */
  object: string | null
  limit: number
}

/** Which rows the caller sees of what was delivered, in collections that it may read. @param t their table */
export function namedIn(
  reader: Reader,
  { organization, collections, object }: Pick<EntryQuery, 'organization' | 'collections' | 'object'>,
  t: Sql,
): Sql {
  return sql`${t}.organization = ${organization} and ${t}.audience = any (${reader.scope}::int[])
    and ${t}.collection = any (${collections}::int[]) and (${object}::text is null or ${t}.object_id = ${object})`
}

/** Numbers of the entries that hold the object that is asked for, as far as the caller sees it. */
export function holding(
  reader: Reader,
  query: Pick<EntryQuery, 'organization' | 'collections' | 'object'>,
): Sql {
  const { organization, object } = query
  return sql`(select h from (
      select array_agg(v.collection) as collections, array_agg(v.position) as places from (
        select i.collection, i.position from collection c join item i on i.collection = c.seq and i.object_id = ${object}
          where s.fresh and ${namedIn(reader, query, sql`i`)}
        union all
        select f.collection, f.position from collection c join former f on f.collection = c.seq and f.object_id = ${object}
          where s.fresh and ${namedIn(reader, query, sql`f`)}
      ) v
    ) p cross join lateral entries_holding(${organization}, p.collections, p.places) h)`
}

type Raw = { [K in keyof Entry]: Entry[K] extends bigint ? string : Entry[K] }

/** @returns at most one more than `limit` */
export async function readEntries(db: Database, reader: Reader, query: EntryQuery): Promise<Entry[]> {
  const { organization, oldest, beyond, seq, since, object } = query
  const named = (t: Sql) => namedIn(reader, query, t)
  const order = oldest ? sql`e.seq` : sql`e.seq desc`
  const after = oldest ? sql`e.seq > ${beyond}::bigint` : sql`e.seq < ${beyond}::bigint`
  const row = await readAs<{ found: Raw[] | null }>(
    db,
    reader,
    sql`select json_agg(x) as found from (
      select e.seq::text, e.country, e.sealed::text, e.at::text, e.until::text, e.principal, e.reader, e.token, p.root,
        p.id as collection, e.audience, e.rule, e.epoch::text, e.revision::text, e.count, e.first::text, e.last::text,
        encode(e.runs, 'hex') as runs, e.marks_rule, encode(e.pages, 'hex') as pages, encode(e.previous, 'hex') as previous, encode(e.hash, 'hex') as hash,
        o.visible, coalesce(o.objects, '[]') as objects
      from ledger_entry e join ledger_place p on p.collection = e.collection
      cross join lateral (
        select count(*)::int as visible, json_agg(json_build_object('id', n.object_id, 'version', n.version) order by n.position)
            filter (where n.n <= ${NAMED}::int) as objects
        from (
          select v.*, row_number() over (order by v.position) as n
          from runs_of(e.first, e.runs) r cross join lateral (
            select i.position, i.object_id, i.version from item i
              where i.collection = e.collection and i.position between r.low and r.high
                and (i.position - r.low) % r.step = 0 and ${named(sql`i`)}
            union all
            select f.position, f.object_id, f.version from former f
              where f.collection = e.collection and f.position between r.low and r.high
                and (f.position - r.low) % r.step = 0 and ${named(sql`f`)}
          ) v
        ) n
      ) o
      where s.fresh and s.scope is not null and e.organization = ${organization}
        and (${beyond}::bigint is null or ${after}) and (${seq}::bigint is null or e.seq = ${seq}::bigint)
        and (${since}::bigint is null or e.until >= ${since}::bigint)
        and (${query.reader}::text is null or e.reader = ${query.reader})
        ${object === null ? sql`` : sql`and e.seq in ${holding(reader, query)}`}
      order by ${order} limit ${query.limit + 1}
    ) x`,
  )
  return (row.found ?? []).map(fromRaw)
}

function fromRaw(raw: Raw): Entry {
  return {
    ...raw,
    seq: BigInt(raw.seq),
    sealed: BigInt(raw.sealed),
    at: BigInt(raw.at),
    until: BigInt(raw.until),
    epoch: BigInt(raw.epoch),
    revision: BigInt(raw.revision),
    first: BigInt(raw.first),
    last: BigInt(raw.last),
  }
}

export interface Head {
  organization: string
  day: number
  first: bigint
  last: bigint
  objects: bigint
  root: Buffer
  hash: Buffer
  signed: bigint
  key: string
  signature: Buffer
}

/** The caller's organization's heads, the last day first. @param holding only the one that holds this entry */
export async function readHeads(
  db: Database,
  reader: Reader,
  organization: string,
  { before, holding, limit }: { before: bigint | null; holding: bigint | null; limit: number },
): Promise<Head[]> {
  const row = await readAs<{
    found: { [K in keyof Head]: Head[K] extends number ? number : string }[] | null
  }>(
    db,
    reader,
    sql`select json_agg(x) as found from (
      select h.organization, h.day, h.first::text, h.last::text, h.objects::text, encode(h.root, 'hex') as root,
        encode(h.hash, 'hex') as hash, h.signed::text, h.key, encode(h.signature, 'hex') as signature
      from ledger_head h
      where s.fresh and h.organization = ${organization} and (${before}::int is null or h.day < ${before}::int)
        and (${holding}::bigint is null or ${holding}::bigint between h.first and h.last)
      order by h.day desc limit ${limit + 1}
    ) x`,
  )
  return (row.found ?? []).map((raw) => ({
    ...raw,
    first: BigInt(raw.first),
    last: BigInt(raw.last),
    objects: BigInt(raw.objects),
    signed: BigInt(raw.signed),
    root: Buffer.from(raw.root, 'hex'),
    hash: Buffer.from(raw.hash, 'hex'),
    signature: Buffer.from(raw.signature, 'hex'),
  }))
}
