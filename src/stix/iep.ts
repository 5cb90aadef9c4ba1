/** IEP 2.0 markings (FIRST Information Exchange Policy): a level, a window, and obligations that only readers can keep. */
import type { Tlp } from './markings.ts'
import { closedRecord, fail, instantOf, isRecord, oneOf, reading, required } from './strict-reading.ts'
import { timestampKey } from './timestamp.ts'

export const IEP_EXTENSION = 'extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a'

export interface IepConditions {
  /** Raises the object's level, never lowers it. */
  tlp: Tlp
  /** As spelled. */
  notBefore: string | null
  notAfter: string | null
  /** What binds the reader and cannot be enforced here, such as `encrypt_in_transit must`. */
  obligations: string[]
}

const LEVELS: ReadonlyMap<string, Tlp> = new Map([
  ['white', 'clear'],
  ['clear', 'clear'],
  ['green', 'green'],
  ['amber', 'amber'],
  ['amber+strict', 'amber+strict'],
  ['red', 'red'],
])

/** Statements on what a reader does with it, with their values and those that ask for nothing. */
const STATEMENTS: readonly { key: string; values: readonly string[]; free: string }[] = [
  { key: 'encrypt_in_transit', values: ['must', 'may'], free: 'may' },
  {
    key: 'permitted_actions',
    values: [
      'none',
      'contact-for-instruction',
      'internally-visible-actions',
      'externally-visible-indirect-actions',
      'externally-visible-direct-actions',
    ],
    free: 'externally-visible-direct-actions',
  },
  { key: 'affected_party_notifications', values: ['may', 'must-not'], free: 'may' },
  { key: 'provider_attribution', values: ['may', 'must', 'must-not'], free: 'may' },
  // The name that the JSON specification of FIRST has for it.
  { key: 'attribution', values: ['may', 'must', 'must-not'], free: 'may' },
  { key: 'unmodified_resale', values: ['may', 'must-not'], free: 'may' },
]

const PROPERTIES = [
  'extension_type',
  'iep_id',
  'id',
  'iep_version',
  'name',
  'policy_name',
  'description',
  'start_date',
  'end_date',
  'tlp',
  'external_reference',
  'external_references',
  ...STATEMENTS.map((statement) => statement.key),
]

/** The policies of FIRST for the levels of TLP, which a reference may name (first.org/iep/iep-polices). */
const FIRST_POLICIES: ReadonlyMap<string, Tlp> = new Map([
  ['5e607e88-ab70-4977-8c1b-ee3a16b0f68c', 'red'],
  ['01bc4353-4829-4d55-8d52-0ab7e0790df9', 'amber'],
  ['3903ce63-674c-4b70-9457-8c5527dd9115', 'green'],
  ['0d783790-b221-40c1-840a-5787330612c1', 'clear'],
])

function version(content: Record<string, unknown>): void {
  const found = content.iep_version
  if (found !== 2 && found !== '2.0') fail('iep_version must be 2.0')
}

/** A policy that stands elsewhere: nothing is fetched, so only those of FIRST are known. */
function reference(content: Record<string, unknown>): IepConditions {
  const { id_ref } = closedRecord(content, 'the IEP reference', [
    'extension_type',
    'id_ref',
    'url',
    'iep_version',
  ])
  version(content)
  const tlp = typeof id_ref === 'string' ? FIRST_POLICIES.get(id_ref.toLowerCase()) : undefined
  if (tlp === undefined) fail('it refers to a policy that stands elsewhere: send the policy itself')
  return { tlp, notBefore: null, notAfter: null, obligations: [`what the policy TLP ${tlp} of FIRST says`] }
}

function read(content: unknown): IepConditions {
  if (!isRecord(content)) fail('the IEP marking is no object')
  if (Object.hasOwn(content, 'id_ref')) return reference(content)
  const iep = closedRecord(content, 'the IEP marking', PROPERTIES)
  version(iep)
  const level = required(typeof iep.tlp === 'string' ? iep.tlp : undefined, 'tlp')
  const tlp = LEVELS.get(level.toLowerCase().replace(/^tlp[:-]/, ''))
  if (tlp === undefined) fail('tlp must be red, amber+strict, amber, green or clear (white)')
  const obligations: string[] = []
  for (const { key, values, free } of STATEMENTS) {
    const value = oneOf(iep, key, values)
    if (value !== undefined && value !== free) obligations.push(`${key} ${value}`)
  }
  // The JSON specification writes null for "no end".
  const date = (key: string) => (iep[key] === null ? null : (instantOf(iep, key) ?? null))
  const notBefore = date('start_date')
  const notAfter = date('end_date')
  if (notBefore !== null && notAfter !== null) {
    if ((timestampKey(notAfter) ?? '') <= (timestampKey(notBefore) ?? ''))
      fail('end_date must be later than start_date')
  }
  return { tlp, notBefore, notAfter, obligations }
}

/** The conditions of an IEP marking-definition, or why they cannot be applied; null when it is no IEP marking. */
export function readIep(definition: Record<string, unknown>): IepConditions | { problem: string } | null {
  const { extensions, definition_type: type } = definition
  if (isRecord(extensions) && Object.hasOwn(extensions, IEP_EXTENSION)) {
    const content = extensions[IEP_EXTENSION]
    return reading(() => {
      if (isRecord(content) && content.extension_type !== 'property-extension')
        fail('extension_type must be "property-extension"')
      return read(content)
    })
  }
  if (typeof type !== 'string' || type.toLowerCase() !== 'iep') return null
  return reading(() => read(definition.definition))
}
