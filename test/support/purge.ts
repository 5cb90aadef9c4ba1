/** Deletes from a database everything that one reader may not see, as the owner, touching no visible position. */
import type pg from 'pg'
import type { DeclaredTopology } from '../../src/policy/declared.ts'
import type { Subject } from '../../src/policy/model.ts'
import type { Micros } from '../../src/time.ts'
import { mayRead } from '../matrix/reference.ts'
import { refsIn } from './plain-disclosed.ts'
import { nameOf, type PlainStore, type Row } from './plain-store.ts'
import { purgeAnswers } from './purge-answers.ts'
import { purgeCopies } from './purge-copies.ts'

export interface Purged {
  /**
   * Ids by which the reader may itself make visible what is hidden: its own organization has hidden copies of them, or
   * hidden rows refer to them, over whatever lies between, that nothing else hides (or whose recalls it hears of); or
   * references to its organization's copies of them are taken out of what it gets; or an object of its organization of which
   * others have other copies leads to them: these are made anew with the first of its writes, and what they were before is not
   * there to be recalled.
   */
  entangled: Set<string>
  hidden: number
  kept: number
  /** Ids of what its organization sent and it gets copies of: here that is all there is of them, until something is written to it. */
  copied: ReadonlySet<string>
}

/** @param client the owner's connection to the database to empty */
export async function purge(
  client: pg.Client,
  declared: DeclaredTopology,
  store: PlainStore,
  reader: Subject | null,
  now: Micros,
): Promise<Purged> {
  const me = reader?.principal.id ?? ''
  // Who may only write has the copies that it submitted itself to collide with (§9).
  const kept = store.rows.filter((row) => {
    if (store.sees(reader, row, now)) return true
    const rights = store.rights(reader, row.collectionId)
    if (rights?.write && row.standard) return true
    return rights?.write === true && row.principal === me && store.admits(reader, row, now)
  })
  const hidden = store.rows.filter((row) => !kept.includes(row))
  const targets = await targetsOf(client)
  const copied = await copiedRows(client)
  const copies = kept.filter((row) => row.organization === reader?.organization.id && copied.has(nameOf(row)))
  const entangled = entangledBy(store, { kept, hidden, targets, copies }, reader, now)
  const counters = await countersOf(client)
  // One form for what follows.
  await client.query(
    'update delivery set parts = parts_text::jsonb, parts_text = null where parts_text is not null',
  )
  await client.query(
    `delete from item where (collection, position) in (select * from unnest($1::int[], $2::bigint[]))`,
    [hidden.map((r) => r.collection), hidden.map((r) => r.position.toString())],
  )
  await purgeCopies(client, store, kept, reader, now)
  await purgeReferences(client, store, kept, reader, now)
  await purgeTombstones(client, store, reader, now)
  await purgeAnswers(client, store, reader, now)
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
  // Of renderings that are gone; what hangs on rows has gone with them.
  await client.query(`delete from match_row k where rank is not null and not exists (select from rendering r
    where r.collection = k.collection and r.accepted = k.accepted and r.audience = k.audience)`)
  for (const table of ['match_posting', 'match_audience'])
    await client.query(`delete from ${table} m where not exists (select from match_row k
      where k.collection = m.collection and k.audience = m.audience)`)
  await client.query(`delete from audience where id not in
    (select audience from item union select label from item union select audience from tombstone
      union select audience from rendering union select audience from former union select audience from ledger_entry
      union select (p ->> 'audience')::int from delivery, jsonb_array_elements(parts) p
      union select unnest(audiences) from delivery union select unnest(audiences) from recall
      union select abs(known) from reference where known is not null
      union select (c ->> 'audience')::int from recall, jsonb_each(copies) as p (place, texts),
        jsonb_array_elements((texts -> 'was') || (texts -> 'now')) c
      union select x from item, lateral (values (marks), (need)) as v (x) where x is not null)`)
  const { rows: ids } = await client.query(
    'select collection, array_agg(distinct object_id) as ids from item where not standard group by 1',
  )
  for (const row of ids) await client.query('select relink($1, $2)', [row.collection, row.ids])
  await client.query(`delete from collection_audience a where not exists
    (select from item i where i.collection = a.collection and a.audience in (i.audience, i.label))`)
  await restore(client, counters)
  return {
    entangled,
    copied: new Set(copies.map((row) => row.id)),
    hidden: hidden.length,
    kept: kept.filter((r) => !r.standard).length,
  }
}

interface Left {
  kept: readonly Row[]
  hidden: readonly Row[]
  targets: Targets
  /** Of what its organization sent those that have several copies. */
  copies: readonly Row[]
}

/** See `Purged`. */
function entangledBy(
  store: PlainStore,
  { kept, hidden, targets, copies }: Left,
  reader: Subject | null,
  now: Micros,
): Set<string> {
  const ids = new Set(hidden.filter((r) => r.organization === reader?.organization.id).map((r) => r.id))
  // A custodian hears of all recalls of its organization's objects.
  const told = (row: Row) =>
    reader?.principal.custodian === true && row.organization === reader.organization.id
  const admitted = hidden.filter(
    (row) =>
      told(row) ||
      mayRead(
        store.topology,
        reader,
        { own: [...store.labels(row)], origin: row.organization, submitter: row.principal },
        now,
      ),
  )
  const taken = kept.flatMap((row) =>
    takenOut(store, store.viewOf(reader, row, now), row).filter(
      (ref) => store.references.targets.get(nameOf(row))?.get(ref) === reader?.organization.id,
    ),
  )
  for (const target of taken) ids.add(target)
  for (const id of reachedFrom(
    copies.map((row) => row.id),
    targets,
  ))
    ids.add(id)
  for (const id of reachedFrom([...admitted.map((row) => row.id), ...taken], targets)) ids.add(id)
  return ids
}

async function copiedRows(client: pg.Client): Promise<Set<string>> {
  const { rows } = await client.query(
    `select collection || ' ' || accepted as name from rendering group by collection, accepted having count(*) > 1`,
  )
  return new Set(rows.map(({ name }) => String(name)))
}

type Targets = ReadonlyMap<string, readonly string[]>

/** What objects refer to, by id. */
async function targetsOf(client: pg.Client): Promise<Targets> {
  const { rows } = await client.query(`select i.object_id as source, array_agg(distinct r.target) as targets
    from reference r join item i on i.collection = r.collection and i.accepted = r.source group by 1`)
  return new Map(rows.map((row) => [row.source, row.targets]))
}

/** What these lead to, over any number of steps. */
function reachedFrom(ids: readonly string[], targets: Targets): Set<string> {
  const found = new Set<string>()
  const reached = new Set<string>(ids)
  for (const id of reached) {
    for (const target of targets.get(id) ?? []) {
      reached.add(target)
      found.add(target)
    }
  }
  return found
}

interface Counters {
  epoch: string
  rewritten: { collection: number; rewritten: string }[]
}

/** Nobody writes while the database is emptied: that it was is no event (they are in the ledger's chain). */
async function countersOf(client: pg.Client): Promise<Counters> {
  const { rows } = await client.query('select epoch::text from state')
  const heads = await client.query('select collection, rewritten::text from collection_head')
  return { epoch: rows[0].epoch, rewritten: heads.rows }
}

async function restore(client: pg.Client, { epoch, rewritten }: Counters): Promise<void> {
  for (const head of rewritten) {
    await client.query('update collection_head set rewritten = $2 where collection = $1', [
      head.collection,
      head.rewritten,
    ])
  }
  await client.query('update state set epoch = $1', [epoch])
}

/** References to what the reader may not see, which are not in its copy either; those that wait stay. */
async function purgeReferences(
  client: pg.Client,
  store: PlainStore,
  kept: readonly Row[],
  reader: Subject | null,
  now: Micros,
): Promise<void> {
  for (const row of kept) {
    const gone = takenOut(store, store.viewOf(reader, row, now), row)
    await client.query('delete from reference where collection = $1 and source = $2 and target = any ($3)', [
      row.collection,
      row.accepted.toString(),
      gone,
    ])
  }
}

/** References of a row that its reader's copy does not have. */
function takenOut(store: PlainStore, view: ReturnType<PlainStore['view']>, row: Row): string[] {
  const copy = view.copy(row)
  const shown = new Set(copy === null || row.standard ? [] : refsIn(JSON.parse(copy)))
  return [...(store.references.targets.get(nameOf(row))?.keys() ?? [])].filter((ref) => !shown.has(ref))
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
    const rights = store.rights(reader, collection)
    const readable = rights?.read || rights?.open
    if (
      readable &&
      mayRead(store.topology, store.eyes(reader, collection), { origin: organization, ...record }, now)
    )
      continue
    await client.query('delete from tombstone where ctid = $1::tid', [at])
  }
}
