/** Reference closure over HTTP (policy.md §6): what points at something stricter is as strict, now and when it changes. */
import t, { test } from 'tap'
import { api } from '../support/api.ts'
import type { StixObject } from '../support/client.ts'
import { AT, COLLECTION, policyWorld, readers } from '../support/policy-world.ts'
import { apply, startServer } from '../support/server.ts'
import { embargo, indicator, ipv4, malware, relationship, report, TLP, version } from '../support/stix.ts'

const server = await startServer(t, { topology: JSON.stringify(policyWorld()) })
const path = AT.closed
const my = server.as('my')
const sg = server.as('sg')
const marked = (level: string) => ({ object_marking_refs: [level] })
const sees = (id: string, at = path) => readers(server, at, id)
const EVERYBODY = ['my', 'my2', 'bank', 'sg', 'de']

test('a relation is as strict as its ends, and the status says which one made it so', async (t) => {
  const open = indicator(marked(TLP.green))
  const strict = malware(marked(TLP['amber+strict']))
  const relation = relationship(open.id, strict.id, marked(TLP.green))
  const status = await my.add(path, relation, open, strict)
  t.strictSame(await sees(open.id), EVERYBODY)
  t.strictSame(await sees(strict.id), ['my', 'my2', 'sg'])
  t.strictSame(await sees(relation.id), ['my', 'my2', 'sg'], 'within one envelope, in any order')
  const said = status.successes?.find((s) => s.id === relation.id)?.message ?? ''
  t.match(said, `target_ref ${strict.id}`)
  t.notMatch(said, open.id)
  const twin = relationship(open.id, strict.id, marked(TLP.green))
  await my.add(path, twin)
  t.strictSame(await sees(twin.id), ['my', 'my2', 'sg'], 'what was there before')
})

test('a reference that waits resolves to the first copy of the author’s own organization', async (t) => {
  const address = ipv4('192.0.2.77', marked(TLP.red))
  const subject = malware(marked(TLP.green))
  const note = report([address.id, subject.id], marked(TLP.green))
  await my.add(path, subject, note)
  t.strictSame(await sees(note.id), EVERYBODY, 'unresolved references are kept as they are')
  await server.as('de').add(path, address)
  t.strictSame(await sees(note.id), EVERYBODY, 'a stranger’s RED copy withdraws nothing')
  const before = await sg.getObjects(path)
  t.ok(before.ids.includes(note.id))
  await server.as('my2').add(path, ipv4('192.0.2.77', marked(TLP['amber+strict'])))
  t.strictSame(
    await sees(note.id),
    ['my', 'my2', 'sg'],
    'its own organization’s copy tightens in the same transaction',
  )
  await sg.add(path, ipv4('192.0.2.77', marked(TLP.clear)))
  t.strictSame(await sees(note.id), ['my', 'my2', 'sg'], 'and nobody unlocks it by posting the address')
})

test('the latest version of what it points at decides, over several steps', async (t) => {
  const target = malware(marked(TLP.green))
  const relation = relationship(indicator().id, target.id, marked(TLP.green))
  const about = report([relation.id], marked(TLP.green))
  await my.add(path, target, relation, about)
  t.strictSame(await sees(about.id), EVERYBODY)
  await my.add(path, { ...version(target, '2026-02-01T00:00:00.000Z'), ...marked(TLP.red) })
  t.strictSame(await sees(relation.id), ['my'], 'tightened')
  t.strictSame(await sees(about.id), ['my'], 'and what points at what points at it')
  // The author's last: whatever is after it was appended after it.
  const cursor = (await my.getObjects(path)).header('X-TAXII-Date-Added-Last') ?? ''
  await my.add(path, { ...version(target, '2026-03-01T00:00:00.000Z'), ...marked(TLP.amber) })
  t.strictSame(await sees(relation.id), ['my', 'my2', 'bank', 'sg'], 'released')
  const polled = await sg.getObjects(path, { added_after: cursor })
  t.ok(polled.ids.includes(relation.id) && polled.ids.includes(about.id), 'a poller gets what it may see now')
  await my.delete(`${path}objects/${target.id}/?match[version]=2026-03-01T00:00:00.000Z`)
  t.strictSame(await sees(relation.id), ['my'], 'the version before is the latest again')
  await my.delete(`${path}objects/${target.id}/`)
  t.strictSame(await sees(relation.id), ['my'], 'a deleted target is not disclosed either')
})

test('a target that was deleted and comes back decides again', async (t) => {
  const target = malware(marked(TLP.green))
  const relation = relationship(indicator().id, target.id, marked(TLP.green))
  await my.add(path, target, relation)
  await my.delete(`${path}objects/${target.id}/`)
  t.strictSame(await sees(relation.id), EVERYBODY, 'its last label stays')
  await my.add(path, { ...version(target, '2026-02-01T00:00:00.000Z'), ...marked(TLP.red) })
  t.strictSame(await sees(relation.id), ['my'], 'a stricter one tightens')
})

test('what comes under an embargo through a reference binds the older version, and what points at it, as before', async (t) => {
  const later = embargo(BigInt(Date.UTC(2199, 0, 1)) * 1000n)
  const waited = malware()
  const first = report([malware().id], marked(TLP.green))
  const second = {
    ...version(first, '2026-02-01T00:00:00.000Z'),
    object_refs: [waited.id],
    ...marked(TLP.amber),
  }
  const about = report([first.id], marked(TLP.amber))
  const wider = { ...version(about, '2026-02-01T00:00:00.000Z'), ...marked(TLP.green) }
  const further = report([about.id], marked(TLP.green))
  await my.add(path, first, second, about, wider, further)
  for (const { id } of [first, about, further]) t.strictSame(await sees(id), ['my', 'my2', 'bank', 'sg'])
  await my.add(path, later, { ...waited, object_marking_refs: [TLP.green, later.id] })
  t.strictSame(await sees(waited.id), ['my', 'my2'], 'under embargo')
  const seen = await sg.getObject(path, first.id, { 'match[version]': 'all' })
  t.strictSame(
    seen.objects.map(({ modified }) => modified),
    [first.modified],
    'as is the version that refers to it',
  )
  for (const { id } of [first, about, further])
    t.strictSame(await sees(id), ['my', 'my2', 'bank', 'sg'], 'nobody gains by an embargo')
  const last = report([further.id], marked(TLP.green))
  await my.add(path, last)
  t.strictSame(await sees(last.id), ['my', 'my2', 'bank', 'sg'], 'as for what comes later')
})

test('circles, own copies, and collections that ask for their own labels only', async (t) => {
  const [a, b] = [report([], marked(TLP.green)), report([], marked(TLP.amber))]
  a.object_refs = [b.id]
  b.object_refs = [a.id]
  await my.add(path, a, b)
  t.strictSame(await sees(a.id), ['my', 'my2', 'bank', 'sg'])
  await my.add(path, { ...version(b, '2026-02-01T00:00:00.000Z'), ...marked(TLP.green) })
  t.strictSame(await sees(a.id), EVERYBODY, 'a circle loosens as well')
  const strict = malware(marked(TLP.red))
  const relation = relationship(indicator().id, strict.id, marked(TLP.green))
  await my.add(AT.own, strict, relation)
  t.strictSame(await sees(relation.id, AT.own), EVERYBODY, 'references: own')
})

test('a circle over several objects, whatever their order', async (t) => {
  const turns: [string, (list: StixObject[]) => StixObject[]][] = [
    ['each before the one that it refers to', (list) => list],
    ['each after it', (list) => [...list].reverse()],
  ]
  for (const [name, order] of turns) {
    const circle = Array.from({ length: 4 }, () => report([], marked(TLP.green)))
    circle.forEach((one, i) => {
      one.object_refs = [circle[(i + 1) % 4]?.id]
    })
    const last = circle[3] as StixObject
    last.object_marking_refs = [TLP.amber]
    await my.add(path, ...order(circle))
    for (const { id } of circle) t.strictSame(await sees(id as string), ['my', 'my2', 'bank', 'sg'], name)
    await my.add(path, { ...version(last, '2026-02-01T00:00:00.000Z'), ...marked(TLP.green) })
    for (const { id } of circle) t.strictSame(await sees(id as string), EVERYBODY, 'loosened')
    await my.add(path, { ...version(last, '2026-03-01T00:00:00.000Z'), ...marked(TLP.red) })
    for (const { id } of circle) t.strictSame(await sees(id as string), ['my'], 'tightened')
  }
})

test('another organization’s object: its label counts, for its own partners', async (t) => {
  const theirs = malware(marked(TLP['amber+strict']))
  await sg.add(path, theirs)
  const relation = relationship(indicator().id, theirs.id, marked(TLP.green))
  const status = await my.add(path, relation)
  t.match(status.successes?.[0]?.message, theirs.id)
  t.strictSame(await sees(relation.id), ['my', 'my2', 'sg'])
  await sg.add(path, { ...version(theirs, '2026-02-01T00:00:00.000Z'), ...marked(TLP.red) })
  t.strictSame(
    await sees(relation.id),
    ['my', 'sg'],
    'its author reads back its own; SG’s custodian reads SG’s',
  )
  const quiet = relationship(indicator().id, theirs.id, marked(TLP.green))
  const blind = await my.add(path, quiet)
  t.equal(blind.successes?.[0]?.message, undefined, 'no text tells of what the author cannot see')
})

test('a preview counts references that its caller sees', async (t) => {
  const strict = malware(marked(TLP['amber+strict']))
  await my.add(path, strict)
  const relation = relationship(indicator().id, strict.id, marked(TLP.green))
  const place = { root: 'one', id: COLLECTION.closed }
  const preview = async () => {
    const answer = (
      await api(server, 'my').post('/api/v1/policy/preview', { collection: place, object: relation })
    ).json
    if (!answer.organizations) throw new Error(JSON.stringify(answer))
    return (answer.organizations as { id: string }[]).map((o) => o.id).sort()
  }
  t.strictSame(await preview(), ['mycert', 'sgcert'])
  await my.add(path, relation)
  t.strictSame(await sees(relation.id), ['my', 'my2', 'sg'])
})

test('a version that takes the place of another decides for what points at it', async (t) => {
  const world = policyWorld()
  const [root] = world.api_roots as { collections: Record<string, unknown>[] }[]
  Object.assign(root?.collections[0] as object, { on_conflict: 'replace' })
  const other = await startServer(t, { topology: JSON.stringify(world) })
  const target = malware(marked(TLP.green))
  const relation = relationship(indicator().id, target.id, marked(TLP.green))
  await other.as('my').add(path, target, relation)
  t.strictSame(await readers(other, path, relation.id), EVERYBODY)
  await other.as('my').add(path, { ...target, ...marked(TLP.red) })
  t.strictSame(await readers(other, path, relation.id), ['my'], 'stricter at once')
  await other.as('my').add(path, { ...target, ...marked(TLP.amber) })
  t.strictSame(await readers(other, path, relation.id), ['my', 'my2', 'bank', 'sg'], 'and released')
})

test('its own organization’s copy comes before an earlier one of a stranger', async (t) => {
  const own = ipv4('192.0.2.78', marked(TLP['amber+strict']))
  await server.as('de').add(path, ipv4('192.0.2.78', marked(TLP.green)))
  await my.add(path, own)
  const again = await my.add(path, own)
  t.match(again.successes?.[0]?.message, 'already present', 'sent again it is no new version')
  const relation = relationship(indicator().id, own.id, marked(TLP.green))
  await my.add(path, relation)
  t.strictSame(await sees(relation.id), ['my', 'my2', 'sg'])
  const other = await my.post(path, [{ ...relation, description: 'other content' }])
  t.equal(other.taxiiStatus.failure_count, 1, 'the same version with other content is refused')
})

test('how labels are made does not change under objects that are there', async (t) => {
  const world = policyWorld()
  const [root] = world.api_roots as { collections: Record<string, unknown>[] }[]
  const collection = root?.collections[0] as Record<string, unknown>
  for (const change of [{ references: 'own' }, { redaction: 'redact' }]) {
    Object.assign(collection, { references: 'closed', redaction: 'withhold' }, change)
    await t.rejects(
      apply(server.database.url, JSON.stringify(world)),
      /holds objects, so its (references|redaction) cannot change/,
    )
  }
})
