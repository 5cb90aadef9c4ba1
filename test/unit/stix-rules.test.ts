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
