/** Timestamps as STIX 2.1 §2.16 has them: any precision, leap seconds where they can be; without allocation. */

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

function two(text: string, at: number): number {
  const high = text.charCodeAt(at) - 48
  const low = text.charCodeAt(at + 1) - 48
  return high >= 0 && high <= 9 && low >= 0 && low <= 9 ? high * 10 + low : -1
}

/** Digits of the fraction of a valid timestamp, or -1 when the text is none. */
export function fractionDigits(text: string): number {
  const last = text.length - 1
  if (
    last < 19 ||
    text.charCodeAt(4) !== 45 ||
    text.charCodeAt(7) !== 45 ||
    text.charCodeAt(10) !== 84 ||
    text.charCodeAt(13) !== 58 ||
    text.charCodeAt(16) !== 58 ||
    text.charCodeAt(last) !== 90
  ) {
    return -1
  }
  const century = two(text, 0)
  const years = two(text, 2)
  const month = two(text, 5)
  const day = two(text, 8)
  const hour = two(text, 11)
  const minute = two(text, 14)
  const second = two(text, 17)
  if (century < 0 || years < 0 || month < 1 || month > 12 || day < 1) return -1
  const year = century * 100 + years
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  const days = (DAYS[month - 1] as number) + (leap ? 1 : 0)
  if (day > days || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0) return -1
  if (second > 59 && !(second === 60 && hour === 23 && minute === 59 && day === days)) return -1
  if (last === 19) return 0
  if (text.charCodeAt(19) !== 46 || last === 20) return -1
  for (let i = 20; i < last; i++) {
    const code = text.charCodeAt(i)
    if (code < 48 || code > 57) return -1
  }
  return last - 20
}

/** Longest text of which it is said in what it differs from a timestamp. */
const LONGEST_NEAR_MISS = 60

const OFFSET = /[+-][0-9]{2}:?[0-9]{2}$/

/** What is said of a text that is no timestamp, after the name of its place; `%` stands for the text. */
export function timestampProblem(text: string): string {
  const fits = (other: string): boolean => fractionDigits(other) >= 0
  if (text.length <= LONGEST_NEAR_MISS) {
    if (fits(`${text}Z`) || fits(text.replace(OFFSET, 'Z'))) {
      return 'must be a timestamp in UTC, which ends with Z, such as 2026-01-31T09:30:00.000Z, not %'
    }
    const day = text.slice(4, 10)
    if (/^-[0-9]{2}-[0-9]{2}$/.test(day) && fits(`${text.slice(0, 4)}-01-01${text.slice(10)}`)) {
      return 'is no timestamp, as there is no such day: %'
    }
    const time = text.slice(11, 19)
    if (/^[0-9]{2}:[0-9]{2}:[0-9]{2}$/.test(time) && fits(`${text.slice(0, 11)}00:00:00${text.slice(19)}`)) {
      return 'is no timestamp, as there is no such time of day: %'
    }
  }
  return 'must be a timestamp such as 2026-01-31T09:30:00.000Z, not %'
}

function fraction(text: string): string {
  if (text.length === 20) return ''
  let end = text.length - 1
  while (end > 20 && text.charCodeAt(end - 1) === 48) end--
  return text.slice(20, end)
}

/** One text for each instant, in whatever precision a valid timestamp spells it. */
export function instantKey(text: string): string {
  return text.slice(0, 19) + fraction(text)
}

/** Order of two valid timestamps as instants, at full precision: negative, zero or positive. */
export function compareInstants(a: string, b: string): number {
  if (a === b) return 0
  const first = a.slice(0, 19)
  const second = b.slice(0, 19)
  if (first !== second) return first < second ? -1 : 1
  const x = fraction(a)
  const y = fraction(b)
  return x === y ? 0 : x < y ? -1 : 1
}
