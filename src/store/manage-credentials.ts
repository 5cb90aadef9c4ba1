/** What the operator's commands do to credentials: API tokens and passwords, each change in the audit. */
import type { Micros } from '../time.ts'
import type { Database } from './pool.ts'
import { sql } from './sql.ts'

export interface NewToken {
  principal: string
  name: string
  prefix: string
  hash: Buffer
  maxTlp: string | null
  scopes: readonly string[]
  collections: readonly string[] | null
  expires: Micros | null
  cidrs: readonly string[] | null
}

export interface ListedToken {
  id: string
  principal: string
  name: string
  prefix: string
  maxTlp: string | null
  scopes: string[]
  collections: string[] | null
  expires: Micros | null
  cidrs: string[] | null
  created: Micros
  declared: boolean
  lastUsed: Micros | null
}

/** Of the database alone: under it, tokens are stored. Null before the first migration. */
export async function readTokenKey(db: Database): Promise<Buffer | null> {
  const [row] = await db.rows<{ value: string }>(sql`select value from setting where key = 'token_key'`)
  return row ? Buffer.from(row.value, 'hex') : null
}

export async function principalIds(db: Database): Promise<string[]> {
  return (await db.rows<{ id: string }>(sql`select id from principal order by id`)).map((p) => p.id)
}

/** Ids and aliases of all collections. */
export async function collectionNames(db: Database): Promise<Set<string>> {
  const rows = await db.rows<{ name: string }>(
    sql`select id::text as name from collection union select alias from collection where alias is not null`,
  )
  return new Set(rows.map((r) => r.name))
}

/** @returns false when the principal has a token of that name already */
export async function addToken(db: Database, token: NewToken, now: Micros): Promise<boolean> {
  const { principal, name, prefix, maxTlp, scopes, collections, expires, cidrs } = token
  const detail = JSON.stringify({ principal, name, prefix, maxTlp, scopes, collections, cidrs })
  const rows = await db.rows(sql`with made as (
      insert into token (principal, name, prefix, value_hash, max_tlp, scopes, collections, expires, cidrs, created)
      values (${principal}, ${name}, ${prefix}, ${token.hash}::bytea, ${maxTlp}, ${scopes}::text[], ${collections}::text[],
        ${expires}::bigint, ${cidrs}::text[], ${now}::bigint)
      on conflict (principal, name) do nothing returning id
    )
    insert into audit (at, actor, action, detail)
    select ${now}::bigint, 'comity token', 'token created', ${detail}::jsonb from made returning id`)
  return rows.length > 0
}

export async function listTokens(db: Database, principal: string | null): Promise<ListedToken[]> {
  const rows = await db.rows<Record<'expires' | 'created' | 'lastUsed', string | null> & ListedToken>(
    sql`select t.id::text, t.principal, t.name, t.prefix, t.max_tlp as "maxTlp", t.scopes, t.collections,
      t.expires::text, t.cidrs, t.created::text, t.declared, u.last_used::text as "lastUsed"
    from token t left join token_use u on u.token = t.id
    where ${principal}::text is null or t.principal = ${principal} order by t.principal, t.name`,
  )
  const micros = (text: string | null) => (text === null ? null : BigInt(text))
  return rows.map((t) => ({
    ...t,
    expires: micros(t.expires),
    created: micros(t.created) ?? 0n,
    lastUsed: micros(t.lastUsed),
  }))
}

export async function removeToken(db: Database, token: ListedToken, now: Micros): Promise<void> {
  const { id, principal, name, prefix } = token
  await db.rows(sql`with gone as (delete from token where id = ${id}::uuid returning id)
    insert into audit (at, actor, action, detail)
    select ${now}::bigint, 'comity token', 'token revoked', ${JSON.stringify({ principal, name, prefix })}::jsonb from gone`)
}

/** @returns false when there is no such principal */
export async function storePassword(
  db: Database,
  principal: string,
  hash: string,
  now: Micros,
): Promise<boolean> {
  const rows = await db.rows(sql`with done as (
      update principal set password_hash = ${hash}, changed = greatest(changed + 1, ${now}::bigint)
      where id = ${principal} returning id
    )
    insert into audit (at, actor, action, detail)
    select ${now}::bigint, 'comity password', 'password set', jsonb_build_object('principal', id) from done returning id`)
  return rows.length > 0
}
