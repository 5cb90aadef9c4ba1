/** The static rules of patterns and their warnings (STIX 2.1 §9.2 to §9.7): PA-01 to PA-11, 401, 903. */
import { test } from 'tap'
import { type PatternOptions, parsePattern } from '../../src/stix/index.ts'

function codes(text: string, options?: PatternOptions): string[] {
  const result = parsePattern(text, options)
  return result.ok ? [] : result.errors.map((e) => `${e.code}@${e.offset}`)
}

type Row = [text: string, ...errors: string[]]

function check(name: string, rows: readonly Row[]): void {
  test(name, async (t) => {
    for (const [text, ...errors] of rows) t.same(codes(text), errors, text.slice(0, 100))
  })
}

const HOUR = "START t'2026-01-01T00:00:00Z' STOP t'2026-01-01T01:00:00Z'"

check('PA-01: no qualifier twice on one expression', [
  ['[file:size = 1] WITHIN 5 SECONDS REPEATS 5 TIMES'],
  ['([file:size = 1] WITHIN 5 SECONDS) WITHIN 6 SECONDS'],
  ['[file:size = 1] WITHIN 5 SECONDS WITHIN 6 SECONDS', 'PA-01/qualifier-twice@33'],
  ['([file:size = 1]) REPEATS 5 TIMES REPEATS 5 TIMES', 'PA-01/qualifier-twice@34'],
  ['([file:size = 1] OR [url:value = 1]) REPEATS 5 TIMES REPEATS 5 TIMES', 'PA-01/qualifier-twice@53'],
  [`[file:size = 1] ${HOUR} REPEATS 2 TIMES ${HOUR}`, 'PA-01/qualifier-twice@91'],
])

check('PA-02: REPEATS and WITHIN are greater than zero', [
  ['[file:size = 1] WITHIN 0.001 SECONDS'],
  [`[file:size = 1] WITHIN 0.${'0'.repeat(400)}1 SECONDS`],
  ['[file:size = 1] WITHIN 0 SECONDS', 'PA-02/within@23'],
  ['[file:size = 1] WITHIN .0 SECONDS', 'PA-02/within@23'],
  ['[file:size = 1] REPEATS 0 TIMES', 'PA-02/repeats@24'],
  ['([file:size = 1] REPEATS 0 TIMES) WITHIN 0 SECONDS', 'PA-02/repeats@25', 'PA-02/within@41'],
])

check('PA-03: the constants of IN are of one type', [
  ['[file:size IN (1, 2.0, -3)]'],
  ['[file:size IN (2.0, 1)]'],
  ["[file:size IN ('1', '2')]"],
  ["[file:size IN (1, '2', 3, true)]", 'PA-03/set-types@18'],
  ["[file:ctime IN ('2026-01-01T00:00:00Z', t'2026-01-01T00:00:00Z')]", 'PA-03/set-types@40'],
  ["[file:x_hex NOT IN (h'00', b'AQI=')]", 'PA-03/set-types@27'],
  ['[file:x_y IN (true, 1)]', 'PA-03/set-types@20'],
])

check('PA-04: one object type can meet both sides of AND inside of [ ]', [
  ["[file:size = 1 OR url:value = 'a']"],
  ["[(file:size = 1 OR url:value = 'a') AND file:name = 'b']"],
  ["[file:name = 'b' AND (url:value = 'a' OR file:size = 1)]"],
  ["[(file:size = 1 OR url:value = 'a') AND (url:value = 'c' OR mutex:name = 'b')]"],
  ["[file:size = 1] AND [url:value = 'a']"],
  ["[file:size = 1 AND url:value = 'a']", 'PA-04/object-types@19'],
  ['[file:size = 1 AND NOT EXISTS url:value]', 'PA-04/object-types@19'],
  ["[(file:size = 1 OR url:value = 'a') AND mutex:name = 'b']", 'PA-04/object-types@40'],
  [
    "[(file:size = 1 OR url:value = 'a') AND (mutex:name = 'c' OR software:name = 'b')]",
    'PA-04/object-types@41',
  ],
  ["[file:size = 1 AND (url:value = 'a' AND mutex:name = 'b')]", 'PA-04/object-types@40'],
  [
    "[file:size = 1 AND url:value = 'a'] OR [file:size = 1 AND url:value = 'a']",
    'PA-04/object-types@19',
    'PA-04/object-types@58',
  ],
])

check('PA-05: ISSUBSET and ISSUPERSET on the value of an address, with one', [
  ["[ipv4-addr:value ISSUBSET '198.51.100.0/24']"],
  ["[ipv4-addr:value ISSUBSET '198.51.100.7/24']"],
  ["[ipv4-addr:value ISSUPERSET '198.51.100.7']"],
  ["[ipv6-addr:value ISSUBSET '2001:0db8:dead:beef:0000:0000:0000:0000/64']"],
  ["[ipv6-addr:value ISSUBSET '::ffff:198.51.100.7/128']"],
  ["[network-traffic:dst_ref.value ISSUBSET '2001:db8::/32']"],
  ["[domain-name:resolves_to_refs[*].value ISSUBSET '198.51.100.0/24']"],
  ["[domain-name:resolves_to_refs[0].value NOT ISSUBSET '198.51.100.0/24']"],
  ["[ipv4-addr:value ISSUBSET '2001:db8::/32']", 'PA-05/range@26'],
  ["[ipv6-addr:value ISSUBSET '198.51.100.0/24']", 'PA-05/range@26'],
  ["[ipv4-addr:value ISSUBSET '198.51.100.0/33']", 'PA-05/range@26'],
  ["[ipv4-addr:value ISSUBSET '198.51.100.0/024']", 'PA-05/range@26'],
  ["[ipv4-addr:value ISSUBSET '198.51.100']", 'PA-05/range@26'],
  ["[ipv4-addr:value ISSUBSET '198.51.100.08']", 'PA-05/range@26'],
  ["[ipv4-addr:value ISSUBSET '']", 'PA-05/range@26'],
  ["[ipv6-addr:value ISSUBSET 'fe80::1%eth0/64']", 'PA-05/range@26'],
  ["[network-traffic:dst_ref.value ISSUPERSET 'example.org']", 'PA-05/range@42'],
  ["[ipv4addr:value ISSUBSET '198.51.100.0/24']", 'PA-05/range-path@1'],
  ["[ipv4-addr:id ISSUBSET '198.51.100.0/24']", 'PA-05/range-path@1'],
  ["[network-traffic:dst_ref ISSUBSET '198.51.100.0/24']", 'PA-05/range-path@1'],
  ["[file:name ISSUBSET '198.51.100.0/24']", 'PA-05/range-path@1'],
])

check('PA-08: names of types and first properties', [
  ["[app:id = 'com.example.app']"],
  ["[x-usb-device:usbdrive.serial_number = '5']"],
  ["[file:hashes.MD6X.'Any key' = '5']"],
  ['[ab:size = 1]', 'PA-08/type-name@1'],
  ['[File:size = 1]', 'PA-08/type-name@1'],
  ['[x_y_z:size = 1]', 'PA-08/type-name@1'],
  ['[x--y:size = 1]', 'PA-08/type-name@1'],
  ['[_abc:size = 1]', 'PA-08/type-name@1'],
  [`[${'a'.repeat(251)}:size = 1]`, 'PA-08/type-name@1'],
  [`[${'a'.repeat(250)}:size = 1]`],
  ['[file:Size = 1]', 'PA-08/property-name@1'],
  ['[file:xy = 1]', 'PA-08/property-name@1'],
  ['[file:_xyz = 1]', 'PA-08/property-name@1'],
  ["[file:'a-b-c' = 1]", 'PA-08/property-name@1'],
  ["[file:'' = 1]", 'PA-08/property-name@1'],
  ['[FILE:SIZE = 1]', 'PA-08/type-name@1', 'PA-08/property-name@1'],
])

const A = (size: number) => 'aB'.repeat(size / 2)

check('PA-09: hashes have the form of their algorithm', [
  [`[file:hashes.MD5 = '${A(32)}']`],
  [`[file:hashes.'SHA-1' != '${A(40)}']`],
  [`[file:hashes.sha256 IN ('${A(64)}', '${A(64)}')]`],
  [`[file:hashes.'SHA3-512' = '${A(128)}']`],
  [`[file:hashes.'RIPEMD-160' = '${A(40)}']`],
  [`[file:hashes.MD6 = '${A(96)}']`],
  [
    "[file:hashes.SSDEEP = '96:s4Ud1Lj96tHHlZDrwciQmA+4uy1I0G4HYuL8N3TzS8QsO/wqWXLcMSx:sF1LjEtHHlZDrJzrhuyZvHYm8tKp/RWO']",
  ],
  [`[file:hashes.MD5 = h'${A(32)}']`],
  [`[file:hashes.x_md7 = 'zz']`],
  ["[file:hashes.MD5 LIKE 'ab%']"],
  ["[file:hashes.MD5 NOT MATCHES '^ab']"],
  ["[file:x_hashes.MD5 = 'zz']"],
  ["[file:hashes.MD5[0] = 'zz']"],
  [`[file:hashes.MD5 = '${A(30)}']`, 'PA-09/hash@19'],
  [`[file:hashes.MD5 NOT = '${A(30)}']`, 'PA-09/hash@23'],
  [`[file:hashes.MD5 = '${A(30)}zz']`, 'PA-09/hash@19'],
  ['[file:hashes.MD5 = 5]', 'PA-09/hash@19'],
  [`[file:hashes.'SHA-256' IN ('${A(64)}', '${A(32)}', '')]`, 'PA-09/hash@95', 'PA-09/hash@131'],
  [`[process:image_ref.hashes.sha1 != '']`, 'PA-09/hash@34'],
  ["[file:hashes.SSDEEP = 'a b']", 'PA-09/hash@22'],
])

check('PA-11: START is earlier than STOP, compared as instants', [
  [`[file:size = 1] ${HOUR}`],
  ["[file:size = 1] START t'2026-01-01T00:00:00Z' STOP t'2026-01-01T00:00:00.0000001Z'"],
  ["[file:size = 1] START t'2026-01-01T00:00:00.10Z' STOP t'2026-01-01T00:00:00.1Z'", 'PA-11/start-stop@22'],
  ["[file:size = 1] START t'2026-01-02T00:00:00Z' STOP t'2026-01-01T00:00:00Z'", 'PA-11/start-stop@22'],
])

test('several broken rules are all told, at most 50', async (t) => {
  t.same(codes("[file:size IN (1, 'a') AND url:value = 'b'] REPEATS 0 TIMES"), [
    'PA-03/set-types@18',
    'PA-04/object-types@27',
    'PA-02/repeats@52',
  ])
  t.equal(codes(new Array(60).fill('[ab:size = 1]').join(' OR ')).length, 50)
})

test('unknown types and properties are warnings, when the tables are given', async (t) => {
  const options: PatternOptions = {
    isType: (type) => type === 'file',
    isProperty: (_type, property) => property === 'name',
  }
  const warned = (text: string) => {
    const result = parsePattern(text, options)
    return result.ok ? result.warnings.map((w) => `${w.code}@${w.offset}`) : 'refused'
  }
  t.same(warned("[file:name = 'a']"), [])
  t.same(warned("[app:id = 'a']"), ['401@1'])
  t.same(warned("[file:path = 'a' OR file:name = 'b']"), ['401@1'])
  t.same(warned('[file:Path = 1]'), 'refused')
  t.match(parsePattern("[app:id = 'a']"), { ok: true, warnings: { length: 0 } })
  const many = `${new Array(60).fill('[app:id = 1]').join(' OR ')} OR [ab:size = 1]`
  t.same(codes(many, options), ['PA-08/type-name@961'], 'no number of warnings hides an error')
})

test('903: START and STOP should lie within the validity of the indicator', async (t) => {
  const warned = (validFrom?: string, validUntil?: string) => {
    const result = parsePattern(`[file:size = 1] ${HOUR}`, {
      ...(validFrom !== undefined && { validFrom }),
      ...(validUntil !== undefined && { validUntil }),
    })
    return result.ok ? result.warnings.map((w) => w.code) : 'refused'
  }
  t.same(warned(), [])
  t.same(warned('2026-01-01T00:00:00.000Z', '2026-01-01T01:00:00Z'), [])
  t.same(warned('2026-01-01T00:00:00.001Z'), ['903'])
  t.same(warned(undefined, '2026-01-01T00:59:59.999Z'), ['903'])
  t.same(warned('not a time'), [])
})

test('limits: size, tokens, nesting, expressions', async (t) => {
  const limited = (text: string, limits: PatternOptions['limits']) =>
    codes(text, { limits: limits ?? {} }).join()
  t.equal(limited("[file:name = 'é']", { bytes: 18 }), '')
  t.equal(limited("[file:name = 'é']", { bytes: 17 }), 'limit/pattern-size@0')
  t.equal(limited('[file:size = 1]', { tokens: 7 }), '')
  t.equal(limited('[file:size = 1]', { tokens: 6 }), 'limit/pattern-tokens@14')
  t.equal(limited('(([(file:size = 1)]))', { depth: 3 }), '')
  t.equal(limited('(([(file:size = 1)]))', { depth: 2 }), 'limit/pattern-depth@3')
  t.equal(limited('([file:size = 1]) AND ([file:size = 1])', { depth: 1 }), '')
  t.equal(limited("[file:name MATCHES 'aaaa']", { regex: 4 }), '')
  t.equal(limited("[file:name MATCHES 'aaaaa']", { regex: 4 }), 'limit/pattern-regex@19')
  t.equal(codes(`[file:name = '${'x'.repeat(70_000)}']`).join(), 'limit/pattern-size@0')
  t.equal(codes(`[file:name MATCHES '${'x'.repeat(4_097)}']`).join(), 'limit/pattern-regex@19')
  t.equal(codes(`${'('.repeat(257)}[file:size = 1]${')'.repeat(257)}`).join(), 'limit/pattern-depth@256')
  t.same(codes(`${'('.repeat(256)}[file:size = 1]${')'.repeat(256)}`), [])
})
