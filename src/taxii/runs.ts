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
  first: bigint
  last: bigint
  /** Hexadecimal: see `encodeRuns`. */
  runs: string
}

const ROW = 12

/**
 * Groups the rows of a page.
 * @param places per row its position (8 bytes) and audience (4 bytes), big-endian, ascending by position
 * @param recordOf the record of an audience
 */
export function sharesOf(
  places: Buffer,
  recordOf: (audience: number) => AudienceRecord,
  { organizations }: Topology,
): Share[] {
  const groups = new Map<number, bigint[]>()
  for (let at = 0; at + ROW <= places.length; at += ROW) {
    const audience = places.readInt32BE(at + 8)
    const position = places.readBigInt64BE(at)
    const group = groups.get(audience)
    if (group) group.push(position)
    else groups.set(audience, [position])
  }
  const shares: Share[] = []
  for (const [audience, positions] of groups) {
    const organization = originOf(recordOf(audience))
    // The standard definitions are nobody's.
    if (organization === '') continue
    shares.push({
      organization,
      country: organizations.get(organization)?.country ?? 'ZZ',
      audience,
      count: positions.length,
      first: positions[0] as bigint,
      last: positions.at(-1) as bigint,
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
export function encodeRuns(positions: readonly bigint[]): Buffer {
  const bytes: number[] = []
  for (let i = 0; i < positions.length; ) {
    if (i > 0) put(bytes, (positions[i] as bigint) - (positions[i - 1] as bigint) - 1n)
    const step = i + 1 < positions.length ? (positions[i + 1] as bigint) - (positions[i] as bigint) : 1n
    let end = i + 1
    while (end < positions.length && (positions[end] as bigint) - (positions[end - 1] as bigint) === step)
      end++
    // Two far apart are shorter one by one.
    if (step > 1n && end - i < 3) end = i + 1
    const count = BigInt(end - i) << 1n
    if (step > 1n && end - i > 1) {
      put(bytes, count | 1n)
      put(bytes, step)
    } else put(bytes, count)
    i = end
  }
  return Buffer.from(bytes)
}

function put(bytes: number[], value: bigint): void {
  let rest = value
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  bytes.push(Number(rest))
}
