/** Stored versions of one organization as one of its readers sees them, with what is needed to say who else does. */
import type { Database } from './pool.ts'
import { type Reader, readAs } from './session.ts'
import { type Sql, sql } from './sql.ts'

/** A later version's: its label, that of its markings alone, what is known of its references, whether it waits for its time, and `hides`. */
export type Later = readonly [
  label: number,
  marks: number,
  said: readonly number[] | null,
  waits: boolean,
  hides: number | null,
]

/**
 * The audiences that decide on a version: its own, and those of the later versions which bind it (policy.md §7).
 * Only later versions that the reader sees count: `item.audience` would tell of hidden ones.
 */
export interface Labelling {
  /** Of its markings, joined with what it refers to. */
  label: number
  /** Of its markings alone. */
  marks: number
  /** What the reader, who submitted it, knows of what it refers to; null: its label is all that there is to know. */
  said: readonly number[] | null
  /** The row's name, where in its label is something that the reader, who submitted it, does not see: see Hiding. */
  hides: number | null
  later: readonly Later[]
}

export interface OwnItem extends Labelling {
  /** date_added, in microseconds. */
  position: bigint
  id: string
  version: string
  versionKey: string
  spec: number
}

/** May the scope's reader see this row? The first wall, in constant time per row. */
const visible = (row: Sql, reader: Reader) =>
  sql`nullif(get_bit(${reader.bits}::bytea, least(${row}.audience, ${reader.size}::int)), 0) is not null`

/** The author of a row reads it whatever its label demands, also for what it does not see. */
const said = (row: Sql, reader: Reader) =>
  sql`case when ${row}.principal = ${reader.principal} and ${row}.marks is not null then known_of(${row}.collection, ${row}.accepted) end`

/** Where a row's label may not tell its author, who is the reader, all that is in it. */
export interface Hiding {
  /** Those that redact, by their number. */
  collections: readonly number[]
  /** Labels in which there is something that the reader does not see. */
  labels: readonly number[]
}

/** What there is of a row in a collection that redacts may not tell of what its author does not see. */
const hides = (row: Sql, reader: Reader, { collections, labels }: Hiding) =>
  collections.length === 0 || labels.length === 0
    ? sql`null::bigint`
    : sql`case when ${row}.principal = ${reader.principal} and (${row}.parted or ${row}.marks is not null)
    and ${row}.collection = any (${collections}::int[]) and ${row}.label = any (${labels}::int[]) then ${row}.accepted end`

/**
 * Labels of the later versions that may bind row `i`: of its organization's visible ones the latest, and those after it,
 * which are or were under an embargo.
 */
function laterOf(reader: Reader, now: bigint, hiding: Hiding): Sql {
  return sql`case when i.mixed then (
    select json_agg(distinct jsonb_build_array(d.label, coalesce(d.marks, d.label), ${said(sql`d`, reader)},
        coalesce(d.held_until > ${now}::bigint, false), ${hides(sql`d`, reader, hiding)})) from item d
    where d.collection = i.collection and d.object_id = i.object_id and d.organization = i.organization
      and not d.standard and d.version_key > i.version_key and ${visible(sql`d`, reader)}
      and not exists (
        select from item n where n.collection = i.collection and n.object_id = i.object_id
          and n.organization = i.organization and not n.standard and ${visible(sql`n`, reader)}
          and n.held_until is null and n.version_key > d.version_key)
  ) end`
}

const columns = (
  reader: Reader,
  now: bigint,
  hiding: Hiding,
) => sql`i.position, i.object_id, i.version, i.version_key, i.spec, i.label,
  coalesce(i.marks, i.label) as marks, ${said(sql`i`, reader)} as said, ${hides(sql`i`, reader, hiding)} as hides,
  ${laterOf(reader, now, hiding)} as later`

interface Row {
  position: string
  id: string
  version: string
  version_key: string
  spec: number
  label: number
  marks: number
  said: number[] | null
  hides: number | null
  later: Later[] | null
}

const AS_ROW = sql`json_build_object('position', i.position::text, 'id', i.object_id, 'version', i.version,
  'version_key', i.version_key, 'spec', i.spec, 'label', i.label, 'marks', i.marks, 'said', i.said, 'hides', i.hides, 'later', i.later)`

const toItem = ({ position, version_key, later, ...row }: Row): OwnItem => ({
  ...row,
  position: BigInt(position),
  versionKey: version_key,
  later: later ?? [],
})

/**
 * Visible versions of one object that an organization submitted, the latest first; at most 1,000.
 * @param principal only those that it submitted, or null for all
 */
export async function readOwnVersions(
  db: Database,
  reader: Reader,
  now: bigint,
  hiding: Hiding,
  collection: number,
  organization: string,
  id: string,
  principal: string | null,
): Promise<OwnItem[]> {
  const row = await readAs<{ items: Row[] | null }>(
    db,
    reader,
    sql`select json_agg(${AS_ROW} order by i.version_key desc, i.spec desc, i.position desc) as items from (
      select ${columns(reader, now, hiding)} from item i
      where s.fresh and s.scope is not null and i.collection = ${collection} and i.object_id = ${id}
        and i.organization = ${organization} and not i.standard and i.audience = any (${reader.scope}::int[])
        and (${principal}::text is null or i.principal = ${principal})
      order by i.version_key desc, i.spec desc, i.position desc limit 1000
    ) i`,
  )
  return (row.items ?? []).map(toItem)
}

export interface OwnPage {
  collection: number
  organization: string
  /** Audiences whose rows are read: what the reader sees of its own organization. */
  audiences: readonly number[]
  /** Audiences of the markings of rows that are wanted. */
  labels: readonly number[]
  after: bigint | null
  limit: number
}

/** Versions in order of date_added, one walk per audience, merged: hidden rows between cost nothing. */
export async function readOwnPage(
  db: Database,
  reader: Reader,
  now: bigint,
  hiding: Hiding,
  page: OwnPage,
): Promise<OwnItem[]> {
  const row = await readAs<{ items: Row[] | null }>(
    db,
    reader,
    sql`select json_agg(${AS_ROW} order by i.position) as items from (
      select m.* from unnest(${page.audiences}::int[]) a (audience) cross join lateral (
        select ${columns(reader, now, hiding)} from item i
        where s.fresh and s.scope is not null and i.collection = ${page.collection} and i.audience = a.audience
          and ${visible(sql`i`, reader)} and i.organization = ${page.organization} and not i.standard
          and coalesce(i.marks, i.label) = any (${page.labels}::int[]) and i.position > ${page.after ?? -1n}::bigint
        order by i.position limit ${page.limit}
      ) m order by m.position limit ${page.limit}
    ) i`,
  )
  return (row.items ?? []).map(toItem)
}

/** How many visible versions carry the same conditions, in one collection and of one organization. */
export interface Tally extends Labelling {
  collection: number
  organization: string
  count: number
}

/** Counts what the reader sees of these organizations in these collections: one statement, however many rows. */
export async function readTallies(
  db: Database,
  reader: Reader,
  now: bigint,
  hiding: Hiding,
  collections: readonly number[],
  organizations: readonly string[],
): Promise<Tally[]> {
  const row = await readAs<{ tallies: (Omit<Tally, 'later'> & { later: Later[] | null })[] | null }>(
    db,
    reader,
    sql`select json_agg(json_build_object('collection', g.collection, 'organization', g.organization,
        'label', g.label, 'marks', g.marks, 'said', g.said, 'hides', g.hides,
        'later', g.later::json, 'count', g.count)) as tallies
      from (
        select i.collection, i.organization, i.label, coalesce(i.marks, i.label) as marks, ${said(sql`i`, reader)} as said,
          ${hides(sql`i`, reader, hiding)} as hides, (${laterOf(reader, now, hiding)})::text as later, count(*)::int as count
        from item i
        where s.fresh and s.scope is not null and i.collection = any (${collections}::int[])
          and i.organization = any (${organizations}::text[]) and not i.standard and ${visible(sql`i`, reader)}
        group by 1, 2, 3, 4, 5, 6, 7
      ) g`,
  )
  return (row.tallies ?? []).map((tally) => ({ ...tally, later: tally.later ?? [] }))
}
