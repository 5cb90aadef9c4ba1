/** Deterministic ids of cyber-observable objects: UUIDv5 of their contributing properties (STIX 2.1 §2.9). */
import { hash } from 'node:crypto'
import { canonicalJson } from './canonical.ts'
import { SCO } from './tables/sco.ts'
import type { TypeTable } from './tables/table.ts'

const NAMESPACE = Buffer.from('00abedb4aa42466c9c01fed23315a9b7', 'hex')

const CONTRIBUTING: ReadonlyMap<string, readonly string[]> = new Map(
  // In the order of the canonical form.
  Object.entries<TypeTable>(SCO).map(([type, table]) => [type, [...(table.contributing ?? [])].sort()]),
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

/** Room for most names after the namespace: they are hashed from where they are written. */
const scratch = new Uint8Array(NAMESPACE.length + 512)
scratch.set(NAMESPACE)

/** SHA-1, in hex, of namespace and name. */
function digest(name: string): string {
  const { length } = NAMESPACE
  let ascii = name.length <= scratch.length - length
  for (let i = 0; ascii && i < name.length; i++) {
    const code = name.charCodeAt(i)
    ascii = code < 128
    scratch[length + i] = code
  }
  const input = ascii
    ? new Uint8Array(scratch.buffer, 0, length + name.length)
    : Buffer.concat([NAMESPACE, Buffer.from(name)])
  return hash('sha1', input, 'hex')
}

/** The digit of a digest that has the variant, as it stands in a UUID. */
function variant(hex: string): string {
  return '89ab'.charAt(Number.parseInt(hex.charAt(16), 16) & 3)
}

function uuid5(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-${variant(hex)}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** Does the text have the UUID of a digest at a place? Written apart, as feeds have thousands to compare. */
function hasUuid5(text: string, start: number, hex: string): boolean {
  let at = start
  for (let i = 0; i < 32; i++) {
    if (i === 8 || i === 12 || i === 16 || i === 20) at++
    const digit = i === 12 ? 53 : i === 16 ? variant(hex).charCodeAt(0) : hex.charCodeAt(i)
    if (text.charCodeAt(at++) !== digit) return false
  }
  return true
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

/** Digest of the contributing properties; null when there is none. */
function digestOf(object: Record<string, unknown>, names: readonly string[], short: boolean): string | null {
  let text = ''
  for (const name of names) {
    if (!Object.hasOwn(object, name)) continue
    const value = object[name]
    const part = name === 'hashes' ? oneHash(value) : short ? shortened(value) : value
    text += `${text === '' ? '{' : ','}"${name}":${canonicalJson(part)}`
  }
  return text === '' ? null : digest(`${text}}`)
}

/**
 * The id that the standard gives a cyber-observable, `type--UUIDv5`; null for other types, and for objects with none
 * of the contributing properties (these have random ids). Never throws: null, too, for what is no object of JSON.
 *
 * @example deterministicId({type: 'ipv4-addr', value: '198.51.100.3'}) // 'ipv4-addr--…'
 */
export function deterministicId(object: Record<string, unknown>): string | null {
  try {
    const { type } = object
    const names = typeof type === 'string' ? CONTRIBUTING.get(type) : undefined
    const hex = names === undefined ? null : digestOf(object, names, false)
    return hex === null ? null : `${String(type)}--${uuid5(hex)}`
  } catch {
    // No object, or a value that JSON does not have, such as a bigint.
    return null
  }
}

/** Is the id, which is well-formed, the one that the rules give, with its timestamps as spelled or shortened? */
export function hasDeterministicId(object: Record<string, unknown>, id: string): boolean {
  const { type } = object
  const names = typeof type === 'string' ? CONTRIBUTING.get(type) : undefined
  if (names === undefined) return true
  const same = (short: boolean): boolean => {
    const hex = digestOf(object, names, short)
    return hex !== null && hasUuid5(id, (type as string).length + 2, hex)
  }
  return same(false) || (type === 'network-traffic' && same(true))
}
