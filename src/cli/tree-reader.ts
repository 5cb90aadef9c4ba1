/** Typed reading of a tree: every wrong value becomes a problem with its line, and reading goes on. */
import { isTlp, TLPS, type Tlp } from '../policy/model.ts'
import { type Micros, parseMicros } from '../time.ts'
import { didYouMean } from './near.ts'
import type { Problem, Tree } from './yaml-tree.ts'

const LEVELS = TLPS.join(', ')

/** What was found, in words: `the number 7`, `a list`. */
function found(tree: Tree): string {
  if (tree.kind !== 'scalar') return `a ${tree.kind}`
  const { value } = tree
  if (value === null) return 'nothing'
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}...` : value)
  return `the ${typeof value} ${tree.source}`
}

/** Collects problems and warnings of one file. */
export class Report {
  readonly problems: Problem[] = []
  readonly warnings: Problem[] = []

  problem(line: number, message: string): void {
    this.problems.push({ line, message })
  }

  warning(line: number, message: string): void {
    this.warnings.push({ line, message })
  }

  /** `WHAT: expected EXPECTED, found ...` at the node's line. */
  expected(tree: Tree, what: string, expected: string): void {
    const quote =
      tree.kind === 'scalar' &&
      ['number', 'boolean'].includes(typeof tree.value) &&
      /string|text|name|id/.test(expected)
        ? ': put it in quotes'
        : ''
    this.problem(tree.line, `${what}: expected ${expected}, found ${found(tree)}${quote}`)
  }
}

/** Control characters and halves of surrogate pairs; the database takes neither. */
const CONTROLS = /[\p{Cc}\p{Cs}]/u
const MULTILINE_CONTROLS = /[^\P{Cc}\t\r\n]|\p{Cs}/u

export interface TextOptions {
  /** Longest, in characters. */
  max?: number
  /** A pattern and what it asks for, in words. */
  form?: [RegExp, string]
  multiline?: boolean
}

/** One string, checked. @returns null after a problem. */
export function readText(report: Report, tree: Tree, what: string, options: TextOptions = {}): string | null {
  if (tree.kind !== 'scalar' || typeof tree.value !== 'string') {
    report.expected(tree, what, 'a string')
    return null
  }
  const { value } = tree
  const max = options.max ?? 256
  if (value.trim() === '') report.problem(tree.line, `${what}: expected a string that is not empty`)
  else if (value.length > max) report.problem(tree.line, `${what}: expected at most ${max} characters`)
  else if ((options.multiline ? MULTILINE_CONTROLS : CONTROLS).test(value)) {
    report.problem(tree.line, `${what}: expected no control characters`)
  } else if (!options.multiline && value !== value.trim()) {
    report.problem(tree.line, `${what}: expected no space at either end`)
  } else if (options.form && !options.form[0].test(value)) report.expected(tree, what, options.form[1])
  else return value
  return null
}

/** A TLP level; WHITE is CLEAR. `prefixed` also takes `tlp:green`. */
export function readLevel(report: Report, tree: Tree, what: string, prefixed = false): Tlp | null {
  if (tree.kind === 'scalar' && typeof tree.value === 'string') {
    const text = tree.value.toLowerCase()
    const bare = prefixed ? text.replace(/^tlp:/, '') : text
    const level = bare === 'white' ? 'clear' : bare
    if (isTlp(level)) return level
  }
  report.expected(tree, what, prefixed ? `tlp: and one of ${LEVELS}` : `one of ${LEVELS}`)
  return null
}

const DAY = /^\d{4}-\d\d-\d\d$/
const MOMENT = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d(?:\.\d{1,9})?)(?:[Zz]|([+-])(\d\d):(\d\d))$/

/** A date (its midnight in UTC) or an RFC 3339 time, in microseconds; null when it is neither. */
export function readDate(text: string): Micros | null {
  if (DAY.test(text)) return parseMicros(`${text}T00:00:00Z`)
  const m = MOMENT.exec(text)
  const local = m ? parseMicros(`${m[1]}T${m[2]}Z`) : null
  if (!m || local === null) return null
  const [hours, minutes] = [Number(m[4] ?? 0), Number(m[5] ?? 0)]
  if (hours > 23 || minutes > 59) return null
  const offset = BigInt((hours * 60 + minutes) * 60) * 1_000_000n
  return m[3] === '-' ? local + offset : local - offset
}

/** A mapping read key by key; `at` is the line to blame for what is missing. */
export class Fields {
  readonly report: Report
  readonly what: string
  readonly at: number
  readonly #entries = new Map<string, { line: number; value: Tree }>()
  readonly #readable: boolean

  /** Reports keys that are not known, with the nearest known one. */
  constructor(report: Report, tree: Tree, what: string, known: readonly string[]) {
    this.report = report
    this.what = what
    this.at = tree.line
    this.#readable = tree.kind === 'mapping'
    if (tree.kind !== 'mapping') {
      report.expected(tree, what, `a mapping with ${known.join(', ')}`)
      return
    }
    for (const [key, entry] of tree.entries) {
      if (known.includes(key)) this.#entries.set(key, entry)
      else {
        const hint = didYouMean(key, known) || `: expected one of ${known.join(', ')}`
        report.problem(entry.line, `${what}: unknown key "${key}"${hint}`)
      }
    }
  }

  /** The value of a key; one that is there without a value counts as left out, and says so. */
  get(key: string): Tree | null {
    const entry = this.#entries.get(key)
    if (!entry) return null
    if (entry.value.kind === 'scalar' && entry.value.value === null) {
      this.report.warning(entry.line, `${this.what}: ${key} is empty and read as left out`)
      this.#entries.delete(key)
      return null
    }
    return entry.value
  }

  line(key: string): number {
    return this.#entries.get(key)?.value.line ?? this.at
  }

  /** A key that must be there. */
  need(key: string): Tree | null {
    const tree = this.get(key)
    // A node that is no mapping has been reported as a whole.
    if (!tree && this.#readable) this.report.problem(this.at, `${this.what}: ${key} is missing`)
    return tree
  }

  text(key: string, options?: TextOptions): string | null {
    const tree = this.get(key)
    return tree && readText(this.report, tree, `${this.what}: ${key}`, options)
  }

  /** A string that must be there; '' after a problem. */
  needText(key: string, options?: TextOptions): string {
    const tree = this.need(key)
    return (tree && readText(this.report, tree, `${this.what}: ${key}`, options)) ?? ''
  }

  level(key: string, prefixed = false): Tlp | null {
    const tree = this.get(key)
    return tree && readLevel(this.report, tree, `${this.what}: ${key}`, prefixed)
  }

  flag(key: string, fallback: boolean): boolean {
    const tree = this.get(key)
    if (!tree) return fallback
    if (tree.kind === 'scalar' && typeof tree.value === 'boolean') return tree.value
    this.report.expected(tree, `${this.what}: ${key}`, 'true or false')
    return fallback
  }

  choice<T extends string>(key: string, values: readonly T[], fallback: T): T {
    const tree = this.get(key)
    return (tree && readChoice(this.report, tree, `${this.what}: ${key}`, values)) ?? fallback
  }

  date(key: string): Micros | null {
    const tree = this.get(key)
    if (!tree) return null
    const at = tree.kind === 'scalar' && typeof tree.value === 'string' ? readDate(tree.value) : null
    if (at === null) {
      this.report.expected(
        tree,
        `${this.what}: ${key}`,
        'a date (2027-01-01) or a time (2027-01-01T00:00:00Z)',
      )
    }
    return at
  }

  /** Items of a list, or null when the key is left out. */
  list(key: string): Tree[] | null {
    const tree = this.get(key)
    if (!tree) return null
    if (tree.kind === 'list') return tree.items
    this.report.expected(tree, `${this.what}: ${key}`, 'a list')
    return []
  }

  /** A list of strings, each once, with the line of each. */
  texts(key: string): { text: string; line: number }[] | null {
    const items = this.list(key)
    if (!items) return null
    const seen = new Set<string>()
    const kept: { text: string; line: number }[] = []
    for (const item of items) {
      const text = readText(this.report, item, `${this.what}: ${key}`)
      if (text === null) continue
      if (seen.has(text)) this.report.warning(item.line, `${this.what}: ${key} names ${text} twice`)
      else kept.push({ text, line: item.line })
      seen.add(text)
    }
    return kept
  }
}

/** One of a few words. */
export function readChoice<T extends string>(
  report: Report,
  tree: Tree,
  what: string,
  values: readonly T[],
): T | null {
  if (tree.kind === 'scalar') {
    const match = values.find((v) => v === tree.value)
    if (match !== undefined) return match
  }
  const hint = tree.kind === 'scalar' ? didYouMean(tree.source, values) : ''
  report.expected(tree, what, `one of ${values.join(', ')}`)
  const last = report.problems.at(-1)
  if (last) last.message += hint
  return null
}
