/** The audience that a row carries, by permit(), against the plain store, for every reader: told with all that went into it. */
import { isDeepStrictEqual } from 'node:util'
import type pg from 'pg'
import type { AudienceRecord, Subject } from '../../src/policy/model.ts'
import { permit } from '../../src/policy/permit.ts'
import type { Micros } from '../../src/time.ts'
import { nameOf, type PlainStore, type Row } from './plain-store.ts'

/** @param readers by their names */
export async function disagreements(
  client: pg.Client,
  store: PlainStore,
  readers: ReadonlyMap<string, Subject | null>,
  now: Micros,
): Promise<string[]> {
  const { rows } = await client.query(
    `select i.collection || ' ' || i.accepted as name, a.record from item i join audience a on a.id = i.audience`,
  )
  const records = new Map<string, AudienceRecord>(rows.map((r) => [r.name, r.record]))
  const copies = await client.query(`select r.collection || ' ' || r.accepted as name, r.body, a.record
    from rendering r join audience a on a.id = r.audience order by r.rank desc`)
  const found: string[] = []
  for (const row of store.rows) {
    const record = records.get(nameOf(row))
    if (!record) continue
    const wrong: string[] = []
    for (const [name, reader] of readers) {
      const sees = permit(store.topology, reader, record, now)
      const admitted = store.admits(reader, row, now)
      if (sees !== admitted) wrong.push(`${name} ${sees ? 'sees it' : 'does not see it'}`)
      if (!sees || !admitted) continue
      const own = copies.rows.filter((c) => c.name === nameOf(row))
      const copy = own.find((c) => permit(store.topology, reader, c.record, now))
      const got: string | undefined = own.length > 0 ? copy?.body : row.body
      const want = store.view(reader, now).copy(row)
      if (got && want && isDeepStrictEqual(JSON.parse(got), JSON.parse(want))) continue
      wrong.push(`${name} gets ${got}, not ${want}, by ${text(copy?.record)}`)
    }
    if (wrong.length > 0) found.push(`${wrong.join(', ')}: ${describe(store, row, record, now)}`)
  }
  return found
}

function describe(store: PlainStore, row: Row, record: AudienceRecord, now: Micros): string {
  const { refs, redaction } = store.collection(row)
  const sayings = (of: Row) =>
    [...store.referenced(of, now)].map(([target, list]) => [
      target,
      list.map((one) => [one.row.organization, one.row.key, one.row.held, one.store.labels(one.row)]),
    ])
  const said = sayings(row)
  const latest = store.latest(row.collection, row.organization, row.id, now)
  const chain = latest.map((r) => [r.key, r.spec, r.accepted, store.labels(r), store.parts(r), sayings(r)])
  const marks = [store.labels(row), store.parts(row)]
  return [
    `${row.body} of ${row.principal}, references: ${refs}, redaction: ${redaction}, now ${now}, held ${row.held}`,
    `marks ${text(marks)}`,
    `refers to ${text([...(store.references.targets.get(nameOf(row)) ?? [])])}`,
    `which say ${text(said)}`,
    `latest ${text(chain)}`,
    `audience ${text(record)}`,
  ].join('\n  ')
}

const text = (value: unknown) => JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? Number(v) : v))
