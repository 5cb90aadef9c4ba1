/** Pages that are read before they are asked for are those that would be read then, and nobody is told more by them (policy.md §11, §13). */
import { type Test, test } from 'tap'
import type { Answer } from '../support/client.ts'
import { basic } from '../support/client.ts'
import { database } from '../support/cluster.ts'
import { newClock } from '../support/history.ts'
import { applyInProcess, asOwner, type Node, openNode } from '../support/in-process.ts'
import { AT, policyWorld } from '../support/policy-world.ts'
import { until } from '../support/release.ts'
import { indicator, TLP } from '../support/stix.ts'

const PATH = `${AT.closed}objects/`
const as = (who: string) => basic(who, `pw-${who}`)
const JSON_TYPE = { accept: 'application/json', 'content-type': 'application/json' }
const LEVELS = [TLP.green, TLP['amber+strict'], TLP.red]

/** Sixty objects of MY, by turns for everybody, for MY and SG, and for nobody else; two nodes, pages from one row on are large. */
async function stage(t: Test, env: Record<string, string> = {}) {
  const { url } = await database(t)
  const clock = newClock()
  await applyInProcess(url, JSON.stringify(policyWorld()), clock.now())
  const open = (large: number) => openNode(url, clock, { large, env: { COMITY_READ_AHEAD: '2', ...env } })
  const [node, other] = [await open(1), await open(1000)]
  t.teardown(async () => {
    await Promise.all([node.close(), other.close()])
  })
  const objects = Array.from({ length: 60 }, (_, i) =>
    indicator({ object_marking_refs: [LEVELS[i % 3] as string] }),
  )
  const post = async (...objects: object[]) => {
    clock.at += 1_000_000n
    const body = JSON.stringify({ objects })
    const answer = await other.call({ method: 'POST', path: PATH, as: as('my'), body })
    t.equal(answer.taxiiStatus.failure_count, 0)
  }
  await post(...objects)
  const get = (at: Node, who: string, next?: string, what = PATH) =>
    at.call({ path: `${what}?limit=5${next ? `&next=${encodeURIComponent(next)}` : ''}`, as: as(who) })
  /** Until so many pages lie there. */
  const lie = (pages: number) =>
    until(
      async () => node.exchange.ahead.size,
      (size) => size >= pages,
    )
  return { url, clock, node, other, objects, post, get, lie }
}

const nextOf = (answer: Answer) => answer.json.next as string
const idsOf = (answer: Answer) => answer.objects.map(({ id }) => id)

for (const env of [{}, { COMITY_CACHE_BYTES: '0' }]) {
  test(`walks are the same, ${JSON.stringify(env)}`, async (t) => {
    const { node, other, get } = await stage(t, env)
    let fetched = 0
    const take = node.exchange.ahead.take.bind(node.exchange.ahead)
    node.exchange.ahead.take = async (key) => {
      const page = await take(key)
      if (page) fetched++
      return page
    }
    for (const what of [PATH, `${AT.closed}manifest/`]) {
      for (const [who, pages] of [
        ['my', 12],
        ['sg', 8],
        ['de', 4],
      ] as const) {
        const walk = async (at: Node) => {
          const found: unknown[] = []
          let next: string | undefined
          do {
            const answer = await get(at, who, next, what)
            t.equal(answer.status, 200)
            found.push([
              answer.text.replace(/"next":"[^"]*"/, ''),
              ['x-taxii-date-added-first', 'x-taxii-date-added-last', 'content-type'].map((h) =>
                answer.header(h),
              ),
            ])
            next = answer.json.more ? nextOf(answer) : undefined
          } while (next)
          return found
        }
        const [ahead, asked] = [await walk(node), await walk(other)]
        t.strictSame(ahead, asked, `${what} ${who}`)
        t.equal(ahead.length, pages)
      }
    }
    t.ok(fetched > 10, `${fetched} pages were there before they were asked for`)
    t.equal(other.exchange.ahead.size, 0)
  })
}

test('what is tightened, deleted or appended meanwhile', async (t) => {
  const { clock, node, other, objects, post, get, lie } = await stage(t)
  const second = await get(node, 'sg', nextOf(await get(node, 'sg')))
  await lie(2)
  const seen = objects.filter((_, i) => i % 3 < 2).map(({ id }) => id)
  t.strictSame(idsOf(second), seen.slice(5, 10))
  // The third page lies there.
  const path = `/api/v1/roots/one/collections/closed/objects/${seen[11]}`
  const body = JSON.stringify({ object_marking_refs: [TLP.red], reason: 'too wide' })
  const patched = await other.call({ method: 'PATCH', path, as: as('my'), headers: JSON_TYPE, body })
  t.equal(patched.status, 200, patched.text)
  const third = await get(node, 'sg', nextOf(second))
  t.strictSame(idsOf(third), [seen[10], ...seen.slice(12, 16)], 'is not what was read')

  await lie(2)
  const gone = await other.call({ method: 'DELETE', path: `${PATH}${seen[17]}/`, as: as('my') })
  t.equal(gone.status, 200)
  const fourth = await get(node, 'sg', nextOf(third))
  t.strictSame(idsOf(fourth), [seen[16], ...seen.slice(18, 22)])

  await lie(2)
  const late = indicator({ object_marking_refs: [TLP.green] })
  await post(late)
  clock.at += 1_000_000n
  const found: unknown[] = []
  for (let answer = fourth; answer.json.more; ) {
    answer = await get(node, 'sg', nextOf(answer))
    found.push(...idsOf(answer))
  }
  t.strictSame(found, [...seen.slice(22), late.id], 'and what comes at the end belongs to the last page')
})

test('a clearance that ends', async (t) => {
  const { url, clock, node, objects, get, lie } = await stage(t)
  const second = await get(node, 'sg', nextOf(await get(node, 'sg')))
  await lie(2)
  clock.at += 1_000_000n
  const world = policyWorld() as { principals: { id: string; clearance: string }[] }
  for (const principal of world.principals) if (principal.id === 'sg') principal.clearance = 'green'
  await applyInProcess(url, JSON.stringify(world), clock.now())
  const third = await get(node, 'sg', nextOf(second))
  const last = idsOf(second).at(-1)
  const open = objects.filter(({ id }, i) => i % 3 === 0 && objects.findIndex((o) => o.id === last) < i && id)
  t.strictSame(
    idsOf(third),
    open.slice(0, 5).map(({ id }) => id),
  )
})

test('the ledger has what was fetched, and nothing that was only read', async (t) => {
  const { url, node, get, lie } = await stage(t)
  const first = await get(node, 'sg')
  const second = await get(node, 'sg', nextOf(first))
  await lie(2)
  const delivered = async () => {
    await node.keepLedger()
    return await asOwner(url, async (client) => {
      const { rows } = await client.query(
        "select coalesce(sum(count), 0)::int as n from ledger_entry where principal = 'sg'",
      )
      return rows[0].n
    })
  }
  t.equal(await delivered(), 10)
  await get(node, 'sg', nextOf(second))
  t.equal(await delivered(), 15)
})

test('only for who goes on, and not when it is switched off', async (t) => {
  const { node, get } = await stage(t, { COMITY_READ_AHEAD: '0' })
  await get(node, 'sg', nextOf(await get(node, 'sg')))
  t.equal(node.exchange.ahead.size, 0)
  const on = await stage(t)
  await get(on.node, 'sg')
  t.equal(on.node.exchange.ahead.size, 0, 'the first page alone')
})

test('what leaves while the ledger is sealed is sealed the next time, together', async (t) => {
  const { url, node, get } = await stage(t)
  const { pool } = node.exchange
  const transaction = pool.transaction.bind(pool)
  let left = 0
  pool.transaction = async (work) => {
    const result = await transaction(work)
    if (++left <= 5) await get(node, 'sg')
    return result
  }
  await get(node, 'sg')
  await node.keepLedger()
  const waiting = async () =>
    await asOwner(url, async (client) => (await client.query('select from delivery')).rowCount)
  t.equal(await waiting(), 1)
  await node.keepLedger()
  t.equal(await waiting(), 1)
  t.equal(left, 2)
})
