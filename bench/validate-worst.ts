/** The slowest answers of the STIX validator to hostile texts of 1 MB and of 64 kB: each the median of some runs, in ms of the processor. */
import { validateText } from '../src/stix/index.ts'

const RUNS = 9
const FRAME =
  '"spec_version":"2.1","created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z"'
const UUID = '7c1d0b0e-3c1e-4d3e-9f51-6b0f4b7d2a10'

const object = (type: string, rest: string): string =>
  `{"type":"${type}","id":"${type}--${UUID}",${FRAME},${rest}}`
const tool = (rest: string): string => object('tool', `"name":"a",${rest}`)
/** A list of copies of an item, up to a size. */
const fill = (size: number, item: string, join = ','): string =>
  Array(Math.floor(size / (item.length + join.length)))
    .fill(item)
    .join(join)
const indicator = (pattern: string): string =>
  object(
    'indicator',
    `"pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z","pattern":${JSON.stringify(pattern)}`,
  )

const HOSTILE: [name: string, make: (size: number) => string][] = [
  ['one long string', (n) => tool(`"description":"${'a'.repeat(n)}"`)],
  ['escapes', (n) => tool(`"description":"${fill(n, '\\u00e9', '')}"`)],
  ['backslashes', (n) => tool(`"description":"${fill(n, '\\\\', '')}"`)],
  ['list of nulls', (n) => tool(`"aliases":[${fill(n, 'null')}]`)],
  ['list of empty objects', (n) => tool(`"x_acme_a":[${fill(n, '{}')}]`)],
  ['list of numbers with many digits', (n) => tool(`"x_acme_a":[${fill(n, '1234567890123456.5')}]`)],
  ['list of integers out of range', (n) => tool(`"x_acme_a":[${fill(n, '12345678901234567890')}]`)],
  ['many keys', (n) => tool(`"x_acme_a":{${Array.from({ length: n / 12 }, (_, i) => `"k${i}":1`).join()}}`)],
  [
    'bad references',
    (n) =>
      object('report', `"name":"a","published":"2026-01-01T00:00:00Z","object_refs":[${fill(n, '"x"')}]`),
  ],
  [
    'good references',
    (n) =>
      object(
        'report',
        `"name":"a","published":"2026-01-01T00:00:00Z","object_refs":[${fill(n, `"tool--${UUID}"`)}]`,
      ),
  ],
  ['selectors', (n) => tool(`"granular_markings":[{"lang":"en","selectors":[${fill(n, '"aliases.[0]"')}]}]`)],
  [
    'one long selector',
    (n) => tool(`"granular_markings":[{"lang":"en","selectors":["${fill(n, 'a', '.')}"]}]`),
  ],
  ['nesting', (n) => tool(`"x_acme_a":${'['.repeat(n / 2)}${']'.repeat(n / 2)}`)],
  ['vocabulary', (n) => object('malware', `"is_family":false,"malware_types":[${fill(n, '"A B"')}]`)],
  [
    'external references',
    (n) => tool(`"external_references":[${fill(n, '{"source_name":"a","url":"https://a/"}')}]`),
  ],
  ['URL', (n) => object('url', `"value":"https://${'a'.repeat(n)}"`)],
  ['URL of percent signs', (n) => object('url', `"value":"https://a/${fill(n, '%41', '')}"`)],
  ['domain name', (n) => object('domain-name', `"value":"${fill(n, 'xn--a', '.')}"`)],
  ['e-mail address', (n) => object('email-addr', `"value":"${fill(n, 'a', '.')}@a"`)],
  ['CPE', (n) => object('software', `"name":"a","cpe":"cpe:2.3:${'a'.repeat(n)}"`)],
  ['language tag', (n) => tool(`"lang":"${fill(n, 'a', '-')}"`)],
  [
    'hash names',
    (n) =>
      object(
        'file',
        `"hashes":{${Array.from({ length: 900 }, (_, i) => `"x${i}":"${'a'.repeat(n / 900)}"`).join()}}`,
      ),
  ],
  ['payload', (n) => object('artifact', `"payload_bin":"${'A'.repeat(n - (n % 4))}"`)],
  ['pattern of comparisons', (n) => indicator(`[${fill(Math.min(n, 60_000), "a:b = 'c'", ' OR ')}]`)],
  ['pattern of parentheses', (n) => indicator(`${'('.repeat(n / 2)}[a:b = 1]${')'.repeat(n / 2)}`)],
  ['pattern too long', (n) => indicator(`[${fill(n, "a:b = 'c'", ' OR ')}]`)],
  [
    'bundle of small objects',
    (n) => `{"type":"bundle","id":"bundle--${UUID}","objects":[${fill(n, '{"type":"a"}')}]}`,
  ],
  [
    'bundle of one object again and again',
    (n) => `{"type":"bundle","id":"bundle--${UUID}","objects":[${fill(n, tool('"revoked":false'))}]}`,
  ],
  ['white space', (n) => `${tool('"revoked":false')}${' '.repeat(n)}`],
  ['no JSON', (n) => fill(n, '{"a":[', '')],
]

function median(text: string): number {
  const times: number[] = []
  for (let i = 0; i < RUNS; i++) {
    const start = process.cpuUsage()
    validateText(text)
    const { user, system } = process.cpuUsage(start)
    times.push((user + system) / 1000)
  }
  return times.sort((a, b) => a - b)[RUNS >> 1] as number
}

const worst = { large: 0, small: 0 }
for (const [name, make] of HOSTILE) {
  const large = median(make(980_000))
  const small = median(make(64_000))
  worst.large = Math.max(worst.large, large)
  worst.small = Math.max(worst.small, small)
  console.log(`${large.toFixed(1).padStart(8)} ms  ${small.toFixed(2).padStart(8)} ms  ${name}`)
}
console.log(
  `worst: ${worst.large.toFixed(1)} ms for 1 MB (goal 50), ${worst.small.toFixed(2)} ms for 64 kB (goal 5)`,
)
