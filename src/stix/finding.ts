/** What a check says about an object, and the limits that checks obey. */

export interface Limits {
  /** Nested lists and objects inside one STIX object, the object itself being 1. */
  depth: number
  /** UTF-8 bytes of the compact text of one object. */
  objectBytes: number
  /** Characters of an `id`. */
  idLength: number
  /** Items of any one list inside an object. */
  listItems?: number
  /** Keys of any one object inside an object; 1,000 when not stated. */
  objectKeys?: number
  /** Characters of any one string, `payload_bin` apart. */
  string?: number
  /** Selectors of all granular markings of an object. */
  selectors?: number
  /** Like `objectBytes`, for artifacts. */
  artifactBytes?: number
  /** Lists and objects inside one object, at every depth and itself included: what they cost is not in their bytes. */
  containers?: number
  /** Values inside one object, at every depth: lists, objects and all others. */
  values?: number
}

export const DEFAULT_KEYS = 1_000

export const DEFAULT_LIMITS: Limits = {
  depth: 64,
  objectBytes: 1_000_000,
  idLength: 400,
  listItems: 100_000,
  objectKeys: DEFAULT_KEYS,
}

export interface Finding {
  severity: 'error' | 'warning'
  /** Number of a warning; for errors a rule and a short word, `json/...` (raw text) or `limit/...`. */
  code: string
  /** JSON Pointer (RFC 6901) inside the object. */
  path: string
  /** One sentence: what is wrong and what to do. */
  message: string
  /** Section of the standard, e.g. `STIX 2.1 §3.2`. */
  clause?: string
  /** Of a pattern: the character at which the trouble starts. */
  offset?: number
}

/** Findings per object: the first ones name the cause, more would only be noise. */
export const MAX_FINDINGS = 50

export function error(code: string, path: string, message: string, clause?: string): Finding {
  const finding: Finding = { severity: 'error', code, path, message }
  if (clause !== undefined) finding.clause = clause
  return finding
}

/** No name of the standard is longer; of a longer key the start is enough to find it. */
const LONGEST_STEP = 250

function escaped(key: string): string {
  const step = key.length > LONGEST_STEP ? `${key.slice(0, LONGEST_STEP)}…` : key
  return step.includes('~') || step.includes('/') ? step.replaceAll('~', '~0').replaceAll('/', '~1') : step
}

/** JSON Pointer of a list of steps, and of one step more if there is one. */
export function pointer(steps: readonly (string | number)[], last: string | number | null = null): string {
  let path = ''
  for (const step of steps) path += typeof step === 'number' ? `/${step}` : `/${escaped(step)}`
  if (last !== null) path += typeof last === 'number' ? `/${last}` : `/${escaped(last)}`
  return path
}

const LONGEST_QUOTE = 80

/** Text that needs no escape: printable ASCII without quote and backslash. */
const PLAIN = /^[ !#-[\]-~]*$/

/** Input as it may stand in a message: JSON-quoted, at most 80 characters, nothing invisible. */
export function quote(input: unknown): string {
  const text =
    typeof input === 'string'
      ? input
      : input === null
        ? 'null'
        : typeof input === 'object'
          ? 'a list or object'
          : String(input)
  const cut = text.length > LONGEST_QUOTE ? `${text.slice(0, LONGEST_QUOTE)}…` : text
  if (typeof input !== 'string') return cut
  if (PLAIN.test(cut)) return `"${cut}"`
  return JSON.stringify(cut).replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** How a message names a place: the pointer, or the object itself. */
export function place(path: string): string {
  return path === '' ? 'The object' : path.length > 200 ? `${path.slice(0, 200)}…` : path
}
