/** Where a page's rows lie is the same, whichever way the database tells it. */
import type pg from 'pg'
import { test } from 'tap'
import { endsOf, gathered, placed, type RawPlaces, unfold } from '../../src/store/page-places.ts'
import { stretchOf } from '../../src/store/runs.ts'
import type { Reader } from '../../src/store/session.ts'
import { render, sql } from '../../src/store/sql.ts'
import { database } from '../support/cluster.ts'
import { asOwner } from '../support/in-process.ts'

const SMALL = 2047
const LARGE = 2048
const LAST_DAY = Date.UTC(2112, 0, 1) * 1000

/** As a page's statement does. */
async function ask(client: pg.Client, rows: readonly [number, number][], size: number): Promise<RawPlaces> {
  const placing = { places: true, record: null }
  const reader = { size } as Reader
  const { text, values } = render(sql`select ${placed(placing, reader, 1)} from (
    select count(*) filter (where kept)::int as count, ${gathered(placing, reader)}
    from unnest(${rows.map(([at]) => at)}::bigint[], ${rows.map(([, audience]) => audience)}::int[]) with ordinality
      as v (position, audience, n)
    cross join lateral (select v.n <= ${rows.length - 1} as kept) k) g`)
  const { rows: found } = await client.query(text, values)
  return found[0]
}

test('packed and as arrays', async (t) => {
  const { url } = await database(t)
  await asOwner(url, async (client) => {
    for (const from of [1, Date.UTC(2026, 10, 27) * 1000 + 123_456, LAST_DAY - 20]) {
      const rows = Array.from({ length: 11 }, (_, i): [number, number] => [
        from + i,
        [0, 1, SMALL, 700][i % 4] as number,
      ])
      const packed = await ask(client, rows, SMALL)
      const arrays = await ask(client, rows, LARGE)
      t.ok(packed.packed instanceof Buffer && packed.positions === undefined)
      t.ok(arrays.positions instanceof Buffer && arrays.packed === undefined)
      const expected = new Map<number, number[]>()
      for (const [at, audience] of rows.slice(0, -1)) {
        expected.set(audience, [...(expected.get(audience) ?? []), at])
      }
      const stretches = new Map([...expected].map(([audience, places]) => [audience, stretchOf(places)]))
      t.strictSame(unfold(packed), stretches)
      t.strictSame(unfold(arrays), stretches)
      t.strictSame(endsOf(packed), { first: BigInt(from), last: BigInt(from + 9) })
      t.equal(endsOf(arrays), null)
    }
    const none = await ask(client, [[1, 1]], SMALL)
    t.strictSame([unfold(none).size, endsOf(none)], [0, null])
  })
})
