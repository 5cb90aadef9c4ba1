/** Retention in random worlds: the rows that stay are labelled and linked as if what is gone had never been there. */
import { test } from 'tap'
import { overClient } from '../../src/store/client.ts'
import { readPartitions } from '../../src/store/partitions.ts'
import { clearAway, forgetDemands, planRetention, readGone, takeOut } from '../../src/store/retention.ts'
import { database } from '../support/cluster.ts'
import { newClock, play } from '../support/history.ts'
import {
  applyInProcess,
  asOwner,
  copyDatabase,
  dropDatabase,
  openNode,
  sibling,
} from '../support/in-process.ts'
import { wrongMatches } from '../support/match-index.ts'
import { splitLog } from '../support/partitions.ts'
import { Random } from '../support/random.ts'
import { randomWorld, START } from '../support/random-world.ts'

const WORLDS = Number(process.env.COMITY_WORLDS ?? 12)
const SEED = Number(process.env.COMITY_SEED ?? 1)
const SECOND = 1_000_000n

/** Rows with what they point at, and the record that decides who reads them. */
const ROWS = `select i.collection, i.position::text, i.accepted::text, i.object_id, i.later::text, i.earlier::text, a.record
  from item i join audience a on a.id = i.audience order by 1, i.position`

async function retain(url: string, until: bigint): Promise<void> {
  await asOwner(url, async (client) => {
    await client.query('set role comity_owner')
    const plan = await planRetention(client, until)
    if (plan.until !== until) throw new Error(`the border is ${plan.until}, not ${until}`)
    const audit = { actor: 'test', now: until, before: until, counts: [] }
    if (!(await takeOut(client, plan, audit))) throw new Error('the log was not to be had')
    for (const name of await readGone(client)) await clearAway(client, name)
    await forgetDemands(client)
  })
}

/** The same without partitions: what is old is deleted, and every chain that is left is made anew. */
async function deleteOld(url: string, until: bigint): Promise<void> {
  await asOwner(url, async (client) => {
    await client.query(
      `delete from item where position < $1 and not standard and type <> 'marking-definition' and held_until is null`,
      [until],
    )
    const { rows } = await client.query(
      'select collection, array_agg(distinct object_id) as ids from item where not standard group by 1',
    )
    for (const row of rows) await client.query('select relink($1, $2)', [row.collection, row.ids])
  })
}

const cut = { rows: 0, chains: 0 }

for (let w = 0; w < WORLDS; w++) {
  const seed = SEED * 1_000_000 + w
  test(`world ${seed}`, async (t) => {
    const { url } = await database(t)
    const random = new Random(seed)
    const until = START + BigInt(12 + random.below(16)) * SECOND
    await splitLog(url, [until - 8n * SECOND, until])
    const world = randomWorld(random)
    const clock = newClock()
    await applyInProcess(url, world.text, clock.now())
    const first = await openNode(url, clock)
    await play(random, world, first, clock, 36)
    await first.close()
    const plain = sibling(url, 'plain')
    await copyDatabase(url, plain)
    t.teardown(() => dropDatabase(plain))
    const before = await asOwner(url, async (client) => (await client.query(ROWS)).rows)
    await retain(url, until)
    await deleteOld(plain, until)
    const [got, want] = await Promise.all(
      [url, plain].map((u) => asOwner(u, async (client) => (await client.query(ROWS)).rows)),
    )
    t.strictSame(got, want, `${before.length - (got?.length ?? 0)} of ${before.length} rows went`)
    const ids = new Set(got?.map((r) => r.object_id))
    cut.rows += before.length - (got?.length ?? 0)
    cut.chains += new Set(
      before.filter((r) => BigInt(r.position) < until && ids.has(r.object_id)).map((r) => r.object_id),
    ).size
    await asOwner(url, async (client) => {
      const { rows } = await client.query(`select 'reference' as what, count(*)::int as n from reference r
          where not exists (select from item i where i.collection = r.collection and i.accepted = r.source)
        union all select 'rendering', count(*)::int from rendering r
          where not exists (select from item i where i.collection = r.collection and i.accepted = r.accepted and i.parted)
        union all select 'part', count(*)::int from part r
          where not exists (select from item i where i.collection = r.collection and i.accepted = r.accepted)
        union all select 'quarantined', count(*)::int from quarantined r
          where not exists (select from item i where i.collection = r.collection and i.accepted = r.accepted)`)
      for (const { what, n } of rows) t.equal(n, 0, `no ${what} without its row`)
      const names = (await readPartitions(overClient(client))).map((p) => p.name)
      t.equal(names[0], 'item_kept')
      t.strictSame(await wrongMatches(client), [], 'what is left is found, and nothing else')
    })
    // Life goes on.
    const second = await openNode(url, clock)
    await play(random, world, second, clock, 12)
    await second.close()
    t.strictSame(await asOwner(url, wrongMatches), [], 'rows that moved between partitions are found')
  })
}

test('these worlds have chains that reach across the border', async (t) => {
  t.ok(cut.rows > 0 && cut.chains > 0, `${cut.rows} rows, ${cut.chains} chains`)
})
