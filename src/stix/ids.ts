/** Identifiers and type names (STIX 2.1 §2.9, §3.1). */

/** The UUID part: RFC 4122, versions 1 to 5. Upper-case digits are accepted; ids compare as exact text. */
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i

/** Characters of `--` and a UUID. */
const TAIL = 38

/** No double hyphen: it would make the end of the type part of an id ambiguous (stix.md TY-14). */
const TYPE_NAME = /^[a-z0-9](?:-?[a-z0-9])*-?$/

export function isTypeName(text: unknown): text is string {
  return typeof text === 'string' && text.length >= 3 && text.length <= 250 && TYPE_NAME.test(text)
}

export function isUuid(text: string): boolean {
  return UUID.test(text)
}

/** Type and UUID of a well-formed id, else null. */
export function parseStixId(id: unknown): { type: string; uuid: string } | null {
  if (typeof id !== 'string') return null
  const cut = id.length - TAIL
  if (cut < 3 || id.charCodeAt(cut) !== 45 || id.charCodeAt(cut + 1) !== 45) return null
  const type = id.slice(0, cut)
  const uuid = id.slice(cut + 2)
  return isTypeName(type) && UUID.test(uuid) ? { type, uuid } : null
}

export function isStixId(id: unknown): id is string {
  return parseStixId(id) !== null
}

/** Is it a well-formed id of an object of that type? */
export function isIdOf(type: string, id: unknown): id is string {
  return typeof id === 'string' && id.length === type.length + TAIL && id.startsWith(type) && isStixId(id)
}
