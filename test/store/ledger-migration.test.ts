/** Migration 0014 on a ledger that has entries and notices of the earlier form: chains hold, before and after, and are read. */
import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto'
import pg from 'pg'
import { test } from 'tap'
import { verifyLedger } from '../../src/sharing/verify-ledger.ts'
import { overClient } from '../../src/store/client.ts'
import { migrate, migrations } from '../../src/store/migrate.ts'
import { applySteps } from '../../src/store/migration-steps.ts'
import { stretchOf } from '../../src/store/runs.ts'
import { basic } from '../support/client.ts'
import { database } from '../support/cluster.ts'
import { applyInProcess, asOwner, dropDatabase, openNode, sibling, TestClock } from '../support/in-process.ts'
import type { LedgerItem } from '../support/ledger.ts'
import { AT, policyWorld } from '../support/policy-world.ts'
import { indicator, TLP } from '../support/stix.ts'

const SECOND = 1_000_000n

/** A database as the release before 0014 left it. */
async function earlier(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(`create schema comity authorization comity_owner; set role comity_owner;
    grant usage on schema comity to comity_app;
    create table comity.migration (number int primary key, name text not null, checksum text not null,
      applied timestamptz not null default now());
    alter table comity.migration enable row level security; alter table comity.migration force row level security;
    create policy owner_all on comity.migration to comity_owner using (true) with check (true);
    create policy app_read on comity.migration for select to comity_app using (true);
    grant select on comity.migration to comity_app; reset role`)
  for (const migration of migrations().filter((m) => m.number < 14)) await applySteps(client, migration)
  await client.query('set role comity_owner')
  for (const key of ['cursor_key', 'jwt_key', 'token_key']) {
    await client.query('insert into comity.setting (key, value) values ($1, $2)', [
      key,
      randomBytes(32).toString('hex'),
    ])
  }
  await client.end()
}

/** Seals what waits as a node of that release does. */
async function sealAsBefore(client: pg.Client, now: bigint): Promise<void> {
  const { rows } = await client.query(
    'select id::text, book, positions::text[] as positions, audiences from delivery where parts is null order by id',
  )
  const raw: object[] = []
  for (const { id, book, positions, audiences } of rows) {
    const parts: object[] = []
    for (const audience of new Set<number>(audiences)) {
      const rule = await client.query(
        'select country, rule from delivery_rule where book = $1 and audience = $2',
        [book, audience],
      )
      const places = (positions as string[]).filter((_, i) => audiences[i] === audience).map(Number)
      parts.push({ organization: 'mycert', audience, ...rule.rows[0], ...stretchOf(places) })
    }
    raw.push({ id, parts })
  }
  await client.query('select seal_deliveries($1, $2, $3)', [now, rows.map((r) => r.id), JSON.stringify(raw)])
}

async function verdict(url: string) {
  return await asOwner(url, async (client) => {
    const { rows } = await client.query(`select value from setting where key = 'ledger_key'`)
    const key = createPrivateKey({ key: Buffer.from(rows[0].value, 'hex'), format: 'der', type: 'pkcs8' })
    const pem = String(createPublicKey(key).export({ format: 'pem', type: 'spki' }))
    return (await verifyLedger(overClient(client), pem, null))[0]
  })
}

test('a ledger of before goes on', async (t) => {
  const own = await database(t)
  const url = sibling(own.url, 'earlier')
  await asOwner(own.url, (client) => client.query(`create database "${new URL(url).pathname.slice(1)}"`))
  t.teardown(() => dropDatabase(url))
  await earlier(url)
  const clock = new TestClock(BigInt(Date.parse('2026-11-25T10:00:00Z')) * 1000n)
  await applyInProcess(url, JSON.stringify(policyWorld()), clock.now())
  // The short way calls a function of a later migration.
  const node = await openNode(url, clock, { short: false })
  t.teardown(() => node.close())
  const as = (id: string) => basic(id, `pw-${id}`)
  const [a, b, c] = [0, 1, 2].map(() => indicator({ object_marking_refs: [TLP.green] })) as [
    ReturnType<typeof indicator>,
    ReturnType<typeof indicator>,
    ReturnType<typeof indicator>,
  ]
  const path = `${AT.closed}objects/`
  await node.call({ method: 'POST', path, as: as('my'), body: JSON.stringify({ objects: [a, b, c] }) })
  const get = async (id: string) => {
    clock.at += SECOND / 10n
    t.equal((await node.call({ path: `${path}${id}/`, as: as('sg') })).objects.length, 1)
  }
  for (const { id } of [a, b]) await get(id)
  clock.at += SECOND
  const sealed = clock.at
  await asOwner(url, (client) => sealAsBefore(client, sealed))
  // Fetched, recalled, and spread; and one that is fetched and not sealed when the migration comes.
  await get(c.id)
  for (const { id } of [b, c]) {
    t.equal((await node.call({ method: 'DELETE', path: `${path}${id}/`, as: as('my') })).status, 200)
  }
  await asOwner(url, (client) => client.query('select spread_recalls(20)'))
  t.strictSame(
    await migrate(url),
    migrations()
      .filter((m) => m.number >= 14)
      .map((m) => m.name),
  )
  t.match(await verdict(url), { entries: 1, broken: null }, 'what was sealed before')
  clock.at += SECOND
  for (const id of [a.id, a.id]) await get(id)
  await node.work()
  t.match(await verdict(url), { broken: null }, 'and with what came after')
  const list = async <T>(who: string, at: string) =>
    (await node.call({ path: at, as: as(who), headers: { accept: 'application/json' } })).json.items as T[]
  const items = await list<LedgerItem>('my2', '/api/v1/ledger?order=oldest')
  const told = items.map((i) => [i.objects.map((o) => o.id), i.at, i.rule])
  const time = (at: bigint) => new Date(Number(at / 1000n)).toISOString().replace('Z', '000Z')
  t.strictSame(told, [
    [[a.id, b.id], time(sealed), null],
    // It was gone before it was sealed: its markings could not be looked at any more.
    [[c.id], time(sealed + SECOND / 10n), 'unknown'],
    [[a.id], time(sealed + SECOND + SECOND / 5n), 'agreement MY>SG'],
    [[a.id], time(sealed + SECOND + (3n * SECOND) / 10n), 'agreement MY>SG'],
  ])
  type Recall = {
    object: string
    recipients: { fetched_at: string }[]
    versions: string[]
    fetched_at: string
  }
  const recalls = await list<Recall>('my2', '/api/v1/recalls/issued')
  t.strictSame(
    recalls.map((r) => [r.object, r.recipients[0]?.fetched_at]),
    [
      [c.id, time(sealed + SECOND / 10n)],
      [b.id, time(sealed)],
    ],
  )
  t.strictSame(
    (await list<Recall>('sg', '/api/v1/recalls')).map((r) => [r.object, r.versions.length, r.fetched_at]),
    [
      [c.id, 1, time(sealed + SECOND / 10n)],
      [b.id, 1, time(sealed)],
    ],
  )
  for (const damage of [`pages = '\\x0002'`, `marks_rule = 'clear'`]) {
    await asOwner(url, async (client) => {
      await client.query('begin; alter table ledger_entry disable trigger append_only')
      await client.query(`update ledger_entry set ${damage} where seq = 2`)
      await client.query('commit')
    })
    t.match(await verdict(url), { broken: /entry 2 has been changed/ }, damage)
  }
})
