/** Drops old partitions of the log with all that hangs on their rows (docs/growth.md). As comity_owner. */
import pg from 'pg'
import { formatMicros } from '../time.ts'
import { overClient } from './client.ts'
import { type Partition, readPartitions } from './partitions.ts'

const id = pg.escapeIdentifier

/** What stays though it is old: what later objects need to be read, and what is not for everybody yet. */
const STAYS = `(i.standard or i.type = 'marking-definition' or i.held_until is not null or exists (
  select from release_schedule s where s.state = 'active' and s.collection = i.collection and s.object_id = i.object_id
    and i.accepted = any (s.accepted)))`

/** Longest that readers wait for the lock under which partitions leave the log. */
const LOCK_WAIT = '200ms'
const ATTEMPTS = 100
/** Ids, and rows, of one short transaction. */
const IDS = 500
const ROWS = 20_000

/** Rows of one collection that go, and that stay though they are old. */
export interface Count {
  collection: string
  gone: bigint
  stay: bigint
}

export interface Plan {
  partitions: Partition[]
  /** Everything before it goes; null = nothing does. */
  until: bigint | null
  /** End of the oldest partition. */
  oldest: bigint | null
}

/** Partitions that lie before a time as a whole. */
export async function planRetention(client: pg.ClientBase, before: bigint): Promise<Plan> {
  const all = await readPartitions(overClient(client))
  const partitions = all.filter((p) => p.upper !== null && p.upper <= before)
  // What an earlier retention let stay is no reason to begin.
  const fresh = partitions.filter((p) => p.name !== KEPT)
  const until = fresh.at(-1)?.upper ?? null
  const oldest = all.find((p) => p.name !== KEPT)?.upper ?? null
  return { partitions: until === null ? [] : partitions, until, oldest }
}

const KEPT = 'item_kept'

export async function countRetention(client: pg.ClientBase, until: bigint): Promise<Count[]> {
  const { rows } = await client.query(
    `select p.root || '/' || coalesce(c.alias, p.id::text) as collection, x.gone, x.stay from (
       select i.collection, count(*) filter (where not ${STAYS}) as gone, count(*) filter (where ${STAYS} and not i.standard) as stay
       from item i where i.position < $1 group by 1
     ) x join ledger_place p using (collection) left join collection c on c.seq = x.collection
     where x.gone > 0 or x.stay > 0 order by 1`,
    [until],
  )
  return rows.map((r) => ({ ...r, gone: BigInt(r.gone), stay: BigInt(r.stay) }))
}

/**
 * Takes the partitions out of the log. Readers see all of it or nothing of it; chains of versions that reach beyond the
 * border are cut first, a few at a time. Writers wait while it looks through the partitions.
 * @returns false when others held the log for too long: nothing is lost, run it again
 */
export async function takeOut(
  client: pg.ClientBase,
  plan: Plan,
  audit: { actor: string; now: bigint; before: bigint; counts: readonly Count[] },
): Promise<boolean> {
  const until = plan.until as bigint
  for (const { name } of plan.partitions) {
    // Chains that reach beyond the border: a row has the highest position of its newer and of its older versions.
    await client.query(`drop index concurrently if exists ${id(`${name}_reach`)}`)
    await client.query(
      `create index concurrently ${id(`${name}_reach`)} on ${id(name)} (collection, object_id) where later >= ${until} or earlier >= ${until}`,
    )
  }
  const { rows } = await client.query('select collection from collection_head order by 1')
  const collections = rows.map((r) => Number(r.collection))
  for (const collection of collections) {
    for (;;) {
      const cut = await inTransaction(client, async () => {
        await client.query('select from collection_head where collection = $1 for update', [collection])
        return await cutChains(client, collection, until, audit.now)
      })
      if (cut === 0) break
    }
  }
  return await inTransaction(client, async () => {
    await client.query('select from collection_head order by collection for update')
    for (const collection of collections) while ((await cutChains(client, collection, until, audit.now)) > 0);
    await listStaying(client, collections, until)
    await keepDemands(client, until, audit.now)
    if (!(await lockLog(client))) return false
    await detach(client, plan, until)
    await client.query(
      `update collection_head set rewritten = rewritten + 1 where collection in (select collection from leaving)`,
    )
    await client.query(`update collection_audience a set appended = greatest(a.appended - l.count, 0) from leaving l
      where a.collection = l.collection and a.audience = l.audience`)
    await client.query(`insert into audit (at, actor, action, detail) values ($1, $2, 'retention', $3)`, [
      audit.now,
      audit.actor,
      JSON.stringify({
        before: formatMicros(audit.before),
        until: formatMicros(until),
        partitions: plan.partitions.map((p) => p.name),
        collections: audit.counts.map((c) => ({
          collection: c.collection,
          removed: Number(c.gone),
          kept: Number(c.stay),
        })),
      }),
    ])
    return true
  })
}

async function inTransaction<T>(client: pg.ClientBase, work: () => Promise<T>): Promise<T> {
  await client.query('begin')
  try {
    const result = await work()
    await client.query(result === false ? 'rollback' : 'commit')
    return result
  } catch (error) {
    await client.query('rollback').catch(() => {})
    throw error
  }
}

/**
 * Deletes old rows of some chains of which a part stays, and brings what stays up to date, as a delete does but without
 * recalls: nobody's right has changed. The transaction holds the collection's log.
 * @returns how many rows went
 */
async function cutChains(
  client: pg.ClientBase,
  collection: number,
  until: bigint,
  now: bigint,
): Promise<number> {
  const ids = await reaching(client, collection, until)
  if (ids.length === 0) return 0
  const { rows } = await client.query(
    `with gone as (
       delete from item i where i.collection = $1 and i.position < ${until} and i.object_id = any ($2) and not ${STAYS}
       returning i.object_id, i.organization, i.spec, i.version_key, i.label
     )
     select array_agg(distinct object_id) as ids, count(*)::int as count,
       jsonb_agg(jsonb_build_object('object_id', object_id, 'organization', organization, 'spec', spec, 'key', version_key, 'label', label)) as rows
     from gone`,
    [collection, ids],
  )
  const [found] = rows
  if (found.count === 0) return 0
  await client.query(
    `insert into tombstone (collection, object_id, spec, version_key, organization, audience, deleted)
     select distinct on (g.object_id, g.organization) $1::int, g.object_id, g.spec, '', g.organization, g.label, $3::bigint
     from jsonb_to_recordset($2::jsonb) as g (object_id text, organization text, spec smallint, key text, label int)
     where exists (select from reference r where r.collection = $1 and r.target = g.object_id and r.organization = g.organization)
       and not exists (select from item i where i.collection = $1 and i.object_id = g.object_id and i.organization = g.organization)
     order by g.object_id, g.organization, g.key desc, g.spec desc`,
    [collection, JSON.stringify(found.rows), now.toString()],
  )
  await client.query('select relink($1, $2)', [collection, found.ids])
  return found.count
}

/** Ids with old rows that go, of which another row stays: beyond the border, or though it is old. */
async function reaching(client: pg.ClientBase, collection: number, until: bigint): Promise<string[]> {
  // By indexes alone, whatever the statistics say: the log is large, and what is looked for is little.
  await client.query('set local enable_seqscan = off')
  const { rows } = await client.query(
    `select i.object_id from item i where i.collection = $1 and i.position < ${until}
       and (i.later >= ${until} or i.earlier >= ${until}) and not ${STAYS} limit ${IDS}`,
    [collection],
  )
  if (rows.length > 0) return [...new Set(rows.map((r) => String(r.object_id)))]
  const odd = await client.query(
    `select i.object_id from item i where i.held_until is not null and i.collection = $1 and i.position < ${until}
     union select s.object_id from release_schedule s where s.collection = $1 and s.state = 'active'`,
    [collection],
  )
  const found = await client.query(
    `select distinct i.object_id from item i where i.collection = $1 and i.object_id = any ($2) and i.position < ${until}
       and not ${STAYS} limit ${IDS}`,
    [collection, odd.rows.map((r) => r.object_id)],
  )
  return found.rows.map((r) => String(r.object_id))
}

/** Rows that stay though they are old, by indexes; and how many go, per audience. The transaction holds the logs. */
async function listStaying(
  client: pg.ClientBase,
  collections: readonly number[],
  until: bigint,
): Promise<void> {
  await client.query('set local enable_seqscan = off')
  await client.query(
    `create temp table stays on commit drop as
     select i.collection, i.position, i.accepted, i.audience from item i
       where i.collection = any ($1) and i.type in ('marking-definition', 'extension-definition') and i.position < ${until} and ${STAYS}
     union select i.collection, i.position, i.accepted, i.audience from item i where i.held_until is not null and i.position < ${until}
     union select i.collection, i.position, i.accepted, i.audience from release_schedule s join item i
       on i.collection = s.collection and i.object_id = s.object_id and i.accepted = any (s.accepted)
       where s.state = 'active' and i.position < ${until}`,
    [collections],
  )
  await client.query('set local enable_seqscan = on')
  await client.query(
    `create temp table leaving on commit drop as select collection, audience, sum(n)::bigint as count from (
       select i.collection, i.audience, count(*) as n from item i where i.position < ${until} group by 1, 2
       union all select collection, audience, -count(*) from stays group by 1, 2
     ) x group by 1, 2 having sum(n) > 0`,
  )
}

/**
 * What an object that goes demanded of those that refer to it, and stay, goes on binding them: in a tombstone without a
 * version, which no reader can ask for.
 */
async function keepDemands(client: pg.ClientBase, until: bigint, now: bigint): Promise<void> {
  await client.query(`create temp table staying on commit drop as
    select i.collection, i.accepted from item i where i.accepted <> i.position and i.accepted < ${until} and i.position >= ${until}
    union select collection, accepted from stays`)
  await client.query('analyze staying')
  await client.query(`create temp table named on commit drop as
    select r.collection, r.target, r.organization from reference r where r.organization is not null and r.source >= ${until}
    union select r.collection, r.target, r.organization from reference r join staying s on s.collection = r.collection and s.accepted = r.source
      where r.organization is not null`)
  await client.query('analyze named')
  await client.query(`insert into tombstone (collection, object_id, spec, version_key, organization, audience, deleted)
    select distinct on (i.collection, i.object_id, i.organization) i.collection, i.object_id, i.spec, '', i.organization, i.label, ${now}
    from item i join named n on n.collection = i.collection and n.target = i.object_id and n.organization = i.organization
    where i.position < ${until} and not ${STAYS}
    order by i.collection, i.object_id, i.organization, i.version_key desc, i.spec desc`)
}

/** Alone with the log, or not at all: who asks for the lock makes new readers wait, so it gives way soon. */
async function lockLog(client: pg.ClientBase): Promise<boolean> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    await client.query('savepoint alone')
    try {
      await client.query(`set local lock_timeout = '${LOCK_WAIT}'`)
      await client.query('lock table only item in access exclusive mode')
      return true
    } catch (error) {
      await client.query('rollback to savepoint alone')
      if ((error as { code?: string }).code !== '55P03') throw error
      await new Promise((done) => setTimeout(done, 100))
    }
  }
  return false
}

/** The partitions become tables of their own, which nobody reads; what stays gets a small partition in their place. */
async function detach(client: pg.ClientBase, plan: Plan, until: bigint): Promise<void> {
  for (const { name } of plan.partitions) {
    await client.query(`alter table item detach partition ${id(name)}`)
    await client.query(`alter table ${id(name)} rename to ${id(name + GONE)}`)
  }
  await client.query(`create table ${KEPT} partition of item for values from (minvalue) to (${until})`)
  await client.query(`select wall_partition('${KEPT}')`)
  // By its name alone: readers wait until the commit.
  await client.query('set local enable_seqscan = off')
  for (const { name } of plan.partitions) {
    const gone = id(name + GONE)
    await client.query(
      `insert into item select g.* from stays s join ${gone} g on g.collection = s.collection and g.position = s.position`,
    )
    await client.query(
      `delete from ${gone} g using stays s where g.collection = s.collection and g.position = s.position`,
    )
  }
}

const GONE = '_gone'

/** Tables that have left the log and are not cleared away yet. */
export async function readGone(client: pg.ClientBase): Promise<string[]> {
  const { rows } =
    await client.query(`select relname as name from pg_class c where relnamespace = 'comity'::regnamespace
    and relkind = 'r' and relname ~ '^item_.*${GONE}$' and not relispartition order by 1`)
  return rows.map((r) => String(r.name))
}

/**
 * Removes what hangs on the rows of such a table, a batch per transaction, then the table. It can be interrupted and run
 * again. What the ledger says of these rows goes on resolving to ids and versions (`former`).
 */
export async function clearAway(client: pg.ClientBase, name: string): Promise<void> {
  let at: [number, string] = [-1, '0']
  for (;;) {
    const { rows } = await client.query(
      `with batch as materialized (
         select * from ${id(name)} where (collection, position) > ($1::int, $2::bigint) order by collection, position limit ${ROWS}
       ), noted as (
         insert into former (collection, position, accepted, organization, object_id, version, spec, audience)
         select collection, position, accepted, organization, object_id, version, spec, audience from batch b
         where exists (select from ledger_entry e where e.organization = b.organization limit 1)
            or exists (select from delivery limit 1)
         on conflict do nothing
       ), unreferred as (delete from reference r using batch b where r.collection = b.collection and r.source = b.accepted
       ), unrendered as (delete from rendering r using batch b where b.parted and r.collection = b.collection and r.accepted = b.accepted
       ), unparted as (delete from part p using batch b where b.parted and p.collection = b.collection and p.accepted = b.accepted
       ), released as (delete from quarantined q using batch b where q.collection = b.collection and q.accepted = b.accepted)
       select collection, position::text as position from batch order by 1 desc, batch.position desc limit 1`,
      at,
    )
    if (rows.length === 0) break
    await client.query(
      `select drop_matches(collection, array_agg(accepted), array_agg(position)) from ${id(name)}
       where (collection, position) > ($1::int, $2::bigint) and (collection, position) <= ($3::int, $4::bigint) group by collection`,
      [...at, rows[0].collection, rows[0].position],
    )
    at = [rows[0].collection, rows[0].position]
  }
  await client.query(`drop table ${id(name)}`)
}

/** Demands of what is gone, when nothing refers to it any more. */
export async function forgetDemands(client: pg.ClientBase): Promise<void> {
  await client.query(`delete from tombstone t where t.version_key = '' and not exists (select from reference r
    where r.collection = t.collection and r.target = t.object_id and r.organization = t.organization)`)
}
