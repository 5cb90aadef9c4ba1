/** What a status says of objects that are stored: that nobody else reads them, that STIX forbids how they are written. */
import { test } from 'tap'
import { startServer } from '../support/server.ts'
import { indicator, statement, TLP } from '../support/stix.ts'
import { policyWorld } from '../support/two-countries.ts'
import { READ_WRITE, topology as world } from '../support/world.ts'

test('an object without a marking is its own organization’s, and the status says so', async (t) => {
  const { topology, path } = policyWorld()
  const server = await startServer(t, { topology })
  const author = server.as('author')
  const said = async (object: ReturnType<typeof indicator>) => {
    const { successes } = await author.add(path, object)
    t.equal(successes?.length, 1)
    return successes?.[0]?.message
  }
  const plain = indicator()
  t.equal(await said(plain), 'it is not marked, so only your organization reads it')
  t.equal((await server.as('sg').getObject(path, plain.id)).status, 404, 'and that is so')
  t.equal(await said(indicator({ object_marking_refs: [TLP.green] })), undefined)
  const terms = statement('Terms')
  await author.add(path, { ...terms, object_marking_refs: [TLP.clear] })
  t.match(
    await said(indicator({ object_marking_refs: [terms.id] })),
    /not marked/,
    'a statement is no marking of a level',
  )
})

test('where the collection has a default it is marked', async (t) => {
  const server = await startServer(t, { topology: world() })
  const author = server.as('analyst')
  t.equal((await author.add(READ_WRITE.path, indicator())).successes?.[0]?.message, undefined)
  const whole = indicator({ created: '2026-01-01T00:00:00Z', modified: '2026-02-01T00:00:00.5Z' })
  const { successes } = await author.add(READ_WRITE.path, whole)
  t.match(
    successes?.[0]?.message,
    /^stored although STIX forbids it: .*created.*[^.]; stored although .*modified.*[^.]$/,
  )
})

test('what is refused is told in sentences, and who sets the limit of an object', async (t) => {
  const strict = '5a1d0b0e-3c1e-4d3e-9f51-6b0f4b7d2a78'
  const topology = JSON.parse(world())
  const grants = [{ to: '*', read: true, write: true }]
  topology.api_roots[0].collections.push({ id: strict, title: 'Strict', strict: true, grants })
  const server = await startServer(t, {
    topology: JSON.stringify(topology),
    env: { COMITY_OBJECT_BYTES: '20000' },
  })
  const told = async (object: object): Promise<string> => {
    const answer = await server.as('analyst').post(`/global/collections/${strict}/`, [object])
    return answer.taxiiStatus.failures?.[0]?.message ?? ''
  }
  const whole = { created: '2026-01-01T00:00:00Z', modified: '2026-02-01T00:00:00Z' }
  t.match(await told(indicator(whole)), /^\/created .*\. \/modified .*\.$/)
  const many = { x_a: null, x_b: null, x_c: null, x_d: null, x_e: null, x_f: null }
  t.match(await told(indicator(many)), /\. And \d+ more\.$/)
  t.match(await told(indicator({ description: 'a'.repeat(20_000) })), /20000.*COMITY_OBJECT_BYTES/)
})
