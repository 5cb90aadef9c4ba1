/** Brings a database to this program's schema: roles, schema, numbered migrations with checksums, keys. */
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { Refusal } from '../errors.ts'
import { packageRoot } from '../package-root.ts'
import { applySteps } from './migration-steps.ts'

export interface Migration {
  number: number
  name: string
  text: string
  checksum: string
}

/**
 * Texts of migrations as they were for some commits, which come to the same: the known_of of 0025, which 0026 replaces, was the
 * one of 0026 already, and 0026 had a function that nobody calls.
 */
const EARLIER: ReadonlyMap<number, string> = new Map([
  [25, '768fec5c1697888ed6caf2d28499e7cb9de33aff38e238d6a68694cf5318ecde'],
  [26, 'fe5780082a1bae88cfe21d319ebb9b3d6ec2ba477155386436b0650c7a98718a'],
])

/** The migrations of this program, in order. */
export function migrations(): Migration[] {
  const folder = join(packageRoot, 'migrations')
  return readdirSync(folder)
    .filter((f) => /^\d{4}_.*\.sql$/.test(f))
    .sort()
    .map((name) => {
      const text = readFileSync(join(folder, name), 'utf8')
      const checksum = createHash('sha256').update(text).digest('hex')
      return { number: Number(name.slice(0, 4)), name, text, checksum }
    })
}

export type SchemaState =
  | { state: 'current' }
  | { state: 'empty' | 'behind'; missing: string[] }
  | { state: 'newer'; found: number; known: number }
  | { state: 'changed'; name: string }

/** Compares a database with this program, without changing it. */
export async function schemaState(client: pg.ClientBase): Promise<SchemaState> {
  const known = migrations()
  const exists = await client.query("select to_regclass('comity.migration') is not null as yes")
  if (!exists.rows[0]?.yes) return { state: 'empty', missing: known.map((m) => m.name) }
  const done = await client.query('select number, name, checksum from comity.migration order by number')
  const last = Number(done.rows.at(-1)?.number ?? 0)
  const top = known.at(-1)?.number ?? 0
  if (last > top) return { state: 'newer', found: last, known: top }
  const have = new Map<number, { name: string; checksum: string }>(done.rows.map((r) => [r.number, r]))
  const altered = known.find(({ number, checksum }) => {
    const made = have.get(number)?.checksum
    return made !== undefined && made !== checksum && made !== EARLIER.get(number)
  })
  if (altered) return { state: 'changed', name: altered.name }
  const missing = known.filter((m) => !have.has(m.number)).map((m) => m.name)
  return missing.length === 0 ? { state: 'current' } : { state: 'behind', missing }
}

/** May the login role do more than serve? Then requests are served as comity_app (house rule: the weak role). */
export async function isStrongRole(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query(`select r.rolsuper or r.rolbypassrls or r.rolcreaterole
      or coalesce(pg_has_role(r.oid, (select oid from pg_roles where rolname = 'comity_owner'), 'member'), false) as strong
    from pg_roles r where r.rolname = current_user`)
  return Boolean(rows[0]?.strong)
}

/** A sentence for a schema that this program must not touch or cannot serve. */
export function refuseSchema(state: SchemaState): void {
  if (state.state === 'newer') {
    throw new Refusal(
      `The database schema (${state.found}) is newer than this program (${state.known}): run the Comity release that migrated it, or a later one.`,
      3,
    )
  }
  if (state.state === 'changed') {
    throw new Refusal(
      `Migration ${state.name} differs from the one that made this database: use an unmodified release of Comity.`,
      3,
    )
  }
}

/** Opens one plain connection; @throws Refusal (3) with a sentence when the server does not answer or lets us in. */
export async function connect(url: string, name = 'comity'): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    application_name: name,
    connectionTimeoutMillis: 5_000,
  })
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (error) {
    await client.end().catch(() => {})
    throw new Refusal(
      `The database does not answer (${reason(error)}): check ${redact(url)} and that it runs.`,
      3,
    )
  }
  return client
}

export function reason(error: unknown): string {
  const e = error as { message?: string; code?: string; errors?: { message: string }[] }
  return e.message || e.errors?.[0]?.message || e.code || 'no connection'
}

/** A database URL without its password. */
export function redact(url: string): string {
  try {
    const u = new URL(url)
    if (u.password) u.password = '***'
    return u.toString()
  } catch {
    return '(unreadable URL)'
  }
}

/**
 * Applies what is missing, in order, under an advisory lock.
 * @returns names of the migrations applied (or that would be, with dryRun)
 */
export async function migrate(url: string, options: { dryRun?: boolean } = {}): Promise<string[]> {
  const client = await connect(url, 'comity migrate')
  try {
    await client.query('select pg_advisory_lock(7240000)')
    const before = await schemaState(client)
    refuseSchema(before)
    if (before.state === 'current') return []
    const missing = 'missing' in before ? before.missing : []
    if (options.dryRun) return missing
    await prepareRoles(client)
    for (const migration of migrations().filter((m) => missing.includes(m.name))) {
      await applySteps(client, migration)
    }
    await seedKeys(client)
    return missing
  } finally {
    await client.end().catch(() => {})
  }
}

/** The owner that nobody logs in as, the weak role that serves, and the schema. */
async function prepareRoles(client: pg.Client): Promise<void> {
  const create = (role: string, attributes: string) => `do $$ begin
      if not exists (select from pg_roles where rolname = '${role}') then create role ${role} ${attributes}; end if;
    exception when duplicate_object or unique_violation then null; end $$`
  try {
    await client.query(create('comity_owner', 'nologin'))
    await client.query(create('comity_app', 'nologin nobypassrls'))
    await client.query(`do $$ begin
      if not pg_has_role(current_user, 'comity_owner', 'member') or current_setting('server_version_num')::int >= 160000 then
        grant comity_owner to current_user; end if;
      if not pg_has_role(current_user, 'comity_app', 'member') or current_setting('server_version_num')::int >= 160000 then
        grant comity_app to current_user; end if;
    exception when others then
      if not pg_has_role(current_user, 'comity_owner', 'member') then raise; end if; end $$`)
    await client.query('begin')
    await client.query('create schema if not exists comity authorization comity_owner')
    await client.query('set local role comity_owner')
    await client.query('grant usage on schema comity to comity_app')
    await client.query(`create table if not exists comity.migration (
      number int primary key, name text not null, checksum text not null, applied timestamptz not null default now())`)
    await client.query('alter table comity.migration enable row level security')
    await client.query('alter table comity.migration force row level security')
    await client.query(`do $$ begin
      create policy owner_all on comity.migration to comity_owner using (true) with check (true);
      create policy app_read on comity.migration for select to comity_app using (true);
    exception when duplicate_object then null; end $$`)
    await client.query('grant select on comity.migration to comity_app')
    await client.query('commit')
  } catch (error) {
    await client.query('rollback').catch(() => {})
    throw new Refusal(
      `The roles comity_owner and comity_app cannot be prepared (${reason(error)}): give a role that may create roles and schemas in DATABASE_OWNER_URL.`,
      3,
    )
  }
}

/** Keys that all nodes share: made once, by the database that they protect. */
async function seedKeys(client: pg.Client): Promise<void> {
  await client.query('begin')
  await client.query('set local role comity_owner')
  for (const key of ['cursor_key', 'jwt_key', 'token_key']) {
    await client.query('insert into comity.setting (key, value) values ($1, $2) on conflict do nothing', [
      key,
      randomBytes(32).toString('hex'),
    ])
  }
  // Signs the heads of the delivery ledger (policy.md §13).
  const { privateKey } = generateKeyPairSync('ed25519')
  await client.query(
    `insert into comity.setting (key, value) values ('ledger_key', $1) on conflict do nothing`,
    [privateKey.export({ format: 'der', type: 'pkcs8' }).toString('hex')],
  )
  await client.query('commit')
}
