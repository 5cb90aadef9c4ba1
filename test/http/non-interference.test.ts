/**
 * Non-interference (policy.md, "The promise"): a random reader's requests get the same bytes from the full database
 * as from a copy in which everything that the reader may not see has been deleted. COMITY_WORLDS: how many readers.
 */

import { test } from 'tap'
import { database } from '../support/cluster.ts'
import { newClock, pathOf, play, subjectOf, watch } from '../support/history.ts'
import {
  applyInProcess,
  asOwner,
  copyDatabase,
  dropDatabase,
  type Node,
  openNode,
  sibling,
  WAYS,
} from '../support/in-process.ts'
import { bordersFrom, splitLog } from '../support/partitions.ts'
import { storedRows } from '../support/plain-store.ts'
import { type Purged, purge } from '../support/purge.ts'
import { Random } from '../support/random.ts'
import { OBJECT_IDS, randomObject, randomVersions } from '../support/random-objects.ts'
import {
  credential,
  nameOf,
  type RandomWorld,
  randomWorld,
  readers,
  START,
  type Who,
} from '../support/random-world.ts'
import { ReferenceLog } from '../support/reference-log.ts'
import { difference, type Line, randomScript, replay } from '../support/script.ts'

const WORLDS = Number(process.env.COMITY_WORLDS ?? 30)
/** To look at world 29 of seed 9 again: COMITY_SEED=9 COMITY_FIRST=29 COMITY_WORLDS=88. */
const FIRST = Number(process.env.COMITY_FIRST ?? 0)
const SEED = Number(process.env.COMITY_SEED ?? 1)
const READERS = 3
const REQUESTS = 40
const WRITES = 6

/** POSTs and DELETEs of what the reader may or may not see; no two of one id, so that each stands alone. */
function writes(random: Random, world: RandomWorld, allowed: (id: string) => boolean): Line[] {
  const ids = OBJECT_IDS.filter(allowed)
  const used = new Set<string>()
  const lines: Line[] = []
  for (let i = 0; i < WRITES * 4 && lines.length < WRITES; i++) {
    const collection = random.pick([world.collections[0], ...world.collections])
    const path = `${pathOf(collection as never)}objects/`
    if (random.chance(0.3)) {
      const id = random.pick([...ids, 'indicator--6d0f2b1c-52ab-4a2f-8e0b-0c6f1f1b7a11'])
      if (used.has(id)) continue
      used.add(id)
      const query = random.chance(0.5) ? `?match[version]=${randomVersions(random)}` : ''
      lines.push({ method: 'DELETE', path: `${path}${id}/${query}` })
      continue
    }
    let objects = randomObject(random, world)
    if (objects.some((o) => used.has(o.id) || !allowed(o.id))) continue
    for (const o of objects) used.add(o.id)
    // Without its definitions: what they mean is known to those who may read them.
    if (random.chance(0.4)) objects = objects.slice(-1)
    if (random.chance(0.2)) objects.push(...objects.slice(-1))
    lines.push({ method: 'POST', path, body: JSON.stringify({ objects }) })
  }
  return lines
}

for (let w = FIRST; w * READERS < WORLDS; w++) {
  const seed = SEED * 1_000_000 + w
  test(`world ${seed}`, async (t) => {
    const { url } = await database(t)
    if (w % 2 === 1) await splitLog(url, bordersFrom(START))
    const random = new Random(seed)
    const world = randomWorld(random)
    const clock = newClock()
    const declared = await applyInProcess(url, world.text, clock.now())
    const node = await openNode(url, clock)
    const log = new ReferenceLog(declared, world.definitions, await asOwner(url, storedRows))
    const look = watch(log, declared, url, clock)
    const played = await play(random, world, node, clock, 25, look)
    // A due embargo may wait for the job: late is allowed, early is not (§7).
    const worked = random.chance(0.8)
    if (worked) await node.work()
    await look(null)
    await node.close()
    const positions = await asOwner(url, async (client) => {
      const { rows } = await client.query('select position::text from item where not standard')
      return rows.map((r) => BigInt(r.position))
    })
    for (let r = 0; r < READERS; r++) {
      const picked = random.chance(0.6)
        ? { id: random.pick(world.principals), capped: false }
        : random.pick(readers(world))
      // Between the end of an embargo and the job, a reference to what is due is above a submitter's cap once its label
      // has been made anew, and not before (§3, §6): either is allowed, so no capped reader is asked then.
      const who = worked ? picked : { ...picked, capped: false }
      const own = played.statuses.get(who.id) ?? []
      const statuses = [...own.slice(0, 2), ...[...played.statuses.values()].flat().slice(0, 2)]
      const script = randomScript(random, world, statuses, positions, REQUESTS)
      const [full, less] = [sibling(url, `full${r}`), sibling(url, `less${r}`)]
      const start = clock.at
      try {
        await copyDatabase(url, full)
        await copyDatabase(url, less)
        const purged = await asOwner(less, (client) =>
          purge(client, declared, log.store, subjectOf(declared, who), clock.now()),
        )
        // The plan must make no difference.
        const plan = (coin = new Random(random.below(2 ** 31))) => ({ way: () => coin.pick(WAYS) })
        const sides: [Node, Node] = [await openNode(full, clock, plan()), await openNode(less, clock, plan())]
        try {
          const found = await compare(random, world, who, purged, script, sides)
          t.equal(found, null, `${nameOf(who)}, who sees ${purged.kept} and not ${purged.hidden}`)
          if (found) t.comment(`COMITY_SEED=${SEED} COMITY_WORLDS=${(w + 1) * READERS}, world ${seed}`)
        } finally {
          await Promise.all(sides.map((side) => side.close()))
        }
      } finally {
        clock.at = start
        await dropDatabase(full)
        await dropDatabase(less)
      }
    }

    async function compare(
      random: Random,
      world: RandomWorld,
      who: Who,
      purged: Purged,
      script: Line[],
      [a, b]: [Node, Node],
    ): Promise<string | null> {
      const as = credential(who)
      const both = async (lines: Line[]) => {
        const heard = await Promise.all([replay(a, as, lines), replay(b, as, lines)])
        return difference(...heard)
      }
      const found = await both(script)
      // A token's writes collide as its principal (§9): the promise to a capped one covers reads.
      if (found || who.id === '' || who.capped) return found
      // A version that hides older ones of the same organization may be followed by an open one of the reader's
      // own, which makes them visible again (§7): such ids are for the answers to writes only.
      const tangled = random.chance(0.4)
      for (const line of writes(random, world, (id) => tangled || !purged.entangled.has(id))) {
        // No embargo begins or ends between two whole seconds: what is scheduled may change a view by itself (§7).
        clock.at += 1_000n
        const wrong = await both([line])
        if (wrong) return `write: ${line.body ?? ''}\n${wrong}`
      }
      clock.at += 1_000n
      return tangled ? null : await both(script)
    }
  })
}
