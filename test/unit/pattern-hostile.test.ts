/** Hostile and mutated patterns: no exception, linear time, every answer well-formed. */
import { test } from 'tap'
import { extractObservables, type PatternOptions, parsePattern, printPattern } from '../../src/stix/index.ts'

const MEGABYTE = 1_000_000

/** No limit but the nesting, so that the parser itself is what is timed. */
const UNLIMITED: PatternOptions = {
  limits: { bytes: Infinity, tokens: Infinity, regex: Infinity, depth: 1e9 },
}

/** A quadratic pass over 1 MB takes minutes; a linear one, on a busy machine, a fraction of this. */
const SOON = 3_000

function fill(part: string): string {
  return part.repeat(Math.ceil(MEGABYTE / part.length))
}

const CHAIN = "file:name = 'a' OR "
const HOSTILE: Record<string, string> = {
  'open parentheses': fill('('),
  'open brackets': fill('['),
  'parentheses in brackets': `[${fill('(')}`,
  'closing parentheses': `[file:size = 1${fill(')')}`,
  'brackets one after the other': fill('[file:size = 1]'),
  'a long OR': `[${fill(CHAIN)}file:name = 'b']`,
  'a long AND': `[${fill("file:name = 'a' AND ")}file:name = 'b']`,
  'a long OR of AND': `[${fill("file:name = 'a' AND file:size = 1 OR ")}file:name = 'b']`,
  'an AND of ORs of many types': `[${Array.from({ length: 250 }, (_, i) => `(${Array.from({ length: 100 }, (_, k) => `x-${i}-${k}:abc = 1`).join(' OR ')} OR file:abc = 1)`).join(' AND ')}]`,
  'a long FOLLOWEDBY': `${fill('[file:size = 1] FOLLOWEDBY ')}[file:size = 1]`,
  'many qualifiers': `[file:size = 1] ${fill('REPEATS 2 TIMES ')}`,
  'a long IN': `[file:size IN (${fill('1,')}2)]`,
  'a long IN of different values': `[file:size IN (${Array.from({ length: 150_000 }, (_, i) => i).join()})]`,
  'a long path': `[file:size${fill('.a[0]')} = 1]`,
  'a long word': `[${fill('a')}:size = 1]`,
  'a long hyphened word': `[${fill('a-')}:size = 1]`,
  'a long number': `[file:size = ${fill('9')}]`,
  'a long fraction': `[file:size = .${fill('9')}]`,
  'many dots': `[file:size = ${fill('.1')}]`,
  'a long string': `[file:name = '${fill('x')}']`,
  'a string of escapes': `[file:name = '${fill("\\'")}']`,
  'a string without end': `[file:name = '${fill('x')}`,
  'escapes without end': `[file:name = '${fill("\\'")}`,
  'many strings without sense': fill("'a\\'"),
  'a long hex constant': `[file:x_hex = h'${fill('ab')}']`,
  'a long base64 constant': `[file:x_bin = b'${'AQID'.repeat(250_000)}']`,
  'base64 of line feeds': `[file:x_bin = b'${fill('\n')}AQI=']`,
  'a long timestamp': `[file:ctime = t'2026-01-01T00:00:00.${fill('0')}Z']`,
  'white space': `${fill(' \n\u3000')}[file:size = 1]`,
  'lines before an error': `${fill('\n')}?`,
  comments: `${fill('/**/')}[file:size = 1]`,
  'comments without end': fill('/*'),
  'line comments': fill('//\n'),
  'a long long MATCHES': `[file:name MATCHES '${fill('(a+)+')}$']`,
  'wrong names': `${fill('[X:Y = 1] OR ')}[X:Y = 1]`,
  'nothing but surrogates': fill('\ud800'),
}

test('1 MB of anything, limits off: soon and without an exception', async (t) => {
  for (const [name, text] of Object.entries(HOSTILE)) {
    const start = performance.now()
    const result = parsePattern(text, UNLIMITED)
    if (result.ok) {
      extractObservables(result.ast)
      printPattern(result.ast)
    }
    const spent = performance.now() - start
    t.ok(spent < SOON, `${name}: ${result.ok ? 'valid' : result.errors[0]?.code} in ${Math.round(spent)} ms`)
    if (!result.ok) t.not(result.errors[0]?.code, 'internal', name)
  }
})

test('1 MB with the limits of the standard door is refused at once', async (t) => {
  for (const [name, text] of Object.entries(HOSTILE)) {
    const start = performance.now()
    const result = parsePattern(text)
    t.ok(performance.now() - start < 50, name)
    t.match(result, { ok: false, errors: [{ code: 'limit/pattern-size', offset: 0 }] }, name)
  }
})

test('nesting as deep as any limit allows is safe for parser, rules, values and printer', async (t) => {
  const deep = 500
  const nested = (open: string, middle: string, close: string) =>
    open.repeat(deep) + middle + close.repeat(deep)
  for (const text of [
    nested('(', '[file:name = 1]', ')'),
    nested('(', '[file:name = 1]', ' WITHIN 1 SECONDS)'),
    nested('([file:name = 1] AND ', '[file:name = 1]', ' OR [file:name = 1])'),
    `[${nested('(', 'file:name = 1', ')')}]`,
    `[${nested("(file:name = 'a' AND ", "file:name = 'b'", " OR file:name = 'c')")}]`,
  ]) {
    const result = parsePattern(text, UNLIMITED)
    t.ok(result.ok)
    if (!result.ok) continue
    const printed = printPattern(result.ast)
    t.ok(parsePattern(printed, UNLIMITED).ok)
    t.ok(extractObservables(result.ast).length > 0)
  }
})

test('what is no text is refused like bad text', async (t) => {
  for (const value of [undefined, null, 1, {}, [], Symbol('x'), () => '', new String('[file:size = 1]')]) {
    t.match(parsePattern(value as unknown as string), { ok: false, errors: [{ code: 'PA-00/syntax' }] })
  }
})

const SEEDS = [
  "[ipv4-addr:value = '198.51.100.1' OR ipv6-addr:value ISSUBSET '2001:db8::/32']",
  "([file:hashes.'SHA-256' = 'aec070645fe53ee3b3763059376134f058cc337247c978add178b6ccdfb0019f'] FOLLOWEDBY [url:value LIKE 'a%']) WITHIN 300 SECONDS",
  "[process:x_refs[*].'a b'[0].c NOT IN (1, 2.5, -3) AND EXISTS process:name] REPEATS 5 TIMES",
  "[file:ctime > t'2026-01-31T23:59:59.5Z' AND file:x_hex = h'ffd8'] START t'2026-01-01T00:00:00Z' STOP t'2026-02-01T00:00:00Z'",
  "[artifact:payload_bin = b'AQI=' /* note */ AND (artifact:url MATCHES '\\\\x\\'' OR artifact:is_x != true)] // end",
]
const PIECES = [
  ...'[]():.,*=<>!+-\'"\\/ \n\u0000\u2028é😀0a_Zt',
  ...[
    'AND',
    'OR',
    'NOT',
    'FOLLOWEDBY',
    'IN',
    'EXISTS',
    'WITHIN',
    'true',
    "t'",
    "h'",
    "b'",
    '/*',
    '//',
    '9'.repeat(20),
  ],
]

test('mutations: never an exception, always a sound answer', async (t) => {
  let state = 20_260_101
  const random = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 4_294_967_296) * below)
  }
  const until = performance.now() + 20_000
  let valid = 0
  let slowest = 0
  let done = 0
  for (; done < 40_000 && performance.now() < until; done++) {
    let text = SEEDS[random(SEEDS.length)] ?? ''
    for (let n = 1 + random(4); n > 0; n--) {
      const from = random(text.length + 1)
      const to = Math.min(text.length, from + random(6))
      const piece =
        random(3) === 0 ? text.slice(random(text.length), random(text.length)) : PIECES[random(PIECES.length)]
      text = text.slice(0, from) + (random(4) === 0 ? '' : piece) + text.slice(random(2) === 0 ? from : to)
    }
    const start = performance.now()
    const result = parsePattern(text)
    slowest = Math.max(slowest, performance.now() - start)
    if (result.ok) {
      valid++
      const printed = printPattern(result.ast)
      const again = parsePattern(printed)
      extractObservables(result.ast)
      if (!again.ok || printPattern(again.ast) !== printed)
        t.fail(`prints otherwise: ${JSON.stringify(text)}`)
      continue
    }
    for (const { code, offset, line, column, message } of result.errors) {
      const place = offset >= 0 && offset <= text.length && line >= 1 && column >= 1
      const sentence = /^[\p{L}"*][^\n\r\p{Cc}]*\.$/u.test(message) && message.length < 300
      if (!/^(?:PA-\d\d|limit)\//.test(code) || !place || !sentence) {
        t.fail(`${code} at ${offset}, ${message} in ${JSON.stringify(text)}`)
      }
    }
  }
  t.ok(valid > 100, `${done} mutations, ${valid} of them valid, the slowest took ${slowest.toFixed(1)} ms`)
})
