/** The profile `reference`: which of our checks the OASIS validator does not have, or has as a MUST. */
import { isCustom } from './types.ts'

export type Profile = 'spec' | 'reference'

/** What the profile does with findings of a code: leaves them out, or makes errors of warnings. */
interface Departure {
  /** Row of docs/stix-deviations.md. */
  row: string
  code: string
  does: 'drop' | 'error'
  /** Only on objects of these types. */
  types?: 'custom' | readonly string[]
  /** Only at these places, where the reference has the check elsewhere. */
  path?: RegExp
}

/** Of each code one, and only what the reference was seen to accept. */
export const DEPARTURES: readonly Departure[] = [
  { row: 'DV-09', code: 'TY-18/encoding-alone', does: 'drop' },
  { row: 'DV-11', code: 'CO-01/id-type', does: 'drop', types: 'custom' },
  { row: 'DV-12', code: 'CO-11/target', does: 'drop' },
  { row: 'DV-13', code: 'CO-12/target', does: 'drop' },
  { row: 'DV-15', code: 'CO-14/not-applicable', does: 'drop' },
  { row: 'DV-18', code: 'SD-02/target', does: 'drop', path: /^\/sample_refs\// },
  { row: 'DV-19', code: 'SD-04/no-observable', does: 'drop' },
  { row: 'DV-23', code: 'SC-01/target', does: 'drop', path: /^(?!\/objects\/)/ },
  { row: 'DV-29', code: 'SC-09/active', does: 'drop' },
  { row: 'DV-32', code: 'ME-01/value', does: 'drop' },
  { row: 'DV-33', code: 'ME-03/tlp-id', does: 'drop' },
  { row: 'DV-34', code: 'ME-04/tlp', does: 'drop' },
  {
    row: 'DV-36',
    code: 'TY-01/required',
    does: 'drop',
    types: ['extension-definition'],
    path: /^\/created_by_ref$/,
  },
  { row: 'DV-37', code: 'ME-08/key', does: 'drop', path: /^\/extensions\/[a-z][a-z0-9-]*-ext$/ },
  { row: 'DV-38', code: 'ME-08/host', does: 'drop' },
  { row: 'DV-39', code: 'ME-10/no-property', does: 'drop' },
  {
    row: 'DV-40',
    code: 'ME-11/bundle',
    does: 'drop',
    types: ['grouping', 'note', 'opinion', 'report'],
    path: /^\/object_refs\//,
  },
  { row: 'DV-41', code: '271', does: 'error', types: ['artifact'] },
  { row: 'DV-47', code: 'json/duplicate-key', does: 'drop' },
  { row: 'DV-48', code: 'json/integer-range', does: 'drop' },
  { row: 'DV-49', code: 'SD-09/length', does: 'drop' },
  { row: 'DV-53', code: 'PA-02/repeats', does: 'drop' },
  { row: 'DV-53', code: 'PA-02/within', does: 'drop' },
  { row: 'DV-54', code: 'PA-03/set-types', does: 'drop' },
  { row: 'DV-55', code: 'PA-04/object-types', does: 'drop' },
  { row: 'DV-57', code: 'PA-05/range-path', does: 'drop' },
  { row: 'DV-57', code: 'PA-05/range', does: 'drop' },
  { row: 'DV-68', code: 'TY-16/reserved', does: 'drop', path: /^\/phone_number$/ },
  { row: 'DV-69', code: 'CO-07/shared-uuid', does: 'drop' },
  { row: 'DV-80', code: 'ME-01/modified', does: 'drop' },
  { row: 'DV-81', code: 'ME-01/mirror', does: 'drop' },
  {
    row: 'DV-87',
    code: 'TY-15/property-name',
    does: 'drop',
    types: ['extension-definition'],
    path: /^\/extension_properties\/[0-9]+$/,
  },
  { row: 'DV-90', code: 'ME-04/tlp-id', does: 'drop' },
  { row: 'DV-95', code: 'json/number-range', does: 'drop' },
  { row: 'DV-95', code: 'TY-04/number', does: 'drop' },
  { row: 'DV-96', code: 'json/lone-surrogate', does: 'drop' },
  { row: 'DV-103', code: 'ME-11/objects', does: 'drop', path: /^\/objects$/ },
  {
    row: 'DV-45',
    code: '111',
    does: 'drop',
    path: /\/(?:account_type|context|pattern_type|pe_type)$/,
  },
  { row: 'DV-63', code: '901', does: 'drop' },
  { row: 'DV-62', code: '902', does: 'drop' },
  { row: 'DV-60', code: '909', does: 'drop' },
  { row: 'DV-61', code: '910', does: 'drop' },
  { row: 'DV-02', code: '911', does: 'drop' },
]

const BY_CODE: ReadonlyMap<string, Departure> = new Map(DEPARTURES.map((one) => [one.code, one]))

/** What the profile `reference` does with a finding, or null. */
export function asReference(code: string, path: string, type: string): Departure['does'] | null {
  const departure = BY_CODE.get(code)
  if (departure === undefined) return null
  const { does, types, path: places } = departure
  if (types === 'custom' ? !isCustom(type) : types !== undefined && !types.includes(type)) return null
  return places === undefined || places.test(path) ? does : null
}
