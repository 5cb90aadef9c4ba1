/** The two walls of policy.md §11, one by one: row-level security without the predicate, the predicate without it. */
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import t, { type Test, test } from 'tap'
import { canaryTopology, clientOf, type Planted, pathTo, plant } from '../support/canary.ts'
import { database } from '../support/cluster.ts'
import { crawl } from '../support/crawl.ts'
import { asOwner, copyDatabase, dropDatabase, sibling } from '../support/in-process.ts'
import { root } from '../support/paths.ts'
import { weakLogin } from '../support/roles.ts'
import { apply, type Server, startServer } from '../support/server.ts'
import { indicator, TLP } from '../support/stix.ts'

const own = await database(t)
await apply(own.url, canaryTopology())
const env = { COMITY_REQUEST_LIMIT: 'off' }
const planted: Planted = await planting()
const CRAWLED = ['anonymous', 'same organization', 'partner recipient', 'stranger', 'capped token'] as const

/** Plants with an ordinary server, which is gone before the databases are copied. */
async function planting(): Promise<Planted> {
  const server = await startServer(t, { database: own, env })
  const planted = await plant(server)
  await server.stop()
  return planted
}

/** The same data in a database of its own. */
async function copied(test: Test, name: string): Promise<string> {
  const url = sibling(own.url, name)
  await copyDatabase(own.url, url)
  test.teardown(() => dropDatabase(url))
  return url
}

const RELEASES = ['release_schedule', 'release_step', 'release_request', 'release_request_to']
const LEDGER = ['former', 'ledger_entry', 'ledger_head', 'recall', 'recall_notice']
const MATCHES = ['match_row', 'match_posting', 'match_audience']
const WALLED = [
  ...LEDGER,
  ...MATCHES,
  'item',
  'rendering',
  'tombstone',
  'status',
  'status_part',
  'upload',
  ...RELEASES,
]

async function withoutRls(url: string): Promise<void> {
  await asOwner(url, async (client) => {
    for (const table of WALLED) {
      await client.query(`alter table ${table} no force row level security`)
      await client.query(`alter table ${table} disable row level security`)
    }
  })
}

/** A copy of the compiled program whose statements no longer ask who reads; it lies in the package, for its imports. */
function withoutPredicate(test: Test): string {
  const folder = join(root, 'build', `walls-${process.pid}`)
  cpSync(join(root, 'build', 'src'), folder, { recursive: true })
  test.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const neutral: Record<string, [RegExp, string][]> = {
    'read-items.js': [
      [/\b[a-z]\.audience = any \(\$\{reader\.scope\}::int\[\]\)/g, 'true'],
      [
        /nullif\(get_bit\(\$\{reader\.bits\}::bytea, least\([a-z]\.audience, \$\{reader\.size\}::int\)\), 0\) is not null/g,
        'true',
      ],
      [
        /get_bit\(\$\{reader\.bits\}::bytea, least\([a-z]\.audience, \$\{reader\.size\}::int\)\) = 1/g,
        'true',
      ],
    ],
    'match.js': [
      [
        /get_bit\(\$\{reader\.bits\}::bytea, least\([a-z]\.audience, \$\{reader\.size\}::int\)\) = 1/g,
        'true',
      ],
    ],
    'write-items.js': [[/\b(?:r\.)?audience = any \(\$\{scope\}::int\[\]\)/g, 'true']],
    'vetoes.js': [[/\bi\.audience = any \(\$\{scope\}::int\[\]\)/g, 'true']],
    'backfill.js': [[/\bi\.audience = any \(\$\{scope\}::int\[\]\)/g, 'true']],
    'quarantined.js': [[/\bi\.audience = any \(\$\{scope\}::int\[\]\)/g, 'true']],
    'release-targets.js': [
      [/\baudience = any \(\$\{scope\}::int\[\]\)/g, 'true'],
      [/\bi\.audience = any \(\$\{reader\.scope\}::int\[\]\)/g, 'true'],
    ],
    'schedules.js': [
      [/\bi\.audience = any \(\$\{reader\.scope\}::int\[\]\)/g, 'true'],
      [/\br\.organization = \(select [^)]*\$\{reader\.principal\}\)/g, 'true'],
    ],
    'release-requests.js': [
      [/\baudience = any \(\$\{scope\}::int\[\]\)/g, 'true'],
      [/\bi\.audience = any \(\$\{reader\.scope\}::int\[\]\)/g, 'true'],
      [/\br\.principal = \$\{reader\.principal\}/g, 'true'],
    ],
    'ledger-answers.js': [[/\be\.audience = any \(\$\{reader\.scope\}::int\[\]\)/g, 'true']],
    'ledger.js': [[/ and \$\{t\}\.audience = any \(\$\{reader\.scope\}::int\[\]\)/g, '']],
    'recalls.js': [
      [/\b[if]\.audience = any \(\$\{reader\.scope\}::int\[\]\)/g, 'true'],
      [/\b[nm]\.principal = \$\{reader\.principal\}/g, 'true'],
    ],
    'statuses.js': [[/\bi\.principal = \$\{reader\.principal\}/g, 'true']],
  }
  for (const [name, changes] of Object.entries(neutral)) {
    const file = join(folder, 'store', name)
    let text = readFileSync(file, 'utf8')
    for (const [pattern, by] of changes) {
      if (!text.match(pattern))
        throw new Error(`${name} has no ${pattern}: teach this test its new predicate`)
      text = text.replace(pattern, by)
    }
    const left = /\$\{(reader\.(scope|bits|size|principal)|scope)\}/.exec(text)
    if (left) throw new Error(`${name} still asks who reads (${left[0]}): teach this test its new predicate`)
    writeFileSync(file, text)
  }
  return join(folder, 'main.js')
}

async function leaksOf(server: Server): Promise<number> {
  let leaks = 0
  for (const profile of CRAWLED) leaks += (await crawl(server.url, profile, planted, false)).leaks.length
  return leaks
}

async function holds(test: Test, server: Server, what: string): Promise<void> {
  for (const profile of CRAWLED) {
    const { leaks, seen } = await crawl(server.url, profile, planted, false)
    test.strictSame(leaks.slice(0, 5), [], `${what}: no canary to ${profile}`)
    const due = planted.canaries.filter((c) => c.audience.includes(profile))
    test.strictSame(
      due.filter((c) => !seen.has(c.name)).map((c) => c.name),
      [],
      `${what}: ${profile} gets its own`,
    )
  }
  const partner = clientOf(server.url, 'partner recipient')
  const open = pathTo('common')
  for (const { id, where } of planted.ids.filter((i) => i.where === 'common')) {
    const seen = (await partner.getObject(pathTo(where), id, { 'match[version]': 'all' })).status
    const answer = await partner.delete(`${open}objects/${id}/`)
    test.equal(answer.status, seen === 200 ? 403 : 404, `${what}: DELETE of ${id}`)
    if (seen === 200 || !id.startsWith('indicator')) continue
    const probe = indicator({ id, object_marking_refs: [TLP.clear], modified: '2026-03-01T00:00:00.000Z' })
    const { taxiiStatus } = await partner.post(open, [probe])
    test.equal(taxiiStatus.success_count, 1, `${what}: a hidden id is free to take`)
    test.equal((await partner.delete(`${open}objects/${id}/`)).status, 200)
  }
}

test('the predicate alone: row-level security is off', async (t) => {
  const url = await copied(t, 'bare')
  await withoutRls(url)
  const server = await startServer(t, { database: { url: await weakLogin(t, url) }, env })
  await holds(t, server, 'without RLS')
  await server.stop()
})

test('row-level security alone: no statement asks who reads', async (t) => {
  const url = await copied(t, 'blind')
  const program = withoutPredicate(t)
  const server = await startServer(t, { database: { url: await weakLogin(t, url) }, env, program })
  await holds(t, server, 'without the predicate')
  await server.stop()

  // The probe of the probe: without both walls the crawl must find what it looks for.
  await withoutRls(url)
  const open = await startServer(t, { database: { url: await weakLogin(t, url) }, env, program })
  const leaks = await leaksOf(open)
  t.ok(leaks > 100, `without both walls the crawl finds ${leaks} leaks`)
  await open.stop()
})

/** One connection as the application role, as a server has it. */
async function asApp<T>(test: Test, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    connectionString: await weakLogin(test, own.url),
    options: '-c search_path=comity,pg_temp',
  })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** Bit n = audience n, and one more that is 0. */
function bits(ids: readonly number[]): string {
  const bytes = Buffer.alloc(Math.max(0, ...ids) / 8 + 2)
  for (const id of ids) bytes[id >> 3] = (bytes[id >> 3] ?? 0) | (1 << (id & 7))
  return `\\x${bytes.toString('hex')}`
}

test('a plain select gives the rows of the scope, and none without one', async (t) => {
  const audiences = await asOwner(own.url, async (client) => {
    const { rows } = await client.query(
      'select audience, count(*)::int as count from item group by 1 order by 1',
    )
    return rows as { audience: number; count: number }[]
  })
  t.ok(audiences.length > 10, `${audiences.length} audiences`)
  await asApp(t, async (client) => {
    const count = async () => {
      const { rows } = await client.query(
        'select audience, count(*)::int as count from item group by 1 order by 1',
      )
      return rows
    }
    t.strictSame(await count(), [], 'no scope was ever set')
    for (const scope of ['', '\\x00', '\\x', '\\x0000']) {
      await client.query('begin')
      await client.query(`select set_config('comity.scope', $1, true)`, [scope])
      t.strictSame(await count().catch(() => []), [], `the scope ${JSON.stringify(scope)}`)
      await client.query('rollback')
    }
    for (const wanted of [audiences.slice(0, 1), audiences.slice(3, 8), audiences]) {
      await client.query('begin')
      await client.query(`select set_config('comity.scope', $1, true)`, [bits(wanted.map((a) => a.audience))])
      t.strictSame(await count(), wanted, `a scope of ${wanted.length} audiences`)
      const { rows } = await client.query('select count(*)::int as count from status')
      t.equal(rows[0]?.count, 0, 'statuses are their principal’s')
      await client.query('commit')
      t.strictSame(await count(), [], 'nothing after the transaction')
    }
    await client.query('begin')
    await client.query(`select set_config('comity.principal', 'author', true)`)
    const { rows } = await client.query('select count(*)::int as count from status')
    t.ok(rows[0]?.count > 0, 'a principal’s own statuses')
    await client.query('commit')
  })
})

test('the application role writes nothing but by the functions, and is nobody else', async (t) => {
  await asApp(t, async (client) => {
    const tables = [
      'item',
      'tombstone',
      'status',
      'status_part',
      'upload',
      'audience',
      'state',
      'setting',
      'country',
      'organization',
      'community',
      'principal',
      'token',
      'agreement',
      'baseline',
      'api_root',
      'collection',
      'collection_head',
      'collection_audience',
      'migration',
    ]
    for (const table of tables) {
      const { rows } = await client.query(
        `select attname as name from pg_attribute where attrelid = $1::regclass and attnum > 0 and attgenerated = ''
         and attidentity = '' order by attnum limit 1`,
        [table],
      )
      const column = rows[0]?.name
      for (const statement of [
        `insert into ${table} default values`,
        `update ${table} set ${column} = ${column}`,
        `delete from ${table}`,
        `truncate ${table}`,
        `alter table ${table} disable row level security`,
        `drop table ${table}`,
        `create policy mine on ${table} using (true)`,
      ]) {
        await t.rejects(client.query(statement), { code: '42501' }, statement)
      }
    }
    for (const statement of [
      'set role comity_owner',
      'set session authorization comity_owner',
      'set row_security = off; select * from item',
      'select relink(1, array[]::text[])',
      'create table comity.mine (a int)',
      'create function comity.mine() returns int language sql as $$ select 1 $$',
      'delete from audit',
      'select * from audit',
      'delete from token_use',
    ]) {
      await t.rejects(client.query(statement), { code: '42501' }, statement)
    }
  })
})
