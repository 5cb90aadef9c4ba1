/** Which recalls there are does not tell an author what its colleagues hide from it (policy.md §7, "The promise"). */
import t, { type Test, test } from 'tap'
import { api } from '../support/api.ts'
import { until } from '../support/release.ts'
import { startServer } from '../support/server.ts'
import { indicator, malware, relationship, report, TLP, version } from '../support/stix.ts'
import { policyWorld } from '../support/two-countries.ts'

const { topology, path: plain, held } = policyWorld()
const server = await startServer(t, { topology })
const author = server.as('author')
const colleague = server.as('colleague')

const marked = (level: keyof typeof TLP) => ({ object_marking_refs: [TLP[level]] })
const green = marked('green')
const strict = marked('amber+strict')
const MARCH = '2026-03-01T00:00:00.000Z'

/** What the author has sent, each GREEN, and Singapore fetched: a relationship, both its ends and a report of it. */
interface Sent {
  path: string
  alias: string
  source: ReturnType<typeof indicator>
  target: ReturnType<typeof malware>
  relation: ReturnType<typeof relationship>
  about: ReturnType<typeof report>
}

/** The author's list of issued recalls of what it has sent: type of object, kind, how many versions, and who fetched them. */
async function issued(t: Test, { source, target, relation, about }: Sent) {
  const sent = new Set([source.id, target.id, relation.id, about.id])
  const answer = await api(server, 'author').get('/api/v1/recalls/issued')
  t.equal(answer.status, 200, answer.text)
  const { items } = answer.json as {
    items: { object: string; kind: string; versions: string[]; fetched: number }[]
  }
  return items
    .filter(({ object }) => sent.has(object))
    .map(({ object, kind, versions, fetched }) => [object.split('--')[0], kind, versions.length, fetched])
    .sort()
}

async function relabel(t: Test, { alias, relation }: Sent) {
  const where = `/api/v1/roots/one/collections/${alias}/objects/${relation.id}`
  const answer = await api(server, 'author').patch(where, { reason: 'because', ...strict })
  t.equal(answer.status, 200, answer.text)
}

/** A colleague sends a RED version of the target. */
const newer =
  (day: string) =>
  ({ path, target }: Sent) =>
    colleague.add(path, version(target, `${day}T00:00:00.000Z`, marked('red')))

/** What a colleague hides, once everything was fetched; and what the author does then, and is told of. */
const CASES: {
  title: string
  hides(sent: Sent): Promise<unknown>
  acts(sent: Sent, t: Test): Promise<unknown>
  told: (string | number)[][]
}[] = [
  {
    title: 'a newer version of what a relationship also points at',
    hides: newer('2026-02-01'),
    acts: ({ path, source }) => author.add(path, version(source, MARCH, strict)),
    told: [
      ['indicator', 'newer-version', 1, 1],
      ['relationship', 'reference', 1, 1],
      ['report', 'reference', 1, 1],
    ],
  },
  {
    title: 'a newer version than the next one',
    hides: newer('2026-04-01'),
    acts: ({ path, target }) => author.add(path, version(target, MARCH, strict)),
    told: [
      ['malware', 'newer-version', 1, 1],
      ['relationship', 'reference', 1, 1],
      ['report', 'reference', 1, 1],
    ],
  },
  {
    title: 'a newer version that what is relabelled points at',
    hides: newer('2026-02-01'),
    acts: (sent, t) => relabel(t, sent),
    told: [
      ['relationship', 'relabel', 1, 1],
      ['report', 'reference', 1, 1],
    ],
  },
  {
    title: 'a newer version than the one that is followed by another',
    hides: newer('2026-02-01'),
    acts: ({ path, target }) => author.add(path, version(target, MARCH, strict)),
    told: [
      ['malware', 'newer-version', 1, 1],
      ['relationship', 'reference', 1, 1],
      ['report', 'reference', 1, 1],
    ],
  },
  {
    title: 'what a newer version of the same object also points at',
    hides: async ({ path, target }) => {
      await author.add(path, version(target, '2026-02-01T00:00:00.000Z', green))
      await colleague.add(path, version(target, '2026-02-02T00:00:00.000Z', marked('red')))
    },
    acts: ({ path, relation }) => author.add(path, version(relation, MARCH, green)),
    told: [],
  },
  {
    title: 'as strict a version of what a newer version no longer points at',
    hides: newer('2026-02-01'),
    acts: ({ path, relation }) => {
      const other = indicator(marked('red'))
      const next = { ...version(relation, MARCH, green), source_ref: other.id, target_ref: other.id }
      return author.add(path, other, next)
    },
    told: [
      ['relationship', 'newer-version', 1, 1],
      ['report', 'reference', 1, 1],
    ],
  },
]

for (const { title, hides, acts, told } of CASES) {
  test(`an author is told the same of its recalls when a colleague hides ${title}`, async (t) => {
    for (const [path, alias, hidden] of [
      [plain, 'plain', true],
      [held, 'held', false],
    ] as const) {
      const [source, target] = [indicator(green), malware(green)]
      const relation = relationship(source.id, target.id, green)
      const about = report([relation.id], green)
      const sent = { path, alias, source, target, relation, about }
      await author.add(path, source, target, relation, about)
      const ids = [source.id, target.id, relation.id, about.id].sort()
      t.same((await server.as('sg').getObjects(path, { 'match[id]': ids.join() })).ids.sort(), ids)
      if (hidden) await hides(sent)
      const heard = (await api(server, 'sg').get('/api/v1/recalls')).json as { items: { object: string }[] }
      const lost = heard.items.filter(({ object }) => ids.includes(object))
      t.equal(lost.length > 0, hidden, 'who lost something hears of that')
      t.same(await issued(t, sent), [], 'the colleague’s cause is hidden from the author')
      await acts(sent, t)
      const said = await until(
        () => issued(t, sent),
        (items) => items.every(([, , , fetched]) => fetched !== 0),
      )
      t.same(said, told, hidden ? 'with it' : 'without it')
    }
  })
}
