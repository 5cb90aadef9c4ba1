/** Recalls: who fetched what became stricter or went learns it at once, nobody else does, and the originator sees who acknowledged. */
import type pg from 'pg'
import t, { type Test, test } from 'tap'
import { readTopologyFile } from '../../src/cli/topology-file.ts'
import { applyTopology } from '../../src/store/topology.ts'
import { type Api, api } from '../support/api.ts'
import { database } from '../support/cluster.ts'
import { asOwner } from '../support/in-process.ts'
import { all } from '../support/ledger.ts'
import { AT, COLLECTION, policyWorld } from '../support/policy-world.ts'
import { until } from '../support/release.ts'
import { weakLogin } from '../support/roles.ts'
import { sleep } from '../support/run-lock.ts'
import { apply, startServer } from '../support/server.ts'
import { forCountry, forPerson, indicator, relationship, report, TLP, version } from '../support/stix.ts'

const CAPPED = 'tk-recalls-sg-capped-0123456789abcdef'
const READS = 'tk-recalls-sg-reads-0123456789abcdef'
const CUSTODIAN = 'tk-recalls-my-capped-0123456789abcdef'
const world = policyWorld() as { principals: { id: string; tokens?: object[] }[] }
for (const principal of world.principals) {
  if (principal.id === 'my') principal.tokens = [{ name: 'capped', value: CUSTODIAN, max_tlp: 'green' }]
  if (principal.id !== 'sg') continue
  principal.tokens = [
    { name: 'capped', value: CAPPED, max_tlp: 'amber' },
    { name: 'reads', value: READS, scopes: ['read'] },
  ]
}
const own = await database(t)
await apply(own.url, JSON.stringify(world))
const server = await startServer(t, { database: { url: await weakLogin(t, own.url) } })
const author = server.as('my')
const custodian = api(server, 'my')

interface Notice {
  id: string
  object: string
  versions: string[]
  kind: string
  reason: string | null
  acknowledged_at: string | null
}
interface Issued extends Notice {
  actor: string
  fetched: number
  acknowledged: number
  recipients: {
    principal: string
    organization: string
    fetched_at: string
    acknowledged_at: string | null
  }[]
}

const PEOPLE = ['my', 'my2', 'bank', 'sg', 'de']
const noticesOf = async (as: string | Api, object: string) =>
  (await all<Notice>(typeof as === 'string' ? api(server, as) : as, '/api/v1/recalls')).filter(
    (n) => n.object === object,
  )
/** Who has a notice about this object. */
const recalled = async (object: string) => {
  const found: string[] = []
  for (const id of PEOPLE) if ((await noticesOf(id, object)).length > 0) found.push(id)
  return found
}
const issuedOf = async (as: string | Api, object: string) =>
  (await all<Issued>(typeof as === 'string' ? api(server, as) : as, '/api/v1/recalls/issued')).filter(
    (r) => r.object === object,
  )
/** How many answers wait to be sealed. */
const unsealed = () =>
  asOwner(own.url, async (c) => (await c.query('select count(*)::int as n from delivery')).rows[0].n)
const get = (who: string, id: string) => server.as(who).getObject(AT.closed, id)
const relabel = async (id: string, level: keyof typeof TLP, reason = 'because') => {
  const answer = await custodian.patch(`/api/v1/roots/one/collections/closed/objects/${id}`, {
    object_marking_refs: [TLP[level]],
    reason,
  })
  if (answer.status !== 200) throw new Error(answer.text)
}
async function posted(level: keyof typeof TLP) {
  const object = indicator({ object_marking_refs: [TLP[level]] })
  await author.add(AT.closed, object)
  return object
}

test('a delete recalls from exactly those who fetched it, at once', async (t) => {
  const { id, modified } = await posted('amber')
  for (const who of ['sg', 'my2', 'de', 'my']) await get(who, id)
  await server.as('bank').getManifest(AT.closed, { 'match[id]': id })
  t.strictSame(await recalled(id), [])
  t.equal((await author.delete(`${AT.closed}objects/${id}/`)).status, 200)
  const [notice] = await noticesOf('sg', id)
  t.match(notice, { kind: 'delete', reason: null, versions: [modified], acknowledged_at: null })
  t.strictSame(Object.keys(notice ?? {}).sort(), [
    'acknowledged_at',
    'at',
    'collection',
    'fetched_at',
    'id',
    'kind',
    'object',
    'reason',
    'root',
    'versions',
  ])
  t.strictSame(
    await recalled(id),
    ['my2', 'sg'],
    'not who got nothing, or only a manifest, nor who deleted it',
  )
})

test('who fetched an older version hears of a label of the last one, which takes that with it', async (t) => {
  const first = await posted('green')
  await get('de', first.id)
  const second = version(first, '2026-02-01T00:00:00.000Z')
  await author.add(AT.closed, second)
  await get('sg', first.id)
  const both = relationship(first.id, first.id, {
    object_marking_refs: [TLP.green],
    relationship_type: 'related-to',
  })
  const target = await posted('green')
  await author.add(AT.closed, both)
  await get('de', both.id)
  await author.add(AT.closed, { ...version(both, '2026-02-01T00:00:00.000Z'), target_ref: target.id })
  t.strictSame([await recalled(first.id), await recalled(both.id)], [[], []])
  await relabel(target.id, 'amber')
  t.match(await noticesOf('de', both.id), [{ kind: 'reference', versions: [both.modified] }])
  await relabel(first.id, 'amber')
  t.equal((await get('de', first.id)).status, 404)
  t.match(await noticesOf('sg', first.id), [{ kind: 'relabel', versions: ['2026-02-01T00:00:00.000Z'] }])
  t.match(await noticesOf('de', first.id), [
    { kind: 'relabel', reason: 'because', versions: [first.modified] },
  ])
  await until(
    () => issuedOf('my', first.id),
    ([recall]) => recall?.fetched === 2,
  )
  const [recall, ...more] = await issuedOf('my', first.id)
  t.strictSame([more.length, recall?.versions], [0, [first.modified, second.modified]])
})

test('also later, when everything has long been sealed', async (t) => {
  const { id } = await posted('amber')
  for (const who of ['sg', 'bank']) await get(who, id)
  await until(unsealed, (n) => n === 0)
  t.equal((await author.delete(`${AT.closed}objects/${id}/`)).status, 200)
  t.strictSame(await recalled(id), ['bank', 'sg'])
  await until(
    () =>
      asOwner(
        own.url,
        async (c) => (await c.query('select count(*)::int as n from recall where not spread')).rows[0].n,
      ),
    (n) => n === 0,
  )
  t.strictSame(await recalled(id), ['bank', 'sg'], 'and after the background job')
  const [sent] = await issuedOf('my', id)
  t.match(sent, { fetched: 2, acknowledged: 0, actor: 'my' })
})

test('stricter: who had fetched it before, whether or not it may still read it; wider: nobody', async (t) => {
  const { id } = await posted('amber')
  await get('sg', id)
  await relabel(id, 'green')
  t.strictSame(await recalled(id), [], 'wider')
  await get('de', id)
  await relabel(id, 'amber', 'a source asked for it')
  await get('bank', id)
  t.equal((await get('sg', id)).status, 200, 'it may still')
  t.equal((await get('de', id)).status, 404)
  t.strictSame(await recalled(id), ['sg', 'de'])
  const [notice] = await noticesOf('de', id)
  t.match(notice, { kind: 'relabel', reason: 'a source asked for it' })
  await relabel(id, 'red')
  t.strictSame(await recalled(id), ['bank', 'sg', 'de'], 'and once more')
  t.equal((await noticesOf('sg', id)).length, 2)
  t.equal((await noticesOf('bank', id)).length, 1)
})

test('what points at it becomes stricter with it', async (t) => {
  const a = await posted('green')
  const b = await posted('green')
  const link = relationship(a.id, b.id, { object_marking_refs: [TLP.green] })
  await author.add(AT.closed, link)
  await get('de', link.id)
  await relabel(b.id, 'amber')
  t.strictSame(await recalled(link.id), ['de'])
  t.match(await noticesOf('de', link.id), [{ kind: 'reference', reason: null }])
  t.strictSame(await recalled(b.id), [])
})

/** Asks, and lets something happen while the answer waits to be written down. */
async function meanwhile<T>(ask: () => Promise<T>, happens: () => Promise<void>): Promise<T> {
  const client = await new Promise<pg.Client>((done) => {
    void asOwner(own.url, async (c) => {
      await c.query('begin; lock table delivery in access exclusive mode')
      done(c)
      await new Promise<void>((end) => c.once('end', () => end()))
    }).catch(() => {})
  })
  const answer = ask()
  await until(
    () =>
      asOwner(
        own.url,
        async (c) => (await c.query(`select count(*)::int as n from pg_locks where not granted`)).rows[0].n,
      ),
    (n) => n > 0,
  )
  await happens()
  await client.query('commit')
  await client.end()
  return await answer
}

test('a delivery that is under way when it happens is not missed', async (t) => {
  const { id } = await posted('green')
  const { status } = await meanwhile(
    () => get('de', id),
    async () => {
      t.equal((await author.delete(`${AT.closed}objects/${id}/`)).status, 200)
    },
  )
  t.equal(status, 200, 'it had been read before')
  t.strictSame(await recalled(id), ['de'])
})

test('nor is a large page', async (t) => {
  const { id } = await posted('green')
  const page = await meanwhile(
    () => server.as('de').get(`${AT.closed}objects/?limit=1000`),
    async () => {
      t.equal((await author.delete(`${AT.closed}objects/${id}/`)).status, 200)
    },
  )
  t.ok(
    page.objects.some((object) => object.id === id),
    'it had been read before',
  )
  t.strictSame(await recalled(id), ['de'])
})

test('an answer from memory is confirmed: the topology may have changed meanwhile, or the object have gone', async (t) => {
  const { id } = await posted('amber')
  t.equal((await get('sg', id)).status, 200)
  const narrowed = structuredClone(world) as { principals: { id: string; clearance?: string }[] }
  for (const principal of narrowed.principals) if (principal.id === 'sg') principal.clearance = 'green'
  const narrow = () => apply(own.url, JSON.stringify(narrowed))
  t.equal((await meanwhile(() => get('sg', id), narrow)).status, 404)
  await apply(own.url, JSON.stringify(world))
  t.equal((await get('sg', id)).status, 200)
  const gone = await meanwhile(
    () => get('sg', id),
    async () => {
      t.equal((await author.delete(`${AT.closed}objects/${id}/`)).status, 200)
    },
  )
  t.equal(gone.status, 404)
})

test('what was answered from memory, and is not sealed yet', async (t) => {
  const { id } = await posted('green')
  const fromMemory = await asOwner(own.url, async (c) => {
    // Nobody seals meanwhile.
    await c.query('select pg_advisory_lock(7240005)')
    for (let i = 0; i < 2; i++) t.equal((await get('de', id)).status, 200)
    await c.query('delete from delivery where parts_text is null')
    t.equal((await author.delete(`${AT.closed}objects/${id}/`)).status, 200)
    t.strictSame(await recalled(id), ['de'], 'at once')
    return (await c.query(`select count(*)::int as n from delivery where principal = 'de'`)).rows[0].n
  })
  t.equal(fromMemory, 1)
  await until(unsealed, (n) => n === 0)
  t.strictSame(await recalled(id), ['de'], 'and when it is')
})

test('acknowledgements', async (t) => {
  const { id } = await posted('amber')
  for (const who of ['sg', 'my2']) await get(who, id)
  await author.delete(`${AT.closed}objects/${id}/`)
  const [notice] = await noticesOf('sg', id)
  const path = `/api/v1/recalls/${notice?.id}/acknowledgement`
  for (const who of ['de', 'bank', 'my']) t.equal((await api(server, who).post(path)).status, 404, who)
  t.equal((await api(server, 'sg', `Bearer ${READS}`).post(path)).status, 403)
  const done = await api(server, 'sg').post(`/api/v1/recalls/${notice?.id}/acknowledgement`)
  t.equal(done.status, 200)
  t.type(done.json.acknowledged_at, 'string')
  t.strictSame((await api(server, 'sg').post(path)).json, done.json, 'again')
  const [sent] = await until(
    () => issuedOf('my', id),
    (list) => list[0]?.fetched === 2,
  )
  t.match(sent, { acknowledged: 1, kind: 'delete', actor: 'my' })
  t.match(sent?.recipients, [
    { principal: 'my2', organization: 'mycert', acknowledged_at: null },
    { principal: 'sg', organization: 'sgcert', acknowledged_at: done.json.acknowledged_at },
  ])
  t.strictSame(
    (await api(server, 'sg').get('/api/v1/recalls/issued')).json,
    { items: [] },
    'only to the originator',
  )
  t.equal((await custodian.get('/api/v1/recalls/issued?limit=1')).status, 200)
  const list = await all<Notice>(api(server, 'sg'), '/api/v1/recalls')
  const open = list.map((n) => n.acknowledged_at === null)
  t.strictSame(
    open,
    [...open].sort((a, b) => Number(b) - Number(a)),
    'open ones first',
  )
  t.strictSame(await all<Notice>(api(server, 'sg'), '/api/v1/recalls?limit=1'), list, 'page by page')
  t.equal(
    (await custodian.post('/api/v1/recalls/2d086da7-4bdc-4f91-900e-d77486753710/acknowledgement')).status,
    404,
  )
  t.strictSame((await api(server, 'de').get('/api/v1/recalls?limit=1')).status, 200)
  t.equal((await custodian.get('/api/v1/recalls?next=AAAA')).status, 400)
  t.equal((await custodian.post('/api/v1/recalls/nothing/acknowledgement')).status, 404)
})

test('a capped token learns of what it fetched itself', async (t) => {
  const capped = server.bearer(CAPPED)
  const token = api(server, 'sg', `Bearer ${CAPPED}`)
  const [mine, other] = [await posted('amber'), await posted('amber')]
  t.equal((await capped.getObject(AT.closed, mine.id)).status, 200)
  for (const { id } of [mine, other]) await get('sg', id)
  for (const { id } of [mine, other]) await author.delete(`${AT.closed}objects/${id}/`)
  t.equal((await noticesOf(token, mine.id)).length, 1)
  t.equal((await noticesOf(token, other.id)).length, 0)
  t.equal((await noticesOf('sg', mine.id)).length, 1, 'one notice, however often it was fetched')
  const [hidden] = await noticesOf('sg', other.id)
  t.equal((await token.post(`/api/v1/recalls/${hidden?.id}/acknowledgement`)).status, 404)
  const [shared] = await noticesOf('sg', mine.id)
  t.equal((await token.post(`/api/v1/recalls/${shared?.id}/acknowledgement`)).status, 200)
  t.match(
    await issuedOf('my', mine.id),
    [{ fetched: 1, acknowledged: 0 }],
    'the other credential is open still',
  )
  t.equal((await api(server, 'sg').post(`/api/v1/recalls/${shared?.id}/acknowledgement`)).status, 200)
  t.match(await issuedOf('my', mine.id), [{ fetched: 1, acknowledged: 1 }])
})

test('a colleague who may not see it learns nothing of its recall', async (t) => {
  const red = await posted('red')
  const green = await posted('green')
  for (const { id } of [red, green]) await author.delete(`${AT.closed}objects/${id}/`)
  t.equal((await issuedOf('my', red.id)).length, 1)
  const capped = api(server, 'my', `Bearer ${CUSTODIAN}`)
  t.equal((await issuedOf(capped, green.id)).length, 1)
  t.equal((await issuedOf(capped, red.id)).length, 0, 'nor does a custodian by a token that is weaker')
  t.equal((await issuedOf('my2', red.id)).length, 0)
  t.equal((await issuedOf('my2', green.id)).length, 1)
  const shut = await posted('green')
  await get('de', shut.id)
  await relabel(shut.id, 'red')
  t.equal((await issuedOf('my2', shut.id)).length, 0, 'nor of what is RED now')
  t.equal((await issuedOf('my', shut.id)).length, 1)
})

/** A version that sg alone may see, and has fetched, and one that all may see. */
async function hiddenThenOpen(t: Test) {
  const named = forPerson('sg')
  const first = indicator({ object_marking_refs: [TLP.red, named.id] })
  const second = { ...first, modified: '2026-02-01T00:00:00.000Z', object_marking_refs: [TLP.green] }
  await author.add(AT.closed, named, first)
  t.equal((await get('sg', first.id)).ids.length, 1)
  await author.add(AT.closed, second)
  return { first, second }
}

test('who received only versions that one may not see is not named', async (t) => {
  const { first, second } = await hiddenThenOpen(t)
  t.equal((await get('bank', first.id)).ids.length, 1)
  await author.delete(`${AT.closed}objects/${first.id}/`)
  const issued = await until(
    () => issuedOf('my', first.id),
    ([recall]) => recall?.fetched === 2,
  )
  t.strictSame(issued[0]?.recipients.map((r) => r.principal).sort(), ['bank', 'sg'])
  const [seen, ...more] = await issuedOf('my2', first.id)
  t.strictSame([more.length, seen?.fetched, seen?.versions], [0, 1, [second.modified]])
  t.strictSame(
    seen?.recipients.map((r) => r.principal),
    ['bank'],
  )
})

test('who received also a version that one may not see is told to have fetched the one that one may see', async (t) => {
  const { first } = await hiddenThenOpen(t)
  await sleep(500) // Times are told in fifths of a second.
  t.equal((await get('sg', first.id)).ids.length, 1)
  await author.delete(`${AT.closed}objects/${first.id}/`)
  const fetchedAt = async (as: string) => {
    const [recall] = await until(
      () => issuedOf(as, first.id),
      ([recall]) => recall?.fetched === 1,
    )
    return recall?.recipients[0]?.fetched_at ?? ''
  }
  const whole = await fetchedAt('my')
  const seen = await fetchedAt('my2')
  t.ok(whole < seen, `${whole} < ${seen}`)
})

test('who never had a part, or a reference, of an object of its organization learns nothing of its recall', async (t) => {
  const named = forPerson('sg')
  const shown = await postedIn('green')
  const source = indicator({ object_marking_refs: [TLP.red, named.id] })
  const list = report([shown, source.id], { object_marking_refs: [TLP.green] })
  const granular = (marking_ref: string) => ({
    object_marking_refs: [TLP.green],
    granular_markings: [{ selectors: ['description'], marking_ref }],
  })
  const parted = indicator({ description: 'from a source', ...granular(TLP['amber+strict']) })
  await author.add(AT.redact, named, source, list, parted)
  const capped = { http: server.bearer(CUSTODIAN), api: api(server, 'my', `Bearer ${CUSTODIAN}`) }
  const sg = server.as('sg')
  const refs = async (who: typeof sg) => (await who.getObject(AT.redact, list.id)).objects[0]?.object_refs
  const part = async (who: typeof sg) => (await who.getObject(AT.redact, parted.id)).objects[0]
  t.same([await refs(sg), await refs(server.as('my2'))], [[shown, source.id], [shown]])
  const before = await part(capped.http)
  t.same([(await part(sg))?.description, before?.description], ['from a source', undefined])
  const change = async (id: string, more: object) => {
    const path = `/api/v1/roots/one/collections/redact/objects/${id}`
    const answer = await custodian.patch(path, { reason: 'it names the source', ...more })
    t.equal(answer.status, 200, answer.text)
  }
  await change(source.id, { object_marking_refs: [TLP.red] })
  await change(parted.id, granular(TLP.red))
  t.same([await refs(sg), await refs(server.as('my2'))], [[shown], [shown]])
  t.strictSame(await part(capped.http), before, 'nothing has changed')
  for (const { id } of [list, parted]) {
    t.strictSame(await recalled(id), ['sg'])
    t.equal((await issuedOf('my', id)).length, 1, 'its custodian sees all')
  }
  t.strictSame(await issuedOf('my2', list.id), [])
  t.strictSame(await issuedOf(capped.api, parted.id), [], 'nor what a stronger credential of its owner did')
  t.equal((await issuedOf('my2', parted.id)).length, 1, 'who had it itself')
  await change(list.id, { object_marking_refs: [TLP.clear] })
  t.same(
    [(await issuedOf('my2', list.id)).length, (await issuedOf('my', list.id)).length],
    [0, 1],
    'nor of where it was',
  )
})

test('who has still what others lost with a part, or with a reference, learns of the recall', async (t) => {
  const [shown, source] = [await postedIn('green'), await postedIn('green')]
  const list = report([shown, source], { object_marking_refs: [TLP.green] })
  const parted = indicator({ description: 'from a source', object_marking_refs: [TLP.green] })
  await author.add(AT.redact, list, parted)
  for (const { id } of [list, parted]) await server.as('de').getObject(AT.redact, id)
  const change = async (id: string, more: object) => {
    const path = `/api/v1/roots/one/collections/redact/objects/${id}`
    const answer = await custodian.patch(path, { reason: 'because', ...more })
    t.equal(answer.status, 200, answer.text)
  }
  await change(source, { object_marking_refs: [TLP.amber] })
  await change(parted.id, {
    object_marking_refs: [TLP.green],
    granular_markings: [{ selectors: ['description'], marking_ref: TLP.amber }],
  })
  for (const [{ id }, kind] of [
    [list, 'reference'],
    [parted, 'relabel'],
  ] as const) {
    t.strictSame(await recalled(id), ['de'])
    t.match(await issuedOf('my2', id), [{ kind }])
  }
})

test('a collection that is removed recalls what was fetched from it, a rehearsal does not', async (t) => {
  const object = indicator({ object_marking_refs: [TLP.green] })
  await author.add(AT.own, object)
  await server.as('de').getObject(AT.own, object.id)
  const less = JSON.parse(JSON.stringify(world)) as { api_roots: { collections: { id: string }[] }[] }
  for (const root of less.api_roots)
    root.collections = root.collections.filter(({ id }) => id !== COLLECTION.own)
  const prune = async (dryRun: boolean) => {
    const file = readTopologyFile(JSON.stringify(less), { env: {}, baseDir: '/' })
    if (!file.ok) throw new Error('a bad topology')
    await asOwner(own.url, async (client) => {
      await client.query('set role comity_owner')
      const options = {
        prune: true,
        dryRun,
        now: BigInt(Date.now()) * 1000n,
        hashToken: (sha256: string) => Buffer.from(sha256, 'hex'),
      }
      await applyTopology(client as unknown as pg.PoolClient, file.declared, options)
    })
  }
  await prune(true)
  t.strictSame(await recalled(object.id), [])
  await prune(false)
  t.strictSame(await recalled(object.id), ['de'])
  t.match(await noticesOf('de', object.id), [
    { kind: 'delete', reason: 'The operator has removed the collection.' },
  ])
  t.match(await issuedOf('my', object.id), [{ kind: 'delete', actor: '', fetched: 1 }])
})

test('a part that becomes stricter is recalled from those who had it', async (t) => {
  const object = indicator({ description: 'from a source', object_marking_refs: [TLP.green] })
  await author.add(AT.redact, object)
  t.equal((await server.as('de').getObject(AT.redact, object.id)).objects[0]?.description, 'from a source')
  const answer = await custodian.patch(`/api/v1/roots/one/collections/redact/objects/${object.id}`, {
    object_marking_refs: [TLP.green],
    granular_markings: [{ selectors: ['description'], marking_ref: TLP.red }],
    reason: 'it names the source',
  })
  t.equal(answer.status, 200)
  const [left] = (await server.as('de').getObject(AT.redact, object.id)).objects
  t.same([left?.id, left?.description], [object.id, undefined], 'the rest may still be read')
  t.strictSame(await recalled(object.id), ['de'])
})

test('a part that becomes stricter is not recalled from those who never had it', async (t) => {
  const object = indicator({
    description: 'from a source',
    object_marking_refs: [TLP.green],
    granular_markings: [{ selectors: ['description'], marking_ref: TLP['amber+strict'] }],
  })
  await author.add(AT.redact, object)
  const read = async (who: string) => (await server.as(who).getObject(AT.redact, object.id)).objects[0]
  t.same([(await read('sg'))?.description, (await read('de'))?.description], ['from a source', undefined])
  const before = await read('de')
  const answer = await custodian.patch(`/api/v1/roots/one/collections/redact/objects/${object.id}`, {
    object_marking_refs: [TLP.green],
    granular_markings: [{ selectors: ['description'], marking_ref: TLP.red }],
    reason: 'it names the source',
  })
  t.equal(answer.status, 200, answer.text)
  t.equal((await read('sg'))?.description, undefined)
  t.strictSame(await read('de'), before, 'nothing has changed for who never had it')
  t.strictSame(await recalled(object.id), ['sg'])
  const [notice] = await noticesOf('sg', object.id)
  const acknowledge = (who: string, id = notice?.id) =>
    api(server, who).post(`/api/v1/recalls/${id}/acknowledgement`, {})
  const [theirs, none] = [
    await acknowledge('de'),
    await acknowledge('de', 'f0e1d2c3-0000-4000-8000-000000000000'),
  ]
  t.same([theirs.status, theirs.text], [none.status, none.text], 'as one that does not exist')
  t.equal((await acknowledge('sg')).status, 200)
  t.equal((await server.as('my').delete(`${AT.redact}objects/${object.id}/`)).status, 200)
  t.strictSame(await recalled(object.id), ['sg', 'de'], 'the object itself is recalled from both')
})

test('a part that becomes stricter beside one that is stricter still is recalled, and comes again when it is released', async (t) => {
  const parts = (level: keyof typeof TLP) => ({
    object_marking_refs: [TLP.green],
    granular_markings: [
      { selectors: ['description'], marking_ref: TLP[level] },
      { selectors: ['labels'], marking_ref: TLP.red },
    ],
  })
  const object = indicator({ description: 'from a source', labels: ['source'], ...parts('amber+strict') })
  const never = indicator({ description: 'from a source', labels: ['source'], ...parts('red') })
  await author.add(AT.redact, object, never)
  const read = async (who: string, id = object.id) =>
    (await server.as(who).getObject(AT.redact, id)).objects[0]
  t.same([(await read('sg'))?.description, (await read('de'))?.description], ['from a source', undefined])
  await read('sg', never.id)
  const untouched = await read('de')
  const relabelled = async (id: string, level: keyof typeof TLP) => {
    const path = `/api/v1/roots/one/collections/redact/objects/${id}`
    const answer = await custodian.patch(path, { ...parts(level), reason: 'it names the source' })
    t.equal(answer.status, 200, answer.text)
    return answer.json.change
  }
  t.equal(await relabelled(object.id, 'red'), 'tightened')
  t.equal((await read('sg'))?.description, undefined)
  t.strictSame(await read('de'), untouched, 'nothing has changed for who never had it')
  t.strictSame(await recalled(object.id), ['sg'])

  const seen = await server.as('sg').get(`${AT.redact}objects/${object.id}/`)
  const after = seen.header('x-taxii-date-added-last')
  t.equal(await relabelled(object.id, 'amber+strict'), 'widened')
  const news = await server.as('sg').get(`${AT.redact}objects/?added_after=${after}`)
  const [again] = news.objects.filter(({ id }) => id === object.id)
  t.equal(again?.description, 'from a source', 'who follows the log gets it')
  t.equal(await relabelled(never.id, 'green'), 'widened')
  t.strictSame(await recalled(never.id), [], 'what widens is recalled from nobody')
})

test('a reference that a container lost for others is not recalled from who never had it', async (t) => {
  const [shown, hidden] = [await postedIn('green'), await postedIn('amber+strict')]
  const list = report([shown, hidden], { object_marking_refs: [TLP.green] })
  await author.add(AT.redact, list)
  const refs = async (who: string) =>
    (await server.as(who).getObject(AT.redact, list.id)).objects[0]?.object_refs
  t.same([await refs('sg'), await refs('de')], [[shown, hidden], [shown]])
  const answer = await custodian.patch(`/api/v1/roots/one/collections/redact/objects/${hidden}`, {
    object_marking_refs: [TLP.red],
    reason: 'because',
  })
  t.equal(answer.status, 200, answer.text)
  t.same([await refs('sg'), await refs('de')], [[shown], [shown]])
  t.strictSame(await recalled(list.id), ['sg'])
})

async function postedIn(level: keyof typeof TLP): Promise<string> {
  const object = indicator({ object_marking_refs: [TLP[level]] })
  await author.add(AT.redact, object)
  return object.id
}

test('who loses a part hears of it, also where its author does not know that anybody there had it', async (t) => {
  const [theirs, own] = [indicator({ object_marking_refs: [TLP['amber+strict']] }), await postedIn('green')]
  const elsewhere = forCountry('DE', { object_marking_refs: [TLP['amber+strict']] })
  const [sg, my2, de] = [server.as('sg'), server.as('my2'), server.as('de')]
  await sg.add(AT.redact, elsewhere, theirs)
  const about = relationship(theirs.id, own, {
    object_marking_refs: [TLP.green],
    relationship_type: 'related-to',
    description: 'how it is known',
  })
  await my2.add(AT.redact, about)
  t.equal((await de.getObject(AT.redact, about.id)).status, 404)
  const hidden = version(theirs, '2026-02-01T00:00:00.000Z')
  await sg.add(AT.redact, { ...hidden, object_marking_refs: [TLP.amber, elsewhere.id] })
  t.equal((await my2.getObject(AT.redact, theirs.id)).status, 404, 'the author sees it no more')
  t.equal((await de.getObject(AT.redact, about.id)).objects[0]?.description, 'how it is known')
  const changed = await api(server, 'my2').patch(`/api/v1/roots/one/collections/redact/objects/${about.id}`, {
    object_marking_refs: [TLP.green],
    granular_markings: [{ selectors: ['description'], marking_ref: TLP.amber }],
    reason: 'because',
  })
  t.equal(changed.status, 200, changed.text)
  t.equal((await de.getObject(AT.redact, about.id)).objects[0]?.description, undefined)
  t.match(await noticesOf('de', about.id), [{ kind: 'relabel', versions: [about.modified] }])
  t.strictSame(
    await issuedOf('my2', about.id),
    [],
    'and its author is not told: nobody lost it as far as it knows',
  )
})
