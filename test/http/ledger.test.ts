/** GET /api/v1/ledger: what was delivered to whom is what they got; each organization reads of its own only (policy.md §13). */
import t, { test } from 'tap'
import { api } from '../support/api.ts'
import { database } from '../support/cluster.ts'
import { asOwner } from '../support/in-process.ts'
import { all, held, type LedgerItem, told } from '../support/ledger.ts'
import { AT, COLLECTION, policyWorld } from '../support/policy-world.ts'
import { until } from '../support/release.ts'
import { weakLogin } from '../support/roles.ts'
import { apply, startServer } from '../support/server.ts'
import { indicator, ipv4, TLP } from '../support/stix.ts'

const CAPPED = 'tk-ledger-my-capped-0123456789abcdef'
const SIEM = 'tk-ledger-sg-siem-0123456789abcdef'
const world = policyWorld() as { principals: { id: string; tokens?: object[] }[] }
for (const principal of world.principals) {
  if (principal.id === 'my') principal.tokens = [{ name: 'capped', value: CAPPED, max_tlp: 'green' }]
  if (principal.id === 'sg') principal.tokens = [{ name: 'siem', value: SIEM }]
}
// A drop box: colleagues may write to it, and not read.
const DROP = '7a000000-0000-4000-8000-000000000009'
const { api_roots: roots } = world as unknown as { api_roots: { collections: object[] }[] }
roots[0]?.collections.push({
  id: DROP,
  title: 'drop',
  grants: [
    { to: 'my', read: true, write: true },
    { to: 'mycert', read: false, write: true },
    { to: 'SG', read: true, write: false },
  ],
})
const own = await database(t)
await apply(own.url, JSON.stringify(world))
const server = await startServer(t, { database: { url: await weakLogin(t, own.url) } })
const [my, my2, sg, de] = ['my', 'my2', 'sg', 'de'].map((id) => server.as(id)) as [
  ReturnType<typeof server.as>,
  ReturnType<typeof server.as>,
  ReturnType<typeof server.as>,
  ReturnType<typeof server.as>,
]
const custodian = api(server, 'my')
const colleague = api(server, 'my2')

/** The ledger once nothing waits to be sealed. */
async function sealed<T>(work: () => Promise<T>): Promise<T> {
  await until(
    () =>
      asOwner(
        own.url,
        async (client) => (await client.query('select count(*)::int as n from delivery')).rows[0].n,
      ),
    (count) => count === 0,
  )
  return await work()
}
const ledger = (query = '', as = custodian) => sealed(() => all<LedgerItem>(as, `/api/v1/ledger${query}`))

const objects = [
  ...[0, 1, 2, 3].map(() => indicator({ object_marking_refs: [TLP.green] })),
  ...[0, 1].map(() => indicator({ object_marking_refs: [TLP.amber] })),
  indicator({ object_marking_refs: [TLP.clear] }),
]
const red = indicator({ object_marking_refs: [TLP.red] })
const foreign = indicator({ object_marking_refs: [TLP.green] })
await my.add(AT.closed, ...objects, red)
await sg.add(AT.closed, foreign)

test('what a partner got by full sync is in the ledger of the originator, and nothing else', async (t) => {
  const pages = await sg.pages(`${AT.closed}objects/`, { limit: '3' })
  const items = await ledger('?organization=sgcert')
  const mine = held(...pages).filter((key) => !key.startsWith(foreign.id))
  t.equal(mine.length, 7)
  t.strictSame(told(items), mine)
  t.strictSame(
    [...new Set(items.map((i) => i.rule))].sort(),
    ['agreement MY>SG', 'clear'],
    'with the rule of each',
  )
  t.ok(items.every((i) => i.principal === 'sg' && i.token === null && i.collection === COLLECTION.closed))
  t.equal(
    items.reduce((sum, i) => sum + i.count, 0),
    7,
  )
})

test('pages from memory, one object, several credentials: each delivery is an entry', async (t) => {
  const before = (await ledger('?organization=sgcert')).length
  const siem = server.bearer(SIEM)
  const again = await siem.pages(`${AT.closed}objects/`, { limit: '3' })
  const items = (await ledger('?organization=sgcert')).slice(0, -before)
  t.strictSame(
    told(items),
    held(...again).filter((key) => !key.startsWith(foreign.id)),
  )
  t.ok(items.every((i) => i.token !== null && i.principal === 'sg'))
  const one = await sg.getObject(AT.closed, objects[4]?.id ?? '')
  t.equal(one.status, 200)
  const [last] = await ledger()
  t.strictSame(told(last ? [last] : []), held(one))
  for (const other of ['manifest/', `objects/${objects[0]?.id}/versions/`])
    await sg.get(`${AT.closed}${other}`)
  t.equal((await de.getObject(AT.closed, objects[4]?.id ?? '')).status, 404)
  await de.get(`${AT.closed}objects/`, { query: { added_after: '2100-01-01T00:00:00Z' } })
  t.strictSame((await ledger())[0], last, 'manifests, versions, refusals and empty pages deliver nothing')
})

test('filters and pages', async (t) => {
  const every = await ledger()
  t.strictSame(await ledger('?limit=1'), every)
  t.strictSame(await ledger('?order=oldest&limit=2'), [...every].reverse())
  const id = objects[4]?.id
  const one = await ledger(`?object=${id}`)
  t.ok(one.length >= 3)
  t.ok(one.every((i) => i.objects.length === 1 && i.objects[0]?.id === id))
  t.strictSame(
    one.map((i) => i.chain?.seq),
    every.filter((i) => i.objects.some((o) => o.id === id)).map((i) => i.chain?.seq),
  )
  t.strictSame(await ledger('?organization=decert'), [])
  const since = every[1]?.until
  t.strictSame(
    (await ledger(`?since=${since}`)).map((i) => i.chain?.seq),
    every.filter((i) => i.until >= String(since)).map((i) => i.chain?.seq),
  )
  t.equal((await custodian.get('/api/v1/ledger?since=yesterday')).status, 400)
  t.equal((await custodian.get('/api/v1/ledger?next=AAAA')).status, 400)
  t.equal((await custodian.get('/api/v1/ledger?object=%00')).status, 400)
  t.equal((await custodian.get('/api/v1/ledger?limit=101')).status, 400)
})

test('a colleague who may not see RED sees no trace of it, nor the chain', async (t) => {
  t.equal((await my.getObject(AT.closed, red.id)).status, 200)
  const [top] = await ledger()
  t.strictSame(told(top ? [top] : []), held(await my.getObject(AT.closed, red.id)))
  const items = await ledger('', colleague)
  t.ok(items.length > 0)
  t.ok(items.every((i) => i.chain === undefined && i.count === i.objects.length && i.count > 0))
  t.notOk(JSON.stringify(items).includes(red.id))
  t.strictSame(await ledger(`?object=${red.id}`, colleague), [])
  t.strictSame((await colleague.get('/api/v1/ledger/heads')).json, { items: [] })
  t.equal((await colleague.get('/api/v1/ledger/1/proof')).status, 404)
  const capped = api(server, 'my', `Bearer ${CAPPED}`)
  const seen = await ledger('', capped)
  t.ok(seen.length > 0 && seen.every((i) => i.chain === undefined))
  const green = [...objects.slice(0, 4), objects[6]].map((o) => o?.id)
  t.ok(
    seen.every((i) => i.objects.every((o) => green.includes(o.id))),
    'a capped token sees up to its cap',
  )
  t.equal((await capped.get('/api/v1/ledger/1/proof')).status, 404)
})

test('who may not read a collection learns nothing of what is delivered and recalled there', async (t) => {
  const dropped = indicator({ object_marking_refs: [TLP.green] })
  const path = `/one/collections/${DROP}/`
  await my.add(path, dropped)
  t.equal((await sg.getObject(path, dropped.id)).status, 200)
  t.equal((await ledger(`?object=${dropped.id}`)).length, 1, 'its custodian sees the delivery')
  t.equal((await ledger(`?object=${dropped.id}`, colleague)).length, 0)
  t.notOk((await ledger('', colleague)).some((item) => item.collection === DROP))
  await my.delete(`${path}objects/${dropped.id}/`)
  const issued = async (as: typeof custodian) =>
    (await sealed(() => all<{ object: string }>(as, '/api/v1/recalls/issued'))).filter(
      ({ object }) => object === dropped.id,
    ).length
  t.equal(await issued(custodian), 1)
  t.equal(await issued(colleague), 0)
})

test('anybody may have the public key', async (t) => {
  const key = await colleague.get('/api/v1/ledger/key')
  t.match(key.json, { algorithm: 'Ed25519', pem: /^-----BEGIN PUBLIC KEY-----/ })
})

test('nothing of it reaches another organization', async (t) => {
  const partner = await ledger('', api(server, 'sg'))
  t.ok(partner.length > 0, 'its own object was delivered to itself')
  t.ok(partner.every((i) => i.objects.every((o) => o.id === foreign.id)))
  for (const principal of ['bank', 'de']) {
    t.strictSame((await api(server, principal).get('/api/v1/ledger')).json, { items: [] })
    t.strictSame((await api(server, principal).get('/api/v1/ledger/heads')).json, { items: [] })
    t.equal((await api(server, principal).get('/api/v1/ledger/1/proof')).status, 404)
  }
})

test('an entry is read for ever, whatever becomes of its objects', async (t) => {
  const moved = indicator({ object_marking_refs: [TLP.amber] })
  const gone = indicator({ object_marking_refs: [TLP.green] })
  const address = ipv4('198.51.100.77', { object_marking_refs: [TLP.amber] })
  await my.add(AT.closed, moved, gone, address)
  const ids = [moved, gone, address].map((o) => o.id)
  const got = await sg.getObjects(AT.closed, { 'match[id]': ids.join(',') })
  const manifest = await sg.getManifest(AT.closed, { 'match[id]': ids.join(',') })
  t.equal(got.objects.length, 3)
  const keys = manifest.records.map((r) => `${r.id} ${r.version}`).sort()
  const mine = async (as = custodian) => {
    const found = await Promise.all(ids.map((id) => ledger(`?object=${id}&organization=sgcert`, as)))
    return told(found.flat())
  }
  t.strictSame(await mine(), keys)
  const relabel = (id: string, level: 'green' | 'red') =>
    custodian.patch(`/api/v1/roots/one/collections/closed/objects/${id}`, {
      object_marking_refs: [TLP[level]],
      reason: 'test',
    })
  for (const id of [moved.id, address.id]) t.equal((await relabel(id, 'green')).status, 200)
  t.equal((await my.delete(`${AT.closed}objects/${gone.id}/`)).status, 200)
  t.strictSame(await mine(), keys, 'moved and deleted')
  t.strictSame(await mine(colleague), keys, 'a colleague sees them as well')
  t.equal((await relabel(moved.id, 'red')).status, 200)
  t.strictSame(await mine(), keys, 'stricter')
  t.strictSame(
    await mine(colleague),
    keys.filter((key) => !key.startsWith(moved.id)),
    'to who may not see the object any more, its deliveries are gone',
  )
})

test('off: nothing is written down', async (t) => {
  const before = await ledger()
  const silent = await startServer(t, { database: own, env: { COMITY_LEDGER: 'off' } })
  t.equal((await silent.as('sg').pages(`${AT.closed}objects/`, { limit: '2' })).length > 1, true)
  t.equal((await silent.as('sg').pages(`${AT.closed}objects/`, { limit: '2' })).length > 1, true)
  t.strictSame(await ledger(), before)
})

test('a page whose node died before it noted the rules is sealed as unknown, and nobody sends it any more', async (t) => {
  const book = '3d0f64a1-0000-4000-8000-000000000001'
  const call = <T>(text: string) =>
    asOwner(own.url, async (c) => {
      await c.query('set role comity_app')
      return (await c.query(text)).rows[0] as T
    })
  const [place] = await asOwner(own.url, async (c) => {
    const { rows } = await c.query(
      'select collection, position::text, audience from item where object_id = $1',
      [objects[0]?.id],
    )
    return rows
  })
  const count = (await ledger()).length
  const { id } = await call<{
    id: string
  }>(`select record_page(1, 'sg', 'sgcert', null, ${place.collection}, 1, 0,
    '${book}', array[${place.position}], array[${place.audience}])::text as id`)
  const [entry, ...before] = await ledger()
  t.equal(before.length, count)
  t.match(entry, { principal: 'sg', rule: 'unknown', count: 1, objects: [{ id: objects[0]?.id }] })
  const note = `select note_rules(${id}, '${book}', 1, '[{"audience": ${place.audience}, "country": "MY", "rule": "clear"}]') as noted`
  t.strictSame(await call(note), { noted: false }, 'too late: the answer may not leave')
  t.strictSame(await call(note), { noted: true }, 'what was noted before is there for the next page')
})

test('no delivery without a record', async (t) => {
  await asOwner(own.url, (client) =>
    client.query('alter table delivery add constraint full_up check (false) not valid'),
  )
  for (const path of [
    `${AT.closed}objects/`,
    `${AT.closed}objects/?limit=2`,
    `${AT.closed}objects/${foreign.id}/`,
  ]) {
    const answer = await sg.get(path)
    t.equal(answer.status, 503, path)
    t.ok(answer.header('retry-after'))
    t.notOk(answer.text.includes(foreign.id))
  }
  t.equal((await sg.getManifest(AT.closed)).status, 200)
  t.equal(
    (await my2.get(`${AT.closed}objects/`, { query: { added_after: '2100-01-01T00:00:00Z' } })).status,
    200,
  )
  await asOwner(own.url, (client) => client.query('alter table delivery drop constraint full_up'))
  t.equal((await sg.get(`${AT.closed}objects/`)).status, 200)
})

test('objects by id, told to a tenth of a second', async (t) => {
  const single = Array.from({ length: 8 }, () => indicator({ object_marking_refs: [TLP.green] }))
  await my.add(AT.closed, ...single)
  const ids = single.map(({ id }) => id as string)
  const began = new Date(Date.now() - 100).toISOString()
  // Not in the order of the log, again and again, and at once.
  for (const id of [...ids].reverse()) t.equal((await sg.getObject(AT.closed, id)).status, 200)
  await Promise.all([...ids, ...ids, ...ids].map((id) => sg.getObject(AT.closed, id)))
  const ended = new Date().toISOString()
  const told = (items: LedgerItem[]) => items.filter(({ objects }) => ids.includes(objects[0]?.id ?? ''))
  const items = told(await ledger('?organization=sgcert', colleague))
  t.ok(items.length > 0 && items.length < 32, `${items.length} items are 32 answers`)
  for (const { at, until: last, count, objects } of items) {
    t.match(at, /\.\d00000Z$/)
    t.equal(last, at)
    t.ok(at >= began.slice(0, 21) && at <= ended, `${began} ${at} ${ended}`)
    t.equal(count, objects.length)
    t.ok(objects.every(({ id }) => ids.includes(id)))
  }
  const seen = new Set(items.flatMap(({ objects }) => objects.map(({ id }) => id)))
  t.strictSame([...seen].sort(), [...ids].sort(), 'all of them')
  const entries = (await ledger('?organization=sgcert')).filter(({ objects }) =>
    objects.some(({ id }) => ids.includes(id)),
  )
  const sum = (list: LedgerItem[]) =>
    list.flatMap(({ objects }) => objects).filter(({ id }) => ids.includes(id)).length
  t.equal(sum(items), 32, 'each answer is told')
  t.equal(sum(entries), 32, 'and is in the chain')
  t.ok(entries.length <= 4 * items.length + 4, `in ${entries.length} entries`)
  await asOwner(own.url, async (client) => {
    const { rows } = await client.query(`
      select e.seq, e.count, (select sum((a.high - a.low) / a.step + 1)::int from answers_of(e.at, e.pages, e.first, e.runs) a) as held,
        (select max(a.at) from answers_of(e.at, e.pages, e.first, e.runs) a) as last, e.until, encode(e.pages, 'hex') as pages
      from ledger_entry e`)
    for (const row of rows) {
      t.equal(row.held, row.count, `entry ${row.seq}: ${row.pages}`)
      t.equal(row.last, row.until)
    }
  })
})
