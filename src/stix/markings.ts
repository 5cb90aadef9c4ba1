/** Markings: the TLP definitions by id, text hints, and what a marking-definition is (policy.md §2, STIX 2.1 §7.2). */
import { ACS_EXTENSION } from './acs.ts'
import { IEP_EXTENSION } from './iep.ts'
import { RELEASE_EXTENSION } from './release.ts'
import { timestampKey } from './timestamp.ts'

export type Tlp = 'clear' | 'green' | 'amber' | 'amber+strict' | 'red'

const ORDER: readonly Tlp[] = ['clear', 'green', 'amber', 'amber+strict', 'red']

export const TLP2_EXTENSION = 'extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d'

const TLP1: readonly (readonly [id: string, level: string])[] = [
  ['marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9', 'white'],
  ['marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da', 'green'],
  ['marking-definition--f88d31f6-486f-44da-b317-01333bde0b82', 'amber'],
  ['marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed', 'red'],
]

const TLP2: readonly (readonly [id: string, level: Tlp])[] = [
  ['marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487', 'clear'],
  ['marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb', 'green'],
  ['marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421', 'amber'],
  ['marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003', 'amber+strict'],
  ['marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1', 'red'],
]

/** AMBER+STRICT of OpenCTI, from the time before TLP 2: an id that is known though no standard defines it. */
const OPENCTI_AMBER_STRICT = 'marking-definition--826578e1-40ad-459f-bc73-ede076f81f37'

function asTlp(word: string): Tlp | null {
  const level = word === 'white' ? 'clear' : word
  return (ORDER as readonly string[]).includes(level) ? (level as Tlp) : null
}

/** The ten ids that state a level. Markings are recognised by id, never by content. */
export const TLP_BY_ID: ReadonlyMap<string, Tlp> = new Map([
  ...TLP1.map(([id, level]) => [id, asTlp(level) as Tlp] as const),
  ...TLP2,
  [OPENCTI_AMBER_STRICT, 'amber+strict'] as const,
])

const FIRST_IDS: ReadonlySet<string> = new Set(TLP1.map(([id]) => id))

/** The highest level among the TLP 1 markings, and among the TLP 2 ones. */
export function tlpGenerations(refs: readonly string[]): { first: Tlp | null; second: Tlp | null } {
  let first = -1
  let second = -1
  for (const ref of refs) {
    const level = TLP_BY_ID.get(ref)
    if (level === undefined) continue
    if (FIRST_IDS.has(ref)) first = Math.max(first, ORDER.indexOf(level))
    else second = Math.max(second, ORDER.indexOf(level))
  }
  return { first: ORDER[first] ?? null, second: ORDER[second] ?? null }
}

const TLP1_CREATED = '2017-01-20T00:00:00.000Z'
const TLP2_CREATED = '2022-10-01T00:00:00.000Z'

function tlp1(id: string, level: string): Record<string, unknown> {
  return {
    type: 'marking-definition',
    spec_version: '2.1',
    id,
    created: TLP1_CREATED,
    definition_type: 'tlp',
    name: `TLP:${level.toUpperCase()}`,
    definition: { tlp: level },
  }
}

function tlp2(id: string, level: string): Record<string, unknown> {
  return {
    type: 'marking-definition',
    spec_version: '2.1',
    id,
    created: TLP2_CREATED,
    name: `TLP:${level.toUpperCase()}`,
    extensions: { [TLP2_EXTENSION]: { extension_type: 'property-extension', tlp_2_0: level } },
  }
}

const STANDARD: ReadonlyMap<string, Record<string, unknown>> = new Map([
  ...TLP1.map(([id, level]) => [id, tlp1(id, level)] as const),
  ...TLP2.map(([id, level]) => [id, tlp2(id, level)] as const),
])

/** The nine standard definitions, which every collection answers to: TLP 1 (STIX 2.1 §7.2.1.4) and TLP 2. */
export const STANDARD_DEFINITIONS: readonly { id: string; created: string; text: string }[] = [
  ...STANDARD.entries(),
].map(([id, value]) => ({ id, created: String(value.created), text: JSON.stringify(value) }))

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function same(a: unknown, b: unknown): boolean {
  if (!isRecord(a) || !isRecord(b)) return a === b
  const keys = Object.keys(a)
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && same(a[key], b[key]))
  )
}

/** Does its id belong to TLP 1 or to TLP 2? Null for any id but those of the nine standard definitions. */
export function tlpGeneration(id: unknown): 1 | 2 | null {
  if (typeof id !== 'string' || !STANDARD.has(id)) return null
  return FIRST_IDS.has(id) ? 1 : 2
}

/**
 * Is it exactly one of the nine standard definitions, its instant of creation in any spelling (T-3.4.1-12)? Null for
 * any other id, false for their ids with other content.
 */
export function isTlpDefinition(value: Record<string, unknown>): boolean | null {
  const standard = typeof value.id === 'string' ? STANDARD.get(value.id) : undefined
  if (!standard) return null
  const { created } = value
  const instant =
    typeof created === 'string' && timestampKey(created) === timestampKey(String(standard.created))
  return same(instant ? { ...value, created: standard.created } : value, standard)
}

/** Is it exactly one of the TLP 1 definitions as STIX 2.0 has them: without `name`, and of no other version? */
export function isTlpDefinition20(value: Record<string, unknown>): boolean {
  const standard = typeof value.id === 'string' ? STANDARD.get(value.id) : undefined
  if (standard?.definition_type !== 'tlp' || Object.hasOwn(value, 'name')) return false
  if (Object.hasOwn(value, 'spec_version') && value.spec_version !== '2.0') return false
  return isTlpDefinition({ ...value, name: standard.name, spec_version: '2.1' }) === true
}

/** Is it one of the nine standard definitions again? Null for any other id, false for their ids with other content. */
export function isStandardRepost(value: Record<string, unknown>): boolean | null {
  const exact = isTlpDefinition(value)
  return exact === false ? isTlpDefinition20(value) : exact
}

/** The highest level that a label hints at, such as `tlp:amber` or `TLP:WHITE`; hints only ever raise a level. */
export function labelHints(value: Record<string, unknown>): Tlp | null {
  if (!Object.hasOwn(value, 'labels') || !Array.isArray(value.labels)) return null
  let highest = -1
  for (const label of value.labels) {
    if (typeof label !== 'string' || label.length > 20) continue
    const word = label.toLowerCase()
    const level = word.startsWith('tlp:') ? asTlp(word.slice(4)) : null
    if (level) highest = Math.max(highest, ORDER.indexOf(level))
  }
  return ORDER[highest] ?? null
}

export type DefinitionKind = 'statement' | 'release' | 'tlp-claim' | 'acs' | 'iep' | 'other'

/**
 * What a marking-definition is by its content. A `tlp-claim` states TLP under an id that is not in `TLP_BY_ID`
 * and must be refused; that and what narrows an audience come before `statement`, which has no effect.
 */
export function kindOfDefinition(value: Record<string, unknown>): DefinitionKind {
  const extensions = isRecord(value.extensions) ? value.extensions : {}
  const type = typeof value.definition_type === 'string' ? value.definition_type.toLowerCase() : ''
  const known = typeof value.id === 'string' && TLP_BY_ID.has(value.id)
  if (!known && (type === 'tlp' || Object.hasOwn(extensions, TLP2_EXTENSION))) return 'tlp-claim'
  if (Object.hasOwn(extensions, RELEASE_EXTENSION)) return 'release'
  if (Object.hasOwn(extensions, ACS_EXTENSION)) return 'acs'
  if (Object.hasOwn(extensions, IEP_EXTENSION) || type === 'iep') return 'iep'
  const { definition } = value
  if (type === 'statement' && isRecord(definition) && Object.hasOwn(definition, 'statement'))
    return 'statement'
  return 'other'
}

function strings(list: unknown): string[] {
  return Array.isArray(list) ? list.filter((item): item is string => typeof item === 'string') : []
}

/** Ids of the markings on the object as a whole. */
export function objectRefs(value: Record<string, unknown>): string[] {
  return Object.hasOwn(value, 'object_marking_refs') ? strings(value.object_marking_refs) : []
}

/** The granular markings that refer to a definition; those that only state a language restrict nobody. */
export function granularRefs(value: Record<string, unknown>): { ref: string; selectors: string[] }[] {
  if (!Object.hasOwn(value, 'granular_markings') || !Array.isArray(value.granular_markings)) return []
  return value.granular_markings.flatMap((marking: unknown) =>
    isRecord(marking) && typeof marking.marking_ref === 'string'
      ? [{ ref: marking.marking_ref, selectors: strings(marking.selectors) }]
      : [],
  )
}
