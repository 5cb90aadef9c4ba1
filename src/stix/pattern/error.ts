/** What is wrong with a pattern and where, and the limits under which it is read. */

/** Which grammar: STIX 2.0 lacks EXISTS and writes the times of START and STOP as strings. */
export type PatternVersion = '2.0' | '2.1'

export interface PatternLimits {
  /** UTF-8 bytes of the pattern. */
  bytes: number
  /** Tokens; white space and comments are none. */
  tokens: number
  /** Parentheses inside parentheses; never more than 500, whatever is asked for. */
  depth: number
  /** UTF-8 bytes of the expression of one MATCHES. */
  regex: number
}

export const PATTERN_LIMITS: PatternLimits = { bytes: 65_536, tokens: 20_000, depth: 256, regex: 4_096 }

/** Recursion of parser, rules and printer stays far from the end of the stack. */
export const DEEPEST = 500

/** Findings per pattern: the first ones name the cause. */
export const MOST_PATTERN_ERRORS = 50

export interface PatternError {
  /** `PA-nn/word` for errors, `limit/...` for limits, a number as text for warnings. */
  code: string
  /** One sentence: what is wrong and what was expected. */
  message: string
  /** Section of the standard; absent for limits. */
  clause?: string
  /** UTF-16 units before the place. */
  offset: number
  /** Lines and columns start at 1; only a line feed ends a line. */
  line: number
  column: number
}

/** The first error of lexer or parser, thrown inside of this folder and never out of it. */
export class Failure extends Error {
  readonly code: string
  readonly offset: number
  readonly clause: string | undefined

  constructor(code: string, offset: number, message: string, clause?: string) {
    super(message)
    this.code = code
    this.offset = offset
    this.clause = clause
  }
}

/** The public form of a finding at an offset of the text. */
export function patternError(
  text: string,
  code: string,
  offset: number,
  message: string,
  clause?: string,
): PatternError {
  let line = 1
  let from = 0
  for (let i = text.indexOf('\n'); i !== -1 && i < offset; i = text.indexOf('\n', i + 1)) {
    line++
    from = i + 1
  }
  const error: PatternError = { code, message, offset, line, column: offset - from + 1 }
  if (clause !== undefined) error.clause = clause
  return error
}

const LONGEST_QUOTE = 40

/** Text that needs no escape: printable ASCII without quote and backslash. */
const PLAIN = /^[ !#-[\]-~]*$/

/** Input as it may stand in a message: JSON-quoted, short, nothing invisible. */
export function quoted(input: string): string {
  const cut = input.length > LONGEST_QUOTE ? `${input.slice(0, LONGEST_QUOTE)}…` : input
  if (PLAIN.test(cut)) return `"${cut}"`
  return JSON.stringify(cut).replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Is the text longer than that many bytes of UTF-8? */
export function exceeds(text: string, bytes: number): boolean {
  return text.length > bytes || (text.length * 3 > bytes && Buffer.byteLength(text) > bytes)
}
