/** One line per broken rule of values, common properties and domain objects: the code, what breaks it, what does not. */
import {
  AT,
  extensionDefinition,
  file,
  id,
  indicator,
  LATER,
  language,
  malware,
  observed,
  process,
  relationship,
  sco,
  sdo,
  tool,
  traffic,
  UUID,
  type Value,
  without,
} from './stix-builders.ts'

/** Code, an object that breaks the rule, and one beside it that does not. */
export type Case = readonly [code: string, bad: Value, good: Value]

const ref = (more: Value): Value =>
  tool({ external_references: [{ source_name: 'a', description: 'b', ...more }] })
const md5 = 'd41d8cd98f00b204e9800998ecf8427e'
const place = (more: Value): Value => sdo('location', { region: 'africa', ...more })
const custom = (more: Value): Value => sdo('x-acme-thing', more)
const container = (...members: Value[]): Value =>
  observed({ objects: Object.fromEntries(members.map((member, i) => [String(i), member])) })
export const ERROR_CASES: readonly Case[] = [
  ['TY-01/required', without(tool(), 'name'), tool()],
  ['TY-01/null', tool({ x_acme_a: [{ b: null }] }), tool({ x_acme_a: [{ b: 0 }] })],
  ['TY-01/type', without(tool(), 'type'), tool()],
  ['TY-02/empty-list', tool({ aliases: [] }), tool({ aliases: ['a'] })],
  ['TY-02/empty-object', file({ hashes: {} }), file({ hashes: { MD5: md5 } })],
  [
    'TY-03/key',
    process({ environment_variables: { '': 'x' } }),
    process({ environment_variables: { A_b: 'x' } }),
  ],
  ['TY-04/integer', sco('autonomous-system', { number: 1.5 }), sco('autonomous-system', { number: 2 })],
  ['TY-04/range', traffic({ src_port: 65_536 }), traffic({ src_port: 65_535 })],
  ['TY-04/number', tool({ x_acme_a: Number.NaN }), tool({ x_acme_a: 1e300 })],
  ['TY-05/type', malware({ is_family: 'yes' }), malware({ is_family: true })],
  ['TY-06/hex', file({ magic_number_hex: 'abc' }), file({ magic_number_hex: 'abcd' })],
  ['TY-07/base64', tool({ x_acme_bin: 'a' }), tool({ x_acme_bin: 'YQ==' })],
  ['TY-08/hash', file({ hashes: { MD5: 'abc' } }), file({ hashes: { MD5: md5.toUpperCase() } })],
  ['TY-08/hash', file({ hashes: { TLSH: 'T1' } }), file({ hashes: { TLSH: `T1${'A'.repeat(70)}` } })],
  ['TY-08/key', file({ hashes: { 'M 5': md5 } }), file({ hashes: { x_m5: md5 } })],
  ['TY-09/algorithm', ref({ hashes: { x_acme: 'a' } }), ref({ hashes: { MD5: md5 } })],
  ['TY-10/external-reference', tool({ external_references: [{ source_name: 'a' }] }), ref({})],
  [
    'TY-11/cve',
    ref({ source_name: 'cve', external_id: 'CVE-2020-01234' }),
    ref({ source_name: 'cve', external_id: 'CVE-2020-12345' }),
  ],
  ['TY-11/capec', ref({ source_name: 'capec', external_id: '66' }), ref({ source_name: 'capec' })],
  ['TY-12/url', ref({ url: 'a b' }), ref({ url: 'https://a/b', hashes: { MD5: md5 } })],
  [
    'TY-13/timestamp',
    indicator({ valid_from: '2026-02-30T00:00:00Z' }),
    indicator({ valid_from: '2028-02-29T00:00:00Z' }),
  ],
  [
    'TY-13/timestamp',
    indicator({ valid_from: '2026-06-29T23:59:60Z' }),
    indicator({ valid_from: '2026-06-30T23:59:60Z' }),
  ],
  [
    'TY-13/timestamp',
    indicator({ valid_from: '2026-01-01t00:00:00Z' }),
    indicator({ valid_from: `2026-01-01T00:00:00.${'1'.repeat(40)}Z` }),
  ],
  ['TY-14/type-name', sdo('1-thing', { x_acme_a: 1 }), custom({ value: 1 })],
  ['TY-14/type-name', container({ type: 'as', number: 42 }), container({ type: 'x-as', number: 42 })],
  ['TY-14/type-name', sdo('x--thing', { x_acme_a: 1 }), custom({ value: 1 })],
  ['TY-15/property-name', tool({ x_Acme: 1 }), tool({ x_acme: 1 })],
  ['TY-15/property-name', tool({ xy: 1 }), tool({ xyz: 1 })],
  ['TY-16/reserved', tool({ severity: 1 }), tool({ x_severity: 1 })],
  ['TY-17/charset', file({ name_enc: 'latin' }), file({ name_enc: 'ISO-8859-1' })],
  [
    'TY-18/encoding-alone',
    without(file({ hashes: { MD5: md5 }, name_enc: 'UTF-8' }), 'name'),
    file({ name_enc: 'UTF-8' }),
  ],
  [
    'TY-20/enum',
    sdo('opinion', { opinion: 'maybe', object_refs: [id('tool')] }),
    sdo('opinion', { opinion: 'neutral', object_refs: [id('tool')] }),
  ],
  ['CO-01/id', tool({ id: 'tool--1' }), tool()],
  ['CO-01/id', tool({ id: `tool--${UUID}\n` }), tool()],
  ['CO-01/id', tool({ id: 'tool--7c1d0b0e-3c1e-7d3e-9f51-6b0f4b7d2a10' }), tool()],
  ['CO-01/id-type', custom({ id: id('tool'), value: 1 }), custom({ value: 1 })],
  [
    'CO-01/reference',
    sdo('report', { name: 'A', published: AT, object_refs: ['tool'] }),
    sdo('report', { name: 'A', published: AT, object_refs: [id('tool')] }),
  ],
  [
    'CO-04/uuid-version',
    sco('x509-certificate', {
      subject: 'a',
      id: id('x509-certificate', '7c1d0b0e-3c1e-5d3e-9f51-6b0f4b7d2a10'),
    }),
    sco('x509-certificate', { subject: 'a' }),
  ],
  ['CO-05/process-id', process({ id: id('process', '7c1d0b0e-3c1e-5d3e-9f51-6b0f4b7d2a10') }), process()],
  ['CO-08/spec-version', without(tool(), 'spec_version'), tool()],
  ['CO-08/spec-version', tool({ spec_version: '2.2' }), without(file(), 'spec_version')],
  [
    'CO-09/precision',
    tool({ created: '2025-01-01T00:00:00.12Z' }),
    tool({ created: '2025-01-01T00:00:00.123456789Z' }),
  ],
  [
    'CO-10/modified-before-created',
    tool({ created: '2026-01-01T00:00:00.0001Z' }),
    tool({ created: '2026-01-01T00:00:00.0000Z' }),
  ],
  ['CO-11/target', tool({ created_by_ref: id('tool') }), tool({ created_by_ref: id('identity') })],
  [
    'CO-12/target',
    tool({ object_marking_refs: [id('tool')] }),
    tool({ object_marking_refs: [id('marking-definition')] }),
  ],
  ['CO-13/lang', tool({ lang: 'en_US' }), tool({ lang: 'I-KLINGON' })],
  ['TY-04/range', tool({ confidence: 101 }), tool({ confidence: 100 })],
  ['CO-14/not-applicable', tool({ defanged: true }), file({ defanged: true })],
  ['CO-14/not-applicable', file({ labels: ['a'] }), tool({ labels: ['a'] })],
  ['CO-14/not-applicable', language({ lang: 'en' }), language({ confidence: 1 })],
  ['CO-14/not-applicable', extensionDefinition({ confidence: 1 }), extensionDefinition({ labels: ['a'] })],
  ['CO-16/order', indicator({ valid_until: AT }), indicator({ valid_until: LATER })],
  [
    'CO-16/order',
    sdo('campaign', { name: 'A', first_seen: LATER, last_seen: AT }),
    sdo('campaign', { name: 'A', first_seen: AT, last_seen: AT }),
  ],
  ['SD-01/location', without(place({}), 'region'), place({})],
  ['SD-01/coordinates', place({ latitude: 1 }), place({ latitude: 1, longitude: 2 })],
  ['SD-01/precision', place({ precision: 1 }), place({ latitude: 1, longitude: 2, precision: 1 })],
  ['SD-02/family-name', without(malware({ is_family: true }), 'name'), without(malware(), 'name')],
  ['SD-02/target', malware({ sample_refs: [id('url')] }), malware({ sample_refs: [id('file')] })],
  [
    'SD-03/result',
    sdo('malware-analysis', { product: 'a' }),
    sdo('malware-analysis', { product: 'a', analysis_sco_refs: [id('x-own')] }),
  ],
  [
    'SD-03/target',
    sdo('malware-analysis', { product: 'a', result: 'benign', host_vm_ref: id('tool') }),
    sdo('malware-analysis', { product: 'a', result: 'benign', host_vm_ref: id('software') }),
  ],
  ['SD-04/objects', without(observed(), 'object_refs'), observed()],
  [
    'SD-04/no-observable',
    observed({ object_refs: [id('relationship')] }),
    observed({ object_refs: [id('relationship'), id('x-own')] }),
  ],
  ['SD-04/target', observed({ object_refs: [id('file'), id('tool')] }), observed()],
  ['SD-05/type', container({ name: 'a' }), container({ type: 'file', name: 'a' })],
  [
    'SD-05/unresolved',
    container({ type: 'file', name: 'a', parent_directory_ref: '7' }),
    container({ type: 'file', name: 'a', parent_directory_ref: '1' }, { type: 'directory', path: '/' }),
  ],
  [
    'SC-01/target',
    container({ type: 'file', name: 'a', content_ref: '1' }, { type: 'url', value: 'a:b' }),
    container(
      { type: 'file', name: 'a', content_ref: '1' },
      { type: 'artifact', url: 'a:b', hashes: { MD5: md5 } },
    ),
  ],
  ['PA-00/syntax', indicator({ pattern: '[a:b = ' }), indicator()],
  [
    'TY-02/empty-list',
    sdo('note', { content: 'A', object_refs: [] }),
    sdo('note', { content: 'A', object_refs: [id('tool')] }),
  ],
  [
    'SD-08/target',
    relationship({ source_ref: id('relationship') }),
    relationship({ source_ref: id('x-own'), relationship_type: 'related-to' }),
  ],
  ['SD-09/relationship-type', relationship({ relationship_type: 'Uses' }), relationship()],
  ['SD-09/length', relationship({ relationship_type: 'go' }), relationship({ relationship_type: 'has' })],
  [
    'SD-11/target',
    sdo('sighting', { sighting_of_ref: id('file') }),
    sdo('sighting', { sighting_of_ref: id('indicator'), where_sighted_refs: [id('location')] }),
  ],
  [
    'TY-01/required',
    tool({ kill_chain_phases: [{ kill_chain_name: 'a' }] }),
    tool({ kill_chain_phases: [{ kill_chain_name: 'a', phase_name: 'b' }] }),
  ],
  [
    'SC-01/target',
    file({ parent_directory_ref: id('file') }),
    file({ parent_directory_ref: id('directory') }),
  ],
]
