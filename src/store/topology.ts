/** Brings the database to a declared topology in one transaction, and says what changed (policy.md §12). */
import type pg from 'pg'
import { Refusal } from '../errors.ts'
import { hashPassword, verifyPassword } from '../policy/credentials.ts'
import type { DeclaredTopology } from '../policy/declared.ts'
import type { Micros } from '../time.ts'
import { overClient } from './client.ts'
import { sql } from './sql.ts'
import { syncAgreements, syncBaseline } from './topology-agreements.ts'
import { findConflict } from './topology-conflicts.ts'
import { type Change, drop, gone, type Run, sync } from './topology-diff.ts'
import { dropPrincipals, dropTokens, readTokens, syncPrincipals, syncTokens } from './topology-principals.ts'
import { dropCollections, dropRoots, readCollections, syncCollections, syncRoots } from './topology-roots.ts'
import { endOrphans, noteOthers, syncOptOuts, syncVetoes } from './topology-vetoes.ts'

export type { Change } from './topology-diff.ts'

export interface ApplyOptions {
  /** Also removes what is not declared any more. */
  prune: boolean
  /** Does everything, then rolls back. */
  dryRun: boolean
  now: Micros
  /** The keyed hash under which the database stores a token with this SHA-256. */
  hashToken(sha256Hex: string): Buffer
  /** Told what the operator should know and that is no change. */
  note?(sentence: string): void
}

/** One apply at a time; migrations use 7240000, audiences 7240001. */
const LOCK = 7240002

/**
 * Applies a topology. What is declared is declared whole: a key left out has its default, except the password,
 * which stays. Without `prune` nothing else is removed. When nothing differs, nothing is written.
 * @param client a connection as comity_owner, not in a transaction
 * @throws Refusal when the declared and the stored cannot stand together; nothing is changed then
 */
export async function applyTopology(
  client: pg.PoolClient,
  declared: DeclaredTopology,
  options: ApplyOptions,
): Promise<Change[]> {
  const { rows } = overClient(client)
  const judged = new Map<string, Judged>()
  await judgePasswords(rows, declared, judged)
  await client.query('begin')
  try {
    await rows(sql`select pg_advisory_xact_lock(${LOCK})`)
    const passwords = await judgePasswords(rows, declared, judged)
    const note = options.note ?? (() => {})
    const run: Run = { rows, changes: [], prune: options.prune, now: options.now, note }
    await applyAll(run, declared, passwords, options.hashToken)
    if (run.changes.length > 0) {
      const conflict = await findConflict(run)
      if (conflict) throw new Refusal(conflict)
      await rows(sql`insert into audit (at, actor, action, detail) values
        (${options.now}, 'comity apply', 'topology', ${JSON.stringify({ changes: run.changes })}::jsonb)`)
    }
    await client.query(options.dryRun ? 'rollback' : 'commit')
    return run.changes
  } catch (error) {
    await client.query('rollback').catch(() => {})
    throw error
  }
}

async function applyAll(
  run: Run,
  declared: DeclaredTopology,
  passwords: ReadonlyMap<string, string>,
  hashToken: (sha256Hex: string) => Buffer,
): Promise<void> {
  const { rows } = run
  const tokens = declared.principals.flatMap((p) =>
    p.tokens.map((t) => ({ ...t, principal: p.id, hash: hashToken(t.sha256).toString('hex') })),
  )
  const storedTokens = await readTokens(run)
  const storedCollections = await readCollections(run)

  // What must go first makes room: names, aliases and token values are unique.
  await dropTokens(run, declared.principals, tokens, storedTokens)
  if (run.prune) {
    await dropPrincipals(run, declared.principals)
    await dropCollections(run, declared.roots, storedCollections)
    await dropRoots(run, declared.roots)
  }

  const countries = await rows<DeclaredTopology['countries'][number]>(
    sql`select code, clearance, adhoc_release as "adhocRelease" from country order by code`,
  )
  await sync(run, 'country', countries, declared.countries, {
    name: (c) => c.code,
    put: (
      c,
    ) => sql`insert into country (code, clearance, adhoc_release) values (${c.code}, ${c.clearance}, ${c.adhocRelease})
      on conflict (code) do update set clearance = excluded.clearance, adhoc_release = excluded.adhoc_release`,
  })
  const organizations = await rows<DeclaredTopology['organizations'][number]>(
    sql`select id, name, country, kind, clearance, clients from organization order by id`,
  )
  await sync(run, 'organization', organizations, declared.organizations, {
    name: (o) => o.id,
    put: (o, stored) => sql`with rosters as (
        update organization set changed = ${run.now}::bigint
          where id <> ${o.id} and (id = any (${o.clients}::text[])) <> (id = any (${stored?.clients ?? []}::text[]))
      )
      insert into organization as o (id, name, country, kind, clearance, clients, changed)
      values (${o.id}, ${o.name}, ${o.country}, ${o.kind}, ${o.clearance}, ${o.clients}::text[], 0)
      on conflict (id) do update set name = excluded.name, country = excluded.country, kind = excluded.kind,
        clearance = excluded.clearance, clients = excluded.clients,
        changed = case when (o.country, o.kind, o.clearance, o.clients)
          is distinct from (excluded.country, excluded.kind, excluded.clearance, excluded.clients)
          then ${run.now}::bigint else o.changed end`,
  })
  const communities = await rows<DeclaredTopology['communities'][number]>(
    sql`select id, title, members from community order by id`,
  )
  await sync(run, 'community', communities, declared.communities, {
    name: (c) => c.id,
    put: (c) => sql`insert into community as c (id, title, members, changed)
      values (${c.id}, ${c.title}, ${c.members}::text[], ${run.now}::bigint)
      on conflict (id) do update set title = excluded.title, members = excluded.members,
        changed = case when c.members is distinct from excluded.members then excluded.changed else c.changed end`,
  })
  await syncPrincipals(run, declared.principals, passwords)
  await syncTokens(run, tokens, storedTokens)
  await syncAgreements(run, declared.agreements)
  await syncVetoes(run, declared.vetoes)
  await syncOptOuts(run, declared.optOuts)
  await syncBaseline(run, declared.baseline)
  await syncRoots(run, declared.roots)
  await syncCollections(run, declared.roots, storedCollections)

  if (run.prune) {
    for (const { id } of gone(communities, declared.communities, (c) => c.id)) {
      await drop(run, 'community', id, sql`delete from community where id = ${id}`)
    }
    for (const { id } of gone(organizations, declared.organizations, (o) => o.id)) {
      await drop(run, 'organization', id, sql`delete from organization where id = ${id}`)
    }
    for (const { code } of gone(countries, declared.countries, (c) => c.code)) {
      await drop(run, 'country', code, sql`delete from country where code = ${code}`)
    }
    await endOrphans(run)
  }
  await noteOthers(run)
}

/** A declared password against the stored hash that it was compared with; `store` = what to put in its place. */
interface Judged {
  seen: string | null
  store: string | null
}

/**
 * Hashes to store, by principal: only where the declared password is not the stored one already. Called before the
 * transaction, since scrypt is slow and lock and connection should not wait for it, and once more in it, when only
 * what somebody else has changed meanwhile is compared again.
 */
async function judgePasswords(
  rows: Run['rows'],
  declared: DeclaredTopology,
  judged: Map<string, Judged>,
): Promise<ReadonlyMap<string, string>> {
  const stored = new Map(
    (
      await rows<{ id: string; hash: string | null }>(sql`select id, password_hash as hash from principal`)
    ).map(({ id, hash }) => [id, hash]),
  )
  await Promise.all(
    declared.principals.map(async ({ id, password }) => {
      const seen = stored.get(id) ?? null
      if (password === null || judged.get(id)?.seen === seen) return
      let store: string | null = null
      if ('hash' in password) store = password.hash === seen ? null : password.hash
      else if (seen === null || !(await verifyPassword(password.clear, seen))) {
        store = await hashPassword(password.clear)
      }
      judged.set(id, { seen, store })
    }),
  )
  return new Map([...judged].flatMap(([id, { store }]) => (store === null ? [] : [[id, store]])))
}
