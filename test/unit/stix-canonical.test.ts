/** Content is compared canonically (T-5.5-03, T-5.5-05, T-3.4.1-12). */
import fc from 'fast-check'
import { test } from 'tap'
import { canonicalText, contentHash, DEFAULT_LIMITS, readObject } from '../../src/stix/index.ts'

function hashOf(text: string): string {
  const found = readObject(text, DEFAULT_LIMITS)
  if ('detail' in found) throw new Error(found.detail)
  return contentHash(found.value)
}

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([k, v]) => [k, reversed(v)]),
  )
}

test('key order and white space do not count', async () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 })), (value) => {
      return hashOf(JSON.stringify(value)) === hashOf(JSON.stringify(reversed(value), null, 3))
    }),
  )
})

test('the canonical text is JSON and holds the whole value', async (t) => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), (value) => {
      const plain = JSON.parse(JSON.stringify(value))
      const again = JSON.parse(canonicalText(plain))
      return (
        canonicalText(again) === canonicalText(plain) &&
        JSON.stringify(reversed(again)).length === JSON.stringify(plain).length
      )
    }),
  )
  t.equal(
    canonicalText({ b: 'é"\n', a: [1, { d: true, c: null }] }),
    '{"a":[1,{"c":null,"d":true}],"b":"é\\"\\n"}',
  )
})

test('numbers by value, strings decoded, version timestamps as instants, lists in order', async (t) => {
  t.equal(hashOf('{"a":1.0,"b":1e3}'), hashOf('{"a":1,"b":1000}'))
  t.equal(hashOf('{"a":"\\u0061"}'), hashOf('{"\\u0061":"a"}'))
  t.equal(hashOf('{"modified":"2026-01-01T00:00:00Z"}'), hashOf('{"modified":"2026-01-01T00:00:00.000Z"}'))
  t.equal(hashOf('{"created":"2026-01-01T00:00:00.10Z"}'), hashOf('{"created":"2026-01-01T00:00:00.1Z"}'))
  t.not(hashOf('{"x":"2026-01-01T00:00:00Z"}'), hashOf('{"x":"2026-01-01T00:00:00.000Z"}'))
  t.not(
    hashOf('{"x":{"modified":"2026-01-01T00:00:00Z"}}'),
    hashOf('{"x":{"modified":"2026-01-01T00:00:00.0Z"}}'),
  )
  t.not(hashOf('{"a":[1,2]}'), hashOf('{"a":[2,1]}'))
  t.not(hashOf('{"a":1}'), hashOf('{"a":"1"}'))
  t.not(hashOf('{"__proto__":{"a":1}}'), hashOf('{}'))
  t.not(hashOf('{"a":{"b":1}}'), hashOf('{"a":{},"b":1}'))
})
