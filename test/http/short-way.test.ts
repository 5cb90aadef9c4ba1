/** The short way of a write (0021_referring.sql): it comes to what the long one does, and is not taken when something has changed meanwhile. */
import { type Test, test } from 'tap'
import type { Subject } from '../../src/policy/model.ts'
import { readEnvelope } from '../../src/stix/index.ts'
import { limitsOf } from '../../src/taxii/add-objects.ts'
import { prepareObjects, type Writer } from '../../src/taxii/prepare-objects.ts'
import { type Plain, planPlain, storePlain } from '../../src/taxii/store-plain.ts'
import type { StixObject } from '../support/client.ts'
import { database } from '../support/cluster.ts'
import { applyInProcess, asOwner, type Node, openNode, TestClock } from '../support/in-process.ts'
import { wrongMatches } from '../support/match-index.ts'
import { AT, COLLECTION, policyWorld } from '../support/policy-world.ts'
import { START } from '../support/random-world.ts'
import { embargo, indicator, ipv4, malware, relationship, report, TLP, version } from '../support/stix.ts'

const WHO = ['my', 'my2', 'bank', 'sg', 'de']
const marked = (...refs: string[]) => ({ object_marking_refs: refs })
const as = (who: string) => `Basic ${Buffer.from(`${who}:pw-${who}`).toString('base64')}`

async function stage(t: Test, short = true) {
  const { url } = await database(t)
  const clock = new TestClock(START)
  await applyInProcess(url, JSON.stringify(policyWorld()), clock.now())
  const node = await openNode(url, clock, { short, env: { COMITY_POOL_SIZE: '4' } })
  t.teardown(() => node.close())
  return { url, clock, node }
}

async function add(node: Node, who: string, objects: readonly StixObject[], path = AT.closed) {
  const body = JSON.stringify({ objects })
  const answer = await node.call({ method: 'POST', path: `${path}objects/`, as: as(who), body })
  return answer.taxiiStatus
}

async function sees(node: Node, id: string): Promise<string[]> {
  const found: string[] = []
  for (const who of WHO) {
    const answer = await node.call({ path: `${AT.closed}objects/${id}/`, as: as(who) })
    if (answer.status === 200 && answer.objects.length > 0) found.push(who)
  }
  return found
}

/** All that a write leaves behind, but what the statuses are called. */
async function left(url: string): Promise<unknown> {
  return await asOwner(url, async (client) => {
    const all = async (query: string) => (await client.query(query)).rows
    const record = (column: string) => `(select a.record from audience a where a.id = abs(${column}))`
    return {
      wrong: await wrongMatches(client),
      items:
        await all(`select collection, position::text, accepted::text, ${record('audience')} as audience, ${record('label')} as label,
        ${record('marks')} as marks, ${record('need')} as need, held_until::text, spec, sco, object_id, type, version, version_key,
        organization, principal, parted, bytes, encode(hash, 'hex') as hash, body from item order by collection, position`),
      references:
        await all(`select collection, source::text, target, author, organization, ${record('known')} as known, sign(known)
        from reference order by collection, source, target`),
      audiences:
        await all(`select collection, ${record('audience')} as audience, appended::int, last::text from collection_audience
        order by collection, last, 2`),
      heads: await all('select collection, last_added::text from collection_head order by collection'),
      statuses: await all(`select requested::text, total, success, failure, successes, failures,
        (select string_agg(p.successes || p.failures, ',' order by p.part) from status_part p where p.status = s.id) as parts
        from status s order by requested`),
    }
  })
}

/** What the writer's request comes to before the log is held. */
async function plan(node: Node, who: string, objects: readonly StixObject[]) {
  const { exchange } = node
  const root = [...exchange.world.roots.values()].find((r) => r.path === 'one')
  const collection = root?.collections.find((c) => c.id === COLLECTION.closed)
  if (!collection) throw new Error('no such collection')
  const subject = exchange.subject(exchange.world.topology.principals.get(who)) as Subject
  const writer: Writer = { subject, collection, canRead: true }
  const envelope = readEnvelope(Buffer.from(JSON.stringify({ objects })), limitsOf(exchange))
  if (!envelope.ok) throw new Error(envelope.detail)
  const prepared = await prepareObjects(exchange, writer, envelope.members, exchange.clock.now())
  await exchange.refresh()
  return { writer, plain: await planPlain(exchange, writer, prepared) }
}

const store = async (node: Node, { writer, plain }: { writer: Writer; plain: Plain | null }) =>
  await storePlain(node.exchange, [{ writer, plain: plain as Plain, status: null }])

/** Green, for MY and SG, and for MY alone, by MY; and of SG. */
function targets() {
  const [open, amber, red] = [TLP.green, TLP.amber, TLP.red].map((level) => malware(marked(level)))
  const other = malware(marked(TLP['amber+strict']))
  return { open, amber, red, other } as Record<'open' | 'amber' | 'red' | 'other', StixObject>
}

test('both ways leave the same behind', async (t) => {
  const { open, amber, red, other } = targets()
  const green = marked(TLP.green)
  const chain = Array.from({ length: 3 }, () => relationship(open.id, amber.id, green))
  const about = report([chain[0]?.id as string, chain[1]?.id as string], green)
  const circle = report([about.id], green)
  const batch = (): StixObject[] => [
    indicator(green),
    ipv4('198.51.100.7', green),
    relationship(open.id, amber.id, green),
    relationship(amber.id, red.id, marked(TLP.amber)),
    relationship(other.id, open.id, green),
    relationship(red.id, indicator().id, green),
    relationship(open.id, open.id, { ...green, description: 'to itself, twice' }),
    report([open.id, 'url--6f1d0b0e-3c1e-5d3e-9f51-6b0f4b7d2a12'], { ...green, labels: ['x'] }),
    { ...indicator(), id: 'indicator--no' },
  ]
  const requests: [who: string, objects: StixObject[]][] = [
    ['my', [open, amber, red]],
    ['sg', [other]],
    ['sg', [malware({ ...green, id: open.id })]],
    // The first of each kind makes labels, which every node has to hear of.
    ...Array.from({ length: 3 }, (): [string, StixObject[]] => ['my', batch()]),
    ...Array.from({ length: 3 }, (): [string, StixObject[]] => ['sg', batch()]),
    ['de', batch()],
    ['my2', [...chain, about, circle]],
    ['my2', [relationship(about.id, circle.id, green)]],
    ['my', [report([chain[2]?.id as string], green)]],
    ['my', [relationship(amber.id, open.id, marked(TLP.green))]],
  ]
  const found: unknown[] = []
  for (const short of [true, false]) {
    const { url, clock, node } = await stage(t, short)
    for (const [who, objects] of requests) {
      clock.at += 1_000_000n
      for (const object of objects) object.created_by_ref = undefined
      const status = await add(node, who, objects)
      t.equal((status.success_count ?? 0) + (status.failure_count ?? 0), objects.length)
    }
    found.push(await left(url))
  }
  const [short, long] = found as [Record<string, unknown[]>, Record<string, unknown[]>]
  t.ok((short.references?.length ?? 0) > 60, `${short.references?.length} references`)
  for (const what of Object.keys(long)) t.strictSame(short[what], long[what], what)
})

test('what refers to others is planned, and not when the moment or more of the log counts', async (t) => {
  const { clock, node } = await stage(t)
  const { open, amber } = targets()
  await add(node, 'my', [open, amber])
  const green = marked(TLP.green)
  const relation = () => relationship(open.id, amber.id, green)
  await add(node, 'my', [relation()])
  await add(node, 'my2', [relation()])
  t.ok((await plan(node, 'my', [relation()])).plain, 'labels that this node knows')
  t.ok((await plan(node, 'my2', [relation()])).plain, 'of a colleague’s')
  const first = relation()
  await add(node, 'my', [first])
  t.notOk(
    (await plan(node, 'my', [report([first.id], green)])).plain,
    'a version of its own that refers to others',
  )
  t.ok((await plan(node, 'my', [first, report([first.id], green)])).plain, 'one that comes with it')
  const hold = embargo(clock.now() + 60_000_000n)
  t.notOk((await plan(node, 'my', [hold])).plain, 'a marking-definition')
  await add(node, 'my', [hold])
  const later = { ...version(open, '2026-02-01T00:00:00.000Z'), ...marked(TLP.green, hold.id) }
  t.notOk((await plan(node, 'my', [later])).plain, 'an embargo')
  const status = await add(node, 'my', [later])
  t.equal(status.success_count, 1, JSON.stringify(status))
  t.notOk((await plan(node, 'my', [relation()])).plain, 'one on what it refers to')
})

test('what it refers to is asked for once more under the lock', async (t) => {
  const { url, clock, node } = await stage(t)
  const { open, amber } = targets()
  const green = marked(TLP.green)
  await add(node, 'my', [open, amber, malware(marked(TLP.red))])
  for (const who of ['my', 'de']) await add(node, who, [relationship(open.id, amber.id, green)])
  const head = async (seq: number) => {
    const { heads } = (await left(url)) as { heads: { collection: number; last_added: string }[] }
    return BigInt(heads.find((h) => h.collection === seq)?.last_added ?? 0)
  }
  const changes: [string, () => Promise<unknown>][] = [
    ['nothing', async () => {}],
    [
      'another label',
      () =>
        node.call({
          method: 'PATCH',
          path: `/api/v1/roots/one/collections/closed/objects/${amber.id}`,
          as: as('my'),
          headers: { accept: 'application/json', 'content-type': 'application/json' },
          body: JSON.stringify({ ...marked(TLP.red), reason: 'because' }),
        }),
    ],
    ['another version', () => add(node, 'my', [version(open, '2026-03-01T00:00:00.000Z', green)])],
    [
      'a stranger’s copy',
      () => add(node, 'de', [malware({ ...marked(TLP.red), id: amber.id, name: 'of DE' })]),
    ],
    [
      'a delete',
      () =>
        node.call({
          method: 'DELETE',
          path: `${AT.closed}objects/${amber.id}/`,
          as: as('my'),
        }),
    ],
  ]
  for (const [what, change] of changes) {
    const relation = relationship(open.id, amber.id, green)
    const planned = await plan(node, 'my', [indicator(green), relation])
    t.ok(planned.plain, what)
    await change()
    // What is stored may be a few microseconds ahead.
    clock.at += 1_000_000n
    await node.exchange.refresh()
    const done = await store(node, planned)
    if (what === 'nothing') {
      t.ok('batches' in done, what)
      t.strictSame(await sees(node, relation.id), ['my', 'my2', 'bank', 'sg'])
      continue
    }
    t.strictSame(done, { met: new Set([0]) }, what)
    t.strictSame(await sees(node, relation.id), [], `${what}: nothing is stored`)
    t.ok((await head(planned.writer.collection.seq)) < clock.now(), `${what}: and no position is used`)
  }
})

test('a label that the node has not heard of is no reason to take it for hidden', async (t) => {
  const { url, clock, node } = await stage(t)
  const { open, amber } = targets()
  await add(node, 'my', [open, amber])
  for (let i = 0; i < 2; i++) await add(node, 'my', [relationship(open.id, amber.id, marked(TLP.green))])
  const late = await openNode(url, clock)
  t.teardown(() => late.close())
  t.ok((await plan(late, 'my', [relationship(open.id, amber.id, marked(TLP.green))])).plain)
  const { exchange } = late
  exchange.refresh = async () => false
  const stricter = {
    ...version(amber, '2026-03-01T00:00:00.000Z'),
    ...marked(TLP['amber+strict'], TLP.green),
  }
  await add(node, 'my', [{ ...stricter, ...marked(TLP.red) }])
  t.notOk((await plan(late, 'my', [relationship(open.id, amber.id, marked(TLP.green))])).plain)
})

test('requests that wait together, of which one refers to what the other brings', async (t) => {
  const { url, node } = await stage(t)
  const green = marked(TLP.green)
  for (const turn of [1, 2, 3]) {
    const { red } = targets()
    const relation = relationship(indicator().id, red.id, green)
    await asOwner(url, async (client) => {
      await client.query('begin')
      await client.query(
        'select from collection_head h join collection c on c.seq = h.collection where c.id = $1 for update of h',
        [COLLECTION.closed],
      )
      const first = add(node, 'my', [indicator(green)])
      await waiting(client, 1)
      // The reference may come first or last.
      const both = turn === 2 ? [[relation], [red]] : [[red], [relation]]
      const others: ReturnType<typeof add>[] = []
      for (const objects of both) {
        others.push(add(node, 'my', objects as StixObject[]))
        await waiting(client, 1)
      }
      await client.query('commit')
      for (const status of await Promise.all([first, ...others])) t.equal(status.success_count, 1)
    })
    t.strictSame(await sees(node, relation.id), ['my'], 'nobody else may see what it leads to')
  }
})

/** Until so many sessions wait for a lock, and what comes after them has had its time to be planned. */
async function waiting(client: { query(text: string): Promise<{ rows: { n: number }[] }> }, count: number) {
  for (;;) {
    const { rows } =
      await client.query(`select count(*)::int as n from pg_stat_activity where datname = current_database()
      and wait_event_type = 'Lock'`)
    if ((rows[0]?.n ?? 0) >= count) break
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await new Promise((resolve) => setTimeout(resolve, 100))
}
