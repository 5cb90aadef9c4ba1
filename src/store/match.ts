/** Searches by values of objects, over an index that is kept per audience (0013_match.sql). */
import { bigints, integers } from './arrays.ts'
import type { Database } from './pool.ts'
import { type Reader, readAs } from './session.ts'
import { join, literal, type Sql, sql } from './sql.ts'

/** A field of which an object has one of some values. */
export interface Match {
  field: string
  /** Field and value in one, as 64-bit integers in decimal: what the index holds. */
  hashes: readonly string[]
  /** A comparison, which has no hashes: every text that the reader sees is held against it. */
  compare: { property: string; side: 'gte' | 'lte'; key: string | number } | null
}

/** What an object can be found by: one per text that a reader may get of it. */
export interface NewMatch {
  accepted: bigint
  position: bigint
  /** Of a rendering; null = the item's own. */
  audience: number | null
  rank: number | null
  modified: string | null
  valid_from: string | null
  valid_until: string | null
  hashes: readonly bigint[]
  numbers: readonly (number | null)[] | null
}

/** Notes what these objects can be found by, in place of what was noted of them. The collection's log is held. */
export async function noteMatches(
  db: Database,
  collection: number,
  matches: readonly NewMatch[],
): Promise<void> {
  if (matches.length === 0) return
  const column = <K extends keyof NewMatch>(key: K) => matches.map((match) => match[key])
  await db.rows(sql`select note_matches(${collection}, ${column('accepted').map(String)}::bigint[],
    ${column('position').map(String)}::bigint[], ${column('audience')}::int[], ${column('rank')}::smallint[],
    ${column('modified')}::text[], ${column('valid_from')}::text[], ${column('valid_until')}::text[],
    ${matches.map(({ numbers }) => numbersText(numbers))}::text[],
    ${matches.map(({ hashes }) => `{${hashes.join()}}`)}::text[])`)
}

const numbersText = (numbers: NewMatch['numbers']): string | null =>
  numbers && `{${numbers.map((n) => n ?? 'NULL').join()}}`

/** Of an object that is new and whole for all its readers. */
export type PlainMatch = Pick<NewMatch, 'modified' | 'valid_from' | 'valid_until' | 'hashes' | 'numbers'>

/** The same for objects that have just been stored at `s.first` and after, with these labels: a call to be selected. */
export function notingNew(
  collection: number,
  labels: readonly number[],
  matches: readonly PlainMatch[],
): Sql {
  const column = <K extends keyof PlainMatch>(key: K) => matches.map((match) => match[key])
  const hashes: bigint[] = []
  const owners: number[] = []
  const ends: number[] = []
  matches.forEach((match, n) => {
    for (const hash of match.hashes) {
      hashes.push(hash)
      owners.push(n + 1)
    }
    ends.push(hashes.length)
  })
  return sql`note_new(${collection}, s.first, ${labels}::int[], ${column('modified')}::text[],
    ${column('valid_from')}::text[], ${column('valid_until')}::text[],
    ${matches.map(({ numbers }) => numbersText(numbers))}::text[],
    ${integers(ends)}::int[], ${bigints(hashes)}::bigint[], ${integers(owners)}::int[])`
}

/** What comparisons are made with. */
const COMPARED: ReadonlyMap<string, { column: Sql; type: Sql }> = new Map([
  ['modified', { column: sql`k.modified`, type: sql`text` }],
  ['valid_from', { column: sql`k.valid_from`, type: sql`text` }],
  ['valid_until', { column: sql`k.valid_until`, type: sql`text` }],
  ...['confidence', 'dst_port', 'number', 'src_port'].map(
    (name, n) => [name, { column: sql`k.numbers[${literal(n + 1)}]`, type: sql`bigint` }] as const,
  ),
])

/**
 * The condition that what this reader gets of `i` has all of these: of an object with copies it is the copy of the
 * highest rank that it sees, as in the page itself (policy.md §5).
 */
export function matching(
  collection: number,
  matches: readonly Match[],
  reader: Reader,
  accepted = sql`i.accepted`,
): Sql {
  const each = matches.map(({ hashes, compare }) => {
    if (!compare) return sql`k.hashes && ${hashes}::bigint[]`
    const { column, type } = COMPARED.get(compare.property) as { column: Sql; type: Sql }
    const key = sql`${compare.key}::${type}`
    return compare.side === 'gte' ? sql`${column} >= ${key}` : sql`${column} <= ${key}`
  })
  return sql`exists (select from (
      select k.hashes, k.numbers, k.modified, k.valid_from, k.valid_until from match_row k
      where k.collection = ${collection} and k.accepted = ${accepted}
        and get_bit(${reader.bits}::bytea, least(k.audience, ${reader.size}::int)) = 1
      order by k.rank desc, k.audience limit 1
    ) k where ${join(each, ' and ')})`
}

/** Audiences with postings that the reader sees: hidden ones are not even counted. */
const audiences = (collection: number, reader: Reader): Sql =>
  sql`select a.audience from match_audience a where s.fresh and a.collection = ${collection}
    and get_bit(${reader.bits}::bytea, least(a.audience, ${reader.size}::int)) = 1`

/** Postings after a position, of one audience and value. */
const postings = (collection: number, from: bigint | null): Sql =>
  sql`p.collection = ${collection} and p.audience = a.audience and p.hash = d.hash
    ${from === null ? sql`` : sql`and p.bucket >= ${from >> 8n}::bigint`}`

const ENOUGH = 32

/**
 * The filter to walk by: the one of which the reader's audiences have the fewest postings, as far as a short look
 * tells. Only how long the page takes depends on it. null = there are comparisons only.
 */
export async function readRarest(
  db: Database,
  reader: Reader,
  collection: number,
  all: readonly Match[],
  from: bigint | null,
): Promise<Match | null> {
  const matches = all.filter(({ compare }) => !compare)
  const first = matches[0] ?? null
  if (matches.length < 2) return first
  const counts = matches.map(
    ({ hashes }) => sql`(select count(*)::int from (${audiences(collection, reader)}) a
      cross join unnest(${hashes}::bigint[]) as d (hash)
      cross join lateral (select from match_posting p where s.fresh and ${postings(collection, from)} limit ${ENOUGH}) p)`,
  )
  const { found } = await readAs<{ found: number[] }>(
    db,
    reader,
    sql`select array[${join(counts, ', ')}] as found`,
  )
  return matches[found.indexOf(Math.min(...found))] ?? first
}

/**
 * The page by one filter: per audience that the reader sees and per value a walk along its postings, each as long as
 * the page, merged. The positions are put together apart (offset 0): under row-level security a function that is not
 * leakproof in the condition would keep it from being one of the index (policy.md §11).
 */
export function byValue(
  columns: Sql,
  where: readonly Sql[],
  { collection, limit }: { collection: number; limit: number },
  driver: Match,
  from: bigint | null,
  reader: Reader,
): Sql {
  return sql`select distinct on (m.position) m.* from (${audiences(collection, reader)}) a
    cross join unnest(${driver.hashes}::bigint[]) as d (hash)
    cross join lateral (
      select i.position, ${columns} from match_posting p
        cross join lateral (
          select (p.bucket << 8) + get_byte(p.places, n) as position from generate_series(0, length(p.places) - 1) as n offset 0
        ) o
        join item i on i.collection = ${collection} and i.position = o.position
      where ${postings(collection, from)} and ${join(where, ' and ')}
      order by p.bucket, o.position limit ${limit + 1}
    ) m order by m.position limit ${limit + 1}`
}

/** A text of an object from before the index. */
export interface Unmatched {
  accepted: bigint
  position: bigint
  audience: number | null
  rank: number | null
  body: string
}

/** A collection whose older objects are not all noted. */
export async function readUnfilled(db: Database): Promise<number | null> {
  const [row] = await db.rows<{ collection: number }>(
    sql`select collection from match_fill order by collection limit 1`,
  )
  return row?.collection ?? null
}

/** The next of them; the transaction holds the collection's log. */
export async function readUnmatched(db: Database, collection: number, most: number): Promise<Unmatched[]> {
  return await db.rows(sql`select * from unmatched(${collection}, ${most})`)
}

/** They have been noted. */
export async function advanceFill(db: Database, collection: number, most: number): Promise<void> {
  await db.rows(sql`select advance_fill(${collection}, ${most})`)
}
