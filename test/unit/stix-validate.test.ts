/** The validator's interface: texts of every kind, limits, reports, ids, versions. */
import { gzipSync } from 'node:zlib'
import { test } from 'tap'
import {
  compareVersions,
  deterministicId,
  type Report,
  type StixTypes,
  validateObject,
  validateText,
} from '../../src/stix/index.ts'
import { AT, id, indicator, LATER, marking, sco, tool, type Value } from '../support/stix-builders.ts'

const codes = (report: Report): string[] => [
  ...report.findings.map((f) => f.code),
  ...report.objects.flatMap((o) => [...o.errors, ...o.warnings].map((f) => f.code)),
]
const spelled = (token: string): string => JSON.stringify(tool({ x_acme: 'TOKEN' })).replace('"TOKEN"', token)

test('texts: an object, a bundle, an envelope, a list', async (t) => {
  const one = JSON.stringify(tool())
  for (const text of [one, ` [${one}] `, `{"objects":[${one}]}`, `{"more": true, "objects": [${one}]}`]) {
    const report = validateText(text)
    t.same(codes(report), [], text.slice(0, 30))
    t.equal(report.objects.length, 1)
  }
  t.same(codes(validateText(`{"type":"bundle","id":"${id('bundle')}","objects":[${one}]}`)), [])
  t.same(codes(validateText(`{"id":"${id('bundle')}", "objects":[${one}],"type":"bundle"}`)), [])
  t.same(codes(validateText(`[${one},5]`)), ['ME-11/objects'])
  t.same(codes(validateText(`{"type":"bundle","type":"bundle","id":"${id('bundle')}","objects":[${one}]}`)), [
    'json/duplicate-key',
  ])
  t.same(codes(validateText(`{"type":"bundle","id":"${id('bundle')}","objects":[]}`)), ['ME-11/objects'])
  t.same(codes(validateText(Buffer.from(one))), [])
  for (const text of ['', ' ', '{', 'nothing', '[1,', '5', `${one}${one}`, '\ufeff{}', '"a"']) {
    const report = validateText(text)
    t.notOk(report.valid, text)
    t.same(codes(report), ['json/syntax'], text)
  }
  t.same(codes(validateText(new Uint8Array([0x7b, 0xff, 0x7d]))), ['json/syntax'])
  t.same(codes(validateText('{"a":"\ud800"}')), ['json/lone-surrogate'])
  t.same(codes(validateText(gzipSync(one))), ['json/syntax'], 'gzip is the command’s to open')
})

test('what only the text shows', async (t) => {
  t.same(codes(validateText('{"type":"tool","type":"tool"}')), ['json/duplicate-key'])
  t.same(codes(validateText(spelled('9007199254740993'))), ['json/integer-range'])
  t.same(codes(validateText(spelled('1e400'))), ['json/number-range'])
  t.same(codes(validateText(spelled('1e20'))), ['401'])
  t.same(codes(validateText(spelled('"\\ud800"'))), ['json/lone-surrogate'])
  t.same(codes(validateText(spelled('"a\\u0000"'))), ['905', '401'])
  const number = (token: string): string[] =>
    codes(
      validateText(
        JSON.stringify(sco('autonomous-system', { number: 7 }))
          .replace('7,', `${token},`)
          .replace('7}', `${token}}`),
        { disable: ['901'] },
      ),
    )
  for (const good of ['7', '7.0', '70e-1', '0.7e1', '7.000000000000000000000']) t.same(number(good), [], good)
  for (const bad of ['7.5', '7.00000000000000000001', '9007199254740991.4', '9007199254740992.0']) {
    t.same(number(bad), ['TY-04/integer'], bad)
  }
})

test('limits', async (t) => {
  const over = (value: Value, limits = {}): string[] =>
    codes(validateObject(value, { limits, disable: [401] }))
  t.same(over(tool({ x_acme_a: Array(10_001).fill(1) })), ['limit/list'])
  t.same(over(tool({ aliases: Array(10_001).fill('a') })), ['limit/list'])
  t.same(
    over(tool({ x_acme_a: Object.fromEntries(Array.from({ length: 1_001 }, (_, i) => [`k${i}`, 1])) })),
    ['limit/keys'],
  )
  t.same(over(tool({ description: 'a'.repeat(1_000_001) })), ['limit/string'])
  const selectors = Array(1_001).fill('name')
  t.same(over(tool({ granular_markings: [{ lang: 'en', selectors }] })), ['limit/selectors'])
  const deep = JSON.parse(`${'['.repeat(120)}1${']'.repeat(120)}`)
  t.same(over(tool({ x_acme_a: deep })), ['limit/depth'])
  t.same(codes(validateText(JSON.stringify(tool({ x_acme_a: deep })))), ['limit/depth'])
  const payload = Buffer.alloc(1_500_000).toString('base64')
  t.same(
    codes(validateText(JSON.stringify(sco('artifact', { payload_bin: payload })))),
    [],
    'artifacts are larger',
  )
  t.same(codes(validateText(JSON.stringify(tool({ description: payload })))), ['limit/object-bytes'])
  const larger = Buffer.alloc(6_100_000).toString('base64')
  for (const [object, said] of [
    [tool({ description: payload }), /at most 1000000 are taken.*objectBytes/],
    [sco('artifact', { payload_bin: larger }), /at most 8000000 are taken.*artifactBytes/],
  ] as const) {
    t.match(validateText(JSON.stringify(object)).objects[0]?.errors[0]?.message, said)
  }
  const pattern = `[${Array(12_000).fill('a').join(' OR ')}]`
  t.match(codes(validateObject(indicator({ pattern }))), [/^(PA|limit)/])
})

test('a report is bounded and says so', async (t) => {
  const report = validateObject(tool({ aliases: Array(5_000).fill(1) }))
  t.match(report.objects[0], { valid: false, truncated: true })
  t.equal(report.objects[0]?.errors.length, 50)
  const hostile = validateObject(tool({ kill_chain_phases: 'a\u202e\u0007'.repeat(500) })).objects[0]
    ?.errors[0]
  t.ok((hostile?.message.length ?? 0) < 300)
  const url = validateObject(sco('url', { value: '\u202e'.repeat(500) })).objects[0]?.errors[0]?.message ?? ''
  t.notMatch(url, /[\u202e]/, 'bidirectional characters are escaped')
})

test('deterministic ids', async (t) => {
  t.equal(
    deterministicId({ type: 'ipv4-addr', value: '198.51.100.3' }),
    'ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4',
  )
  const hashes = { 'SHA-512': 'a', MD5: 'd41d8cd98f00b204e9800998ecf8427e' }
  t.equal(deterministicId({ type: 'file', name: 'a', hashes }), 'file--e225bcbd-7d8f-5548-b8c5-6974bf120d56')
  const traffic = {
    type: 'network-traffic',
    start: '2020-01-01T00:00:00.5Z',
    protocols: ['tcp'],
    src_port: 3,
    src_ref: 'ipv4-addr--ff26c055-6336-5bc5-b98d-13d6226742dd',
  }
  const known = 'network-traffic--89628914-615b-5973-8aea-d113f379d880'
  t.equal(deterministicId(traffic), known)
  const rewritten = { ...traffic, spec_version: '2.1', id: known, start: '2020-01-01T00:00:00.500Z' }
  t.notOk(
    codes(validateObject(rewritten)).includes('901'),
    'a producer that shortens timestamps before it hashes',
  )
  for (const none of [
    { type: 'process', pid: 1 },
    { type: 'file', size: 1 },
    { type: 'tool', name: 'a' },
    { type: 7 },
    {},
  ]) {
    t.equal(deterministicId(none), null)
  }
})

test('comparing versions', async (t) => {
  const a = tool()
  t.match(compareVersions(a, { ...a }), {
    sameId: true,
    order: 'same',
    respelled: false,
    sameContent: true,
    conflict: false,
    changedCreation: [],
    afterRevoked: false,
  })
  t.match(compareVersions(a, tool({ modified: '2026-01-01T00:00:00.0000Z' })), {
    order: 'same',
    respelled: true,
    sameContent: true,
    conflict: false,
  })
  t.match(compareVersions(a, tool({ name: 'b' })), { order: 'same', sameContent: false, conflict: true })
  t.match(compareVersions(a, tool({ modified: LATER })), {
    order: 'newer',
    conflict: false,
    afterRevoked: false,
  })
  t.match(compareVersions(tool({ revoked: true }), tool({ modified: LATER })), {
    order: 'newer',
    afterRevoked: true,
  })
  t.match(compareVersions(tool({ modified: LATER, revoked: true }), a), {
    order: 'older',
    afterRevoked: false,
  })
  t.match(compareVersions(a, tool({ created: '2025-01-01T00:00:00.000Z', created_by_ref: id('identity') })), {
    changedCreation: ['created', 'created_by_ref'],
  })
  t.match(compareVersions(marking(), marking()), { order: 'same', sameContent: true })
  const file = sco('file', { name: 'a' })
  t.match(compareVersions(file, { ...file, size: 1 }), { order: null, sameContent: false, conflict: false })
})

test('types are inferred from the tables', async (t) => {
  const typed: StixTypes['indicator'] = {
    type: 'indicator',
    spec_version: '2.1',
    id: id('indicator'),
    created: AT,
    modified: AT,
    pattern: "[url:value = 'https://a/']",
    pattern_type: 'stix',
    valid_from: AT,
    kill_chain_phases: [{ kill_chain_name: 'a', phase_name: 'b' }],
  }
  t.ok(validateObject(typed).valid)
  // @ts-expect-error A required property is missing.
  const wrong: StixTypes['url'] = { type: 'url', id: id('url') }
  t.notOk(validateObject(wrong).valid)
})

test('after 1,000 objects with errors the rest is not judged, and the report says so', async (t) => {
  const many = Array.from({ length: 1_050 }, () => ({ type: 'a' }))
  for (const report of [
    validateText(JSON.stringify({ objects: many })),
    validateObject({ type: 'bundle', id: 'bundle--7c1d0b0e-3c1e-4d3e-9f51-6b0f4b7d2a10', objects: many }),
  ]) {
    t.equal(report.valid, false)
    t.equal(report.objects.length, 1_000)
    t.ok(report.findings.some((f) => f.code === 'limit/refused-objects'))
  }
})

test('a text has few findings for its size, each refused object one at least, and says what it leaves out', async (t) => {
  const url = (i: number, rest: object) => ({ type: 'url', id: id('url'), value: `https://${i}/`, ...rest })
  const many = Array.from({ length: 500 }, (_, i) => url(i, { x_a: Array(60).fill([]) }))
  const text = JSON.stringify({ objects: many })
  const report = validateText(text)
  t.equal(report.valid, true)
  t.equal(report.objects.length, 500)
  const count = report.objects.reduce((sum, { warnings }) => sum + warnings.length, 0)
  t.ok(count <= 1_000 + text.length / 200 + 50 + 500, `${count} findings`)
  t.equal(report.objects[0]?.warnings.length, 50)
  t.ok(report.objects.every(({ warnings, truncated }) => warnings.length > 0 && truncated))
  t.equal(validateText(text, { strict: true }).objects.filter(({ valid }) => valid).length, 0)
  const bad = [...many, url(1, { x_a: [[], null] })]
  t.match(validateText(JSON.stringify({ objects: bad })).objects.at(-1), {
    valid: false,
    errors: [{ code: 'TY-01/null' }],
    warnings: [],
    truncated: true,
  })
})

test('an object has at most 20,000 lists and objects and 100,000 values, counted before it is parsed', async (t) => {
  const tool = (value: string) =>
    `{"type":"tool","spec_version":"2.1","id":"${id('tool')}","name":"a","created":"2026-01-01T00:00:00.000Z",` +
    `"modified":"2026-01-01T00:00:00.000Z","x_a":${value}}`
  const lists = (count: number, item: string, each: number) =>
    `[${Array(count)
      .fill(`[${Array(each).fill(item).join()}]`)
      .join()}]`
  const codes = (text: string, limits = {}) =>
    validateText(text, { limits }).objects.flatMap(({ errors }) => errors.map(({ code }) => code))
  t.same(codes(tool(lists(2, '{}', 9_000))), [])
  t.same(codes(tool(lists(3, '{}', 9_000))), ['limit/values'])
  t.same(codes(tool(lists(10, '1', 9_900))), [])
  t.same(codes(tool(lists(11, '1', 9_900))), ['limit/values'])
  t.same(
    codes(tool(lists(2, '{}', 4)), { containers: 12 }),
    [],
    'the object itself, three lists, eight objects',
  )
  t.same(codes(tool(lists(2, '{}', 4)), { containers: 11 }), ['limit/values'])
  const report = validateText(tool(lists(3, '{}', 9_000)))
  t.match(report.objects[0], { type: 'tool', id: id('tool') }, 'it is named all the same')
})

test('the frame of a bundle is under the limits of an object', async (t) => {
  const bundle = (rest: string, objects = '[]') =>
    validateText(`{"type":"bundle","id":"${id('bundle')}",${rest},"objects":${objects}}`)
  const url = JSON.stringify({ type: 'url', id: id('url'), value: 'https://a/' })
  const codes = (report: ReturnType<typeof bundle>) =>
    report.findings.filter(({ severity }) => severity === 'error').map(({ code }) => code)
  t.same(codes(bundle(`"x_a":${'['.repeat(200)}1${']'.repeat(200)}`, `[${url}]`)), ['limit/depth'])
  t.same(codes(bundle(`"x_a":[${Array(30_000).fill('{}').join()}]`, `[${url}]`)), ['limit/values'])
  const keys = Array.from({ length: 1_100 }, (_, i) => `"k${i}":1`).join()
  t.same(codes(bundle(keys, `[${url}]`)), ['limit/keys'])
  t.same(codes(bundle('"x_a":1', `[${url}]`)), [])
  t.same(codes(bundle('"x_a":{"a":1,"a":1}', `[${url}]`)), [], 'as before')
  t.same(codes(bundle('"x_a":1', '[]')), ['ME-11/objects'], 'an empty list is one still')
  t.same(codes(bundle('"x_a":1', '[1]')), ['ME-11/objects'], 'and something else in it is told once')
  t.match(validateText(`{${keys},"objects":[{}]}`), { valid: false })
})

test('one call judges all international labels of a domain name', async (t) => {
  const valid = (value: string) => validateObject({ type: 'domain-name', id: id('domain-name'), value }).valid
  for (const name of ['bücher.example', 'xn--bcher-kva.bücher.de', 'bücher.1', 'a.bücher.', 'דוגמה.example'])
    t.ok(valid(name), name)
  for (const name of ['１２.bücher', 'bücher.１２', 'bücher..de', 'xn--.bücher', 'a-.ü.de', 'ü。。de'])
    t.notOk(valid(name), name)
})

test('what is nearly right is told what it lacks', async (t) => {
  const said = (value: unknown): string => validateObject(value).objects[0]?.errors[0]?.message ?? ''
  for (const [valid_from, told] of [
    ['2026-02-29T00:00:00Z', /no such day/],
    ['2026-04-31T00:00:00.000Z', /no such day/],
    ['2026-13-01T00:00:00Z', /no such day/],
    ['2026-01-01T24:00:00Z', /no such time of day/],
    ['2026-01-01T23:59:60Z', /no such time of day/],
    ['2026-01-01T00:00:00+00:00', /ends with Z/],
    ['2026-01-01T00:00:00.123456+0100', /ends with Z/],
    ['2026-01-01T00:00:00', /ends with Z/],
    ['2026-01-01', /must be a timestamp such as/],
    ['', /must be a timestamp such as/],
    [`2026-02-29T00:00:00.${'0'.repeat(100_000)}Z`, /must be a timestamp such as/],
  ] as const) {
    t.match(said(indicator({ valid_from })), told, valid_from.slice(0, 40))
  }
  t.match(said(indicator({ valid_from: '2026-02-29T00:00:00Z' })), /"2026-02-29T00:00:00Z"/, 'with the text')
  t.match(said(tool({ spec_version: '2.0', modified: '2026-02-30T00:00:00.000Z' })), /no such day/)
  for (const name_enc of ['utf-8', 'UTF8', 'utf_8']) {
    t.match(said(sco('file', { name: 'a', name_enc })), /write UTF-8, not "/, name_enc)
  }
  t.match(said(sco('file', { name: 'a', name_enc: 'iso8859-1' })), /write ISO-8859-1/)
  t.match(said(sco('file', { name: 'a', name_enc: 'x' })), /character sets, not "x"/)
})
