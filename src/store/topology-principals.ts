/** Principals and their tokens, brought to what is declared. */
import type { DeclaredPrincipal, DeclaredToken } from '../policy/declared.ts'
import { formatMicros } from '../time.ts'
import { type Sql, sql } from './sql.ts'
import { drop, gone, type Run, sync } from './topology-diff.ts'

type PrincipalRow = Omit<DeclaredPrincipal, 'password' | 'tokens'>

async function readPrincipals(run: Run): Promise<PrincipalRow[]> {
  return await run.rows(
    sql`select id, organization, kind, clearance, custodian, active from principal order by id`,
  )
}

/** @param passwords hashes to store, by principal; the others keep theirs */
export async function syncPrincipals(
  run: Run,
  declared: readonly DeclaredPrincipal[],
  passwords: ReadonlyMap<string, string>,
): Promise<void> {
  const rows = declared.map(({ password: _, tokens: __, ...row }): PrincipalRow => row)
  const stored = await readPrincipals(run)
  const known = new Set(stored.map((p) => p.id))
  await sync(run, 'principal', stored, rows, {
    name: (p) => p.id,
    also: (p) => (passwords.has(p.id) ? `password: ${known.has(p.id) ? 'changed' : 'set'}` : ''),
    put: (p) => {
      const hash = passwords.get(p.id) ?? null
      return sql`insert into principal as p (id, organization, kind, clearance, custodian, active, password_hash, changed)
        values (${p.id}, ${p.organization}, ${p.kind}, ${p.clearance}, ${p.custodian}, ${p.active}, ${hash}::text, ${run.now}::bigint)
        on conflict (id) do update set organization = excluded.organization, kind = excluded.kind,
          clearance = excluded.clearance, custodian = excluded.custodian, active = excluded.active,
          password_hash = coalesce(excluded.password_hash, p.password_hash),
          changed = case when excluded.password_hash is null then p.changed else greatest(excluded.changed, p.changed + 1) end`
    },
  })
}

export async function dropPrincipals(run: Run, declared: readonly DeclaredPrincipal[]): Promise<void> {
  for (const { id } of gone<{ id: string }>(await readPrincipals(run), declared, (p) => p.id)) {
    await drop(run, 'principal', id, sql`delete from principal where id = ${id}`)
  }
}

/** A declared token with its owner and the hash that the database knows it by, in hex. */
export type OwnedToken = DeclaredToken & { principal: string; hash: string }

interface StoredToken {
  principal: string
  name: string
  hash: string
  maxTlp: string | null
  scopes: string[]
  collections: string[] | null
  /** Spelled out, so that a change reads well. */
  expires: string | null
  cidrs: string[] | null
  declared: boolean
}

const key = (t: { principal: string; name: string }) => `${t.principal}/${t.name}`

export async function readTokens(run: Run): Promise<StoredToken[]> {
  const rows = await run.rows<StoredToken>(sql`select principal, name, encode(value_hash, 'hex') as hash,
    max_tlp as "maxTlp", scopes, collections, expires::text, cidrs, declared from token order by principal, name`)
  return rows.map((t) => ({ ...t, expires: t.expires === null ? null : formatMicros(BigInt(t.expires)) }))
}

/**
 * Removes stored tokens in the way of a declared one (same name with another value, same value under another name)
 * and, with prune, those that a file declared once and no longer does. Tokens made by hand stay with their owner.
 */
export async function dropTokens(
  run: Run,
  principals: readonly DeclaredPrincipal[],
  declared: readonly OwnedToken[],
  stored: readonly StoredToken[],
): Promise<void> {
  const byKey = new Map(declared.map((t) => [key(t), t]))
  const byHash = new Map(declared.map((t) => [t.hash, t]))
  const owners = new Set(principals.map((p) => p.id))
  for (const token of stored) {
    const statement = sql`delete from token where principal = ${token.principal} and name = ${token.name}`
    const [same, owner] = [byKey.get(key(token)), byHash.get(token.hash)]
    if (same && same.hash !== token.hash) await run.rows(statement)
    else if (!same && owner) {
      await drop(run, 'token', key(token), statement, `value is now that of ${key(owner)}`)
    } else if (!same && run.prune && token.declared && owners.has(token.principal)) {
      await drop(run, 'token', key(token), statement)
    }
  }
}

/** After dropTokens: what is still stored under a declared name has the declared value. */
export async function syncTokens(
  run: Run,
  declared: readonly OwnedToken[],
  stored: readonly StoredToken[],
): Promise<void> {
  const sources = new Map(declared.map((t) => [key(t), t]))
  const values = new Map(stored.map((t) => [key(t), t.hash]))
  const rows = declared.map(
    (t): StoredToken => ({
      principal: t.principal,
      name: t.name,
      hash: t.hash,
      maxTlp: t.maxTlp,
      scopes: t.scopes,
      collections: t.collections,
      expires: t.expires === null ? null : formatMicros(t.expires),
      cidrs: t.cidrs,
      declared: true,
    }),
  )
  const replaced = (t: StoredToken) => (values.get(key(t)) ?? t.hash) !== t.hash
  for (const row of rows.filter(replaced)) {
    const source = sources.get(key(row))
    if (source) await run.rows(insertToken(run, source))
    run.changes.push({ action: 'change', kind: 'token', name: key(row), detail: 'value: changed' })
  }
  const rest = rows.filter((t) => !replaced(t))
  await sync<StoredToken>(run, 'token', stored, rest, {
    name: key,
    put: (row, before) => {
      const t = sources.get(key(row)) as OwnedToken
      return before
        ? sql`update token set max_tlp = ${t.maxTlp}, scopes = ${t.scopes}::text[], collections = ${t.collections}::text[],
            expires = ${t.expires}::bigint, cidrs = ${t.cidrs}::text[], declared = true
            where principal = ${t.principal} and name = ${t.name}`
        : insertToken(run, t)
    },
  })
}

/** A token of another form than ours is listed by its keyed hash: its own first characters might give it away. */
function insertToken(run: Run, t: OwnedToken): Sql {
  return sql`insert into token (principal, name, prefix, value_hash, max_tlp, scopes, collections, expires, cidrs, created, declared)
    values (${t.principal}, ${t.name}, ${t.prefix ?? `hash:${t.hash.slice(0, 8)}`}, decode(${t.hash}, 'hex'), ${t.maxTlp},
      ${t.scopes}::text[], ${t.collections}::text[], ${t.expires}::bigint, ${t.cidrs}::text[], ${run.now}::bigint, true)`
}
