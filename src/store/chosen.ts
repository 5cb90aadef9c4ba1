/** Which versions of an object a page holds: those asked for, among what this reader sees of its id (TAXII 2.1 §3.4.1). */
import type { ItemQuery } from './read-items.ts'
import type { Reader } from './session.ts'
import { join, type Sql, sql } from './sql.ts'

/** Can this row be one of the versions asked for, by what it says itself? */
export function maybeChosen({ versions, addedAfter }: ItemQuery): Sql {
  if (versions.all) return sql`true`
  const any: Sql[] = [sql`i.mixed`]
  const end = (column: Sql) =>
    addedAfter === null
      ? sql`${column} is null`
      : sql`(${column} is null or ${column} <= ${addedAfter}::bigint)`
  if (versions.last) any.push(end(sql`i.later`))
  if (versions.first) any.push(end(sql`i.earlier`))
  if (versions.keys.length > 0) any.push(sql`i.version_key = any (${versions.keys}::text[])`)
  return sql`(${join(any, ' or ')})`
}

/** Is one that can be really one? */
export const chosen = (query: ItemQuery, reader: Reader): Sql =>
  sql`(not i.mixed or ${perReader(query, reader)})`

/**
 * For ids with several copies, spec versions or labels: what this reader sees of them, one copy per version (the
 * first accepted, decided before added_after), then the versions asked for, then the latest spec version that has
 * one of them (policy.md §9, §11; TAXII 2.1 §3.4.1).
 */
function perReader(query: ItemQuery, reader: Reader): Sql {
  const seen = sql`d.collection = i.collection and d.object_id = i.object_id
    and d.audience = any (${reader.scope}::int[])`
  const bySpec = query.specs === null
  const group = bySpec ? sql`partition by c.spec order by c.version_key` : sql`order by c.version_key, c.spec`
  const back = bySpec
    ? sql`partition by c.spec order by c.version_key desc`
    : sql`order by c.version_key desc, c.spec desc`
  const { versions } = query
  const any: Sql[] = []
  if (versions.all) any.push(sql`true`)
  if (versions.last) any.push(sql`f.from_last = 1`)
  if (versions.first) any.push(sql`f.from_first = 1`)
  if (versions.keys.length > 0) any.push(sql`f.version_key = any (${versions.keys}::text[])`)
  return sql`exists (
    select from (
      select f.position, f.spec, max(f.spec) over () as top
      from (
        select c.position, c.version_key, c.spec, row_number() over (${back}) as from_last,
          row_number() over (${group}) as from_first
        from (
          select distinct on (d.spec, d.version_key) d.position, d.spec, d.version_key
          from item d where ${seen} and (not d.sco or d.organization = (
            select d.organization from item d where ${seen} order by d.accepted limit 1))
          order by d.spec, d.version_key, d.accepted
        ) c
        where c.position > ${query.addedAfter ?? -1n}::bigint
          ${query.specs ? sql`and c.spec = any (${query.specs}::smallint[])` : sql``}
      ) f where ${join(any, ' or ')}
    ) g
    where g.position = i.position ${bySpec ? sql`and g.spec = g.top` : sql``})`
}
