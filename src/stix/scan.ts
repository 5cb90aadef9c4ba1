/** One linear pass over JSON bytes: grammar, compaction, the borders of members, and marks for a closer look. */
import { Spans } from './spans.ts'

/** What the pass found; the members' compact bytes lie in `bytes`. */
export interface Scan {
  bytes: Buffer
  members: Spans
  /** Spans of the root's keys (envelope only), as JSON strings: no more than one beyond `MOST_KEYS`. */
  keys: { start: number; end: number }[]
  /** What follows the key `objects`: its first byte, 0 when the key is absent. */
  objects: number
  /** Where the items of the first list `objects` start and those of the last one end; -1 when there is none. */
  listStart: number
  listEnd: number
  /** Index of the first list item that is no object, or -1. */
  stranger: number
  /** First byte of the root value. */
  root: number
  /** Length of the compact text. */
  end: number
}

/** Bytes of a member, fewer than its id and type need. */
const TINY = 48

/** Keys of the root of an envelope that are looked at. */
export const MOST_KEYS = 1_000

const VALUE = 0
const VALUE_OR_END = 1
const KEY = 2
const KEY_OR_END = 3
const COLON = 4
const AFTER = 5
const DONE = 6

const QUOTE = 34
const COMMA = 44
const LIST = 91
const BACKSLASH = 92
const OBJECT = 123

/** Longer runs of digits may exceed 2^53-1. */
const SAFE_DIGITS = 15
/** Longer numbers without an exponent may exceed the range of a double. */
const SAFE_NUMBER = 300

/** Digits of exponents that are far from the ends of the range of a double. */
const SAFE_EXPONENT = 2

/** Shorter runs are copied faster byte by byte. */
const SHORT = 48

function hex(bytes: Uint8Array, at: number): number {
  let code = 0
  for (let i = at; i < at + 4; i++) {
    const b = bytes[i] ?? 0
    const digit =
      b >= 48 && b <= 57 ? b - 48 : b >= 97 && b <= 102 ? b - 87 : b >= 65 && b <= 70 ? b - 55 : -1
    if (digit < 0) return -1
    code = code * 16 + digit
  }
  return code
}

class Scanner {
  readonly input: Uint8Array
  suspect = false

  constructor(input: Uint8Array) {
    this.input = input
  }

  /** Position after the escape that starts at `i` (a backslash), or -1. */
  escape(i: number): number {
    const { input } = this
    switch (input[i + 1]) {
      case 34: // "
      case 47: // /
      case 92: // \
      case 98: // b
      case 102: // f
      case 110: // n
      case 114: // r
      case 116: // t
        return i + 2
      case 117: {
        const code = hex(input, i + 2)
        if (code < 0) return -1
        if (code === 0 || (code >= 0xdc00 && code <= 0xdfff)) this.suspect = true
        if (code < 0xd800 || code > 0xdbff) return i + 6
        if (input[i + 6] === BACKSLASH && input[i + 7] === 117) {
          const low = hex(input, i + 8)
          if (low < 0) return -1
          if (low >= 0xdc00 && low <= 0xdfff) return i + 12
        }
        this.suspect = true
        return i + 6
      }
      default:
        return -1
    }
  }

  /** Position after the string that starts at `i` (a quote), or -1. */
  string(i: number): number {
    const { input } = this
    const end = input.length
    let at = i + 1
    while (at < end) {
      const b = input[at] as number
      if (b === QUOTE) return at + 1
      if (b === BACKSLASH) {
        at = this.escape(at)
        if (at < 0) return -1
      } else if (b < 32) return -1
      else at++
    }
    return -1
  }

  /** Position after the number that starts at `i`, or -1. */
  number(i: number): number {
    const { input } = this
    let at = input[i] === 45 ? i + 1 : i
    const first = input[at] as number
    if (!(first >= 48 && first <= 57)) return -1
    const whole = at
    at = first === 48 ? at + 1 : this.digits(at)
    let integer = true
    const digits = at - whole
    if (input[at] === 46) {
      integer = false
      const next = this.digits(at + 1)
      if (next === at + 1) return -1
      at = next
      if (at - whole > SAFE_DIGITS) this.suspect = true
    }
    if (input[at] === 101 || input[at] === 69) {
      integer = false
      const sign = input[at + 1] === 43 || input[at + 1] === 45 ? 2 : 1
      const next = this.digits(at + sign)
      if (next === at + sign) return -1
      // With few digits and a small exponent a double is in range, and whole only where the text is.
      if (at - whole > SAFE_DIGITS || next - at - sign > SAFE_EXPONENT) this.suspect = true
      at = next
    }
    if (integer ? digits > SAFE_DIGITS : digits > SAFE_NUMBER) this.suspect = true
    return at
  }

  digits(i: number): number {
    const { input } = this
    let at = i
    while ((input[at] as number) >= 48 && (input[at] as number) <= 57) at++
    return at
  }

  /** Position after `true`, `false` or `null` at `i`, or -1. */
  literal(i: number): number {
    const word =
      this.input[i] === 116 ? 'true' : this.input[i] === 102 ? 'false' : this.input[i] === 110 ? 'null' : ''
    for (let k = 0; k < word.length; k++) if (this.input[i + k] !== word.charCodeAt(k)) return -1
    return word === '' ? -1 : i + word.length
  }
}

function isObjectsKey(bytes: Buffer, start: number, end: number): boolean {
  // Seven letters, each at most an escape of six characters.
  if (end - start > 44) return false
  if (!bytes.subarray(start, end).includes(BACKSLASH)) {
    return end - start === 9 && bytes.toString('latin1', start + 1, end - 1) === 'objects'
  }
  return JSON.parse(bytes.toString('utf8', start, end)) === 'objects'
}

/**
 * Scans a whole text. `memberDepth` 2 takes the items of the root's `objects` as members (an envelope), 0 the root
 * itself; after so many that are too small for any id, the others are not listed. Answers the position of the first byte that is not JSON when the text is malformed. Needs valid UTF-8.
 */
export function scan(
  input: Uint8Array,
  memberDepth: 0 | 2,
  mostTiny = Number.POSITIVE_INFINITY,
): Scan | { malformedAt: number } {
  const scanner = new Scanner(input)
  const source = Buffer.from(input.buffer, input.byteOffset, input.length)
  // A text without white space between its tokens is its own compact form: it is copied from the first one on.
  let out = source
  let copying = false
  const result: Scan = {
    bytes: out,
    members: new Spans(),
    keys: [],
    objects: 0,
    listStart: -1,
    listEnd: -1,
    stranger: -1,
    root: 0,
    end: 0,
  }
  const length = input.length
  let stack = new Uint8Array(128)
  let depth = 0
  let state = VALUE
  let i = 0
  let o = 0
  let inMember = false
  let inObjects = false
  let objectsNext = false
  let start = 0
  let keys = 0
  let deepest = 0
  let tiny = 0
  let containers = 0
  let scalars = 0

  while (i < length) {
    const b = input[i] as number
    if (b === 32 || b === 10 || b === 13 || b === 9) {
      if (!copying) {
        copying = true
        out = Buffer.allocUnsafeSlow(length)
        source.copy(out, 0, 0, i)
        result.bytes = out
      }
      i++
      continue
    }
    let next = -1
    if (b === QUOTE && (state === KEY || state === KEY_OR_END)) {
      next = scanner.string(i)
      if (next < 0) return { malformedAt: i }
      keys++
      state = COLON
    } else if (state === COLON) {
      if (b !== 58) return { malformedAt: i }
      if (copying) out[o] = b
      o++
      i++
      state = VALUE
      continue
    } else if (state === AFTER && b === COMMA) {
      if (copying) out[o] = b
      o++
      i++
      state = stack[depth - 1] === LIST ? VALUE : KEY
      continue
    } else if (
      (b === 93 && (state === AFTER || state === VALUE_OR_END) && stack[depth - 1] === LIST) ||
      (b === 125 && (state === AFTER || state === KEY_OR_END) && stack[depth - 1] === OBJECT)
    ) {
      if (copying) out[o] = b
      o++
      i++
      depth--
      state = depth === 0 ? DONE : AFTER
      if (inMember && depth === memberDepth) {
        inMember = false
        if (o - start < TINY) tiny++
        const values = containers + scalars
        if (tiny <= mostTiny)
          result.members.add(start, o, keys, deepest - memberDepth, containers, values, scanner.suspect)
      } else if (inObjects && depth === 1) {
        inObjects = false
        result.listEnd = o - 1
      }
      continue
    } else if (state === VALUE || state === VALUE_OR_END) {
      if (depth === 0) result.root = b
      if (objectsNext) {
        objectsNext = false
        result.objects = b
        inObjects = b === LIST
        if (inObjects && result.listStart < 0) result.listStart = o + 1
      }
      if (!inMember && depth === memberDepth && (inObjects ? memberDepth === 2 : memberDepth === 0)) {
        if (b !== OBJECT && result.stranger < 0) result.stranger = result.members.length
        inMember = b === OBJECT
        start = o
        keys = 0
        containers = 0
        scalars = 0
        deepest = depth
        scanner.suspect = false
      }
      if (b === OBJECT || b === LIST) {
        if (depth === stack.length) {
          const larger = new Uint8Array(stack.length * 2)
          larger.set(stack)
          stack = larger
        }
        stack[depth++] = b
        containers++
        if (depth > deepest) deepest = depth
        state = b === OBJECT ? KEY_OR_END : VALUE_OR_END
        if (copying) out[o] = b
        o++
        i++
        continue
      }
      next =
        b === QUOTE
          ? scanner.string(i)
          : b === 45 || (b >= 48 && b <= 57)
            ? scanner.number(i)
            : scanner.literal(i)
      if (next < 0) return { malformedAt: i }
      scalars++
      state = depth === 0 ? DONE : AFTER
    } else return { malformedAt: i }

    const from = o
    if (!copying) {
      o += next - i
      i = next
    } else if (next - i < SHORT) while (i < next) out[o++] = input[i++] as number
    else {
      source.copy(out, o, i, next)
      o += next - i
      i = next
    }
    if (depth === 1 && memberDepth === 2 && state === COLON && result.keys.length <= MOST_KEYS) {
      result.keys.push({ start: from, end: o })
      objectsNext = isObjectsKey(out, from, o)
    }
  }
  result.end = o
  return state === DONE ? result : { malformedAt: length }
}
