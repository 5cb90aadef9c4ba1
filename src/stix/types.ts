/** The object types of STIX 2.1 (§4 to §8), from the tables, and what STIX 2.0 knows of them. */
import { SCO } from './tables/sco.ts'
import { SDO } from './tables/sdo.ts'
import { META, SRO } from './tables/sro-meta.ts'

export type Spec = 20 | 21

export const SDO_TYPES: ReadonlySet<string> = new Set(Object.keys(SDO))

export const SRO_TYPES: ReadonlySet<string> = new Set(Object.keys(SRO))

export const SCO_TYPES: ReadonlySet<string> = new Set(Object.keys(SCO))

export const META_TYPES: ReadonlySet<string> = new Set(Object.keys(META))

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

/** What an object's extensions say that a new type is (STIX 2.1 §7.3), or null. */
function declaredClass(value: Record<string, unknown>): 'sco' | 'other' | null {
  const extensions = Object.hasOwn(value, 'extensions') ? value.extensions : null
  if (typeof extensions !== 'object' || extensions === null) return null
  for (const extension of Object.values(extensions)) {
    const kind: unknown =
      typeof extension === 'object' && extension !== null && Object.hasOwn(extension, 'extension_type')
        ? (extension as Record<string, unknown>).extension_type
        : null
    if (kind === 'new-sco') return 'sco'
    if (kind === 'new-sdo' || kind === 'new-sro') return 'other'
  }
  return null
}

/**
 * Is the object a cyber-observable: of a standard type, or custom and declared as one by its extension, or custom
 * without declaration and without creation data?
 */
export function isScoObject(type: string, value: Record<string, unknown>): boolean {
  if (isSco(type)) return true
  if (!isCustom(type)) return false
  const declared = declaredClass(value)
  if (declared !== null) return declared === 'sco'
  return !Object.hasOwn(value, 'created') && !Object.hasOwn(value, 'modified')
}
