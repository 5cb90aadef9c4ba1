/** Pages of objects, manifest records and versions: one statement, built in SQL, never parsed on the way out. */
import { byId, mayBeSole, seenById, soleById, traces } from './by-id.ts'
import { chosen, maybeChosen } from './chosen.ts'
import { byValue, type Match, matching } from './match.ts'
import {
  distinct,
  endsOf,
  gathered,
  type Placing,
  packs,
  placed,
  type RawPlaces,
  refuseUnwritten,
  unfold,
} from './page-places.ts'
import type { Database } from './pool.ts'
import type { Stretch } from './runs.ts'
import { type Reader, readAs } from './session.ts'
import { join, literal, type Sql, sql } from './sql.ts'

/**
 * `along`: the log, row by row. `merged`: each audience's own order, as many rows of each as the page has, put in order
 * afterwards. A number: the same with that many audiences at most, row by row as the page needs them.
 */
export type Way = 'along' | 'merged' | number

/** Which versions of each object (TAXII 2.1 §3.4.1): the union of what is set. */
export interface Versions {
  first: boolean
  last: boolean
  all: boolean
  /** Comparable instants, see stix/timestamp.ts. */
  keys: readonly string[]
}

export interface ItemFilter {
  ids: readonly string[] | null
  types: readonly string[] | null
  specs: readonly number[] | null
  versions: Versions
  /** Values that the text which the reader gets has, of all these fields; null = whatever it has. */
  matches: readonly Match[] | null
}

export interface ItemQuery extends ItemFilter, Placing {
  kind: 'objects' | 'manifest' | 'versions'
  collection: number
  /** The walk's `added_after`, in microseconds: versions are chosen among what came after it (T-3.4.1-10). */
  addedAfter: bigint | null
  /** Only rows after this position. */
  after: bigint | null
  limit: number
  bytes: number
  /** How to come by the rows: always the same rows, by another plan. */
  way: Way
  /** Walk along the postings of this one of `matches` instead: same rows. */
  driver: Match | null
  /** Asked for one object: tell "does not exist" from "nothing left" (T-5.6-02, -03). */
  single: boolean
  /** Objects may have copies without some of their parts (`redaction: redact`). */
  copies: boolean
}

export interface Page {
  /** Serialised items, comma-separated; as bytes where they are many. */
  text: string | Buffer
  count: number
  first: bigint | null
  last: bigint | null
  more: boolean
  /** The collection's `rewritten` at the moment of the page. */
  rewritten: string
  /** By audience, where its rows lie: for the ledger. Empty when not asked for. */
  places: Map<number, Stretch>
  /** What the page was written down as, when it was; and its audiences, when not all of them were noted. */
  delivery: bigint | null
  unnoted: ReadonlySet<number>
  /** single: a visible copy exists; a visible tombstone matches one of `versions.keys`. */
  exists: boolean
  buried: boolean
}

/** With its quotes. As JSON, which drops zeros at its end, it costs two thirds of what a pattern does. */
const DATE_ADDED = sql`case v.position % 10
  when 0 then to_char(timestamp 'epoch' + v.position * interval '1 microsecond', '\\"YYYY-MM-DD"T"HH24:MI:SS.US"Z"\\"')
  else left(to_json(timestamp 'epoch' + v.position * interval '1 microsecond')::text, 27) || 'Z"' end`

/** Reads one page as a reader; both walls apply. */
export async function readPage(db: Database, reader: Reader, query: ItemQuery): Promise<Page> {
  if (mayBeSole(query)) {
    const page = await read(db, reader, query, true)
    if (page) return page
  }
  const page = await read(db, reader, query)
  // The node's figures are older than the rows: the reader has more audiences here than it was thought to have.
  return page ?? ((await read(db, reader, { ...query, way: 'merged' })) as Page)
}

/**
 * @param sole as if the reader saw one copy of the id at most
 * @returns null when `query.way` is too small a number, or there are more copies
 */
async function read(db: Database, reader: Reader, query: ItemQuery, sole = false): Promise<Page | null> {
  // The first wall: each row is looked up in constant time.
  const visible = sql`nullif(get_bit(${reader.bits}::bytea, least(i.audience, ${reader.size}::int)), 0) is not null`
  const from = latest(query.addedAfter, query.after)
  const where: Sql[] = [
    sql`s.fresh`,
    sql`s.scope is not null`,
    sql`i.collection = ${query.collection}`,
    visible,
  ]
  if (from !== null) where.push(sql`i.position > ${from}::bigint`)
  where.push(...filters(query), maybeChosen(query))
  // What the postings say is the whole truth of a row that is the same for everybody.
  const { driver } = query
  const matches = query.matches?.filter((m) => m !== driver || query.copies) ?? []
  if (matches.length > 0) where.push(matching(query.collection, matches, reader))

  const copied = query.kind === 'objects' && query.copies
  const most = sideBySide(query)
  const item =
    query.kind === 'objects'
      ? copied
        ? sql`coalesce(c.body, v.body)`
        : sql`v.body`
      : query.kind === 'manifest'
        ? sql`'{"id":"' || v.object_id || '","date_added":' || ${DATE_ADDED} || ',"version":"' || v.version ||
            '","media_type":"application/stix+json;version=' || case v.spec when 20 then '2.0' else '2.1' end || '"}'`
        : sql`'"' || v.version || '"'`
  // By id they are there already.
  const also = (more: Sql) => (query.ids ? sql`` : more)
  const columns =
    query.kind === 'objects'
      ? copied
        ? sql`i.body, i.bytes, i.audience, i.parted${also(sql`, i.accepted`)}`
        : sql`i.body, i.bytes, i.audience`
      : sql`i.version, i.audience, 200 as bytes${also(sql`, i.object_id, i.spec`)}`
  const bytes = copied ? sql`coalesce(c.bytes, v.bytes)` : sql`v.bytes`
  const kept = sole
    ? sql`true`
    : sql`(row_number() over w = 1 or sum(${bytes}) over w <= ${query.bytes}::bigint)
        and row_number() over w <= ${query.limit}::int`
  const rows = sole
    ? soleById(columns, query, reader)
    : query.ids
      ? byId(query, from, reader)
      : way({ columns, where, query, reader })
  const fits = sole
    ? sql`count(*) <= 1`
    : most === null
      ? sql`true`
      : sql`cardinality(a.list) <= ${literal(most)}`
  const row = await readAs<
    Omit<Page, 'places' | 'unnoted'> & RawPlaces & { noted?: boolean | null; fits: boolean }
  >(
    db,
    reader,
    sql`select g.count, g.more, g.text, g.rewritten, g.fits, g.exists, g.buried, ${placed(query, reader, query.collection)}
      from ${listed(query, reader)} (${query.ids && !sole ? seenById(columns, query, reader) : sql``} select count(*) filter (where kept)::int as count,
        ${gathered(query, reader)},
        coalesce(bool_or(not kept), false) as more,
        coalesce(string_agg(item, ',') filter (where kept), '') as text,
        (select rewritten::text from collection_head where collection = ${query.collection}) as rewritten, ${fits} as fits,
        ${sole ? sql`count(*) > 0 as exists, false as buried` : traces(query, reader)}
      from (
        select v.position, v.audience, ${item} as item, ${kept} as kept
        from (${rows}) v ${copied ? copies(query, reader) : sql``} window w as (rows unbounded preceding)
      ) q) g`,
    packs(query, reader),
  ).catch((error: unknown) => {
    throw refuseUnwritten(error)
  })
  const { positions, audiences, packed, noted, fits: whole, ...page } = row
  if (!whole) return null
  const raw = { positions, audiences, packed }
  return {
    ...page,
    // Of a page that is empty there are none.
    ...('packed' in row && (endsOf(raw) ?? { first: null, last: null })),
    places: query.places ? unfold(raw) : new Map(),
    unnoted: noted === false ? distinct(audiences) : new Set(),
  }
}

/** A walk of the log: what is taken of `item i`, and which rows. */
interface Walk {
  columns: Sql
  where: readonly Sql[]
  query: ItemQuery
  reader: Reader
}

/** Rows in order of position. The windows and aggregates over them take them as they come: sorting them again would be a third of the work. */
function way(walk: Walk): Sql {
  const { columns, where, query, reader } = walk
  const { driver } = query
  if (driver) {
    const all = [...where, chosen(query, reader)]
    return byValue(columns, all, query, driver, latest(query.addedAfter, query.after), reader)
  }
  if (query.way === 'along') return along(walk)
  if (query.way === 'merged') return merged(walk)
  return interleaved(walk, query.way)
}

/** Of an object with copies, the most that the reader may see of it; both walls apply here too. */
function copies(query: ItemQuery, reader: Reader): Sql {
  return sql`left join lateral (
      select r.body, r.bytes from rendering r where v.parted and r.collection = ${query.collection} and r.accepted = v.accepted
        and get_bit(${reader.bits}::bytea, least(r.audience, ${reader.size}::int)) = 1
      order by r.rank desc, r.audience limit 1
    ) c on true where not v.parted or c.body is not null`
}

/** What the choice among versions needs of a row, beside the columns of its page. */
const keys = ({ query }: Walk): Sql =>
  query.kind === 'objects' ? sql`i.collection, i.mixed, i.object_id` : sql`i.collection, i.mixed`

/**
 * Of rows in order, as many as the page takes that are what this reader gets of their ids. The order is made first
 * (offset 0), so that this question is planned once, not once per walk and partition, and is asked row by row.
 */
function settled({ columns, query, reader }: Walk, rows: Sql): Sql {
  return sql`select i.position, ${columns} from (${rows} order by i.position offset 0) i where ${chosen(query, reader)}
    order by i.position limit ${query.limit + 1}`
}

/** One walk along the log. */
function along(walk: Walk): Sql {
  const { columns, where } = walk
  return settled(
    walk,
    sql`select i.position, ${columns}, ${keys(walk)} from item i where ${join(where, ' and ')}`,
  )
}

/**
 * One walk per audience that the reader sees and that has rows here, each as long as the page, merged: its cost does
 * not depend on how many hidden rows lie between. Which audiences have rows is read in this very statement.
 */
function merged(walk: Walk): Sql {
  const { columns, where, query, reader } = walk
  const from = latest(query.addedAfter, query.after)
  // An audience that has nothing after the position would be looked up in every partition.
  const ahead = from === null ? sql`` : sql`and a.last > ${from}::bigint`
  const rows = sql`select i.position, ${columns}, ${keys(walk)} from item i
    where i.audience = a.audience and ${join(where, ' and ')}`
  return sql`select m.* from (
      select a.audience from collection_audience a where ${seenHere(query, reader)} ${ahead}
    ) a cross join lateral (${settled(walk, rows)}) m order by m.position limit ${query.limit + 1}`
}

/** How many audiences are walked side by side; null = it is another way. */
const sideBySide = ({ ids, driver, way }: ItemQuery): number | null =>
  ids || driver || typeof way !== 'number' ? null : way

/** The reader's audiences that have rows here, for the walks and for whether these are enough. */
const listed = (query: ItemQuery, reader: Reader): Sql =>
  sideBySide(query) === null
    ? sql``
    : sql`(select coalesce(array_agg(a.audience), '{}') as list from collection_audience a
        where ${seenHere(query, reader)}) a cross join lateral`

/**
 * One walk per audience as well, but side by side: of each only as many rows are fetched as the page takes (a merge
 * append over index scans). Each walk has its own order, without which PostgreSQL would sort them all.
 */
function interleaved(walk: Walk, most: number): Sql {
  const { columns, where } = walk
  const here = join(where, ' and ')
  const walks = Array.from(
    { length: most },
    (_, n) => sql`(select i.position, ${columns}, ${keys(walk)} from item i
      where i.audience = a.list[${literal(n + 1)}] and ${here} order by i.position)`,
  )
  return sql`select m.* from (
      ${settled(walk, sql`select i.* from (${join(walks, ' union all ')}) i`)}
    ) m where cardinality(a.list) <= ${literal(most)}`
}

/** The reader's audiences that ever had a row in this collection. */
function seenHere(query: ItemQuery, reader: Reader): Sql {
  return sql`a.collection = ${query.collection}
    and get_bit(${reader.bits}::bytea, least(a.audience, ${reader.size}::int)) = 1`
}

/** The later of two positions, where null is none. */
export function latest(a: bigint | null, b: bigint | null): bigint | null {
  if (a === null) return b
  return b !== null && b > a ? b : a
}

/** Conditions on the row itself. The standard definitions answer to their ids only (policy.md §2). */
function filters(query: ItemFilter): Sql[] {
  const where: Sql[] = []
  where.push(sql`not i.standard`)
  if (query.types) where.push(sql`i.type = any (${query.types}::text[])`)
  if (query.specs) where.push(sql`i.spec = any (${query.specs}::smallint[])`)
  return where
}

/** A visible copy that a DELETE may concern. */
export interface Copy {
  position: bigint
  organization: string
  standard: boolean
  spec: number
  version_key: string
}

/** Every visible copy of one object, all organizations', all versions, ascending by version. */
export async function readCopies(
  db: Database,
  reader: Reader,
  collection: number,
  id: string,
): Promise<Copy[]> {
  const row = await readAs<{ copies: Copy[] | null }>(
    db,
    reader,
    sql`select json_agg(json_build_object('position', i.position::text, 'organization', i.organization,
        'standard', i.standard, 'spec', i.spec, 'version_key', i.version_key) order by i.version_key, i.spec) as copies
      from item i where s.fresh and s.scope is not null and i.collection = ${collection} and i.object_id = ${id}
        and i.audience = any (${reader.scope}::int[])`,
  )
  return (row.copies ?? []).map((c) => ({ ...c, position: BigInt(c.position) }))
}
