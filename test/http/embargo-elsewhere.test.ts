/**
 * An embargo on what an object refers to opens nothing: a stricter version goes on to bind the older ones, whoever begins and ends
 * the embargo (policy.md §6, §7).
 */
import { test } from 'tap'
import { api } from '../support/api.ts'
import { startServer } from '../support/server.ts'
import { embargo, indicator, relationship, report, TLP, version } from '../support/stix.ts'
import { policyWorld } from '../support/two-countries.ts'

const LATER = BigInt(Date.UTC(2090, 0, 1)) * 1000n
const green = { object_marking_refs: [TLP.green] }
const until = (hour: string) => `2026-01-01T0${hour}:00:00.000Z`

test('an embargo of another country does not open an older version', async (t) => {
  const { topology, path, redacting } = policyWorld()
  const server = await startServer(t, { topology })
  const [author, colleague, sg] = [server.as('author'), server.as('colleague'), server.as('sg')]
  const sees = async (collection: string, id: string) =>
    Promise.all(
      [author, colleague, sg, server.as('de')].map(async (client) => {
        const answer = await client.getObject(collection, id, { 'match[version]': 'all' })
        return answer.status === 200 ? answer.objects.length : answer.status
      }),
    )
  for (const [collection, name] of [
    [path, 'withhold'],
    [redacting, 'redact'],
  ] as const) {
    await t.test(name, async (t) => {
      const held = embargo(LATER)
      const ours = indicator(green)
      const theirs = indicator(green)
      const later = { ...held, ...green }
      await sg.add(collection, later, theirs)
      await author.add(collection, ours)
      const first = report([ours.id], { ...green, modified: until('1') })
      const second = version(report([theirs.id], { ...first, object_refs: [theirs.id] }), until('2'))
      await author.add(collection, first, { ...second, object_marking_refs: [TLP.red] })
      // What points at it, before and after.
      const early = relationship(ours.id, first.id, green)
      await author.add(collection, early)
      t.same(await sees(collection, first.id), [2, 404, 404, 404], 'the second version hides the first one')
      const put = await relabel(collection, theirs.id, [TLP.green, held.id])
      t.equal(put, 200)
      t.equal((await colleague.getObject(collection, theirs.id)).status, 404, 'the embargo is there')
      t.same(await sees(collection, first.id), [2, 404, 404, 404], 'and has opened nothing')
      const late = relationship(ours.id, first.id, green)
      await author.add(collection, late)
      for (const { id } of [early, late])
        t.same(await sees(collection, id), [1, 404, 404, 404], 'nor what points at it')
      t.equal(await relabel(collection, theirs.id, [TLP.green]), 200)
      t.same(await sees(collection, first.id), [2, 404, 404, 404], 'nor does its end')
      for (const { id } of [early, late]) t.same(await sees(collection, id), [1, 404, 404, 404])
      // A version that says as little as the first takes nothing away, embargo or not.
      const open = version(first, until('3'))
      await author.add(collection, { ...open, object_refs: [theirs.id] })
      t.equal(await relabel(collection, theirs.id, [TLP.green, held.id]), 200)
      t.same((await sees(collection, first.id))[0], 3)
    })
  }

  async function relabel(collection: string, id: string, refs: string[]): Promise<number> {
    const [, root = '', , name = ''] = collection.split('/')
    const url = `/api/v1/roots/${root}/collections/${name}/objects/${id}`
    const answer = await api(server, 'sg').patch(url, { object_marking_refs: refs, reason: 'a test' })
    if (answer.status !== 200) throw new Error(answer.text)
    return answer.status
  }
})

test('what is released to its own organization under an embargo comes to who polls there', async (t) => {
  const { topology, path } = policyWorld()
  const server = await startServer(t, { topology })
  const [author, colleague, sg] = [server.as('author'), server.as('colleague'), server.as('sg')]
  const held = { ...embargo(LATER), ...green }
  const object = indicator({ object_marking_refs: [TLP.red] })
  await author.add(path, held, object, indicator(green))
  const last = (await colleague.getObjects(path)).header('x-taxii-date-added-last') ?? ''
  const [, root = '', , name = ''] = path.split('/')
  const answer = await api(server, 'author').patch(
    `/api/v1/roots/${root}/collections/${name}/objects/${object.id}`,
    {
      object_marking_refs: [TLP.amber, held.id],
      reason: 'a test',
    },
  )
  t.equal(answer.json.change, 'widened')
  const poll = await colleague.getObjects(path, { added_after: last })
  t.same(poll.ids, [object.id])
  t.equal(poll.header('x-taxii-date-added-last'), answer.json.date_added)
  t.same((await sg.getObjects(path, { added_after: last })).ids, [], 'and to nobody else before its time')
})

test('of two that point at each other, an embargo holds the one that asks for it, where another version decides for the other', async (t) => {
  const { topology, path } = policyWorld()
  const server = await startServer(t, { topology })
  const [author, sg] = [server.as('author'), server.as('sg')]
  const held = { ...embargo(LATER), ...green }
  const [target, other] = [indicator(green), indicator(green)]
  const one = report([other.id], green)
  const two = report([other.id], { object_marking_refs: [TLP['amber+strict']] })
  await author.add(path, held, target, other, one, two)
  const about = report([two.id], green)
  await author.add(
    path,
    { ...version(one, until('1')), object_refs: [target.id, two.id] },
    { ...version(two, until('1')), ...green, object_refs: [one.id] },
    about,
  )
  const versions = async (id: string) =>
    (await sg.getObject(path, id, { 'match[version]': 'all' })).objects.map(({ modified }) => modified)
  t.same(await versions(one.id), [one.modified, until('1')])
  const [, root = '', , name = ''] = path.split('/')
  const answer = await api(server, 'author').patch(
    `/api/v1/roots/${root}/collections/${name}/objects/${target.id}`,
    { object_marking_refs: [TLP.green, held.id], reason: 'a test' },
  )
  t.equal(answer.status, 200, answer.text)
  t.same(await versions(one.id), [one.modified], 'it waits with what it refers to')
  t.same(await versions(two.id), [until('1')], 'and the version before decides for this one')
  t.same(await versions(about.id), [about.modified], 'so that it is what decides for others')
})
