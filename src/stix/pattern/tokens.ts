/** The kinds of tokens of the patterning language (STIX 2.1 §9), its reserved words and its characters. */

export const END = 0
/** A word that may be a type or a property. */
export const WORD = 1
/** A word with a hyphen, which only a type may be. */
export const HYPHENED = 2
export const STRING = 3
export const INTEGER = 4
export const FLOAT = 5
export const HEX = 6
export const BINARY = 7
export const TIMESTAMP = 8
export const BOOLEAN = 9
export const EQUALITY = 10
export const ORDER = 11
export const COLON = 12
export const DOT = 13
export const COMMA = 14
export const OPEN = 15
export const CLOSE = 16
export const OPEN_BRACKET = 17
export const CLOSE_BRACKET = 18
export const STAR = 19
export const AND = 20
export const OR = 21
export const FOLLOWEDBY = 22
export const NOT = 23
export const IN = 24
export const LIKE = 25
export const MATCHES = 26
export const ISSUBSET = 27
export const ISSUPERSET = 28
export const EXISTS = 29
export const WITHIN = 30
export const SECONDS = 31
export const REPEATS = 32
export const TIMES = 33
export const START = 34
export const STOP = 35
export const LAST = 36

/** Reserved words, in this case only. `LAST` has no use in the grammar and is reserved all the same. */
export const KEYWORDS: ReadonlyMap<string, number> = new Map([
  ['AND', AND],
  ['OR', OR],
  ['FOLLOWEDBY', FOLLOWEDBY],
  ['NOT', NOT],
  ['IN', IN],
  ['LIKE', LIKE],
  ['MATCHES', MATCHES],
  ['ISSUBSET', ISSUBSET],
  ['ISSUPERSET', ISSUPERSET],
  ['EXISTS', EXISTS],
  ['WITHIN', WITHIN],
  ['SECONDS', SECONDS],
  ['REPEATS', REPEATS],
  ['TIMES', TIMES],
  ['START', START],
  ['STOP', STOP],
  ['LAST', LAST],
  ['true', BOOLEAN],
  ['false', BOOLEAN],
])

export const LONGEST_KEYWORD = 10

export const LETTER = 1
export const DIGIT = 2
export const HYPHEN = 3
/** Of the ASCII characters: LETTER (with `_`), DIGIT, HYPHEN or 0. */
export const CLASS = new Uint8Array(128)
for (let c = 65; c <= 90; c++) CLASS[c] = CLASS[c + 32] = LETTER
for (let c = 48; c <= 57; c++) CLASS[c] = DIGIT
CLASS[95] = LETTER
CLASS[45] = HYPHEN

/** Tokens of one character. */
export const SINGLE = new Uint8Array(128)
for (const [char, kind] of [
  [':', COLON],
  ['.', DOT],
  [',', COMMA],
  ['(', OPEN],
  [')', CLOSE],
  ['[', OPEN_BRACKET],
  [']', CLOSE_BRACKET],
  ['*', STAR],
] as const) {
  SINGLE[char.charCodeAt(0)] = kind
}

export const QUOTE = 39
export const BACKSLASH = 92

/** White space of the grammar: 25 code points. U+FEFF and U+180E are none. */
export function isSpace(code: number): boolean {
  if (code < 128) return code === 32 || (code >= 9 && code <= 13)
  return (
    code === 0x85 ||
    code === 0xa0 ||
    code === 0x1680 ||
    (code >= 0x2000 && code <= 0x200a) ||
    code === 0x2028 ||
    code === 0x2029 ||
    code === 0x202f ||
    code === 0x205f ||
    code === 0x3000
  )
}
