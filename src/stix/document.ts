/** From a text to its STIX objects: a single object, a bundle, an envelope or a list. */
import { isAscii } from 'node:buffer'
import { decode, type Member, malformed, member, unreadable } from './envelope.ts'
import type { Limits } from './finding.ts'
import { scan } from './scan.ts'

export interface Document {
  kind: 'object' | 'bundle' | 'envelope' | 'list'
  /** Of a bundle or envelope: the root without its objects. */
  head: Record<string, unknown>
  members: Member[]
  /** Index of the first item that is no JSON object, or -1. */
  stranger: number
  /** The root has a key twice. */
  duplicate: boolean
}

/** Items of a list are scanned as those of an envelope. */
const PREFIX = Buffer.from('{"objects":')
const SUFFIX = Buffer.from('}')

function firstByte(bytes: Uint8Array): number {
  for (const b of bytes) if (b !== 32 && b !== 9 && b !== 10 && b !== 13) return b
  return 0
}

/** Reads a text of JSON; a string says why it is none, or no document of STIX. */
export function readDocument(bytes: Uint8Array, limits: Limits): Document | string {
  const broken = bytes.length === 0 ? 'The text is empty.' : unreadable(bytes)
  if (broken) return broken.replace('The body', 'The text')
  const list = firstByte(bytes) === 91
  const input = list ? Buffer.concat([PREFIX, bytes, SUFFIX]) : bytes
  const found = scan(input, 2)
  if ('malformedAt' in found) {
    const at = list ? Math.max(0, found.malformedAt - PREFIX.length) : found.malformedAt
    return malformed(bytes, Math.min(at, bytes.length)).replace('The body', 'The text')
  }
  if (found.root !== 123) return 'The text is no JSON object or list of objects.'
  const ascii = isAscii(input)
  const members = (spans: typeof found): Member[] =>
    spans.members.map((span, index) => {
      const found = member(spans, span, index, limits, ascii)
      // Nobody asks for the text again, and a report on many objects should not keep it.
      found.text = ''
      return found
    })
  const bundle = list ? null : headOf(found)
  if (list || bundle) {
    const kind = list ? 'list' : bundle?.type === 'bundle' ? 'bundle' : 'envelope'
    const { stranger } = found
    return { kind, head: bundle ?? {}, members: members(found), stranger, duplicate: hasDuplicate(found) }
  }
  const single = scan(bytes, 0)
  if ('malformedAt' in single) return malformed(bytes, single.malformedAt).replace('The body', 'The text')
  return { kind: 'object', head: {}, members: members(single), stranger: -1, duplicate: false }
}

type Found = Exclude<ReturnType<typeof scan>, { malformedAt: number }>

function hasDuplicate({ keys, bytes }: Found): boolean {
  return new Set(keys.map((span) => JSON.parse(decode(bytes, span, false)) as string)).size !== keys.length
}

const BUNDLE = Buffer.from('"bundle"')

/** What the root's keys say of it: a bundle, something with a type of its own, or neither. */
function kindOf({ keys, bytes }: Found): 'bundle' | 'typed' | 'untyped' {
  const key = keys.find((span) => JSON.parse(decode(bytes, span, false)) === 'type')
  if (!key) return 'untyped'
  // In the compact text the value follows the colon.
  return bytes.subarray(key.end + 1, key.end + 1 + BUNDLE.length).equals(BUNDLE) ? 'bundle' : 'typed'
}

/** The root without its members, when it is a bundle or an envelope; null when it is an object of its own. */
function headOf(found: Found): Record<string, unknown> | null {
  const kind = kindOf(found)
  if (kind === 'typed' || (kind === 'untyped' && found.objects !== 91)) return null
  const { members } = found
  const first = members[0]
  const last = members.at(-1)
  // Between first and last member there is nothing but members and what stands between them.
  const text =
    first && last && found.stranger < 0
      ? decode(found.bytes, { start: 0, end: first.start }, false) +
        decode(found.bytes, { start: last.end, end: found.end }, false)
      : decode(found.bytes, { start: 0, end: found.end }, false)
  return JSON.parse(text)
}
