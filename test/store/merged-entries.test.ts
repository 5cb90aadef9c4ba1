/** Deliveries become the same entries in the node as they did in the database before migration 0018 (policy.md §13). */
import type pg from 'pg'
import { test } from 'tap'
import type { Part } from '../../src/store/deliveries.ts'
import { decodeRuns, stretchOf } from '../../src/store/runs.ts'
import { mergeDeliveries } from '../../src/taxii/merge-deliveries.ts'
import { database } from '../support/cluster.ts'
import { asOwner } from '../support/in-process.ts'
import { Random } from '../support/random.ts'

interface Delivery {
  id: bigint
  at: number
  principal: string
  collection: number
  revision: number
  parts: Part[]
}

/** COMITY_SEEDS: how many histories; each costs over a second. */
const SEEDS = Number(process.env.COMITY_SEEDS ?? 10)

const START = Date.parse('2026-11-25T10:00:00Z') * 1000

function randomParts(random: Random, from: number, single: boolean): Part[] {
  const by = new Map<string, { of: Omit<Part, 'count' | 'first' | 'last' | 'runs'>; places: number[] }>()
  const count = single ? 1 : random.pick([1, 3, 30, 400])
  for (let i = 0, place = from; i < count; i++, place += random.pick([1, 1, 1, 2, 90])) {
    const organization = random.pick(['a', 'b'])
    const of = {
      organization,
      country: 'MY',
      audience: random.below(2),
      rule: random.pick(['originator', 'agreement MY>SG']),
      marks_rule: random.pick(['originator', 'originator', 'unknown']),
    }
    const key = JSON.stringify(of)
    const known = by.get(key) ?? { of, places: [] as number[] }
    known.places.push(place)
    by.set(key, known)
  }
  return [...by.values()].map(({ of, places }) => ({ ...of, ...stretchOf(places) }))
}

/** Walkers that read page after page, and single objects of one tenth of a second, in any order. */
function randomDeliveries(random: Random): Delivery[] {
  const places = new Map<string, number>()
  let at = START
  return Array.from({ length: 60 }, (_, i) => {
    at += random.pick([0, 1, 700, 40_000, 300_000])
    const who = { principal: random.pick(['p', 'q']), collection: random.below(2), revision: random.below(2) }
    const single = random.chance(0.4)
    const walker = `${who.principal} ${who.collection}`
    const from = random.chance(0.7) ? (places.get(walker) ?? 1000) : 1000 + random.below(50)
    const parts = randomParts(random, from, single)
    places.set(walker, Math.max(...parts.map(({ last }) => Number(last))) + 1)
    return { id: BigInt(i + 1), at: single ? at - (at % 100_000) : at, ...who, parts }
  })
}

async function put(client: pg.Client, list: readonly Delivery[]): Promise<void> {
  for (const { id, at, principal, collection, revision, parts } of list) {
    await client.query(
      `insert into delivery (id, at, principal, reader, collection, epoch, revision, parts) overriding system value
        values ($1, $2, $3, 'org', $4, 1, $5, $6)`,
      [id, at, principal, collection, revision, JSON.stringify(parts)],
    )
  }
}

/** Recalls that have been looked for in all that was sealed; the first organization's was by one of the readers. */
async function recall(client: pg.Client): Promise<void> {
  const places = Array.from({ length: 300 }, (_, i) => 1000 + i * 3)
  for (const organization of ['a', 'b']) {
    for (const collection of [0, 1]) {
      await client.query(
        `insert into recall (id, at, organization, collection, object_id, accepted, places, versions, revision, kind, actor, spread)
          values (gen_random_uuid(), 1, $1, $2, 'x', $3, $3, $4, 1, 'relabel', $5, true)`,
        [
          organization,
          collection,
          places,
          places.map((at) => `v${at % 7}`),
          organization === 'a' ? 'p' : 'r',
        ],
      )
    }
  }
}

/** What one way of sealing makes, entries and notices; nothing of it stays. */
async function entries(
  client: pg.Client,
  list: readonly Delivery[],
  seal: () => Promise<unknown>,
): Promise<{ rows: Record<string, unknown>[]; notices: Record<string, unknown>[] }> {
  await client.query('begin')
  try {
    await put(client, list)
    await recall(client)
    await seal()
    const left = await client.query('select from delivery')
    if (left.rowCount !== 0) throw new Error('deliveries are left')
    const { rows } = await client.query('select * from ledger_entry order by organization, seq')
    const { rows: notices } =
      await client.query(`select r.organization, r.collection, n.principal, n.reader, n.fetched, n.versions,
        n.places, n.times from recall_notice n join recall r on r.id = n.recall order by 1, 2, 3`)
    return { rows, notices }
  } finally {
    await client.query('rollback')
  }
}

test('the same entries, in the same order', async (t) => {
  const { url } = await database(t)
  await asOwner(url, async (client) => {
    let [merged, noticed] = [0, 0]
    for (let seed = 1; seed <= SEEDS; seed++) {
      const list = randomDeliveries(new Random(seed))
      const ids = list.map(({ id }) => id)
      const earlier = await entries(client, list, () =>
        client.query('select seal_deliveries(1, $1, $2)', [
          ids,
          JSON.stringify(list.map(({ id, parts }) => ({ id: String(id), parts }))),
        ]),
      )
      const now = await entries(client, list, async () => {
        const { rows } = await client.query('select id, at, receiver, parts from take_waiting(0, 1000)')
        const made = mergeDeliveries(
          rows.map(({ id, at, receiver, parts }) => ({
            id: BigInt(id),
            at: BigInt(at),
            receiver: BigInt(receiver),
            parts: JSON.parse(parts),
          })),
        )
        await client.query('select seal_entries(1, $1, $2)', [
          ids,
          JSON.stringify(made.map((entry, n) => ({ n, ...entry }))),
        ])
      })
      t.strictSame(now, earlier, `seed ${seed}, ${now.rows.length} entries`)
      merged += list.flatMap(({ parts }) => parts).length - now.rows.length
      noticed += now.notices.length
      const held = (of: readonly { first: string; runs: string | Buffer }[]) =>
        of
          .flatMap(({ first, runs }) =>
            decodeRuns(Number(first), typeof runs === 'string' ? Buffer.from(runs, 'hex') : runs),
          )
          .sort((a, b) => a - b)
      t.strictSame(held(now.rows as never), held(list.flatMap(({ parts }) => parts)), 'and nothing is lost')
    }
    t.ok(noticed > SEEDS, `${noticed} notices of what was sealed after its recall`)
    t.ok(merged > 30 * SEEDS, `${merged} were put together with another`)
  })
})

test('entries of what was not delivered are refused', async (t) => {
  const { url } = await database(t)
  await asOwner(url, async (client) => {
    const list = randomDeliveries(new Random(7)).slice(0, 2)
    const made = mergeDeliveries(list.map((d) => ({ ...d, at: BigInt(d.at), receiver: d.id })))
    const seal = (of: readonly object[], ids: readonly bigint[]) =>
      client.query('select seal_entries(1, $1, $2)', [
        ids,
        JSON.stringify(of.map((entry, n) => ({ n, ...entry }))),
      ])
    await t.rejects(
      entries(client, list, () =>
        seal(
          [...made, { ...made[0], delivery: '99' }],
          list.map(({ id }) => id),
        ),
      ),
      /a delivery that is not there/,
    )
    await t.rejects(
      entries(client, list, () => seal(made, [1n])),
      /a delivery that is not there/,
    )
  })
})
