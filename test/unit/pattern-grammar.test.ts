/** Every production of the patterning grammar, taken and refused (STIX 2.1 §9). */
import { test } from 'tap'
import { type PatternAst, type PatternOptions, parsePattern, printPattern } from '../../src/stix/index.ts'

function printed(text: string, options?: PatternOptions): string {
  const result = parsePattern(text, options)
  return result.ok
    ? printPattern(result.ast, options?.version)
    : `${result.errors[0]?.code} at ${result.errors[0]?.offset}: ${result.errors[0]?.message}`
}

function tree(text: string): PatternAst {
  const result = parsePattern(text)
  if (!result.ok) throw new Error(result.errors[0]?.message)
  return result.ast
}

/** Patterns in the spelling that the printer gives. */
const CANONICAL = [
  // operators and constants
  "[file:name = 'a']",
  "[file:name != 'a']",
  '[file:size < 1]',
  '[file:size > 1]',
  '[file:size <= 1]',
  '[file:size >= 1]',
  "[file:name NOT = 'a']",
  '[file:size NOT != 1]',
  '[file:size NOT < 1]',
  '[file:size NOT >= 1]',
  "[file:name LIKE 'a%_']",
  "[file:name NOT LIKE 'a%_']",
  "[file:name MATCHES '^a.+\\\\.exe$']",
  "[file:name NOT MATCHES '(']",
  "[ipv4-addr:value ISSUBSET '198.51.100.0/24']",
  "[ipv6-addr:value NOT ISSUBSET '2001:db8::/32']",
  "[ipv4-addr:value ISSUPERSET '198.51.100.7/32']",
  "[ipv4-addr:value NOT ISSUPERSET '198.51.100.7']",
  '[EXISTS file:name]',
  '[NOT EXISTS file:name]',
  '[file:size IN (1, 2.5, -3)]',
  "[file:name IN ('a')]",
  '[file:name NOT IN ()]',
  "[file:name = '']",
  "[file:name = 'it\\'s C:\\\\x']",
  "[file:name = 'line\nfeed, \u0000, 漢字 and 😀']",
  '[file:size = 0]',
  '[file:size = -0]',
  '[file:size = 9007199254740991]',
  '[file:size = -9007199254740991]',
  '[file:size > .5]',
  '[file:size > -.5]',
  '[file:size > 007.50]',
  '[file:is_x = true]',
  '[file:is_x != false]',
  "[file:magic_number_hex = h'']",
  "[file:magic_number_hex = h'fFd8']",
  "[artifact:payload_bin = b'AQI=']",
  "[artifact:payload_bin = b'AQ==']",
  "[artifact:payload_bin > b'+/AZ']",
  "[file:ctime > t'2026-01-31T23:59:59.123456789Z']",
  "[file:ctime = t'2016-12-31T23:59:60Z']",
  "[file:ctime = t'0000-02-29T00:00:00Z']",
  // paths
  "[file:hashes.'SHA3-256'.x_y = 'a']",
  "[file:extensions.'windows-pebinary-ext'.sections[*].entropy > 7.0]",
  "[x509-certificate:abc[0][12][*].'d e'.f_1._G = 1]",
  "[email-message:body_multipart[*].body_raw_ref.name = 'a']",
  "[file:x_dict.'IN'.'true'.LIKE_ = 1]",
  "[file:x_dict.'' = 1]",
  "[file:id = 'a']",
  '[a1c:xyz = 1]',
  // precedence and parentheses of comparisons
  '[file:size = 1 AND file:size = 2 OR file:size = 3 AND file:size = 4]',
  '[(file:size = 1 OR file:size = 2) AND (file:size = 3 OR file:size = 4)]',
  '[file:size = 1 OR (file:size = 2 OR file:size = 3)]',
  '[file:size = 1 AND (file:size = 2 AND file:size = 3)]',
  // observations
  '[file:size = 1] AND [url:value = 2] OR [file:size = 3] FOLLOWEDBY [file:size = 4]',
  '[file:size = 1] FOLLOWEDBY ([file:size = 2] FOLLOWEDBY [file:size = 3])',
  '([file:size = 1] FOLLOWEDBY [file:size = 2]) OR [file:size = 3]',
  '([file:size = 1] OR [file:size = 2]) AND [file:size = 3]',
  '[file:size = 1] WITHIN 5 SECONDS',
  '[file:size = 1] WITHIN 0.5 SECONDS REPEATS 2 TIMES',
  "[file:size = 1] START t'2026-01-01T00:00:00Z' STOP t'2026-01-01T00:00:00.1Z'",
  '([file:size = 1] REPEATS 2 TIMES) REPEATS 3 TIMES',
  '([file:size = 1] FOLLOWEDBY [file:size = 2] REPEATS 9 TIMES) WITHIN 300 SECONDS',
  '(([file:size = 1] OR [file:size = 2]) WITHIN 5 SECONDS) REPEATS 2 TIMES AND [file:size = 3]',
]

test('each form of the grammar parses, and prints as it was', async (t) => {
  for (const text of CANONICAL) t.equal(printed(text), text, JSON.stringify(text))
})

test('other spellings of the same pattern print alike', async (t) => {
  const same: [text: string, canonical: string][] = [
    ["[file:name=='a']", "[file:name = 'a']"],
    ['[file:size<>1]', '[file:size != 1]'],
    ["[file:name LIKE'a'AND file:name MATCHES'b']", "[file:name LIKE 'a' AND file:name MATCHES 'b']"],
    ['[file:size=1AND file:size=2OR file:size=.5]', '[file:size = 1 AND file:size = 2 OR file:size = .5]'],
    ['[file:size=1]REPEATS 5TIMES WITHIN 5SECONDS', '[file:size = 1] REPEATS 5 TIMES WITHIN 5 SECONDS'],
    ["[file : hashes . 'MD6' [ * ] . x = 1]", '[file:hashes.MD6[*].x = 1]'],
    ['[file:size IN(1,2)]', '[file:size IN (1, 2)]'],
    ['(([file:size = 1]))', '[file:size = 1]'],
    ['(([file:size = 1])) WITHIN 5 SECONDS', '[file:size = 1] WITHIN 5 SECONDS'],
    ['[((file:size = 1))]', '[file:size = 1]'],
    ["[file:'name' = 'a']", "[file:name = 'a']"],
    ["[artifact:payload_bin = b'AQ\nI=\n']", "[artifact:payload_bin = b'AQI=']"],
    ['/* a */ [ // b\n file:size /**/ = /***/ 1 ] // c', '[file:size = 1]'],
    ['[file:size = 1]//', '[file:size = 1]'],
    ['[file:size = //\r1]', '[file:size = 1]'],
  ]
  for (const [text, canonical] of same) t.equal(printed(text), canonical, JSON.stringify(text))
})

test('white space is these 25 code points and no other', async (t) => {
  const spaces: string[] = []
  for (let code = 1; code <= 0xffff; code++) {
    const char = String.fromCharCode(code)
    if (parsePattern(`${char}[file:size =${char}1]`).ok) spaces.push(code.toString(16))
  }
  const wanted = ['9', 'a', 'b', 'c', 'd', '20', '85', 'a0', '1680']
  for (let code = 0x2000; code <= 0x200a; code++) wanted.push(code.toString(16))
  t.same(spaces, [...wanted, '2028', '2029', '202f', '205f', '3000'])
})

/** Text, code and offset of the one error, words of its message. */
const REFUSED: [text: string, code: string, offset: number, words: string][] = [
  ['', 'PA-00/syntax', 0, 'Expected an observation expression, [ or (, but found the end of the pattern.'],
  ['   ', 'PA-00/syntax', 3, 'end of the pattern'],
  ['file:size = 1', 'PA-00/syntax', 0, 'observation expression'],
  ['[]', 'PA-00/syntax', 1, 'object path'],
  ['()', 'PA-00/syntax', 1, 'observation expression'],
  ['[file:size = 1', 'PA-00/syntax', 14, 'AND, OR or ]'],
  ['([file:size = 1]', 'PA-00/syntax', 16, 'or )'],
  ['[(file:size = 1]', 'PA-00/syntax', 15, 'AND, OR or )'],
  ['[file:size = 1])', 'PA-00/syntax', 15, 'end of the pattern'],
  ['[file:size = 1] [file:size = 2]', 'PA-00/syntax', 16, 'FOLLOWEDBY'],
  ['[file:size = 1] AND', 'PA-00/syntax', 19, 'observation expression'],
  ['[file:size = 1 AND]', 'PA-00/syntax', 18, 'object path'],
  ['[file:size = 1 FOLLOWEDBY file:size = 2]', 'PA-00/syntax', 15, 'AND, OR or ]'],
  ['[file:size = 1] and [file:size = 2]', 'PA-00/syntax', 16, '"and"'],
  ["[file:name like 'a']", 'PA-00/syntax', 11, 'comparison operator'],
  ["[file:name NOT 'a']", 'PA-00/syntax', 15, 'comparison operator'],
  ["[NOT file:name = 'a']", 'PA-00/syntax', 1, 'NOT after the object path'],
  ['[EXISTS]', 'PA-00/syntax', 7, 'object path'],
  ['[file:name EXISTS]', 'PA-00/syntax', 11, 'comparison operator'],
  ['[file = 1]', 'PA-00/syntax', 6, 'Expected :'],
  ['[file.size = 1]', 'PA-00/syntax', 5, 'Expected :'],
  ["['file':size = 1]", 'PA-00/syntax', 1, 'object path'],
  ['[file:]', 'PA-00/syntax', 6, 'property name'],
  ['[file:a-b = 1]', 'PA-00/syntax', 6, 'in apostrophes because of its hyphen'],
  ['[file:IN = 1]', 'PA-00/syntax', 6, 'in apostrophes'],
  ['[file:x_y.true = 1]', 'PA-00/syntax', 10, 'in apostrophes'],
  ['[LAST:size = 1]', 'PA-00/syntax', 1, 'object path'],
  ['[file:x_y..z = 1]', 'PA-00/syntax', 10, 'property name'],
  ['[file:x_y.1 = 1]', 'PA-00/syntax', 9, 'comparison operator'],
  ['[file:[0] = 1]', 'PA-00/syntax', 6, 'property name'],
  ['[file:x_y[] = 1]', 'PA-00/syntax', 10, 'list index'],
  ['[file:x_y[a] = 1]', 'PA-00/syntax', 10, 'list index'],
  ['[file:x_y[1.5] = 1]', 'PA-00/syntax', 10, 'list index'],
  ['[file:x_y[0 = 1]', 'PA-00/syntax', 12, 'Expected ]'],
  ['[file:x_y[-1] = 1]', 'PA-07/index', 10, '0 or more'],
  ['[file:x_y[-0] = 1]', 'PA-07/index', 10, '0 or more'],
  ['[file:x_y[99999999999999999] = 1]', 'PA-06/number-range', 10, '2^53'],
  ['[file:size = ]', 'PA-00/syntax', 13, 'a constant'],
  ['[file:size = = 1]', 'PA-00/syntax', 13, 'a constant'],
  ['[file:size =! 1]', 'PA-00/character', 12, '"!"'],
  ['[file:size =? 1]', 'PA-00/character', 12, '"?"'],
  ['[file:size === 1]', 'PA-00/syntax', 13, 'a constant'],
  ['[file:size >< 1]', 'PA-00/syntax', 12, 'a constant'],
  ['[file:size < true]', 'PA-00/syntax', 13, 'has an order'],
  ['[file:size = True]', 'PA-00/syntax', 13, 'a constant'],
  ['[file:size = null]', 'PA-00/syntax', 13, 'a constant'],
  ['[file:size = file:size]', 'PA-00/syntax', 13, 'a constant'],
  ['[file:size = (1)]', 'PA-00/syntax', 13, 'a constant'],
  ['[1 = file:size]', 'PA-00/syntax', 1, 'object path'],
  ['[file:size IN 1]', 'PA-00/syntax', 14, 'list of constants'],
  ['[file:size IN (1,)]', 'PA-00/syntax', 17, 'a constant'],
  ['[file:size IN (1 2)]', 'PA-00/syntax', 17, ', or )'],
  ['[file:size IN (,)]', 'PA-00/syntax', 15, 'a constant'],
  ['[file:size IN ((1))]', 'PA-00/syntax', 15, 'a constant'],
  ['[file:name LIKE 1]', 'PA-00/syntax', 16, 'a string after LIKE'],
  ["[file:name MATCHES h'00']", 'PA-00/syntax', 19, 'a string after MATCHES'],
  ['[file:name MATCHES /a/]', 'PA-00/character', 19, '"/"'],
  ["[ipv4-addr:value ISSUBSET ('1.2.3.4')]", 'PA-00/syntax', 26, 'a string after ISSUBSET'],
  // constants
  ["[file:name = 'a]", 'PA-00/string', 13, 'apostrophe'],
  ["[file:name = 'a\\']", 'PA-00/string', 13, 'apostrophe'],
  ["[file:name = 'a\\n']", 'PA-00/escape', 15, 'backslash'],
  ["[file:name = 'a\\", 'PA-00/string', 13, 'apostrophe'],
  ['[file:name = "a"]', 'PA-00/character', 13, '"\\""'],
  ['[file:size = 01]', 'PA-06/leading-zero', 13, 'leading zeros'],
  ['[file:size = -00]', 'PA-06/leading-zero', 13, 'leading zeros'],
  ['[file:size = 1.]', 'PA-00/syntax', 14, 'AND, OR or ]'],
  ['[file:size = .]', 'PA-00/syntax', 13, 'a constant'],
  ['[file:size = 1e3]', 'PA-00/syntax', 14, '"e3"'],
  ['[file:size = 0x1F]', 'PA-00/syntax', 14, '"x1F"'],
  ['[file:size = - 1]', 'PA-00/syntax', 13, 'digits after -'],
  ['[file:size = +1]', 'PA-06/plus-sign', 13, 'plus sign'],
  ['[file:size = +.5]', 'PA-06/plus-sign', 13, 'plus sign'],
  ['[file:size = 9007199254740992]', 'PA-06/number-range', 13, '2^53'],
  ['[file:size = -9007199254740993]', 'PA-06/number-range', 13, '2^53'],
  [`[file:size = ${'9'.repeat(309)}.0]`, 'PA-06/number-range', 13, 'double'],
  ["[file:x_hex = h'abc']", 'PA-06/hex', 14, 'pairs'],
  ["[file:x_hex = h'ag']", 'PA-06/hex', 14, 'pairs'],
  ["[file:x_hex = h 'ab']", 'PA-00/syntax', 14, 'a constant'],
  ["[file:x_hex = H'ab']", 'PA-00/syntax', 14, 'a constant'],
  ["[file:x_hex = h'ab]", 'PA-00/string', 15, 'apostrophe'],
  ["[file:x_bin = b'']", 'PA-06/base64', 14, 'base64'],
  ["[file:x_bin = b'AQI']", 'PA-06/base64', 14, 'base64'],
  ["[file:x_bin = b'A===']", 'PA-06/base64', 14, 'base64'],
  ["[file:x_bin = b'====']", 'PA-06/base64', 14, 'base64'],
  ["[file:x_bin = b'AQ=I']", 'PA-06/base64', 14, 'base64'],
  ["[file:x_bin = b'A-_I']", 'PA-06/base64', 14, 'base64'],
  ["[file:x_bin = b'AQI= ']", 'PA-06/base64', 14, 'base64'],
  ["[file:ctime = t'2026-02-29T00:00:00Z']", 'PA-06/timestamp', 14, 'timestamp'],
  ["[file:ctime = t'2026-13-01T00:00:00Z']", 'PA-06/timestamp', 14, 'timestamp'],
  ["[file:ctime = t'2026-01-01T24:00:00Z']", 'PA-06/timestamp', 14, 'timestamp'],
  ["[file:ctime = t'2026-01-01T00:00:60Z']", 'PA-06/timestamp', 14, 'timestamp'],
  ["[file:ctime = t'2026-01-30T23:59:60Z']", 'PA-06/timestamp', 14, 'timestamp'],
  ["[file:ctime = t'2026-01-01T00:00:00']", 'PA-06/timestamp', 14, 'timestamp'],
  ["[file:ctime = t'2026-01-01t00:00:00z']", 'PA-06/timestamp', 14, 'timestamp'],
  ["[file:ctime = t'2026-01-01T00:00:00.Z']", 'PA-06/timestamp', 14, 'timestamp'],
  ["[file:ctime = t'2026-01-01T00:00:00+00:00']", 'PA-06/timestamp', 14, 'timestamp'],
  // qualifiers
  ['[file:size = 1] WITHIN', 'PA-00/syntax', 22, 'positive number of seconds'],
  ['[file:size = 1] WITHIN -5 SECONDS', 'PA-00/syntax', 23, 'positive number of seconds'],
  ['[file:size = 1] WITHIN 5 HOURS', 'PA-00/syntax', 25, 'SECONDS'],
  ['[file:size = 1] within 5 SECONDS', 'PA-00/syntax', 16, '"within"'],
  ['[file:size = 1] REPEATS 1.5 TIMES', 'PA-00/syntax', 24, 'positive whole number'],
  ['[file:size = 1] REPEATS 5', 'PA-00/syntax', 25, 'TIMES'],
  ["[file:size = 1] START '2026-01-01T00:00:00Z' STOP", 'PA-00/syntax', 22, "t'"],
  ["[file:size = 1] START t'2026-01-01T00:00:00Z'", 'PA-00/syntax', 45, 'STOP'],
  ["[file:size = 1] STOP t'2026-01-01T00:00:00Z'", 'PA-00/syntax', 16, 'STOP'],
  // characters and comments
  ['[file:size = 1];', 'PA-00/character', 15, '";"'],
  ['\ufeff[file:size = 1]', 'PA-00/character', 0, '\\ufeff'],
  ['[file:size = 1] /* x', 'PA-00/comment', 16, '*/'],
  ['[file:size = 1] /*/', 'PA-00/comment', 16, '*/'],
  ['[file:größe = 1]', 'PA-00/character', 8, '"ö"'],
  ['[file:size = 😀]', 'PA-00/character', 13, '"😀"'],
]

test('whatever leaves the grammar is one error at its place that says what was expected', async (t) => {
  for (const [text, code, offset, words] of REFUSED) {
    const result = parsePattern(text)
    const errors = result.ok ? [] : result.errors
    t.match(errors, [{ code, offset }], `${code} ${text.slice(0, 80)}`)
    t.equal(errors.length, 1)
    t.ok(errors[0]?.message.includes(words), `${text.slice(0, 80)}: ${errors[0]?.message}`)
    t.match(errors[0]?.clause, /^STIX 2\.1 §/)
  }
})

test('errors have line and column', async (t) => {
  const result = parsePattern('[file:size = 1]\n  OR\n  [file:size ! 1]')
  t.match(result, { ok: false, errors: [{ offset: 34, line: 3, column: 14 }] })
})

test('chains are flat, AND binds before OR before FOLLOWEDBY', async (t) => {
  t.match(tree('[file:size = 1 AND file:size = 2 AND file:size = 3]'), {
    comparison: { kind: 'chain', operator: 'AND', terms: { length: 3 } },
  })
  t.match(
    tree('[file:aaa = 1] OR [file:aaa = 2] AND [file:aaa = 3] FOLLOWEDBY [file:aaa = 4] OR [file:aaa = 5]'),
    {
      kind: 'join',
      operator: 'FOLLOWEDBY',
      terms: [
        { operator: 'OR', terms: [{ kind: 'bracket' }, { kind: 'join', operator: 'AND' }] },
        { operator: 'OR', terms: [{ kind: 'bracket' }, { kind: 'bracket' }] },
      ],
    },
  )
  t.match(tree('[file:aaa = 1] AND [file:aaa = 2] WITHIN 5 SECONDS'), {
    terms: [{ qualifiers: [] }, { qualifiers: [{ kind: 'within', seconds: { text: '5' } }] }],
    qualifiers: [],
  })
})

test('nodes know their place in the text', async (t) => {
  const text = "( [file:name = 'a' AND file:size IN (1, 22)] ) REPEATS 2 TIMES"
  const ast = tree(text)
  const at = (node: { start: number; end: number }) => text.slice(node.start, node.end)
  t.equal(at(ast), text)
  if (ast.kind !== 'bracket' || ast.comparison.kind !== 'chain') throw new Error('another tree')
  t.equal(at(ast.comparison), "file:name = 'a' AND file:size IN (1, 22)")
  const [, second] = ast.comparison.terms
  if (second?.kind !== 'test') throw new Error('another tree')
  t.equal(at(second), 'file:size IN (1, 22)')
  t.equal(at(second.path), 'file:size')
  t.same(second.values.map(at), ['1', '22'])
  t.same(ast.qualifiers.map(at), ['REPEATS 2 TIMES'])
})

test('the grammar of STIX 2.0 has no EXISTS, and times in strings', async (t) => {
  const options: PatternOptions = { version: '2.0' }
  const times = "[file:size = 1] START '2026-01-01T00:00:00Z' STOP '2026-02-01T00:00:00Z'"
  t.equal(printed(times, options), times)
  t.match(printed(times), /^PA-00\/syntax at 22/)
  t.match(printed(times.replace("'2", "t'2"), options), /^PA-00\/syntax at 22/)
  t.match(printed(times.replace('-01-01', '-01-32'), options), /^PA-00\/syntax at 22/)
  t.match(printed('[EXISTS file:size]', options), /^PA-00\/syntax at 8/)
  t.match(printed('[NOT EXISTS file:size]', options), /NOT after the object path/)
  t.equal(printed('[file:abc.EXISTS = 1]', options), "[file:abc.'EXISTS' = 1]")
})
