/** What `comity doctor` asks the database about itself. */
import type { Micros } from '../time.ts'
import type { Database } from './pool.ts'
import { sql } from './sql.ts'

export interface RoleFacts {
  superuser: boolean
  bypassesRls: boolean
  createsRoles: boolean
  ownerMember: boolean
  /** Tables, functions and schemas that belong to it in this database. */
  owns: number
}

export async function serverVersion(db: Database): Promise<number> {
  return (await db.one<{ v: number }>(sql`select current_setting('server_version_num')::int as v`)).v
}

/** The role that requests run as; null when it does not exist. */
export async function appRole(db: Database): Promise<RoleFacts | null> {
  const [row] = await db.rows<RoleFacts>(sql`select rolsuper as superuser, rolbypassrls as "bypassesRls",
      rolcreaterole as "createsRoles",
      pg_has_role(oid, (select oid from pg_roles where rolname = 'comity_owner'), 'member') as "ownerMember",
      ((select count(*) from pg_class where relowner = r.oid) + (select count(*) from pg_proc where proowner = r.oid)
        + (select count(*) from pg_namespace where nspowner = r.oid))::int as owns
    from pg_roles r where rolname = 'comity_app'`)
  return row ?? null
}

/** Tables whose row-level security is off or not forced. */
export async function openTables(db: Database): Promise<string[]> {
  const rows = await db.rows<{ name: string }>(sql`select relname as name from pg_class
    where relnamespace = 'comity'::regnamespace and relkind in ('r', 'p')
      and not (relrowsecurity and relforcerowsecurity) order by 1`)
  return rows.map((r) => r.name)
}

/** Ways round the walls: definer functions without a fixed search_path, views that read as their owner. */
export async function looseObjects(db: Database): Promise<string[]> {
  const rows = await db.rows<{ name: string }>(sql`
    select 'function ' || proname as name from pg_proc where pronamespace = 'comity'::regnamespace and prosecdef
      and not exists (select from unnest(proconfig) as c where c like 'search_path=%')
    union all
    select 'view ' || relname from pg_class where relnamespace = 'comity'::regnamespace and relkind in ('v', 'm')
      and not coalesce('security_invoker=true' = any (reloptions) or 'security_invoker=on' = any (reloptions), false)`)
  return rows.map((r) => r.name)
}

export async function databaseTime(db: Database): Promise<Micros> {
  const { at } = await db.one<{ at: string }>(
    sql`select (extract(epoch from clock_timestamp()) * 1000000)::bigint::text as at`,
  )
  return BigInt(at)
}

export async function topologySize(db: Database): Promise<{ principals: number; collections: number }> {
  return await db.one(sql`select (select count(*)::int from principal) as principals,
    (select count(*)::int from collection) as collections`)
}

/** As what a statement of the serving pool runs. */
export async function servingFacts(db: Database): Promise<{ role: string; path: string }> {
  return await db.one(sql`select current_user::text as role, current_schema()::text as path`)
}

/** How far a standby is behind: WAL that it has not replayed, and the age of the last transaction that it has. */
export async function replicaLag(
  primary: Database,
  standby: Database,
): Promise<{ bytes: number; seconds: number }> {
  const { lsn } = await primary.one<{ lsn: string }>(sql`select pg_current_wal_lsn()::text as lsn`)
  return await standby.one(sql`select greatest(0, pg_wal_lsn_diff(${lsn}::pg_lsn, pg_last_wal_replay_lsn()))::float8 as bytes,
    coalesce(extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()), 0)::float8 as seconds`)
}
