/** The object types of STIX 2.1 (§4 to §8), and what STIX 2.0 knows of them. */

export type Spec = 20 | 21

export const SDO_TYPES: ReadonlySet<string> = new Set([
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
])

export const SRO_TYPES: ReadonlySet<string> = new Set(['relationship', 'sighting'])

export const SCO_TYPES: ReadonlySet<string> = new Set([
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
])

export const META_TYPES: ReadonlySet<string> = new Set([
  'marking-definition',
  'language-content',
  'extension-definition',
])

/** Types that STIX 2.0 does not have: without `spec_version` they are not 2.0 objects but incomplete 2.1 ones. */
export const ONLY_21: ReadonlySet<string> = new Set([
  'grouping',
  'incident',
  'infrastructure',
  'location',
  'malware-analysis',
  'note',
  'opinion',
  'language-content',
  'extension-definition',
])

/** Is it one of the 18 cyber-observable types of the standard? */
export function isSco(type: string): boolean {
  return SCO_TYPES.has(type)
}

/** Is the type none of the standard's? */
export function isCustom(type: string): boolean {
  return !(
    SDO_TYPES.has(type) ||
    SRO_TYPES.has(type) ||
    SCO_TYPES.has(type) ||
    META_TYPES.has(type) ||
    type === 'bundle'
  )
}

/** Is the object a cyber-observable: of a standard type, or custom without creation data (extension `new-sco`)? */
export function isScoObject(type: string, value: Record<string, unknown>): boolean {
  if (isSco(type)) return true
  return isCustom(type) && !Object.hasOwn(value, 'created') && !Object.hasOwn(value, 'modified')
}
