/** The label lint: each of its warnings, what draws none, and that hostile text costs no more than its length. */
import { test } from 'tap'
import { labelsOf } from '../../src/policy/label.ts'
import { labelLint, RELEASE_EXTENSION, validateObject } from '../../src/stix/index.ts'
import { indicator, TLP } from '../support/stix.ts'

const GREEN_1 = 'marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da'
const AMBER_1 = 'marking-definition--f88d31f6-486f-44da-b317-01333bde0b82'

type Value = Record<string, unknown>
const green = (more: Value = {}): Value => ({ type: 'note', object_marking_refs: [TLP.green], ...more })
const codes = (value: Value) => labelLint(value).map((finding) => finding.code)

const MENTIONS: readonly [string, boolean][] = [
  ['TLP:RED', true],
  ['tlp:red', true],
  ['TLP: RED', true],
  ['TLP RED', true],
  ['TLP-RED', true],
  ['TLP : Red, do not share', true],
  ['(tlp_amber)', true],
  ['TLP:AMBER+STRICT', true],
  ['TLP: amber + strict', true],
  ['first TLP:CLEAR, then TLP:RED', true],
  ['TLP:GREEN', false],
  ['TLP:WHITE', false],
  ['TLP:REDUCED', false],
  ['TLP:RED2', false],
  ['the red TLP', false],
  ['XTLP:RED', false],
  ['TLP     :     RED', false],
  ['TLP2 RED', false],
]

test('a level in a text that is stricter than the object', async (t) => {
  for (const [text, warns] of MENTIONS) {
    for (const name of ['name', 'description', 'abstract', 'content', 'explanation', 'comment'])
      t.same(codes(green({ [name]: text })), warns ? ['913'] : [], `${name}: ${text}`)
    t.same(codes(green({ pattern: text })), [], 'not in other properties')
  }
  t.same(codes({ type: 'note', content: 'TLP:RED' }), ['913'], 'unmarked reaches colleagues, RED does not')
  t.same(codes({ type: 'note', content: 'TLP:AMBER+STRICT' }), [])
  t.same(codes(green({ type: 'marking-definition', name: 'TLP:RED for all' })), [], 'it is about others')
  t.same(codes(green({ content: { a: 'TLP:RED' } })), [])
  t.same(
    labelLint(green({ content: 'TLP:RED' }), { marked: 'green', effective: 'red' }),
    [],
    'the effective level',
  )
})

const OTHERS: readonly [string, Value, string[]][] = [
  ['a stricter label', green({ labels: ['tlp:red'] }), ['912']],
  ['a weaker label', green({ labels: ['tlp:white'] }), ['912']],
  ['the same label', green({ labels: ['TLP:GREEN'] }), []],
  ['a label alone', { type: 'note', labels: ['tlp:red'] }, []],
  [
    'a label raises what texts are compared with',
    green({ labels: ['tlp:red'], content: 'TLP:RED' }),
    ['912'],
  ],
  ['a weaker part', green({ granular_markings: [{ marking_ref: TLP.clear, selectors: ['name'] }] }), ['914']],
  ['a stricter part', green({ granular_markings: [{ marking_ref: TLP.red, selectors: ['name'] }] }), []],
  ['a part in a language', green({ granular_markings: [{ lang: 'de', selectors: ['name'] }] }), []],
  ['both generations, equal', green({ object_marking_refs: [TLP.green, GREEN_1] }), []],
  ['both generations, different', green({ object_marking_refs: [TLP.green, AMBER_1] }), ['915']],
  ['one generation twice', green({ object_marking_refs: [TLP.green, TLP.amber] }), []],
]

test('labels, parts, generations', async (t) => {
  for (const [name, value, wanted] of OTHERS) t.same(codes(value), wanted, name)
})

const release = (content: Value, id = 'marking-definition--7c1d0b0e-3c1e-5d3e-9f51-6b0f4b7d2a10'): Value => ({
  type: 'marking-definition',
  id,
  extensions: { [RELEASE_EXTENSION]: { extension_type: 'property-extension', ...content } },
})

const RELEASES: readonly [Value, RegExp | null][] = [
  [{ releasable_to: { countries: ['DE', 'FR'] } }, null],
  [{ releasable_to: { countries: ['DE', 'DE'] } }, /countries names the same twice/],
  [{ not_releasable_to: { countries: ['DE', 'DE'] } }, /not_releasable_to names the same twice/],
  [{ releasable_to: { countries: ['DE'] }, not_releasable_to: { countries: ['DE'] } }, /takes back/],
  [{ releasable_to: { countries: ['DE'] }, not_releasable_to: { countries: ['GB'] } }, /has no effect/],
  [{ releasable_to: { communities: ['c'] }, not_releasable_to: { countries: ['GB'] } }, null],
  [{ clients: 'allowed' }, /has no effect/],
  [{ clients: 'denied' }, null],
  [{ releasable_to: {} }, /refused here: releasable_to/],
  [{ clients: 'denied', disclose_recipients: false }, /refused here: .*UUIDv4/],
]

test('release markings', async (t) => {
  for (const [content, message] of RELEASES) {
    const findings = labelLint(release(content))
    if (message === null) t.same(findings, [], JSON.stringify(content))
    else t.match(findings, [{ code: '916', path: '/extensions', message }], JSON.stringify(content))
  }
})

test('the validator gives them, and no collection refuses by them', async (t) => {
  const value = indicator({ object_marking_refs: [TLP.green], description: 'TLP:RED' })
  const [report] = validateObject(value).objects
  t.match(report?.warnings, [
    { code: '913', path: '/description', message: /^\/description: the description says TLP:RED/ },
  ])
  t.ok(report?.valid)
  t.same(validateObject(value, { disable: [913] }).objects[0]?.warnings, [])
})

test('the status has them with the level that the object really gets', async (t) => {
  const rules = { quarantine: false, redaction: 'withhold' as const }
  const value = { type: 'note', content: 'TLP:AMBER' }
  const label = (defaultMarking: string) =>
    labelsOf(value, 'o', { ...rules, defaultMarking }, () => undefined)
  t.match(label('tlp:green'), { warnings: [/content says TLP:AMBER but the object is TLP:GREEN/] })
  t.match(label('tlp:red'), { warnings: [] })
})

test('hostile text', async (t) => {
  const texts = [
    'tlp'.repeat(300_000),
    `tlp${' '.repeat(900_000)}`,
    'tlp:amber + '.repeat(80_000),
    'TLP: '.repeat(200_000),
  ]
  const start = process.hrtime.bigint()
  for (const content of texts) labelLint(green({ content, description: content, name: content }))
  const seconds = Number(process.hrtime.bigint() - start) / 1e9
  t.ok(seconds < 5, `${seconds} s for 11 MB`)
})
