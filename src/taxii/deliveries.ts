/**
 * Writes down what is about to be delivered (policy.md §13): a page while it is read, by the same statement; a page that
 * was read before or elsewhere by one that answers share which are ready at the same time.
 */
import { randomUUID } from 'node:crypto'
import { AppError } from '../errors.ts'
import { bitString, lastBit, originOf, type Rules } from '../policy/compile.ts'
import type { Caller } from '../policy/model.ts'
import { type NewDelivery, noteRules, type Part, recordDeliveries } from '../store/deliveries.ts'
import type { PageRecord } from '../store/page-places.ts'
import type { Page } from '../store/read-items.ts'
import { stretchOf } from '../store/runs.ts'
import { StaleWorld } from '../store/session.ts'
import type { Exchange } from './exchange.ts'
import type { Share } from './shares.ts'

/** A page that is about to leave. */
export interface Outgoing {
  collection: number
  /** Of the world in which the reader's scope was computed. */
  epoch: bigint
  shares: readonly Share[]
  /** The collection's `rewritten` as the page was read. */
  rewritten: string
  /** One object was asked for. */
  single: boolean
}

/**
 * When it is delivered. Single objects are told to a tenth of a second: whoever asks for thousands of them makes ten
 * pages a second in the ledger, whichever they are.
 */
function timeOf(exchange: Exchange, single: boolean): bigint {
  const now = exchange.clock.now()
  return single ? now - (now % TENTH) : now
}

/** The rules of one reader that are in the database for the pages that it reads; used for an hour. */
interface Book {
  id: string
  hour: number
  rules: Rules
  noted: Set<number>
  bits: { bits: string; size: number }
}

const HOUR = 3_600_000_000n
/** Microseconds. */
export const TENTH = 100_000n
const books = new WeakMap<object, Book>()

function bookOf(exchange: Exchange, caller: Caller): Book {
  const rules = exchange.rules(caller)
  const hour = Number(exchange.clock.now() / HOUR)
  const found = books.get(rules.era)
  if (found?.hour === hour) return found
  const book = { id: randomUUID(), hour, rules, noted: new Set<number>(), bits: bitsOf(new Set()) }
  books.set(rules.era, book)
  return book
}

function bitsOf(noted: ReadonlySet<number>): Book['bits'] {
  const most = Math.max(0, ...noted)
  return { bits: bitString(noted, most), size: lastBit(most) }
}

/** A page that the statement which reads it writes down. */
export interface Written {
  record: PageRecord
  /**
   * Notes what the page's rules are, the first time. The answer may leave when this has returned.
   * @throws unavailable when they cannot be noted
   */
  settle(page: Page): Promise<void>
}

/** For a page that is read from a database that can write, to be sent whatever it holds. */
export function writtenAsRead(exchange: Exchange, caller: Caller, single: boolean): Written {
  const book = bookOf(exchange, caller)
  return {
    record: {
      at: timeOf(exchange, single),
      organization: organizationOf(caller),
      token: caller.token?.id ?? null,
      book: book.id,
      noted: book.bits,
    },
    async settle({ delivery, unnoted }) {
      const fresh = [...unnoted].filter((audience) => !book.noted.has(audience))
      if (delivery === null || fresh.length === 0) return
      const { organizations } = exchange.world.topology
      const rules = fresh.map((audience) => ({
        audience,
        country: organizations.get(originOf(exchange.audience(audience)))?.country ?? 'ZZ',
        rule: book.rules.of(audience),
        each: book.rules.each(audience),
      }))
      let noted = false
      try {
        noted = await noteRules(exchange.pages, delivery, book.id, book.hour, rules)
      } catch (cause) {
        throw unwritten(cause)
      }
      if (!noted) throw unwritten(new Error('the delivery was sealed while this node was silent'))
      for (const audience of fresh) book.noted.add(audience)
      book.bits = bitsOf(book.noted)
    },
  }
}

const organizationOf = ({ subject, guest }: Caller): string => (subject ?? guest)?.organization.id ?? ''

/** Whatever it is, the answer is not sent. */
function unwritten(cause: unknown): AppError {
  return new AppError('unavailable', { cause, headers: { 'retry-after': '2' } })
}

interface Waiting {
  delivery: NewDelivery
  single: boolean
  resolve: (kept: boolean) => void
  reject: (error: unknown) => void
}

const MOST = 100
const queues = new WeakMap<Exchange, { waiting: Waiting[]; running: boolean }>()

/**
 * Writes a page down. The answer may leave when this has returned.
 * @throws unavailable when it cannot be written: no delivery without a record
 */
export async function deliver(exchange: Exchange, caller: Caller, page: Outgoing): Promise<void> {
  if (exchange.config.ledger && page.shares.length > 0) await record(exchange, caller, page, false)
}

/**
 * Confirms a page that was kept in memory, and writes it down in the same statement.
 * @returns false when it is not what the database holds any more
 * @throws StaleWorld when the topology has changed since the reader's scope was computed
 */
export async function confirmAndDeliver(
  exchange: Exchange,
  caller: Caller,
  page: Outgoing,
): Promise<boolean> {
  const written = exchange.config.ledger && page.shares.length > 0
  if (written && (await record(exchange, caller, page, true))) return true
  await exchange.refresh()
  if (exchange.world.epoch !== page.epoch) throw new StaleWorld()
  return !written && page.rewritten === exchange.world.rewritten[page.collection]
}

/** Of pages that are kept, what the last reader's rules made of them. */
const lastParts = new WeakMap<readonly Share[], { era: object; parts: readonly Part[] }>()

/** Made once of a page that is sent again under the same rules. */
function partsOf(rules: Rules, shares: readonly Share[]): readonly Part[] {
  const known = lastParts.get(shares)
  if (known?.era === rules.era) return known.parts
  const parts = shares.map((share) => {
    const each = rules.each(share.audience)
    const rule = rules.of(share.audience)
    return { ...share, rule, ...(each ? { each } : { marks_rule: rule }) }
  })
  lastParts.set(shares, { era: rules.era, parts })
  return parts
}

async function record(
  exchange: Exchange,
  caller: Caller,
  { collection, epoch, shares, rewritten, single }: Outgoing,
  confirm: boolean,
): Promise<boolean> {
  const rules = exchange.rules(caller)
  const delivery: NewDelivery = {
    at: '',
    principal: caller.id,
    reader: organizationOf(caller),
    token: caller.token?.id ?? null,
    collection,
    epoch: String(epoch),
    revision: rewritten,
    confirm,
    parts: partsOf(rules, shares),
  }
  let queue = queues.get(exchange)
  if (!queue) {
    queue = { waiting: [], running: false }
    queues.set(exchange, queue)
  }
  const { waiting } = queue
  return await new Promise((resolve, reject) => {
    waiting.push({ delivery, single, resolve, reject })
    if (!queue.running) void drain(exchange, queue)
  })
}

async function drain(exchange: Exchange, queue: { waiting: Waiting[]; running: boolean }): Promise<void> {
  queue.running = true
  while (queue.waiting.length > 0) {
    const group = queue.waiting.splice(0, MOST)
    try {
      // The moment at which they are written down, for all of them: that of one says nothing of what it is put together with.
      const [at, coarse] = [false, true].map((single) => String(timeOf(exchange, single))) as [string, string]
      const timed = group.map(({ delivery, single }) => ({ ...delivery, at: single ? coarse : at }))
      const { list, places } = gather(timed)
      // On a connection that has just read a page.
      const kept = await recordDeliveries(exchange.pages, list)
      group.forEach((w, i) => {
        w.resolve(kept[places[i] as number] === true)
      })
    } catch (cause) {
      for (const w of group) w.reject(unwritten(cause))
    }
  }
  queue.running = false
}

/**
 * Different single objects that one credential gets at the same moment are one delivery.
 * @returns what to write down, and for each of `all` its place there
 */
export function gather(all: readonly NewDelivery[]): { list: NewDelivery[]; places: number[] } {
  const list: NewDelivery[] = []
  const groups: { place: number; parts: Map<string, [Part, Set<string>]> }[] = []
  const open = new Map<string, (typeof groups)[number]>()
  const places = all.map((delivery) => {
    const { parts, ...who } = delivery
    const [part] = parts
    if (parts.length !== 1 || part?.count !== 1) return list.push(delivery) - 1
    const key = JSON.stringify(who)
    const same = `${part.audience} ${part.rule}`
    let group = open.get(key)
    // Twice the same is two deliveries.
    if (!group || group.parts.get(same)?.[1].has(part.first)) {
      group = { place: list.push(delivery) - 1, parts: new Map() }
      groups.push(group)
      open.set(key, group)
    }
    const known = group.parts.get(same)
    if (known) known[1].add(part.first)
    else group.parts.set(same, [part, new Set([part.first])])
    return group.place
  })
  for (const { place, parts } of groups) {
    list[place] = { ...(list[place] as NewDelivery), parts: [...parts.values()].map(joined) }
  }
  return { list, places }
}

function joined([part, firsts]: [Part, Set<string>]): Part {
  if (firsts.size === 1) return part
  return { ...part, ...stretchOf([...firsts].map(Number).sort((a, b) => a - b)) }
}
