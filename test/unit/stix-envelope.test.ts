/** Reading an envelope: request-level refusals (T-5.5-09), the raw scan and its problems by place (D-2). */
import fc from 'fast-check'
import { test } from 'tap'
import { DEFAULT_LIMITS, type Member, readEnvelope, readObject } from '../../src/stix/index.ts'

const read = (text: string, limits = DEFAULT_LIMITS) => readEnvelope(Buffer.from(text), limits)

function members(text: string, limits = DEFAULT_LIMITS): Member[] {
  const result = read(text, limits)
  if (!result.ok) throw new Error(result.detail)
  return result.members
}

const one = (object: string): Member => members(`{"objects":[${object}]}`)[0] as Member
const problems = (object: string) => one(object).problems.map((p) => `${p.code} ${p.path}`)

test('T-5.5-09: what is refused as a whole', async (t) => {
  const cases: [string, RegExp][] = [
    ['', /empty/],
    ['   ', /not valid JSON/],
    ['{"objects":[{}]', /ends too early/],
    ['{"objects":[{}]} x', /not valid JSON/],
    ['{"objects":[{}],}', /not valid JSON/],
    ['{"objects":[{},]}', /not valid JSON/],
    ['{"objects":[{"a" 1}]}', /not valid JSON/],
    ['{"objects":[{"a":01}]}', /not valid JSON/],
    ['{"objects":[{"a":1.}]}', /not valid JSON/],
    ['{"objects":[{"a":+1}]}', /not valid JSON/],
    ['{"objects":[{"a":NaN}]}', /not valid JSON/],
    ['{"objects":[{"a":"\n"}]}', /not valid JSON/],
    ['{"objects":[{"a":"\\x"}]}', /not valid JSON/],
    ['{"objects":[{"a":"\\u12g4"}]}', /not valid JSON/],
    ['{"objects":[{]}}', /not valid JSON/],
    ["{'objects':[{}]}", /not valid JSON/],
    ['\ufeff{"objects":[{}]}', /byte order mark/],
    ['[{}]', /not a JSON object/],
    ['"x"', /not a JSON object/],
    ['null', /not a JSON object/],
    ['{}', /has no `objects`/],
    ['{"objects":{}}', /not a list/],
    ['{"objects":null}', /not a list/],
    ['{"objects":[]}', /is empty/],
    ['{"objects":[{},1]}', /objects\[1\]/],
    ['{"objects":[[{}]]}', /objects\[0\]/],
    ['{"objects":[null]}', /objects\[0\]/],
    ['{"objects":[{}],"objects":[{}]}', /key twice/],
    ['{"objects":[{}],"\\u006fbjects":[{}]}', /key twice/],
    ['{"more":true,"more":true,"objects":[{}]}', /key twice/],
    ['{"objects":[{"spec_version":"3.0"},{"spec_version":7}]}', /spec_version/],
  ]
  for (const [text, detail] of cases) {
    const result = read(text)
    t.notOk(result.ok, text)
    if (!result.ok) t.match(result.detail, detail, text)
  }
  const latin = readEnvelope(Buffer.from('{"objects":[{"name":"é"}]}', 'latin1'), DEFAULT_LIMITS)
  t.match(latin, { ok: false, detail: /UTF-8/ })
})

test('what is read: a bundle, extra keys, one object of an unsupported version among others', async (t) => {
  t.equal(members('{"type":"bundle","id":"x","objects":[{}]}').length, 1)
  t.equal(members(' {"x_a":{"objects":[1,{"b":[{}]}]},"objects":[{},{}],"more":false,"next":"a"} ').length, 2)
  t.equal(members('{"\\u006fbjects":[{"a":[{"objects":[1]}]}]}').length, 1)
  t.equal(members('{"objects":[{"spec_version":"3.0"},{}]}').length, 2, 'one that states none does not count')
})

test('D-2: the text is the sender’s own, without insignificant white space', async (t) => {
  const text = '{ "b" : 1.0,\n\t"a": [ 1e3, -0, "\\u00e9 \\ud83d\\ude00 é  x" ], "n": { } }'
  const found = one(text)
  t.equal(found.text, '{"b":1.0,"a":[1e3,-0,"\\u00e9 \\ud83d\\ude00 é  x"],"n":{}}')
  t.same(found.value, JSON.parse(text))
  t.same(found.problems, [])
})

test('the scan agrees with JSON.parse on any value, in any layout', async () => {
  fc.assert(
    fc.property(
      fc.array(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), { minLength: 1 }),
      fc.nat(8),
      (list, indent) => {
        const found = read(JSON.stringify({ objects: list }, null, indent))
        if (!found.ok) return list.every((o) => Object.hasOwn(o, 'spec_version'))
        return found.members.every(
          (m, i) =>
            m.text === JSON.stringify(list[i]) ||
            JSON.stringify(m.value) === JSON.stringify(JSON.parse(JSON.stringify(list[i]))),
        )
      },
    ),
    { numRuns: 500 },
  )
})

test('the scan refuses exactly what JSON.parse refuses', async (t) => {
  const parses = (text: string): boolean => {
    try {
      JSON.parse(text)
      return true
    } catch {
      return false
    }
  }
  const token = fc.constantFrom(
    ...'{}[],:" \\u0eE+-.1',
    'true',
    'null',
    'fals',
    '"a"',
    '"\\n"',
    '0',
    '1e5',
    '\t',
  )
  fc.assert(
    fc.property(fc.array(token, { maxLength: 12 }), (tokens) => {
      const body = `{"objects":[{"a":${tokens.join('')}}]}`
      const found = read(body)
      const malformed = !found.ok && /not valid JSON/.test(found.detail)
      return malformed === !parses(body)
    }),
    { numRuns: 5_000 },
  )
  t.pass()
})

test('D-2: numbers', async (t) => {
  t.same(
    problems('{"a":9007199254740991,"b":-9007199254740991,"c":1e308,"d":1E-400,"e":9007199254740993.0}'),
    [],
  )
  t.same(problems('{"a":9007199254740992}'), ['json/integer-range /a'])
  t.same(problems('{"a":9007199254740993,"b":[1,{"c/~":-9007199254740992}]}'), [
    'json/integer-range /a',
    'json/integer-range /b/1/c~1~0',
  ])
  t.same(problems(`{"a":${'9'.repeat(400)}}`), ['json/integer-range /a'])
  t.same(problems(`{"a":${'9'.repeat(400)}.5}`), ['json/number-range /a'])
  t.same(problems('{"a":1e400,"b":[-1e400]}'), ['json/number-range /a', 'json/number-range /b/0'])
  t.same(problems('{"a":100000000000000000000}'), ['json/integer-range /a'])
})

test('D-2: NUL and lone surrogates, in values and keys', async (t) => {
  t.same(problems('{"a":"x\\u0000"}'), ['json/nul /a'])
  t.same(problems('{"a":{"\\u0000":1}}').length, 1)
  t.same(problems('{"a":["ok","\\ud800"]}'), ['json/lone-surrogate /a/1'])
  t.same(problems('{"a":"\\udc00\\ud800"}'), ['json/lone-surrogate /a'])
  t.same(problems('{"a":"\\ud800\\u0041"}'), ['json/lone-surrogate /a'])
  t.same(problems('{"\\udfff":1}').length, 1)
  t.same(problems('{"a":"\\ud83d\\ude00","b":"\\\\u0000","c":"\\\\\\\\ud800"}'), [])
})

test('D-2: duplicate keys, compared decoded', async (t) => {
  t.same(problems('{"a":1,"a":1}'), ['json/duplicate-key /a'])
  t.same(problems('{"a":1,"\\u0061":2}'), ['json/duplicate-key /a'])
  t.same(problems('{"x":[{"b":1},{"b":1,"b":2}]}'), ['json/duplicate-key /x/1/b'])
  t.same(problems('{"__proto__":1,"__proto__":2}'), ['json/duplicate-key /__proto__'])
  t.same(problems('{"a":{"a":1},"b":{"a":1}}'), [])
  const proto = one('{"__proto__":{"id":"x"},"constructor":1}')
  t.same(proto.problems, [])
  t.equal(proto.value.id, undefined)
  t.equal(({} as Record<string, unknown>).id, undefined)
})

test('one bad member does not condemn the others', async (t) => {
  const found = members('{"objects":[{"a":1,"a":2},{"a":1},{"a":"\\u0000"},{"a":1}]}')
  t.same(
    found.map((m) => m.problems.length),
    [1, 0, 1, 0],
  )
})

test('hostile: nesting, size, many keys, long strings; in linear time and without a stack overflow', async (t) => {
  const deep = (n: number) => `${'['.repeat(n)}${']'.repeat(n)}`
  t.same(problems(`{"a":${deep(63)}}`), [])
  t.same(problems(`{"a":${deep(64)}}`), [`limit/depth /a${'/0'.repeat(63)}`])
  const [bad, good] = members(`{"x":${deep(200_000)},"objects":[{"id":"i","a":${deep(200_000)}},{"b":1}]}`)
  t.equal(bad?.problems[0]?.code, 'limit/depth')
  t.same(bad?.value, { id: 'i' })
  t.same(good?.problems, [])
  t.notOk(read('['.repeat(1_000_000)).ok)
  t.notOk(read('{"objects":['.repeat(100_000)).ok)
  const big = one(`{"id":"i","type":"t","a":"${'x'.repeat(1_000_000)}"}`)
  t.equal(big.problems[0]?.code, 'limit/object-bytes')
  t.same(big.value, { id: 'i', type: 't' })
  const keys = Array.from({ length: 60_000 }, (_, i) => `"k${i}":1`).join()
  t.same(problems(`{${keys}}`), ['limit/keys /k1000'])
  t.same(problems(`{${keys},"k5":1}`), ['limit/keys /k1000', 'json/duplicate-key /k5'])
  const thousand = keys.split(',').slice(0, 1_000).join()
  t.same(problems(`{${thousand}}`), [])
  t.same(problems(`{"a":{${thousand}},"b":{"c":1}}`), [])
  t.same(problems(`{"a":"${'\\\\'.repeat(400_000)}"}`), [])
  const many = one(`{${Array.from({ length: 200 }, (_, i) => `"k${i}":1e999`).join()}}`)
  t.equal(many.problems.length, 50, 'findings are bounded')
})

test('readObject: one object of a line', async (t) => {
  const found = readObject(' {"a": 1} ', DEFAULT_LIMITS)
  t.match(found, { index: 0, text: '{"a":1}', value: { a: 1 }, problems: [] })
  for (const bad of ['', '[]', '1', '{', '{"a":"\ud800"}', '{} {}'])
    t.ok('detail' in readObject(bad, DEFAULT_LIMITS), bad)
  t.match(readObject('{"a":1,"a":2}', DEFAULT_LIMITS), { problems: [{ code: 'json/duplicate-key' }] })
})

test('an envelope has at most 1,000 keys, wherever `objects` stands', async (t) => {
  const keys = (count: number) => Array.from({ length: count }, (_, i) => `"k${i}":1`).join()
  t.match(read(`{${keys(999)},"objects":[{}]}`), { ok: true })
  t.match(read(`{${keys(1_000)},"objects":[{}]}`), { ok: false, detail: /1000 keys/ })
  t.match(read(`{"objects":[{}],${keys(1_000)}}`), { ok: false, detail: /1000 keys/ })
})
