/** POST /api/v1/policy/preview: what it says is what then reads over TAXII, for every principal (policy.md §13). */
import t, { test } from 'tap'
import { RELEASE_EXTENSION } from '../../src/stix/index.ts'
import {
  CLOSED,
  DROP,
  FOREIGN,
  NARROW,
  OPEN,
  type Place,
  PRINCIPALS,
  policyTopology,
  REDACT,
  SHARED,
} from '../support/answers-world.ts'
import { api } from '../support/api.ts'
import type { StixObject } from '../support/client.ts'
import { startServer } from '../support/server.ts'
import { indicator, malware, newId, TLP, version } from '../support/stix.ts'

const server = await startServer(t, { topology: policyTopology(), env: { COMITY_REQUEST_LIMIT: 'off' } })
const ask = async (principal: string, where: Place, body: object) =>
  (
    await api(server, principal).post('/api/v1/policy/preview', {
      collection: { root: 'x', id: where.id },
      ...body,
    })
  ).json as unknown as Preview

interface Reading {
  id: string
  people: number
  feeds: number
  rules: string[]
}
interface Preview {
  level: string | null
  anonymous: boolean
  quarantined: boolean
  organizations: Reading[]
  countries: object[]
  totals: object
  from: { at: string; organizations: Reading[] } | null
  withheld_parts: { selectors: string[]; level: string; organizations: Reading[] }[]
  warnings: string[]
  problems: string[]
  difference: { version: string; gained: { id: string }[]; lost: { id: string }[] } | null
}

const definition = (conditions: object, marked: string = TLP.clear): StixObject => ({
  type: 'marking-definition',
  spec_version: '2.1',
  id: newId('marking-definition'),
  created: '2026-01-01T00:00:00.000Z',
  name: 'a release',
  object_marking_refs: [marked],
  extensions: { [RELEASE_EXTENSION]: { extension_type: 'property-extension', ...conditions } },
})

const marked = (...refs: string[]) => ({ object_marking_refs: refs })

test('AMBER from MY reaches exactly the recipients of SG, its client, and those at home', async (t) => {
  const found = await ask('my-ann', SHARED, marked(TLP.amber))
  t.equal(found.level, 'amber')
  t.strictSame(
    found.organizations.map(({ id, people, feeds, rules }) => [id, people, feeds, rules]),
    [
      ['mybank', 1, 0, ['roster of mycert']],
      ['mycert', 2, 1, ['own-organization', 'submitter']],
      ['sgbank', 1, 0, ['agreement MY>SG, client of sgcert']],
      // sg-low is cleared for GREEN only.
      ['sgcert', 2, 1, ['agreement MY>SG']],
    ],
  )
  t.strictSame(found.countries, [
    { code: 'MY', organizations: 2, people: 3, feeds: 1 },
    { code: 'SG', organizations: 2, people: 3, feeds: 1 },
  ])
  t.strictSame(found.totals, { countries: 2, organizations: 4, people: 6, feeds: 2 })
  t.match(found, {
    anonymous: false,
    from: null,
    problems: [],
    warnings: [],
    difference: null,
    withheld_parts: [],
  })
  const byAlias = await api(server, 'my-ann').post('/api/v1/policy/preview', {
    collection: { root: 'x', alias: 'shared' },
    ...marked(TLP.amber),
  })
  t.strictSame(byAlias.json, found, 'by alias as well')
})

const RELEASES = {
  'to DE': definition({ releasable_to: { countries: ['DE'] } }),
  'to sgbank': definition({ releasable_to: { organizations: ['sgbank'] } }),
  'to a community': definition({ releasable_to: { communities: ['pair'] } }),
  'to a person': definition({ releasable_to: { persons: ['sg-bob', 'my-bob'] } }),
  'not to SG': definition({ not_releasable_to: { countries: ['SG'] } }),
  'no clients': definition({ clients: 'denied' }),
  'no more': definition({ not_after: '2026-02-01T00:00:00Z' }),
}
const [toDe, toSgbank, toPair, toPerson, notSg, noClients, noMore] = Object.values(RELEASES).map(
  (d) => d.id,
) as [string, string, string, string, string, string, string]
const part = (ref: string) => ({ granular_markings: [{ selectors: ['name'], marking_ref: ref }] })

const CASES: [string, object][] = [
  ...Object.entries(TLP).map(([level, ref]): [string, object] => [level, marked(ref)]),
  ['unmarked', {}],
  ['to DE', marked(TLP.amber, toDe)],
  ['to sgbank', marked(TLP['amber+strict'], toSgbank)],
  ['to a community', marked(TLP.amber, toPair)],
  ['to persons', marked(TLP.red, toPerson)],
  ['not to SG', marked(TLP.amber, notSg)],
  ['no clients', marked(TLP.amber, noClients)],
  ['no more', marked(TLP.green, noMore)],
  ['two lists', marked(TLP.amber, toDe, toPair)],
  ['a part', { ...marked(TLP.green), ...part(TLP.amber) }],
  ['a hint', { ...marked(TLP.clear), labels: ['tlp:amber+strict'] }],
]

const sum = (readings: Reading[]) =>
  Object.fromEntries(readings.map(({ id, people, feeds }) => [id, `${people} people, ${feeds} feeds`]))

/** Who finds it, by asking each over TAXII. */
async function reading(where: Place, id: string): Promise<Record<string, string>> {
  const found = new Map<string, { people: number; feeds: number }>()
  for (const { id: principal, organization, kind } of PRINCIPALS) {
    const { status } = await server.as(principal).getObject(where.path, id)
    if (status !== 200) continue
    const counts = found.get(organization) ?? { people: 0, feeds: 0 }
    found.set(organization, counts)
    if (kind === 'person') counts.people++
    else counts.feeds++
  }
  return Object.fromEntries(
    [...found].sort().map(([id, { people, feeds }]) => [id, `${people} people, ${feeds} feeds`]),
  )
}

for (const [author, where] of [
  ['my-bob', SHARED],
  ['my-ann', NARROW],
  ['my-feed', OPEN],
] as const) {
  test(`what ${author} previews in ${where.alias} is what then reads`, async (t) => {
    await server.as('my-ann').add(where.path, ...Object.values(RELEASES))
    for (const [what, markings] of CASES) {
      const object = malware({ name: `secret ${what}`, ...markings })
      const before = await ask(author, where, { object })
      t.strictSame(before.problems, [], what)
      await server.as(author).add(where.path, object)
      t.strictSame(sum(before.organizations), await reading(where, object.id), what)
      const anonymous = (await server.anonymous.getObject(where.path, object.id)).status === 200
      t.equal(before.anonymous, anonymous, `${what}: anonymous`)
      const refs = await ask(author, where, {
        object_marking_refs: (markings as { object_marking_refs?: string[] }).object_marking_refs ?? [],
        ...('granular_markings' in markings && { granular_markings: markings.granular_markings }),
      })
      if (!('labels' in markings))
        t.strictSame(refs.organizations, before.organizations, `${what}: by markings alone`)
    }
  })
}

test('an embargo: who reads now, and who from then on', async (t) => {
  const mark = definition({ not_before: '2199-01-01T00:00:00Z' })
  await server.as('my-ann').add(SHARED.path, mark)
  const found = await ask('my-ann', SHARED, marked(TLP.green, mark.id))
  t.strictSame(
    found.organizations.map((o) => o.id),
    ['mycert'],
  )
  t.equal(found.from?.at, '2199-01-01T00:00:00.000000Z')
  t.strictSame(
    found.from?.organizations.map((o) => o.id),
    ['mybank', 'mycert', 'mylab', 'sgbank', 'sgcert', 'sglab'],
  )
})

test('warnings, and problems as a POST would find them; a hidden marking is as good as none', async (t) => {
  const weak = await ask('my-ann', SHARED, { ...marked(TLP.amber), ...part(TLP.green) })
  t.match(weak.warnings[0], /weaker than the object's/)
  const hidden = definition({ releasable_to: { countries: ['SG'] } }, TLP.red)
  await server.as('my-ann').add(SHARED.path, hidden)
  const unknown = newId('marking-definition')
  const [a, b] = [
    await ask('sg-ann', SHARED, marked(TLP.amber, hidden.id)),
    await ask('sg-ann', SHARED, marked(TLP.amber, unknown)),
  ]
  t.equal(JSON.stringify(a).replaceAll(hidden.id, ''), JSON.stringify(b).replaceAll(unknown, ''))
  t.match(b, { level: null, organizations: [], problems: [/is not known here/] })
  t.match((await ask('my-ann', SHARED, marked(toDe))).problems[0], /without a TLP marking beside it/)
  t.match((await ask('sg-ann', SHARED, { object: marked('no id \u0000') })).problems[0], /is not known here/)
})

test('the difference to the last version of its organization', async (t) => {
  const one = indicator(marked(TLP.green))
  await server.as('my-bob').add(SHARED.path, one)
  const two = version(one, '2026-03-01T00:00:00.000Z', marked(TLP.amber))
  const found = await ask('my-ann', SHARED, { object: two })
  t.match(found.difference, { version: one.modified, gained: [], lost: [{ id: 'mylab' }, { id: 'sglab' }] })
  const back = await ask('my-ann', SHARED, {
    object: version(one, '2026-03-01T00:00:00.000Z', marked(TLP.clear)),
  })
  t.strictSame(
    back.difference?.gained.map((o) => o.id),
    ['decert', 'interpol'],
  )
  t.equal(
    (await ask('sg-ann', SHARED, { object: two })).difference,
    null,
    'not against the copy of another organization',
  )
  await server.as('my-bob').add(DROP.path, one)
  t.equal(
    (await ask('my-ann', DROP, { object: two })).difference,
    null,
    'nor, without reading, of a colleague',
  )
  t.match((await ask('my-bob', DROP, { object: two })).difference, { version: one.modified })
})

test('parts, where they are redacted', async (t) => {
  const object = malware({
    ...marked(TLP.green),
    description: 'x',
    labels: ['a', 'b'],
    granular_markings: [
      { selectors: ['description'], marking_ref: TLP.amber },
      { selectors: ['labels', 'description'], marking_ref: TLP.red },
      { selectors: ['labels.[1]'], marking_ref: TLP.clear },
    ],
  })
  const found = await ask('my-ann', REDACT, { object })
  t.equal(found.level, 'green')
  t.ok(found.organizations.some((o) => o.id === 'sglab'))
  t.strictSame(
    found.withheld_parts.map((p) => [p.selectors, p.level]),
    [
      [['description'], 'red'],
      [['labels', 'labels.[1]'], 'red'],
    ],
  )
  const without = found.withheld_parts[0]?.organizations.map((o) => o.id)
  t.strictSame(without, ['mybank', 'mycert', 'mylab', 'sgbank', 'sgcert', 'sglab'], 'colleagues too')
  const whole = await ask('my-ann', SHARED, { object })
  t.match(whole, { level: 'red', withheld_parts: [] }, 'elsewhere the strictest part counts for the whole')
  t.strictSame(sum(whole.organizations), { mycert: '1 people, 0 feeds' })
})

test('who may ask, and what is no question', async (t) => {
  const send = (principal: string, body: object) =>
    api(server, principal).post('/api/v1/policy/preview', body)
  const refs = marked(TLP.green)
  const at = (where: Place) => ({ root: 'x', id: where.id })
  t.equal((await send('de-ann', { collection: at(FOREIGN), ...refs })).status, 403, 'it may read only')
  const hidden = await send('de-ann', { collection: at(CLOSED), ...refs })
  const unknown = await send('de-ann', {
    collection: { root: 'x', id: CLOSED.id.replace(/^./, '0') },
    ...refs,
  })
  t.equal(hidden.status, 404)
  t.equal(hidden.text, unknown.text)
  for (const [what, body] of [
    ['neither', { collection: at(SHARED) }],
    ['both', { collection: at(SHARED), object: indicator(), ...refs }],
    ['parts beside an object', { collection: at(SHARED), object: indicator(), granular_markings: [] }],
    ['no name', { collection: { root: 'x' }, ...refs }],
    ['two names', { collection: { ...at(SHARED), alias: 'shared' }, ...refs }],
    [
      'too many parts',
      {
        collection: at(SHARED),
        object: { granular_markings: Array(201).fill({ marking_ref: 'x', selectors: ['a'] }) },
      },
    ],
  ] as const) {
    t.equal((await send('my-ann', body)).status, 400, what)
  }
})
