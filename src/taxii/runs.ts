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
    shares.push({
      organization,
      country: organizations.get(organization)?.country ?? 'ZZ',
      audience,
      count: positions.length,
      first: String(positions[0]),
      last: String(positions.at(-1)),
      runs: encodeRuns(positions).toString('hex'),
    })
  }
  return shares
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

function put(bytes: number[], value: number): void {
  let rest = value
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  bytes.push(rest)
}
