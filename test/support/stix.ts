/** Builders of valid STIX objects; every call makes a new id unless one is given. */
import { createHash, randomUUID } from 'node:crypto'
import { RELEASE_EXTENSION } from '../../src/stix/index.ts'
import { formatMicros } from '../../src/time.ts'
import type { StixObject } from './client.ts'

const SCO_NAMESPACE = '00abedb4-aa42-466c-9c01-fed23315a9b7'

/** UUIDv5 of a name in a namespace (RFC 4122 §4.3). */
export function uuid5(name: string, namespace: string = SCO_NAMESPACE): string {
  const space = Buffer.from(namespace.replaceAll('-', ''), 'hex')
  const bytes = createHash('sha1').update(space).update(name, 'utf8').digest().subarray(0, 16)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

export const newId = (type: string): string => `${type}--${randomUUID()}`

type Extra = Record<string, unknown>

const CREATED = '2026-01-01T00:00:00.000Z'

const sdo = (type: string, own: Extra, extra: Extra): StixObject => ({
  type,
  spec_version: '2.1',
  id: newId(type),
  created: CREATED,
  modified: CREATED,
  ...own,
  ...extra,
})

export const indicator = (extra: Extra = {}): StixObject =>
  sdo(
    'indicator',
    {
      name: 'an indicator',
      indicator_types: ['malicious-activity'],
      pattern: "[ipv4-addr:value = '198.51.100.1']",
      pattern_type: 'stix',
      valid_from: CREATED,
    },
    extra,
  )

export const malware = (extra: Extra = {}): StixObject =>
  sdo('malware', { name: 'a malware', is_family: false }, extra)

export const campaign = (extra: Extra = {}): StixObject => sdo('campaign', { name: 'a campaign' }, extra)

export const identity = (extra: Extra = {}): StixObject =>
  sdo('identity', { name: 'an organization', identity_class: 'organization' }, extra)

export const relationship = (source: string, target: string, extra: Extra = {}): StixObject =>
  sdo('relationship', { relationship_type: 'indicates', source_ref: source, target_ref: target }, extra)

export const report = (refs: string[], extra: Extra = {}): StixObject =>
  sdo('report', { name: 'a report', published: CREATED, object_refs: refs }, extra)

/** Lets in this one person, beside what the object's TLP marking says. */
export const forPerson = (person: string): StixObject => releasable({ persons: [person] })

/** A release marking for one country: an agreement for what carries it. */
export const forCountry = (country: string, extra: Extra = {}): StixObject =>
  releasable({ countries: [country] }, extra)

const releasable = (to: object, extra: Extra = {}): StixObject => ({
  type: 'marking-definition',
  spec_version: '2.1',
  id: newId('marking-definition'),
  created: CREATED,
  name: 'for some only',
  object_marking_refs: [TLP.clear],
  extensions: { [RELEASE_EXTENSION]: { extension_type: 'property-extension', releasable_to: to } },
  ...extra,
})

/** A STIX 2.0 object: it has no spec_version. */
export const indicator20 = (extra: Extra = {}): StixObject => ({
  type: 'indicator',
  id: newId('indicator'),
  created: CREATED,
  modified: CREATED,
  name: 'a STIX 2.0 indicator',
  labels: ['malicious-activity'],
  pattern: "[ipv4-addr:value = '198.51.100.1']",
  valid_from: CREATED,
  ...extra,
})

export const ipv4 = (value: string, extra: Extra = {}): StixObject => ({
  type: 'ipv4-addr',
  spec_version: '2.1',
  id: `ipv4-addr--${uuid5(JSON.stringify({ value }))}`,
  value,
  ...extra,
})

/** A `statement` marking: it says nothing about who may read (policy.md §2). */
export const statement = (text: string, extra: Extra = {}): StixObject => ({
  type: 'marking-definition',
  spec_version: '2.1',
  id: newId('marking-definition'),
  created: CREATED,
  definition_type: 'statement',
  definition: { statement: text },
  ...extra,
})

/** A marking that holds an object back until then (policy.md §7); a fixed id. @param at microseconds */
export const embargo = (at: bigint): StixObject => ({
  type: 'marking-definition',
  spec_version: '2.1',
  id: 'marking-definition--b4d2f6c0-5b0c-4b87-9d0c-6a1f1c1d7e01',
  created: CREATED,
  name: 'later',
  object_marking_refs: [TLP.clear],
  extensions: { [RELEASE_EXTENSION]: { extension_type: 'property-extension', not_before: formatMicros(at) } },
})

export const TLP = {
  clear: 'marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487',
  green: 'marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb',
  amber: 'marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421',
  'amber+strict': 'marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003',
  red: 'marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1',
} as const

/** The nine standard definitions of TLP 1 and 2, which every collection answers to (policy.md §2). */
export const TLP_DEFINITIONS: readonly string[] = [
  ...Object.values(TLP),
  'marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9',
  'marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da',
  'marking-definition--f88d31f6-486f-44da-b317-01333bde0b82',
  'marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed',
]

/** A second, later version of an object. */
export const version = (object: StixObject, modified: string, extra: Extra = {}): StixObject => ({
  ...object,
  modified,
  ...extra,
})

/** Names every type that STIX 2.1 defines: 19 SDO, 2 SRO, 18 SCO, 3 meta objects. */
export const STIX_TYPES: readonly string[] = [
  'attack-pattern',
  'campaign',
  'course-of-action',
  'grouping',
  'identity',
  'incident',
  'indicator',
  'infrastructure',
  'intrusion-set',
  'location',
  'malware',
  'malware-analysis',
  'note',
  'observed-data',
  'opinion',
  'report',
  'threat-actor',
  'tool',
  'vulnerability',
  'relationship',
  'sighting',
  'artifact',
  'autonomous-system',
  'directory',
  'domain-name',
  'email-addr',
  'email-message',
  'file',
  'ipv4-addr',
  'ipv6-addr',
  'mac-addr',
  'mutex',
  'network-traffic',
  'process',
  'software',
  'url',
  'user-account',
  'windows-registry-key',
  'x509-certificate',
  'marking-definition',
  'language-content',
  'extension-definition',
]
