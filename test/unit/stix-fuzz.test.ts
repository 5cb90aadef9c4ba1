/** Nothing that comes in makes the validator throw or run on: mutated objects, any value, any text. */
import fc from 'fast-check'
import { test } from 'tap'
import { type Report, validateObject, validateText } from '../../src/stix/index.ts'
import * as offered from '../../src/stix/package.ts'
import { MINIMAL, tool, type Value } from '../support/stix-builders.ts'
import { ERROR_CASES } from '../support/stix-error-cases.ts'
import { MORE_ERROR_CASES } from '../support/stix-error-cases-more.ts'
import { WARNING_CASES } from '../support/stix-warning-cases.ts'

const codes = (report: Report): string[] => [
  ...report.findings.map((f) => f.code),
  ...report.objects.flatMap((o) => [...o.errors, ...o.warnings].map((f) => f.code)),
]
const HOSTILE: readonly unknown[] = [
  null,
  '',
  'a'.repeat(300),
  '\0',
  '\ud800',
  -1,
  1.5,
  1e308,
  Number.NaN,
  2 ** 53,
  [],
  {},
  [[]],
  [null],
  true,
  '2026-13-01T00:00:00Z',
  'tool--',
  '__proto__',
  'constructor',
  { __proto__: null },
  { type: 'bundle' },
  "['",
  'a.b.[0]',
  undefined,
  10n,
  Symbol('a'),
  () => 1,
]

/** A change at a random place of a value, by numbers that a random source gives. */
function mutate(value: unknown, next: (bound: number) => number): unknown {
  if (typeof value !== 'object' || value === null || next(6) === 0) return HOSTILE[next(HOSTILE.length)]
  const keys = Object.keys(value)
  if (keys.length === 0) return HOSTILE[next(HOSTILE.length)]
  const key = keys[next(keys.length)] as string
  if (Array.isArray(value)) {
    const copy = [...value]
    copy[Number(key)] = mutate(copy[Number(key)], next)
    return copy
  }
  const copy: Value = { ...(value as Value) }
  const choice = next(5)
  if (choice === 0) delete copy[key]
  else if (choice === 1) copy[`${key}_${'xyz'[next(3)]}`] = copy[key]
  else copy[key] = mutate(copy[key], next)
  return copy
}

test('mutated objects: nothing throws, and each takes bounded time', async (t) => {
  const runs = Number(process.env.STIX_FUZZ_RUNS ?? 4_000)
  const seeds = [
    ...MINIMAL,
    ...[...ERROR_CASES, ...MORE_ERROR_CASES, ...WARNING_CASES].map(([, , good]) => good),
  ]
  let state = 20_261_125
  const next = (bound: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return (state >>> 8) % bound
  }
  let slowest = 0
  let faults = 0
  for (let i = 0; i < runs; i++) {
    let value: unknown = seeds[next(seeds.length)]
    for (let n = next(3); n >= 0; n--) value = mutate(value, next)
    const start = performance.now()
    const report = validateObject(value)
    slowest = Math.max(slowest, performance.now() - start)
    if (codes(report).includes('internal')) faults++
    let text: string | undefined
    try {
      text = JSON.stringify(value)
    } catch {
      continue
    }
    if (text === undefined) continue
    const cut = next(4) === 0 ? text.slice(0, next(text.length + 1)) : text
    if (codes(validateText(cut)).includes('internal')) faults++
  }
  t.equal(faults, 0, 'a fault of ours would be the finding `internal`')
  t.comment(`${runs} values, slowest ${slowest.toFixed(1)} ms`)
})

test('any JavaScript value, and any text', async () => {
  fc.assert(
    fc.property(
      fc.anything({ withBigInt: true, withMap: true, withNullPrototype: true }),
      (value) => !codes(validateObject(value)).includes('internal'),
    ),
  )
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => !codes(validateText(text)).includes('internal')),
  )
})

test('values that share parts or hold themselves end', async (t) => {
  const self: Value = tool()
  self.x_acme_me = self
  t.ok(codes(validateObject(self)).includes('limit/depth'))
  let shared: unknown = 'a'
  for (let i = 0; i < 80; i++) shared = [shared, shared]
  t.ok(codes(validateObject(tool({ x_acme_a: shared }))).includes('limit/values'))
  const trap = new Proxy(
    {},
    {
      ownKeys: () => {
        throw new Error('no')
      },
    },
  )
  t.doesNotThrow(() => validateObject(trap))
  t.doesNotThrow(() =>
    validateObject({
      get type() {
        throw new Error('no')
      },
    }),
  )
})

/** Values that no type admits: traps, circles, depth, and trees of patterns that are none. */
function strangers(): unknown[] {
  const trap = (): never => {
    throw new Error('no')
  }
  const self: Value = tool()
  self.self = self
  let deep: Value = { type: 'file' }
  for (let i = 0; i < 50_000; i++)
    deep = { type: 'file', kind: 'group', qualifiers: [], inner: deep, name: deep }
  const chain: Value = { kind: 'chain', operator: 'AND' }
  chain.terms = [chain, chain]
  return [
    ...HOSTILE,
    new Proxy({}, { get: trap, ownKeys: trap, getOwnPropertyDescriptor: trap, getPrototypeOf: trap }),
    {
      get type() {
        return trap()
      },
    },
    self,
    deep,
    { type: 'file', name: 10n, hashes: null, extensions: 5 },
    { type: 'tool', id: 5, created: 5, modified: Symbol('a') },
    { toString: trap, valueOf: trap },
    { kind: 'bracket' },
    { kind: 'bracket', qualifiers: [], comparison: { kind: 'test', path: {}, values: [null] } },
    { kind: 'bracket', qualifiers: [null], comparison: chain },
    { kind: 'join', operator: 'OR', qualifiers: 5, terms: [null] },
    { disable: 5, limits: null, versions: 'x', extensions: 5 },
  ]
}

test('nothing that the package offers throws, whatever it is given', async (t) => {
  const values = strangers()
  let calls = 0
  for (const [name, item] of Object.entries<unknown>(offered)) {
    if (typeof item !== 'function') continue
    const given: number[] = []
    for (const [i, first] of values.entries()) {
      for (const second of values) {
        calls++
        try {
          item(first, second)
        } catch {
          given.push(i)
        }
      }
    }
    t.same(given, [], `${name}: the values that it throws on`)
  }
  t.ok(calls > 10_000, `${calls} calls`)
  for (const value of values as Value[]) {
    t.equal(offered.deterministicId(value), null)
    t.match(offered.compareVersions(value, tool()), { sameId: false, sameContent: false, conflict: false })
  }
  const none = null as unknown as offered.PatternAst
  t.equal(offered.printPattern(none), '')
  t.same(offered.extractObservables(none), [])
})
