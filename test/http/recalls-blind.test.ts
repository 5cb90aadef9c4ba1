/** Which recalls there are does not tell an author what its colleagues hide from it (policy.md §7, "The promise"). */
import { test } from 'tap'
import { api } from '../support/api.ts'
import { startServer } from '../support/server.ts'
import { indicator, malware, relationship, TLP, version } from '../support/stix.ts'
import { policyWorld } from '../support/two-countries.ts'

const green = { object_marking_refs: [TLP.green] }
const strict = { object_marking_refs: [TLP['amber+strict']] }

test('what points at something that its author tightens is recalled, whatever else had closed it before', async (t) => {
  const { topology, path, held } = policyWorld()
  const server = await startServer(t, { topology })
  const author = server.as('author')
  const histories = [
    [path, true],
    [held, false],
  ] as const
  const issued = async (where: string) => {
    const answer = await api(server, 'author').get('/api/v1/recalls/issued')
    t.equal(answer.status, 200, answer.text)
    const { items } = answer.json as {
      items: { collection: string; object: string; kind: string; versions: string[]; fetched: number }[]
    }
    return items
      .filter(({ collection }) => where.includes(collection))
      .map(({ object, kind, versions, fetched }) => [object.split('--')[0], kind, versions.length, fetched])
  }
  const found = []
  for (const [where, hides] of histories) {
    const [source, target] = [indicator(green), malware(green)]
    await author.add(where, source, target, relationship(source.id, target.id, green))
    if (hides) {
      const hidden = version(target, '2026-02-01T00:00:00.000Z', { object_marking_refs: [TLP.red] })
      await server.as('colleague').add(where, hidden)
      const { objects } = (await server.as('sg').getObjects(where)).json as { objects: unknown[] }
      t.equal(objects.length, 1, 'nobody else reads the rest')
    }
    t.same(await issued(where), [], 'the colleague’s cause is hidden from the author')
    await author.add(where, version(source, '2026-03-01T00:00:00.000Z', strict))
    found.push(await issued(where))
  }
  t.same(found[0], found[1])
  t.equal(found[0]?.length, 2, 'the older version, and what points at it')
})
