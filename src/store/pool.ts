/** Connections to PostgreSQL: one pool per role, statements in, rows out, failures as AppError. */
import pg from 'pg'
import { AppError } from '../errors.ts'
import { translate } from './database-errors.ts'
import { largeValues, largeValuesOf } from './large-values.ts'
import { beginWith, enterWith, queryWith, type Setting } from './pooled.ts'
import { render, type Sql } from './sql.ts'

const INT8 = 20
const TYPES = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    oid === INT8 ? (text: string) => BigInt(text) : pg.types.getTypeParser(oid, format as 'text'),
} as unknown as pg.CustomTypesConfig

const ORDERED: readonly Setting[] = [
  ['plan_cache_mode', 'force_generic_plan'],
  ['enable_sort', 'off'],
  ['enable_seqscan', 'off'],
  ['enable_bitmapscan', 'off'],
]

/**
 * The first statement of a connection: takes 4 MB and frees them. From then on the C library of the server (glibc) keeps
 * what a page or an envelope needed for the next one; it would give megabytes back after each statement, and fetch them
 * again, a sixth of the time of a page. Elsewhere it changes nothing.
 */
const KEEP_MEMORY = "select length(repeat('x', 4000000))"

/** Seconds that the server has to report a statement's time-out before the connection counts as lost. */
const GRACE = 5
const CONNECT_SECONDS = 5

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
  /** Nobody waits until what these connections write is on the disk. */
  hasty?: boolean
  /** Large texts come as Buffer: see large-values.ts. */
  largeValues?: boolean
  /** The URL may lead to a pooler in transaction mode: nothing is left to the session. */
  pooled?: boolean
  /** Seconds to get a connection. */
  connectSeconds?: number
  /** Seconds that a server may take beyond a statement's time before it is given up. */
  graceSeconds?: number
  onError?: (error: Error) => void
}

/** Runs statements; a transaction has the same face as the pool. */
export interface Database {
  rows<T>(statement: Sql): Promise<T[]>
  /** @param binary values come as PostgreSQL has them, where the connection can: bytes are not told in digits */
  one<T>(statement: Sql, binary?: boolean): Promise<T>
}

export class Pool implements Database {
  readonly pool: pg.Pool
  #waiting = 0
  readonly #maxWaiting: number
  /** Of a pooler: what each transaction and each single statement begins with. */
  readonly #begin: string
  readonly #enter: string | null
  /** Connections whose last commit may be on this server only. */
  readonly #alone = new WeakSet<pg.ClientBase>()

  constructor(options: PoolOptions) {
    const {
      pooled = false,
      connectSeconds = CONNECT_SECONDS,
      graceSeconds = GRACE,
      statementSeconds,
    } = options
    const settings: Setting[] = [
      ['search_path', 'comity,pg_temp'],
      ...(options.plans === 'ordered' ? ORDERED : []),
      ...(options.hasty ? [['synchronous_commit', 'off'] as const] : []),
      ['jit', 'off'],
      ['timezone', 'UTC'],
      ['datestyle', 'ISO'],
      ...(options.role ? [['role', options.role] as const] : []),
      ['idle_in_transaction_session_timeout', '60000'],
    ]
    const timed: Setting[] = [...settings, ['statement_timeout', `${statementSeconds * 1000}`]]
    this.#begin = pooled ? beginWith(timed) : 'begin'
    this.#enter = pooled ? enterWith(timed) : null
    this.#maxWaiting = Math.max(200, options.max * 50)
    this.pool = new pg.Pool({
      connectionString: options.url,
      max: options.max,
      ...(!pooled && {
        options: settings.map(([name, value]) => `-c ${name}=${value}`).join(' '),
        statement_timeout: statementSeconds * 1000,
      }),
      application_name: options.name,
      connectionTimeoutMillis: connectSeconds * 1000,
      idleTimeoutMillis: 30_000,
      // A server that cannot say so itself (a frozen machine, a cut line) is given up by us.
      ...(statementSeconds > 0 && { query_timeout: (statementSeconds + graceSeconds) * 1000 }),
      keepAlive: true,
      ...(options.largeValues && { stream: largeValues }),
      types: TYPES,
      onConnect: async (client) => {
        await client.query(KEEP_MEMORY)
      },
    })
    this.pool.on('error', (error) => options.onError?.(error))
    // A connection may be lost between two statements of a transaction, where nobody listens: the next statement
    // says so. Without a listener the process would end.
    this.pool.on('connect', (client) => {
      client.on('error', () => {})
      // The wait for the standby was broken off: what was committed here may be lost with this server.
      client.on('notice', (notice) => {
        if (notice.routine === 'SyncRepWaitForLSN') this.#alone.add(client)
      })
    })
  }

  /** Connections in use, idle, and requests waiting for one. */
  get usage(): { total: number; idle: number; waiting: number } {
    return { total: this.pool.totalCount, idle: this.pool.idleCount, waiting: this.pool.waitingCount }
  }

  async rows<T>(statement: Sql): Promise<T[]> {
    return (await this.#query(statement)).rows as T[]
  }

  /** @returns how many rows it has written */
  async affected(statement: Sql): Promise<number> {
    return (await this.#query(statement)).rowCount ?? 0
  }

  async #query(statement: Sql, binary = false): Promise<Pick<pg.QueryResult, 'rows' | 'rowCount'>> {
    const client = await this.#connect()
    const large = largeValuesOf(client)
    let broken: Error | undefined
    try {
      const result = this.#enter
        ? await queryWith(client, this.#enter, render(statement))
        : await client.query(binary && large ? binaryOf(statement) : render(statement))
      this.#replicated(client)
      const { rows, rowCount } = result
      return { rows: (large ? large.fill(rows) : rows) as unknown[], rowCount }
    } catch (error) {
      broken = fatal(error)
      throw translate(error)
    } finally {
      large?.forget()
      client.release(broken)
    }
  }

  async one<T>(statement: Sql, binary = false): Promise<T> {
    const [row] = (await this.#query(statement, binary)).rows
    if (row === undefined) throw new AppError('internal', { detail: 'a statement returned no row' })
    return row as T
  }

  /** Runs `work` in one transaction; a throw rolls back. */
  async transaction<T>(work: (db: Database) => Promise<T>): Promise<T> {
    const client = await this.#connect()
    const large = largeValuesOf(client)
    let broken: Error | undefined
    try {
      await client.query(this.#begin)
      const rows = async <R>(statement: Sql) => {
        const { rows } = await client.query(this.#unnamed(render(statement)))
        return (large ? large.fill(rows) : rows) as R[]
      }
      const db: Database = { rows, one: async <R>(statement: Sql) => (await rows<R>(statement))[0] as R }
      const result = await work(db)
      await client.query('commit')
      this.#replicated(client)
      return result
    } catch (error) {
      broken = fatal(error)
      if (!broken) await client.query('rollback').catch((e: Error) => (broken = e))
      throw translate(error)
    } finally {
      large?.forget()
      client.release(broken)
    }
  }

  async close(): Promise<void> {
    await this.pool.end()
  }

  /** A statement's name belongs to a session. */
  #unnamed({ text, values, name }: ReturnType<typeof render>): {
    text: string
    values: unknown[]
    name?: string
  } {
    return this.#enter === null ? { text, values, name } : { text, values }
  }

  /** @throws unavailable when nobody may be told that it is stored: the standby has not said so */
  #replicated(client: pg.ClientBase): void {
    if (!this.#alone.delete(client)) return
    throw new AppError('unavailable', {
      cause: new Error('the standby did not confirm a commit in time'),
      headers: { 'retry-after': '2' },
    })
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

/** The driver's types lack `binary`. */
function binaryOf(statement: Sql): pg.QueryConfig {
  return { ...render(statement), binary: true } as pg.QueryConfig
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
