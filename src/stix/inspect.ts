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

interface Frame {
  list: boolean
  /** Key or index of the value that is being read. */
  step: string | number
  keys: Set<string>
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
  if (/\p{Surrogate}/u.test(text)) {
    return [
      'json/lone-surrogate',
      'holds half of a surrogate pair, which is no character; send both halves or UTF-8',
    ]
  }
  return null
}

/** What is wrong with a number as it is spelled, if anything (STIX 2.1 §2.6, §2.10). */
function numberProblem(token: string): [code: string, message: string, clause: string] | null {
  if (/^-?\d+$/.test(token)) {
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
  const parts = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,6}))?$/.exec(token)
  if (!parts || !Number.isInteger(Number(token))) return false
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
  let tooDeep = 0
  let expectKey = false
  let crowded = false
  const mostKeys = limits.objectKeys ?? DEFAULT_KEYS

  const report = (code: string, message: string, clause?: string): void => {
    if (problems.length >= MAX_FINDINGS) return
    const path = pointer(frames.map((f) => f.step))
    problems.push(error(code, path, `${path === '' ? 'The object' : cut(path)} ${message}.`, clause))
  }

  let i = 0
  while (i < text.length) {
    const code = text.charCodeAt(i)
    if (tooDeep > 0 && code !== QUOTE) {
      // Inside of what is too deep only the brackets count.
      if (code === 123 || code === 91) tooDeep++
      else if (code === 125 || code === 93) tooDeep--
      i++
      continue
    }
    const frame = frames[frames.length - 1]
    if (code === 123 || code === 91) {
      if (tooDeep > 0 || frames.length >= limits.depth) {
        if (tooDeep === 0) report('limit/depth', `is nested deeper than ${limits.depth} levels; flatten it`)
        tooDeep++
      } else {
        frames.push({ list: code === 91, step: code === 91 ? 0 : '', keys: new Set() })
        expectKey = code === 123
      }
      i++
    } else if (code === 125 || code === 93) {
      if (tooDeep > 0) tooDeep--
      else frames.pop()
      i++
    } else if (code === 44) {
      if (tooDeep === 0 && frame) {
        if (frame.list) frame.step = Number(frame.step) + 1
        else expectKey = true
      }
      i++
    } else if (code === 58) {
      i++
    } else if (code === QUOTE) {
      const end = stringEnd(text, i)
      if (tooDeep === 0 && frame) {
        const key = expectKey && !frame.list
        const escaped = text.slice(i, end).includes('\\')
        const wanted = key || escaped || frames.length === 1
        const decoded: string = escaped
          ? JSON.parse(text.slice(i, end))
          : wanted
            ? text.slice(i + 1, end - 1)
            : ''
        if (key) {
          expectKey = false
          frame.step = decoded
          if (frame.keys.has(decoded)) {
            report(
              'json/duplicate-key',
              'occurs twice in its object; parsers differ in which one they take, so send it once',
            )
          } else if (frame.keys.size < mostKeys) frame.keys.add(decoded)
          else if (!crowded) {
            crowded = true
            report('limit/keys', `is one key too many: an object may have ${mostKeys}; split it`)
          }
        } else if (frames.length === 1 && HEAD.has(String(frame.step))) head[String(frame.step)] = decoded
        const problem = escaped ? stringProblem(decoded) : null
        if (problem) report(...problem)
      }
      i = end
    } else {
      const end = scalarEnd(text, i)
      if (tooDeep === 0 && (code === 45 || (code >= 48 && code <= 57))) {
        const token = text.slice(i, end)
        const problem = numberProblem(token)
        if (problem) report(...problem)
        else if (inexact.length < MAX_FINDINGS && isInexact(token))
          inexact.push(pointer(frames.map((f) => f.step)))
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
