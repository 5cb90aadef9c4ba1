/** Where a page's rows lie and under which audiences: told to the ledger, or written down by the reading statement (policy.md §13). */
import { AppError } from '../errors.ts'
import { Runs, type Stretch } from './runs.ts'
import type { Reader } from './session.ts'
import { literal, type Sql, sql } from './sql.ts'

/** What the reading statement writes down beside the page itself (`record_page` in 0009_reads.sql). */
export interface PageRecord {
  at: bigint
  /** The reader's organization. */
  organization: string
  token: string | null
  /** Where the rules of the reader's audiences are noted, and a bit string of those that are. */
  book: string
  noted: { bits: string; size: number }
}

/** How a page is wanted. Both: it will be kept in memory, and is written down when it is read. */
export interface Placing {
  /** Tell where the rows lie. */
  places: boolean
  /** Write the page down while reading it; null on a server that cannot write. */
  record: PageRecord | null
}

/** Absent when not asked for. */
export interface RawPlaces {
  /** Both as `array_send` writes them. */
  positions?: Buffer | null | undefined
  audiences?: Buffer | null | undefined
  /** Or eight bytes for each row: see `packs`. */
  packed?: Buffer | null | undefined
}

/**
 * Position and audience of a row in one number, where the audiences that the reader may see are few enough: half of what
 * two arrays take to be made, sent and read. Positions, microseconds since 1970, have 52 bits until the year 2112.
 */
export const packs = ({ places, record }: Placing, { size }: Pick<Reader, 'size'>): boolean =>
  places && !record && size < AUDIENCES
const BITS = 11
/** Beyond any number of an audience in so many bits; powers are slow. */
const AUDIENCES = 2 ** BITS
/** What is left of 32 bits. */
const HIGH = 2 ** (32 - BITS)

/** What the rows of a page are gathered into, inside; in the order in which the window gives the rows. */
export function gathered(placing: Placing, reader: Pick<Reader, 'size'>): Sql {
  const { places, record } = placing
  if (!places && !record) {
    return sql`min(position) filter (where kept) as first, max(position) filter (where kept) as last`
  }
  if (packs(placing, reader)) {
    return sql`string_agg(int8send(position << ${literal(BITS)} | audience), ''::bytea) filter (where kept) as packed`
  }
  const arrays = sql`array_agg(position) filter (where kept) as positions, array_agg(audience) filter (where kept) as audiences`
  if (!record) return arrays
  const { bits, size } = record.noted
  return sql`${arrays}, bool_and(get_bit(${bits}::bytea, least(audience, ${size}::int)) = 1) filter (where kept) as noted`
}

/** What is made of it outside, where it is written down. Called once: a volatile function is never evaluated twice. */
export function placed(placing: Placing, reader: Reader, collection: number): Sql {
  const { places, record } = placing
  if (!places && !record) return sql`g.first, g.last, null::bigint as delivery`
  if (packs(placing, reader)) return sql`g.packed, null::bigint as delivery`
  const ends = sql`g.positions[1] as first, g.positions[g.count] as last`
  const sent = places ? sql`array_send(g.positions) as positions, ` : sql``
  if (!record) return sql`${ends}, ${sent} array_send(g.audiences) as audiences, null::bigint as delivery`
  const audiences = places
    ? sql`array_send(g.audiences)`
    : sql`case when not g.noted then array_send(g.audiences) end`
  return sql`${ends}, ${sent} ${audiences} as audiences, g.noted, case when g.count > 0 and g.fits then record_page(
      ${record.at}::bigint, ${reader.principal}, ${record.organization}, ${record.token}::uuid, ${collection}::int,
      ${reader.mark.epoch}::bigint, g.rewritten::bigint, ${record.book}::uuid, g.positions, g.audiences) end as delivery`
}

const HEAD = 20
const LENGTH = 4

/** Where the rows of each audience lie, in the order in which they appear. Positions in microseconds are exact as numbers. */
export function unfold({ positions, audiences, packed }: RawPlaces): Map<number, Stretch> {
  const places = new Map<number, Runs>()
  if (packed && packed.length > 0) {
    // By number: a list is faster than a map.
    const known: Runs[] = []
    const rows = new DataView(packed.buffer, packed.byteOffset, packed.byteLength)
    const high = rows.getUint32(0)
    const low = rows.getUint32(4) >>> BITS
    for (let at = 0; at < packed.length; at += ROW) {
      const number = rows.getUint32(at + 4)
      const audience = number % AUDIENCES
      let runs = known[audience]
      if (!runs) {
        runs = new Runs(positionOf(high, low))
        known[audience] = runs
        places.set(audience, runs)
      }
      runs.add(positionOf(rows.getUint32(at) - high, (number >>> BITS) - low))
    }
  } else if (positions && audiences) {
    for (let at = HEAD + LENGTH, place = HEAD + LENGTH; at < audiences.length; at += 8, place += 12) {
      const audience = audiences.readInt32BE(at)
      const runs = places.get(audience) ?? new Runs()
      places.set(audience, runs)
      runs.add(positions.readInt32BE(place) * 4_294_967_296 + positions.readUInt32BE(place + 4))
    }
  }
  return new Map([...places].map(([audience, runs]) => [audience, runs.end()]))
}

const ROW = 8

/** Exact: 52 bits. */
const positionOf = (high: number, low: number) => high * HIGH + low

const positionAt = (packed: Buffer, at: number) =>
  positionOf(packed.readUInt32BE(at), packed.readUInt32BE(at + 4) >>> BITS)

/** The first and the last position of a page; null where they were sent by themselves. */
export function endsOf({ packed }: RawPlaces): { first: bigint; last: bigint } | null {
  if (!packed || packed.length === 0) return null
  return {
    first: BigInt(positionAt(packed, 0)),
    last: BigInt(positionAt(packed, packed.length - ROW)),
  }
}

/** The different audiences of an array. */
export function distinct(audiences: Buffer | null | undefined): Set<number> {
  const found = new Set<number>()
  if (!audiences) return found
  for (let at = HEAD + LENGTH; at < audiences.length; at += 8) found.add(audiences.readInt32BE(at))
  return found
}

/** The statement failed because the page could not be written down: no delivery without a record, try again later. */
export function refuseUnwritten(error: unknown): unknown {
  const cause = error instanceof AppError ? (error.cause as { where?: string } | undefined) : undefined
  if (!cause?.where?.includes('record_page')) return error
  return new AppError('unavailable', { cause, headers: { 'retry-after': '2' } })
}
