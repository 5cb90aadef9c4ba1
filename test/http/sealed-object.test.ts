/** An object by id that a node keeps in memory: whatever happens to it elsewhere, the next read tells the truth (policy.md §11). */
import t, { test } from 'tap'
import { gather } from '../../src/taxii/deliveries.ts'
import { api } from '../support/api.ts'
import type { StixObject } from '../support/client.ts'
import { database } from '../support/cluster.ts'
import { AT, COLLECTION, policyWorld } from '../support/policy-world.ts'
import { apply, startServer } from '../support/server.ts'
import { indicator, TLP, version } from '../support/stix.ts'

const own = await database(t)
await apply(own.url, JSON.stringify(policyWorld()))
const node = await startServer(t, { database: own })
const other = await startServer(t, { database: own })
const place = { root: 'one', id: COLLECTION.closed }
const byId = (id: string) => `${AT.closed}objects/${id}/`

/** Submitted, and read often enough to be in the node's memory. */
async function kept(object: StixObject): Promise<StixObject> {
  await other.as('my').add(AT.closed, object)
  for (let i = 0; i < 3; i++) {
    const { status, objects } = await node.as('sg').get(byId(object.id as string))
    t.equal(status, 200)
    t.strictSame(objects, [object])
  }
  return object
}

test('a label that is tightened on another node', async (t) => {
  const object = await kept(indicator({ object_marking_refs: [TLP.green] }))
  const path = `/api/v1/roots/${place.root}/collections/${place.id}/objects/${object.id}`
  const patched = await api(other, 'my').patch(path, { object_marking_refs: [TLP.red], reason: 'too wide' })
  t.equal(patched.status, 200, patched.text)
  t.equal((await node.as('sg').get(byId(object.id as string))).status, 404, 'gone for who may not read it')
  t.equal((await node.as('my').get(byId(object.id as string))).status, 200)
})

test('a newer version', async (t) => {
  const object = await kept(indicator({ object_marking_refs: [TLP.green] }))
  const newer = version(object, '2026-03-03T03:03:03.000Z', { name: 'newer' })
  await other.as('my').add(AT.closed, newer)
  t.strictSame((await node.as('sg').get(byId(object.id as string))).objects, [newer])
  const all = await node.as('sg').get(`${byId(object.id as string)}?match[version]=all`)
  t.strictSame(all.objects, [object, newer])
})

test('every version, kept in memory, and one more', async (t) => {
  const object = await kept(indicator({ object_marking_refs: [TLP.green] }))
  const path = `${byId(object.id as string)}?match[version]=all`
  for (let i = 0; i < 3; i++) t.strictSame((await node.as('sg').get(path)).objects, [object])
  const newer = version(object, '2026-03-03T03:03:03.000Z')
  const older = version(object, '2025-03-03T03:03:03.000Z', { created: '2025-03-03T03:03:03.000Z' })
  await other.as('my').add(AT.closed, newer)
  t.strictSame((await node.as('sg').get(path)).objects, [object, newer])
  t.strictSame((await node.as('sg').get(path)).objects, [object, newer])
  await other.as('my').add(AT.closed, older)
  t.strictSame((await node.as('sg').get(path)).objects, [object, newer, older])
  const versions = `${byId(object.id as string)}versions/`
  const before = (await node.as('sg').get(versions)).text
  t.equal((await node.as('sg').get(versions)).text, before)
  await other.as('my').add(AT.closed, version(object, '2026-04-04T04:04:04.000Z'))
  t.match((await node.as('sg').get(versions)).text, '2026-04-04T04:04:04.000Z')
})

test('a copy of another organization that it may not see', async (t) => {
  const object = indicator({ object_marking_refs: [TLP.green] })
  const theirs = { ...object, name: 'theirs', object_marking_refs: [TLP.red] }
  await other.as('de').add(AT.closed, theirs)
  await kept(object)
  await other.as('de').add(AT.closed, version(theirs, '2026-05-05T05:05:05.000Z'))
  t.strictSame((await node.as('sg').get(byId(object.id as string))).objects, [object])
  const seen = (await node.as('de').get(byId(object.id as string))).text
  const cold = (await other.as('de').get(byId(object.id as string))).text
  t.equal(seen, cold, 'who sees both gets the same as from the node that keeps nothing of it')
  t.match(seen, '2026-05-05T05:05:05.000Z')
})

test('deleted, and submitted again', async (t) => {
  const object = await kept(indicator({ object_marking_refs: [TLP.green] }))
  t.equal((await other.as('my').delete(byId(object.id as string))).status, 200)
  t.equal((await node.as('sg').get(byId(object.id as string))).status, 404)
  await other.as('my').add(AT.closed, object)
  t.strictSame((await node.as('sg').get(byId(object.id as string))).objects, [object])
})

test('single objects that one credential gets at the same moment are one delivery', async (t) => {
  const part = (audience: number, ...positions: number[]) => ({
    organization: 'mycert',
    country: 'MY',
    audience,
    rule: `rule ${audience}`,
    count: positions.length,
    first: String(positions[0]),
    last: String(positions.at(-1)),
    runs: positions.length === 1 ? '02' : '04',
  })
  const delivery = (principal: string, revision: string, parts: ReturnType<typeof part>[]) => ({
    at: '1000',
    principal,
    reader: 'sgcert',
    token: null,
    collection: 1,
    epoch: '1',
    revision,
    confirm: true,
    parts,
  })
  const page = delivery('sg', '7', [part(2, 100, 101)])
  const { list, places } = gather([
    delivery('sg', '7', [part(2, 130)]),
    page,
    delivery('de', '7', [part(2, 110)]),
    delivery('sg', '7', [part(2, 120)]),
    delivery('sg', '8', [part(2, 120)]),
    delivery('sg', '7', [part(3, 125)]),
    delivery('sg', '7', [part(2, 130)]),
    { ...delivery('sg', '7', [part(2, 140)]), at: '2000' },
    delivery('sg', '7', [part(2, 140)]),
  ])
  t.strictSame(places, [0, 1, 2, 0, 3, 0, 4, 5, 4])
  t.strictSame(list[0]?.parts, [{ ...part(2, 120), count: 2, last: '130', runs: '020902' }, part(3, 125)])
  t.strictSame(list.slice(1, 4), [
    page,
    delivery('de', '7', [part(2, 110)]),
    delivery('sg', '8', [part(2, 120)]),
  ])
  t.match(list[4]?.parts, [{ count: 2, first: '130', last: '140' }], 'the same again is another one')
  t.match(list[5], { at: '2000', parts: [part(2, 140)] })
})
