/** Reads the topology, credentials and audiences: what a node keeps in memory, and whether it is still true. */
import type { AudienceRecord, Collection, Root, Tlp, Token, World } from '../policy/model.ts'
import type { Database, Pool } from './pool.ts'
import { sql } from './sql.ts'
import { readTopology } from './topology-read.ts'

/** What `fresh` compares: the epoch and the number of audiences that a world was read at. */
export interface Mark {
  epoch: bigint
  audiences: number
}

/** The mark, what full pages that are kept depend on, and which history of the database it is of. */
export interface Pulse extends Mark {
  rewritten: World['rewritten']
  /** Another one after a failover or a restore; '' of a standby. */
  timeline: string
}

/** Eight hexadecimal digits; '' on a standby, which cannot say. */
export const TIMELINE = sql`case when pg_is_in_recovery() then '' else left(pg_walfile_name(pg_current_wal_lsn()), 8) end`

export async function readPulse(db: Database): Promise<Pulse> {
  return await db.one<Pulse>(sql`select (select epoch from state) as epoch,
    (select coalesce(max(id), 0) from audience)::int as audiences,
    (select coalesce(json_object_agg(collection, rewritten::text), '{}') from collection_head) as rewritten,
    ${TIMELINE} as timeline`)
}

/** How far the log of a collection has come for a reader: no row that it sees lies after it; null = it sees none. */
export async function readVisibleHead(
  db: Database,
  collection: number,
  bits: string,
  size: number,
): Promise<Mark & { head: bigint | null }> {
  return await db.one(sql`select (select epoch from state) as epoch,
    (select coalesce(max(id), 0) from audience)::int as audiences,
    (select max(last) from collection_audience where collection = ${collection}
      and get_bit(${bits}::bytea, least(audience, ${size}::int)) = 1) as head`)
}

/** Audiences with an id above `after`, in order of id. */
export async function readAudiences(
  db: Database,
  after: number,
): Promise<{ id: number; record: AudienceRecord }[]> {
  return await db.rows(sql`select id, record from audience where id > ${after} order by id`)
}

/** Rows ever appended per collection and audience. */
export async function readBreadth(db: Database): Promise<Map<number, Map<number, number>>> {
  const found = new Map<number, Map<number, number>>()
  for (const row of await db.rows<{ collection: number; audience: number; appended: bigint }>(
    sql`select collection, audience, appended from collection_audience`,
  )) {
    const collection = found.get(row.collection) ?? new Map<number, number>()
    collection.set(row.audience, Number(row.appended))
    found.set(row.collection, collection)
  }
  return found
}

/** Reads everything in one snapshot. */
export async function readWorld(pool: Pool): Promise<World> {
  return await pool.transaction(async (db) => {
    await db.rows(sql`set transaction isolation level repeatable read, read only`)
    const mark = await readPulse(db)
    const list = <T>(statement: ReturnType<typeof sql>) => db.rows<T>(statement)
    const topology = await readTopology(db)
    const roots = await list<Omit<Root, 'collections' | 'byKey'>>(
      sql`select path, title, description, is_default as "isDefault" from api_root order by path`,
    )
    const collections = await list<Omit<Collection, 'grants'> & { grants: Collection['grants'] }>(
      sql`select seq, root, id::text, alias, title, description, default_marking as "defaultMarking", redaction, refs,
        on_conflict as "onConflict", strict, stix, quarantine, public, match, grants, created,
        match and not exists (select from match_fill f where f.collection = seq) as matched
        from collection order by root, id::text`,
    )
    const tokens = await list<Omit<Token, 'collections'> & { collections: string[] | null }>(
      sql`select id::text, principal, max_tlp as "maxTlp", scopes, collections, expires, cidrs from token`,
    )
    const settings = await list<{ key: string; value: string }>(sql`select key, value from setting`)
    const decisions = await list<{ marking: string; decided: Tlp | 'statement' }>(
      sql`select marking, decided from marking_decision`,
    )
    const audiences: (AudienceRecord | undefined)[] = []
    for (const { id, record } of await readAudiences(db, 0)) audiences[id] = record
    return {
      epoch: mark.epoch,
      topology,
      roots: new Map(
        roots.map((root) => {
          const own = collections.filter((c) => c.root === root.path)
          const byKey = new Map<string, Collection>()
          for (const c of own) if (c.alias) byKey.set(c.alias, c)
          for (const c of own) byKey.set(c.id, c)
          return [root.path, { ...root, collections: own, byKey }]
        }),
      ),
      tokens: new Map(
        tokens.map((t) => [t.id, { ...t, collections: t.collections ? new Set(t.collections) : null }]),
      ),
      settings: new Map(settings.map((s) => [s.key, s.value])),
      decisions: new Map(decisions.map((d) => [d.marking, d.decided])),
      audiences,
      audienceCount: mark.audiences,
      rewritten: mark.rewritten,
    }
  })
}
