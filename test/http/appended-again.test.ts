/** Whether a row is appended again is decided by what its readers see: date_added tells nobody of the rest (policy.md §6, §7). */
import t, { type Test, test } from 'tap'
import { api } from '../support/api.ts'
import type { StixObject } from '../support/client.ts'
import { AT, COLLECTION, policyWorld, readers } from '../support/policy-world.ts'
import { startServer } from '../support/server.ts'
import { embargo, forCountry, malware, relationship, report, TLP, version } from '../support/stix.ts'

const server = await startServer(t, { topology: JSON.stringify(policyWorld()) })
const [my2, sg] = [server.as('my2'), server.as('sg')]
const marked = (...refs: string[]) => ({ object_marking_refs: refs })
const at = (month: number) => `2026-0${month}-01T00:00:00.000Z`
const next = (object: StixObject, month: number, ...refs: string[]) => ({
  ...version(object, at(month)),
  ...marked(...refs),
})

/** Not for MY, and for DE without an agreement. */
const elsewhere = forCountry('DE', marked(TLP['amber+strict']))
for (const path of [AT.closed, AT.redact]) await sg.add(path, elsewhere)
const ELSEWHERE = [TLP.amber, elsewhere.id]

const added = async (path: string, id: string) =>
  (await my2.getManifest(path, { 'match[id]': id })).records[0]?.date_added as string

/** A row of my2's about something of sg's and something of its own; sg then hides the first, or not. */
async function row(t: Test, path: string, make: (...ids: string[]) => StixObject, hidden: string[] | null) {
  const [theirs, own] = [malware(marked(TLP.green)), malware(marked(TLP.amber))]
  const about = make(theirs.id, own.id)
  await sg.add(path, theirs)
  await my2.add(path, own, about)
  if (hidden) {
    await sg.add(path, next(theirs, 2, ...hidden))
    t.equal((await my2.getObject(path, theirs.id)).status, 404, 'hidden from who sent the row')
  }
  return { theirs, own, about, before: await added(path, about.id) }
}

const relation = (...ids: string[]) =>
  relationship(ids[0] as string, ids[1] as string, { ...marked(TLP.green), relationship_type: 'related-to' })
const note = (...ids: string[]) => report(ids, marked(TLP.green))

test('a release is told the same way whatever a hidden reference says', async (t) => {
  for (const [what, hidden] of Object.entries({ nothing: null, RED: [TLP.red], ELSEWHERE })) {
    const { own, about, before } = await row(t, AT.closed, relation, hidden)
    await my2.add(AT.closed, next(own, 3, TLP.green))
    t.ok((await added(AT.closed, about.id)) > before, `appended again: ${what}`)
  }
})

test('nor does it matter that a colleague hides a newer version than the one that releases', async (t) => {
  const my = server.as('my')
  for (const hides of [false, true]) {
    const { own, about, before } = await row(t, AT.closed, relation, null)
    if (hides) await my.add(AT.closed, next(own, 9, TLP.red))
    t.equal(await added(AT.closed, about.id), before)
    await my2.add(AT.closed, next(own, 3, TLP.green))
    t.ok((await added(AT.closed, about.id)) > before, `appended again: ${hides}`)
    await my2.add(AT.closed, next(own, 4, TLP['amber+strict']))
    t.strictSame(await readers(server, AT.closed, about.id), hides ? ['my', 'my2'] : ['my', 'my2', 'sg'])
  }
})

test('what is released and stays hidden from who sent the row moves nothing', async (t) => {
  const { theirs, own, about, before } = await row(t, AT.closed, relation, [TLP.red])
  await my2.add(AT.closed, next(own, 3, TLP.green))
  const moved = await added(AT.closed, about.id)
  t.ok(moved > before)
  t.strictSame(await readers(server, AT.closed, about.id), ['my2', 'sg'])
  await sg.add(AT.closed, next(theirs, 4, ...ELSEWHERE))
  t.strictSame(await readers(server, AT.closed, about.id), ['my2', 'sg', 'de'], 'who gains may read it')
  t.equal(await added(AT.closed, about.id), moved)
  await sg.add(AT.closed, next(theirs, 5, TLP.green))
  t.ok((await added(AT.closed, about.id)) > moved, 'it does once that is seen')
})

test('nor does what is seen only through a row of one’s own', async (t) => {
  const { theirs, about } = await row(t, AT.closed, relation, [TLP.red])
  const second = report([about.id], marked(TLP.green))
  await my2.add(AT.closed, second)
  const before = await added(AT.closed, second.id)
  await sg.add(AT.closed, next(theirs, 4, ...ELSEWHERE))
  t.equal(await added(AT.closed, second.id), before)
  await my2.add(AT.closed, next(about, 4, TLP.amber))
  const tighter = await added(AT.closed, second.id)
  await my2.add(AT.closed, next(about, 5, TLP.green))
  t.equal(await added(AT.closed, second.id), tighter, 'its own AMBER end still holds it')
})

test('a container of which references are taken out stays where it is', async (t) => {
  const { theirs, own, about, before } = await row(t, AT.redact, note, [TLP.red])
  t.notOk((await readers(server, AT.redact, about.id)).includes('de'))
  await sg.add(AT.redact, next(theirs, 4, ...ELSEWHERE))
  t.ok((await readers(server, AT.redact, about.id)).includes('de'), 'who gains may read it')
  t.equal(await added(AT.redact, about.id), before)
  const shown = (await my2.getObject(AT.redact, about.id)).objects[0]
  t.strictSame(shown?.object_refs, [theirs.id, own.id], 'whole for its author')
  await my2.add(AT.redact, { ...next(about, 4, TLP.green), description: 'a new version is new' })
  t.ok((await added(AT.redact, about.id)) > before)
})

test('a relabelling counts readers the same way whatever a hidden reference says', async (t) => {
  const told: unknown[] = []
  for (const hidden of [null, [TLP.red], ELSEWHERE]) {
    const { about } = await row(t, AT.closed, relation, hidden)
    const url = `/api/v1/roots/one/collections/${COLLECTION.closed}/objects/${about.id}`
    const answer = await api(server, 'my2').patch(url, { ...marked(TLP.amber), reason: 'as agreed' })
    t.equal(answer.status, 200, JSON.stringify(answer.json))
    told.push((answer.json as { readers: unknown }).readers)
  }
  t.strictSame(told[1], told[0])
  t.strictSame(told[2], told[0])
})

test('what a released reference opens is appended again by its latest version only', async (t) => {
  const own = malware(marked(TLP.amber))
  const about = relation(own.id, malware().id)
  const later = next(about, 2, TLP.green)
  await my2.add(AT.closed, own, about, later)
  const dates = async () =>
    (await my2.getManifest(AT.closed, { 'match[id]': about.id, 'match[version]': 'all' })).records
      .sort((a, b) => (a.version < b.version ? -1 : 1))
      .map((record) => record.date_added)
  const [first, second] = await dates()
  await my2.add(AT.closed, next(own, 3, TLP.green))
  const [older, latest] = await dates()
  t.equal(older, first, 'the older one stays where it is')
  t.ok(String(latest) > String(second))
})

test('an older version of a colleague that binds instead of one’s own embargo moves nothing', async (t) => {
  const notYet = embargo(BigInt(Date.UTC(2199, 0, 1)) * 1000n)
  for (const colleague of [false, true]) {
    const [end, later] = [malware(marked(TLP.green)), malware(marked(TLP.amber))]
    const about = relation(end.id, malware().id)
    const container = report([about.id, later.id], marked(TLP.green))
    // Of other ends: the embargo is not on it.
    const older = { ...about, source_ref: malware().id, ...marked(TLP.red) }
    if (colleague) await server.as('my').add(AT.closed, older)
    await my2.add(AT.closed, next(about, 2, TLP.green), container)
    const before = await added(AT.closed, container.id)
    await my2.add(AT.closed, notYet, { ...end, ...marked(TLP.green, notYet.id) })
    t.strictSame(await readers(server, AT.closed, container.id), ['my', 'my2'], 'under the embargo with it')
    await my2.add(AT.closed, later)
    t.equal(await added(AT.closed, container.id), before, colleague ? 'with an older version' : 'without')
  }
})
