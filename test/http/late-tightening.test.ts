/** An embargoed version binds what points at it at its very time, without the job, and does not show before (policy.md §7). */
import { type Test, test } from 'tap'
import type { StixObject } from '../support/client.ts'
import { database } from '../support/cluster.ts'
import { applyInProcess, type Node, openNode, TestClock } from '../support/in-process.ts'
import { AT, policyWorld } from '../support/policy-world.ts'
import { START } from '../support/random-world.ts'
import { embargo, indicator, malware, relationship, report, TLP, version } from '../support/stix.ts'

const SECOND = 1_000_000n
const WHO = ['my', 'my2', 'bank', 'sg', 'de']
const EVERYBODY = WHO
const STRICT = ['my', 'my2', 'sg']
const marked = (...refs: string[]) => ({ object_marking_refs: refs })
const as = (who: string) => `Basic ${Buffer.from(`${who}:pw-${who}`).toString('base64')}`

interface Stage {
  /** Two nodes on one database: none may need to be told. */
  nodes: [Node, Node]
  clock: TestClock
  add(path: string, ...objects: StixObject[]): Promise<void>
  send(who: string, path: string, ...objects: StixObject[]): Promise<void>
  sees(path: string, id: string): Promise<string[]>
  /** Everything that a reader is told of a collection, byte by byte. */
  heard(path: string): Promise<string[]>
  recalls(who: string, issued?: '/issued'): Promise<string[]>
}

async function stage(t: Test): Promise<Stage> {
  const { url } = await database(t)
  const clock = new TestClock(START)
  await applyInProcess(url, JSON.stringify(policyWorld()), clock.now())
  const nodes: [Node, Node] = [await openNode(url, clock), await openNode(url, clock)]
  t.teardown(async () => {
    for (const node of nodes) await node.close()
  })
  const other = nodes[1]
  const send = async (who: string, path: string, ...objects: StixObject[]) => {
    const answer = await nodes[0].call({
      method: 'POST',
      path: `${path}objects/`,
      as: as(who),
      body: JSON.stringify({ objects }),
    })
    t.equal(answer.taxiiStatus.failure_count, 0, answer.text)
  }
  return {
    nodes,
    clock,
    send,
    add: (path, ...objects) => send('my', path, ...objects),
    async sees(path, id) {
      const found: string[] = []
      for (const who of WHO) {
        const answer = await other.call({ path: `${path}objects/${id}/`, as: as(who) })
        if (answer.status === 200 && answer.objects.length > 0) found.push(who)
      }
      return found
    },
    async heard(path) {
      const found: string[] = []
      for (const who of ['sg', 'bank', 'de']) {
        for (const what of ['objects/', 'manifest/'])
          found.push((await other.call({ path: `${path}${what}`, as: as(who) })).fingerprint)
      }
      return found
    },
    async recalls(who, issued) {
      const answer = await other.call({
        path: `/api/v1/recalls${issued ?? ''}`,
        as: as(who),
        headers: { accept: 'application/json' },
      })
      const { items } = JSON.parse(answer.text) as { items: { object: string; kind: string }[] }
      return items.map(({ object, kind }) => `${kind} ${object.split('--')[0]}`).sort()
    },
  }
}

const END = START + 60n * SECOND
const later = embargo(END)

test('what points at it is stricter at not_before exactly, before the job has run', async (t) => {
  const { nodes, clock, add, sees, heard } = await stage(t)
  const target = malware(marked(TLP.green))
  const relation = relationship(indicator().id, target.id, marked(TLP.green))
  const about = report([relation.id], marked(TLP.green))
  await add(AT.closed, later, target, relation, about)
  const before = await heard(AT.closed)
  clock.at += SECOND
  await add(AT.closed, {
    ...version(target, '2026-02-01T00:00:00.000Z'),
    ...marked(TLP['amber+strict'], later.id),
  })
  t.strictSame(await heard(AT.closed), before, 'its arrival shows nowhere')
  clock.at = END - 1n
  t.strictSame(await heard(AT.closed), before, 'nor the last moment before')
  clock.at = END
  t.strictSame(await sees(AT.closed, relation.id), STRICT, 'its time')
  t.strictSame(await sees(AT.closed, about.id), STRICT, 'over several steps')
  await nodes[0].work()
  t.strictSame(await sees(AT.closed, relation.id), STRICT, 'and after the job')
  t.strictSame(await sees(AT.closed, about.id), STRICT)
})

test('who had fetched what is stricter then hears of it, and nobody before', async (t) => {
  const { nodes, clock, add, recalls } = await stage(t)
  const target = malware(marked(TLP.green))
  const relation = relationship(indicator().id, target.id, marked(TLP.green))
  await add(AT.closed, later, target, relation)
  await nodes[1].call({ path: `${AT.closed}objects/`, as: as('de') })
  await nodes[1].call({ path: `${AT.closed}objects/${target.id}/`, as: as('bank') })
  clock.at += SECOND
  await add(AT.closed, {
    ...version(target, '2026-02-01T00:00:00.000Z'),
    ...marked(TLP['amber+strict'], later.id),
  })
  await nodes[0].work()
  t.strictSame(await recalls('de'), [], 'not before')
  clock.at = END
  await nodes[0].work()
  t.strictSame(await recalls('de'), ['newer-version malware', 'reference relationship'])
  t.strictSame(await recalls('bank'), ['newer-version malware'])
  t.strictSame(await recalls('sg'), [], 'who fetched nothing')
  await nodes[0].work()
  t.equal((await recalls('de')).length, 2, 'once')
})

test('who had fetched it hears of it also when it is given a label after that time and before the job', async (t) => {
  const { nodes, clock, send, recalls } = await stage(t)
  const target = malware(marked(TLP.green))
  const relation = relationship(indicator().id, target.id, marked(TLP.green))
  await send('my2', AT.closed, later, target, relation)
  await nodes[1].call({ path: `${AT.closed}objects/${relation.id}/`, as: as('de') })
  clock.at += SECOND
  await send('my2', AT.closed, {
    ...version(target, '2026-02-01T00:00:00.000Z'),
    ...marked(TLP['amber+strict'], later.id),
  })
  clock.at = END
  const headers = { accept: 'application/json', 'content-type': 'application/json' }
  const relabelled = await nodes[0].call({
    method: 'PATCH',
    path: `/api/v1/roots/one/collections/closed/objects/${relation.id}`,
    as: as('my2'),
    headers,
    body: JSON.stringify({ object_marking_refs: [TLP.green], reason: 'because' }),
  })
  t.equal(relabelled.status, 200, relabelled.text)
  t.strictSame(await recalls('de'), ['reference relationship'])
  t.strictSame(await recalls('my2', '/issued'), ['reference relationship'], 'its author knows why')
  t.strictSame(await recalls('sg'), [], 'who fetched nothing')
  await nodes[0].work()
  t.strictSame(await recalls('de'), ['reference relationship'], 'once')
})

for (const hides of [false, true]) {
  test(`an author is told of the end of its own embargo, ${hides ? 'also of' : 'without'} what had closed all before`, async (t) => {
    const { nodes, clock, send, recalls } = await stage(t)
    const target = malware(marked(TLP.green))
    const relation = relationship(indicator().id, target.id, marked(TLP.green))
    await send('my2', AT.closed, later, target, relation)
    await nodes[1].call({ path: `${AT.closed}objects/`, as: as('de') })
    clock.at += SECOND
    if (hides)
      await send('my', AT.closed, { ...version(target, '2026-01-02T00:00:00.000Z'), ...marked(TLP.red) })
    t.strictSame(await recalls('my2', '/issued'), [])
    const lost = ['newer-version malware', 'reference relationship']
    t.strictSame(await recalls('de'), hides ? lost : [])
    await send('my2', AT.closed, {
      ...version(target, '2026-02-01T00:00:00.000Z'),
      ...marked(TLP['amber+strict'], later.id),
    })
    clock.at = END
    await nodes[0].work()
    t.strictSame(await recalls('my2', '/issued'), lost)
    await nodes[0].work()
    t.strictSame(await recalls('my2', '/issued'), lost, 'once')
    const loosened = hides ? ['newer-version malware', ...lost, 'reference relationship'] : lost
    t.strictSame(await recalls('de'), loosened, 'who had it')
  })
}

test('an embargoed version that is deleted before its time binds nothing', async (t) => {
  const { nodes, clock, add, sees } = await stage(t)
  const target = malware(marked(TLP.green))
  const relation = relationship(indicator().id, target.id, marked(TLP.green))
  await add(AT.closed, later, target, relation)
  await add(AT.closed, { ...version(target, '2026-02-01T00:00:00.000Z'), ...marked(TLP.red, later.id) })
  const gone = `${AT.closed}objects/${target.id}/?match[version]=2026-02-01T00:00:00.000Z`
  t.equal((await nodes[0].call({ method: 'DELETE', path: gone, as: as('my') })).status, 200)
  clock.at = END
  t.strictSame(await sees(AT.closed, relation.id), EVERYBODY)
})

test('a container of which it would be taken out is whole until then', async (t) => {
  const { clock, add, sees, heard, nodes, recalls } = await stage(t)
  const [target, open] = [malware(marked(TLP.green)), malware(marked(TLP.green))]
  const [only, both] = [
    report([target.id], marked(TLP.green)),
    report([open.id, target.id], marked(TLP.green)),
  ]
  await add(AT.redact, later, target, open, only, both)
  for (const who of ['my2', 'sg', 'de']) await nodes[1].call({ path: `${AT.redact}objects/`, as: as(who) })
  const before = await heard(AT.redact)
  clock.at += SECOND
  await add(AT.redact, {
    ...version(target, '2026-02-01T00:00:00.000Z'),
    ...marked(TLP['amber+strict'], later.id),
  })
  t.strictSame(await heard(AT.redact), before, 'its arrival shows nowhere')
  clock.at = END - 1n
  t.strictSame(await heard(AT.redact), before)
  clock.at = END
  t.strictSame(await sees(AT.redact, only.id), STRICT, 'nothing would be left of it')
  const copy = await nodes[1].call({ path: `${AT.redact}objects/${both.id}/`, as: as('de') })
  t.strictSame(copy.objects[0]?.object_refs, [open.id])
  await nodes[0].work()
  t.strictSame(await sees(AT.redact, only.id), STRICT)
  const lost = ['newer-version malware', 'reference report', 'reference report']
  t.strictSame(await recalls('de'), lost, 'who had it until then')
  t.strictSame(await recalls('sg'), lost.slice(0, 1), 'has what points at it still')
  t.strictSame(await recalls('my2', '/issued'), lost, 'who sees what others lost')
})
