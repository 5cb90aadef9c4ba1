/** A pool for a pooler in transaction mode: every statement brings its settings, the session keeps nothing. */
import pg from 'pg'
import t, { test } from 'tap'
import { AppError } from '../../src/errors.ts'
import { Pool, type PoolOptions } from '../../src/store/pool.ts'
import { readAs, StaleWorld } from '../../src/store/session.ts'
import { sql } from '../../src/store/sql.ts'
import { readPulse } from '../../src/store/world.ts'
import { database } from '../support/cluster.ts'

const { url } = await database(t)

function open(options: Partial<PoolOptions> = {}): Pool {
  const pool = new Pool({
    url,
    role: 'comity_app',
    max: 1,
    statementSeconds: 1,
    name: 'pooled test',
    pooled: true,
    ...options,
  })
  t.teardown(() => pool.close())
  return pool
}

const NAMES = [
  'search_path',
  'role',
  'jit',
  'enable_sort',
  'plan_cache_mode',
  'statement_timeout',
  'idle_in_transaction_session_timeout',
]
const look = sql`select name, setting from pg_settings where name = any (${NAMES}::text[])
  union all select 'me', current_user::text union all select 'scope', current_setting('comity.scope', true)`

async function settings(rows: Promise<{ name: string; setting: string | null }[]>) {
  return Object.fromEntries((await rows).map((row) => [row.name, row.setting]))
}

/** The pool's only connection, as its session is between two statements. */
async function session(pool: Pool) {
  const client = await pool.pool.connect()
  try {
    return await settings(
      client
        .query({
          text: look.strings.join('$1'),
          values: [NAMES],
        })
        .then((result) => result.rows),
    )
  } finally {
    client.release()
  }
}

const INSIDE = {
  search_path: 'comity,pg_temp',
  me: 'comity_app',
  jit: 'off',
  enable_sort: 'off',
  plan_cache_mode: 'force_generic_plan',
  statement_timeout: '1000',
  idle_in_transaction_session_timeout: '60000',
}

test('a statement and a transaction run with all settings, and the session keeps none', async (t) => {
  const pool = open({ plans: 'ordered' })
  const before = await session(pool)
  t.match(await settings(pool.rows(look)), INSIDE, 'a single statement')
  t.match(await settings(pool.transaction((db) => db.rows(look))), { ...INSIDE, search_path: /comity/ })
  await pool.rows(sql`select 1 / 0`).catch(() => {})
  t.match(await settings(pool.rows(look)), INSIDE, 'and after an error')
  t.strictSame(await session(pool), before, 'the session is as it was')
  t.equal(before.me, 'postgres')
  t.notMatch(before.search_path, /comity/)
})

test('nothing has a name that another connection would not know', async (t) => {
  const pool = open()
  await pool.rows(sql`select ${1}::int as x`)
  await pool.transaction((db) => db.rows(sql`select ${1}::int as x`))
  const { count } = await pool.one<{ count: bigint }>(sql`select count(*) from pg_prepared_statements`)
  t.equal(count, 0n)
})

test('rows, types, errors and time-outs are those of any pool', async (t) => {
  const pool = open()
  t.strictSame(
    await pool.rows(sql`select n, n::bigint as big, null as none from generate_series(1, ${2}::int) n`),
    [
      { n: 1, big: 1n, none: null },
      { n: 2, big: 2n, none: null },
    ],
  )
  t.strictSame(await pool.rows(sql`select where false`), [])
  t.match(await pool.rows(sql`select pg_sleep(5)`).catch((e: unknown) => e), { code: 'unavailable' })
  t.match(await pool.rows(sql`select no_such`).catch((e: unknown) => e), { code: 'internal' })
  const many = await Promise.all(
    Array.from({ length: 40 }, (_, i) => pool.one<{ i: number }>(sql`select ${i}::int as i`)),
  )
  t.strictSame(
    many.map((row) => row.i),
    Array.from({ length: 40 }, (_, i) => i),
    'each gets its own answer',
  )
  const isolation = await pool.transaction(async (db) => {
    await db.rows(sql`set transaction isolation level repeatable read, read only`)
    return await db.one(sql`show transaction_isolation`)
  })
  t.strictSame(isolation, { transaction_isolation: 'repeatable read' }, 'can still be chosen')
  const own = await pool.transaction(() => Promise.reject(new AppError('notFound'))).catch((e: AppError) => e)
  t.match(own, { code: 'notFound' })
})

test('both walls hold: a scope ends with its statement', async (t) => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(`insert into comity.audience (id, record, digest) values (1, '{}', 'x');
    insert into comity.item (collection, position, accepted, audience, label, marks, bytes, spec, sco, object_id, type,
      version_key, version, organization, principal, hash, body)
    values (1, 1, 1, 1, 1, 1, 2, 21, false, 'x--1', 'x', '1', '1', 'o', 'p', 'h', '{}')`)
  await client.end()
  const pool = open()
  const mark = await readPulse(pool)
  const reader = { scope: '{1}', bits: '\\x02', size: 7, principal: 'p', mark }
  const count = sql`select count(*)::int as n from item where s.fresh`
  const plain = sql`select count(*)::int as n from item`
  t.match(await readAs(pool, reader, count), { n: 1 }, 'sees what it may see')
  t.match(await readAs(pool, { ...reader, bits: '\\x00' }, count), { n: 0 }, 'and nothing else')
  t.strictSame(await pool.one(plain), { n: 0 }, 'without a scope nothing')
  t.strictSame(await pool.transaction((db) => db.one(plain)), { n: 0 })
  const stale = readAs(pool, { ...reader, mark: { ...mark, epoch: mark.epoch + 1n } }, count)
  t.ok((await stale.catch((e: unknown) => e)) instanceof StaleWorld)
})
