/** The answers about the policy are the same, byte for byte, whatever there is that the caller may not see (policy.md §13). */
import t, { test } from 'tap'
import { RELEASE_EXTENSION } from '../../src/stix/index.ts'
import { NARROW, policyTopology, SHARED } from '../support/answers-world.ts'
import { type Api, api } from '../support/api.ts'
import { startServer } from '../support/server.ts'
import { indicator, ipv4, newId, type STIX_TYPES, TLP, version } from '../support/stix.ts'

const server = await startServer(t, { topology: policyTopology(), env: { COMITY_REQUEST_LIMIT: 'off' } })
const marked = (...refs: string[]) => ({ object_marking_refs: refs })
const release = (conditions: object) => ({
  type: 'marking-definition' as (typeof STIX_TYPES)[number],
  spec_version: '2.1',
  id: newId('marking-definition'),
  created: '2026-01-01T00:00:00.000Z',
  name: 'a release',
  object_marking_refs: [TLP.red],
  extensions: { [RELEASE_EXTENSION]: { extension_type: 'property-extension', ...conditions } },
})

const green = indicator(marked(TLP.green))
const amber = indicator(marked(TLP.amber))
const old = indicator(marked(TLP.clear))
const older = version(old, '2026-02-01T00:00:00.000Z', marked(TLP.amber))
const address = ipv4('198.51.100.7', marked(TLP.green))
const mine = [green, amber, old, older, address]
const hidden = release({ releasable_to: { countries: ['DE'] } })
const embargo = release({ not_before: '2199-01-01T00:00:00Z' })

/** Everything that may be asked, as texts. */
async function transcript(caller: Api): Promise<string[]> {
  const found: string[] = []
  const note = (answer: { status: number; text: string }) => found.push(`${answer.status} ${answer.text}`)
  for (const where of [SHARED, NARROW]) {
    const collection = { root: 'x', id: where.id }
    for (const as of [
      'SG',
      'DE',
      'MY',
      'sgcert',
      'mycert',
      'mylab',
      'sg-bob',
      'my-ann',
      'my-bob',
      'interpol',
    ]) {
      for (const limit of [1, 3, 100]) {
        note(
          await caller.get(`/api/v1/policy/view-as?root=x&collection=${where.alias}&as=${as}&limit=${limit}`),
        )
      }
    }
    for (const object of [...mine, version(green, '2026-09-01T00:00:00.000Z', marked(TLP.clear))]) {
      note(await caller.post('/api/v1/policy/preview', { collection, object }))
      for (const reader of [
        { organization: 'sgcert' },
        { organization: 'mycert' },
        { principal: 'my-ann' },
      ]) {
        note(await caller.post('/api/v1/policy/explain', { collection, id: object.id, reader }))
        note(
          await caller.post('/api/v1/policy/explain', {
            collection,
            id: object.id,
            reader,
            version: String(object.modified ?? '2026-01-01T00:00:00Z'),
          }),
        )
      }
    }
    for (const ref of [hidden.id, embargo.id]) {
      note(await caller.post('/api/v1/policy/preview', { collection, ...marked(TLP.amber, ref) }))
    }
  }
  note(await caller.get('/api/v1/policy/reciprocity'))
  note(await caller.get('/api/v1/me/clearance'))
  for (const max_tlp of ['green', 'amber', 'red']) {
    for (const [from, to] of [
      ['MY', 'SG'],
      ['mycert', 'DE'],
      ['SG', 'mycert'],
    ]) {
      note(await caller.post('/api/v1/policy/simulate', { draft: { from, to, max_tlp, clients: true } }))
    }
  }
  note(await caller.post('/api/v1/policy/simulate', { end: { from: 'MY', to: 'SG' } }))
  note(await caller.post('/api/v1/policy/simulate', { end: { from: 'SG', to: 'MY' } }))
  return found
}

/** The first pair that differs, cut short; null when all are the same. */
function firstDifference(a: string[], b: string[]): string | null {
  const at = a.findIndex((text, i) => text !== b[i])
  return at < 0 && a.length === b.length ? null : `${at}: ${a[at]?.slice(0, 900)}\n${b[at]?.slice(0, 900)}`
}

for (const where of [SHARED, NARROW]) await server.as('my-bob').add(where.path, ...mine)
const bob = api(server, 'my-bob')
const capped = api(server, 'my-ann', 'Bearer tk-my-ann-capped-0123456789abcdef')
const anns = indicator(marked(TLP.green))
await server.as('my-ann').add(SHARED.path, anns)

test('hidden objects, versions and markings change no answer', async (t) => {
  const before = await transcript(bob)
  t.equal((await server.as('sg-bob').getObject(SHARED.path, green.id)).status, 200)
  for (const where of [SHARED, NARROW]) {
    const author = server.as('my-ann')
    await author.add(where.path, hidden, embargo)
    await author.add(
      where.path,
      version(green, '2026-05-01T00:00:00.000Z', marked(TLP.red)),
      version(amber, '2026-05-01T00:00:00.000Z', marked(TLP.red, embargo.id)),
      version(old, '2026-05-01T00:00:00.000Z', marked(TLP.red, hidden.id)),
      { ...address, ...marked(TLP.red) },
      indicator(marked(TLP.red)),
      indicator(marked(TLP.red, hidden.id)),
    )
  }
  await server.as('lab-ann').add(SHARED.path, indicator(marked(TLP.red)))
  await server.as('sg-ann').add(SHARED.path, indicator(marked(TLP.red)), indicator())
  await server.as('de-ann').add(SHARED.path, indicator(marked(TLP.red)), indicator(marked(TLP.green)))
  t.equal(
    (await server.as('sg-bob').getObject(SHARED.path, green.id)).status,
    404,
    'a hidden version hides it',
  )
  t.equal(
    (await server.as('my-bob').getObject(SHARED.path, green.id)).status,
    200,
    'its author reads it back',
  )
  t.equal(firstDifference(before, await transcript(bob)), null)
})

test("a token's cap hides a later version from its answers too", async (t) => {
  const answers = async () => [
    await capped.post('/api/v1/policy/explain', {
      collection: { root: 'x', id: SHARED.id },
      id: anns.id,
      reader: { organization: 'sgcert' },
    }),
    await capped.get('/api/v1/policy/view-as?root=x&collection=shared&as=SG'),
    await capped.get('/api/v1/policy/reciprocity'),
    await capped.post('/api/v1/policy/simulate', { end: { from: 'MY', to: 'SG' } }),
  ]
  const before = (await answers()).map((a) => a.text)
  await server.as('my-ann').add(SHARED.path, version(anns, '2026-05-01T00:00:00.000Z', marked(TLP.amber)))
  const after = (await answers()).map((a) => a.text)
  t.equal(firstDifference(before, after), null)
  t.match(before[0], 'agreement MY>SG')
})

test('what the caller may see does change them', async (t) => {
  const before = await transcript(bob)
  const later = version(amber, '2026-04-01T00:00:00.000Z', marked(TLP['amber+strict']))
  await server.as('my-feed').add(SHARED.path, later)
  t.type(firstDifference(before, await transcript(bob)), 'string')
})
