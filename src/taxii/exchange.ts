/** What every operation gets: database, settings, clock, and the world as this node knows it. */
import type { Config } from '../config.ts'
import { spelled } from '../policy/closure.ts'
import { type Rules, Scopes } from '../policy/compile.ts'
import { losers } from '../policy/losers.ts'
import type { AudienceRecord, Caller, Principal, Subject, World } from '../policy/model.ts'
import type { Pool } from '../store/pool.ts'
import type { Way } from '../store/read-items.ts'
import type { Replica } from '../store/replica.ts'
import type { Stretch } from '../store/runs.ts'
import { type Reader, StaleWorld } from '../store/session.ts'
import { readAudiences, readBreadth, readPulse, readVisibleHead, readWorld } from '../store/world.ts'
import { internAudience } from '../store/write-items.ts'
import type { Clock, Micros } from '../time.ts'
import { Coalesced } from './coalesced.ts'
import { ReadAhead } from './read-ahead.ts'
import { type SealedPage, SealedPages } from './sealed-pages.ts'
import { type Share, sharesOf } from './shares.ts'

/** Cost of a row that is fetched to be merged, and of one more stream, against a row looked at along the log. */
const MERGE_COST = 2
const STREAM_COST = 20
/** Numbers of audiences that are walked side by side: each is a plan of its own. */
const SIDE_BY_SIDE = [1, 2, 3, 4, 6, 8, 12, 16]

/** Audiences of which a node learns the ids when it looks for one. */
const MOST_SPELLED = 10_000

/** Counters that http exposes; no labels of the policy in them. */
export interface Observer {
  ingested(success: number, failure: number): void
  credential(outcome: 'remembered' | 'verified' | 'refused' | 'throttled'): void
}

export interface ExchangeOptions {
  pool: Pool
  /** For pages of the log (`plans: 'ordered'`). */
  pages: Pool
  /** Pages that it has replayed enough for are read there. */
  replica?: Replica | null
  config: Config
  clock: Clock
  observer: Observer
}

/** One node's view of the exchange. */
export class Exchange {
  readonly pool: Pool
  readonly pages: Pool
  readonly replica: Replica | null
  readonly config: Config
  readonly clock: Clock
  readonly observer: Observer
  #world: World | null = null
  #scopes: Scopes | null = null
  #timeline: string | null = null
  readonly #loads = new Coalesced(() => this.#load())
  readonly #ends = new Map<
    string,
    { read: Coalesced<Awaited<ReturnType<typeof readVisibleHead>>>; beyond: bigint | false }
  >()
  #breadth = new Map<number, Map<number, number>>()
  /**
   * From so many rows on a page is read ahead for who follows `next`, and one that is read when it is asked for is written
   * down by a statement of its own while this process puts it together: that takes as long. A smaller one is written down
   * by the statement that reads it.
   */
  large = 500
  /** Writes that meet nothing take the short way; false: all take the long one, which comes to the same. */
  short = true
  readonly sealed: SealedPages
  readonly ahead = new ReadAhead()
  readonly #interned = new Map<string, number>()
  /** Up to which audience `#interned` has them. */
  #spelled = 0
  readonly #records = new Map<number, AudienceRecord>()

  constructor(options: ExchangeOptions) {
    this.pool = options.pool
    this.pages = options.pages
    this.replica = options.replica ?? null
    this.config = options.config
    this.clock = options.clock
    this.observer = options.observer
    this.sealed = new SealedPages(options.config.cacheBytes)
  }

  /** The world as last read; `refresh` first when it must be true now. */
  get world(): World {
    if (!this.#world) throw new Error('the world has not been read yet')
    return this.#world
  }

  /** Is there a world at all? */
  get loaded(): boolean {
    return this.#world !== null
  }

  /** Reads what has changed. @returns true when the topology or a credential is not what it was */
  async refresh(): Promise<boolean> {
    const before = this.#world?.epoch
    await this.#loads.run()
    return this.#world?.epoch !== before
  }

  async #load(): Promise<void> {
    const world = this.#world
    let timeline = this.#timeline
    if (world) {
      const mark = await readPulse(this.pool)
      timeline = mark.timeline || timeline
      const same = this.#timeline === null || timeline === this.#timeline
      if (same && mark.epoch === world.epoch) {
        this.#timeline = timeline
        world.rewritten = mark.rewritten
        if (mark.audiences > world.audienceCount) {
          for (const { id, record } of await readAudiences(this.pool, world.audienceCount)) {
            world.audiences[id] = record
            world.audienceCount = id
          }
        }
        return
      }
    }
    const read = await readWorld(this.pool)
    if (this.#timeline !== null && timeline !== this.#timeline) this.#forget()
    else if (this.#world && read.epoch < this.#world.epoch) return
    this.#timeline = timeline
    this.#world = read
    this.#scopes = new Scopes(read)
  }

  /**
   * The database has another history since: after a failover it may lack what this node has seen of it, and numbers of
   * audiences may mean something else.
   */
  #forget(): void {
    this.#interned.clear()
    this.#spelled = 0
    this.#records.clear()
    this.#ends.clear()
    this.sealed.clear()
    this.ahead.clear()
  }

  /** Reads a page before it is asked for, unless the database has enough to do. See `ReadAhead.begin`. */
  readAhead(key: string, read: () => Promise<SealedPage | null>, then: (page: SealedPage) => void): void {
    const { total, idle, waiting } = this.pages.usage
    const busy = waiting > 0 || total - idle > this.config.poolSize / 2
    // A replica has to be asked how far it is when the page is asked for.
    if (!busy && !this.replica && !this.sealed.has(key)) this.ahead.begin(key, read, then)
  }

  /**
   * Is there nothing after this position that this reader sees? What it may not see changes neither the answer nor
   * the way to it. Asked of the database only when it may be so, in a statement that those who see the same share;
   * false says nothing.
   */
  async atEnd(reader: Reader, collection: number, after: Micros): Promise<boolean> {
    const key = `${collection} ${reader.bits}`
    let end = this.#ends.get(key)
    if (!end) {
      const { bits, size } = reader
      end = { read: new Coalesced(() => readVisibleHead(this.pool, collection, bits, size)), beyond: false }
      if (this.#ends.size > 10_000) this.#ends.clear()
      this.#ends.set(key, end)
    }
    // There was something after it at the last look: the page will tell.
    if (end.beyond !== false && end.beyond > after) return false
    const { epoch, audiences, head } = await end.read.run()
    if (epoch !== reader.mark.epoch || audiences !== reader.mark.audiences) throw new StaleWorld()
    end.beyond = head ?? false
    return head === null || head <= after
  }

  /** The world is true now, or StaleWorld; one statement, shared by all who ask at the same time. */
  async confirm(): Promise<void> {
    const { epoch } = this.world
    await this.refresh()
    if (this.world.epoch !== epoch) throw new StaleWorld()
  }

  /** The caller as the database knows it. @param capped false: without its token's cap (policy.md §9) */
  reader(caller: Caller, capped = true): Reader {
    const subject = caller.subject && !capped ? { ...caller.subject, cap: null } : caller.subject
    const scope = (this.#scopes as Scopes).of(subject, this.clock.now())
    return {
      scope: scope.array,
      bits: scope.bits,
      size: scope.size,
      principal: caller.id,
      mark: { epoch: this.world.epoch, audiences: this.world.audienceCount },
    }
  }

  /** Audiences that the caller sees only because it submitted what carries them. */
  readBack(caller: Caller): readonly number[] {
    return (this.#scopes as Scopes).readBack(caller.subject, this.clock.now())
  }

  /** The rules by which a caller is admitted, of this very world. */
  rules(caller: Caller): Rules {
    return (this.#scopes as Scopes).rules(caller.subject, this.clock.now())
  }

  /** What a page holds, by originator and audience. @param places where its rows lie, by audience */
  shares(places: ReadonlyMap<number, Stretch>): Share[] {
    return sharesOf(places, (id) => this.world.audiences[id] ?? this.audience(id), this.world.topology)
  }

  /** Reads anew how the rows of each collection are spread over audiences; only plans depend on it. */
  async measureBreadth(): Promise<void> {
    this.#breadth = await readBreadth(this.pool)
  }

  /**
   * How to come by a page: with few audiences side by side, which costs the same wherever hidden rows lie; with many,
   * whatever looks at fewer rows. The figures may be old: the choice changes how long a page takes, never what is on it.
   * @param limit rows of the page
   */
  way(caller: Caller, collection: number, limit: number): Way {
    const spread = this.#breadth.get(collection)
    if (!spread) return 'along'
    const { ids } = (this.#scopes as Scopes).of(caller.subject, this.clock.now())
    let total = 0
    for (const count of spread.values()) total += count
    let visible = 0
    let fetched = 0
    let streams = 0
    for (const id of ids) {
      const count = spread.get(id) ?? 0
      if (count > 0) streams++
      visible += count
      fetched += STREAM_COST + Math.min(count, limit + 1) * MERGE_COST
    }
    const side = SIDE_BY_SIDE.find((most) => most >= streams)
    if (side !== undefined) return side
    const examined = visible === 0 ? total : Math.min(total, (limit * total) / visible)
    return fetched < examined ? 'merged' : 'along'
  }

  /** The subject that a principal is, uncapped; null when it is not active or has no organization. */
  subject(principal: Principal | undefined, cap: Subject['cap'] = null): Subject | null {
    if (!principal?.active) return null
    const organization = this.world.topology.organizations.get(principal.organization)
    return organization ? { principal, organization, cap } : null
  }

  /** Id of an audience; interned in a transaction of its own, so that a later rollback does not unmake it. */
  async intern(record: AudienceRecord): Promise<number> {
    const key = JSON.stringify(record)
    const known = this.#interned.get(key)
    if (known !== undefined) return known
    const id = await internAudience(this.pool, record)
    if (this.#interned.size > 50_000) {
      this.#interned.clear()
      this.#spelled = 0
    }
    this.#interned.set(key, id)
    return id
  }

  /** Interns a record. @returns its id, and the one object that stands for it in this process */
  async shared(record: AudienceRecord): Promise<{ marks: AudienceRecord; marksId: number }> {
    const marksId = await this.intern(record)
    let marks = this.#records.get(marksId)
    if (!marks) {
      marks = record
      this.#records.set(marksId, record)
    }
    return { marks, marksId }
  }

  /** The id of a record, if this node knows it. */
  idOf(record: AudienceRecord): number | undefined {
    const key = JSON.stringify(record)
    const known = this.#interned.get(key)
    if (known !== undefined) return known
    // Those that have come since the last time; of very many, the latest.
    const { audienceCount, audiences } = this.world
    for (let id = Math.max(this.#spelled, audienceCount - MOST_SPELLED) + 1; id <= audienceCount; id++)
      if (audiences[id]) this.#interned.set(JSON.stringify(this.audience(id)), id)
    this.#spelled = audienceCount
    return this.#interned.get(key)
  }

  /** The record of an audience, always the same object. @throws when the world that this node knows has no such audience */
  audience(id: number): AudienceRecord {
    let found = this.#records.get(id)
    if (!found) {
      const record = this.world.audiences[id]
      if (!record) throw new StaleWorld()
      found = spelled(record)
      this.#records.set(id, found)
      this.#interned.set(JSON.stringify(found), id)
    }
    return found
  }

  /** Asks of records whether this caller may read what carries them, now. */
  admits(caller: Caller, capped = true): (record: AudienceRecord) => boolean {
    const subject = caller.subject && !capped ? { ...caller.subject, cap: null } : caller.subject
    return (this.#scopes as Scopes).asks(subject, this.clock.now())
  }

  /** Who gains and who loses when a row's audience changes, of all principals that there are, with tokens of any cap, and of anybody. */
  compare(before: AudienceRecord, after: AudienceRecord): { gains: boolean; loses: boolean } {
    return (this.#scopes as Scopes).compare(before, after, this.clock.now())
  }

  /** Does somebody lose it? The same as `compare`, for who asks no more. */
  takes(before: AudienceRecord, after: AudienceRecord): boolean {
    return losers(this.world.topology, before, after, this.clock.now()).length > 0
  }
}
