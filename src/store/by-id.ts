/** Objects asked for by id: all that the reader sees of them is read once, and what it gets is chosen from that. */
import { matching } from './match.ts'
import type { ItemQuery } from './read-items.ts'
import type { Reader } from './session.ts'
import { join, type Sql, sql } from './sql.ts'

/** Rows of these ids that the reader sees, as `seen`. Both walls apply. @param columns of `item i`, beside those that the choice needs */
export function seenById(columns: Sql, { collection, ids, types }: ItemQuery, reader: Reader): Sql {
  return sql`with seen as materialized (
      select i.position, i.object_id, i.spec, i.version_key, i.accepted, i.organization, i.sco, ${columns}
      from item i where s.fresh and s.scope is not null and i.collection = ${collection}
        and i.object_id = any (${ids ?? []}::text[]) and i.audience = any (${reader.scope}::int[])
        ${types ? sql`and i.type = any (${types}::text[])` : sql``}
    )`
}

/** Any one copy answers this question: most ids have one, and looking only for it is less work. */
export function mayBeSole({
  single,
  copies,
  versions,
  specs,
  addedAfter,
  after,
  matches,
}: ItemQuery): boolean {
  const any = versions.all || versions.first || versions.last
  return single && !copies && any && !specs && !matches && addedAfter === null && after === null
}

/** What the reader sees of it: two rows at most, as there is nothing to choose from only when there is one. */
export function soleById(columns: Sql, { collection, ids }: ItemQuery, reader: Reader): Sql {
  return sql`select i.position, ${columns} from item i where s.fresh and s.scope is not null
    and i.collection = ${collection} and i.object_id = ${ids?.[0] ?? ''} and i.audience = any (${reader.scope}::int[]) limit 2`
}

/**
 * Of an id, one copy per version (the first accepted, decided before added_after; an SCO is its first organization's),
 * then the versions asked for, then the latest spec version that has one of them (policy.md §9; TAXII 2.1 §3.4.1).
 * Which hidden copies there are changes neither what is done nor how long it takes.
 * @param from only rows after this position
 */
export function byId(query: ItemQuery, from: bigint | null, reader: Reader): Sql {
  const { collection, versions, specs, addedAfter, matches, limit } = query
  const order = (direction: Sql) =>
    specs
      ? sql`partition by c.object_id order by c.version_key ${direction}, c.spec ${direction}`
      : sql`partition by c.object_id, c.spec order by c.version_key ${direction}`
  const any: Sql[] = []
  if (versions.last) any.push(sql`f.from_last = 1`)
  if (versions.first) any.push(sql`f.from_first = 1`)
  if (versions.keys.length > 0) any.push(sql`f.version_key = any (${versions.keys}::text[])`)
  const where: Sql[] = []
  if (!specs) where.push(sql`g.spec = g.top`)
  if (from !== null) where.push(sql`g.position > ${from}::bigint`)
  if (matches) where.push(matching(collection, matches, reader, sql`g.accepted`))
  return sql`select g.* from (
      select f.*, max(f.spec) over (partition by f.object_id) as top from (
        select c.*, row_number() over (${order(sql`desc`)}) as from_last, row_number() over (${order(sql`asc`)}) as from_first
        from (
          select e.*, row_number() over (partition by e.object_id, e.spec, e.version_key order by e.accepted) as copy
          from (
            select d.*, first_value(d.organization) over (partition by d.object_id order by d.accepted) as first_of from seen d
          ) e where not e.sco or e.organization = e.first_of
        ) c where c.copy = 1
          ${addedAfter === null ? sql`` : sql`and c.position > ${addedAfter}::bigint`}
          ${specs ? sql`and c.spec = any (${specs}::smallint[])` : sql``}
      ) f ${versions.all ? sql`` : sql`where ${join(any, ' or ')}`}
    ) g ${where.length > 0 ? sql`where ${join(where, ' and ')}` : sql``} order by g.position limit ${limit + 1}`
}

/** `exists`: a visible copy does; `buried`: none of the versions asked for does, and a visible tombstone is one of them. */
export function traces({ collection, ids, single, versions }: ItemQuery, reader: Reader): Sql {
  if (!single) return sql`true as exists, false as buried`
  const here = sql`exists (select from seen) as exists`
  if (versions.keys.length === 0) return sql`${here}, false as buried`
  return sql`${here}, exists (select from tombstone i where s.fresh and i.collection = ${collection}
      and i.object_id = any (${ids ?? []}::text[]) and i.audience = any (${reader.scope}::int[])
      and i.version_key = any (${versions.keys}::text[])
      and not exists (select from seen j where j.object_id = i.object_id and j.version_key = i.version_key)) as buried`
}
