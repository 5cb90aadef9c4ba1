/** comity retention: what is old goes with all that hangs on it, and readers see what they would see had it never been. */
import pg from 'pg'
import { type Test, test } from 'tap'
import { retentionCommand } from '../../src/cli/retention.ts'
import { overClient } from '../../src/store/client.ts'
import { readPartitions, tendPartitions } from '../../src/store/partitions.ts'
import { Pool } from '../../src/store/pool.ts'
import { basic } from '../support/client.ts'
import { database } from '../support/cluster.ts'
import { applyInProcess, asOwner, type Node, openNode, TestClock } from '../support/in-process.ts'
import { AT, COLLECTION, policyWorld } from '../support/policy-world.ts'
import { comity } from '../support/server.ts'
import { indicator, ipv4, malware, relationship, TLP, version } from '../support/stix.ts'

const DAY = 86_400_000_000n
const as = (id: string) => basic(id, `pw-${id}`)
const green = { object_marking_refs: [TLP.green] }
const json = { 'content-type': 'application/json', accept: 'application/json' }

interface World {
  url: string
  node: Node
  clock: TestClock
  /** The border that retention cuts at. */
  end: bigint
  post(objects: object[], who?: string, path?: string): Promise<void>
  get(query: string, who?: string, path?: string): Promise<string[]>
  one(id: string, who?: string, query?: string): Promise<number>
  retain(dryRun?: boolean): Promise<{ code: number; out: string[]; err: string[] }>
}

/** A log with a border in it; the clock stands a day before. */
async function world(t: Test): Promise<World> {
  const { url } = await database(t)
  const end = await asOwner(
    url,
    async (client) => (await readPartitions(overClient(client)))[0]?.upper as bigint,
  )
  const pool = new Pool({ url, role: 'comity_app', max: 2, statementSeconds: 20, name: 'retention test' })
  await tendPartitions(pool, end, 1)
  await pool.close()
  await applyInProcess(url, JSON.stringify(policyWorld()), end - 3n * DAY)
  const clock = new TestClock(end - 1n * DAY)
  const node = await openNode(url, clock)
  t.teardown(() => node.close())
  return {
    url,
    node,
    clock,
    end,
    async post(objects, who = 'my', path = AT.closed) {
      const body = JSON.stringify({ objects })
      const answer = await node.call({ method: 'POST', path: `${path}objects/`, as: as(who), body })
      if (answer.json.failure_count !== 0) throw new Error(answer.text)
    },
    async get(query, who = 'sg', path = AT.closed) {
      const answer = await node.call({ path: `${path}objects/?${query}`, as: as(who) })
      if (answer.status !== 200) throw new Error(answer.text)
      return answer.objects.map((o) => `${o.id} ${o.modified ?? ''}`)
    },
    async one(id, who = 'sg', query = '') {
      return (await node.call({ path: `${AT.closed}objects/${id}/?${query}`, as: as(who) })).status
    },
    async retain(dryRun = false) {
      const [out, err]: [string[], string[]] = [[], []]
      const context = {
        withOwner: <T>(work: (client: pg.PoolClient) => Promise<T>) =>
          asOwner(url, async (client) => {
            await client.query('set role comity_owner')
            return await work(client as unknown as pg.PoolClient)
          }),
        env: {},
        out: (line: string) => out.push(line),
        err: (line: string) => err.push(line),
      }
      const before = new Date(Number(end / 1000n)).toISOString()
      const code = await retentionCommand(context, { before, dryRun }, clock)
      return { code, out, err }
    },
  }
}

const shown = (o: { id: string; modified?: unknown }) => `${o.id} ${o.modified ?? ''}`
const count = (url: string, from: string) =>
  asOwner(url, async (client) => {
    const { rows } = await client.query(`select count(*)::int as n from ${from}`)
    return rows[0].n as number
  })

test('old objects go with what hangs on them; new ones, cursors and definitions stay', async (t) => {
  const { url, node, clock, end, post, get, one, retain } = await world(t)
  const old = [indicator(green), malware(green)] as [ReturnType<typeof indicator>, ReturnType<typeof malware>]
  const link = relationship(old[0].id, old[1].id, green)
  const statement = {
    type: 'marking-definition',
    spec_version: '2.1',
    id: 'marking-definition--0d5e31c5-9b8d-4a7e-8f47-5f0b6a7c8d9e',
    created: '2026-01-01T00:00:00.000Z',
    definition_type: 'statement',
    definition: { statement: 'Copyright MyCERT' },
    ...green,
  }
  await post([statement, ...old, link])
  const part = {
    ...indicator(green),
    granular_markings: [{ marking_ref: TLP.red, selectors: ['description'] }],
    description: 'x',
  }
  await post([part], 'my', AT.redact)
  const walk = await node.call({ path: `${AT.closed}objects/?limit=2`, as: as('sg') })
  clock.at = end + 1n * DAY
  const fresh = [indicator({ object_marking_refs: [TLP.green, statement.id] }), malware(green)]
  await post(fresh)
  await node.work()
  const dry = await retain(true)
  t.strictSame(dry.out, ['one/closed  3 versions go, 1 stay', 'one/redact  1 versions go'])
  t.equal((await get('')).length, 6, 'a dry run changes nothing')
  t.ok(
    (await count(url, 'rendering')) > 0 &&
      (await count(url, 'part')) > 0 &&
      (await count(url, 'reference')) > 0,
  )
  const recalls = await count(url, 'recall')

  const done = await retain()
  t.equal(done.code, 0, done.err.join('\n'))
  t.strictSame(done.out, dry.out, 'says what went')
  t.strictSame(await get(''), [statement, ...fresh].map(shown))
  t.strictSame(await get('', 'sg', AT.redact), [])
  for (const { id } of [...old, link]) t.equal(await one(id), 404)
  for (const table of ['rendering', 'part', 'reference', 'tombstone'])
    t.equal(await count(url, table), 0, table)
  t.equal(await count(url, 'recall'), recalls, 'no right has changed: no recall')
  const next = await node.call({ path: `${AT.closed}objects/?limit=2&next=${walk.json.next}`, as: as('sg') })
  t.strictSame(next.objects.map(shown), fresh.map(shown), 'a cursor from before goes on')
  t.equal(await one(TLP.green), 200, 'the standard definitions answer')
  await post([indicator({ object_marking_refs: [TLP.green, statement.id] })])
  const { rows } = await asOwner(url, (client) =>
    client.query(`select actor, detail from audit where action = 'retention'`),
  )
  t.equal(rows.length, 1)
  t.match(rows[0].detail, { collections: [{ collection: 'one/closed', removed: 3, kept: 1 }, {}] })
  const again = await retain()
  t.match(again.err.join(), /nothing to drop/)
  const pages = await node.call({ path: '/api/v1/ledger?order=oldest', as: as('my'), headers: json })
  t.match(
    pages.json.items,
    [{ objects: [{ id: statement.id }, { id: old[0].id }] }],
    'the ledger names what is gone',
  )
  const verified = await comity(['ledger', 'verify'], { DATABASE_URL: url })
  t.equal(verified.code, 0, verified.stderr + verified.stdout)
})

test('chains of versions that reach across the border', async (t) => {
  const { url, clock, end, post, get, one, retain } = await world(t)
  const v1 = indicator(green)
  const v2 = version(v1, '2026-06-01T00:00:00.000Z')
  // The older version lies beyond the border, the latest, stricter one before it.
  const w1 = indicator(green)
  const w2 = version(w1, '2026-06-01T00:00:00.000Z', { object_marking_refs: [TLP.red] })
  // Two organizations' copies of an address; a version that is gone stays stricter than nothing.
  const address = ipv4('198.51.100.7', green)
  await post([v1, w2, address])
  await post([address], 'sg')
  clock.at = end + 1n * DAY
  await post([v2, w1])
  await post([{ ...address, object_marking_refs: [TLP.red] }])
  t.strictSame((await get('match[version]=first', 'de')).includes(shown(v1)), true)
  t.equal(await one(w1.id, 'de'), 404, 'restricted by its latest')
  await retain()
  t.strictSame(await get('match[version]=first', 'de'), [v2, w1].map(shown), 'the first of what is there')
  t.strictSame(await get('match[version]=all', 'de'), [v2, w1].map(shown))
  t.equal(await one(v1.id, 'de', `match[version]=${v1.modified}`), 200, 'as a version that never was')
  t.strictSame(await get('match[type]=ipv4-addr', 'my'), [`${address.id} `], 'its own copy is there')
  t.strictSame(await get('match[type]=ipv4-addr', 'sg'), [], 'theirs are gone, the other is RED')
  const stale = `item where not standard and (later < ${end} or earlier < ${end} or position < ${end})`
  t.equal(await count(url, stale), 0, 'no row points at one that is gone')
})

test('what a gone object demanded goes on binding those that refer to it', async (t) => {
  const { url, node, clock, end, post, one, retain } = await world(t)
  const secret = malware({ object_marking_refs: [TLP.red] })
  const target = indicator(green)
  await post([secret, target])
  clock.at = end + 1n * DAY
  const link = relationship(target.id, secret.id, green)
  await post([link])
  t.equal(await one(link.id), 404)
  await retain()
  t.equal(await one(link.id), 404)
  t.equal(await count(url, 'tombstone'), 2)
  const patched = await node.call({
    method: 'PATCH' as never,
    path: `/api/v1/roots/one/collections/${COLLECTION.closed}/objects/${link.id}`,
    as: as('my'),
    headers: json,
    body: JSON.stringify({ object_marking_refs: [TLP.clear], reason: 'open it' }),
  })
  t.equal(patched.status, 200, patched.text)
  t.equal(await one(link.id), 404, 'judged anew, it is as strict as before')
  t.equal(await one(secret.id, 'my'), 404, 'for whoever could read it, it is unknown')
  t.equal(await one(secret.id, 'my', `match[version]=${secret.modified}`), 404)
  // It comes back, open: now it is the latest that counts.
  await post([{ ...secret, modified: '2026-09-01T00:00:00.000Z', ...green }])
  t.equal(await one(link.id), 200)
})

test('an embargo that has not ended stays, and ends', async (t) => {
  const { node, clock, end, post, one, retain } = await world(t)
  const at = new Date(Number((end + 5n * DAY) / 1000n)).toISOString()
  const embargo = {
    type: 'marking-definition',
    spec_version: '2.1',
    id: 'marking-definition--5c0d6a0e-3f5b-4c39-9a51-5b8f7d0c2e14',
    created: '2026-01-01T00:00:00.000Z',
    name: 'later',
    ...green,
    extensions: {
      'extension-definition--7b1c9e52-6d0f-4a3e-9c57-2f8f0c6e4d11': {
        extension_type: 'property-extension',
        not_before: at,
      },
    },
  }
  const held = indicator({ object_marking_refs: [TLP.green, embargo.id] })
  const before = version(held, '2025-01-01T00:00:00.000Z', { created: '2025-01-01T00:00:00.000Z', ...green })
  await post([embargo, { ...held, created: '2025-01-01T00:00:00.000Z' }, before])
  clock.at = end + 1n * DAY
  const done = await retain()
  t.match(done.out, ['one/closed  1 versions go, 2 stay'])
  t.equal(await one(held.id), 404)
  clock.at = end + 6n * DAY
  await node.work()
  t.equal(await one(held.id), 200)
})

test('it is refused, interrupted and finished', async (t) => {
  const { url, clock, end, post, get, retain } = await world(t)
  t.match(await comity(['retention', '--before', '2999-01-01'], { DATABASE_URL: url }), {
    code: 2,
    stderr: /has passed/,
  })
  t.match(await comity(['retention', '--before', '2001-01-01', '--dry-run'], { DATABASE_URL: url }), {
    code: 0,
    stderr: /nothing to drop: the oldest partition ends at/,
  })
  const object = indicator(green)
  await post([object, relationship(object.id, indicator().id, green)])
  clock.at = end + 1n * DAY
  // Somebody reads all the while: the log is not to be had, and nothing happens.
  const reader = new pg.Client({ connectionString: url })
  await reader.connect()
  await reader.query('begin; select from comity.item')
  const refused = retain().catch((error) => error)
  await new Promise((done) => setTimeout(done, 1500))
  t.equal((await get('')).length, 2, 'readers go on')
  await reader.query('commit')
  await reader.end()
  t.match(await refused, { code: 0 }, 'it waits its turn')
  t.strictSame(await get(''), [])
  // As if it had been interrupted after the log was cut.
  await asOwner(url, (client) =>
    client.query(`set role comity_owner; create table item_2020_01_gone (like item);
      alter table item_2020_01_gone enable row level security;
      insert into item_2020_01_gone select * from item where standard;
      insert into reference (collection, source, target, author) select collection, accepted, 'x', '' from item where standard`),
  )
  const finished = await retain()
  t.match(finished.err.join(), /clearing away item_2020_01_gone/)
  t.equal(await count(url, 'reference'), 0)
  t.equal(await count(url, `pg_class where relname like 'item%gone'`), 0)
})
