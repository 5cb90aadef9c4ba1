/** One line per numbered warning: an object that draws it, and one beside it that does not. Both are valid. */

import { RELEASE_EXTENSION } from '../../src/stix/index.ts'
import {
  AT,
  extensionDefinition,
  file,
  id,
  identity,
  indicator,
  malware,
  marking,
  observed,
  process,
  relationship,
  sco,
  sdo,
  tool,
  traffic,
  type Value,
  without,
} from './stix-builders.ts'
import type { Case } from './stix-error-cases.ts'

const EXT = 'extension-definition--04a2c6a4-2f3c-4d8f-9c07-5d1a6d2a8f10'
const set = (more: Value): Value => sdo('intrusion-set', { name: 'A', ...more })
const actor = (more: Value): Value => sdo('threat-actor', { name: 'A', ...more })
const net = (name: string, more: Value): Value => traffic({ extensions: { [name]: more } })
const pe = (pe_type: string): Value =>
  file({ extensions: { 'windows-pebinary-ext': { pe_type, imphash: 'a' } } })
const http = (header: string): Value =>
  net('http-request-ext', { request_method: 'get', request_value: '/', request_header: { [header]: ['a'] } })
const socket = (option: string): Value =>
  net('socket-ext', { address_family: 'AF_INET', options: { [option]: 1 } })
const pdf = (key: string): Value =>
  file({ extensions: { 'pdf-ext': { document_info_dict: { [key]: 'a' } } } })
const priority = (name: string): Value =>
  process({ extensions: { 'windows-process-ext': { priority: name } } })
const contained = (key: string): Value => observed({ objects: { [key]: { type: 'file', name: 'a' } } })
const report = (types: string[]): Value =>
  sdo('report', { name: 'A', published: AT, object_refs: [id('tool')], report_types: types })
const old = (type: string, more: Value): Value => sdo(type, { spec_version: '2.0', ...more })
const GREEN = 'marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb'
const GREEN_1 = 'marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da'
const AMBER = 'marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421'
const marked = (refs: string[], more: Value = {}): Value => tool({ object_marking_refs: refs, ...more })
const release = (to: Value): Value => ({
  ...without(sdo('marking-definition'), 'modified'),
  extensions: { [RELEASE_EXTENSION]: { extension_type: 'property-extension', releasable_to: to } },
})
const md5 = 'd41d8cd98f00b204e9800998ecf8427e'
const V5 = '7c1d0b0e-3c1e-5d3e-9f51-6b0f4b7d2a10'

export const WARNING_CASES: readonly Case[] = [
  ['103', tool({ id: id('tool', V5) }), tool()],
  ['103', file({ id: id('file') }), file()],
  ['111', identity({ identity_class: 'My Class' }), identity({ identity_class: 'my-class' })],
  [
    '121',
    tool({ kill_chain_phases: [{ kill_chain_name: 'A', phase_name: 'b' }] }),
    tool({ kill_chain_phases: [{ kill_chain_name: 'a', phase_name: 'b-c' }] }),
  ],
  ['141', contained('a'), contained('0')],
  ['142', file({ x_acme_map: { Key: 1 } }), file({ hashes: { MD5: md5 }, x_acme_map: { key: 1 } })],
  [
    '143',
    sdo('malware-analysis', { product: 'My Product', result: 'benign' }),
    sdo('malware-analysis', { product: 'my-product', result: 'benign' }),
  ],
  ['149', priority('HIGH'), priority('HIGH_PRIORITY_CLASS')],
  ['201', marking({ definition_type: 'acme', definition: { a_b: 1 } }), marking()],
  ['202', relationship({ relationship_type: 'eats' }), relationship({ relationship_type: 'related-to' })],
  ['211', set({ primary_motivation: 'fame' }), set({ primary_motivation: 'personal-satisfaction' })],
  ['212', actor({ resource_level: 'planet' }), actor({ resource_level: 'team' })],
  ['213', identity({ identity_class: 'herd' }), identity({ identity_class: 'group' })],
  ['214', indicator({ indicator_types: ['bad'] }), indicator({ indicator_types: ['benign'] })],
  ['215', identity({ sectors: ['farming'] }), identity({ sectors: ['legal', 'emergency-services'] })],
  ['216', malware({ malware_types: ['bug'] }), malware({ malware_types: ['remote-access-trojan'] })],
  ['218', report(['news']), report(['incident'])],
  ['219', actor({ threat_actor_types: ['cat'] }), actor({ threat_actor_types: ['nation-state'] })],
  ['220', actor({ roles: ['cook'] }), actor({ roles: ['agent'] })],
  ['221', actor({ sophistication: 'some' }), actor({ sophistication: 'none' })],
  ['222', tool({ tool_types: ['hammer'] }), tool({ tool_types: ['remote-access'] })],
  ['223', sdo('location', { region: 'moon' }), sdo('location', { region: 'south-eastern-asia' })],
  [
    '225',
    sdo('grouping', { context: 'other', object_refs: [id('tool')] }),
    sdo('grouping', { context: 'malware-analysis', object_refs: [id('tool')] }),
  ],
  [
    '226',
    malware({ implementation_languages: ['cobol'] }),
    malware({ implementation_languages: ['rust', 'c++'] }),
  ],
  [
    '227',
    sdo('infrastructure', { name: 'A', infrastructure_types: ['tent'] }),
    sdo('infrastructure', { name: 'A', infrastructure_types: ['botnet'] }),
  ],
  ['228', malware({ capabilities: ['sings'] }), malware({ capabilities: ['captures-system-state-data'] })],
  [
    '230',
    malware({ architecture_execution_envs: ['z80'] }),
    malware({ architecture_execution_envs: ['x86-64'] }),
  ],
  [
    '231',
    sdo('malware-analysis', { product: 'a', result: 'odd' }),
    sdo('malware-analysis', { product: 'a', result: 'unknown' }),
  ],
  ['241', file({ hashes: { 'SHA-224': 'a' } }), file({ hashes: { x_sha224: 'a' } })],
  ['243', pe('com'), pe('sys')],
  [
    '244',
    sco('user-account', { user_id: '1', account_type: 'mastodon' }),
    sco('user-account', { user_id: '1', account_type: 'unix' }),
  ],
  ['245', indicator({ pattern_type: 'zeek' }), indicator({ pattern_type: 'yara' })],
  ['271', file({ mime_type: 'text/nothing' }), file({ mime_type: 'application/pdf' })],
  ['272', traffic({ protocols: ['ipv4', 'quux'] }), traffic({ protocols: ['ipv4', 'tcp', 'https'] })],
  ['273', traffic({ ipfix: { myField: 1 } }), traffic({ ipfix: { minimumIpTotalLength: 32 } })],
  ['274', http('Hosts'), http('Host')],
  ['275', socket('SO_NOTHING'), socket('SO_KEEPALIVE')],
  ['276', pdf('Colour'), pdf('Title')],
  ['277', sdo('location', { country: 'MYS' }), sdo('location', { country: 'MY' })],
  ['301', without(traffic(), 'dst_port'), traffic()],
  [
    '302',
    tool({ external_references: [{ source_name: 'a', url: 'https://a/' }] }),
    tool({ external_references: [{ source_name: 'a', url: 'https://a/', hashes: { MD5: md5 } }] }),
  ],
  ['303', without(indicator(), 'description'), indicator()],
  ['304', contained('0'), observed()],
  ['305', without(extensionDefinition(), 'description'), extensionDefinition()],
  ['306', extensionDefinition({ extension_types: ['toplevel-property-extension'] }), extensionDefinition()],
  [
    '401',
    tool({ x_acme_a: 1 }),
    tool({ x_acme_a: 1, extensions: { [EXT]: { extension_type: 'toplevel-property-extension' } } }),
  ],
  [
    '401',
    sdo('x-acme', { foo: 1 }),
    sdo('x-acme', { foo: 1, extensions: { [EXT]: { extension_type: 'new-sdo' } } }),
  ],
  [
    '401',
    file({ extensions: { 'x-acme-ext': { foo: 1 } } }),
    file({ extensions: { [EXT]: { extension_type: 'property-extension', foo: 1 } } }),
  ],
  ['901', file({ id: id('file', V5) }), file()],
  ['902', file({ magic_number_hex: 'AB' }), file({ magic_number_hex: 'ab' })],
  [
    '903',
    indicator({
      pattern:
        "[ipv4-addr:value = '198.51.100.1'] START t'2020-01-01T00:00:00Z' STOP t'2030-01-01T00:00:00Z'",
    }),
    indicator({
      pattern:
        "[ipv4-addr:value = '198.51.100.1'] START t'2027-01-01T00:00:00Z' STOP t'2030-01-01T00:00:00Z'",
    }),
  ],
  ['904', tool({ id: id('tool', '7C1D0B0E-3C1E-4D3E-9F51-6B0F4B7D2A10') }), tool()],
  ['905', tool({ description: 'a\0b' }), tool({ description: 'ab' })],
  ['906', sco('domain-name', { value: '198.51.100.1' }), sco('domain-name', { value: '198.51.100.example' })],
  ['907', old('tool', { name: 'a', labels: ['remote-access'] }), tool()],
  ['908', old('tool', { name: 'a' }), old('tool', { name: 'a', labels: ['remote-access'] })],
  ['909', tool({ x_acme_ref: '' }), tool({ x_acme_ref: id('tool') })],
  ['910', tool({ x_acme_map: { 'a b': 1 } }), tool({ x_acme_map: { 'a-b': 1 } })],
  ['911', tool({ x_acme_a: { b: [] } }), tool({ x_acme_a: { b: [1] } })],
  ['911', tool({ x_acme_a: [{}] }), tool({ x_acme_a: [{ c: 1 }] })],
  ['912', marked([GREEN], { labels: ['tlp:red'] }), marked([GREEN], { labels: ['TLP:GREEN'] })],
  ['913', marked([GREEN], { description: 'TLP:RED' }), marked([GREEN], { description: 'TLP:GREEN' })],
  [
    '914',
    marked([AMBER], { granular_markings: [{ marking_ref: GREEN, selectors: ['name'] }] }),
    marked([GREEN], { granular_markings: [{ marking_ref: AMBER, selectors: ['name'] }] }),
  ],
  ['915', marked([GREEN_1, AMBER]), marked([GREEN_1, GREEN])],
  ['916', release({ countries: ['DE', 'DE'] }), release({ countries: ['DE', 'FR'] })],
]
