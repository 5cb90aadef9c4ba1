/**
 * Non-interference over time: as long as nothing changes that a reader may see, what others write, delete and
 * schedule changes none of its answers by a byte. The rows that it sees are those of the reference model.
 */
import { test } from 'tap'
import { formatMicros } from '../../src/time.ts'
import { canaryTopology, clientOf, pathTo } from '../support/canary.ts'
import { basic, Client, type StixObject } from '../support/client.ts'
import { database } from '../support/cluster.ts'
import { newClock, play, subjectOf, watch } from '../support/history.ts'
import {
  applyInProcess,
  asOwner,
  copyDatabase,
  dropDatabase,
  type Node,
  openNode,
  sibling,
  WAYS,
} from '../support/in-process.ts'
import { storedRows } from '../support/plain-store.ts'
import { AT, policyWorld } from '../support/policy-world.ts'
import { Random } from '../support/random.ts'
import { nameOf, randomWorld, readers } from '../support/random-world.ts'
import { ReferenceLog } from '../support/reference-log.ts'
import { difference, replay } from '../support/replay.ts'
import { randomScript } from '../support/script.ts'
import { startServer } from '../support/server.ts'
import { indicator, malware, report, TLP } from '../support/stix.ts'

const WORLDS = Number(process.env.COMITY_WORLDS ?? 5)
const SEED = Number(process.env.COMITY_SEED ?? 1)
const ROUNDS = 10

for (let w = 0; w < WORLDS; w++) {
  const seed = SEED * 1_000_000 + w
  test(`world ${seed}`, async (t) => {
    const { url } = await database(t)
    const random = new Random(seed)
    const world = randomWorld(random)
    const clock = newClock()
    const declared = await applyInProcess(url, world.text, clock.now())
    const node = await openNode(url, clock, { way: () => random.pick(WAYS), large: seed % 2 ? 1 : 500 })
    const log = new ReferenceLog(declared, world.definitions, await asOwner(url, storedRows))
    const look = watch(log, declared, url, clock)
    const played = await play(random, world, node, clock, 15, look)
    await node.work()
    await look(null)
    const seenBy = async (who: { id: string; capped: boolean }) => {
      const reader = subjectOf(declared, who)
      const { store } = log
      const view = store.view(reader, clock.now())
      const rows = store.rows.filter((row) => store.sees(reader, row, clock.now()))
      return rows.map((row) => `${row.collection} ${row.position} ${view.copy(row)}`).join()
    }
    const watched = await Promise.all(
      Array.from({ length: 3 }, async () => {
        const who = random.pick(readers(world))
        const own = (played.statuses.get(who.id) ?? []).slice(0, 1)
        const script = randomScript(random, world, own, [clock.now() - 8_000_000n], 12)
        return { who, script, seen: await seenBy(who), heard: await replay(node, who, script) }
      }),
    )
    let compared = 0
    for (let round = 0; round < ROUNDS; round++) {
      await play(random, world, node, clock, 1, look)
      await node.work()
      await look(null)
      for (const watch of watched) {
        const [seen, heard] = [await seenBy(watch.who), await replay(node, watch.who, watch.script)]
        if (seen === watch.seen) {
          compared++
          const found = difference(watch.heard, heard)
          if (found) t.fail(`round ${round}, ${nameOf(watch.who)}: ${found}`)
        }
        Object.assign(watch, { seen, heard })
      }
    }
    await node.close()
    t.pass(`${compared} times a reader whose rows had not changed was answered the same`)
  })
}

test('T-5.6-04 a deleted version stays a deleted one when it comes back hidden', async (t) => {
  const server = await startServer(t, { topology: canaryTopology() })
  const author = new Client(server.url, 'Bearer tk-canary-author-0123456789abcdef')
  const partner = clientOf(server.url, 'partner recipient')
  const first = indicator({ object_marking_refs: [TLP.green] })
  const second = { ...first, modified: '2026-02-01T00:00:00.000Z' }
  await author.add(pathTo('common'), first, second)
  const query = { 'match[version]': String(first.modified) }
  await author.delete(`${pathTo('common')}objects/${first.id}/?match[version]=${first.modified}`)
  const before = await partner.getObject(pathTo('common'), first.id, query)
  t.equal(before.status, 404)
  await author.add(pathTo('common'), { ...first, object_marking_refs: [TLP.red] })
  const after = await partner.getObject(pathTo('common'), first.id, query)
  t.equal(after.fingerprint, before.fingerprint, 'a RED copy of it tells nothing by its arrival')
})

test('what is hidden takes no microsecond of a date_added', async (t) => {
  const { url } = await database(t)
  const clock = newClock()
  const topology = JSON.stringify(policyWorld())
  await applyInProcess(url, topology, clock.now())
  const [node, elsewhere] = [await openNode(url, clock), await openNode(url, clock)]
  const as = (who: string) => basic(who, `pw-${who}`)
  const post = async (at: Node, who: string, ...objects: StixObject[]) => {
    const body = JSON.stringify({ objects })
    const answer = await at.call({ method: 'POST', path: `${AT.closed}objects/`, as: as(who), body })
    t.equal(answer.taxiiStatus.success_count, objects.length)
  }
  const marked = (...refs: string[]) => ({ object_marking_refs: refs })
  const known = (name: string) => malware({ ...marked(TLP.green), name })
  await post(node, 'my2', known('its label is known here'))
  /** Posts as my2, each at a time of its own. */
  const added = async (what: string, ...objects: StixObject[]) => {
    clock.at += 1_000n
    await post(node, 'my2', ...objects)
    const path = `${AT.closed}manifest/?match[id]=${objects[0]?.id}`
    const { records } = await node.call({ path, as: as('my2') })
    t.strictSame(
      records.map((r) => r.date_added),
      [formatMicros(clock.now())],
      what,
    )
  }
  await added('nothing hidden', known('one'), known('two'))
  await post(elsewhere, 'sg', malware(marked(TLP.red)))
  await added('a label that this node does not know', known('three'), known('four'))
  const copy = known('copied')
  await post(node, 'my', { ...copy, ...marked(TLP.red) })
  await added('a copy of a colleague, or of a stranger', copy, known('five'))
  await Promise.all([node.close(), elsewhere.close()])
})

test('rows that move together lie where they would without the others', async (t) => {
  const { url } = await database(t)
  // Two may be drawn alike, which only who knows the key could tell: with this one none are.
  await asOwner(url, (client) =>
    client.query("update setting set value = repeat('5a', 32) where key = 'cursor_key'"),
  )
  const clock = newClock()
  await applyInProcess(url, JSON.stringify(policyWorld()), clock.now())
  const as = (who: string) => basic(who, `pw-${who}`)
  const path = `${AT.closed}objects/`
  const marked = (ref: string) => ({ object_marking_refs: [ref] })
  const source = malware(marked(TLP.amber))
  const list = report([source.id], marked(TLP.green))
  const start = clock.at
  /** Where the bank's malware and its report lie, and each hidden report, after the bank has released the malware. */
  const story = async (hidden: number) => {
    const copy = sibling(url, `hidden${hidden}`)
    await copyDatabase(url, copy)
    t.teardown(() => dropDatabase(copy))
    clock.at = start
    const node = await openNode(copy, clock)
    const post = async (who: string, ...objects: StixObject[]) => {
      clock.at += 10_000n
      const body = JSON.stringify({ objects })
      const answer = await node.call({ method: 'POST', path, as: as(who), body })
      t.equal(answer.taxiiStatus.success_count, objects.length)
    }
    await post('bank', source)
    const reports = Array.from({ length: hidden }, () => report([source.id], marked(TLP['amber+strict'])))
    clock.at += 10_000n
    if (hidden > 0) await post('sg', ...reports)
    // Between the bank's rows.
    clock.at = start + 100_000n
    await post('bank', list)
    clock.at = start + 1_000_000n
    const moved = clock.now()
    const patch = { reason: 'released', object_marking_refs: [TLP.green] }
    const answer = await node.call({
      method: 'PATCH',
      path: `/api/v1/roots/one/collections/closed/objects/${source.id}`,
      as: as('bank'),
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(patch),
    })
    t.equal(answer.status, 200)
    await node.close()
    return await asOwner(copy, async (client) => {
      const { rows } = await client.query('select object_id, position from item where position >= $1', [
        moved,
      ])
      const places = new Map(rows.map((r) => [r.object_id, BigInt(r.position) - moved]))
      return {
        own: [source.id, list.id].map((id) => places.get(id)),
        others: reports.map(({ id }) => places.get(id)),
      }
    })
  }
  const alone = await story(0)
  t.ok(
    alone.own.every((place) => place !== undefined && place < 1024n),
    `they moved, to ${alone.own}`,
  )
  for (const hidden of [1, 3, 12]) {
    const { own, others } = await story(hidden)
    t.ok(
      others.every((place) => place !== undefined),
      `${hidden} others moved, to ${others}`,
    )
    t.strictSame(own, alone.own)
  }
})
