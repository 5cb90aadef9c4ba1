/** Patterns, bundles, lists and broken texts that cost a validator of STIX more than others of their size. */
import {
  bundle,
  FRAME,
  fill,
  indicator,
  numbered,
  numberedUuid,
  object,
  several,
  tool,
  UUID,
} from './text-parts.ts'

export const HOSTILE_BUNDLES: [name: string, make: (size: number) => string][] = [
  [
    'pattern of qualifiers',
    (n) =>
      indicator(
        `[a:b = 1]${" REPEATS 2 TIMES WITHIN 3 SECONDS START t'2026-01-01T00:00:00Z' STOP t'2026-01-02T00:00:00Z'".repeat(Math.min(n, 60_000) / 90)}`,
      ),
  ],
  ['pattern of sets', (n) => indicator(`[a:b IN (${fill(Math.min(n, 30_000), "'a'")})]`)],
  ['pattern of paths', (n) => indicator(`[a:b${'.c[*]'.repeat(Math.min(n, 60_000) / 6)} = 1]`)],
  ['pattern of quoted paths', (n) => indicator(`[a:b${".'c'".repeat(Math.min(n, 60_000) / 5)} = 1]`)],
  ['pattern of observations', (n) => indicator(fill(Math.min(n, 60_000), '[a:b=1]', ' AND '))],
  [
    'pattern of regular expressions',
    (n) => indicator(`[${fill(Math.min(n, 60_000), `a:b MATCHES '${'(a|b)*'.repeat(20)}'`, ' OR ')}]`),
  ],
  [
    'pattern of one regular expression',
    (n) => indicator(`[a:b MATCHES '${'(a|b)*'.repeat(Math.min(n, 4_000) / 6)}']`),
  ],
  ['pattern of LIKE', (n) => indicator(`[${fill(Math.min(n, 60_000), "a:b LIKE '%%_%'", ' AND ')}]`)],
  [
    'pattern of NOT',
    (n) => indicator(`[a:b NOT NOT = 1] ${'AND [a:b NOT = 1]'.repeat(Math.min(n, 60_000) / 18)}`),
  ],
  [
    'pattern of addresses',
    (n) => indicator(`[${fill(Math.min(n, 60_000), "ipv4-addr:value ISSUBSET '1.2.3.4/8'", ' OR ')}]`),
  ],
  ['pattern of comments', (n) => indicator(`[a:b = 1]${'/**/'.repeat(Math.min(n, 60_000) / 4)}`)],
  [
    'pattern of timestamps',
    (n) => indicator(`[${fill(Math.min(n, 60_000), "a:b = t'2026-01-01T00:00:00Z'", ' OR ')}]`),
  ],
  ['pattern of binary', (n) => indicator(`[a:b = b'${'A'.repeat(Math.min(n, 60_000))}']`)],
  ['indicators with patterns', (n) => bundle(fill(n, indicator(`[${fill(1_000, 'a:b=1', ' OR ')}]`)))],
  ['indicators with wrong patterns', (n) => bundle(fill(n, indicator('[')))],
  [
    'small observables',
    (n) => bundle(several(n, (i) => `{"type":"url","id":"url--${numberedUuid(i, 4)}","value":"a:"}`)),
  ],
  [
    'small observables with another id',
    (n) => bundle(several(n, (i) => `{"type":"url","id":"url--${numberedUuid(i, 5)}","value":"a:"}`)),
  ],
  ['small observables of one id', (n) => bundle(fill(n, `{"type":"url","id":"url--${UUID}","value":"a:"}`))],
  [
    'small files',
    (n) =>
      bundle(several(n, (i) => `{"type":"file","id":"file--${numberedUuid(i, 5)}","hashes":{"x_a":""}}`)),
  ],
  [
    'small custom observables',
    (n) => bundle(several(n, (i) => `{"type":"a-b","id":"a-b--${numberedUuid(i, 5)}","a":1,"b":1}`)),
  ],
  [
    'small objects of STIX 2.0',
    (n) => bundle(several(n, (i) => `{"type":"tool","id":"tool--${numberedUuid(i, 4)}",${FRAME.slice(21)}}`)),
  ],
  [
    'objects with warnings',
    (n) =>
      bundle(
        several(
          n,
          (i) => `{"type":"url","id":"url--${numberedUuid(i, 1)}","value":"a:","x":[${fill(180, '[]')}]}`,
        ),
      ),
  ],
  [
    'objects with errors',
    (n) =>
      bundle(
        several(
          n,
          (i) => `{"type":"url","id":"url--${numberedUuid(i, 1)}","value":"","x":[${fill(400, 'null')}]}`,
        ),
      ),
  ],
  ['objects with duplicate keys', (n) => bundle(fill(n, '{"a":1,"a":1}'))],
  ['objects with numbers out of range', (n) => bundle(fill(n, '{"a":1e999}'))],
  ['objects with U+0000', (n) => bundle(fill(n, '{"a":"\\u0000"}'))],
  [
    'objects that share a UUID',
    (n) => bundle(several(n, (i) => object(i % 2 === 0 ? 'tool' : 'campaign', `"name":"${i}"`))),
  ],
  [
    'versions of one object',
    (n) =>
      bundle(
        several(n, (i) =>
          tool('"revoked":false').replace('00:00:00.000Z","name', `00:00:00.${1_000 + i}Z","name`),
        ),
      ),
  ],
  [
    'translations of one object',
    (n) =>
      bundle(
        fill(
          n,
          object(
            'language-content',
            `"object_ref":"language-content--${UUID}","contents":{"en":{"name":"a"}}`,
          ),
        ),
      ),
  ],
  ['list of empty objects as a document', (n) => `[${fill(n, '{}')}]`],
  ['list of numbers as a document', (n) => `[${fill(n, '0')}]`],
  ['bundle of numbers', (n) => bundle(fill(n, '0'))],
  ['bundle of an object and numbers', (n) => bundle(`{},${fill(n, '0')}`)],
  ['bundle of empty lists', (n) => bundle(fill(n, '[]'))],
  [
    'properties of a bundle',
    (n) => `{"type":"bundle","id":"bundle--${UUID}",${numbered(n / 12, (i) => `"k${i}":1`)}}`,
  ],
  ['lists in a bundle', (n) => `{"type":"bundle","id":"bundle--${UUID}","x_a":[${fill(n, '{}')}]}`],
  [
    'nesting in a bundle',
    (n) => `{"type":"bundle","id":"bundle--${UUID}","x_a":${'['.repeat(n / 2)}${']'.repeat(n / 2)}}`,
  ],
  ['keys of an envelope', (n) => `{${numbered(n / 12, (i) => `"k${i}":1`)},"objects":[{}]}`],
  ['keys objects', (n) => `{${fill(n, '"objects":[{}]')}}`],
  ['keys objects with escapes', (n) => `{${fill(n, '"\\u006fbjects":0')},"objects":[{}]}`],
  ['white space between tokens', (n) => tool(`"x_a":[${fill(n, ' [\n] ')}]`)],
  ['white space between objects', (n) => bundle(fill(n, ' { } '))],
  ['string without an end', (n) => `{"a":"${'a'.repeat(n)}`],
  ['list without an end', (n) => '['.repeat(n)],
]
