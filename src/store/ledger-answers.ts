/**
 * Reads the delivery ledger as somebody who does not see the chain: what of each answer it sees, whole and in the order of
 * time. How entries are cut, when they were sealed and what else is in them does not show (policy.md §8, §13).
 */
import { createHash } from 'node:crypto'
import { type EntryQuery, holding, NAMED, namedIn } from './ledger.ts'
import type { Database } from './pool.ts'
import { type Reader, readAs } from './session.ts'
import { type Sql, sql } from './sql.ts'

/** What one credential received at one moment, by one rule, as far as the caller sees it. */
export interface Delivered {
  at: bigint
  principal: string
  /** The reader's organization. */
  reader: string
  token: string | null
  root: string
  collection: string
  /** By which the markings alone admit: what an object refers to may be hidden from the caller. null: it was not kept. */
  rule: string | null
  /** How many objects, and the first of them. */
  visible: number
  objects: { id: string; version: string }[]
}

export interface AnswerQuery extends Omit<EntryQuery, 'beyond' | 'seq'> {
  beyond: Place | null
}

/** Where an answer stands in the order: answers of one moment by a number made of what they are. */
export interface Place {
  at: bigint
  tie: bigint
}

/** Pages of an entry left within this time (`seal_deliveries` in 0014_ledger_pages.sql), in microseconds. */
const SPAN = 1_000_000n
const [FEWEST, MOST] = [100, 6400]

interface Batch {
  /** How many entries were looked at, and the last of them. */
  count: number
  start: string | null
  seq: string | null
  found: (Omit<Delivered, 'at' | 'objects'> & { at: string; objects: [string, string, string][] })[] | null
}

interface Gathered extends Delivered, Place {
  places: [string, string, string][]
}

/** @returns at most one more than `limit` */
export async function readAnswers(
  db: Database,
  reader: Reader,
  query: AnswerQuery,
): Promise<(Delivered & Place)[]> {
  const { oldest, beyond, limit } = query
  const found = new Map<string, Gathered>()
  const order = (a: Place, b: Place) => (oldest ? compare(a, b) : compare(b, a))
  const wanted = (one: Place) => beyond === null || order(one, beyond) > 0
  let from: { start: bigint; seq: bigint } | null = null
  for (let size = FEWEST; ; size = Math.min(2 * size, MOST)) {
    const batch: Batch = await readBatch(db, reader, query, from, size)
    for (const one of batch.found ?? []) gather(found, one)
    if (batch.count < size || batch.start === null) break
    from = { start: BigInt(batch.start), seq: BigInt(batch.seq as string) }
    // Entries that follow hold nothing of what is on this side of the last one: that is complete.
    const { start } = from
    const whole = ({ at }: Place) => (oldest ? at < start : at > start + SPAN)
    if ([...found.values()].filter((one) => whole(one) && wanted(one)).length > limit) break
  }
  const rows = [...found.values()].filter(wanted).sort(order)
  return rows.slice(0, limit + 1).map(({ places, ...one }) => ({
    ...one,
    objects: places.slice(0, NAMED).map(([, id, version]) => ({ id, version })),
  }))
}

const compare = (a: Place, b: Place) =>
  a.at === b.at ? (a.tie < b.tie ? -1 : Number(a.tie > b.tie)) : a.at < b.at ? -1 : 1

/** Parts of one answer lie in several entries, by audience. */
function gather(
  found: Map<string, Gathered>,
  { objects, visible, ...rest }: NonNullable<Batch['found']>[number],
) {
  const { at, principal, reader, token, root, collection, rule } = rest
  const key = JSON.stringify([principal, reader, token, root, collection, rule])
  const one = found.get(`${at} ${key}`)
  if (!one) {
    const tie = createHash('sha256').update(key).digest().readBigUInt64BE() >> 2n
    found.set(`${at} ${key}`, { ...rest, at: BigInt(at), tie, visible, objects: [], places: objects })
    return
  }
  one.visible += visible
  one.places = [...one.places, ...objects]
    .sort(([a, ida], [b, idb]) => Number(BigInt(a) - BigInt(b)) || (ida < idb ? -1 : Number(ida > idb)))
    .slice(0, NAMED)
}

/** Entries in the order of their first pages, with what the caller sees of each of their pages. */
async function readBatch(
  db: Database,
  reader: Reader,
  query: AnswerQuery,
  from: { start: bigint; seq: bigint } | null,
  size: number,
): Promise<Batch> {
  const { organization, oldest, beyond, since, object } = query
  const named = (t: Sql) => namedIn(reader, query, t)
  // Of entries of before 0014 it is only known when they were sealed, which hangs on nothing that is in them.
  const start = sql`(case when e.pages is null then e.sealed else e.at end)`
  const after = oldest
    ? sql`(${start}, e.seq) > (${from?.start ?? null}::bigint, ${from?.seq ?? null}::bigint)`
    : sql`(${start}, e.seq) < (${from?.start ?? null}::bigint, ${from?.seq ?? null}::bigint)`
  const side = oldest
    ? sql`${start} >= ${beyond && beyond.at - SPAN}::bigint`
    : sql`${start} <= ${beyond?.at ?? null}::bigint`
  return await readAs<Batch>(
    db,
    reader,
    sql`select b.count, b.start::text, b.seq::text, d.found from (
      select count(*)::int as count, (array_agg(x.start order by x.n desc))[1] as start, (array_agg(x.seq order by x.n desc))[1] as seq,
        array_agg(x.seq) as entries
      from (
        select e.seq, ${start} as start, row_number() over (order by ${start} ${oldest ? sql`` : sql`desc`}, e.seq ${oldest ? sql`` : sql`desc`}) as n
        from ledger_entry e
        where s.fresh and s.scope is not null and e.organization = ${organization} and e.audience = any (${reader.scope}::int[])
          ${from ? sql`and ${after}` : sql``} ${beyond ? sql`and ${side}` : sql``}
          and (${since}::bigint is null or ${start} >= ${since === null ? null : since - SPAN}::bigint)
          and (${query.reader}::text is null or e.reader = ${query.reader})
          ${object === null ? sql`` : sql`and e.seq in ${holding(reader, query)}`}
        order by ${start} ${oldest ? sql`` : sql`desc`}, e.seq ${oldest ? sql`` : sql`desc`} limit ${size}
      ) x
    ) b cross join lateral (
      select json_agg(json_build_object('at', o.at::text, 'principal', e.principal, 'reader', e.reader, 'token', e.token,
        'root', p.root, 'collection', p.id, 'rule', e.marks_rule, 'visible', o.visible, 'objects', o.objects)) as found
      from ledger_entry e join ledger_place p on p.collection = e.collection
      cross join lateral (
        select n.at, count(*)::int as visible,
          json_agg(json_build_array(n.position::text, n.object_id, n.version) order by n.position) filter (where n.n <= ${NAMED}::int) as objects
        from (
          select v.*, row_number() over (partition by v.at order by v.position) as n
          from answers_of(${start}, e.pages, e.first, e.runs) a cross join lateral (
            select a.at, i.position, i.object_id, i.version from item i
              where i.collection = e.collection and i.position between a.low and a.high
                and (i.position - a.low) % a.step = 0 and ${named(sql`i`)}
            union all
            select a.at, f.position, f.object_id, f.version from former f
              where f.collection = e.collection and f.position between a.low and a.high
                and (f.position - a.low) % a.step = 0 and ${named(sql`f`)}
          ) v
          where ${since}::bigint is null or a.at >= ${since}::bigint
        ) n group by n.at
      ) o
      where e.organization = ${organization} and e.seq = any (b.entries)
    ) d`,
  )
}
