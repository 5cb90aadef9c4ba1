/** Agreements over REST (policy.md §4): two parties, a stranger, and what a second node answers next. */
import { type Test, test } from 'tap'
import { api } from '../support/api.ts'
import { asOwner } from '../support/in-process.ts'
import { AT, policyWorld, readers } from '../support/policy-world.ts'
import { comity, type Server, startServer } from '../support/server.ts'
import { indicator, ipv4, TLP } from '../support/stix.ts'

const [CAPPED, FULL] = ['a-token-that-reads-up-to-green', 'a-token-as-strong-as-its-owner']

/** No agreement, no baseline; `boss` is a custodian of Petrobank, `my2` of nothing. */
function world(): string {
  const base = policyWorld() as Record<string, unknown> & { principals: object[] }
  const boss = { ...(base.principals[2] as object), id: 'boss', password: 'pw-boss', custodian: true }
  const feed = {
    id: 'feed',
    organization: 'mycert',
    kind: 'service',
    custodian: false,
    password: 'pw-feed',
  }
  const tokens = [
    { name: 'capped', value: CAPPED, max_tlp: 'green' },
    { name: 'full', value: FULL },
  ]
  const [my, ...others] = base.principals
  return JSON.stringify({
    ...base,
    principals: [{ ...my, tokens }, ...others, boss, feed],
    agreements: [],
    baseline: { max_tlp: 'green', members: [] },
  })
}

const AMBER = { from: 'MY', to: 'SG', max_tlp: 'amber', reason: 'exercise' }
const why = { reason: 'agreed' }
const NONE = '2d086da7-4bdc-4f91-900e-d77486753710'

async function audited(server: Server, prefix: string) {
  return await asOwner(server.database.url, async (client) => {
    const { rows } = await client.query(
      `select actor, action, detail from audit where action like $1 order by id`,
      [`${prefix}%`],
    )
    return rows as { actor: string; action: string; detail: Record<string, unknown> }[]
  })
}

const node = (t: Test): Promise<Server> => startServer(t, { topology: world() })

async function nodes(t: Test): Promise<[Server, Server]> {
  const one = await node(t)
  return [one, await startServer(t, { database: one.database })]
}

test('an agreement is proposed, signed and ended, and the next read on another node obeys', async (t) => {
  const [server, other] = await nodes(t)
  const [my, my2, sg, boss] = ['my', 'my2', 'sg', 'boss'].map((p) => api(server, p)) as [
    ReturnType<typeof api>,
    ReturnType<typeof api>,
    ReturnType<typeof api>,
    ReturnType<typeof api>,
  ]
  const [amber, strict] = [
    indicator({ object_marking_refs: [TLP.amber] }),
    indicator({ object_marking_refs: [TLP['amber+strict']] }),
  ]
  await server.as('my').add(AT.closed, amber, strict)
  t.same(await readers(other, AT.closed, amber.id), ['my', 'my2', 'bank'], 'the bank is a client')

  const made = await my.post('/api/v1/agreements', AMBER)
  t.equal(made.status, 201)
  t.match(made.json, {
    from: 'MY',
    to: 'SG',
    signed: ['MY'],
    in_force: false,
    proposed_by: 'my',
    recipients: 'all',
    declared: false,
    ended: null,
  })
  const at = `/api/v1/agreements/${made.json.id}`
  t.same(await readers(other, AT.closed, amber.id), ['my', 'my2', 'bank'], 'a draft lets nobody in')

  t.same((await sg.get(at)).json, made.json, 'the other party sees the draft')
  t.same((await api(other, 'my2').get(at)).json, made.json, 'any principal of the country does')
  t.same((await sg.get('/api/v1/agreements')).json.items, [made.json])
  t.equal((await my2.post(`${at}/signature`, why)).status, 403, 'no custodian')
  t.equal((await boss.post(`${at}/signature`, why)).status, 403, 'a custodian of another organization of MY')
  t.equal((await my.post(`${at}/signature`, why)).status, 409, 'signed already')

  const signed = await sg.post(`${at}/signature`, why)
  t.match(signed.json, { signed: ['MY', 'SG'], in_force: true })
  t.same(await readers(other, AT.closed, amber.id), ['my', 'my2', 'bank', 'sg'])
  t.same(await readers(other, AT.closed, strict.id), ['my', 'my2'], 'not above its level')

  const over = await sg.post(`/api/v1/agreements/${made.json.id}/end`, { reason: 'over' })
  t.match(over.json, { in_force: false, ended: { by: 'sg', reason: 'over' } })
  t.same(await readers(other, AT.closed, amber.id), ['my', 'my2', 'bank'])
  t.equal((await my.post(`${at}/end`, why)).status, 409)
  t.equal((await my.post(`${at}/signature`, why)).status, 409)

  t.match(await audited(server, 'agreement.'), [
    {
      actor: 'my',
      action: 'agreement.propose',
      detail: {
        agreement: made.json.id,
        from: 'MY',
        to: 'SG',
        max_tlp: 'amber',
        signed: ['MY'],
        reason: 'exercise',
      },
    },
    { actor: 'sg', action: 'agreement.sign', detail: { signed: ['SG'], reason: 'agreed' } },
    { actor: 'sg', action: 'agreement.end', detail: { reason: 'over' } },
  ])
})

test('to a stranger an agreement is an unknown one, byte for byte', async (t) => {
  const server = await node(t)
  const { id } = (await api(server, 'my').post('/api/v1/agreements', AMBER)).json
  const de = api(server, 'de')
  for (const [method, path, body] of [
    ['get', ''],
    ['post', '/signature', why],
    ['post', '/end', why],
  ] as const) {
    const ask = async (name: string) => {
      const answer =
        method === 'get'
          ? await de.get(`/api/v1/agreements/${name}`)
          : await de.post(`/api/v1/agreements/${name}${path}`, body)
      const headers = answer.rawHeaders.filter(([name]) => name.toLowerCase() !== 'date')
      return { status: answer.status, text: answer.text, headers }
    }
    const found = await ask(String(id))
    t.equal(found.status, 404)
    t.same(found, await ask(NONE), `${method} ${path}`)
  }
  t.same((await de.get('/api/v1/agreements')).json, { items: [] })
})

test('who may propose what', async (t) => {
  const server = await node(t)
  const propose = async (who: string, body: object) =>
    await api(server, who).post('/api/v1/agreements', { ...AMBER, ...body })
  t.equal((await propose('my2', {})).status, 403, 'no custodian')
  t.equal((await propose('feed', {})).status, 403, 'a service')
  const byToken = async (token: string) =>
    (await api(server, 'my', `Bearer ${token}`).post('/api/v1/agreements', AMBER)).status
  t.equal(await byToken(CAPPED as string), 403, 'a token that reads less than its owner')
  t.equal(await byToken(FULL as string), 201)
  t.equal((await propose('my', { from: 'SG', to: 'DE' })).status, 403, 'neither side')
  t.equal((await propose('boss', { from: 'MY' })).status, 403, 'a bank does not speak for its country')
  t.same((await propose('boss', { from: 'petrobank', to: 'mycert' })).json.signed, ['petrobank'])
  t.same(
    (await propose('my', { from: 'MY', to: 'mycert' })).json.signed,
    ['MY', 'mycert'],
    'a CERT and its country in one hand',
  )
  const lost = await propose('my', { to: 'XX' })
  t.match([lost.status, lost.json.errors], [422, [{ path: '/to' }]])
  t.equal((await propose('my', { from: 'mycert', to: 'mycert' })).status, 422)
  t.equal((await propose('my', { valid_until: '2020-01-01T00:00:00Z' })).status, 422, 'over before it begins')
  t.equal((await propose('my', { valid_from: 'tomorrow' })).status, 422)
  t.equal((await propose('my', { reason: ' ' })).status, 400)
  t.equal((await propose('my', { reason: undefined })).status, 400)
  t.equal((await propose('my', { max_tlp: 'white' })).status, 400)
})

test('lists come in pages, by cursors of their reader', async (t) => {
  const server = await node(t)
  const my = api(server, 'my')
  for (const max_tlp of ['clear', 'green', 'amber'])
    await my.post('/api/v1/agreements', { ...AMBER, max_tlp })
  const first = (await my.get('/api/v1/agreements?limit=2')).json
  t.same(
    (first.items as { max_tlp: string }[]).map((a) => a.max_tlp),
    ['clear', 'green'],
  )
  const rest = (await my.get(`/api/v1/agreements?limit=2&next=${first.next}`)).json
  t.same([(rest.items as unknown[]).length, rest.next], [1, undefined])
  t.equal((await api(server, 'sg').get(`/api/v1/agreements?limit=2&next=${first.next}`)).status, 400)
})

test('a backfill brings what was there before to who polls', async (t) => {
  const [server, other] = await nodes(t)
  const object = indicator({ object_marking_refs: [TLP.amber] })
  const second = { ...object, modified: '2026-02-01T00:00:00.000Z' }
  const address = ipv4('198.51.100.20', { object_marking_refs: [TLP.amber] })
  const strict = indicator({ object_marking_refs: [TLP['amber+strict']] })
  const my = server.as('my')
  await my.add(AT.closed, object, address, strict)
  await my.add(AT.closed, second)
  await my.add(AT.closed, { ...address, object_marking_refs: [TLP.green] })
  const sg = other.as('sg')
  await sg.add(AT.closed, indicator({ object_marking_refs: [TLP.amber] }))
  const seen = (await sg.getObjects(AT.closed, { 'match[version]': 'all' })).last ?? ''

  const { id } = (await api(server, 'my').post('/api/v1/agreements', AMBER)).json
  await api(server, 'sg').post(`/api/v1/agreements/${id}/signature`, why)
  const poll = async () => await sg.getObjects(AT.closed, { added_after: seen, 'match[version]': 'all' })
  t.same((await poll()).ids, [], 'an agreement does not resequence')
  t.ok((await sg.getObjects(AT.closed)).ids.includes(object.id), 'a full pull has it')

  const env = { DATABASE_URL: server.database.url }
  const dry = await comity(['backfill', '--to', 'SG', '--dry-run'], env)
  t.match(dry, {
    code: 0,
    stdout: /^one\/closed {2}3\n$/,
    stderr: /3 objects to append again.*nothing was written/,
  })
  t.same((await poll()).ids, [])
  const done = await comity(['backfill', '--to', 'SG', '--reason', 'SG polls'], env)
  t.match(done, { code: 0, stdout: /^one\/closed {2}3\n$/, stderr: /3 objects appended again/ })
  const got = await poll()
  t.same([...got.ids].sort(), [object.id, object.id, address.id].sort(), 'both versions of it')
  t.same(
    got.objects.flatMap((o) => o.modified ?? []),
    [object.modified, second.modified],
    'older first',
  )
  const [latest] = got.objects.filter((o) => o.id === address.id)
  t.same(latest?.object_marking_refs, [TLP.green], 'of an address its latest')
  t.same((await sg.getObjects(AT.closed, { 'match[id]': address.id })).objects.length, 1)
  t.match(await comity(['backfill', '--to', 'sgcert'], env), { code: 0, stderr: /^0 objects/ })
  t.match(await comity(['backfill', '--to', 'XX'], env), {
    code: 2,
    stderr: /no country or organization "XX"/,
  })
  t.match((await audited(server, 'backfill'))[0], {
    actor: /^operator /,
    detail: { to: 'SG', reason: 'SG polls', collections: [{ objects: 3 }] },
  })
})
