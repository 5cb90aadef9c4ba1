/** One line per broken rule of cyber-observables, meta objects and extensions. */
import {
  AT,
  extensionDefinition,
  file,
  id,
  identity,
  language,
  marking,
  process,
  sco,
  sdo,
  tool,
  traffic,
  type Value,
  without,
} from './stix-builders.ts'
import type { Case } from './stix-error-cases.ts'

const md5 = 'd41d8cd98f00b204e9800998ecf8427e'
const EXT = 'extension-definition--04a2c6a4-2f3c-4d8f-9c07-5d1a6d2a8f10'
const extended = (extension: Value, key: string = EXT): Value => tool({ extensions: { [key]: extension } })
const pe = (more: Value): Value =>
  file({ extensions: { 'windows-pebinary-ext': { pe_type: 'exe', ...more } } })
const http = { request_method: 'get', request_value: '/' }
const net = (name: string, more: Value): Value => traffic({ extensions: { [name]: more } })
const mail = (more: Value): Value => sco('email-message', { is_multipart: false, subject: 'S', ...more })
const custom = (more: Value): Value => sdo('x-acme-thing', more)
const TLP_RED = {
  type: 'marking-definition',
  spec_version: '2.1',
  id: 'marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed',
  created: '2017-01-20T00:00:00.000Z',
  name: 'TLP:RED',
  definition_type: 'tlp',
  definition: { tlp: 'red' },
}
const TLP2 = 'extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d'
const TLP2_GREEN = {
  type: 'marking-definition',
  spec_version: '2.1',
  id: 'marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb',
  created: '2022-10-01T00:00:00.000Z',
  name: 'TLP:GREEN',
  extensions: { [TLP2]: { extension_type: 'property-extension', tlp_2_0: 'green' } },
}

export const MORE_ERROR_CASES: readonly Case[] = [
  [
    'SC-02/payload',
    sco('artifact', { payload_bin: 'YQ==', url: 'a:b', hashes: { MD5: md5 } }),
    sco('artifact', { payload_bin: 'YQ==' }),
  ],
  ['SC-02/hashes', sco('artifact', { url: 'a:b' }), sco('artifact', { url: 'a:b', hashes: { MD5: md5 } })],
  [
    'SC-02/encryption',
    sco('artifact', { payload_bin: 'YQ==', decryption_key: 'a' }),
    sco('artifact', {
      payload_bin: 'YQ==',
      decryption_key: 'a',
      encryption_algorithm: 'mime-type-indicated',
    }),
  ],
  ['SC-03/domain', sco('domain-name', { value: '-a.com' }), sco('domain-name', { value: 'bücher.example.' })],
  [
    'SC-03/domain',
    sco('domain-name', { value: `${'a'.repeat(64)}.com` }),
    sco('domain-name', { value: `_dmarc.${'a'.repeat(63)}.com` }),
  ],
  [
    'SC-04/email',
    sco('email-addr', { value: 'Jo <jo@example.com>' }),
    sco('email-addr', { value: '"j o"@[192.0.2.1]' }),
  ],
  ['SC-05/multipart', mail({ body_multipart: [{ body: 'a' }] }), mail({ body: 'a' })],
  [
    'SC-05/part',
    mail({ is_multipart: true, body_multipart: [{ content_type: 'a' }] }),
    mail({ is_multipart: true, body_multipart: [{ body: 'a' }] }),
  ],
  [
    'TY-05/type',
    mail({ additional_header_fields: { 'X-A': 'a' } }),
    mail({ additional_header_fields: { 'X-A': ['a'] } }),
  ],
  ['SC-07/name-or-hashes', without(file({ size: 1 }), 'name'), file({ size: 1 })],
  ['SC-07/empty', pe({}), pe({ imphash: 'a' })],
  [
    'SC-07/empty',
    file({ extensions: { 'ntfs-ext': { other: 1 } } }),
    file({ extensions: { 'ntfs-ext': { sid: 'a' } } }),
  ],
  ['SC-07/time-date-stamp', pe({ time_date_stamp: AT }), pe({ time_date_stamp: '2026-01-01T00:00:00Z' })],
  [
    'SC-08/ipv4',
    sco('ipv4-addr', { value: '198.51.100.03' }),
    sco('ipv4-addr', { value: '198.51.100.0/24' }),
  ],
  ['SC-08/ipv6', sco('ipv6-addr', { value: 'fe80::1%eth0' }), sco('ipv6-addr', { value: '2001:db8::/32' })],
  [
    'SC-08/mac',
    sco('mac-addr', { value: 'D2:FB:49:24:37:18' }),
    sco('mac-addr', { value: 'd2:fb:49:24:37:18' }),
  ],
  ['SC-09/end-points', without(traffic(), 'src_ref'), traffic()],
  ['SC-09/active', traffic({ end: AT }), traffic({ end: AT, is_active: false })],
  ['SC-09/still-active', traffic({ end: AT, is_active: true }), traffic({ is_active: true })],
  ['SC-09/tcp-flags', net('tcp-ext', { other: 1 }), net('tcp-ext', { src_flags_hex: '02' })],
  [
    'TY-05/type',
    net('http-request-ext', { ...http, request_header: { Host: 'a' } }),
    net('http-request-ext', { ...http, request_header: { Host: ['a'] } }),
  ],
  ['SC-10/empty', without(process(), 'pid'), process()],
  [
    'SC-10/empty',
    sco('user-account', {}),
    sco('user-account', { extensions: { 'unix-account-ext': { gid: 1 } } }),
  ],
  [
    'SC-11/cpe',
    sco('software', { name: 'a', cpe: 'cpe:2.3:a:b' }),
    sco('software', { name: 'a', cpe: 'cpe:2.3:a:microsoft:word:2000:*:*:*:*:*:*:*' }),
  ],
  ['SC-12/url', sco('url', { value: 'https://bücher.example/' }), sco('url', { value: 'file:///tmp/a' })],
  [
    'SC-12/url',
    sco('url', { value: 'https://a:99999/' }),
    sco('url', { value: 'https://[2001:db8::1]:443/?a=%20#b' }),
  ],
  [
    'SC-13/hive',
    sco('windows-registry-key', { key: 'hklm\\a' }),
    sco('windows-registry-key', { key: 'HKEY_CURRENT_USER\\a' }),
  ],
  ['SC-14/value', traffic({ ipfix: { octetDeltaCount: 1.5 } }), traffic({ ipfix: { octetDeltaCount: 1 } })],
  [
    'ME-01/language',
    language({ contents: { en_US: { name: 'a' } } }),
    language({ contents: { 'zh-hant': { name: 'a' } } }),
  ],
  ['ME-01/target', language({ object_ref: id('language-content') }), language()],
  [
    'ME-01/value',
    language({ contents: { de: { confidence: 1 } } }),
    language({ contents: { de: { aliases: ['a'] } } }),
  ],
  ['ME-01/property', language({ contents: { de: { Name: 'a' } } }), language()],
  ['ME-02/definition', without(marking(), 'definition'), marking()],
  ['ME-02/statement', marking({ definition: { text: 'a' } }), marking()],
  [
    'ME-02/self',
    marking({ object_marking_refs: [id('marking-definition')] }),
    marking({ object_marking_refs: [TLP_RED.id] }),
  ],
  ['ME-03/tlp', { ...TLP_RED, definition: { tlp: 'green' } }, TLP_RED],
  [
    'ME-03/tlp',
    { ...TLP_RED, id: id('marking-definition') },
    { ...TLP_RED, created: '2017-01-20T00:00:00.000000Z' },
  ],
  ['ME-03/tlp-id', marking({ id: TLP_RED.id }), marking({ definition_type: 'acme-tlp' })],
  [
    'ME-04/tlp',
    { ...TLP2_GREEN, extensions: { [TLP2]: { extension_type: 'property-extension', tlp_2_0: 'purple' } } },
    TLP2_GREEN,
  ],
  ['ME-04/tlp', tool({ extensions: TLP2_GREEN.extensions }), tool({ object_marking_refs: [TLP2_GREEN.id] })],
  ['ME-04/tlp', file({ extensions: TLP2_GREEN.extensions }), file()],
  ['ME-04/tlp', { ...TLP2_GREEN, id: id('marking-definition') }, TLP2_GREEN],
  ['ME-04/tlp-id', marking({ id: TLP2_GREEN.id }), marking()],
  [
    'ME-05/lang-or-marking',
    tool({ granular_markings: [{ selectors: ['name'] }] }),
    tool({ granular_markings: [{ lang: 'en', selectors: ['name'] }] }),
  ],
  [
    'ME-05/target',
    tool({ granular_markings: [{ marking_ref: id('tool'), selectors: ['name'] }] }),
    tool({ granular_markings: [{ marking_ref: TLP_RED.id, selectors: ['name'] }] }),
  ],
  [
    'ME-06/selector',
    tool({ granular_markings: [{ lang: 'en', selectors: ['name.[0]'] }] }),
    tool({ aliases: ['a'], granular_markings: [{ lang: 'en', selectors: ['aliases.[0]'] }] }),
  ],
  ['TY-01/required', without(extensionDefinition(), 'created_by_ref'), extensionDefinition()],
  [
    'ME-07/extension-properties',
    extensionDefinition({ extension_properties: ['rank'] }),
    extensionDefinition({ extension_properties: ['rank'], extension_types: ['toplevel-property-extension'] }),
  ],
  ['ME-08/key', extended({ a_b: 1 }, 'acme-ext'), file({ extensions: { 'x-acme-foo-ext': { foo: 1 } } })],
  ['ME-08/extension-type', extended({ foo: 1 }), extended({ extension_type: 'property-extension', foo: 1 })],
  [
    'ME-08/host',
    process({ extensions: { 'ntfs-ext': { sid: 'a' } } }),
    file({ extensions: { 'ntfs-ext': { sid: 'a' } } }),
  ],
  ['ME-10/no-property', custom({}), custom({ extensions: { [EXT]: { extension_type: 'new-sdo', foo: 1 } } })],
  [
    'ME-11/bundle',
    sdo('report', { name: 'A', published: AT, object_refs: [id('bundle')] }),
    sdo('report', { name: 'A', published: AT, object_refs: [id('identity')] }),
  ],
  ['limit/id', identity({ id: `identity--${'a'.repeat(500)}` }), identity()],
]
