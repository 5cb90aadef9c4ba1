/** Valid STIX objects of any type for the tests of the validator, with ids that the rules give. */
import { deterministicId } from '../../src/stix/index.ts'

export type Value = Record<string, unknown>

export const UUID = '7c1d0b0e-3c1e-4d3e-9f51-6b0f4b7d2a10'
export const AT = '2026-01-01T00:00:00.000Z'
export const LATER = '2026-01-02T00:00:00.000Z'

export const id = (type: string, uuid: string = UUID): string => `${type}--${uuid}`

/** An object of a domain, relationship or meta type. */
export const sdo = (type: string, more: Value = {}): Value => ({
  type,
  spec_version: '2.1',
  id: id(type),
  created: AT,
  modified: AT,
  ...more,
})

/** A cyber-observable with its deterministic id. */
export function sco(type: string, more: Value): Value {
  const object: Value = { type, spec_version: '2.1', id: id(type), ...more }
  if (more.id === undefined) object.id = deterministicId(object) ?? object.id
  return object
}

export const without = (value: Value, ...keys: string[]): Value =>
  Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key)))

export const tool = (more: Value = {}): Value => sdo('tool', { name: 'nmap', ...more })
export const identity = (more: Value = {}): Value =>
  sdo('identity', { name: 'A', identity_class: 'organization', ...more })
export const malware = (more: Value = {}): Value => sdo('malware', { name: 'M', is_family: false, ...more })
export const indicator = (more: Value = {}): Value =>
  sdo('indicator', {
    name: 'I',
    description: 'D',
    pattern: "[ipv4-addr:value = '198.51.100.1']",
    pattern_type: 'stix',
    valid_from: AT,
    ...more,
  })
export const relationship = (more: Value = {}): Value =>
  sdo('relationship', {
    relationship_type: 'uses',
    source_ref: id('malware'),
    target_ref: id('tool'),
    ...more,
  })
export const observed = (more: Value = {}): Value =>
  sdo('observed-data', {
    first_observed: AT,
    last_observed: AT,
    number_observed: 1,
    ...(more.objects === undefined ? { object_refs: [id('file')] } : {}),
    ...more,
  })
export const marking = (more: Value = {}): Value =>
  without(
    sdo('marking-definition', { definition_type: 'statement', definition: { statement: 'S' }, ...more }),
    'modified',
  )
export const extensionDefinition = (more: Value = {}): Value =>
  sdo('extension-definition', {
    created_by_ref: id('identity'),
    name: 'E',
    description: 'D',
    schema: 'https://example.com/schema',
    version: '1.0',
    extension_types: ['property-extension'],
    ...more,
  })
export const language = (more: Value = {}): Value =>
  sdo('language-content', { object_ref: id('tool'), contents: { de: { name: 'N' } }, ...more })
export const file = (more: Value = {}): Value => sco('file', { name: 'a.txt', ...more })
export const traffic = (more: Value = {}): Value =>
  sco('network-traffic', {
    src_ref: id('ipv4-addr'),
    protocols: ['tcp'],
    src_port: 1,
    dst_port: 2,
    ...more,
  })
export const process = (more: Value = {}): Value => sco('process', { pid: 1, ...more })

/** The least of each type that is valid and draws no warning. */
export const MINIMAL: readonly Value[] = [
  sdo('attack-pattern', { name: 'A' }),
  sdo('campaign', { name: 'A' }),
  sdo('course-of-action', { name: 'A' }),
  sdo('grouping', { context: 'unspecified', object_refs: [id('tool')] }),
  identity(),
  sdo('incident', { name: 'A' }),
  indicator(),
  sdo('infrastructure', { name: 'A' }),
  sdo('intrusion-set', { name: 'A' }),
  sdo('location', { country: 'my' }),
  malware(),
  sdo('malware-analysis', { product: 'a-product', result: 'benign' }),
  sdo('note', { content: 'A', object_refs: [id('tool')] }),
  observed(),
  sdo('opinion', { opinion: 'agree', object_refs: [id('tool')] }),
  sdo('report', { name: 'A', published: AT, object_refs: [id('tool')] }),
  sdo('threat-actor', { name: 'A' }),
  tool(),
  sdo('vulnerability', { name: 'A' }),
  relationship(),
  sdo('sighting', { sighting_of_ref: id('malware') }),
  sco('artifact', { payload_bin: 'VGVzdA==' }),
  sco('autonomous-system', { number: 15139 }),
  sco('directory', { path: '/tmp' }),
  sco('domain-name', { value: 'example.com' }),
  sco('email-addr', { value: 'jo@example.com' }),
  sco('email-message', { is_multipart: false, subject: 'S' }),
  file(),
  sco('ipv4-addr', { value: '198.51.100.3' }),
  sco('ipv6-addr', { value: '2001:db8::1' }),
  sco('mac-addr', { value: 'd2:fb:49:24:37:18' }),
  sco('mutex', { name: 'm' }),
  traffic(),
  process(),
  sco('software', { name: 'Word' }),
  sco('url', { value: 'https://example.com/' }),
  sco('user-account', { user_id: '1001' }),
  sco('windows-registry-key', { key: 'HKEY_LOCAL_MACHINE\\System' }),
  sco('x509-certificate', { serial_number: '00' }),
  language(),
  marking(),
  extensionDefinition(),
]
