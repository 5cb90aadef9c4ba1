/** What a file cannot see: declared things that cannot stand beside stored ones that it does not declare. */
import { sql } from './sql.ts'
import type { Run } from './topology-diff.ts'

/**
 * Judges the state that the transaction would commit.
 * @returns one sentence that says what to do, or null
 */
export async function findConflict(run: Run): Promise<string | null> {
  const found = await run.rows<{ what: string }>(sql`
    with name as (
      select id, 'organization' as kind from organization union all select id, 'community' from community
      union all select id, 'principal' from principal union all select code, 'country' from country
    ), used as (
      select g ->> 'to' as id, 'a grant of collection ' || c.root || '/' || c.id as place, null as unless
        from collection c, jsonb_array_elements(c.grants) as g
      union all select source, 'an agreement', 'principal' from agreement where ended_at is null
      union all select target, 'an agreement', 'principal' from agreement where ended_at is null
      union all select who, 'an opt-out', 'principal' from opt_out where ended_at is null
      union all select unnest(members), 'the baseline', 'principal' from baseline
    )
    select '"' || u.id || '" in ' || min(u.place) || ' is ambiguous: it is the id of a ' || string_agg(distinct n.kind, ' and a ') as what
      from used u join name n on n.id = u.id and n.kind is distinct from u.unless
      group by u.id, u.unless having count(distinct n.kind) > 1
    union all
    select 'organization ' || organization || ' would have ' || count(*) || ' custodians, at most 3 are allowed'
      from principal where custodian group by organization having count(*) > 3
    union all
    select 'two collections of ' || root || ' would have the title "' || title || '"'
      from collection group by root, title having count(*) > 1`)
  const first = found[0]
  return first
    ? `Nothing was applied: ${first.what}. One of them is stored and not in this file; rename one, or remove it with --prune.`
    : null
}
