/** The pool on a real Postgres: lost connections, locks and queues end in 503, and nothing leaks or crashes. */
import pg from 'pg'
import t, { type Test, test } from 'tap'
import { AppError } from '../../src/errors.ts'
import { translate } from '../../src/store/database-errors.ts'
import { Pool, type PoolOptions } from '../../src/store/pool.ts'
import { sql } from '../../src/store/sql.ts'
import { database } from '../support/cluster.ts'
import { sleep } from '../support/run-lock.ts'

const { url } = await database(t)

function open(t: Test, options: Partial<PoolOptions> = {}): Pool {
  const pool = new Pool({
    url,
    role: 'comity_app',
    max: 2,
    statementSeconds: 2,
    name: 'pool test',
    ...options,
  })
  t.teardown(() => pool.close())
  return pool
}

async function admin<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

const kill = (pid: number) => admin((client) => client.query('select pg_terminate_backend($1)', [pid]))
const backend = sql`select pg_backend_pid() as pid`

async function isUnavailable(t: Test, work: Promise<unknown>, what: string): Promise<void> {
  const started = Date.now()
  try {
    await work
    t.fail(`${what}: no error`)
  } catch (error) {
    const { code, headers } = error as AppError
    t.equal(code, 'unavailable', `${what}: ${String(error)} ${String((error as Error).cause)}`)
    t.match(headers?.['retry-after'], /^[1-9]\d?$/, `${what}: Retry-After`)
  }
  t.ok(Date.now() - started < 8_000, `${what}: in ${Date.now() - started} ms`)
}

test('a connection that is lost during a statement', async (t) => {
  const pool = open(t)
  const { pid } = await pool.one<{ pid: number }>(backend)
  await Promise.all([
    isUnavailable(t, pool.rows(sql`select pg_sleep(30)`), 'killed during a statement'),
    sleep(50).then(() => kill(pid)),
  ])
  t.ok((await pool.one<{ pid: number }>(backend)).pid !== pid, 'works again')
  t.ok(pool.usage.total <= 2)
})

test('a connection that is lost between the statements of a transaction', async (t) => {
  const pool = open(t)
  for (const wait of [100, 0]) {
    const work = pool.transaction(async (db) => {
      const { pid } = await db.one<{ pid: number }>(backend)
      await kill(pid)
      await sleep(wait)
      return await db.one(backend)
    })
    await isUnavailable(t, work, `killed in a transaction, ${wait} ms before its next statement`)
  }
  const last = pool.transaction(async (db) => {
    const { pid } = await db.one<{ pid: number }>(backend)
    await kill(pid)
    await sleep(50)
  })
  await isUnavailable(t, last, 'killed before the commit')
  t.ok(await pool.one(backend), 'works again')
})

test('an idle connection that is lost', async (t) => {
  const lost: Error[] = []
  const pool = open(t, { onError: (error) => lost.push(error) })
  const { pid } = await pool.one<{ pid: number }>(backend)
  await kill(pid)
  await sleep(100)
  t.equal(lost.length, 1, 'is reported once')
  t.equal(pool.usage.total, 0, 'and gone from the pool')
  t.ok(await pool.one(backend), 'works again')
})

test('a lock that is held', async (t) => {
  const pool = open(t, { statementSeconds: 1 })
  await admin(async (client) => {
    await client.query('begin')
    await client.query('lock table comity.state')
    await isUnavailable(t, pool.rows(sql`select epoch from state`), 'waits for a lock')
    await client.query('rollback')
  })
  t.equal((await pool.rows(sql`select epoch from state`)).length, 1, 'works again')
  t.equal(pool.usage.total, 1, 'the same connection serves on')
})

test('a pool that is exhausted', { timeout: 30_000 }, async (t) => {
  const pool = open(t, { statementSeconds: 20 })
  // Both connections are there before they are kept busy.
  const both = (seconds: number) =>
    Promise.all([1, 2].map(() => pool.rows(sql`select pg_sleep(${seconds}::float)`)))
  await both(0.2)
  const busy = both(7)
  await sleep(50)
  const waiting = Array.from({ length: 200 }, () => pool.rows(backend))
  const settled = Promise.allSettled(waiting)
  const started = Date.now()
  await isUnavailable(t, pool.rows(backend), 'the queue is full')
  t.ok(Date.now() - started < 200, 'is refused at once')
  t.equal(pool.usage.waiting, 200)
  const outcomes = await settled
  t.ok(Date.now() - started < 6_500, `those who wait are refused after ${Date.now() - started} ms`)
  t.ok(
    outcomes.every((o) => o.status === 'rejected' && (o.reason as AppError).code === 'unavailable'),
    'with 503',
  )
  await busy
  t.ok(await pool.one(backend), 'works again')
  t.equal(pool.usage.waiting, 0)
})

test('nothing leaks when work throws', async (t) => {
  const pool = open(t)
  for (let i = 0; i < 50; i++) {
    await pool.transaction(async () => Promise.reject(new Error('ours'))).catch(() => {})
    await pool.rows(sql`select 1 / 0`).catch(() => {})
    await pool.transaction((db) => db.rows(sql`select no_such_column`)).catch(() => {})
  }
  t.equal(pool.usage.total, 1)
  t.equal(pool.usage.idle, 1)
  const own = await pool.transaction(async () => Promise.reject(new Error('ours'))).catch((e: Error) => e)
  t.equal((own as Error).message, 'ours', 'an error of our own stays what it is')
})

test('what the database says becomes a code of the catalogue', (t) => {
  const codeOf = (code: string, message = '') =>
    (translate(Object.assign(new Error(message), { code })) as AppError).code
  for (const code of [
    '08006',
    '57P01',
    '57P02',
    '57P03',
    '53300',
    '53200',
    '58030',
    '28P01',
    '3D000',
    '55P03',
    '40001',
    '40P01',
    '25006',
    '25P03',
    '57014',
    'ECONNREFUSED',
    'ECONNRESET',
    'EPIPE',
    'ETIMEDOUT',
    'ENOTFOUND',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'EAI_AGAIN',
    'EMFILE',
  ])
    t.equal(codeOf(code), 'unavailable', code)
  for (const message of [
    'Connection terminated unexpectedly',
    'Connection terminated due to connection timeout',
    'Query read timeout',
    'timeout exceeded when trying to connect',
    'Client was closed and is not queryable',
    'timeout expired',
    'Cannot use a pool after calling end on the pool',
  ])
    t.equal(codeOf('', message), 'unavailable', message)
  for (const code of ['42P01', '42501', '22P02', '23505', 'XX000']) {
    const error = translate(Object.assign(new Error('secret'), { code })) as AppError
    t.equal(error.code, 'internal', code)
    t.equal(error.detail, undefined, 'and is not told')
  }
  t.equal(codeOf('22021'), 'badRequest')
  const own = new AppError('notFound')
  t.equal(translate(own), own)
  t.end()
})
