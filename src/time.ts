/** Time in microseconds since the Unix epoch (bigint): the only user of Date. */

/** Microseconds since 1970-01-01T00:00:00Z. */
export type Micros = bigint

/** Where "now" comes from; tests pass a fixed one. */
export interface Clock {
  now(): Micros
}

const wallStart = BigInt(Date.now()) * 1000n
const monoStart = process.hrtime.bigint()

/** The machine's clock at microsecond resolution (the monotonic clock, as long as the wall clock agrees). */
export const systemClock: Clock = {
  now() {
    const mono = wallStart + (process.hrtime.bigint() - monoStart) / 1000n
    const wall = BigInt(Date.now()) * 1000n
    const drift = mono - wall
    return drift > -50_000n && drift < 50_000n ? mono : wall
  },
}

/** `YYYY-MM-DDTHH:MM:SS.ffffffZ` (TAXII 2.1 §2, T-2-01) of a time in microseconds. */
export function formatMicros(at: Micros): string {
  const seconds = at >= 0n ? at / 1_000_000n : (at - 999_999n) / 1_000_000n
  const rest = at - seconds * 1_000_000n
  const base = new Date(Number(seconds) * 1000).toISOString().slice(0, 19)
  return `${base}.${rest.toString().padStart(6, '0')}Z`
}

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z$/

/**
 * Reads an RFC 3339 UTC timestamp with 0 to 9 fraction digits into microseconds (digits 7 to 9 are cut, T-3.4-05).
 * @returns null when it is not one: other zone, impossible date, hour 24, leap second.
 */
export function parseMicros(text: string): Micros | null {
  const m = RFC3339.exec(text)
  if (!m) return null
  const [, y, mo, d, h, mi, s, fraction = ''] = m
  const [year, month, day, hour, minute, second] = [y, mo, d, h, mi, s].map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  if (hour > 23 || minute > 59 || second > 59) return null
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  date.setUTCHours(hour, minute, second, 0)
  if (date.getUTCFullYear() !== year || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day)
    return null
  return BigInt(date.getTime()) * 1000n + BigInt(fraction.slice(0, 6).padEnd(6, '0'))
}
