/** The caller's organization's own objects as another reader sees them (policy.md §13). */
import { AppError } from '../errors.ts'
import type { AudienceRecord, Collection, Level, Subject, World } from '../policy/model.ts'
import { type OrganizationReaders, type Party, partyOf, readersWithin } from '../policy/readers.ts'
import { levelOf } from '../policy/words.ts'
import { type Labelling, type OwnItem, readOwnPage } from '../store/own-items.ts'
import type { Reader } from '../store/session.ts'
import type { Exchange } from '../taxii/exchange.ts'
import { findCollection, requireRead } from '../taxii/operation.ts'
import { formatMicros, type Micros } from '../time.ts'
import { type Asker, hidingOf, originOf, recordOf, type Told, toldOf } from './known.ts'
import { PAGE, seal, unseal } from './walk.ts'

export interface ViewRequest {
  root: string
  /** Id or alias. */
  collection: string
  /** A country, an organization or a principal. */
  as: string
  limit?: number
  next?: string
}

export interface ViewItem {
  id: string
  version: string
  date_added: string
  level: Level
  rules: string[]
  /** Organizations of the reader that read it. */
  readers: string[]
}

export interface View {
  items: ViewItem[]
  next?: string
}

/** Statements that one page may take, when later versions hide most of what is read. */

const MOST_READS = 20
const READ_AHEAD = 1000
const NOTHING: Told = new Map()

/** @throws notFound for an unknown collection or reader; forbidden without the right to read the collection */
export async function viewAs(exchange: Exchange, caller: Asker, request: ViewRequest): Promise<View> {
  const place = findCollection(exchange, caller, request.root, request.collection)
  requireRead(place)
  const { world } = exchange
  const { subject } = caller
  const { collection } = place
  const party = partyOf(world.topology, request.as)
  if (!party) throw new AppError('notFound')
  const now = exchange.clock.now()
  const reader = exchange.reader(caller)
  const binding = ['view-as', collection.seq, caller.id, request.as]
  const limit = request.limit ?? PAGE
  let after = unseal(exchange, request.next, binding)?.after ?? null

  const eye = new Eye(world, subject, party, collection, now)
  const wanted = eye.wanted(reader)
  const hiding = hidingOf(exchange, caller, [collection], now)
  const shown: { position: Micros; item: ViewItem }[] = []
  let more = wanted.labels.length > 0
  for (let i = 0; i < MOST_READS && more && shown.length <= limit; i++) {
    const size = i === 0 ? limit + 1 : READ_AHEAD
    const rows = await readOwnPage(exchange.pool, reader, now, hiding, {
      ...wanted,
      collection: collection.seq,
      organization: subject.organization.id,
      after,
      limit: size,
    })
    more = rows.length === size
    after = rows.at(-1)?.position ?? after
    const told = await toldOf(exchange, caller.subject, collection, rows, now)
    for (const row of rows) {
      const item = eye.see(row, told)
      if (item) shown.push({ position: row.position, item })
    }
  }
  const page = shown.slice(0, limit)
  const end = shown.length > limit ? (page.at(-1)?.position ?? null) : more ? after : null
  const items = page.map(({ item }) => item)
  if (end === null) return { items }
  return { items, next: seal(exchange, { after: end, addedAfter: null }, binding) }
}

/** What one party sees of what the caller sees; each set of conditions is decided once. */
class Eye {
  readonly #world: World
  readonly #subject: Subject
  readonly #party: Party
  readonly #collection: Collection
  readonly #now: Micros
  readonly #decided = new Map<string, { readers: OrganizationReaders[]; level: Level } | null>()

  constructor(world: World, subject: Subject, party: Party, collection: Collection, now: Micros) {
    this.#world = world
    this.#subject = subject
    this.#party = party
    this.#collection = collection
    this.#now = now
  }

  /**
   * Audiences of the caller's organization that it sees, and labels that the party may read: both scopes, to be met
   * in one statement. Later versions can only take more away; `see` looks at them.
   */
  wanted(reader: Reader): { audiences: number[]; labels: number[] } {
    const mine = this.#subject.organization.id
    const audiences: number[] = []
    for (const text of reader.scope.slice(1, -1).split(',')) {
      const record = this.#world.audiences[Number(text)]
      if (record && originOf(record) === mine) audiences.push(Number(text))
    }
    const labels: number[] = []
    for (let id = 1; id <= reader.mark.audiences; id++) {
      const record = this.#world.audiences[id]
      if (!record || record.later || originOf(record) !== mine) continue
      if (this.#decide(`${id}`, { label: id, marks: id, said: null, hides: null, later: [] }, NOTHING))
        labels.push(id)
    }
    return { audiences, labels }
  }

  see(row: OwnItem, told: Told): ViewItem | null {
    const plain = row.later.length === 0 && row.marks === row.label && row.hides === null
    const found = this.#decide(
      plain ? `${row.label}` : JSON.stringify([row.label, row.marks, row.said, row.hides, row.later]),
      row,
      told,
    )
    if (!found) return null
    return {
      id: row.id,
      version: row.version,
      date_added: formatMicros(row.position),
      level: found.level,
      rules: [...new Set(found.readers.flatMap((r) => r.rules))].sort(),
      readers: found.readers.map((r) => r.organization.id),
    }
  }

  #decide(key: string, item: Labelling, told: Told) {
    let found = this.#decided.get(key)
    if (found === undefined) {
      found = this.#judge(recordOf(this.#world, this.#subject, this.#collection, item, told, this.#now))
      this.#decided.set(key, found)
    }
    return found
  }

  #judge(record: AudienceRecord | null) {
    if (!record) return null
    const readers = readersWithin(this.#world, this.#party, this.#collection, record, this.#now)
    return readers.length > 0 ? { readers, level: levelOf(record) } : null
  }
}
