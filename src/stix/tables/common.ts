/** The common properties of each class of objects (STIX 2.1 §3.2), and what does not apply to some. */

const SHARED = {
  type: 'string!',
  id: 'id!',
  object_marking_refs: 'ref[] marking-definition',
  granular_markings: 'object[] granular-marking',
  extensions: 'extensions',
} as const

const META = {
  ...SHARED,
  spec_version: 'string!',
  created_by_ref: 'ref identity',
  created: 'timestamp! ms',
  external_references: 'object[] external-reference',
} as const

/** Domain and relationship objects. */
export const SDO_COMMON = {
  ...META,
  modified: 'timestamp! ms',
  revoked: 'boolean',
  labels: 'string[]',
  confidence: 'integer 0..100',
  lang: 'lang',
} as const

/** Cyber-observable objects. */
export const SCO_COMMON = { ...SHARED, spec_version: 'string', defanged: 'boolean' } as const

export const LANGUAGE_COMMON = {
  ...META,
  modified: 'timestamp! ms',
  revoked: 'boolean',
  labels: 'string[]',
  confidence: 'integer 0..100',
} as const

export const MARKING_COMMON = META

export const EXTENSION_COMMON = {
  type: 'string!',
  id: 'id!',
  spec_version: 'string!',
  created_by_ref: 'ref! identity',
  created: 'timestamp! ms',
  modified: 'timestamp! ms',
  revoked: 'boolean',
  labels: 'string[]',
  external_references: 'object[] external-reference',
  object_marking_refs: 'ref[] marking-definition',
  granular_markings: 'object[] granular-marking',
} as const

/** Common properties that must not stand on objects of a class (STIX 2.1 §3.2, §4 to §7). */
export const NOT_APPLICABLE: Readonly<Record<string, readonly string[]>> = {
  sdo: ['defanged'],
  sco: ['created_by_ref', 'revoked', 'labels', 'confidence', 'lang', 'external_references'],
  'language-content': ['defanged', 'lang'],
  'marking-definition': ['defanged', 'modified', 'revoked', 'labels', 'confidence', 'lang'],
  'extension-definition': ['defanged', 'confidence', 'lang', 'extensions'],
}

/** Names that the standard keeps for later use (STIX 2.1 §3.8). */
export const RESERVED: ReadonlySet<string> = new Set([
  'severity',
  'username',
  'phone_number',
  'phone_numbers',
  'action',
])
