/** Timestamps of STIX (2.1 §2.16) as keys that order instants at full stated precision. */

/** Digits of a fraction that we take: beyond any clock, short enough for an index. */
const MAX_FRACTION = 20

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

function number(text: string, from: number, to: number): number {
  let value = 0
  for (let i = from; i < to; i++) {
    const digit = text.charCodeAt(i) - 48
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value
}

function isDate(year: number, month: number, day: number): boolean {
  if (year < 0 || month < 1 || month > 12 || day < 1) return false
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  return day <= (DAYS[month - 1] ?? 0) + (leap ? 1 : 0)
}

/**
 * `YYYY-MM-DDTHH:MM:SS[.fff]` without trailing zeros of the fraction, or null when the text is no STIX
 * timestamp. Two keys compare as strings exactly as the instants compare, and one instant in two spellings
 * has one key (TAXII T-3.4.1-12). Leap seconds are refused: no clock of ours or of Postgres has them.
 */
export function timestampKey(text: string): string | null {
  const last = text.length - 1
  if (last < 19 || last > 20 + MAX_FRACTION) return null
  if (
    text.charCodeAt(4) !== 45 ||
    text.charCodeAt(7) !== 45 ||
    text.charCodeAt(10) !== 84 ||
    text.charCodeAt(13) !== 58 ||
    text.charCodeAt(16) !== 58 ||
    text.charCodeAt(last) !== 90
  )
    return null
  if (!isDate(number(text, 0, 4), number(text, 5, 7), number(text, 8, 10))) return null
  const hour = number(text, 11, 13)
  const minute = number(text, 14, 16)
  const second = number(text, 17, 19)
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return null
  if (last === 19) return text.slice(0, 19)
  if (text.charCodeAt(19) !== 46 || last === 20) return null
  let end = 20
  for (let i = 20; i < last; i++) {
    const code = text.charCodeAt(i)
    if (code < 48 || code > 57) return null
    if (code !== 48) end = i + 1
  }
  return text.slice(0, end === 20 ? 19 : end)
}

export function isTimestamp(text: unknown): text is string {
  return typeof text === 'string' && timestampKey(text) !== null
}
