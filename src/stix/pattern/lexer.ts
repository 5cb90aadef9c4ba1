/** The tokens of the patterning language (STIX 2.1 §9), exactly as the official grammar cuts them, in one linear pass. */
import { Failure, type PatternLimits, type PatternVersion, quoted } from './error.ts'
import { base64Text, instantKey, isHex, isIntegerInRange } from './literals.ts'
import {
  BACKSLASH,
  BINARY,
  CLASS,
  DIGIT,
  END,
  EQUALITY,
  EXISTS,
  FLOAT,
  HEX,
  HYPHEN,
  HYPHENED,
  INTEGER,
  isSpace,
  KEYWORDS,
  LETTER,
  LONGEST_KEYWORD,
  ORDER,
  QUOTE,
  SINGLE,
  STRING,
  TIMESTAMP,
  WORD,
} from './tokens.ts'

function isDigitAt(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code >= 48 && code <= 57
}

/** Reads one token at a time: `next()` fills in the fields. Throws Failure at the first thing that is no token. */
export class Lexer {
  readonly text: string
  readonly version: PatternVersion
  kind = END
  /** The token's span; `value` is a word, or what a constant says (see Constant.text). */
  start = 0
  end = 0
  value = ''
  /** End of the token before. */
  lastEnd = 0
  private tokens = 0
  private readonly mostTokens: number

  constructor(text: string, version: PatternVersion, limits: PatternLimits) {
    this.text = text
    this.version = version
    this.mostTokens = limits.tokens
  }

  /** Is it a token of that kind? */
  protected is(kind: number): boolean {
    return this.kind === kind
  }

  next(): void {
    this.lastEnd = this.end
    const text = this.text
    const at = this.skip(this.end)
    this.start = at
    if (at >= text.length) {
      this.kind = END
      this.end = at
      return
    }
    if (++this.tokens > this.mostTokens) {
      const message = `The pattern has more than ${this.mostTokens} tokens, which is the limit; split it.`
      throw new Failure('limit/pattern-tokens', at, message)
    }
    const code = text.charCodeAt(at)
    const single = SINGLE[code] ?? 0
    if (single !== 0 && (code !== 46 || !isDigitAt(text, at + 1))) {
      this.kind = single
      this.end = at + 1
    } else if (CLASS[code] === LETTER) this.word(at)
    else if (code === QUOTE) this.string(at)
    else if (CLASS[code] === DIGIT || code === 45 || code === 43 || code === 46) this.number(at)
    else this.operator(at, code)
  }

  /** After white space and comments. */
  private skip(from: number): number {
    const text = this.text
    let i = from
    while (i < text.length) {
      const code = text.charCodeAt(i)
      if (code === 47) {
        const second = text.charCodeAt(i + 1)
        if (second === 47) {
          i += 2
          while (i < text.length && text.charCodeAt(i) !== 10 && text.charCodeAt(i) !== 13) i++
        } else if (second === 42) {
          const close = text.indexOf('*/', i + 2)
          if (close === -1) throw this.wrong('PA-00/comment', i, 'Expected */ at the end of this comment.')
          i = close + 2
        } else return i
      } else if (isSpace(code)) i++
      else return i
    }
    return i
  }

  private word(at: number): void {
    const text = this.text
    const first = text.charCodeAt(at)
    if (text.charCodeAt(at + 1) === QUOTE && (first === 104 || first === 98 || first === 116)) {
      this.prefixed(at, first)
      return
    }
    let kind = WORD
    let i = at + 1
    for (; i < text.length; i++) {
      const found = CLASS[text.charCodeAt(i)] ?? 0
      if (found === 0) break
      if (found === HYPHEN) kind = HYPHENED
    }
    this.end = i
    const word = text.slice(at, i)
    this.value = word
    if (kind === WORD && word.length <= LONGEST_KEYWORD && (first < 97 || first === 116 || first === 102)) {
      kind = KEYWORDS.get(word) ?? WORD
      if (kind === EXISTS && this.version === '2.0') kind = WORD
    }
    this.kind = kind
  }

  private string(at: number): void {
    const text = this.text
    const close = text.indexOf("'", at + 1)
    if (close === -1) throw this.unclosed(at)
    const value = text.slice(at + 1, close)
    this.kind = STRING
    if (value.includes('\\')) {
      this.escaped(at)
      return
    }
    this.value = value
    this.end = close + 1
  }

  /** A string with backslashes, of which only \' and \\ are escapes. */
  private escaped(at: number): void {
    const text = this.text
    let value = ''
    let from = at + 1
    let i = from
    for (; ; i++) {
      if (i >= text.length) throw this.unclosed(at)
      const code = text.charCodeAt(i)
      if (code === QUOTE) break
      if (code !== BACKSLASH) continue
      const second = text.charCodeAt(i + 1)
      if (second !== QUOTE && second !== BACKSLASH) {
        throw this.wrong('PA-00/escape', i, "Expected \\' or \\\\ for the backslash in this string.", '§9.2')
      }
      value += text.slice(from, i)
      from = i + 1
      i++
    }
    this.value = value + text.slice(from, i)
    this.end = i + 1
  }

  /** h'..', b'..' and t'..'. */
  private prefixed(at: number, first: number): void {
    const close = this.text.indexOf("'", at + 2)
    if (close === -1) throw this.unclosed(at + 1)
    const raw = this.text.slice(at + 2, close)
    this.end = close + 1
    this.value = raw
    if (first === 104) {
      this.kind = HEX
      if (raw.length % 2 === 0 && isHex(raw)) return
      throw this.wrong('PA-06/hex', at, `Expected pairs of hex digits, not h'…' with ${quoted(raw)}.`, '§9.2')
    }
    if (first === 116) {
      this.kind = TIMESTAMP
      if (instantKey(raw) !== null) return
      const message = `Expected a timestamp such as t'2026-01-31T23:59:59.5Z', not ${quoted(raw)}.`
      throw this.wrong('PA-06/timestamp', at, message, '§9.2')
    }
    this.kind = BINARY
    const clean = base64Text(raw)
    if (clean === null) {
      const message = `Expected padded base64 such as b'AQI=', not b'…' with ${quoted(raw)}.`
      throw this.wrong('PA-06/base64', at, message, '§9.2')
    }
    this.value = clean
  }

  private number(at: number): void {
    const text = this.text
    const sign = text.charCodeAt(at)
    let i = sign === 45 || sign === 43 ? at + 1 : at
    const whole = i
    while (isDigitAt(text, i)) i++
    const digits = i - whole
    const fraction = text.charCodeAt(i) === 46 && isDigitAt(text, i + 1)
    if (fraction) for (i++; isDigitAt(text, i); ) i++
    else if (digits === 0) throw this.wrong('PA-00/syntax', at, `Expected digits after ${text[at]}.`, '§9.2')
    const value = text.slice(at, i)
    if (sign === 43) {
      const message = `Expected a number without a plus sign, not ${quoted(value)}.`
      throw this.wrong('PA-06/plus-sign', at, message, '§9.2')
    }
    if (!fraction && digits > 1 && text.charCodeAt(whole) === 48) {
      const message = `Expected an integer without leading zeros, not ${quoted(value)}.`
      throw this.wrong('PA-06/leading-zero', at, message, '§9.2')
    }
    if (fraction ? !Number.isFinite(Number(value)) : !isIntegerInRange(value)) {
      const range = fraction ? 'a number that a double can hold' : 'an integer within ±(2^53-1)'
      throw this.wrong('PA-06/number-range', at, `Expected ${range}, not ${quoted(value)}.`, '§9.2')
    }
    this.kind = fraction ? FLOAT : INTEGER
    this.value = value
    this.end = i
  }

  private operator(at: number, code: number): void {
    const second = this.text.charCodeAt(at + 1)
    const take = (kind: number, value: string, size: number): void => {
      this.kind = kind
      this.value = value
      this.end = at + size
    }
    if (code === 61) take(EQUALITY, '=', second === 61 ? 2 : 1)
    else if (code === 33 && second === 61) take(EQUALITY, '!=', 2)
    else if (code === 60 && second === 62) take(EQUALITY, '!=', 2)
    else if (code === 60) take(ORDER, second === 61 ? '<=' : '<', second === 61 ? 2 : 1)
    else if (code === 62) take(ORDER, second === 61 ? '>=' : '>', second === 61 ? 2 : 1)
    else {
      const char = quoted(String.fromCodePoint(this.text.codePointAt(at) ?? 0))
      throw this.wrong('PA-00/character', at, `The character ${char} has no meaning here; remove it.`)
    }
  }

  private unclosed(at: number): Failure {
    return this.wrong('PA-00/string', at, 'Expected an apostrophe at the end of this string.', '§9.2')
  }

  private wrong(code: string, at: number, message: string, section = '§9'): Failure {
    return new Failure(code, at, message, `STIX 2.1 ${section}`)
  }
}
