/** How the tables of the standard are written: kinds of property values, and what a table says of a type. */

/**
 * A property's kind: a name, `[]` for a list of it, `!` for a required property, then arguments.
 *
 * - `string`, `boolean`, `number [min..max]`, `integer [min..max]`, `binary`, `hex`, `lang`, `url`, `charset`
 * - `timestamp`; `timestamp ms` has three or more fraction digits, `timestamp s` none
 * - `ref TYPES`: an id of an object of one of the types; `sco`, `sro`, `sdo` and `custom` stand for groups
 * - `enum NAME`, `vocab NAME`: closed enumeration and open vocabulary, see `vocabularies.ts`
 * - `object NAME`: an embedded type, see `structs.ts`
 * - `hashes [strict]`; `dict KIND`: a dictionary of `any`, `string`, `integer`, `scalar` or `strings`
 * - `id`, `extensions`, `container`, `contents`, `definition`, `any`: judged by code of their own
 */
export type Kind = string

export interface TypeTable {
  /** Section of STIX 2.1. */
  readonly section: string
  readonly properties: Readonly<Record<string, Kind>>
  /** At least one of these must be present; `own` means any property of the table. */
  readonly some?: readonly string[] | 'own'
  /** Pairs of timestamps, [later, earlier]; `strict` ones must differ. */
  readonly order?: readonly (readonly [later: string, earlier: string, strict?: 'strict'])[]
  /** Properties of which the deterministic id is made (STIX 2.1 §2.9). */
  readonly contributing?: readonly string[]
}

/** A kind taken apart. */
export interface ParsedKind {
  name: string
  list: boolean
  required: boolean
  args: readonly string[]
}

export function parseKind(kind: Kind): ParsedKind {
  const [head = '', ...args] = kind.split(' ')
  const required = head.endsWith('!')
  const bare = required ? head.slice(0, -1) : head
  const list = bare.endsWith('[]')
  return { name: list ? bare.slice(0, -2) : bare, list, required, args }
}

/** Names of the required properties of a table. */
export function requiredOf(properties: Readonly<Record<string, Kind>>): string[] {
  return Object.entries(properties)
    .filter(([, kind]) => parseKind(kind).required)
    .map(([name]) => name)
}
