/**
 * Ranges as few equalities: a number or a day also belongs to intervals that grow by steps, and a range is a union of
 * intervals. So `-gte` and `-lte` are looked up as values are, and no range is ever walked from end to end.
 */

/** Sixteenths: how many digits to the base 16 a number has, by property. Others than these have no intervals. */
const DIGITS: ReadonlyMap<string, number> = new Map([
  ['confidence', 2],
  ['dst_port', 4],
  ['src_port', 4],
  ['number', 8],
])

/** Names of the intervals that a number, or the key of an instant (timestamp.ts), lies in; its own value is none. */
export function steps(property: string, value: number | string): string[] {
  if (typeof value === 'string')
    return [`^${decadeOf(value)}`, ...DATES.map((end) => `^${value.slice(0, end)}`)]
  const digits = DIGITS.get(property) ?? 0
  if (value < 0 || value >= 16 ** digits) return []
  return Array.from({ length: digits - 1 }, (_, i) => `^${i + 1}:${Math.floor(value / 16 ** (i + 1))}`)
}

/** Ends of year, month and day in the key of an instant. */
const DATES: readonly number[] = [4, 7, 10]

/** Decades that are told apart; the first and the last stand for all beyond them, such as the year 9999. */
const FIRST = 189
const LAST = 220

const decadeOf = (key: string): number => Math.min(Math.max(Number(key.slice(0, 3)), FIRST), LAST)

/** Intervals, and single numbers, that make up what is at least or at most this value. For instants to the day. */
export function intervals(property: string, side: 'gte' | 'lte', value: number | string): string[] {
  if (typeof value === 'string') return days(side, value)
  const digits = DIGITS.get(property) ?? 0
  const most = 16 ** digits - 1
  if (side === 'gte' ? value > most : value < 0) return []
  const at = Math.min(Math.max(value, 0), most)
  // Where the number begins (or ends) an interval, all of that belongs to it.
  const edge = side === 'gte' ? 0 : 15
  let level = 0
  while (level < digits - 1 && Math.floor(at / 16 ** level) % 16 === edge) level++
  const step = (i: number, prefix: number) => (i === 0 ? String(prefix) : `^${i}:${prefix}`)
  const found = [step(level, Math.floor(at / 16 ** level))]
  // Of each digit, the greater (or smaller) ones under the same digits before it.
  for (let i = level; i < digits; i++) {
    const prefix = Math.floor(at / 16 ** i)
    for (const digit of beside(side, prefix % 16, 0, 15)) found.push(step(i, prefix - (prefix % 16) + digit))
  }
  return found
}

/** The whole numbers above, or below, one of them. */
function beside(side: 'gte' | 'lte', at: number, first: number, last: number): number[] {
  const [from, to] = side === 'gte' ? [at + 1, last] : [first, at - 1]
  return Array.from({ length: Math.max(to - from + 1, 0) }, (_, i) => from + i)
}

/** The day itself, then the other days of its month, months of its year, years of its decade, and decades. */
function days(side: 'gte' | 'lte', key: string): string[] {
  const part = (from: number, to: number) => Number(key.slice(from, to))
  const two = (n: number) => String(n).padStart(2, '0')
  const decade = decadeOf(key)
  const decades = beside(side, decade, FIRST, LAST)
  const within =
    decade === FIRST || decade === LAST
      ? [decade]
      : [
          key.slice(0, 10),
          ...beside(side, part(8, 10), 1, 31).map((day) => `${key.slice(0, 8)}${two(day)}`),
          ...beside(side, part(5, 7), 1, 12).map((month) => `${key.slice(0, 5)}${two(month)}`),
          ...beside(side, part(3, 4), 0, 9).map((year) => `${key.slice(0, 3)}${year}`),
        ]
  return [...within, ...decades].map((step) => `^${step}`)
}
