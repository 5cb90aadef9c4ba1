/** Loading the demo: into an empty database only, whole, also after a crash, and each reader sees its own part. */

import pg from 'pg'
import { pino } from 'pino'
import { type Test, test } from 'tap'
import { loadDemo } from '../../src/cli/demo.ts'
import { demoBatches } from '../../src/cli/demo-objects.ts'
import { database } from '../support/cluster.ts'
import { exportFrom, onExchange } from '../support/exchange.ts'
import { startServer } from '../support/server.ts'

const log = pino({ level: 'silent' })
const load = (url: string) => onExchange(url, (exchange) => loadDemo(exchange, exchange.config, url, log))

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

const items = async (url: string) =>
  Number((await query(url, 'select count(*) from comity.item where not standard'))[0]?.count)

async function demo(t: Test): Promise<{ url: string; count: number }> {
  const { url } = await database(t)
  t.equal(await load(url), true)
  return { url, count: await items(url) }
}

test('loads once; what is there is not touched', async (t) => {
  const { url, count } = await demo(t)
  t.ok(count > 250, `${count} objects`)
  const before = await query(url, 'select epoch from comity.state')
  t.equal(await load(url), true, 'again')
  t.strictSame(await query(url, 'select epoch from comity.state'), before, 'nothing was written')
  t.strictSame(await query(url, "select value from comity.setting where key = 'demo'"), [{ value: 'loaded' }])

  const own = await database(t)
  await query(own.url, "insert into comity.api_root (path, title) values ('mine', 'Mine')")
  t.equal(await load(own.url), false, 'a database with an API root is somebody’s own')
  t.equal(await items(own.url), 0)
})

test('a start that was killed in the middle is finished by the next', async (t) => {
  const { url, count } = await demo(t)
  await query(url, "update comity.setting set value = 'loading' where key = 'demo'")
  await query(url, "delete from comity.item where type in ('relationship', 'report', 'note') or sco")
  t.ok((await items(url)) < count - 100)
  t.equal(await load(url), true)
  t.equal(await items(url), count, 'as many objects as without the crash')

  const early = await database(t)
  await query(early.url, "insert into comity.setting (key, value) values ('demo', 'loading')")
  t.equal(await load(early.url), true, 'killed before the topology')
  t.equal(await items(early.url), count)
})

test('readers see what the policy gives them', async (t) => {
  const { url } = await demo(t)
  const server = await startServer(t, { database: { url } })
  const path = '/global/collections/indicators/'
  const visible = async (principal: string): Promise<Set<string>> => {
    const answer = await server.as(principal, `demo-${principal}`).getObjects(path)
    t.equal(answer.status, 200)
    return new Set(answer.objects.map((o) => String(o.name ?? o.abstract ?? o.id)))
  }
  const who = ['mycert-analyst', 'mycert-duty', 'sgcert-analyst', 'decert-analyst', 'frcert-analyst']
  const others = ['petrobank-analyst', 'rheinstrom-analyst', 'forum-liaison', 'mycert-siem']
  const seen = new Map<string, Set<string>>()
  for (const principal of [...who, ...others]) seen.set(principal, await visible(principal))
  const sizes = [...seen].map(([principal, names]) => `${principal} ${names.size}`)
  t.comment(sizes.join(', '))
  const readers = (name: string) =>
    [...seen].filter(([, names]) => names.has(name)).map(([principal]) => principal)
  const everybody = [...who, ...others]
  t.strictSame(readers('COPPER SWARM'), everybody, 'CLEAR')
  t.strictSame(
    readers('TIN BADGER'),
    ['decert-analyst', 'frcert-analyst', 'rheinstrom-analyst'],
    'GREEN, one part AMBER',
  )
  t.strictSame(readers('BadgerLock'), everybody, 'GREEN')
  t.strictSame(
    readers('KiteLoader'),
    ['mycert-analyst', 'mycert-duty', 'sgcert-analyst', 'petrobank-analyst', 'mycert-siem'],
    'AMBER: its own, the neighbour, the roster',
  )
  t.strictSame(readers('HeronNest'), ['mycert-analyst', 'sgcert-analyst'], 'RED: custodian, named person')
  t.strictSame(
    readers('MonsoonMail'),
    ['mycert-analyst', 'mycert-duty', 'sgcert-analyst', 'mycert-siem'],
    'AMBER+STRICT to a community',
  )
  t.strictSame(readers('LarkSong'), ['decert-analyst', 'frcert-analyst'], 'AMBER+STRICT to a country')
  t.strictSame(readers('OrchardShell'), ['decert-analyst', 'frcert-analyst'], 'AMBER, clients denied')
  t.strictSame(
    readers('MagpieTap'),
    ['mycert-analyst', 'mycert-duty', 'petrobank-analyst', 'mycert-siem'],
    'a domestic rule',
  )
  t.strictSame(
    readers('OtterTap'),
    ['decert-analyst', 'frcert-analyst', 'rheinstrom-analyst'],
    'to organizations',
  )
  t.strictSame(readers('GRID LARK, handler'), ['decert-analyst'], 'RED')
  t.strictSame(readers('Draft one, not reviewed'), ['frcert-analyst'], 'unmarked')

  const token = server.bearer('cmty_demoSIEM_PublishedTokenThatOpensNothingButTheDemo001')
  const capped = new Set((await token.getObjects(path)).objects.map((o) => o.name))
  t.ok(capped.has('KiteLoader') && !capped.has('MagpieTap'), 'the token reads up to AMBER')

  const reference = await server.anonymous.getObjects('/global/collections/reference/')
  t.equal(reference.status, 200, 'without credentials')
  t.ok(reference.objects.length >= 20)
  t.equal((await server.anonymous.getObjects(path)).status, 401)
  const definition = 'extension-definition--7b1c9e52-6d0f-4a3e-9c57-2f8f0c6e4d11'
  const asked = await server.anonymous.get(`/global/collections/reference/objects/${definition}/`)
  t.equal(asked.objects[0]?.id, definition)
  const target = { root: 'global', collection: 'indicators', format: 'ndjson', version: 'last' } as const
  const { text } = await onExchange(url, (e) => exportFrom(e, { ...target, as: 'decert-analyst' }))
  const listed = await server.as('decert-analyst', 'demo-decert-analyst').getObjects(path)
  t.equal(
    text,
    listed.objects.map((o) => `${JSON.stringify(o)}\n`).join(''),
    'an export is what its principal reads',
  )
  t.equal(new Set(demoBatches().map((b) => b.principal)).size, 8)
})
