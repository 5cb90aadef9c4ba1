/** Positions as runs: how a page's rows are written down in the ledger, grouped by originator and audience. */
import { originOf } from '../policy/compile.ts'
import type { AudienceRecord, Topology } from '../policy/model.ts'

/** What one page holds of one organization under one audience. */
export interface Share {
  organization: string
  /** The organization's country. */
  country: string
  audience: number
  count: number
  /** In decimal. */
  first: string
  last: string
  /** Hexadecimal: see `encodeRuns`. */
  runs: string
}

/**
 * What the ledger says of a page.
 * @param places positions by audience, ascending
 * @param recordOf the record of an audience
 */
export function sharesOf(
  places: ReadonlyMap<number, readonly number[]>,
  recordOf: (audience: number) => AudienceRecord,
  { organizations }: Topology,
): Share[] {
  const shares: Share[] = []
  for (const [audience, positions] of places) {
    const organization = originOf(recordOf(audience))
    // The standard definitions are nobody's.
    if (organization === '') continue
    const country = organizations.get(organization)?.country ?? 'ZZ'
    shares.push({ organization, country, audience, ...stretchOf(positions) })
  }
  return shares
}

/** Positions as an entry holds them. @param positions ascending, at least one */
export function stretchOf(positions: readonly number[]) {
  return {
    count: positions.length,
    first: String(positions[0]),
    last: String(positions.at(-1)),
    runs: encodeRuns(positions).toString('hex'),
  }
}

/**
 * Runs of positions and the gaps between them, in turn, from the first position on, each number as LEB128 (seven bits a
 * byte, the lowest first). A run is twice its count, plus 1 and followed by the step when its positions are more than 1
 * apart. Objects of one envelope lie side by side, and levels that alternate make steps: either is a few bytes.
 * @param positions ascending, at least one
 */
export function encodeRuns(positions: readonly number[]): Buffer {
  const bytes: number[] = []
  const between = (i: number) => (positions[i] as number) - (positions[i - 1] as number)
  for (let i = 0; i < positions.length; ) {
    if (i > 0) put(bytes, between(i) - 1)
    const step = i + 1 < positions.length ? between(i + 1) : 1
    let end = i + 1
    while (end < positions.length && between(end) === step) end++
    // Two far apart are shorter one by one.
    if (step > 1 && end - i < 3) end = i + 1
    const count = end - i
    if (step > 1 && count > 1) {
      put(bytes, count * 2 + 1)
      put(bytes, step)
    } else put(bytes, count * 2)
    i = end
  }
  return Buffer.from(bytes)
}

/** A number as entries hold it. */
export function leb128(value: number): Buffer {
  const bytes: number[] = []
  put(bytes, value)
  return Buffer.from(bytes)
}

function put(bytes: number[], value: number): void {
  let rest = value
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  bytes.push(rest)
}

/** The positions that `encodeRuns` was given. */
export function decodeRuns(first: number, runs: Buffer): number[] {
  const positions: number[] = []
  let at = 0
  const take = () => {
    let value = 0
    for (let unit = 1; ; unit *= 128) {
      const byte = runs[at++] ?? 0
      value += (byte & 127) * unit
      if (byte < 128) return value
    }
  }
  for (let next = first; at < runs.length; ) {
    const head = take()
    const step = head % 2 === 1 ? take() : 1
    for (let i = 0; i < Math.floor(head / 2); i++) positions.push(next + i * step)
    next = (positions.at(-1) as number) + 1
    if (at < runs.length) next += take()
  }
  return positions
}
