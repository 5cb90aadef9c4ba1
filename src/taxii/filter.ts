/** URL parameters of TAXII 2.1 §3.4 and §3.5: read strictly, every malformed one a 400 (T-3.4-01). */
import { AppError } from '../errors.ts'
import { timestampKey } from '../stix/index.ts'
import type { ItemFilter, Versions } from '../store/read-items.ts'
import { type Micros, parseMicros } from '../time.ts'
import { MATCH_PARAMETERS, parseMatches } from './match-filter.ts'

export type Parameter =
  | 'added_after'
  | 'limit'
  | 'next'
  | 'match[id]'
  | 'match[type]'
  | 'match[version]'
  | 'match[spec_version]'

export interface Filter extends ItemFilter {
  addedAfter: Micros | null
  limit: number | null
  next: string | null
}

const MAX_LIST = 10_000

/** Splits a raw query string. @throws badParameter on bad percent-encoding */
export function parseQuery(raw: string): [string, string][] {
  if (raw === '') return []
  return raw
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const at = pair.indexOf('=')
      const name = at < 0 ? pair : pair.slice(0, at)
      return [decode(name), decode(at < 0 ? '' : pair.slice(at + 1))]
    })
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    throw new AppError('badParameter', { detail: 'The query has bad percent-encoding.' })
  }
}

/**
 * Reads the parameters that an endpoint knows; others are ignored (T-3.4-21).
 * @param fields the other match fields as well
 * @throws badParameter naming the parameter and what it takes
 */
export function parseFilter(raw: string, known: readonly Parameter[], fields = false): Filter {
  const values = new Map<string, string>()
  for (const [name, value] of parseQuery(raw)) {
    const ours = (known as readonly string[]).includes(name) || (fields && MATCH_PARAMETERS.has(name))
    if (!ours) continue
    if (values.has(name)) bad(name, 'may be given once only')
    values.set(name, value)
  }
  return {
    addedAfter: instant(values.get('added_after')),
    limit: positive(values.get('limit')),
    next: cursor(values.get('next')),
    ids: list(values.get('match[id]'), 'match[id]'),
    types: list(values.get('match[type]'), 'match[type]'),
    specs: specVersions(values.get('match[spec_version]')),
    versions: versions(values.get('match[version]')),
    matches: fields ? parseMatches(values) : null,
  }
}

function bad(name: string, what: string): never {
  throw new AppError('badParameter', { detail: `${name} ${what}.` })
}

function instant(text: string | undefined): Micros | null {
  if (text === undefined) return null
  return (
    parseMicros(text) ??
    bad('added_after', 'takes one RFC 3339 timestamp in UTC, such as 2026-01-31T00:00:00.000000Z')
  )
}

function positive(text: string | undefined): number | null {
  if (text === undefined) return null
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < 1 || !Number.isSafeInteger(value))
    bad('limit', 'takes a whole number from 1 up')
  return value
}

function cursor(text: string | undefined): string | null {
  if (text === undefined) return null
  if (!/^[A-Za-z0-9_-]{1,512}$/.test(text)) bad('next', 'is not a value that this server gave out')
  return text
}

function list(text: string | undefined, name: string): string[] | null {
  if (text === undefined) return null
  const items = text.split(',')
  if (items.some((item) => item === '' || /\s/.test(item))) {
    bad(name, 'takes one value or a list separated by single commas, without blanks')
  }
  if (items.some((item) => item.includes('\0'))) bad(name, 'has a NUL in it')
  if (items.length > MAX_LIST) bad(name, `takes at most ${MAX_LIST} values`)
  return items
}

function specVersions(text: string | undefined): number[] | null {
  const items = list(text, 'match[spec_version]')
  if (items?.some((item) => !/^\d+\.\d+$/.test(item))) {
    bad('match[spec_version]', 'takes versions such as 2.0 or 2.1')
  }
  // Unknown versions match nothing: 0 stands for them.
  return items?.map((item) => (item === '2.1' ? 21 : item === '2.0' ? 20 : 0)) ?? null
}

/** `last`, `first`, `all` or timestamps; a list may mix first, last and timestamps (§3.4.1). */
function versions(text: string | undefined): Versions {
  const items = list(text, 'match[version]')
  if (items === null) return { first: false, last: true, all: false, keys: [] }
  if (items.includes('all') && items.length > 1) bad('match[version]', 'takes "all" alone, not in a list')
  const keys: string[] = []
  for (const item of items) {
    if (item === 'all' || item === 'first' || item === 'last') continue
    keys.push(
      timestampKey(item) ??
        bad('match[version]', 'takes last, first, all or RFC 3339 timestamps in UTC that end with Z'),
    )
  }
  const named = items.filter((item) => item === 'first' || item === 'last')
  if (new Set(named).size < named.length || new Set(keys).size < keys.length) {
    bad('match[version]', 'names a version twice')
  }
  return { first: named.includes('first'), last: named.includes('last'), all: items.includes('all'), keys }
}

/** The match filters in one spelling, for binding a cursor to them. */
export function filterKey(filter: ItemFilter): string {
  const sorted = (list: readonly (string | number)[] | null) => (list === null ? null : [...list].sort())
  const { versions: v } = filter
  return JSON.stringify([
    sorted(filter.ids),
    sorted(filter.types),
    sorted(filter.specs),
    v.first,
    v.last,
    v.all,
    sorted(v.keys),
    ...(filter.matches ?? []).map(({ field, hashes, compare }) => [field, hashes, compare?.key]),
  ])
}
