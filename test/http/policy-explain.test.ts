/** POST /api/v1/policy/explain: why or why not, condition by condition, for the originator only (policy.md §13). */
import t, { test } from 'tap'
import { RELEASE_EXTENSION } from '../../src/stix/index.ts'
import { DROP, NARROW, type Place, PRINCIPALS, policyTopology, SHARED } from '../support/answers-world.ts'
import { api } from '../support/api.ts'
import { startServer } from '../support/server.ts'
import { indicator, newId, TLP, version } from '../support/stix.ts'

const server = await startServer(t, { topology: policyTopology(), env: { COMITY_REQUEST_LIMIT: 'off' } })
const send = (principal: string, where: Place, id: string, reader: object, more: object = {}) =>
  api(server, principal).post('/api/v1/policy/explain', {
    collection: { root: 'x', id: where.id },
    id,
    reader,
    ...more,
  })

interface Explained {
  principals: number
  decision: boolean
  rule: string
  label: string | null
  conditions: { condition: string; verdict: string; detail: string }[]
}
const explain = async (principal: string, where: Place, id: string, reader: object, more: object = {}) =>
  (await send(principal, where, id, reader, more)).json.readers as Explained[]
const failed = (one: Explained | undefined) =>
  one?.conditions.filter((c) => c.verdict === 'failed').map((c) => c.condition)

const release = {
  type: 'marking-definition',
  spec_version: '2.1',
  id: newId('marking-definition'),
  created: '2026-01-01T00:00:00.000Z',
  name: 'a release',
  object_marking_refs: [TLP.clear],
  extensions: {
    [RELEASE_EXTENSION]: {
      extension_type: 'property-extension',
      releasable_to: { countries: ['SG', 'DE'] },
      not_releasable_to: { countries: ['DE'] },
    },
  },
}
const late = {
  ...release,
  id: newId('marking-definition'),
  extensions: {
    [RELEASE_EXTENSION]: { extension_type: 'property-extension', not_before: '2199-01-01T00:00:00Z' },
  },
}
const of = (...refs: string[]) => indicator({ object_marking_refs: refs })
const objects = {
  clear: of(TLP.clear),
  green: of(TLP.green),
  amber: of(TLP.amber),
  strict: of(TLP['amber+strict']),
  red: of(TLP.red),
  unmarked: indicator(),
  released: of(TLP.amber, release.id),
  late: of(TLP.green, late.id),
}
for (const where of [SHARED, NARROW]) {
  await server.as('my-ann').add(where.path, release, late, ...Object.values(objects))
}

test('a yes and its rule', async (t) => {
  const [yes, ...more] = await explain('my-bob', SHARED, objects.amber.id, { principal: 'sg-bob' })
  t.match(yes, { principals: 1, decision: true, rule: 'agreement MY>SG', label: 'TLP:AMBER of mycert' })
  t.strictSame(more, [])
  t.match(
    yes?.conditions.find((c) => c.condition === 'channel'),
    { verdict: 'met', detail: /agreement MY>SG/ },
  )
})

test('a no and what stood against it', async (t) => {
  const cases: [keyof typeof objects, string, string, string][] = [
    ['amber', 'sg-low', 'above-clearance', 'clearance'],
    ['amber', 'sglab-feed', 'no-way', 'hop'],
    ['strict', 'sg-bob', 'no-way', 'channel'],
    ['red', 'my-bob', 'red-of-a-colleague', 'own-organization'],
    ['unmarked', 'sg-bob', 'own-organization-only', 'channel'],
    ['released', 'de-ann', 'not-releasable-to', 'not_releasable_to'],
    ['released', 'zz-ann', 'not-released', 'releasable_to'],
    ['late', 'sg-bob', 'embargo', 'embargo'],
    ['green', 'de-ann', 'no-way', 'channel'],
  ]
  for (const [what, principal, rule, condition] of cases) {
    const [one] = await explain('my-ann', SHARED, objects[what].id, { principal })
    t.match(one, { decision: false, rule }, `${what} to ${principal}`)
    t.ok(failed(one)?.includes(condition), `${what} to ${principal}: ${failed(one)}`)
  }
  const [right] = await explain('my-ann', NARROW, objects.amber.id, { principal: 'sg-ann' })
  t.match(right, { decision: false, rule: 'no-right' })
  t.strictSame(failed(right), ['right'])
})

test('for every principal and object it is what a GET gives, and a no has a failed condition', async (t) => {
  for (const where of [SHARED, NARROW]) {
    for (const [what, { id }] of Object.entries(objects)) {
      for (const { id: principal } of PRINCIPALS) {
        const reads = (await server.as(principal).getObject(where.path, id)).status === 200
        const [one] = await explain('my-ann', where, id, { principal })
        t.equal(one?.decision, reads, `${what} in ${where.alias} to ${principal}`)
        t.equal(failed(one)?.length === 0, reads, `${what} in ${where.alias} to ${principal}: ${failed(one)}`)
      }
    }
  }
})

test('an organization: one answer for each kind of principal that differs', async (t) => {
  const answers = await explain('my-ann', SHARED, objects.amber.id, { organization: 'sgcert' })
  t.strictSame(answers.map(({ principals, decision }) => [principals, decision]).sort(), [
    [1, false],
    // Two people without a clearance of their own, and one feed with the ceiling of services.
    [1, true],
    [2, true],
  ])
})

test('versions: the latest by default, and what a later one takes away', async (t) => {
  const one = of(TLP.green)
  const two = version(one, '2026-03-01T00:00:00.000Z', { object_marking_refs: [TLP['amber+strict']] })
  await server.as('my-bob').add(SHARED.path, one, two)
  const latest = await send('my-bob', SHARED, one.id, { principal: 'sg-bob' })
  t.match(latest.json, { version: two.modified, level: 'amber+strict' })
  const [old] = await explain('my-bob', SHARED, one.id, { principal: 'sg-bob' }, { version: one.modified })
  t.match(old, { decision: false, rule: 'later-version', label: 'TLP:AMBER+STRICT of mycert' })
  t.strictSame(failed(old)?.includes('later-version'), true)
})

test('all else is unknown, byte for byte', async (t) => {
  const foreign = of(TLP.clear)
  await server.as('sg-ann').add(SHARED.path, foreign)
  await server.as('my-ann').add(DROP.path, objects.clear)
  const unknown = await send('my-bob', SHARED, newId('indicator'), { principal: 'sg-bob' })
  t.equal(unknown.status, 404)
  for (const [what, answer] of [
    ["another organization's object", await send('my-bob', SHARED, foreign.id, { principal: 'sg-bob' })],
    ["a colleague's RED", await send('my-bob', SHARED, objects.red.id, { principal: 'sg-bob' })],
    ['for a stranger', await send('de-ann', SHARED, objects.clear.id, { principal: 'de-ann' })],
    [
      'a collection that it may only write',
      await send('my-ann', DROP, objects.clear.id, { principal: 'sg-bob' }),
    ],
    [
      'another version',
      await send(
        'my-bob',
        SHARED,
        objects.clear.id,
        { principal: 'sg-bob' },
        { version: '2020-01-01T00:00:00Z' },
      ),
    ],
    ['no version', await send('my-bob', SHARED, objects.clear.id, { principal: 'sg-bob' }, { version: 'x' })],
    ['an unknown reader', await send('my-bob', SHARED, objects.clear.id, { principal: 'nobody' })],
    ['an unknown organization', await send('my-bob', SHARED, objects.clear.id, { organization: 'nobody' })],
    ['no id', await send('my-bob', SHARED, 'x\u0000', { principal: 'sg-bob' })],
  ] as const) {
    t.equal(answer.status, 404, what)
    t.equal(answer.text, unknown.text, what)
  }
  const two = await send('my-bob', SHARED, objects.clear.id, { principal: 'sg-bob', organization: 'sgcert' })
  t.equal(two.status, 400, 'two readers')
})
