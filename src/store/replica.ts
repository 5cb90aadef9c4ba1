/** A streaming replica: asked while it is there and has replayed enough; it may fail, lag or go, and no reader notices. */
import type { Config } from '../config.ts'
import { AppError } from '../errors.ts'
import { type Database, Pool } from './pool.ts'
import { StaleWorld } from './session.ts'
import { sql } from './sql.ts'

/** What became of a page that the replica was to read; for everything but `served` the primary reads it. */
export type ReplicaOutcome = 'served' | 'behind' | 'conflict' | 'failed' | 'away'

export interface ReplicaState {
  up: boolean
  /** Why it is not asked; null while it is. */
  reason: string | null
}

export interface ReplicaOptions extends Pick<Config, 'poolSize' | 'pooled'> {
  url: string
  primary: Database
}

/** A statement that takes longer is left to the primary. */
const STATEMENT_SECONDS = 3
const GRACE_SECONDS = 0.5
const CONNECT_SECONDS = 1
/** Milliseconds for which a collection is not asked for after it was found to lag. */
const LAG_PAUSE = 25
/** Milliseconds until a replica that failed is looked at again; doubled up to the most. */
const FIRST_PAUSE = 1_000
const MOST_PAUSE = 15_000
/** It lags for so many milliseconds before the log says so. */
const LAG_TOLD = 5_000

export class Replica {
  readonly #pool: Pool
  readonly #primary: Database
  #state: ReplicaState = { up: false, reason: 'not looked at yet' }
  /** By collection, when to ask again. */
  readonly #lagging = new Map<number, number>()
  #behindSince: number | null = null
  #toldBehind = false
  #pause = FIRST_PAUSE
  #look: NodeJS.Timeout | undefined
  #looking: Promise<void> | null = null
  #closed = false
  /** Told of each change once. */
  onChange: (what: 'serves' | 'fails' | 'lags', reason: string | null) => void = () => {}
  onPage: (outcome: ReplicaOutcome) => void = () => {}

  constructor({ url, poolSize, pooled, primary }: ReplicaOptions) {
    this.#primary = primary
    this.#pool = new Pool({
      url,
      // Whatever the login role may do.
      role: 'comity_app',
      max: poolSize,
      statementSeconds: STATEMENT_SECONDS,
      graceSeconds: GRACE_SECONDS,
      connectSeconds: CONNECT_SECONDS,
      name: 'comity replica',
      plans: 'ordered',
      largeValues: true,
      pooled,
      onError: () => {},
    })
    this.#looking = this.#lookAtIt()
  }

  get state(): ReplicaState {
    return this.#state
  }

  /** Is it worth while to ask it for this collection? */
  ready(collection: number): boolean {
    if (!this.#state.up) {
      this.onPage('away')
      return false
    }
    const until = this.#lagging.get(collection)
    if (until === undefined || until <= performance.now()) return true
    this.onPage('behind')
    return false
  }

  /**
   * Runs one statement there, with StaleWorld for what it has not replayed.
   * @returns null when the primary must do it
   */
  async read<T>(collection: number, work: (db: Database) => Promise<T>): Promise<T | null> {
    try {
      const read = await work(this.#pool)
      this.#lagging.delete(collection)
      this.#pause = FIRST_PAUSE
      this.#caughtUp()
      this.onPage('served')
      return read
    } catch (error) {
      this.onPage(this.#failed(collection, error))
      return null
    }
  }

  /** The first look at it is over. */
  async looked(): Promise<void> {
    await this.#looking
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#look)
    await this.#looking
    await this.#pool.close()
  }

  #failed(collection: number, error: unknown): ReplicaOutcome {
    if (error instanceof StaleWorld) {
      this.#lagging.set(collection, performance.now() + LAG_PAUSE)
      this.#behind()
      return 'behind'
    }
    const { code = '', message = '' } = (error instanceof AppError ? error.cause : error) as {
      code?: string
      message?: string
    }
    // Rows that the statement needed were vacuumed on the primary; it goes on by itself.
    if (code === '40001' || /conflict with recovery/.test(message)) return 'conflict'
    // A path that no text can hold, or a queue that is full: not its fault.
    const own = error instanceof AppError && error.cause === undefined
    if (!own && !(error instanceof AppError && error.status < 500)) this.#down(message || code || 'no answer')
    return 'failed'
  }

  #behind(): void {
    const now = performance.now()
    this.#behindSince ??= now
    if (this.#toldBehind || now - this.#behindSince < LAG_TOLD) return
    this.#toldBehind = true
    this.onChange('lags', null)
  }

  #caughtUp(): void {
    this.#behindSince = null
    if (!this.#toldBehind) return
    this.#toldBehind = false
    this.onChange('serves', null)
  }

  #down(reason: string): void {
    const told = !this.#state.up && this.#state.reason === reason
    this.#state = { up: false, reason }
    if (!told && !this.#closed) this.onChange('fails', reason)
    this.#lookAgain()
  }

  #lookAgain(): void {
    if (this.#closed || this.#look !== undefined) return
    this.#look = setTimeout(() => {
      this.#look = undefined
      this.#looking = this.#lookAtIt()
    }, this.#pause).unref()
    this.#pause = Math.min(this.#pause * 2, MOST_PAUSE)
  }

  /** No reader waits for this. */
  async #lookAtIt(): Promise<void> {
    try {
      const reason = await notAReplica(this.#primary, this.#pool)
      if (reason !== null) this.#down(reason)
      else {
        this.#state = { up: true, reason: null }
        if (!this.#closed) this.onChange('serves', null)
      }
    } catch (error) {
      const { message = '', code } = ((error as Error).cause ?? error) as { message?: string; code?: string }
      this.#down(message || code || 'no answer')
    }
  }
}

/** @returns why the second is no replica of the first; null when it is one */
export async function notAReplica(primary: Database, replica: Database): Promise<string | null> {
  const identity = sql`select (select system_identifier from pg_control_system()) as system, pg_is_in_recovery() as standby`
  const there = await replica.one<{ system: bigint; standby: boolean }>(identity)
  if (!there.standby) return 'it is no standby (any more)'
  const here = await primary.one<{ system: bigint }>(identity)
  return here.system === there.system ? null : 'it is a standby of another server'
}
