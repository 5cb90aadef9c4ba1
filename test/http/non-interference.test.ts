/**
 * Non-interference (policy.md, "The promise"; §13): a random reader's requests get the same bytes from the full database
 * as from a copy in which everything that the reader may not see has been deleted. COMITY_WORLDS: how many worlds.
 */

import { test } from 'tap'
import { act, answers, relabel, request, schedule } from '../support/acts.ts'
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
import { type Row, storedRows } from '../support/plain-store.ts'
import { type Purged, purge } from '../support/purge.ts'
import { questions } from '../support/questions.ts'
import { Random } from '../support/random.ts'
import { OBJECT_IDS, randomObject, randomVersions } from '../support/random-objects.ts'
import { nameOf, type RandomWorld, randomWorld, readers, START, type Who } from '../support/random-world.ts'
import { ReferenceLog } from '../support/reference-log.ts'
import { difference, type Heard, Made, replay } from '../support/replay.ts'
import { type Line, randomScript } from '../support/script.ts'

const WORLDS = Number(process.env.COMITY_WORLDS ?? 6)
/** To look at world 29 of seed 9 again: COMITY_SEED=9 COMITY_FIRST=29 COMITY_WORLDS=30. */
const FIRST = Number(process.env.COMITY_FIRST ?? 0)
const SEED = Number(process.env.COMITY_SEED ?? 1)
/** In each world; the others are as they were in the same world with more. */
const READERS = Number(process.env.COMITY_READERS ?? 3)
/** Of each reader; with the last one, who may write does. */
const SCRIPTS = 2
const [REQUESTS, QUESTIONS, WRITES] = [10, 12, 8]

/** Of all scripts: how often each kind of request was answered with what, so that none is asked in vain. */
const total = new Map<string, number>()

/** POSTs, DELETEs and acts on what the reader may or may not see; no two of one id, so that each stands alone. */
function writes(
  random: Random,
  world: RandomWorld,
  {
    own,
    now,
    allowed,
    whole,
  }: {
    own: readonly Row[]
    now: bigint
    allowed: (id: string) => boolean
    whole: (id: string) => boolean
  },
): Line[] {
  const ids = OBJECT_IDS.filter(allowed)
  const used = new Set<string>()
  const lines: Line[] = []
  for (let i = 0; i < WRITES * 4 && lines.length < WRITES; i++) {
    const collection = random.pick([world.collections[0], ...world.collections])
    const path = `${pathOf(collection as never)}objects/`
    if (random.chance(0.35)) {
      const row = own.length > 0 && random.chance(0.8) ? random.pick(own) : null
      const id = row?.id ?? random.pick([...ids, OBJECT_IDS[0] as string])
      const where = row?.collectionId ?? (collection as { id: string }).id
      const kind = random.below(4)
      if (kind === 0) lines.push(answers(random, world, allowed))
      if (kind === 1) lines.push(request(random, world, id, where))
      if (kind === 2) {
        const line = schedule(random, world, id, where, now)
        if (whole(id)) lines.push(line)
      }
      if (kind < 3 || used.has(id) || !allowed(id) || !whole(id)) continue
      used.add(id)
      lines.push(relabel(random, world, id, where))
      continue
    }
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

for (let w = FIRST; w < WORLDS; w++) {
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
    const statuses = new Map<string, string[]>()
    for (let turn = 0; turn < 5; turn++) {
      const played = await play(random, world, node, clock, 5, look)
      for (const [id, made] of played.statuses) statuses.set(id, [...(statuses.get(id) ?? []), ...made])
      await act(random, world, node, clock, { count: 4, rows: () => log.store.rows, look })
    }
    if (random.chance(0.2)) clock.at += 86_400_000_000n
    clock.at += 1_000_000n - (clock.at % 1_000_000n)
    // A due embargo may wait for the job: late is allowed, early is not (§7).
    const worked = random.chance(0.8)
    if (worked) await node.work()
    // Pages that wait as they were read do not say whose objects are in them, once these are gone.
    else await node.keepLedger()
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
      const own = statuses.get(who.id) ?? []
      const some = [...own.slice(0, 2), ...[...statuses.values()].flat().slice(0, 2)]
      const scripts = Array.from({ length: SCRIPTS }, () => {
        const script = randomScript(random, world, some, positions, REQUESTS)
        for (const line of questions(random, world, QUESTIONS)) {
          script.splice(random.below(script.length + 1), 0, line)
        }
        return script
      })
      // The last one needs no copy of what nobody asks for any more.
      const spare = r === READERS - 1
      const [full, less] = [spare ? url : sibling(url, `full${r}`), sibling(url, `less${r}`)]
      const start = clock.at
      try {
        await copyDatabase(url, less)
        if (!spare) await copyDatabase(url, full)
        const purged = await asOwner(less, (client) =>
          purge(client, declared, log.store, subjectOf(declared, who), clock.now()),
        )
        // The plan must make no difference.
        const plan = (coin = new Random(random.below(2 ** 31))) => ({
          large: coin.pick([1, 500]),
          short: coin.pick([true, false]),
          way: () => coin.pick(WAYS),
        })
        const sides: [Node, Node] = [await openNode(full, clock, plan()), await openNode(less, clock, plan())]
        try {
          const ask = comparing(random, world, who, purged, sides)
          for (const [s, script] of scripts.entries()) {
            const found = await ask(script, s === SCRIPTS - 1)
            t.equal(found, null, `${nameOf(who)}, who sees ${purged.kept} and not ${purged.hidden}`)
            if (found)
              t.comment(`COMITY_SEED=${SEED} COMITY_FIRST=${w} COMITY_WORLDS=${w + 1}, ${READERS} readers`)
            if (found) break
          }
        } finally {
          await Promise.all(sides.map((side) => side.close()))
        }
      } finally {
        clock.at = start
        if (!spare) await dropDatabase(full)
        await dropDatabase(less)
      }
    }

    /** Asks both sides the same, and says what differs. */
    function comparing(
      random: Random,
      world: RandomWorld,
      who: Who,
      purged: Purged,
      [a, b]: [Node, Node],
    ): (script: Line[], writing: boolean) => Promise<string | null> {
      const made = [new Made(clock.now()), new Made(clock.now())] as const
      const both = async (lines: Line[]) => {
        const heard = await Promise.all([replay(a, who, lines, made[0]), replay(b, who, lines, made[1])])
        count(heard[0])
        return difference(...heard)
      }
      return async (script, writing) => {
        // What the replay does is later than all that was before it, by more than rows that move together are apart.
        clock.at += 10_000n
        const found = await both(script)
        if (found) return found
        clock.at += 10_000n
        // What was sealed meanwhile is read; but an embargo that is due would end.
        const again = worked ? [{ path: '', work: true }, ...script] : script
        // A token's writes collide as its principal (§9): the promise to a capped one covers reads.
        if (!writing || who.id === '' || who.capped) return await both(again)
        // A version that hides older ones of the same organization may be followed by an open one of the reader's
        // own, which makes them visible again (§7), and what the reader releases shows what refers to it (§6): such ids
        // are for the answers to writes only.
        const tangled = random.chance(0.4)
        const own = log.store.rows.filter((row) => who.id.startsWith(row.organization) && !row.standard)
        const touches = ({ path, body }: Line) =>
          [...purged.entangled].some((id) => `${path} ${body}`.includes(id))
        let touched = false
        const allowed = (id: string) => tangled || !purged.entangled.has(id)
        // Once something else is written to it, a copy is no longer known to be one where it is all there is.
        const whole = (id: string) => !tangled || !purged.copied.has(id)
        for (const line of writes(random, world, { own, now: clock.now(), allowed, whole })) {
          // What one such write makes visible another one may be about.
          if (tangled && touched && touches(line)) continue
          touched ||= touches(line)
          // No embargo begins or ends between two whole seconds: what is scheduled may change a view by itself (§7).
          clock.at += 10_000n
          const wrong = await both([line])
          if (wrong) return `write: ${line.body ?? ''}\n${wrong}`
        }
        clock.at += 10_000n
        return tangled ? null : await both(again)
      }
    }
  })
}

function count(heard: readonly Heard[]): void {
  for (const { asked, status } of heard) {
    const [method, path = ''] = asked.split(/[ ?]/)
    const kind = path
      .replace(/[0-9a-f]{8}-[0-9a-f-]{27}|\/\d+\/|^\/(one|two)\//g, '*')
      .replace(/\*[a-z0-9-]+--/, '*')
    const what = `${method} ${kind} ${status < 300 ? 'answered' : 'refused'}`
    total.set(what, (total.get(what) ?? 0) + 1)
  }
}

test('every kind of request is answered, and not only refused', async (t) => {
  const said = [...total].sort(([a], [b]) => (a < b ? -1 : 1)).map(([what, n]) => `${n} ${what}`)
  t.comment(said.join('\n'))
  for (const part of [
    'ledger ',
    'recalls ',
    'recalls/issued ',
    'policy/preview ',
    'policy/explain ',
    'view-as ',
  ]) {
    const found = [...total].some(([what]) => what.includes(part) && what.endsWith('answered'))
    t.ok(found || WORLDS - FIRST < 5, part)
  }
})
