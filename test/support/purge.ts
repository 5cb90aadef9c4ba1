/** Deletes from a database everything that one reader may not see, as the owner, touching no visible position. */
import { isDeepStrictEqual } from 'node:util'
import type pg from 'pg'
import type { DeclaredTopology } from '../../src/policy/declared.ts'
import type { AudienceRecord, Label, Subject } from '../../src/policy/model.ts'
import type { Micros } from '../../src/time.ts'
import { mayRead } from '../matrix/reference.ts'
import { refsIn } from './plain-disclosed.ts'
import { nameOf, type PlainStore, type Row } from './plain-store.ts'
import { purgeAnswers } from './purge-answers.ts'

export interface Purged {
  /**
   * Ids by which the reader may itself make visible what is hidden: its own organization has hidden copies of them, or
   * hidden rows refer to them, over whatever lies between, that nothing else hides (or whose recalls it hears of); or
   * references to its organization's copies of them are taken out of what it gets; or recalls of them are not for it as long
   * as it only reads them back; or an object of its organization of which others have other copies leads to them: these are made
   * anew with the first of its writes, and what they were before is not there to be recalled.
   */
  entangled: Set<string>
  hidden: number
  kept: number
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
  const entangled = entangledBy(store, { kept, hidden, targets, copied }, reader, now)
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
  const asleep = await purgeAnswers(client, store, reader, now)
  for (const id of asleep) entangled.add(id)
  for (const id of reachedFrom(asleep, targets)) entangled.add(id)
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
    hidden: hidden.length,
    kept: kept.filter((r) => !r.standard).length,
  }
}

interface Left {
  kept: readonly Row[]
  hidden: readonly Row[]
  targets: Targets
  /** Names of rows that have several copies. */
  copied: ReadonlySet<string>
}

/** See `Purged`. */
function entangledBy(
  store: PlainStore,
  { kept, hidden, targets, copied }: Left,
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
  const copies = kept.filter((row) => row.organization === reader?.organization.id && copied.has(nameOf(row)))
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

/** Of an object with copies the reader's is left: the others, the whole text among them, are no longer there. */
async function purgeCopies(
  client: pg.Client,
  store: PlainStore,
  kept: readonly Row[],
  reader: Subject | null,
  now: Micros,
): Promise<void> {
  const seqs = await client.query('select seq, id::text from collection')
  const eyes = new Map(seqs.rows.map(({ seq, id }) => [seq, store.eyes(reader, id)]))
  const { rows } = await client.query(`select r.collection, r.accepted::text, r.audience, a.record
    from rendering r join audience a on a.id = r.audience order by r.rank desc`)
  const had = new Set<string>()
  for (const { collection, accepted, audience, record } of rows) {
    const name = `${collection} ${accepted}`
    if (!had.has(name) && mayRead(store.topology, eyes.get(collection) ?? null, record, now)) had.add(name)
    else
      await client.query('delete from rendering where collection = $1 and accepted = $2 and audience = $3', [
        collection,
        accepted,
        audience,
      ])
  }
  const stored = await client.query(
    `select collection || ' ' || accepted as name, body from rendering union all
      select collection || ' ' || accepted, body from item where not parted`,
  )
  const texts = new Map<string, string>(stored.rows.map((r) => [r.name, r.body]))
  for (const row of kept) {
    // What is there of it is what the reader gets, and nothing else.
    const view = store.viewOf(reader, row, now)
    if (
      !isDeepStrictEqual(JSON.parse(texts.get(nameOf(row)) ?? 'null'), JSON.parse(view.copy(row) ?? 'null'))
    )
      throw new Error(
        `${reader?.principal.id} ${reader?.cap}: ${texts.get(nameOf(row))} is left, and its reader gets ${view.copy(row)}; ${JSON.stringify(rows.filter((r) => `${r.collection} ${r.accepted}` === nameOf(row)))} ${JSON.stringify([store.labels(row), store.parts(row)])} of ${row.principal}`,
      )
    const left = store.partsLeft(reader, row, now)
    if (left === null) continue
    await purgeNeed(client, store, row, left)
    const where = [row.collection, row.accepted.toString()]
    if (left.length === 0)
      await client.query('delete from part where collection = $1 and accepted = $2', where)
    else
      await client.query(
        `update part set parts = (select coalesce(jsonb_agg(p), '[]') from jsonb_array_elements(parts) p
          where p -> 'selectors' <@ $3::jsonb) where collection = $1 and accepted = $2`,
        [...where, JSON.stringify(left)],
      )
    await renumber(client, where, JSON.parse(row.body), JSON.parse(view.copy(row) ?? '{}'))
  }
}

type Json = Record<string, unknown>

/** Selectors count the elements of lists as they are in the copy, of which references have gone. */
async function renumber(client: pg.Client, where: unknown[], whole: Json, copy: Json): Promise<void> {
  const places = new Map<string, number[]>()
  const placesIn = (property: string): number[] => {
    const all = whole[property] as unknown[]
    const left = (copy[property] ?? []) as unknown[]
    let next = 0
    const found = all.map((one) =>
      all.length === left.length || isDeepStrictEqual(one, left[next]) ? next++ : -1,
    )
    places.set(property, found)
    return found
  }
  const renumbered = (selector: string): string[] => {
    const [, property = '', index, rest = ''] = /^(\w+)\.\[(\d+)\](.*)$/.exec(selector) ?? []
    if (index === undefined || !Array.isArray(whole[property])) return [selector]
    const place = (places.get(property) ?? placesIn(property))[Number(index)] ?? -1
    return place < 0 ? [] : [`${property}.[${place}]${rest}`]
  }
  const { rows } = await client.query('select parts from part where collection = $1 and accepted = $2', where)
  for (const { parts } of rows as { parts: { selectors: string[] }[] }[]) {
    const left = parts
      .map((part) => ({ ...part, selectors: part.selectors.flatMap(renumbered) }))
      .filter(({ selectors }) => selectors.length > 0)
    await client.query('update part set parts = $3 where collection = $1 and accepted = $2', [
      ...where,
      JSON.stringify(left),
    ])
  }
}

/** What a version demands of readers of older ones is told without the parts that are gone. */
async function purgeNeed(
  client: pg.Client,
  store: PlainStore,
  row: Row,
  left: readonly string[],
): Promise<void> {
  const where = [row.collection, row.position.toString()]
  const { rows } = await client.query(
    `select n.record as need, l.record as label from item i join audience n on n.id = i.need
      join audience l on l.id = i.label where collection = $1 and position = $2`,
    where,
  )
  if (!rows[0]) return
  const { need, label } = rows[0] as { need: AudienceRecord; label: AudienceRecord }
  const parts = store.parts(row).filter((p) => left.includes(p.selector))
  const stays = [...label.own, ...parts.flatMap((p) => p.labels)]
  // Vetoes may concern whatever a label names; the store keeps only those names that one does.
  const unnamed = ({ named: _, ...label }: Label) => label
  const own = need.own.filter((one) => stays.some((other) => isDeepStrictEqual(unnamed(one), unnamed(other))))
  await client.query(
    `update item set need = nullif(intern($3), label) where collection = $1 and position = $2`,
    [...where, JSON.stringify({ ...need, own })],
  )
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
