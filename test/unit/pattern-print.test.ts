/** Printing and parsing are each other's inverse: parse(print(x)) = x over generated trees (STIX 2.1 §9). */
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { test } from 'tap'
import {
  type PatternAst,
  type PatternResult,
  type PatternVersion,
  parsePattern,
  printPattern,
} from '../../src/stix/index.ts'
import type {
  Comparison,
  Constant,
  ConstantKind,
  Observation,
  Qualifier,
  Step,
} from '../../src/stix/pattern/index.ts'

const HERE = { start: 0, end: 0 }

/** The same tree without places. */
function bare(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(bare)
  if (typeof node !== 'object' || node === null) return node
  return Object.fromEntries(
    Object.entries(node).map(([key, value]) => [key, key === 'start' || key === 'end' ? 0 : bare(value)]),
  )
}

function constant(kind: ConstantKind, text: string): Constant {
  return { kind, text, ...HERE }
}

const digits = fc.stringMatching(/^[0-9]{1,12}$/)
const integer = fc.maxSafeInteger().map((n) => constant('integer', String(n)))
const float = fc
  .tuple(fc.constantFrom('', '-'), fc.oneof(digits, fc.constant('')), digits)
  .map(([sign, whole, fraction]) => constant('float', `${sign}${whole}.${fraction}`))
const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: fc.constantFrom("'", '\\', 'n', '\n', '/*', '//', ']', ' ') }),
)
const string = text.map((value) => constant('string', value))
const boolean = fc.boolean().map((value) => constant('boolean', String(value)))
const bytes = fc.uint8Array({ minLength: 1, maxLength: 20 }).map((value) => Buffer.from(value))
const hex = bytes.map((value) => constant('hex', value.toString('hex')))
const binary = bytes.map((value) => constant('binary', value.toString('base64')))
const date = fc
  .date({
    min: new Date('0000-01-01T00:00:00Z'),
    max: new Date('9999-12-31T23:59:59.999Z'),
    noInvalidDate: true,
  })
  .map((value) => value.toISOString())
const timestamp = date.map((value) => constant('timestamp', value))
const ordered = fc.oneof(integer, float, string, hex, binary, timestamp)
const any = fc.oneof(ordered, boolean)
const set = fc.oneof(
  fc.array(string),
  fc.array(fc.oneof(integer, float)),
  fc.array(timestamp, { maxLength: 3 }),
  fc.array(boolean, { maxLength: 3 }),
)

const key = fc.oneof(
  fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/),
  fc.constantFrom('IN', 'true', 'EXISTS', 'SHA-256', '', '*', '0', "it's", '\\', 'é'),
  text,
)
const step: fc.Arbitrary<Step> = fc.oneof(
  key.map((name): Step => ({ kind: 'key', name })),
  fc.nat().map((index): Step => ({ kind: 'index', index })),
  fc.constant<Step>({ kind: 'any' }),
)

function paths(type: string) {
  const first = fc.constantFrom('name', 'id', 'x_abc', 'value').map((name): Step => ({ kind: 'key', name }))
  return fc
    .tuple(first, fc.array(step, { maxLength: 4 }))
    .map(([head, tail]) => ({ type, steps: [head, ...tail], ...HERE }))
}

function comparisons(type: string): fc.Arbitrary<Comparison> {
  const path = paths(type)
  const one = (operators: readonly string[], value: fc.Arbitrary<Constant>) =>
    fc.record({
      kind: fc.constant('test'),
      path,
      operator: fc.constantFrom(...operators),
      negated: fc.boolean(),
      values: value.map((v) => [v]),
      start: fc.constant(0),
      end: fc.constant(0),
    })
  const leaf = fc.oneof(
    one(['=', '!='], any),
    one(['<', '>', '<=', '>='], ordered),
    one(['LIKE', 'MATCHES'], string),
    one(['IN'], any).chain((base) => set.map((values) => ({ ...base, values }))),
    one(['EXISTS'], any).map((base) => ({ ...base, values: [] })),
    one(
      ['ISSUBSET', 'ISSUPERSET'],
      fc.ipV4().map((ip) => constant('string', `${ip}/8`)),
    ).map((base) => ({
      ...base,
      path: { type, steps: ['dst_ref', 'value'].map((name) => ({ kind: 'key', name })), ...HERE },
    })),
  ) as unknown as fc.Arbitrary<Comparison>
  return fc.letrec<{ node: Comparison }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      leaf,
      fc
        .tuple(fc.constantFrom('AND', 'OR'), fc.array(tie('node'), { minLength: 2, maxLength: 4 }))
        .map(([operator, terms]) => ({ kind: 'chain', operator, terms, ...HERE }) as Comparison),
    ),
  })).node
}

const within: fc.Arbitrary<Qualifier> = fc
  .oneof(
    fc.integer({ min: 1 }).map((n) => constant('integer', String(n))),
    digits.map((n) => constant('float', `${n}.5`)),
  )
  .map((seconds) => ({ kind: 'within', seconds, ...HERE }))
const repeats: fc.Arbitrary<Qualifier> = fc
  .integer({ min: 1 })
  .map((n) => ({ kind: 'repeats', times: constant('integer', String(n)), ...HERE }))
const startStop: fc.Arbitrary<Qualifier> = fc
  .tuple(date, date)
  .filter(([a, b]) => a !== b)
  .map((pair) => {
    const [from = '', until = ''] = pair.sort()
    return {
      kind: 'start-stop',
      from: constant('timestamp', from),
      until: constant('timestamp', until),
      ...HERE,
    }
  })
const some = (minLength: number) =>
  fc.tuple(within, repeats, startStop).chain((all) => fc.shuffledSubarray(all, { minLength }))

const bracket: fc.Arbitrary<Observation> = fc
  .tuple(
    fc.constantFrom('file', 'ipv4-addr', 'x-a1-b', 'network-traffic').chain(comparisons),
    fc.oneof(fc.constant([]), some(1)),
  )
  .map(([comparison, qualifiers]) => ({ kind: 'bracket', comparison, qualifiers, ...HERE }))

const observations = fc.letrec<{ node: Observation }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    bracket,
    fc
      .tuple(
        fc.constantFrom('AND', 'OR', 'FOLLOWEDBY'),
        fc.array(tie('node'), { minLength: 2, maxLength: 3 }),
        fc.oneof(fc.constant([]), some(1)),
      )
      .map(
        ([operator, terms, qualifiers]) =>
          ({ kind: 'join', operator, terms, qualifiers, ...HERE }) as Observation,
      ),
    fc.tuple(tie('node'), some(1), some(1)).map(
      ([inner, own, inners]) =>
        ({
          kind: 'group',
          inner: inner.qualifiers.length > 0 ? inner : { ...inner, qualifiers: inners },
          qualifiers: own,
          ...HERE,
        }) as Observation,
    ),
  ),
})).node

function parsed(result: PatternResult, printed: string): PatternAst {
  if (result.ok) return result.ast
  throw new Error(`${result.errors[0]?.message} in ${printed}`)
}

test('parse(print(x)) = x, and printing what was parsed changes nothing', async () => {
  fc.assert(
    fc.property(observations, (ast) => {
      const printed = printPattern(ast)
      const again = parsed(parsePattern(printed), printed)
      return isDeepStrictEqual(bare(again), bare(ast)) && printPattern(again) === printed
    }),
    { numRuns: 500 },
  )
})

test('the same in the grammar of 2.0, for patterns without EXISTS', async () => {
  const version: PatternVersion = '2.0'
  fc.assert(
    fc.property(observations, (ast) => {
      const printed = printPattern(ast, version)
      fc.pre(!printed.includes('EXISTS'))
      const again = parsed(parsePattern(printed, { version }), printed)
      return isDeepStrictEqual(bare(again), bare(ast))
    }),
    { numRuns: 200 },
  )
})

test('white space and comments between tokens change nothing', async () => {
  fc.assert(
    fc.property(
      observations,
      fc.constantFrom(' ', '\t\n', '\u3000', '/* x */', '//\n', ' /**/ // \r '),
      (ast, gap) => {
        const printed = printPattern(ast)
        // Blanks outside of strings are exactly where the printer separates tokens.
        const spaced = printed.replace(/'(?:[^'\\]|\\.)*'|[ ()]/gs, (token) =>
          token === ' ' ? gap : token.length === 1 ? `${gap}${token}${gap}` : token,
        )
        return printPattern(parsed(parsePattern(spaced), spaced)) === printed
      },
    ),
    { numRuns: 200 },
  )
})
