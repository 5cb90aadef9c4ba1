/** Objects, manifest, object by id and versions: the four paged reads (TAXII 2.1 §5.3, 5.4, 5.6, 5.8). */
import { setImmediate } from 'node:timers/promises'
import { AppError } from '../errors.ts'
import type { Caller } from '../policy/model.ts'
import { readRarest } from '../store/match.ts'
import { type ItemQuery, latest, readPage, type Way } from '../store/read-items.ts'
import type { Reader } from '../store/session.ts'
import { formatMicros } from '../time.ts'
import { type Binding, cursorKeys, openCursor, sealCursor } from './cursor.ts'
import { confirmAndDeliver, deliver, writtenAsRead } from './deliveries.ts'
import type { Exchange } from './exchange.ts'
import { filterKey, type Parameter, parseFilter } from './filter.ts'
import type { Place } from './operation.ts'
import { type PageBody, PageText } from './page-text.ts'
import { readElsewhere } from './read-elsewhere.ts'
import type { SealedPage } from './sealed-pages.ts'
import type { Share } from './shares.ts'
import { digestOf, EVERYTHING, has, tagOf, type Wanted } from './validator.ts'

export type PageKind = 'manifest' | 'objects' | 'object' | 'versions'

/** A 200 of a paged endpoint, ready to be sent. */
export interface PageAnswer {
  body: PageBody
  tag: string
  /** 304: the client has it. */
  unchanged: boolean
  /** X-TAXII-Date-Added-First and -Last (T-3.2-01). */
  first: string
  last: string
}

/** Bodies of objects are written down; what says only that they are there is not (policy.md §13). */
const DELIVERS: Record<PageKind, boolean> = { objects: true, object: true, manifest: false, versions: false }

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

const NONE = new PageText('')
const EMPTY: PageBody = { before: Buffer.from('{}'), text: NONE, after: Buffer.alloc(0) }
const END = Buffer.from(']}')

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
  wanted: Wanted = EVERYTHING,
): Promise<PageAnswer> {
  const fields = (kind === 'objects' || kind === 'manifest') && place.collection.matched
  const filter = parseFilter(query, PARAMETERS[kind], fields)
  if (id?.includes('\0')) throw new AppError('notFound')
  const single = id !== null
  if (single) filter.ids = [id]
  if (kind === 'versions') filter.versions = { first: false, last: false, all: true, keys: [] }
  const { seq } = place.collection
  const binding: Binding = [kind, seq, caller.id, filterKey(filter)]
  const keys = cursorKeys(exchange.world.settings)
  const walk = filter.next === null ? null : openCursor(keys, filter.next, binding)
  const addedAfter = walk ? walk.addedAfter : filter.addedAfter
  const after = latest(walk?.after ?? null, filter.addedAfter)
  const { page: limits } = exchange.config
  const limit = Math.min(filter.limit ?? limits.size, limits.max)
  const reader = exchange.reader(caller)
  const answer = (page: SealedPage | null): PageAnswer => {
    const none = formatMicros(after ?? 0n)
    const first = page?.first ? formatMicros(page.first) : none
    const last = page?.last ? formatMicros(page.last) : none
    const next = () => sealCursor(keys[0] as Buffer, { after: page?.last ?? 0n, addedAfter }, binding)
    const body = envelope(page, kind === 'versions' ? 'versions' : 'objects', next)
    const tag = tagOf(exchange, first, last, body.before, digestOf(exchange, body.text))
    return { body, tag, unchanged: has(wanted, tag), first, last }
  }
  if (after !== null && !filter.ids && (await exchange.atEnd(reader, seq, after))) return answer(null)

  const { epoch } = reader.mark
  // Written out once: of a reader who sees many audiences it is long.
  const walked =
    filter.ids && !single
      ? null
      : JSON.stringify([kind, seq, filterKey(filter), `${addedAfter}`, limit, reader.scope])
  const key = walked && `${after} ${walked}`
  const ask = (after: bigint | null): ItemQuery => ({
    ...filter,
    driver: null,
    kind: kind === 'object' ? 'objects' : kind,
    collection: seq,
    addedAfter,
    after,
    limit,
    way: filter.ids ? 'along' : wayOf(exchange.way(caller, seq, limit), filter.matches !== null),
    bytes: limits.bytes,
    single,
    copies: place.collection.redaction === 'redact',
    places: false,
    record: null,
  })
  // Without a body nothing is delivered, and whether there will be one is known afterwards if the client has a tag.
  const delivers = exchange.config.ledger && DELIVERS[kind]
  const readsAhead = walk !== null && limit >= exchange.large && !filter.ids && !filter.matches
  const goOn = (page: SealedPage, most = exchange.config.readAhead): void => {
    if (!readsAhead || !page.more || most < 1) return
    const read = () => readFull(exchange, reader, { ...ask(page.last), places: delivers })
    exchange.readAhead(`${page.last} ${walked}`, read, (found) => goOn(found, most - 1))
  }
  const known = key === null ? undefined : exchange.sealed.find(key)
  const sealed = known ?? (key !== null && readsAhead ? await exchange.ahead.take(key) : null)
  if (key !== null && sealed) {
    const confirm = (leaves: boolean) => {
      const shares = leaves ? sharesOf(exchange, sealed) : []
      const page = { collection: seq, epoch, shares, rewritten: sealed.rewritten, single }
      return confirmAndDeliver(exchange, caller, page)
    }
    goOn(sealed)
    const found = await again(wanted, confirm, () => answer(sealed))
    if (found && !known) exchange.sealed.keep(key, sealed)
    if (found) return found
    exchange.sealed.drop(key)
  }
  const asked = ask(after)
  if (filter.matches && !filter.ids) {
    asked.driver = await readRarest(exchange.pages, reader, seq, filter.matches, latest(addedAfter, after))
  }
  const kept = delivers && key !== null && exchange.config.cacheBytes > 0
  const leaves = delivers && wanted.body
  const elsewhere = await readElsewhere(exchange, reader, { ...asked, places: leaves || kept })
  const sure = leaves && wanted.tags === null
  const written =
    sure && !elsewhere && (single || limit < exchange.large) ? writtenAsRead(exchange, caller, single) : null
  const later = leaves && !written
  const here = { ...asked, places: later || kept, record: written?.record ?? null }
  const page = elsewhere ?? (await readPage(exchange.pages, reader, here))
  if (page.count === 0 && single && (!page.exists || page.buried)) throw new AppError('notFound')
  const { count, first, last, more, rewritten, places } = page
  await written?.settle(page)
  const shares = later ? exchange.shares(places) : null
  const write = () =>
    deliver(exchange, caller, { collection: seq, epoch, shares: shares ?? [], rewritten, single })
  const make = () => {
    const text = count === 0 ? NONE : new PageText(page.text)
    const whole: SealedPage = { text, count, first, last, more, rewritten, places, shares }
    goOn(whole)
    return { found: answer(whole), whole }
  }
  const [{ found, whole }] = later && sure ? await meanwhile(write(), make) : [make()]
  if (later && !sure && !found.unchanged) await write()
  // A row that comes under an id that has some raises `rewritten`; one of another id lies behind a full page.
  if (key !== null && (more || (single && count > 0))) exchange.sealed.keep(key, whole)
  return found
}

/** A page to be kept until it is asked for; null when it is not full: what comes later may still belong to it. */
async function readFull(exchange: Exchange, reader: Reader, query: ItemQuery): Promise<SealedPage | null> {
  const page = await readPage(exchange.pages, reader, query)
  if (!page.more) return null
  const { count, first, last, more, rewritten, places } = page
  const text = new PageText(page.text)
  // What has to be done for each answer is done before it is asked for.
  digestOf(exchange, text)
  return { text, count, first, last, more, rewritten, places, shares: null }
}

/** Makes something while a statement is under way; ends when both have. */
async function meanwhile<A, T>(statement: Promise<T>, make: () => A): Promise<[A, T]> {
  // Whoever waits for it hears of its failure, below.
  statement.catch(() => {})
  // It leaves before this thread is busy.
  await setImmediate()
  return [make(), await statement]
}

/** The answer of a page that was kept; null when it is not what the database holds any more. */
async function again(
  wanted: Wanted,
  confirm: (leaves: boolean) => Promise<boolean>,
  make: () => PageAnswer,
): Promise<PageAnswer | null> {
  if (wanted.body && wanted.tags === null) {
    const [found, confirmed] = await meanwhile(confirm(true), make)
    return confirmed ? found : null
  }
  const found = make()
  return (await confirm(wanted.body && !found.unchanged)) ? found : null
}

/** A search may have to look at everything that is seen: hidden rows must not lie on its way. */
function wayOf(way: Way, searches: boolean): Way {
  return searches && way === 'along' ? 'merged' : way
}

/** Put together when the page is first sent again: most never are. */
function sharesOf(exchange: Exchange, page: SealedPage): readonly Share[] {
  page.shares ??= exchange.shares(page.places)
  return page.shares
}

/** Wraps serialised items; nothing to return is exactly `{}` (T-3.7-02). */
function envelope(page: SealedPage | null, list: string, next: () => string): PageBody {
  if (!page || page.count === 0) return EMPTY
  const more = page.more ? `"more":true,"next":"${next()}",` : ''
  return { before: Buffer.from(`{${more}"${list}":[`), text: page.text, after: END }
}
