/** Identifiers and type names (STIX 2.1 §2.9, §3.1). */

/** Characters of `--` and a UUID. */
export const TAIL = 38

/** Class of each ASCII character: 1 digit or a-f, 2 A-F, 0 no hexadecimal digit. */
const HEX = new Uint8Array(128)
for (const c of '0123456789abcdef') HEX[c.charCodeAt(0)] = 1
for (const c of 'ABCDEF') HEX[c.charCodeAt(0)] = 2

/**
 * Version (1 to 5) of the UUID of RFC 4122 that starts at a place and ends the text; negative when it has upper-case
 * digits, 0 when there is none.
 */
export function uuidVersion(text: string, start: number): number {
  if (text.length !== start + 36) return 0
  let upper = false
  for (let i = 0; i < 36; i++) {
    const code = text.charCodeAt(start + i)
    if (i === 8 || i === 13 || i === 18 || i === 23) {
      if (code !== 45) return 0
    } else {
      const kind = code < 128 ? HEX[code] : 0
      if (kind === 0) return 0
      if (kind === 2) upper = true
    }
  }
  const version = text.charCodeAt(start + 14) - 48
  const variant = text.charCodeAt(start + 19) | 32
  if (version < 1 || version > 5) return 0
  if (variant !== 56 && variant !== 57 && variant !== 97 && variant !== 98) return 0
  return upper ? -version : version
}

/** Lower-case letters, digits and hyphens, from a letter on, never two hyphens in a row: that ends the type of an id. */
export function isTypeName(text: unknown): text is string {
  if (typeof text !== 'string' || text.length < 3 || text.length > 250) return false
  const first = text.charCodeAt(0)
  if (first < 97 || first > 122) return false
  let hyphen = false
  for (let i = 1; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === 45) {
      if (hyphen) return false
      hyphen = true
    } else {
      if (!((code >= 97 && code <= 122) || (code >= 48 && code <= 57))) return false
      hyphen = false
    }
  }
  return true
}

export function isUuid(text: string): boolean {
  return uuidVersion(text, 0) !== 0
}

/** Type of a text that has the form of an id, up to its UUID; null otherwise. The type's own form is not judged. */
export function typeOfId(id: string): string | null {
  const cut = id.length - TAIL
  if (cut < 1 || id.charCodeAt(cut) !== 45 || id.charCodeAt(cut + 1) !== 45) return null
  return uuidVersion(id, cut + 2) === 0 ? null : id.slice(0, cut)
}

/** Type and UUID of a well-formed id, else null. */
export function parseStixId(id: unknown): { type: string; uuid: string } | null {
  if (typeof id !== 'string') return null
  const type = typeOfId(id)
  return type !== null && isTypeName(type) ? { type, uuid: id.slice(type.length + 2) } : null
}

export function isStixId(id: unknown): id is string {
  return parseStixId(id) !== null
}

/** Is it a well-formed id of an object of that type? */
export function isIdOf(type: string, id: unknown): id is string {
  return typeof id === 'string' && id.length === type.length + TAIL && id.startsWith(type) && isStixId(id)
}

/** What is said of a name that is none. */
export const TYPE_NAME_MESSAGE =
  'must be a type name (a-z, 0-9 and single hyphens, from a letter on, 3 to 250 characters), not %'
