/**
 * Match fields in random worlds (TAXII 2.1 interop 3.13.2): what a reader finds is what a look at all objects that it
 * gets finds, page by page, and the index is what the texts say. COMITY_WORLDS: how many readers.
 */
import { type Test, test } from 'tap'
import { fillMatches } from '../../src/taxii/note-matches.ts'
import { database } from '../support/cluster.ts'
import { newClock, pathOf, play } from '../support/history.ts'
import { applyInProcess, asOwner, type Node, openNode } from '../support/in-process.ts'
import { wrongMatches } from '../support/match-index.ts'
import { asQuery, has, randomMatches } from '../support/match-queries.ts'
import { Random } from '../support/random.ts'
import { randomVersions } from '../support/random-objects.ts'
import { credential, nameOf, type RandomWorld, randomWorld, readers } from '../support/random-world.ts'

const WORLDS = Number(process.env.COMITY_WORLDS ?? 12)
const SEED = Number(process.env.COMITY_SEED ?? 1)
const READERS = 3
const QUERIES = 15

/** All pages of a walk, as `id version`. */
async function walk(node: Node, as: string | null, path: string, limit: number): Promise<string[]> {
  const found: string[] = []
  let next = ''
  for (;;) {
    const answer = await node.call({ path: `${path}&limit=${limit}${next}`, as })
    if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}: ${answer.text}`)
    const { objects = [] } = JSON.parse(answer.text) as { objects?: Record<string, string>[] }
    for (const { id, version, modified, created } of objects)
      found.push(`${id} ${version ?? modified ?? created ?? ''}`)
    if (!answer.more) return found
    next = `&next=${answer.next}`
  }
}

/** As after an upgrade: the fields are not there until all objects from before have been read in, and all there then. */
async function again(t: Test, url: string, node: Node, world: RandomWorld): Promise<void> {
  await asOwner(url, async (client) => {
    for (const table of ['match_row', 'match_posting', 'match_audience'])
      await client.query(`delete from ${table}`)
    await client.query(`insert into match_fill select seq, -1 from collection;
      update state set epoch = epoch + 1`)
  })
  const reader = { id: world.principals[0] as string, capped: false }
  const as = credential(reader)
  const open = async () => {
    await node.exchange.refresh()
    const texts = [await node.call({ path: '/one/', as })]
    for (const c of world.collections) {
      texts.push(await node.call({ path: `${pathOf(c)}objects/?match[name]=nobody%20has%20it`, as }))
      texts.push(await node.call({ path: `${pathOf(c)}objects/`, as }))
    }
    return texts
  }
  const [root, ...pages] = await open()
  t.equal(root?.json.x_comity_match_fields, undefined, 'not named')
  for (let i = 0; i < pages.length; i += 2)
    t.equal(pages[i]?.fingerprint, pages[i + 1]?.fingerprint, 'and ignored')
  while (await fillMatches(node.exchange)) {}
  const [filled, ...now] = await open()
  t.equal((filled?.json.x_comity_match_fields as string[] | undefined)?.length, 70)
  for (let i = 0; i < now.length; i += 2)
    if (now[i]?.status === 200) t.equal(now[i]?.text, '{}', 'not any more')
  t.strictSame(await asOwner(url, wrongMatches), [], 'the index is what the texts say again')
}

for (let w = 0; w * READERS < WORLDS; w++) {
  const seed = SEED * 1_000_000 + w
  test(`world ${seed}`, async (t) => {
    const { url } = await database(t)
    const random = new Random(seed)
    const world = randomWorld(random)
    const clock = newClock()
    await applyInProcess(url, world.text, clock.now())
    const node = await openNode(url, clock)
    try {
      await play(random, world, node, clock, 50, async () => {})
      await node.work()
      t.strictSame(await asOwner(url, wrongMatches), [], 'the index is what the texts say')
      if (w % 2 === 1) await again(t, url, node, world)
      let found = 0
      for (let r = 0; r < READERS; r++) {
        const who = random.pick(readers(world))
        const as = credential(who)
        for (let q = 0; q < QUERIES; q++) {
          const path = pathOf(
            random.chance(0.7) ? (world.collections[0] as never) : random.pick(world.collections),
          )
          const versions = random.chance(0.5) ? `match[version]=${randomVersions(random)}&` : ''
          const asked = randomMatches(random)
          const all = await node.call({ path: `${path}objects/?${versions}limit=1000`, as })
          if (all.status !== 200) continue
          const expected = all.objects
            .filter((object) => asked.every((one) => has(object, one)))
            .map((object) => `${object.id} ${object.modified ?? object.created ?? ''}`)
          const query = `${versions}${asQuery(asked)}`
          const got = await walk(node, as, `${path}objects/?${query}`, 1 + random.below(4))
          t.strictSame(got, expected, `${nameOf(who)}: ${query}`)
          const records = await walk(node, as, `${path}manifest/?${query}`, 1 + random.below(4))
          t.strictSame(
            records.map((one) => one.split(' ')[0]),
            expected.map((one) => one.split(' ')[0]),
            'the manifest says the same',
          )
          found += got.length
        }
      }
      t.comment(`${found} found`)
    } finally {
      await node.close()
    }
  })
}
