/**
 * An author's own objects become stricter, or are held, by what a colleague sends and the author does not see (policy.md §6).
 * No answer to it tells of that, "The promise".
 */
import t, { test } from 'tap'
import { api } from '../support/api.ts'
import type { StixObject } from '../support/client.ts'
import { AT, COLLECTION, policyWorld } from '../support/policy-world.ts'
import { startServer } from '../support/server.ts'
import { embargo, malware, relationship, report, TLP, version } from '../support/stix.ts'

const server = await startServer(t, { topology: JSON.stringify(policyWorld()) })
const [my, my2] = [server.as('my'), server.as('my2')]
const marked = (...refs: string[]) => ({ object_marking_refs: refs })
const later = embargo(BigInt(Date.UTC(2199, 0, 1)) * 1000n)
const caller = api(server, 'my2')

/** References join the label, or are taken out of containers. */
type Where = 'closed' | 'redact'

/** All that my2 may ask about objects of its own, and about what it might send. */
async function asked(where: Where, objects: readonly StixObject[]): Promise<unknown[]> {
  const [path, alias] = [AT[where], COLLECTION[where]]
  const collection = { root: 'one', id: alias }
  const answers: unknown[] = []
  const note = ({ status, json }: { status: number; json: unknown }) => answers.push({ status, json })
  for (const object of objects) {
    for (const one of [
      report([object.id], { id: 'report--0b8c9d62-1f0c-4f5e-8d0f-51d0d5a8a001', ...marked(TLP.green) }),
      relationship(object.id, (objects[0] as StixObject).id, {
        id: 'relationship--0b8c9d62-1f0c-4f5e-8d0f-51d0d5a8a002',
        ...marked(TLP.green),
      }),
      { ...version(object, '2026-05-01T00:00:00.000Z'), ...marked(TLP.amber) },
    ])
      note(await caller.post('/api/v1/policy/preview', { collection, object: one }))
    for (const reader of [{ organization: 'mycert' }, { organization: 'sgcert' }, { principal: 'bank' }])
      note(await caller.post('/api/v1/policy/explain', { collection, id: object.id, reader }))
    const got = await my2.getObject(path, object.id, { 'match[version]': 'all' })
    answers.push(got.objects, (await my2.getManifest(path, { 'match[id]': object.id })).records)
  }
  for (const as of ['SG', 'DE', 'petrobank', 'my'])
    note(await caller.get(`/api/v1/policy/view-as?root=one&collection=${alias}&as=${as}`))
  note(await caller.get('/api/v1/policy/reciprocity'))
  for (const draft of [
    { from: 'MY', to: 'DE', max_tlp: 'amber', clients: true },
    { from: 'SG', to: 'MY', max_tlp: 'red' },
  ])
    note(await caller.post('/api/v1/policy/simulate', { draft }))
  note(await caller.post('/api/v1/policy/simulate', { end: { from: 'MY', to: 'SG' } }))
  return answers
}

const path = AT.closed
/** What the colleague marks it with; what it refers to is RED, and so is all of it. */
const MARKED = {
  RED: [TLP.red],
  'RED, and later': [TLP.red, later.id],
  'AMBER, about something RED': [TLP.amber],
}
for (const where of ['closed', 'redact'] as const) {
  const secret = malware(marked(TLP.red))
  for (const [what, refs] of Object.entries(MARKED)) {
    test(`${where}: ${what}`, async (t) => {
      const path = AT[where]
      const [awaited, open] = [report([secret.id]), malware(marked(TLP.green))]
      const about = report([awaited.id, open.id], marked(TLP.green))
      const older = report([open.id], marked(TLP.green))
      const newer = {
        ...version(older, '2026-02-01T00:00:00.000Z'),
        object_refs: [awaited.id],
        ...marked(TLP.amber),
      }
      const further = report([about.id, older.id], marked(TLP.green))
      const strict = malware(marked(TLP.amber))
      // Which of these is taken out depends on whether the other one waits for its object.
      const both = report([awaited.id, strict.id], marked(TLP.green))
      const link = relationship(both.id, open.id, marked(TLP.green))
      // Beside what is hidden, a container of which something has to be left.
      const sole = report([strict.id], marked(TLP.green))
      const beside = relationship(sole.id, awaited.id, marked(TLP.green))
      const own = [about, older, further, both, link, beside]
      await my2.add(path, open, strict, about, older, newer, further, both, link, sole, beside)
      await my.add(path, later, secret)
      const before = await asked(where, own)
      await my.add(path, { ...awaited, ...marked(...refs) })
      t.equal((await my2.getObject(path, awaited.id)).status, 404, 'hidden')
      const after = await asked(where, own)
      t.equal(after.length, before.length)
      for (const [i, answer] of after.entries()) t.strictSame(answer, before[i], `answer ${i}`)
    })
  }
}

for (const where of ['closed', 'redact'] as const)
  test(`${where}: what its author sees no more does not exist for it`, async (t) => {
    const path = AT[where]
    const target = malware(marked(TLP['amber+strict']))
    const about = report([target.id], marked(TLP.green))
    await my.add(path, target)
    await my2.add(path, about)
    const collection = { root: 'one', id: COLLECTION[where] }
    const bank = async () => {
      const asked = { collection, id: about.id, reader: { principal: 'bank' } }
      const explained = await caller.post('/api/v1/policy/explain', asked)
      const object = relationship(about.id, about.id, marked(TLP.green))
      const previewed = await caller.post('/api/v1/policy/preview', { collection, object })
      return [
        (explained.json as { readers: { decision: boolean }[] }).readers[0]?.decision,
        JSON.stringify(previewed.json).includes('petrobank'),
      ]
    }
    t.strictSame(await bank(), [false, false], 'AMBER+STRICT with what it refers to')
    await my.add(path, { ...version(target, '2026-02-01T00:00:00.000Z'), ...marked(TLP.red) })
    t.equal((await my2.getObject(path, target.id)).status, 404)
    t.strictSame(await bank(), [true, true], 'GREEN, as without it')
  })

test('a recall whose cause was hidden from the author is not told when that is out', async (t) => {
  const target = malware(marked(TLP.green))
  const about = report([target.id], marked(TLP.green))
  await my.add(path, target)
  await my2.add(path, about)
  const issued = async (who: typeof caller) => {
    const { json } = await who.get('/api/v1/recalls/issued')
    return (json as { items: { object: string }[] }).items.filter(({ object }) => object === about.id).length
  }
  await my.add(path, { ...version(target, '2026-02-01T00:00:00.000Z'), ...marked(TLP.red) })
  t.equal((await my2.getObject(path, about.id)).status, 200)
  t.equal(await issued(caller), 0, 'while its cause is hidden')
  const sender = api(server, 'my')
  const released = await sender.patch(
    `/api/v1/roots/one/collections/${COLLECTION.closed}/objects/${target.id}`,
    { ...marked(TLP.green), reason: 'it is out' },
  )
  t.equal(released.status, 200)
  t.equal((await my2.getObject(path, target.id)).objects.length, 1, 'out')
  t.equal(await issued(caller), 0, 'and later')
  t.equal(await issued(sender), 1, 'whoever did it knows')
})
