/** The closer look at one member's compact text: names the place of everything that D-2 refuses. */
import { DEFAULT_KEYS, error, type Finding, type Limits, MAX_FINDINGS, pointer, quote } from './finding.ts'

export interface Inspection {
  problems: Finding[]
  /** Top-level strings by which a failure is reported when the object itself is not parsed. */
  head: Record<string, unknown>
  /** Pointers of numbers with a fraction that a double cannot hold, so that their value is whole. */
  inexact: string[]
}

const HEAD: ReadonlySet<string> = new Set(['id', 'type', 'spec_version', 'created', 'modified'])

/** No table of the standard asks for an integer deeper than this. */
const DEEPEST_INTEGER = 12

/** A list or object that is being read; one of each depth is used again and again. */
interface Frame {
  list: boolean
  /** Place in a list of the value that is being read. */
  index: number
  /** Key of the value that is being read. */
  key: string
  /** Number of the keys so far; the first is kept apart, as most objects of a hostile text have one. */
  count: number
  first: string
  keys: Set<string> | null
}

const QUOTE = 34
const BACKSLASH = 92

function stringEnd(text: string, start: number): number {
  let i = start + 1
  while (i < text.length) {
    const code = text.charCodeAt(i)
    if (code === QUOTE) return i + 1
    i += code === BACKSLASH ? 2 : 1
  }
  return text.length
}

function scalarEnd(text: string, start: number): number {
  let i = start
  while (i < text.length) {
    const code = text.charCodeAt(i)
    if (code === 44 || code === 93 || code === 125) break
    i++
  }
  return i
}

/** What is wrong with a decoded string, if anything. */
function stringProblem(text: string): [code: string, message: string] | null {
  if (text.includes('\0')) {
    return ['json/nul', 'holds the character U+0000, which this server cannot store; remove it']
  }
  if (!(text as unknown as { isWellFormed(): boolean }).isWellFormed()) {
    return [
      'json/lone-surrogate',
      'holds half of a surrogate pair, which is no character; send both halves or UTF-8',
    ]
  }
  return null
}

/** Only digits, apart from a sign? */
function isDigits(token: string): boolean {
  for (let i = 1; i < token.length; i++) {
    const code = token.charCodeAt(i)
    if (code < 48 || code > 57) return false
  }
  return true
}

/** What is wrong with a number as it is spelled, if anything (STIX 2.1 §2.6, §2.10). */
function numberProblem(token: string): [code: string, message: string, clause: string] | null {
  if (isDigits(token)) {
    if (token.length <= 17 && Number.isSafeInteger(Number(token))) return null
    return [
      'json/integer-range',
      `is the integer ${quote(token).slice(1, -1)}, outside of ±(2^53-1), and would lose digits; send it as a string`,
      'STIX 2.1 §2.10',
    ]
  }
  if (Number.isFinite(Number(token))) return null
  return [
    'json/number-range',
    `is the number ${quote(token).slice(1, -1)}, which no double-precision number can hold; send it as a string`,
    'STIX 2.1 §2.6',
  ]
}

/** Is the value whole though the text is not? Judged by digits, not by the rounded double. */
function isInexact(token: string): boolean {
  if (token === '' || !Number.isInteger(Number(token))) return false
  const parts = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,6}))?$/.exec(token)
  if (!parts) return false
  const digits = `${parts[1]}${parts[2] ?? ''}`
  const point = (parts[1] as string).length + Number(parts[3] ?? 0)
  let last = digits.length
  while (last > 0 && digits.charCodeAt(last - 1) === 48) last--
  return last > point && last > 0
}

/** Walks valid compact JSON of an object once; memory is bounded by the depth limit and the keys in sight. */
export function inspect(text: string, limits: Limits): Inspection {
  const problems: Finding[] = []
  const head: Record<string, unknown> = {}
  const inexact: string[] = []
  const frames: Frame[] = []
  let depth = 0
  let tooDeep = 0
  let expectKey = false
  let crowded = false
  const mostKeys = limits.objectKeys ?? DEFAULT_KEYS

  const path = (): string => {
    const steps: (string | number)[] = []
    for (let k = 0; k < depth; k++) {
      const { list, index, key } = frames[k] as Frame
      steps.push(list ? index : key)
    }
    return pointer(steps)
  }

  const report = (code: string, message: string, clause?: string): void => {
    if (problems.length >= MAX_FINDINGS) return
    const at = path()
    problems.push(error(code, at, `${at === '' ? 'The object' : cut(at)} ${message}.`, clause))
  }

  /** Is the key new in its object? */
  const added = (frame: Frame, key: string): boolean => {
    if (frame.count === 0) frame.first = key
    else if (frame.first === key) return false
    else {
      frame.keys ??= new Set()
      if (frame.keys.has(key)) return false
      if (frame.count < mostKeys) frame.keys.add(key)
      else if (!crowded) {
        crowded = true
        report('limit/keys', `is one key too many: an object may have ${mostKeys}; split it`)
      }
    }
    if (frame.count < mostKeys) frame.count++
    return true
  }

  const opened = (list: boolean): void => {
    const frame = frames[depth++]
    if (!frame) frames.push({ list, index: 0, key: '', count: 0, first: '', keys: null })
    else {
      frame.list = list
      frame.index = 0
      frame.key = ''
      frame.count = 0
      frame.keys = null
    }
  }

  let i = 0
  while (i < text.length) {
    const code = text.charCodeAt(i)
    if (tooDeep > 0) {
      // Inside of what is too deep only the brackets count.
      if (code === 123 || code === 91) tooDeep++
      else if (code === 125 || code === 93) tooDeep--
      i = code === QUOTE ? stringEnd(text, i) : i + 1
    } else if (code === 123 || code === 91) {
      if (depth >= limits.depth) {
        report('limit/depth', `is nested deeper than ${limits.depth} levels; flatten it`)
        tooDeep++
      } else {
        opened(code === 91)
        expectKey = code === 123
      }
      i++
    } else if (code === 125 || code === 93) {
      depth--
      i++
    } else if (code === 44) {
      const frame = frames[depth - 1]
      if (frame?.list) frame.index++
      else expectKey = true
      i++
    } else if (code === 58) {
      i++
    } else if (code === QUOTE) {
      const end = stringEnd(text, i)
      const frame = frames[depth - 1]
      if (frame) {
        const key = expectKey && !frame.list
        const raw = text.slice(i + 1, end - 1)
        const escaped = raw.includes('\\')
        // Of values only these escapes can make something that is refused.
        const odd = escaped && raw.includes('\\u')
        const wanted = key || (depth === 1 && HEAD.has(frame.key))
        const decoded: string = escaped && (wanted || odd) ? JSON.parse(`"${raw}"`) : raw
        if (key) {
          expectKey = false
          frame.key = decoded
          if (!added(frame, decoded)) {
            report(
              'json/duplicate-key',
              'occurs twice in its object; parsers differ in which one they take, so send it once',
            )
          }
        } else if (wanted) head[frame.key] = decoded
        const problem = odd ? stringProblem(decoded) : null
        if (problem) report(...problem)
      }
      i = end
    } else {
      const end = scalarEnd(text, i)
      if (code === 45 || (code >= 48 && code <= 57)) {
        // Shorter ones are exact and in range, whatever they are.
        const token = end - i > 4 ? text.slice(i, end) : ''
        const problem = token === '' ? null : numberProblem(token)
        if (problem) report(...problem)
        else if (depth <= DEEPEST_INTEGER && inexact.length < MAX_FINDINGS && isInexact(token))
          inexact.push(path())
      }
      i = end
    }
  }
  return { problems, head, inexact }
}

function cut(path: string): string {
  const clean = quote(path.length > 200 ? path.slice(0, 80) : path).slice(1, -1)
  return clean
}
