/** Deterministic ids of cyber-observable objects: UUIDv5 of their contributing properties (STIX 2.1 §2.9). */
import { createHash } from 'node:crypto'
import { canonicalText } from './canonical.ts'
import { SCO } from './tables/sco.ts'
import type { TypeTable } from './tables/table.ts'

const NAMESPACE = Buffer.from('00abedb4aa42466c9c01fed23315a9b7', 'hex')

const CONTRIBUTING: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries<TypeTable>(SCO).map(([type, table]) => [type, table.contributing ?? []]),
)

/** Of several hashes one contributes: the first of these, else the first there is. */
const PREFERRED = ['MD5', 'SHA-1', 'SHA-256', 'SHA-512']

function oneHash(hashes: unknown): unknown {
  if (typeof hashes !== 'object' || hashes === null || Array.isArray(hashes)) return hashes
  const entries = hashes as Record<string, unknown>
  const name = PREFERRED.find((algorithm) => Object.hasOwn(entries, algorithm)) ?? Object.keys(entries)[0]
  return name === undefined ? hashes : { [name]: entries[name] }
}

/** Names of the contributing properties of a type; null for types that have no such rule. */
export function contributingProperties(type: string): readonly string[] | null {
  return CONTRIBUTING.get(type) ?? null
}

function uuid5(name: string): string {
  const hex = createHash('sha1').update(NAMESPACE).update(name, 'utf8').digest('hex')
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 3) | 8).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

const ZEROES = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.0+|(\.\d*[1-9])0+)Z$/

/** Timestamps without trailing zeroes of the fraction, as some producers write them before they hash. */
function shortened(value: unknown): unknown {
  if (typeof value !== 'string' || value.length > 60) return value
  return value.replace(
    ZEROES,
    (_, instant: string, fraction: string | undefined) => `${instant}${fraction ?? ''}Z`,
  )
}

function idOf(
  object: Record<string, unknown>,
  type: string,
  names: readonly string[],
  short: boolean,
): string | null {
  // No prototype, so that no key of the sender's has a meaning here.
  const parts: Record<string, unknown> = Object.create(null)
  let some = false
  for (const name of names) {
    if (!Object.hasOwn(object, name)) continue
    some = true
    parts[name] = name === 'hashes' ? oneHash(object[name]) : short ? shortened(object[name]) : object[name]
  }
  return some ? `${type}--${uuid5(canonicalText(parts))}` : null
}

/**
 * The id that the standard gives a cyber-observable, `type--UUIDv5`; null for other types, and for objects with none
 * of the contributing properties (these have random ids).
 *
 * @example deterministicId({type: 'ipv4-addr', value: '198.51.100.3'}) // 'ipv4-addr--…'
 */
export function deterministicId(object: Record<string, unknown>): string | null {
  const { type } = object
  const names = typeof type === 'string' ? CONTRIBUTING.get(type) : undefined
  if (names === undefined) return null
  try {
    return idOf(object, type as string, names, false)
  } catch {
    // A value that JSON does not have, such as a bigint.
    return null
  }
}

/** Is the id the one that the rules give, with its timestamps as spelled or shortened? */
export function hasDeterministicId(object: Record<string, unknown>, id: string): boolean {
  const { type } = object
  const names = typeof type === 'string' ? CONTRIBUTING.get(type) : undefined
  if (names === undefined || idOf(object, type as string, names, false) === id) return true
  return type === 'network-traffic' && idOf(object, type, names, true) === id
}
