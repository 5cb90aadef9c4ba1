/** Vetoes and opt-outs over REST (policy.md §4): they tighten on the next statement, on every node. */
import { type Test, test } from 'tap'
import { api } from '../support/api.ts'
import { asOwner } from '../support/in-process.ts'
import { AT, policyWorld, readers } from '../support/policy-world.ts'
import { type Server, startServer } from '../support/server.ts'
import { indicator, report, statement, TLP } from '../support/stix.ts'

function world(): string {
  const base = policyWorld() as Record<string, unknown> & { principals: object[] }
  const boss = { ...(base.principals[2] as object), id: 'boss', password: 'pw-boss', custodian: true }
  return JSON.stringify({ ...base, principals: [...base.principals, boss] })
}

async function nodes(t: Test): Promise<[Server, Server]> {
  const one = await startServer(t, { topology: world() })
  return [one, await startServer(t, { database: one.database })]
}

const why = { reason: 'order lifted' }

test('a veto by country and level, and its end', async (t) => {
  const [server, other] = await nodes(t)
  const green = indicator({ object_marking_refs: [TLP.green] })
  const amber = indicator({ object_marking_refs: [TLP.amber] })
  await server.as('my').add(AT.closed, green, amber)
  const theirs = indicator({ object_marking_refs: [TLP.amber] })
  await server.as('sg').add(AT.closed, theirs)
  t.same(await readers(other, AT.closed, amber.id), ['my', 'my2', 'bank', 'sg'])
  const my = api(server, 'my')

  const made = await my.post('/api/v1/vetoes', { to: ['SG'], level: 'amber', reason: 'order 12' })
  t.equal(made.status, 201)
  t.match(made.json, {
    country: 'MY',
    by: 'mycert',
    to: ['SG'],
    level: 'amber',
    named: null,
    in_force: true,
    spoken_by: 'my',
    ended: null,
  })
  t.same(await readers(other, AT.closed, amber.id), ['my', 'my2', 'bank'])
  t.same(await readers(other, AT.closed, green.id), ['my', 'my2', 'bank', 'sg', 'de'], 'not below its level')
  t.same(await readers(other, AT.closed, theirs.id), ['my', 'my2', 'bank', 'sg'], 'not what others send')

  t.same((await api(other, 'bank').get('/api/v1/vetoes')).json, { items: [made.json] }, 'originators see it')
  t.same((await api(other, 'sg').get('/api/v1/vetoes')).json, { items: [] }, 'others do not')
  const end = `/api/v1/vetoes/${made.json.id}/end`
  t.equal((await api(server, 'sg').post(end, why)).status, 404)
  t.equal((await api(server, 'my2').post(end, why)).status, 403)
  t.equal((await api(server, 'boss').post(end, why)).status, 403, 'a custodian of a bank')
  t.match((await my.post(end, why)).json, { in_force: false, ended: { by: 'my', reason: 'order lifted' } })
  t.equal((await my.post(`/api/v1/vetoes/${made.json.id}/end`, why)).status, 409)
  t.same(await readers(other, AT.closed, amber.id), ['my', 'my2', 'bank', 'sg'])

  const refuse = async (who: string, body: object) =>
    (await api(server, who).post('/api/v1/vetoes', { reason: 'no', ...body })).status
  t.equal(await refuse('boss', {}), 403)
  t.equal(await refuse('my2', {}), 403)
  t.equal(await refuse('my', { to: ['XX'] }), 422)
  t.equal(await refuse('my', { named: 'no id' }), 400)
  const audit = await asOwner(
    server.database.url,
    async (client) =>
      (await client.query(`select actor, action, detail from audit where action like 'veto.%' order by id`))
        .rows,
  )
  t.match(audit, [
    {
      actor: 'my',
      action: 'veto.add',
      detail: { country: 'MY', to: ['SG'], level: 'amber', valid_until: null, reason: 'order 12' },
    },
    { actor: 'my', action: 'veto.end', detail: { reason: 'order lifted' } },
  ])
})

test('a veto that names an object or a marking reaches stored rows, new rows and what points at them', async (t) => {
  const [server, other] = await nodes(t)
  const my = server.as('my')
  const one = indicator({ object_marking_refs: [TLP.green] })
  const about = report([one.id], { object_marking_refs: [TLP.green] })
  const mark = statement('case 7', { object_marking_refs: [TLP.green] })
  const marked = indicator({ object_marking_refs: [TLP.green, mark.id] })
  const part = indicator({
    object_marking_refs: [TLP.green],
    granular_markings: [{ selectors: ['name'], marking_ref: mark.id }],
  })
  const mention = indicator({ object_marking_refs: [TLP.green], description: `"${mark.id}"` })
  const sibling = indicator({ object_marking_refs: [TLP.green] })
  for (const path of [AT.closed, AT.redact]) {
    await my.add(path, one, about, mark, marked, part, mention, sibling)
  }
  const everybody = ['my', 'my2', 'bank', 'sg', 'de']
  for (const { id } of [one, about, marked, part]) t.same(await readers(other, AT.closed, id), everybody)
  const before = (await other.as('de').getObjects(AT.closed)).last ?? ''

  const veto = async (named: string, to?: string[]) =>
    (await api(server, 'my').post('/api/v1/vetoes', { named, reason: 'case 7', ...(to && { to }) })).json
  const first = await veto(one.id)
  for (const path of [AT.closed, AT.redact]) {
    t.same(await readers(other, path, one.id), ['my', 'my2'], 'only its originator, at once')
    t.same(await readers(other, path, sibling.id), everybody)
  }
  t.same(await readers(other, AT.closed, about.id), ['my', 'my2'], 'what points at it is as strict')
  await my.add(AT.closed, { ...one, modified: '2026-03-01T00:00:00.000Z' })
  t.same(await readers(other, AT.closed, one.id), ['my', 'my2'], 'a new version as well')

  const second = await veto(mark.id, ['DE'])
  const without = everybody.filter((who) => who !== 'de')
  for (const { id } of [mark, marked, part]) t.same(await readers(other, AT.closed, id), without)
  t.same(await readers(other, AT.closed, mention.id), everybody, 'text that mentions it is not marked by it')
  const late = indicator({ object_marking_refs: [TLP.green, mark.id] })
  await my.add(AT.closed, late)
  t.same(await readers(other, AT.closed, late.id), without)

  const relabelled = await api(server, 'my').patch(
    `/api/v1/roots/one/collections/closed/objects/${sibling.id}`,
    { object_marking_refs: [TLP.green, mark.id], reason: 'case 7 as well' },
  )
  t.equal(relabelled.status, 200, relabelled.text)
  t.same(await readers(other, AT.closed, sibling.id), without, 'other markings, the same veto')

  const names = async (who: string) => {
    const items = (await api(other, who).get('/api/v1/vetoes')).json.items as { named: string }[]
    return items.map((v) => v.named)
  }
  t.same(await names('my2'), [one.id, mark.id], 'the CERT that spoke')
  t.same(await names('bank'), [mark.id], 'a colleague in the country knows of what it can see')
  t.equal((await api(server, 'boss').post(`/api/v1/vetoes/${first.id}/end`, why)).status, 404)

  for (const { id } of [first, second]) await api(server, 'my').post(`/api/v1/vetoes/${id}/end`, why)
  for (const { id } of [one, about, marked, part, late])
    t.same(await readers(other, AT.closed, id), everybody)
  const poll = await other.as('de').getObjects(AT.closed, { added_after: before })
  t.same(poll.ids, [one.id, late.id], 'nothing was appended again but what was sent')
})

test('an opt-out takes part in nothing, and ends', async (t) => {
  const [server, other] = await nodes(t)
  const green = indicator({ object_marking_refs: [TLP.green] })
  const bank = indicator({ object_marking_refs: [TLP.green] })
  await server.as('my').add(AT.closed, green)
  await server.as('bank').add(AT.closed, bank)
  t.same(await readers(other, AT.closed, bank.id), ['my', 'my2', 'bank', 'sg', 'de'])
  const [boss, my, de] = ['boss', 'my', 'de'].map((p) => api(server, p)) as [
    ReturnType<typeof api>,
    ReturnType<typeof api>,
    ReturnType<typeof api>,
  ]
  const out = (who: string) => ({ who, reason: 'the regulator asks' })
  t.equal((await boss.post('/api/v1/opt-outs', out('MY'))).status, 403, 'not for its country')
  t.equal(
    (await boss.post('/api/v1/opt-outs', out('nobody-knows'))).text,
    (await boss.post('/api/v1/opt-outs', out('sgcert'))).text,
  )
  t.equal((await api(server, 'my2').post('/api/v1/opt-outs', out('mycert'))).status, 403)
  t.match((await boss.post('/api/v1/opt-outs', out('petrobank'))).json, {
    who: 'petrobank',
    by: 'boss',
    declared: false,
  })
  t.equal((await boss.post('/api/v1/opt-outs', out('petrobank'))).status, 409)
  t.same(await readers(other, AT.closed, bank.id), ['bank', 'sg'], 'it gives by agreements only')
  t.same(await readers(other, AT.closed, green.id), ['my', 'my2', 'bank', 'sg', 'de'], 'a client still')
  t.same(((await api(other, 'bank').get('/api/v1/opt-outs')).json.items as unknown[]).length, 1)
  t.same((await de.get('/api/v1/opt-outs')).json, { items: [] })

  await de.post('/api/v1/opt-outs', out('DE'))
  t.same(await readers(other, AT.closed, green.id), ['my', 'my2', 'bank', 'sg'])
  const strange = await de.post('/api/v1/opt-outs/petrobank/end', why)
  t.same([strange.status, strange.text], [404, (await de.post('/api/v1/opt-outs/nowhere/end', why)).text])
  t.equal((await my.post('/api/v1/opt-outs/MY/end', why)).status, 404, 'its own has not opted out')
  t.equal((await api(server, 'bank').post('/api/v1/opt-outs/petrobank/end', why)).status, 403)
  t.equal((await boss.post('/api/v1/opt-outs/petrobank/end', why)).status, 200)
  t.same(await readers(other, AT.closed, bank.id), ['my', 'my2', 'bank', 'sg'])
})
