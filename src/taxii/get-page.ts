/** Objects, manifest, object by id and versions: the four paged reads (TAXII 2.1 §5.3, 5.4, 5.6, 5.8). */
import { AppError } from '../errors.ts'
import type { Caller } from '../policy/model.ts'
import { readRarest } from '../store/match.ts'
import { latest, readPage } from '../store/read-items.ts'
import { formatMicros, type Micros } from '../time.ts'
import { type Binding, cursorKeys, openCursor, sealCursor } from './cursor.ts'
import { confirmAndDeliver, deliver } from './deliveries.ts'
import type { Exchange } from './exchange.ts'
import { filterKey, type Parameter, parseFilter } from './filter.ts'
import type { Place } from './operation.ts'
import type { SealedPage } from './sealed-pages.ts'

export type PageKind = 'manifest' | 'objects' | 'object' | 'versions'

/** A 200 of a paged endpoint, ready to be sent. */
export interface PageAnswer {
  body: Buffer
  /** X-TAXII-Date-Added-First and -Last (T-3.2-01). */
  first: string
  last: string
}

const PARAMETERS: Record<PageKind, readonly Parameter[]> = {
  manifest: [
    'added_after',
    'limit',
    'next',
    'match[id]',
    'match[type]',
    'match[version]',
    'match[spec_version]',
  ],
  objects: [
    'added_after',
    'limit',
    'next',
    'match[id]',
    'match[type]',
    'match[version]',
    'match[spec_version]',
  ],
  object: ['added_after', 'limit', 'next', 'match[version]', 'match[spec_version]'],
  versions: ['added_after', 'limit', 'next', 'match[spec_version]'],
}

/**
 * Reads one page.
 * @param query the raw query string
 * @param id the object's id on the endpoints of one object
 * @throws badParameter; notFound when one object was asked for and none of its copies is visible
 */
export async function getPage(
  exchange: Exchange,
  caller: Caller,
  place: Place,
  kind: PageKind,
  query: string,
  id: string | null,
): Promise<PageAnswer> {
  const fields = (kind === 'objects' || kind === 'manifest') && place.collection.matched
  const filter = parseFilter(query, PARAMETERS[kind], fields)
  if (id?.includes('\0')) throw new AppError('notFound')
  if (id !== null) filter.ids = [id]
  if (kind === 'versions') filter.versions = { first: false, last: false, all: true, keys: [] }
  const binding: Binding = [kind, place.collection.seq, caller.id, filterKey(filter)]
  const walk =
    filter.next === null ? null : openCursor(cursorKeys(exchange.world.settings), filter.next, binding)
  const addedAfter = walk ? walk.addedAfter : filter.addedAfter
  const after = latest(walk?.after ?? null, filter.addedAfter)
  const { seq } = place.collection
  const { page: limits } = exchange.config
  const limit = Math.min(filter.limit ?? limits.size, limits.max)
  const reader = exchange.reader(caller)
  if (after !== null && !filter.ids && (await exchange.atEnd(reader, seq, after))) return nothing(after)
  const answer = (page: SealedPage) => {
    const empty = formatMicros(after ?? 0n)
    return {
      body: envelope(page, kind === 'versions' ? 'versions' : 'objects', () =>
        sealCursor(
          cursorKeys(exchange.world.settings)[0] as Buffer,
          { after: page.last ?? 0n, addedAfter },
          binding,
        ),
      ),
      first: page.first === null ? empty : formatMicros(page.first),
      last: page.last === null ? empty : formatMicros(page.last),
    }
  }

  const key = filter.ids
    ? null
    : JSON.stringify([kind, seq, filterKey(filter), `${addedAfter}`, `${after}`, limit, reader.scope])
  const sealed = key === null ? undefined : exchange.sealed.find(key)
  if (key !== null && sealed) {
    const { shares, rewritten } = sealed
    const page = { collection: seq, epoch: reader.mark.epoch, shares, rewritten }
    if (await confirmAndDeliver(exchange, caller, page)) return answer(sealed)
    exchange.sealed.drop(key)
  }
  const from = latest(addedAfter, after)
  const driver =
    filter.matches && !filter.ids ? await readRarest(exchange.pages, reader, seq, filter.matches, from) : null
  const page = await readPage(exchange.pages, reader, {
    ...filter,
    driver,
    kind: kind === 'object' ? 'objects' : kind,
    collection: seq,
    addedAfter,
    after,
    limit,
    narrow: filter.ids === null && exchange.isNarrow(caller, seq, limit),
    bytes: limits.bytes,
    single: id !== null,
    copies: place.collection.redaction === 'redact',
    places: exchange.config.ledger && (kind === 'objects' || kind === 'object'),
  })
  if (page.count === 0 && id !== null && (!page.exists || page.buried)) throw new AppError('notFound')
  const { text, count, first, last, more, rewritten } = page
  const shares = exchange.shares(page)
  await deliver(exchange, caller, { collection: seq, epoch: reader.mark.epoch, shares, rewritten })
  const read = { text: Buffer.from(text), count, first, last, more, rewritten, shares }
  if (key !== null && more) exchange.sealed.keep(key, read)
  return answer(read)
}

function nothing(after: Micros): PageAnswer {
  const at = formatMicros(after)
  return { body: Buffer.from('{}'), first: at, last: at }
}

/** Wraps serialised items; nothing to return is exactly `{}` (T-3.7-02). */
function envelope(page: SealedPage, list: string, next: () => string): Buffer {
  if (page.count === 0) return Buffer.from('{}')
  const more = page.more ? `"more":true,"next":"${next()}",` : ''
  return Buffer.concat([Buffer.from(`{${more}"${list}":[`), page.text, Buffer.from(']}')])
}
