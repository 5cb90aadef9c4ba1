/** Connections to PostgreSQL: one pool per role, statements in, rows out, failures as AppError. */
import pg from 'pg'
import { AppError } from '../errors.ts'
import { translate } from './database-errors.ts'
import { render, type Sql } from './sql.ts'

const INT8 = 20
const TYPES = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    oid === INT8 ? (text: string) => BigInt(text) : pg.types.getTypeParser(oid, format as 'text'),
} as unknown as pg.CustomTypesConfig

const ORDERED = [
  '-c plan_cache_mode=force_generic_plan',
  '-c enable_sort=off',
  '-c enable_seqscan=off',
  '-c enable_bitmapscan=off',
]

/** Seconds that the server has to report a statement's time-out before the connection counts as lost. */
const GRACE = 5

export interface PoolOptions {
  url: string
  /** Role to act as (`set role`), when the login role of the URL is stronger. */
  role: 'comity_app' | 'comity_owner' | null
  max: number
  /** Longest a statement may run, in seconds; 0 = as long as it takes. */
  statementSeconds: number
  name: string
  /**
   * `ordered`: for pages of the log. Their plan never depends on the parameters (walk the log's index from a
   * position), so it is made once per connection, and no sort or full scan may look cheaper by a bad estimate.
   */
  plans?: 'ordered'
  onError?: (error: Error) => void
}

/** Runs statements; a transaction has the same face as the pool. */
export interface Database {
  rows<T>(statement: Sql): Promise<T[]>
  one<T>(statement: Sql): Promise<T>
}

export class Pool implements Database {
  readonly pool: pg.Pool
  #waiting = 0
  readonly #maxWaiting: number

  constructor(options: PoolOptions) {
    const settings = [
      '-c search_path=comity,pg_temp',
      ...(options.plans === 'ordered' ? ORDERED : []),
      '-c jit=off',
      '-c timezone=UTC',
      '-c datestyle=ISO',
      ...(options.role ? [`-c role=${options.role}`] : []),
      `-c idle_in_transaction_session_timeout=${60_000}`,
    ]
    this.#maxWaiting = Math.max(200, options.max * 50)
    this.pool = new pg.Pool({
      connectionString: options.url,
      max: options.max,
      options: settings.join(' '),
      application_name: options.name,
      connectionTimeoutMillis: 5_000,
      idleTimeoutMillis: 30_000,
      statement_timeout: options.statementSeconds * 1000,
      // A server that cannot say so itself (a frozen machine, a cut line) is given up by us.
      ...(options.statementSeconds > 0 && { query_timeout: (options.statementSeconds + GRACE) * 1000 }),
      keepAlive: true,
      types: TYPES,
    })
    this.pool.on('error', (error) => options.onError?.(error))
    // A connection may be lost between two statements of a transaction, where nobody listens: the next statement
    // says so. Without a listener the process would end.
    this.pool.on('connect', (client) => client.on('error', () => {}))
  }

  /** Connections in use, idle, and requests waiting for one. */
  get usage(): { total: number; idle: number; waiting: number } {
    return { total: this.pool.totalCount, idle: this.pool.idleCount, waiting: this.pool.waitingCount }
  }

  async rows<T>(statement: Sql): Promise<T[]> {
    const client = await this.#connect()
    let broken: Error | undefined
    try {
      return (await client.query(render(statement))).rows as T[]
    } catch (error) {
      broken = fatal(error)
      throw translate(error)
    } finally {
      client.release(broken)
    }
  }

  async one<T>(statement: Sql): Promise<T> {
    const [row] = await this.rows<T>(statement)
    if (row === undefined) throw new AppError('internal', { detail: 'a statement returned no row' })
    return row
  }

  /** Runs `work` in one transaction; a throw rolls back. */
  async transaction<T>(work: (db: Database) => Promise<T>): Promise<T> {
    const client = await this.#connect()
    let broken: Error | undefined
    try {
      await client.query('begin')
      const db: Database = {
        rows: async <R>(statement: Sql) => (await client.query(render(statement))).rows as R[],
        one: async <R>(statement: Sql) => (await client.query(render(statement))).rows[0] as R,
      }
      const result = await work(db)
      await client.query('commit')
      return result
    } catch (error) {
      broken = fatal(error)
      if (!broken) await client.query('rollback').catch((e: Error) => (broken = e))
      throw translate(error)
    } finally {
      client.release(broken)
    }
  }

  async close(): Promise<void> {
    await this.pool.end()
  }

  async #connect(): Promise<pg.PoolClient> {
    if (this.#waiting >= this.#maxWaiting) {
      throw new AppError('unavailable', { detail: 'too many requests wait', headers: { 'retry-after': '1' } })
    }
    this.#waiting++
    try {
      return await this.pool.connect()
    } catch (error) {
      throw translate(error)
    } finally {
      this.#waiting--
    }
  }
}

/** An error after which the connection must not be used again. */
function fatal(error: unknown): Error | undefined {
  if (error instanceof AppError) return undefined
  const code = (error as { code?: string }).code ?? ''
  const alive = /^[0-9A-Z]{5}$/.test(code) && !/^(08|57P)/.test(code)
  return alive || !(error instanceof Error) ? undefined : isPgLike(error) ? error : undefined
}

/** Did it come from pg or the socket, and not from our own code inside a transaction? */
function isPgLike(error: Error): boolean {
  return 'code' in error || /connection|terminated|timeout/i.test(error.message)
}
