/** The exact forms of constants (STIX 2.1 §9.2): timestamps, base64, hex digits, numbers in range. */

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** What stands at each place of a timestamp: `d` a digit, anything else itself. */
const FORM = 'dddd-dd-ddTdd:dd:dd'

function two(text: string, at: number): number {
  return (text.charCodeAt(at) - 48) * 10 + text.charCodeAt(at + 1) - 48
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}

/**
 * A key by which timestamps compare as strings exactly as their instants do, or null when the text is none
 * (§2.16). Any number of fraction digits; second 60 only as 23:59:60 on the last day of a month.
 */
export function instantKey(text: string): string | null {
  const last = text.length - 1
  if (last < 19 || text.charCodeAt(last) !== 90) return null
  for (let i = 0; i < 19; i++) {
    const form = FORM.charCodeAt(i)
    const code = text.charCodeAt(i)
    if (form === 100 ? !isDigit(code) : code !== form) return null
  }
  const year = two(text, 0) * 100 + two(text, 2)
  const month = two(text, 5)
  const day = two(text, 8)
  if (month < 1 || month > 12) return null
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  const days = (DAYS[month - 1] ?? 0) + (leap ? 1 : 0)
  if (day < 1 || day > days) return null
  const hour = two(text, 11)
  const minute = two(text, 14)
  const second = two(text, 17)
  if (hour > 23 || minute > 59 || second > 60) return null
  if (second === 60 && (hour !== 23 || minute !== 59 || day !== days)) return null
  if (last === 19) return text.slice(0, 19)
  if (text.charCodeAt(19) !== 46 || last === 20) return null
  let end = 19
  for (let i = 20; i < last; i++) {
    const code = text.charCodeAt(i)
    if (!isDigit(code)) return null
    if (code !== 48) end = i + 1
  }
  return text.slice(0, end)
}

function isBase64Digit(code: number): boolean {
  return (
    (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || isDigit(code) || code === 43 || code === 47
  )
}

/** Padded base64 (RFC 4648 §4) without its line feeds, or null when the text is none; at least one octet. */
export function base64Text(text: string): string | null {
  const clean = text.includes('\n') ? text.replaceAll('\n', '') : text
  if (clean === '' || clean.length % 4 !== 0) return null
  const padding = clean.endsWith('==') ? 2 : clean.endsWith('=') ? 1 : 0
  for (let i = 0; i < clean.length - padding; i++) if (!isBase64Digit(clean.charCodeAt(i))) return null
  return clean
}

export function isHexDigit(code: number): boolean {
  return isDigit(code) || (code >= 97 && code <= 102) || (code >= 65 && code <= 70)
}

/** Are there hex digits and nothing else? An empty text has none that are wrong. */
export function isHex(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (!isHexDigit(text.charCodeAt(i))) return false
  return true
}

/** May the integer, as it is spelled, be stated in STIX (§2.10: ±(2^53-1))? */
export function isIntegerInRange(text: string): boolean {
  return text.length < 16 || Number.isSafeInteger(Number(text))
}

/** Is the number, an unsigned one of the grammar, greater than zero? Judged on the digits: no underflow. */
export function isPositive(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 49 && code <= 57) return true
  }
  return false
}
