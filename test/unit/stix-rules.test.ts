/** Every rule of the validator: an object that breaks it is told so by its code, one beside it passes. */
import { test } from 'tap'
import {
  type Report,
  type ValidateOptions,
  validateObject,
  validateText,
  WARNING_CODES,
} from '../../src/stix/index.ts'
import {
  AT,
  id,
  identity,
  LATER,
  MINIMAL,
  malware,
  relationship,
  sdo,
  tool,
  UUID,
  type Value,
} from '../support/stix-builders.ts'
import { ERROR_CASES } from '../support/stix-error-cases.ts'
import { MORE_ERROR_CASES } from '../support/stix-error-cases-more.ts'
import { WARNING_CASES } from '../support/stix-warning-cases.ts'

const found = (report: Report): string[] => [
  ...report.findings.map((f) => f.code),
  ...report.objects.flatMap((o) => [...o.errors, ...o.warnings].map((f) => f.code)),
]
const codes = (value: unknown, options?: ValidateOptions): string[] => found(validateObject(value, options))
const bundle = (...objects: Value[]): Value => ({ type: 'bundle', id: id('bundle'), objects })

test('the least object of each type is valid and draws no warning', async (t) => {
  for (const value of MINIMAL) {
    const report = validateText(JSON.stringify(value))
    t.same(found(report), [], String(value.type))
    t.ok(report.valid)
    t.match(report.objects[0], { id: value.id, type: value.type, version: '2.1', valid: true })
    t.same(codes(value), [], `${value.type} as a value`)
  }
})

test('errors: each code is given by what breaks the rule only', async (t) => {
  for (const [code, bad, good] of [...ERROR_CASES, ...MORE_ERROR_CASES]) {
    const report = validateObject(bad)
    t.notOk(report.valid, code)
    t.ok(found(report).includes(code), `${code}: ${JSON.stringify(bad).slice(0, 300)} -> ${found(report)}`)
    for (const error of report.objects[0]?.errors ?? []) {
      t.match(error.message, /^(The object|\/|The pattern|[A-Z]).*\.$/s, `${code} is a sentence`)
      t.match(error.path, /^(\/.*)?$/s)
    }
    const beside = validateObject(good)
    t.same(beside.objects[0]?.errors, [], `${code}: ${JSON.stringify(good).slice(0, 300)}`)
  }
})

test('warnings: each number is given by what it is about only, and can be disabled', async (t) => {
  for (const [code, bad, good] of WARNING_CASES) {
    const report = validateObject(bad)
    t.same(report.objects[0]?.errors, [], `${code} is valid: ${JSON.stringify(bad)}`)
    t.ok(report.valid)
    t.ok(found(report).includes(code), `${code}: ${JSON.stringify(bad)} -> ${found(report)}`)
    t.notOk(found(validateObject(good)).includes(code), `${code}: ${JSON.stringify(good)}`)
    t.same(validateObject(good).objects[0]?.errors, [], `${code} beside`)
    t.notOk(codes(bad, { disable: [Number(code)] }).includes(code), `${code} disabled`)
    t.notOk(validateObject(bad, { strict: true }).valid, `${code} strict`)
  }
  const tested = new Set(WARNING_CASES.map(([code]) => code))
  const elsewhere = ['101', '102', '150', '203']
  for (const code of WARNING_CODES.keys()) {
    t.ok(tested.has(code) || elsewhere.includes(code), `${code} has a case`)
    if (!elsewhere.includes(code)) t.ok(tested.has(code))
  }
})

test('groups of codes', async (t) => {
  const value = identity({
    id: `identity--${UUID.replace('4d3e', '5d3e')}`,
    identity_class: 'My class',
    sectors: ['x'],
  })
  t.same(codes(value).sort(), ['103', '111', '213', '215'])
  t.same(codes(value, { disable: ['210'] }).sort(), ['103', '111'])
  t.same(codes(value, { disable: [1] }).sort(), ['213', '215'])
  t.same(codes(value, { disable: [1, '2'] }), [])
  t.same(codes(sdo('location', { country: 'X' }), { disable: [270] }), [])
  t.same(codes(value, { disable: ['150', 103, '111', '213', '215'] }), [])
})

test('101 and 102: names, once 401 is disabled', async (t) => {
  const value = tool({ colour: 'red' })
  t.same(codes(value), ['401'])
  t.same(codes(value, { disable: [401] }), ['101'])
  t.same(codes(value, { disable: [401, 101] }), ['102'])
  t.same(codes(tool({ x_colour: 1 }), { disable: [401] }), ['101'])
  t.same(codes(tool({ x_colour: 1 }), { disable: [401, 101] }), [])
  t.same(codes(tool({ x_acme_colour: 1 }), { disable: [401] }), [])
  t.same(codes(sdo('thing', { foo: 1 }), { disable: [401] }), ['101'])
  t.same(codes(sdo('x-acme-thing', { foo: 1 }), { disable: [401] }), [])
})

test('options: what custom content is refused', async (t) => {
  const EXT = 'extension-definition--04a2c6a4-2f3c-4d8f-9c07-5d1a6d2a8f10'
  const defined = tool({ extensions: { [EXT]: { extension_type: 'property-extension', foo: 1 } } })
  t.same(codes(sdo('x-acme', { foo: 1 }), { customTypes: 'deny' }), ['ME-09/custom-type'])
  t.same(codes(tool({ x_a: 1 }), { customProperties: 'deny' }), ['ME-09/custom-property'])
  const file = {
    ...(MINIMAL.find((o) => o.type === 'file') as Value),
    extensions: { 'x-acme-ext': { foo: 1 } },
  }
  t.ok(codes(file, { customExtensions: 'deny' }).includes('ME-09/custom-extension'))
  t.same(codes(defined), [])
  t.same(codes(defined, { extensions: 'deny' }), ['ME-09/extension'])
  t.same(codes(defined, { extensions: [] }), ['ME-09/extension'])
  t.same(codes(defined, { extensions: [EXT] }), [])
})

test('bundles: their frame, and what objects say of each other', async (t) => {
  t.same(codes(bundle(tool())), [])
  t.same(codes({ type: 'bundle', id: id('bundle') }), [], 'objects is optional')
  t.same(codes({ type: 'bundle', id: id('bundle'), objects: [] }), ['ME-11/objects'])
  t.same(codes({ type: 'bundle', id: id('tool'), objects: [tool()] }), ['ME-11/id'])
  t.same(codes({ type: 'bundle', objects: [tool()] }), ['ME-11/id'])
  t.same(codes({ type: 'bundle', id: id('bundle'), objects: [1] }), ['ME-11/objects'])
  t.same(codes({ type: 'bundle', id: id('bundle'), objects: {} }), ['TY-05/type'])
  t.same(codes(bundle(bundle(tool()))), ['ME-11/bundle'])
  t.same(codes(bundle(tool(), tool())), ['203'])
  t.same(codes(bundle(tool(), tool({ modified: LATER }))), [])
  t.same(codes(bundle(tool(), malware())), ['CO-07/shared-uuid'])
  const creators = [
    id('identity', '1c1d0b0e-3c1e-4d3e-9f51-6b0f4b7d2a10'),
    id('identity', '2c1d0b0e-3c1e-4d3e-9f51-6b0f4b7d2a10'),
  ]
  t.same(codes(bundle(tool({ created_by_ref: creators[0] }), malware({ created_by_ref: creators[1] }))), [])
  const link = relationship({ id: id('relationship', '3c1d0b0e-3c1e-4d3e-9f51-6b0f4b7d2a10') })
  t.same(codes(bundle(link)), [])
  t.same(codes(bundle(link), { enforceRefs: true }), ['ME-12/unresolved', 'ME-12/unresolved'])
  t.same(codes(bundle(tool()), { interop: true }), ['ME-13/creator'])
  const self = identity({ created_by_ref: id('identity') })
  t.same(
    codes(
      bundle(self, tool({ id: id('tool', '4c1d0b0e-3c1e-4d3e-9f51-6b0f4b7d2a10'), created_by_ref: self.id })),
      { interop: true },
    ),
    [],
  )
})

test('ME-01: translations mirror the object that is in the bundle', async (t) => {
  const target = tool({ id: id('tool', '5c1d0b0e-3c1e-4d3e-9f51-6b0f4b7d2a10'), aliases: ['a', 'b'] })
  const words = (contents: Value, more: Value = {}): Value =>
    sdo('language-content', {
      object_ref: target.id,
      object_modified: AT,
      contents: { de: contents },
      ...more,
    })
  t.same(codes(bundle(target, words({ name: 'N', aliases: ['x', 'y'], unknown_one: 'z' }))), [])
  t.same(codes(bundle(target, words({ name: ['N'] }))), ['ME-01/mirror'])
  t.same(codes(bundle(target, words({ aliases: ['x'] }))), ['ME-01/mirror'])
  t.same(codes(bundle(target, words({ name: 'N' }, { object_modified: LATER }))), ['ME-01/modified'])
})

test('which version judges', async (t) => {
  const old = { ...tool(), labels: ['a'] } as Value
  delete old.spec_version
  const version = (value: unknown, options?: ValidateOptions) =>
    validateObject(value, options).objects[0]?.version
  t.equal(version(old), '2.1', 'alone it lacks spec_version')
  t.same(codes(old), ['CO-08/spec-version'])
  t.equal(version(bundle(old)), '2.0')
  t.equal(version({ ...bundle(old), spec_version: '2.0' }), '2.0')
  t.equal(version(old, { version: '2.0' }), '2.0')
  t.same(codes(bundle(old), { versions: ['2.1'] }), ['CO-08/spec-version'])
  t.equal(version(bundle(sdo('note', { spec_version: '2.0', content: 'a' }))), null, 'no note in 2.0')
  t.equal(version(bundle({ type: 'file', id: id('file', UUID.replace('4d3e', '5d3e')), name: 'a' })), '2.1')
})

test('STIX 2.0: ids, timestamps and TLP markings are as that version has them, and no SHOULD is looked at', async (t) => {
  const old = (more: Value = {}): Value => tool({ spec_version: '2.0', labels: ['exploitation'], ...more })
  const V5 = UUID.replace('4d3e', '5d3e')
  t.same(codes(old()), ['907'])
  t.same(codes(old({ id: id('tool', V5) })), ['CO-03/uuid-version', '907'])
  t.same(codes(old({ id: id('tool', UUID.toUpperCase()) })), ['907', '904'])
  t.same(codes({ ...bundle(old()), spec_version: '2.0', id: id('bundle', V5) }), [
    'CO-03/uuid-version',
    '907',
  ])
  t.same(codes(bundle(old(), old())), ['907', '907'], 'not 203')
  t.same(codes(old({ modified: '2026-01-01T00:00:00Z' })), ['CO-09/precision', '907'])
  t.same(codes(old({ modified: '2026-01-01T00:00:00.000001Z' })), ['CO-09/three-digits', '907'])
  const red = (more: Value): Value => ({
    type: 'marking-definition',
    id: 'marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed',
    created: '2017-01-20T00:00:00.000Z',
    definition_type: 'tlp',
    definition: { tlp: 'red' },
    ...more,
  })
  t.same(codes(bundle(red({}))), ['907'])
  t.same(codes(bundle(red({ name: 'TLP:RED' }))), ['ME-03/tlp', '907'])
  t.same(codes(bundle(red({ x_more: 1 }))), ['ME-03/tlp', '907'])
  const statement = { definition_type: 'statement', definition: { statement: 'S' } }
  t.same(codes(bundle(red(statement))), ['ME-03/tlp-id', '907'])
  const extensions = {
    'extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d': {
      extension_type: 'property-extension',
      tlp_2_0: 'red',
    },
  }
  t.same(codes(old({ extensions })), ['ME-04/tlp', '907'])
  t.same(codes(bundle(red({ ...statement, id: id('marking-definition'), extensions }))), ['ME-04/tlp', '907'])
})

/** Each row of the rules, and the codes by which the cases above test it. */
const ROWS: Readonly<Record<string, readonly string[]>> = {
  'TY-01': ['TY-01/required', 'TY-01/null', 'TY-01/type'],
  'TY-02': ['TY-02/empty-list', 'TY-02/empty-object', '911'],
  'TY-03': ['TY-03/key', '142', '910'],
  'TY-04': ['TY-04/integer', 'TY-04/range', 'TY-04/number'],
  'TY-05': ['TY-05/type'],
  'TY-06': ['TY-06/hex', '902'],
  'TY-07': ['TY-07/base64'],
  'TY-08': ['TY-08/hash', 'TY-08/key', '241'],
  'TY-09': ['TY-09/algorithm'],
  'TY-10': ['TY-10/external-reference'],
  'TY-11': ['TY-11/cve', 'TY-11/capec'],
  'TY-12': ['TY-12/url', '302'],
  'TY-13': ['TY-13/timestamp'],
  'TY-14': ['TY-14/type-name'],
  'TY-15': ['TY-15/property-name'],
  'TY-16': ['TY-16/reserved'],
  'TY-17': ['TY-17/charset'],
  'TY-18': ['TY-18/encoding-alone'],
  'TY-19': ['211', '245', '111'],
  'TY-20': ['TY-20/enum'],
  'CO-01': ['CO-01/id', 'CO-01/id-type', 'CO-01/reference'],
  'CO-02': ['CO-01/id', '904'],
  'CO-03': ['103'],
  'CO-04': ['CO-04/uuid-version'],
  'CO-05': ['CO-05/process-id'],
  'CO-06': ['901'],
  'CO-08': ['CO-08/spec-version'],
  'CO-09': ['CO-09/precision'],
  'CO-10': ['CO-10/modified-before-created'],
  'CO-11': ['CO-11/target'],
  'CO-12': ['CO-12/target'],
  'CO-13': ['CO-13/lang', 'TY-04/range'],
  'CO-14': ['CO-14/not-applicable'],
  'CO-16': ['CO-16/order'],
  'SD-01': ['SD-01/location', 'SD-01/coordinates', 'SD-01/precision', '277', '223'],
  'SD-02': ['SD-02/family-name', 'SD-02/target', '216', '226', '228', '230'],
  'SD-03': ['SD-03/result', 'SD-03/target', '143', '231'],
  'SD-04': ['SD-04/objects', 'SD-04/no-observable', 'SD-04/target'],
  'SD-05': ['SD-05/type', 'SD-05/unresolved', '141', '304'],
  'SD-06': ['PA-00/syntax', '303', '214', '245'],
  'SD-07': ['TY-02/empty-list', 'ME-11/bundle', '218', '225'],
  'SD-08': ['SD-08/target'],
  'SD-09': ['SD-09/relationship-type', 'SD-09/length'],
  'SD-10': ['202'],
  'SD-11': ['SD-11/target'],
  'SD-12': ['TY-01/required', '121'],
  'SC-01': ['SC-01/target'],
  'SC-02': ['SC-02/payload', 'SC-02/hashes', 'SC-02/encryption', '271'],
  'SC-03': ['SC-03/domain', '906'],
  'SC-04': ['SC-04/email'],
  'SC-05': ['SC-05/multipart', 'SC-05/part'],
  'SC-06': ['TY-05/type'],
  'SC-07': ['SC-07/name-or-hashes', 'SC-07/empty', 'SC-07/time-date-stamp', '243'],
  'SC-08': ['SC-08/ipv4', 'SC-08/ipv6', 'SC-08/mac'],
  'SC-09': [
    'SC-09/end-points',
    'SC-09/active',
    'SC-09/still-active',
    'SC-09/tcp-flags',
    '301',
    '272',
    '273',
    '274',
    '275',
  ],
  'SC-10': ['SC-10/empty', '244', '149'],
  'SC-11': ['SC-11/cpe'],
  'SC-12': ['SC-12/url'],
  'SC-13': ['SC-13/hive'],
  'SC-14': ['SC-14/value', '276', '149'],
  'ME-01': ['ME-01/language', 'ME-01/target', 'ME-01/value', 'ME-01/property'],
  'ME-02': ['ME-02/definition', 'ME-02/statement', 'ME-02/self', '201'],
  'ME-03': ['ME-03/tlp', 'ME-03/tlp-id'],
  'ME-04': ['ME-04/tlp', 'ME-04/tlp-id'],
  'ME-05': ['ME-05/lang-or-marking', 'ME-05/target'],
  'ME-06': ['ME-06/selector'],
  'ME-07': ['ME-07/extension-properties', '305', '306'],
  'ME-08': ['ME-08/key', 'ME-08/extension-type', 'ME-08/host'],
  'ME-10': ['ME-10/no-property'],
  'ME-11': ['ME-11/bundle'],
}

test('every row has a case; CO-07, CO-15, ME-09, ME-12 and ME-13 are tested by options and bundles above', async (t) => {
  const tested = new Set([...ERROR_CASES, ...MORE_ERROR_CASES, ...WARNING_CASES].map(([code]) => code))
  for (const [row, wanted] of Object.entries(ROWS))
    for (const code of wanted) t.ok(tested.has(code), `${row} ${code}`)
  const told = new Set(Object.values(ROWS).flat())
  for (const code of tested) t.ok(told.has(code) || /^[0-9]|^limit/.test(code), `${code} belongs to a row`)
})
