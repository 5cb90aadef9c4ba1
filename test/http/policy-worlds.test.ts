/**
 * Non-interference of the answers about the policy (policy.md, "The promise"; §13): random readers get the same bytes
 * from the full database as from one in which all that they may not see has been deleted. COMITY_WORLDS: how many.
 */
import { test } from 'tap'
import { database } from '../support/cluster.ts'
import { newClock, play, subjectOf } from '../support/history.ts'
import {
  applyInProcess,
  asOwner,
  copyDatabase,
  dropDatabase,
  openNode,
  sibling,
} from '../support/in-process.ts'
import { purge } from '../support/purge.ts'
import { Random } from '../support/random.ts'
import { OBJECT_IDS, randomObject } from '../support/random-objects.ts'
import { credential, nameOf, type RandomWorld, randomWorld, readers } from '../support/random-world.ts'
import { difference, type Line, replay } from '../support/script.ts'

const WORLDS = Number(process.env.COMITY_WORLDS ?? 18)
const SEED = Number(process.env.COMITY_SEED ?? 1)
const READERS = 3

function post(path: string, body: object): Line {
  return { method: 'POST', path, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}

/** Everything that may be asked about everything, hidden or not. */
function questions(random: Random, world: RandomWorld): Line[] {
  const { agreements, organizations } = JSON.parse(world.text) as {
    agreements: { from: string; to: string }[]
    organizations: { id: string; country: string }[]
  }
  const names = [...organizations.flatMap((o) => [o.id, o.country]), ...world.principals, 'nobody']
  const lines: Line[] = [{ path: '/api/v1/me/clearance' }, { path: '/api/v1/policy/reciprocity' }]
  for (const { id: collection, root } of world.collections) {
    const place = { root, id: collection }
    for (const as of new Set(random.some(names, 0.5))) {
      for (const limit of [1, 2, 100]) {
        lines.push({
          path: `/api/v1/policy/view-as?root=${root}&collection=${collection}&as=${as}&limit=${limit}`,
        })
      }
    }
    for (const id of OBJECT_IDS) {
      const [organization, principal] = [random.pick(organizations).id, random.pick(world.principals)]
      lines.push(post('/api/v1/policy/explain', { collection: place, id, reader: { organization } }))
      lines.push(post('/api/v1/policy/explain', { collection: place, id, reader: { principal } }))
      const object = randomObject(random, world).at(-1)
      lines.push(post('/api/v1/policy/preview', { collection: place, object: { ...object, id } }))
    }
  }
  for (const { from, to } of agreements) lines.push(post('/api/v1/policy/simulate', { end: { from, to } }))
  for (let i = 0; i < 8; i++) {
    const [from, to] = [random.pick(names), random.pick(names)]
    const max_tlp = random.pick(['green', 'amber', 'amber+strict', 'red'])
    lines.push(post('/api/v1/policy/simulate', { draft: { from, to, max_tlp, clients: random.chance(0.5) } }))
  }
  return lines
}

for (let w = 0; w * READERS < WORLDS; w++) {
  const seed = SEED * 1_000_000 + w
  test(`world ${seed}`, async (t) => {
    const { url } = await database(t)
    const random = new Random(seed)
    const world = randomWorld(random)
    const clock = newClock()
    const declared = await applyInProcess(url, world.text, clock.now())
    const node = await openNode(url, clock)
    await play(random, world, node, clock, 25)
    if (random.chance(0.8)) await node.work()
    await node.close()
    for (let r = 0; r < READERS; r++) {
      const who = random.chance(0.7)
        ? { id: random.pick(world.principals), capped: false }
        : random.pick(readers(world).filter((reader) => reader.id !== ''))
      const script = questions(random, world)
      const [full, less] = [sibling(url, `full${r}`), sibling(url, `less${r}`)]
      try {
        await copyDatabase(url, full)
        await copyDatabase(url, less)
        const purged = await asOwner(less, (client) =>
          purge(client, declared, world.definitions, subjectOf(declared, who), clock.now()),
        )
        const sides = [await openNode(full, clock), await openNode(less, clock)] as const
        try {
          const [a, b] = await Promise.all(sides.map((side) => replay(side, credential(who), script)))
          const found = difference(a ?? [], b ?? [])
          t.equal(found, null, `${nameOf(who)}, who sees ${purged.kept} and not ${purged.hidden}`)
          t.ok(
            (a ?? []).some((heard) => heard.fingerprint.startsWith('[200')),
            'some are answered',
          )
        } finally {
          await Promise.all(sides.map((side) => side.close()))
        }
      } finally {
        await dropDatabase(full)
        await dropDatabase(less)
      }
    }
  })
}
