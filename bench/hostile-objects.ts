/** Texts of one object that cost a validator of STIX more than others of their size. */
import { bundle, fill, indicator, lists, numbered, object, sco, tool, UUID } from './text-parts.ts'

export const HOSTILE_OBJECTS: [name: string, make: (size: number) => string][] = [
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
  ['list of lists', (n) => tool(`"x_acme_a":[${fill(n, '[]')}]`)],
  ['lists of one number', (n) => tool(`"x_acme_a":[${fill(n, '[1]')}]`)],
  ['lists of empty objects', (n) => tool(`"x_acme_a":[${fill(n, `[${fill(9_000, '{}')}]`)}]`)],
  ['lists of empty lists in lists', (n) => tool(`"x_acme_a":[${fill(n, `[${fill(900, '[[]]')}]`)}]`)],
  ['objects of one key', (n) => tool(`"x_acme_a":[${fill(n, `[${fill(9_000, '{"a":1}')}]`)}]`)],
  ['objects of many shapes', (n) => tool(`"x_acme_a":[${lists(n, 900, (i) => `{"k${i}":1}`)}]`)],
  ['empty keys', (n) => tool(`"x_acme_a":[${fill(n, `[${fill(9_000, '{"":0}')}]`)}]`)],
  ['empty strings', (n) => tool(`"x_acme_a":[${fill(n, `[${fill(9_000, '""')}]`)}]`)],
  ['strings of an escape', (n) => tool(`"x_acme_a":[${fill(n, `[${fill(9_000, '"\\n"')}]`)}]`)],
  ['strings of U+0000', (n) => tool(`"x_acme_a":[${fill(n, `[${fill(9_000, '"\\u0000"')}]`)}]`)],
  ['halves of surrogate pairs', (n) => tool(`"x_acme_a":[${fill(n, `[${fill(9_000, '"\\ud800"')}]`)}]`)],
  ['zeroes', (n) => tool(`"x_acme_a":[${fill(n, `[${fill(9_000, '0')}]`)}]`)],
  ['numbers with an exponent', (n) => tool(`"x_acme_a":[${fill(n, `[${fill(9_000, '1e9')}]`)}]`)],
  ['numbers out of range', (n) => tool(`"x_acme_a":[${fill(n, `[${fill(9_000, '1e999')}]`)}]`)],
  ['one number of many digits', (n) => tool(`"x_acme_a":0.${'1'.repeat(n)}`)],
  ['one integer of many digits', (n) => tool(`"x_acme_a":${'1'.repeat(n)}`)],
  ['many digits beside an exponent', (n) => tool(`"x_acme_a":${'1'.repeat(n - 9)}e-${n - 9}`)],
  ['one key again and again', (n) => tool(`"x_acme_a":{${fill(n, '"a":1')}}`)],
  ['one key again and again in small objects', (n) => tool(`"x_acme_a":[${fill(n, '{"a":1,"a":1}')}]`)],
  [
    'objects of 1,000 keys',
    (n) => tool(`"x_acme_a":[${fill(n, `{${numbered(1_000, (i) => `"${i}":1`)}}`)}]`),
  ],
  ['long keys', (n) => tool(`"x_acme_a":{${numbered(900, (i) => `"${'a'.repeat(n / 900)}${i}":1`)}}`)],
  ['deep objects', (n) => tool(`"x_acme_a":[${fill(n, `${'{"a":'.repeat(90)}1${'}'.repeat(90)}`)}]`)],
  ['deep lists', (n) => tool(`"x_acme_a":[${fill(n, `${'['.repeat(95)}${']'.repeat(95)}`)}]`)],
  [
    'numbers with a fraction deep in long keys',
    (n) =>
      tool(
        `"x_acme_a":${`{"${'a'.repeat(n / 95)}":`.repeat(90)}[${fill(n / 20, '4503599627370497.25')}]${'}'.repeat(90)}`,
      ),
  ],
  [
    'unknown properties',
    (n) => tool(numbered(Math.min(900, n / 12), (i) => `"k${i}":[${fill(n / 1_000, '[]')}]`)),
  ],
  ['custom references', (n) => tool(`"x_a_refs":[${fill(Math.min(n, 900_000), '"x"')}]`)],
  [
    'many granular markings',
    (n) => tool(`"granular_markings":[${fill(n, '{"lang":"en","selectors":["name"]}')}]`),
  ],
  ['empty granular markings', (n) => tool(`"granular_markings":[${fill(n, '{}')}]`)],
  [
    'long selectors',
    (n) => tool(`"granular_markings":[{"lang":"en","selectors":[${fill(n, `"${fill(900, 'a', '.')}"`)}]}]`),
  ],
  [
    'selectors that go deep',
    (n) =>
      tool(
        `"x_a":${'['.repeat(90)}1${']'.repeat(90)},"granular_markings":[{"lang":"en","selectors":[${fill(n, `"x_a${'.[0]'.repeat(90)}"`)}]}]`,
      ),
  ],
  [
    'extensions',
    (n) =>
      tool(
        `"extensions":{${numbered(Math.min(999, n / 100), (i) => `"extension-definition--${UUID.slice(0, -4)}${1_000 + i}":{"extension_type":"property-extension","a_a":[${fill(n / 1_000 - 100, '[]')}]}`)}}`,
      ),
  ],
  [
    'wrong extensions',
    (n) =>
      tool(
        `"extensions":{${numbered(Math.min(999, n / 20), (i) => `"x${i}":{${fill(n / 1_000, '"A":1')}}`)}}`,
      ),
  ],
  [
    'languages',
    (n) =>
      object(
        'language-content',
        `"object_ref":"tool--${UUID}","contents":{${numbered(Math.min(999, n / 20), (i) => `"a-${i}":{"name":"${'a'.repeat(n / 1_000)}","x":""}`)}}`,
      ),
  ],
  [
    'hashes',
    (n) =>
      object(
        'file',
        `"name":"a","hashes":{${numbered(Math.min(999, n / 20), (i) => `"x_${i}":"${'a'.repeat(n / 1_100)}"`)}}`,
      ),
  ],
  [
    'registry values',
    (n) =>
      object('windows-registry-key', `"key":"a","values":[${fill(n, '{"name":"a","data_type":"REG"}')}]`),
  ],
  ['empty registry values', (n) => object('windows-registry-key', `"key":"a","values":[${fill(n, '{}')}]`)],
  [
    'good registry values',
    (n) =>
      object(
        'windows-registry-key',
        `"key":"a","values":[${fill(Math.min(n, 300_000), '{"name":"a","data":"b"}')}]`,
      ),
  ],
  [
    'MIME parts',
    (n) => object('email-message', `"is_multipart":true,"body_multipart":[${fill(n, '{"body":""}')}]`),
  ],
  [
    'headers',
    (n) =>
      object(
        'email-message',
        `"is_multipart":false,"additional_header_fields":{${numbered(Math.min(999, n / 20), (i) => `"X${i}":[${fill(n / 1_000, '""')}]`)}}`,
      ),
  ],
  [
    'kill chain phases',
    (n) =>
      object(
        'malware',
        `"is_family":false,"kill_chain_phases":[${fill(n, '{"kill_chain_name":"A","phase_name":"A"}')}]`,
      ),
  ],
  [
    'protocols',
    (n) =>
      object(
        'network-traffic',
        `"src_ref":"ipv4-addr--${UUID}","protocols":[${fill(Math.min(n, 60_000), '"a"')}]`,
      ),
  ],
  [
    'alternate data streams',
    (n) =>
      object(
        'file',
        `"name":"a","extensions":{"ntfs-ext":{"alternate_data_streams":[${fill(n, '{"name":"","hashes":{"":""}}')}]}}`,
      ),
  ],
  [
    'PE sections',
    (n) =>
      object(
        'file',
        `"name":"a","extensions":{"windows-pebinary-ext":{"pe_type":"exe","sections":[${fill(n, '{"name":""}')}]}}`,
      ),
  ],
  [
    'PDF keys',
    (n) =>
      object(
        'file',
        `"name":"a","extensions":{"pdf-ext":{"document_info_dict":{${numbered(Math.min(999, n / 20), (i) => `"k${i}":"${'a'.repeat(n / 1_100)}"`)}}}}`,
      ),
  ],
  [
    'container of observables',
    (n) =>
      object(
        'observed-data',
        `"first_observed":"2026-01-01T00:00:00Z","last_observed":"2026-01-01T00:00:00Z","number_observed":1,"objects":{${numbered(Math.min(999, n / 30), (i) => `"${i}":{"type":"file","name":"a","x_a":[${fill(n / 1_100, '[]')}]}`)}}`,
      ),
  ],
  [
    'container with references',
    (n) =>
      object(
        'observed-data',
        `"objects":{${numbered(Math.min(999, n / 30), (i) => `"${i}":{"type":"directory","path":"","contains_refs":[${fill(n / 1_100, '"0"')}]}`)}}`,
      ),
  ],
  [
    'extension definition',
    (n) =>
      object(
        'extension-definition',
        `"name":"a","schema":"a","version":"1.0.0","extension_types":["toplevel-property-extension"],"extension_properties":[${fill(n, '"A"')}]`,
      ),
  ],
  [
    'markings',
    (n) =>
      object(
        'marking-definition',
        `"definition_type":"statement","definition":{"statement":""},"object_marking_refs":[${fill(n, `"marking-definition--${UUID}"`)}]`,
      ),
  ],
  ['domain name of Unicode', (n) => object('domain-name', `"value":"${fill(n / 2, 'é', '.')}"`)],
  [
    'domain names of Unicode',
    (n) => bundle(fill(n, sco('domain-name', `"value":"${'bücher.'.repeat(9)}example"`))),
  ],
  [
    'domain names of Punycode',
    (n) => bundle(fill(n, sco('domain-name', `"value":"${'xn--bcher-kva.'.repeat(9)}example"`))),
  ],
  ['long string of many bytes', (n) => tool(`"description":"${'€'.repeat(n / 3)}"`)],
  ['emoji', (n) => tool(`"description":"${'😀'.repeat(n / 4)}"`)],
  ['base64 that is none', (n) => tool(`"x_a_bin":"${'A'.repeat(n - 5)}*"`)],
  ['hexadecimal digits', (n) => tool(`"x_a_hex":"${'aB'.repeat(n / 2 - 9)}"`)],
  ['IPv6 address', (n) => object('ipv6-addr', `"value":"${fill(n, 'a', ':')}"`)],
  [
    'timestamp of many digits',
    (n) =>
      tool(`"x_a":1,"created":"2026-01-01T00:00:00.${'1'.repeat(n)}Z"`).replace(
        /"created":"2026-01-01T00:00:00.000Z",/,
        '',
      ),
  ],
  ['registered name of many letters', (n) => object('file', `"name":"a","mime_type":"${fill(n, 'A', '/')}"`)],
]
