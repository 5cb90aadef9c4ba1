/** From a text to its STIX objects: a single object, a bundle, an envelope or a list. */
import { isAscii } from 'node:buffer'
import { decode, type Member, malformed, member, unreadable } from './envelope.ts'
import { error, type Finding, type Limits } from './finding.ts'
import { MOST_KEYS, scan } from './scan.ts'
import type { Span } from './spans.ts'

export interface Document {
  kind: 'object' | 'bundle' | 'envelope' | 'list'
  /** Of a bundle or envelope: the root without its objects. */
  head: Record<string, unknown>
  /** What of the head is beyond a limit; it is not parsed then. */
  problems: Finding[]
  /** Read one by one, as they are asked for: who gives up has not paid for the rest. */
  members: Iterable<Member>
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

function* read(found: Found, limits: Limits, ascii: boolean): Iterable<Member> {
  for (let index = 0; index < found.members.length; index++) {
    const one = member(found, found.members.at(index) as Span, index, limits, ascii)
    // Nobody asks for the text again, and a report on many objects should not keep it.
    one.text = ''
    yield one
  }
}

/**
 * Reads a text of JSON; what comes after so many objects that cannot be valid may be left out. A string says why it is none, or no document of STIX.
 */
export function readDocument(bytes: Uint8Array, limits: Limits, mostRefused: number): Document | string {
  const broken = bytes.length === 0 ? 'The text is empty.' : unreadable(bytes)
  if (broken) return broken.replace('The body', 'The text')
  const list = firstByte(bytes) === 91
  const input = list ? Buffer.concat([PREFIX, bytes, SUFFIX]) : bytes
  const found = scan(input, 2, mostRefused)
  if ('malformedAt' in found) {
    const at = list ? Math.max(0, found.malformedAt - PREFIX.length) : found.malformedAt
    return malformed(bytes, Math.min(at, bytes.length)).replace('The body', 'The text')
  }
  if (found.root !== 123) return 'The text is no JSON object or list of objects.'
  const ascii = isAscii(input)
  const kind = list ? 'list' : kindOf(found)
  if (kind !== 'object') {
    const { stranger } = found
    const { value: head, problems } = kind === 'list' ? { value: {}, problems: [] } : headOf(found, limits)
    const members = read(found, limits, ascii)
    const duplicate = problems.length === 0 && hasDuplicate(found)
    return { kind, head, problems, members, stranger, duplicate }
  }
  const single = scan(bytes, 0)
  if ('malformedAt' in single) return malformed(bytes, single.malformedAt).replace('The body', 'The text')
  const members = read(single, limits, ascii)
  return { kind, head: {}, problems: [], members, stranger: -1, duplicate: false }
}

type Found = Exclude<ReturnType<typeof scan>, { malformedAt: number }>

function hasDuplicate({ keys, bytes }: Found): boolean {
  return new Set(keys.map((span) => JSON.parse(decode(bytes, span, false)) as string)).size !== keys.length
}

const BUNDLE = Buffer.from('"bundle"')

/** What the root's keys say of it: a bundle, an object with a type of its own, or an envelope of objects. */
function kindOf({ keys, bytes, objects }: Found): 'object' | 'bundle' | 'envelope' {
  const key = keys.find((span) => JSON.parse(decode(bytes, span, false)) === 'type')
  if (!key) return objects === 91 ? 'envelope' : 'object'
  // In the compact text the value follows the colon.
  return bytes.subarray(key.end + 1, key.end + 1 + BUNDLE.length).equals(BUNDLE) ? 'bundle' : 'object'
}

/** The root of a bundle or an envelope with its list of objects empty, under the limits of an object. */
function headOf(found: Found, limits: Limits): Member {
  const { bytes, listStart, listEnd, end } = found
  if (found.keys.length > MOST_KEYS) {
    const message = `The text has more than ${MOST_KEYS} keys beside its objects; split it.`
    return { index: 0, text: '', value: {}, problems: [error('limit/keys', '', message)] }
  }
  const text =
    listStart < 0
      ? bytes.subarray(0, end)
      : Buffer.concat([bytes.subarray(0, listStart), bytes.subarray(listEnd, end)])
  const head = scan(text, 0)
  const span = 'malformedAt' in head ? undefined : head.members.at(0)
  if ('malformedAt' in head || !span)
    throw new Error('The root of a JSON text without its objects is no JSON.')
  const one = member(head, span, 0, limits, false)
  const problems = one.problems.filter(({ code }) => code.startsWith('limit/'))
  // What is not beyond a limit is judged by value alone.
  const value = problems.length > 0 || one.problems.length === 0 ? one.value : JSON.parse(one.text)
  if (found.members.length > 0 || found.stranger >= 0) delete value.objects
  return { ...one, value, problems }
}
