/** An object's text with other markings: these members change, and not one byte of anything else. */

/** What an object's markings are to be. */
export interface Markings {
  /** None: the object has no marking. */
  object_marking_refs: readonly string[]
  /** Absent: they stay as they are; null: none. */
  granular_markings?: readonly object[] | null | undefined
}

/** A member of the top level, by the positions of its key and of its value's end. */
interface Span {
  key: string
  start: number
  value: number
  end: number
}

/**
 * Replaces, inserts (at the end) or removes `object_marking_refs` and `granular_markings` of the top level. Order,
 * numbers, escapes and white space of everything else stay: what was accepted comes back as it was sent.
 * @param text the JSON text of one object, well formed
 */
export function withMarkings(text: string, markings: Markings): string {
  const changes = new Map<string, string | null>()
  const { object_marking_refs: refs, granular_markings: granular } = markings
  // A list is never empty (STIX 2.1 §2.8): without markings there is no member.
  changes.set('object_marking_refs', refs.length > 0 ? JSON.stringify(refs) : null)
  if (granular !== undefined) {
    changes.set('granular_markings', granular && granular.length > 0 ? JSON.stringify(granular) : null)
  }
  const { open, members } = topLevel(text)
  const first = members[0]
  const last = members.at(-1)
  let out = text.slice(0, first?.start ?? open)
  let written = 0
  members.forEach((member, i) => {
    const change = changes.get(member.key)
    if (change === null) return
    if (written > 0) out += text.slice(members[i - 1]?.end ?? open, member.start)
    written++
    out +=
      change === undefined
        ? text.slice(member.start, member.end)
        : text.slice(member.start, member.value) + change
  })
  const present = new Set(members.map((member) => member.key))
  for (const [key, value] of changes) {
    if (value === null || present.has(key)) continue
    out += `${written > 0 ? ',' : ''}${JSON.stringify(key)}:${value}`
    written++
  }
  return out + text.slice(last?.end ?? open)
}

const BACKSLASH = 92
const QUOTE = 34

function topLevel(text: string): { open: number; members: Span[] } {
  let at = space(text, 0)
  if (text[at] !== '{') throw new Error('the text is no JSON object')
  const open = at + 1
  const members: Span[] = []
  at = space(text, open)
  while (text[at] === '"') {
    const start = at
    const name = string(text, at)
    at = space(text, name)
    const value = space(text, at + 1)
    const end = skip(text, value)
    members.push({ key: JSON.parse(text.slice(start, name)) as string, start, value, end })
    at = space(text, end)
    if (text[at] === ',') at = space(text, at + 1)
  }
  return { open, members }
}

function space(text: string, from: number): number {
  let at = from
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at++
  return at
}

/** Position after the string that starts here. */
function string(text: string, from: number): number {
  let at = from + 1
  while (at < text.length) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) return at + 1
    at += code === BACKSLASH ? 2 : 1
  }
  throw new Error('the text ends in a string')
}

/** Position after the value that starts here. */
function skip(text: string, from: number): number {
  let depth = 0
  let at = from
  while (at < text.length) {
    const c = text[at]
    if (c === '"') at = string(text, at)
    else if (c === '{' || c === '[') {
      depth++
      at++
    } else if (c === '}' || c === ']') {
      // The end of the object itself ends a number or a word before it.
      if (depth === 0) return trimmed(text, from, at)
      depth--
      at++
    } else if (c === ',' && depth === 0) return trimmed(text, from, at)
    else at++
    if (depth === 0 && (c === '"' || c === '}' || c === ']')) return at
  }
  throw new Error('the text ends in a value')
}

/** The end of a number or word, without the white space after it. */
function trimmed(text: string, from: number, end: number): number {
  let at = end
  while (at > from && space(text, at - 1) >= end) at--
  return at
}
