/** The canonical form of an object, by which content is compared (T-5.5-03, T-5.5-05). */
import { hash } from 'node:crypto'
import { timestampKey } from './timestamp.ts'

/** Insertion sort: objects have few keys, mostly in order already; large ones take the library's. */
function sorted(keys: string[]): string[] {
  if (keys.length > 40) return keys.sort()
  for (let i = 1; i < keys.length; i++) {
    const key = keys[i] as string
    let at = i - 1
    while (at >= 0 && (keys[at] as string) > key) {
      keys[at + 1] = keys[at] as string
      at--
    }
    keys[at + 1] = key
  }
  return keys
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what JSON escapes.
const ESCAPED = /["\\\u0000-\u001f\ud800-\udfff]/

function text(value: string): string {
  return ESCAPED.test(value) ? JSON.stringify(value) : `"${value}"`
}

/** `"key":` of the keys seen lately: a feed has few different ones. Bounded, as senders choose them. */
const labels = new Map<string, string>()
const MOST_LABELS = 2_000
const LONGEST_LABEL = 64

function label(key: string): string {
  const known = labels.get(key)
  if (known !== undefined) return known
  const made = `${text(key)}:`
  if (key.length <= LONGEST_LABEL) {
    if (labels.size >= MOST_LABELS) labels.clear()
    labels.set(key, made)
  }
  return made
}

/** JCS of any value, apart from what is special at the top of an object. */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'string') return text(value)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  let out = ''
  if (Array.isArray(value)) {
    for (const item of value) out += out === '' ? canonicalJson(item) : `,${canonicalJson(item)}`
    return `[${out}]`
  }
  const object = value as Record<string, unknown>
  for (const key of sorted(Object.keys(object))) {
    out += out === '' ? label(key) : `,${label(key)}`
    out += canonicalJson(object[key])
  }
  return `{${out}}`
}

/**
 * JCS (RFC 8785): keys in order, numbers by value, strings decoded. The version timestamps are compared as
 * instants, so that one instant in two spellings is one content (T-3.4.1-12).
 */
export function canonicalText(value: Record<string, unknown>): string {
  let out = ''
  for (const key of sorted(Object.keys(value))) {
    const item = value[key]
    const instant =
      (key === 'created' || key === 'modified') && typeof item === 'string' ? timestampKey(item) : null
    out += out === '' ? label(key) : `,${label(key)}`
    out += instant === null ? canonicalJson(item) : `"${instant}Z"`
  }
  return `{${out}}`
}

/** SHA-256, in hex, of the canonical form. */
export function contentHash(value: Record<string, unknown>): string {
  return hash('sha256', canonicalText(value), 'hex')
}
