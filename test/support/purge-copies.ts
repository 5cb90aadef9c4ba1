/** Of objects whose readers get copies, leaves the one that a reader gets (policy.md §5). Part of purge.ts. */
import { isDeepStrictEqual } from 'node:util'
import type pg from 'pg'
import type { AudienceRecord, Label, Subject } from '../../src/policy/model.ts'
import type { Micros } from '../../src/time.ts'
import { mayRead } from '../matrix/reference.ts'
import { nameOf, type PlainStore, type Row } from './plain-store.ts'

/** Of an object with copies the reader's is left: the others, the whole text among them, are no longer there. */
export async function purgeCopies(
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
