/** Runs one migration: whole in one transaction, or online, step by step while nodes serve. */
import type pg from 'pg'
import { Refusal } from '../errors.ts'
import type { Migration } from './migrate.ts'

/** A part of an online migration that commits by itself. */
export interface Step {
  name: string
  /** Statements that PostgreSQL runs only outside a transaction, such as `create index concurrently`; one per line end `;`. */
  alone: boolean
  text: string
}

/** Longest that a step makes others wait for a lock that it has asked for. */
const LOCK_WAIT = '200ms'
/** After this the queue behind the lock has gone. */
const PAUSE = 500
const ATTEMPTS = 600

/**
 * Reads the steps of a migration whose first line is `-- online`. Each begins with a line `-- step: NAME`, or
 * `-- step: NAME (alone)`. What stands before the first is a comment.
 * @returns null for one that is not online
 * @throws Error where something would be left out
 */
export function stepsOf(text: string): Step[] | null {
  if (!/^-- online\r?\n/.test(text)) return null
  const [before = '', ...parts] = text.split(/^-- step: /m)
  const lost = before.split('\n').find((line) => !/^\s*(--|$)/.test(line))
  if (lost !== undefined)
    throw new Error(`a statement before the first step would not run: ${lost.slice(0, 40)}`)
  if (parts.length === 0) throw new Error('an online migration has no step')
  return parts.map((part) => {
    const [, name = '', alone] = /^([a-z-]+)( \(alone\))?\r?\n/.exec(part) ?? []
    if (name === '') throw new Error(`a step has no name: ${part.slice(0, 40)}`)
    return { name, alone: alone !== undefined, text: part.slice(part.indexOf('\n') + 1) }
  })
}

/**
 * Applies a migration and records it. An online one that was interrupted goes on with the step that is not done.
 * @throws Refusal (3) that says what failed, and what stays
 */
export async function applySteps(client: pg.ClientBase, migration: Migration): Promise<void> {
  const steps = stepsOf(migration.text)
  if (steps === null) {
    await inTransaction(client, migration.text, migration, [], [RECORD, recorded(migration)])
    return
  }
  await prepareSteps(client)
  const { rows } = await client.query('select step, checksum from comity.migration_step where number = $1', [
    migration.number,
  ])
  if (rows.some((row) => row.checksum !== migration.checksum)) {
    throw new Refusal(
      `Migration ${migration.name} was begun by another release: finish it with that release first.`,
      3,
    )
  }
  const done = new Set(rows.map((row) => row.step))
  for (const step of steps.filter((s) => !done.has(s.name))) {
    const record: Statement = [
      'insert into comity.migration_step (number, step, checksum) values ($1, $2, $3)',
      [migration.number, step.name, migration.checksum],
    ]
    if (step.alone) await outside(client, step, migration, record)
    else
      await inTransaction(client, step.text, migration, [`set local lock_timeout = '${LOCK_WAIT}'`], record)
  }
  await inTransaction(
    client,
    `delete from migration_step where number = ${migration.number}`,
    migration,
    [],
    [RECORD, recorded(migration)],
  )
}

/** Where it is noted how far an online migration is. Not before the first one: 0001 gives every table its policies. */
async function prepareSteps(client: pg.ClientBase): Promise<void> {
  const found = await client.query(`select to_regclass('comity.migration_step') is not null as yes`)
  if (found.rows[0]?.yes) return
  await client.query(`begin;
    set local role comity_owner;
    create table comity.migration_step (
      number int not null, step text not null, checksum text not null, primary key (number, step));
    alter table comity.migration_step enable row level security;
    alter table comity.migration_step force row level security;
    create policy owner_all on comity.migration_step to comity_owner using (true) with check (true);
    commit`)
}

type Statement = [string, unknown[]]
const RECORD = 'insert into comity.migration (number, name, checksum) values ($1, $2, $3)'
const recorded = (m: Migration) => [m.number, m.name, m.checksum]

async function inTransaction(
  client: pg.ClientBase,
  text: string,
  migration: Migration,
  settings: readonly string[],
  record: Statement,
): Promise<void> {
  await patiently(client, migration, async () => {
    await client.query('begin')
    await client.query('set local role comity_owner')
    await client.query('set local search_path = comity, pg_temp')
    for (const setting of settings) await client.query(setting)
    await client.query(text)
    await client.query(...record)
    await client.query('commit')
  })
}

/** One statement after the other, each in a transaction of its own; a step that is run again must not mind. */
async function outside(
  client: pg.ClientBase,
  step: Step,
  migration: Migration,
  record: Statement,
): Promise<void> {
  await client.query('set role comity_owner')
  await client.query('set search_path = comity, pg_temp')
  try {
    for (const statement of step.text
      .split(/;[ \t]*$/m)
      .filter((s) => s.replace(/^\s*--.*$/gm, '').trim() !== '')) {
      await patiently(client, migration, () => client.query(statement))
    }
    await client.query(...record)
  } finally {
    await client.query('reset search_path').catch(() => {})
    await client.query('reset role').catch(() => {})
  }
}

/** Tries again while others hold the lock: giving way early is what keeps readers from waiting. */
async function patiently(
  client: pg.ClientBase,
  { name }: Migration,
  work: () => Promise<unknown>,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await work()
      return
    } catch (error) {
      await client.query('rollback').catch(() => {})
      const { code, message } = error as { code?: string; message?: string }
      const busy = code === '55P03' || code === '40P01'
      if (!busy || attempt === ATTEMPTS) {
        throw new Refusal(
          `Migration ${name} failed and was rolled back to its last step: ${message || code || 'no connection'}`,
          3,
        )
      }
      await new Promise((done) => setTimeout(done, PAUSE))
    }
  }
}
