/** What objects can be found by besides the standard's own match fields: the tiers of the interop document (3.13.2). */
import { objectRefs, TLP_BY_ID } from './markings.ts'
import { timestampKey } from './timestamp.ts'

/**
 * `text` compares exactly, `digest` without regard to case (hexadecimal), `id` finds any reference to it. A field with
 * `-gte` or `-lte` compares the field of that name.
 */
export type FieldKind = 'text' | 'integer' | 'boolean' | 'digest' | 'tlp' | 'id' | 'instant'

export interface MatchField {
  name: string
  kind: FieldKind
  /** Compares instead of asking for equality, with this property. */
  range?: { of: string; side: 'gte' | 'lte' }
}

const words = (text: string): string[] => text.split(' ')

/** Tier 1: properties of the object itself. */
const TEXTS = words(
  `account_type context data_type encryption_algorithm identity_class name opinion pattern pattern_type
primary_motivation region relationship_type resource_level result sophistication subject value`.replaceAll(
    '\n',
    ' ',
  ),
)
/** In the order of `numbers`. */
const INTEGERS = ['confidence', 'dst_port', 'number', 'src_port']
/** Tier 2: lists of the object itself, of which any member equals the value. */
const LISTS = words(
  `aliases architecture_execution_envs capabilities extension_types implementation_languages indicator_types
infrastructure_types labels malware_types personal_motivations report_types roles secondary_motivations sectors
threat_actor_types tool_types`.replaceAll('\n', ' '),
)
/** Tier 3: properties of parts, wherever they are below the object. */
const NESTED = words(
  `address_family external_id integrity_level pe_type phase_name service_status service_type socket_type source_name
start_type`.replaceAll('\n', ' '),
)
/** Keys of `hashes`. */
const DIGESTS = words('MD5 SHA-1 SHA-256 SHA-512 SHA3-256 SHA3-512 TLSH')

/** Properties that are compared as instants, with the sides that there are. */
const INSTANTS: readonly [of: string, sides: readonly ('gte' | 'lte')[]][] = [
  ['modified', ['gte', 'lte']],
  ['valid_from', ['lte']],
  ['valid_until', ['gte']],
]

const of = (kind: FieldKind, names: readonly string[]): MatchField[] => names.map((name) => ({ name, kind }))

/** By name, in the order in which they are advertised. */
export const MATCH_FIELDS: ReadonlyMap<string, MatchField> = new Map(
  [
    ...of('text', [...TEXTS, ...LISTS, ...NESTED, 'SSDEEP']),
    ...of('integer', INTEGERS),
    ...of('boolean', ['revoked']),
    ...of('digest', DIGESTS),
    ...of('tlp', ['tlp']),
    ...of('id', ['relationships-all']),
    ...INTEGERS.flatMap((name) =>
      (['gte', 'lte'] as const).map((side) => ({
        name: `${name}-${side}`,
        kind: 'integer' as const,
        range: { of: name, side },
      })),
    ),
    ...INSTANTS.flatMap(([name, sides]) =>
      sides.map((side) => ({ name: `${name}-${side}`, kind: 'instant' as const, range: { of: name, side } })),
    ),
  ]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((field) => [field.name, field]),
)

/** Most values that one text is found by; references come last. */
export const MOST_TERMS = 2000
/** Deeper than any property that is asked for; what lies deeper is not looked at. */
const DEEPEST = 12

/** What a text of an object can be found by. */
export interface MatchTerms {
  /** A field and a value in one, as 64 bits; each once. */
  hashes: bigint[]
  /** What ranges are compared with: confidence, dst_port, number, src_port; null = it has none of them. */
  numbers: (number | null)[] | null
  modified: string | null
  valid_from: string | null
  valid_until: string | null
}

type Value = Record<string, unknown>

/** Collects terms up to the bound. */
class Terms {
  readonly #found = new Set<bigint>()
  add(field: string, value: string): void {
    if (this.#found.size < MOST_TERMS) this.#found.add(termHash(field, value))
  }
  get hashes(): bigint[] {
    return [...this.#found]
  }
}

/** What is done with a property of the object itself. */
const OWN: ReadonlyMap<string, 'text' | 'integer' | 'boolean' | 'instant' | 'list'> = new Map([
  ...TEXTS.map((name) => [name, 'text'] as const),
  ...INTEGERS.map((name) => [name, 'integer'] as const),
  ['revoked', 'boolean'] as const,
  ...INSTANTS.map(([name]) => [name, 'instant'] as const),
  ...LISTS.map((name) => [name, 'list'] as const),
])

/** @param value the parsed object, as one of its readers gets it */
export function matchTerms(value: Value): MatchTerms {
  const terms = new Terms()
  const entries = Object.entries(value)
  const keys: Record<string, string | null> = {}
  let numbers: (number | null)[] | null = null
  for (const [name, part] of entries) {
    const kind = OWN.get(name)
    if (kind === undefined) continue
    if (kind === 'list') {
      if (Array.isArray(part)) for (const item of part) if (typeof item === 'string') terms.add(name, item)
    } else if (typeof part === 'string') {
      if (kind === 'text') terms.add(name, part)
      else if (kind === 'instant') keys[name] = timestampKey(part)
    } else if (kind === 'boolean' && typeof part === 'boolean') terms.add(name, String(part))
    else if (kind === 'integer' && Number.isSafeInteger(part)) {
      terms.add(name, String(part))
      numbers ??= INTEGERS.map(() => null)
      numbers[INTEGERS.indexOf(name)] = part as number
    }
  }
  for (const ref of objectRefs(value)) {
    const level = TLP_BY_ID.get(ref)
    if (level) terms.add('tlp', level)
  }
  const refs: string[] = []
  for (const [name, part] of entries) {
    if (isReference(name)) collectRefs(part, refs)
    else if (typeof part === 'object' && part !== null) nested(part, name, 1, terms, refs)
  }
  for (const ref of refs) terms.add('relationships-all', ref)
  const { modified = null, valid_from = null, valid_until = null } = keys
  return { hashes: terms.hashes, numbers, modified, valid_from, valid_until }
}

const isReference = (name: string): boolean => name.endsWith('_ref') || name.endsWith('_refs')

function collectRefs(part: unknown, refs: string[]): void {
  for (const ref of [part].flat()) {
    // Inside of a STIX 2.0 container references are keys such as "0".
    if (refs.length < MOST_TERMS && typeof ref === 'string' && ref.includes('--')) refs.push(ref)
  }
}

/** The interop document has `data_type` among the object's own, but STIX has it in the values of registry keys alone. */
const IN_PARTS: ReadonlySet<string> = new Set([...NESTED, 'data_type'])
const IN_HASHES: ReadonlyMap<string, string> = new Map(
  [...DIGESTS, 'SSDEEP'].map((n) => [n.toUpperCase(), n]),
)

/** @param under name of the property that holds the part */
function nested(part: object, under: string, depth: number, terms: Terms, refs: string[]): void {
  if (depth > DEEPEST) return
  if (Array.isArray(part)) {
    for (const item of part)
      if (typeof item === 'object' && item !== null) nested(item, under, depth + 1, terms, refs)
    return
  }
  for (const [name, item] of Object.entries(part)) {
    if (typeof item === 'string') {
      // STIX 2.0 writes `ssdeep`.
      const algorithm = under === 'hashes' ? IN_HASHES.get(name.toUpperCase()) : undefined
      if (algorithm) terms.add(algorithm, algorithm === 'SSDEEP' ? item : item.toLowerCase())
      else if (IN_PARTS.has(name)) terms.add(name, item)
    }
    if (isReference(name)) collectRefs(item, refs)
    else if (typeof item === 'object' && item !== null) nested(item, name, depth + 1, terms, refs)
  }
}

const LEVELS: ReadonlySet<string> = new Set(TLP_BY_ID.values())

/** What a request's value means: the terms that an object has one of, or a comparison. */
export interface Sought {
  hashes: string[]
  compare: { property: string; side: 'gte' | 'lte'; key: string | number } | null
}

/**
 * Reads one value of a filter.
 * @returns what the field takes instead, if this is no such value
 */
export function seek({ name, kind, range }: MatchField, text: string): Sought | string {
  const equal = (value: string): Sought => ({
    hashes: [termHash(name, value).toString()],
    compare: null,
  })
  switch (kind) {
    case 'integer': {
      const number = Number(text)
      if (!/^-?\d{1,16}$/.test(text) || !Number.isSafeInteger(number))
        return range ? 'takes one whole number' : 'takes whole numbers'
      if (!range) return equal(String(number))
      return { hashes: [], compare: { property: range.of, side: range.side, key: number } }
    }
    case 'boolean':
      return text === 'true' || text === 'false' ? equal(text) : 'takes true or false'
    case 'tlp': {
      // An unencoded plus sign arrives as a blank.
      const word = text.toLowerCase().replace(' ', '+')
      const level = word === 'white' ? 'clear' : word
      return LEVELS.has(level) ? equal(level) : 'takes white, clear, green, amber, amber+strict and red'
    }
    case 'digest':
      return equal(text.toLowerCase())
    case 'instant': {
      const key = timestampKey(text)
      if (key === null || !range)
        return 'takes one RFC 3339 timestamp in UTC, such as 2026-01-31T00:00:00.000Z'
      return { hashes: [], compare: { property: range.of, side: range.side, key } }
    }
    default:
      return equal(text)
  }
}

const word = new DataView(new ArrayBuffer(8))

/**
 * A field and a value as a signed 64-bit integer: what the index compares. Two multiplicative hashes side by side, since
 * it is made for every value that is written. It need not withstand anybody: who makes values that collide lets its own
 * object be found by both, which it could as well have by stating both.
 */
function termHash(field: string, value: string): bigint {
  let a = 0xdeadbeef
  let b = 0x41c6ce57
  const mix = (text: string): void => {
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i)
      a = Math.imul(a ^ unit, 2654435761)
      b = Math.imul(b ^ unit, 1597334677)
    }
  }
  mix(field)
  // No name of a field has it.
  mix('\0')
  mix(value)
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909)
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909)
  word.setInt32(0, a)
  word.setInt32(4, b)
  return word.getBigInt64(0)
}
