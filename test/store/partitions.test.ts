/** The log in partitions: made ahead of time, never in readers' way; pages and rows that go across a border. */
import pg from 'pg'
import { type Test, test } from 'tap'
import { overClient } from '../../src/store/client.ts'
import { applySteps, stepsOf } from '../../src/store/migration-steps.ts'
import { readPartitions, tendPartitions } from '../../src/store/partitions.ts'
import { Pool } from '../../src/store/pool.ts'
import { sql } from '../../src/store/sql.ts'
import { tendStatistics } from '../../src/store/write-items.ts'
import { basic } from '../support/client.ts'
import { database } from '../support/cluster.ts'
import { applyInProcess, asOwner, type Node, openNode, TestClock, WAYS } from '../support/in-process.ts'
import { AT, COLLECTION, policyWorld } from '../support/policy-world.ts'
import { sleep } from '../support/run-lock.ts'
import { indicator, TLP, version } from '../support/stix.ts'

const DAY = 86_400_000_000n
const as = (id: string) => basic(id, `pw-${id}`)

function poolOf(t: Test, url: string): Pool {
  const pool = new Pool({ url, role: 'comity_app', max: 2, statementSeconds: 20, name: 'partitions test' })
  t.teardown(() => pool.close())
  return pool
}

const names = (url: string) =>
  asOwner(url, async (client) => (await readPartitions(overClient(client))).map((p) => p.name))
/** Where the partition that the migration has left ends. */
const border = (url: string) =>
  asOwner(url, async (client) => (await readPartitions(overClient(client)))[0]?.upper as bigint)
const month = (at: bigint) => new Date(Number(at / 1000n)).toISOString().slice(0, 7).replace('-', '_')

test('the next partition is made ahead of time, once, as wide as the setting says', async (t) => {
  const { url } = await database(t)
  const pool = poolOf(t, url)
  const end = await border(url)
  const first = `item_before_${month(end)}`
  t.strictSame(await names(url), [first, 'item_ahead'])
  t.strictSame(await tendPartitions(pool, end - 16n * DAY, 1), [], 'not while there is time')
  const both = await Promise.all([
    tendPartitions(pool, end - 14n * DAY, 1),
    tendPartitions(pool, end - 14n * DAY, 1),
  ])
  t.strictSame(both.flat(), [`item_${month(end)}`], 'once, by one of two nodes')
  t.strictSame(await names(url), [first, `item_${month(end)}`, 'item_ahead'])
  await tendPartitions(pool, end + 20n * DAY, 3)
  const made = await asOwner(url, (client) => readPartitions(overClient(client)))
  const quarter = made.at(-2)
  t.ok(quarter?.lower && quarter.upper && quarter.upper - quarter.lower > 40n * DAY, 'more than a month')
  t.match(new Date(Number((quarter?.upper as bigint) / 1000n)).toISOString(), /-(01|04|07|10)-01T00:00:00/)
  t.equal(made.at(-1)?.lower, quarter?.upper, 'without a gap')
})

test('who reads is not waited for, and does not wait', async (t) => {
  const { url } = await database(t)
  const pool = poolOf(t, url)
  const end = await border(url)
  const reader = new pg.Client({ connectionString: url })
  await reader.connect()
  await reader.query('begin')
  await reader.query('select count(*) from comity.item')
  const started = Date.now()
  const making = tendPartitions(pool, end, 1)
  await sleep(20)
  const asked = Date.now()
  await pool.rows(sql`select from item limit 1`)
  t.ok(Date.now() - asked < 1000, `another reader waited ${Date.now() - asked} ms`)
  t.strictSame(await making, [], 'it gives up')
  t.ok(Date.now() - started < 3000)
  await reader.query('commit')
  await reader.end()
  t.strictSame(await tendPartitions(pool, end, 1), [`item_${month(end)}`], 'and is asked again')
})

test('rows of a clock that was ahead stay where they are', async (t) => {
  const { url } = await database(t)
  const pool = poolOf(t, url)
  const end = await border(url)
  await applyInProcess(url, JSON.stringify(policyWorld()), end)
  const clock = new TestClock(end + 70n * DAY)
  const node = await openNode(url, clock)
  t.teardown(() => node.close())
  const object = indicator({ object_marking_refs: [TLP.green] })
  await post(node, [object])
  t.strictSame(await tendPartitions(pool, end, 1), [`item_${month(end)}`], 'all of it is the next partition')
  t.ok(((await border(url)) as bigint) < clock.at)
  t.same(
    (await read(node, '')).objects.map((o) => o.id),
    [object.id],
  )
  await post(node, [indicator({ object_marking_refs: [TLP.green] })])
  t.equal((await read(node, '')).objects.length, 2)
})

async function post(node: Node, objects: object[]) {
  const answer = await node.call({
    method: 'POST',
    path: `${AT.closed}objects/`,
    as: as('my'),
    body: JSON.stringify({ objects }),
  })
  if (answer.json.failure_count !== 0) throw new Error(answer.text)
}

test('statistics are made when a partition has grown, and then no more', async (t) => {
  const { url } = await database(t)
  const pool = poolOf(t, url)
  const end = await border(url)
  await tendPartitions(pool, end, 1)
  await applyInProcess(url, JSON.stringify(policyWorld()), end)
  const node = await openNode(url, new TestClock(end + 1n * DAY))
  for (let i = 0; i < 2; i++) {
    await post(
      node,
      Array.from({ length: 800 }, () => indicator({ object_marking_refs: [TLP.green] })),
    )
  }
  // Its connections tell what they changed when they end.
  await node.close()
  const made = async () => {
    for (let times = 0; times < 10; times++) if (!(await tendStatistics(pool))) return times
    return 'for ever'
  }
  t.equal(await made(), 2, 'of the partition, and of the log as a whole')
  t.equal(await made(), 0)
  const seen = await asOwner(
    url,
    async (client) =>
      (
        await client.query(
          `select array_agg(attname::text order by attname) as names from pg_stats where tablename = 'item_' || $1`,
          [month(end)],
        )
      ).rows[0].names as string[],
  )
  t.ok(seen.includes('object_id') && seen.includes('audience'))
  for (const name of ['body', 'hash', 'version']) t.notOk(seen.includes(name), name)
})

const read = (node: Node, query: string, who = 'sg') =>
  node.call({ path: `${AT.closed}objects/?${query}`, as: as(who) })

test('pages across a border, and a row that goes across', async (t) => {
  const { url } = await database(t)
  const pool = poolOf(t, url)
  const end = await border(url)
  await applyInProcess(url, JSON.stringify(policyWorld()), end - 2n * DAY)
  await tendPartitions(pool, end, 1)
  const clock = new TestClock(end - 1n * DAY)
  const nodes: Node[] = []
  for (const way of WAYS) {
    const node = await openNode(url, clock, { way: () => way })
    t.teardown(() => node.close())
    nodes.push(node)
  }
  const [node] = nodes as [Node]
  const objects = Array.from({ length: 12 }, (_, i) =>
    indicator({ object_marking_refs: [i % 4 === 3 ? TLP.red : TLP.green] }),
  )
  await post(node, objects.slice(0, 6))
  clock.at = end + 1n * DAY
  await post(node, objects.slice(6))
  const green = objects.filter((_, i) => i % 4 !== 3)
  const walk = async (node: Node, limit: number, query = '') => {
    const ids: string[] = []
    for (let next = ''; ; ) {
      const answer = await read(node, `limit=${limit}${query}${next}`)
      ids.push(...answer.objects.map((o) => o.id))
      if (answer.json.more !== true) return ids
      next = `&next=${answer.json.next}`
    }
  }
  for (const [i, node] of nodes.entries()) {
    for (const limit of [1, 2, 5, 100]) {
      t.same(
        await walk(node, limit),
        green.map((o) => o.id),
        `in order, ${limit} a page, plan ${i}`,
      )
    }
    t.same(
      await walk(node, 2, '&match[type]=indicator'),
      green.map((o) => o.id),
    )
    const after = new Date(Number(end / 1000n)).toISOString()
    t.same(
      await walk(node, 2, `&added_after=${after}`),
      green.slice(5).map((o) => o.id),
      'after the border',
    )
  }
  // A release appends the row again: it leaves the old partition for the new one.
  const red = objects[3] as { id: string }
  const held = async () => {
    const { rows } = await asOwner(url, (client) =>
      client.query(
        `select i.tableoid::regclass::text as where, f.position is not null as noted
         from item i left join former f on f.collection = i.collection and f.accepted = i.accepted where i.object_id = $1`,
        [red.id],
      ),
    )
    return rows
  }
  t.strictSame(await held(), [{ where: `item_before_${month(end)}`, noted: false }])
  const released = await node.call({
    method: 'PATCH' as never,
    path: `/api/v1/roots/one/collections/${COLLECTION.closed}/objects/${red.id}`,
    as: as('my'),
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ object_marking_refs: [TLP.green], reason: 'released' }),
  })
  t.equal(released.status, 200, released.text)
  t.strictSame(await held(), [{ where: `item_${month(end)}`, noted: true }], 'and where it was is noted')
  for (const node of nodes) t.same(await walk(node, 3), [...green.map((o) => o.id), red.id])
  // A new version on this side, of one that lies on the other.
  const old = green[0] as { id: string; modified: string }
  const newer = version(old as never, '2026-06-01T00:00:00.000Z')
  await post(node, [newer])
  for (const node of nodes) {
    t.same((await walk(node, 100)).filter((id) => id === old.id).length, 1)
    t.equal((await walk(node, 100, '&match[version]=all')).filter((id) => id === old.id).length, 2)
    t.equal((await walk(node, 100, '&match[version]=first'))[0], old.id)
  }
  await asOwner(url, async (client) => {
    await client.query('set enable_sort = off; set enable_seqscan = off; set enable_bitmapscan = off')
    const { rows } = await client.query(`explain (costs off) select position from item where collection = 1
      and position > ${end} order by position limit 10`)
    const plan = rows.map((r) => r['QUERY PLAN']).join('\n')
    t.notMatch(plan, /Sort|MergeAppend|item_before/, 'no sort, and what lies before is not looked at')
  })
})

test('an online migration', async (t) => {
  t.equal(stepsOf('create table a ();'), null)
  t.throws(
    () => stepsOf('-- online\ncreate table a ();'),
    /before the first step would not run: create table a/,
  )
  t.throws(() => stepsOf('-- online\n-- just words\n'), /has no step/)
  const { url } = await database(t)
  const text = (last: string) => `-- online
-- step: one
create table grown (a int);
-- step: two (alone)
create index concurrently if not exists grown_a on grown (a);
-- another
create index concurrently if not exists grown_b on grown ((a + 1));
-- step: three
${last}
`
  const migration = (last: string) => ({ number: 9000, name: '9000_x.sql', text: text(last), checksum: 'x' })
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  t.teardown(() => client.end())
  const count = async () =>
    (
      await client.query(
        `select (select count(*)::int from comity.migration where number = 9000) as done,
           (select count(*)::int from comity.migration_step where number = 9000) as steps,
           (select count(*)::int from pg_indexes where tablename = 'grown') as indexes`,
      )
    ).rows[0]
  await t.rejects(applySteps(client, migration('select 1 / 0;')), {
    exitCode: 3,
    message: /division by zero/,
  })
  t.strictSame(await count(), { done: 0, steps: 2, indexes: 2 }, 'what is done stays')
  await t.rejects(applySteps(client, { ...migration(''), checksum: 'y' }), { message: /another release/ })
  const other = new pg.Client({ connectionString: url })
  await other.connect()
  await other.query('begin; lock table comity.grown')
  const going = applySteps(client, migration('alter table grown add column b int;'))
  await sleep(400)
  await other.query('commit')
  await other.end()
  await going
  t.strictSame(await count(), { done: 1, steps: 0, indexes: 2 }, 'it waits for a lock by asking again')
})
