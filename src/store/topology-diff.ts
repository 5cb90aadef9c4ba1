/** Compares declared with stored rows and writes the difference, naming each change. */
import type { Micros } from '../time.ts'
import type { Sql } from './sql.ts'

export interface Change {
  action: 'add' | 'change' | 'remove'
  kind: string
  name: string
  /** Such as `clearance: amber -> red`. */
  detail?: string
}

/** One apply: statements run in its transaction, changes are collected in the order in which they happen. */
export interface Run {
  rows<T>(statement: Sql): Promise<T[]>
  changes: Change[]
  prune: boolean
  now: Micros
  /** What the operator should know and that is no change. */
  note(sentence: string): void
}

/** The file's word for a property of the model, where it is not just its snake_case. */
const WORDS: Record<string, string> = {
  isDefault: 'default',
  refs: 'references',
  source: 'from',
  target: 'to',
}

function word(property: string): string {
  return WORDS[property] ?? property.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)
}

function show(value: unknown): string {
  if (value === null || value === undefined) return 'none'
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`
  if (typeof value === 'object') return JSON.stringify(value)
  const text = String(value)
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

/** Lists here are sets: their order says nothing. */
function normal(value: unknown): string {
  if (Array.isArray(value)) return JSON.stringify(value.map(normal).sort())
  if (typeof value === 'bigint') return value.toString()
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
    return JSON.stringify(entries.map(([k, v]) => [k, normal(v)]))
  }
  return JSON.stringify(value ?? null)
}

/** Differences between two rows in words; '' when they say the same. */
export function differences(before: object, after: object): string {
  const found: string[] = []
  const old = before as Record<string, unknown>
  for (const [property, value] of Object.entries(after)) {
    const was = old[property] ?? null
    if (normal(was) === normal(value)) continue
    if (Array.isArray(was) && Array.isArray(value)) {
      const [had, has] = [new Map(was.map((v) => [normal(v), v])), new Map(value.map((v) => [normal(v), v]))]
      const plus = [...has].filter(([k]) => !had.has(k)).map(([, v]) => `+${show(v)}`)
      const minus = [...had].filter(([k]) => !has.has(k)).map(([, v]) => `-${show(v)}`)
      found.push(`${word(property)}: ${[...plus, ...minus].join(' ')}`)
    } else found.push(`${word(property)}: ${show(was)} -> ${show(value)}`)
  }
  return found.join(', ')
}

export interface Writer<T> {
  name(row: T): string
  /** Inserts the row or brings the stored one to it. */
  put(row: T, stored: T | null): Sql
  /** Says what differs beyond the row itself, or ''. */
  also?(row: T): string
}

/** Adds and changes; what is stored only is not touched. Rows are compared in the properties of the declared one. */
export async function sync<T extends object>(
  run: Run,
  kind: string,
  stored: readonly T[],
  declared: readonly T[],
  writer: Writer<T>,
): Promise<void> {
  const known = new Map(stored.map((row) => [writer.name(row), row]))
  for (const row of declared) {
    const name = writer.name(row)
    const before = known.get(name) ?? null
    const detail = [before ? differences(before, row) : '', writer.also?.(row) ?? '']
      .filter(Boolean)
      .join(', ')
    if (before && detail === '') continue
    await run.rows(writer.put(row, before))
    run.changes.push({ action: before ? 'change' : 'add', kind, name, ...(detail ? { detail } : {}) })
  }
}

/** Stored rows that nothing declares. */
export function gone<T>(stored: readonly T[], declared: readonly T[], name: (row: T) => string): T[] {
  const names = new Set(declared.map(name))
  return stored.filter((row) => !names.has(name(row)))
}

export async function drop(
  run: Run,
  kind: string,
  name: string,
  statement: Sql,
  detail?: string,
): Promise<void> {
  await run.rows(statement)
  run.changes.push({ action: 'remove', kind, name, ...(detail ? { detail } : {}) })
}
