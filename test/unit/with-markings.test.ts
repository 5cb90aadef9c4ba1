/** Other markings in a text: these members change and nothing else, byte for byte. */
import { test } from 'tap'
import { withMarkings } from '../../src/stix/index.ts'

const TLP = (n: number) => `marking-definition--00000000-0000-4000-8000-00000000000${n}`

test('replaced in place, inserted at the end, removed with one comma', async (t) => {
  const refs = [TLP(1)]
  const list = JSON.stringify(refs)
  for (const [text, expected] of [
    ['{"a":1.0}', `{"a":1.0,"object_marking_refs":${list}}`],
    ['{"object_marking_refs":["x"],"a":1e400}', `{"object_marking_refs":${list},"a":1e400}`],
    ['{ "a" : 1 , "object_marking_refs" : [ "}" ] }', `{ "a" : 1 , "object_marking_refs" : ${list} }`],
    ['{"\\u006fbject_marking_refs":[],"b":"\\"]"}', `{"\\u006fbject_marking_refs":${list},"b":"\\"]"}`],
    ['{}', `{"object_marking_refs":${list}}`],
    [
      '{"a":{"object_marking_refs":["x"]}}',
      `{"a":{"object_marking_refs":["x"]},"object_marking_refs":${list}}`,
    ],
    ['{"a":"😀","n":-0.10 }', `{"a":"😀","n":-0.10,"object_marking_refs":${list} }`],
  ] as const) {
    t.equal(withMarkings(text, { object_marking_refs: refs }), expected, text)
  }
  for (const [text, expected] of [
    ['{"object_marking_refs":["x"],"a":1}', '{"a":1}'],
    ['{"a":1,"object_marking_refs":["x"]}', '{"a":1}'],
    ['{"a":1, "object_marking_refs":["x"], "b":2}', '{"a":1, "b":2}'],
    ['{"object_marking_refs":["x"]}', '{}'],
    ['{"a":1,"object_marking_refs":["x"],"granular_markings":[{}]}', '{"a":1}'],
  ] as const) {
    t.equal(withMarkings(text, { object_marking_refs: [], granular_markings: null }), expected, text)
  }
  t.throws(() => withMarkings('[]', { object_marking_refs: [] }))
})

/** A small generator of random texts with every kind of spelling; seeded, so that a failure can be run again. */
function texts(seed: number) {
  let state = seed
  const next = (n: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * n)
  }
  const pick = <T>(list: readonly T[]): T => list[next(list.length)] as T
  const gap = () => pick(['', '', ' ', '\n\t', '  '])
  const text = () =>
    pick(['""', '"a"', '"\\"}],{"', '"\\\\"', '"\\u00e9\\n"', '"é😀"', '"object_marking_refs"'])
  const value = (depth: number): string => {
    const kind = next(depth > 3 ? 4 : 6)
    if (kind === 0) return text()
    if (kind === 1) return pick(['0', '-0', '1.50', '1e5', '12345678901234567890', '-1.5E-3'])
    if (kind === 2) return pick(['true', 'false', 'null'])
    if (kind === 3) return pick(['[]', '{}', '[ ]', '{ }'])
    const items = Array.from({ length: 1 + next(3) }, () => value(depth + 1))
    if (kind === 4) return `[${gap()}${items.join(`${gap()},${gap()}`)}${gap()}]`
    return object(items.map((item, i) => [`"k${i}"`, item]))
  }
  const object = (members: string[][]) =>
    `{${gap()}${members.map(([k, v]) => `${k}${gap()}:${gap()}${v}`).join(`${gap()},${gap()}`)}${gap()}}`
  const whole = () => {
    const names = ['"a"', '"b"', '"\\u0063"', '"__proto__"', '"object_marking_refs"', '"granular_markings"']
    const chosen = names.filter(() => next(2) === 0).sort(() => next(3) - 1)
    return `${gap()}${object(chosen.map((name) => [name, value(0)]))}${gap()}`
  }
  return { whole, next }
}

test('parsed, the result is the object with these members; and everything else is spelled as before', async (t) => {
  const { whole, next } = texts(20261125)
  for (let round = 0; round < 5000; round++) {
    const text = whole()
    const refs = Array.from({ length: next(3) }, (_, i) => TLP(i))
    const granular = [undefined, null, [{ selectors: ['a'], marking_ref: TLP(7) }]][next(3)]
    const result = withMarkings(text, { object_marking_refs: refs, granular_markings: granular })
    const expected = Object.entries(JSON.parse(text)).filter(
      ([key]) => key !== 'object_marking_refs' && (key !== 'granular_markings' || granular === undefined),
    )
    if (refs.length > 0) expected.push(['object_marking_refs', refs])
    if (granular) expected.push(['granular_markings', granular])
    const sorted = (entries: [string, unknown][]) => entries.sort(([a], [b]) => (a < b ? -1 : 1))
    const same =
      JSON.stringify(sorted(Object.entries(JSON.parse(result)))) === JSON.stringify(sorted(expected))
    if (!same) t.fail(`${text} became ${result}`)
    // Without what was put in, what is left was there, in this order.
    let rest = result.replace(JSON.stringify(refs), '')
    if (granular) rest = rest.replace(JSON.stringify(granular), '')
    rest = rest
      .replace(/,?"object_marking_refs":(?=[,\s}])/, '')
      .replace(/,?"granular_markings":(?=[,\s}])/, '')
    let at = 0
    for (const c of rest) {
      at = text.indexOf(c, at) + 1
      if (at === 0) t.fail(`${text} became ${result}: ${c} was not there`)
      if (at === 0) break
    }
  }
  t.pass('5000 texts')
})
