/** A capped token is told nothing of what lies above its cap, though its owner reads that (policy.md §9, "The promise"). */
import { test } from 'tap'
import { api } from '../support/api.ts'
import { startServer } from '../support/server.ts'
import { forPerson, indicator, malware, newId, report, TLP } from '../support/stix.ts'
import { policyWorld } from '../support/two-countries.ts'

const TOKEN = 'a-token-with-a-cap-of-green-0001'
const green = { object_marking_refs: [TLP.green] }

test('whom a preview says to gain, where a copy of the last version is for readers of what is above the cap', async (t) => {
  const { topology, redacting } = policyWorld()
  const world = JSON.parse(topology)
  world.principals[0].tokens = [{ name: 'capped', value: TOKEN, max_tlp: 'green', scopes: ['read', 'write'] }]
  const server = await startServer(t, { topology: JSON.stringify(world) })
  const author = server.as('author')
  const [, root = '', , name = ''] = redacting.split('/')
  const gained = async (id: string, authorization?: string) => {
    const object = report([newId('indicator')], { id, object_marking_refs: [TLP.clear] })
    const answer = await api(server, 'author', authorization).post('/api/v1/policy/preview', {
      collection: { root, id: name },
      object,
    })
    t.equal(answer.status, 200, answer.text)
    const { difference } = answer.json as { difference: { gained: { id: string }[] } }
    return difference.gained.map((one) => one.id)
  }
  const named = forPerson('de')
  const seen = indicator(green)
  const above = malware({ object_marking_refs: [TLP.red, named.id] })
  const both = report([seen.id, above.id], green)
  const one = report([seen.id], green)
  // What it asks of its own markings is less than what its references ask: copies make the difference.
  await author.add(redacting, named, seen, above, { ...both, object_marking_refs: [TLP.clear] })
  await author.add(redacting, { ...one, object_marking_refs: [TLP.clear] })
  t.same(await gained(both.id), [], 'one copy is for the person that is named')
  const capped = `Bearer ${TOKEN}`
  t.same(await gained(one.id, capped), ['decert'])
  t.same(await gained(both.id, capped), ['decert'], 'to the token there is no such copy')
})

test('a capped token that polls gets what its own organization lowers to its cap', async (t) => {
  const { topology, path: plain, redacting } = policyWorld()
  const world = JSON.parse(topology)
  world.principals[3].tokens = [{ name: 'capped', value: TOKEN, max_tlp: 'amber', scopes: ['read'] }]
  const server = await startServer(t, { topology: JSON.stringify(world) })
  const [de, capped] = [server.as('de'), server.bearer(TOKEN)]
  for (const path of [plain, redacting]) {
    const [, root = '', , name = ''] = path.split('/')
    const strict = indicator({ object_marking_refs: [TLP['amber+strict']] })
    const about = report([strict.id], { object_marking_refs: [TLP.amber] })
    const last = indicator({ object_marking_refs: [TLP.amber] })
    await de.add(path, strict, about, last)
    const before = await capped.getObjects(path)
    t.equal(before.status, 200, before.text)
    t.notOk(before.ids.includes(strict.id))
    t.ok(before.ids.includes(last.id))
    const changed = await api(server, 'de').patch(
      `/api/v1/roots/${root}/collections/${name}/objects/${strict.id}`,
      { object_marking_refs: [TLP.amber], granular_markings: null, reason: 'a test' },
    )
    t.equal(changed.status, 200, changed.text)
    t.equal((changed.json as { change: string }).change, 'widened')
    const after = before.header('x-taxii-date-added-last') ?? ''
    const polled = await capped.getObjects(path, { added_after: after })
    t.equal(polled.status, 200, polled.text)
    const { ids } = polled
    t.ok(ids.includes(strict.id), 'though nobody else gains')
    t.equal(ids.includes(about.id), path === plain, 'and what points at it')
  }
})

test('what is left of a report for others, where its author sees neither a reference nor, by its token, a copy that has it', async (t) => {
  const { topology, redacting } = policyWorld()
  const world = JSON.parse(topology)
  world.principals[0].tokens = [{ name: 'capped', value: TOKEN, max_tlp: 'amber+strict', scopes: ['read'] }]
  const server = await startServer(t, { topology: JSON.stringify(world) })
  const author = server.as('author')
  const amber = { object_marking_refs: [TLP.amber] }
  const strict = indicator({ object_marking_refs: [TLP['amber+strict']] })
  const hidden = malware({ object_marking_refs: [TLP.red] })
  const [both, one] = [report([strict.id, hidden.id], amber), report([strict.id], amber)]
  await author.add(redacting, strict, both, one)
  await server.as('colleague').add(redacting, hidden)
  const capped = server.bearer(TOKEN)
  for (const { id } of [both, one]) {
    const [found] = (await capped.getObject(redacting, id)).objects
    t.same(found?.object_refs, [strict.id], 'the token gets the same of both')
    t.equal((await server.as('sg').getObject(redacting, id)).objects.length, 0)
  }
  const [, root, , name] = redacting.split('/')
  const query = `root=${root}&collection=${name}&as=SG`
  const answer = await api(server, 'author', `Bearer ${TOKEN}`).get(`/api/v1/policy/view-as?${query}`)
  t.equal(answer.status, 200, answer.text)
  const { items } = answer.json as { items: { id: string }[] }
  t.same(items, [], 'and is told the same of both')
})
