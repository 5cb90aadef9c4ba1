/** Markings by id, text hints, kinds of definitions, and the release extension (policy.md §2). */
import { Ajv2020 } from 'ajv/dist/2020.js'
import { test } from 'tap'
import {
  granularRefs,
  isStandardRepost,
  kindOfDefinition,
  labelHints,
  objectRefs,
  RELEASE_EXTENSION,
  RELEASE_EXTENSION_DEFINITION,
  readRelease,
  STANDARD_DEFINITIONS,
  TLP_BY_ID,
  timestampKey,
} from '../../src/stix/index.ts'

const standard = (id: string): Record<string, unknown> => {
  const found = STANDARD_DEFINITIONS.find((d) => d.id === `marking-definition--${id}`)
  return JSON.parse(found?.text ?? 'null')
}
const TLP1_RED = '5e57c739-391a-4eb3-b6be-7d15ca92d5ed'
const TLP2_RED = 'e828b379-4e03-4974-9ac4-e53a884c97c1'
const OTHER = 'marking-definition--7c1d0b0e-3c1e-4d3e-9f51-6b0f4b7d2a10'

test('ten ids state a level, nine of them are standard', async (t) => {
  t.equal(TLP_BY_ID.size, 10)
  t.equal(STANDARD_DEFINITIONS.length, 9)
  for (const { id, created, text } of STANDARD_DEFINITIONS) {
    const value = JSON.parse(text)
    const level = value.definition?.tlp ?? Object.values<{ tlp_2_0: string }>(value.extensions)[0]?.tlp_2_0
    t.equal(TLP_BY_ID.get(id), level === 'white' ? 'clear' : level)
    t.match(value, { id, created, name: `TLP:${level.toUpperCase()}` })
  }
  t.equal(TLP_BY_ID.get('marking-definition--826578e1-40ad-459f-bc73-ede076f81f37'), 'amber+strict')
})

test('re-posting a standard definition', async (t) => {
  for (const { text } of STANDARD_DEFINITIONS) t.equal(isStandardRepost(JSON.parse(text)), true)
  const { name, spec_version, ...old } = standard(TLP1_RED)
  t.equal(isStandardRepost(old), true, 'the 2.0 form')
  t.equal(isStandardRepost({ ...old, spec_version: '2.0' }), true, 'which may say so')
  const instant = { ...old, name, spec_version, created: '2017-01-20T00:00:00Z' }
  t.equal(isStandardRepost(instant), true, 'the same instant')
  t.equal(isStandardRepost({ ...old, spec_version }), false, 'neither form')
  t.equal(isStandardRepost({ ...old, name, spec_version: '2.0' }), false)
  t.equal(isStandardRepost({ ...old, name }), false)
  t.equal(isStandardRepost({ ...old, definition: { tlp: 'white' } }), false)
  t.equal(isStandardRepost({ ...old, definition: { tlp: 'red', x: 1 } }), false)
  t.equal(isStandardRepost({ ...old, x_more: 1 }), false)
  t.equal(isStandardRepost({ ...old, name: 'TLP:WHITE' }), false)
  t.equal(isStandardRepost({ ...standard(TLP2_RED), extensions: {} }), false)
  t.equal(isStandardRepost({ ...standard(TLP2_RED), name: undefined }), false)
  t.equal(isStandardRepost({ ...old, id: OTHER }), null)
})

test('label hints: the highest, in any case', async (t) => {
  t.equal(labelHints({ labels: ['x', 'TLP:White'] }), 'clear')
  t.equal(labelHints({ labels: ['tlp:green', 'tlp:AMBER+strict', 'tlp:amber'] }), 'amber+strict')
  for (const labels of [[], ['tlp:purple'], ['red'], ['tlp:red!'], 'tlp:red', [1]])
    t.equal(labelHints({ labels }), null)
  t.equal(labelHints({}), null)
})

test('kinds of definitions', async (t) => {
  const kind = (more: Record<string, unknown>) =>
    kindOfDefinition({ type: 'marking-definition', id: OTHER, ...more })
  const extension = (id: string) => ({ extensions: { [id]: { extension_type: 'property-extension' } } })
  const statement = { definition_type: 'statement', definition: { statement: '(c)' } }
  t.equal(kind(statement), 'statement')
  t.equal(kind({ definition_type: 'statement', definition: {} }), 'other')
  t.equal(kind({ definition_type: 'tlp', definition: { tlp: 'red' } }), 'tlp-claim')
  t.equal(kind({ definition_type: 'TLP', definition: { tlp: 'red' } }), 'tlp-claim')
  const tlp2 = extension('extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d')
  t.equal(kind({ ...statement, ...tlp2 }), 'tlp-claim')
  t.equal(kind({ ...statement, ...extension(RELEASE_EXTENSION) }), 'release')
  t.equal(kind(extension('extension-definition--3a65884d-005a-4290-8335-cb2d778a83ce')), 'acs')
  t.equal(kind(extension('extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a')), 'iep')
  t.equal(kind({}), 'other')
  t.equal(kindOfDefinition(standard(TLP2_RED)), 'other', 'known by id')
})

test('references to markings', async (t) => {
  t.same(objectRefs({ object_marking_refs: [OTHER] }), [OTHER])
  t.same(objectRefs({}), [])
  t.same(
    granularRefs({
      granular_markings: [
        { marking_ref: OTHER, selectors: ['name'] },
        { lang: 'en', selectors: ['x'] },
      ],
    }),
    [{ ref: OTHER, selectors: ['name'] }],
  )
  t.same(granularRefs({}), [])
})

const carrying = (content: unknown) => ({
  type: 'marking-definition',
  id: OTHER,
  extensions: { [RELEASE_EXTENSION]: content },
})
const FULL = {
  extension_type: 'property-extension',
  releasable_to: {
    countries: ['DE', 'FR'],
    communities: ['eu-csirts-network'],
    organizations: ['o'],
    persons: ['p'],
  },
  not_releasable_to: { countries: ['GB'] },
  clients: 'denied',
  not_before: '2026-12-01T00:00:00.000Z',
  not_after: '2027-12-01T00:00:00.000Z',
  disclose_recipients: false,
}

test('a hidden list of recipients needs an id that cannot be guessed', async (t) => {
  const named = (uuid: unknown) => readRelease({ ...carrying(FULL), id: uuid })
  t.match(named('marking-definition--7c1d0b0e-3c1e-5d3e-9f51-6b0f4b7d2a10'), { problem: /UUIDv4/ })
  t.match(named('marking-definition--7c1d0b0e-3c1e-1d3e-9f51-6b0f4b7d2a10'), { problem: /random id/ })
  t.match(named('marking-definition--7c1d0b0e-3c1e-4d3e-cf51-6b0f4b7d2a10'), { problem: /random id/ })
  t.match(named(undefined), { problem: /random id/ })
  t.match(named('marking-definition--7C1D0B0E-3C1E-4D3E-9F51-6B0F4B7D2A10'), { release: Object })
  const open = { ...carrying({ ...FULL, disclose_recipients: true }), id: 'marking-definition--x' }
  t.notMatch(readRelease(open), { problem: String })
})

test('the release extension is read', async (t) => {
  t.same(readRelease(carrying(FULL)), {
    release: {
      releasableTo: FULL.releasable_to,
      notReleasableTo: { countries: ['GB'] },
      clients: 'denied',
      notBefore: FULL.not_before,
      notAfter: FULL.not_after,
      discloseRecipients: false,
    },
  })
  t.same(readRelease(carrying({ extension_type: 'property-extension', clients: 'allowed' })), {
    release: { clients: 'allowed', discloseRecipients: true },
  })
  t.equal(readRelease({ type: 'marking-definition' }), null)
  t.equal(readRelease({ extensions: {} }), null)
})

test('the release extension is read strictly, and its JSON Schema agrees', async (t) => {
  const ajv = new Ajv2020({
    strict: false,
    formats: { 'date-time': (text: string) => timestampKey(text) !== null },
  })
  const schema = ajv.compile(JSON.parse(JSON.parse(RELEASE_EXTENSION_DEFINITION).schema))
  t.ok(schema(FULL))
  const { extension_type, ...untyped } = FULL
  const bad: [unknown, RegExp][] = [
    ['x', /must be an object/],
    [untyped, /extension_type/],
    [{ extension_type }, /no condition/],
    [{ ...FULL, releasable: 1 }, /unknown property "releasable"/],
    [{ ...FULL, releasable_to: {} }, /releasable_to/],
    [{ ...FULL, releasable_to: { regions: ['x'] } }, /unknown property "regions"/],
    [{ ...FULL, releasable_to: { countries: [] } }, /at least one/],
    [{ ...FULL, releasable_to: { countries: 'DE' } }, /must be a list/],
    [{ ...FULL, releasable_to: { countries: ['de'] } }, /two upper-case letters/],
    [{ ...FULL, releasable_to: { countries: ['DEU'] } }, /two upper-case letters/],
    [{ ...FULL, releasable_to: { countries: ['DE', 'ZZ'] } }, /ZZ, which is no country/],
    [{ ...FULL, releasable_to: { persons: [''] } }, /no name/],
    [{ ...FULL, not_releasable_to: { countries: ['ZZ'] } }, /no country/],
    [{ ...FULL, not_releasable_to: { organizations: ['x'] } }, /unknown property/],
    [{ ...FULL, clients: true }, /clients/],
    [{ ...FULL, not_before: '2026-12-01' }, /timestamp/],
    [{ ...FULL, disclose_recipients: 'no' }, /true or false/],
  ]
  for (const [content, problem] of bad) {
    t.match(readRelease(carrying(content)), { problem })
    t.notOk(schema(content), JSON.stringify(content))
  }
  t.match(readRelease(carrying({ ...FULL, not_after: '2026-12-01T00:00:00Z' })), { problem: /later/ })
  t.match(readRelease(carrying({ ...FULL, __proto__: null, constructor: 1 })), { problem: /unknown/ })
})
