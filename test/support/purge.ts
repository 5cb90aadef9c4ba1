/** Deletes from a database everything that one reader may not see, as the owner, touching no visible position. */
import type pg from 'pg'
import type { DeclaredTopology } from '../../src/policy/declared.ts'
import type { Subject } from '../../src/policy/model.ts'
import type { Micros } from '../../src/time.ts'
import { mayRead } from '../matrix/reference.ts'
import type { StixObject } from './client.ts'
import { PlainStore, storedRows } from './plain-store.ts'

export interface Purged {
  /** Ids of which the reader's own organization has copies that the reader may not see. */
  entangled: Set<string>
  hidden: number
  kept: number
}

/** @param client the owner's connection to the database to empty */
export async function purge(
  client: pg.Client,
  declared: DeclaredTopology,
  definitions: readonly StixObject[],
  reader: Subject | null,
  now: Micros,
): Promise<Purged> {
  const store = new PlainStore(declared, await storedRows(client), definitions)
  const me = reader?.principal.id ?? ''
  // Who may only write has the copies that it submitted itself to collide with (§9).
  const kept = store.rows.filter((row) => {
    if (store.sees(reader, row, now)) return true
    const rights = store.rights(reader, row.collectionId)
    if (rights?.write && row.standard) return true
    return rights?.write === true && row.principal === me && store.admits(reader, row, now)
  })
  const hidden = store.rows.filter((row) => !kept.includes(row))
  await client.query(
    `delete from item where (collection, position) in (select * from unnest($1::int[], $2::bigint[]))`,
    [hidden.map((r) => r.collection), hidden.map((r) => r.position.toString())],
  )
  await purgeTombstones(client, store, reader, now)
  await client.query(`delete from status where principal <> $1`, [me])
  await client.query('delete from audit')
  await client.query(`delete from token where principal <> $1`, [me])
  const known = declared.roots
    .flatMap((r) => r.collections)
    .filter((c) => store.rights(reader, c.id) !== null)
  await client.query('delete from collection where not (id = any ($1::uuid[]))', [known.map((c) => c.id)])
  await client.query('delete from collection_head where collection not in (select seq from collection)')
  await client.query('delete from api_root r where not exists (select from collection where root = r.path)')
  await client.query(`update collection_head h set last_added =
    coalesce((select max(position) from item i where i.collection = h.collection), 0)`)
  await client.query(`delete from audience where id not in
    (select audience from item union select label from item union select audience from tombstone
      union select audience from rendering
      union select x from item, lateral (values (marks), (need)) as v (x) where x is not null)`)
  const { rows: ids } = await client.query(
    'select collection, array_agg(distinct object_id) as ids from item where not standard group by 1',
  )
  for (const row of ids) await client.query('select relink($1, $2)', [row.collection, row.ids])
  await client.query(`delete from collection_audience a where not exists
    (select from item i where i.collection = a.collection and a.audience in (i.audience, i.label))`)
  const own = reader?.organization.id
  return {
    entangled: new Set(hidden.filter((r) => r.organization === own).map((r) => r.id)),
    hidden: hidden.length,
    kept: kept.filter((r) => !r.standard).length,
  }
}

async function purgeTombstones(
  client: pg.Client,
  store: PlainStore,
  reader: Subject | null,
  now: Micros,
): Promise<void> {
  const { rows } =
    await client.query(`select t.ctid::text as at, t.organization, c.id::text as collection, a.record
    from tombstone t join audience a on a.id = t.audience join collection c on c.seq = t.collection`)
  for (const { at, organization, collection, record } of rows) {
    const readable = store.rights(reader, collection)?.read
    if (readable && mayRead(store.topology, reader, { origin: organization, ...record }, now)) continue
    await client.query('delete from tombstone where ctid = $1::tid', [at])
  }
}
