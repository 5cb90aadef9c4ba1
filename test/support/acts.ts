/** Acts of people in a random history and in a script, beside POST and DELETE: reads, relabelling, requests, schedules, recalls. */
import { stamp } from './checks.ts'
import type { Answer } from './client.ts'
import { pathOf, type Watch } from './history.ts'
import type { Call, Node, TestClock } from './in-process.ts'
import type { Row } from './plain-store.ts'
import type { Random } from './random.ts'
import { OBJECT_IDS } from './random-objects.ts'
import { credential, type RandomWorld } from './random-world.ts'
import type { Line } from './script.ts'
import { TLP } from './stix.ts'

const LEVELS = ['clear', 'green', 'amber', 'amber+strict', 'red'] as const
const JSON_BOTH = { accept: 'application/json', 'content-type': 'application/json' }

/** A POST or PATCH of the REST interface. */
export function send(path: string, body: object | null, method: 'POST' | 'PATCH' = 'POST'): Line {
  if (body === null) return { method, path, headers: { accept: 'application/json' } }
  return { method, path, headers: JSON_BOTH, body: JSON.stringify(body) }
}

export const ask = (path: string): Line => ({ path, headers: { accept: 'application/json' } })

function markings(random: Random, world: RandomWorld): string[] {
  const refs: string[] = [TLP[random.pick(LEVELS)]]
  if (random.chance(0.25)) refs.push(random.pick(world.definitions).id)
  return refs
}

/** Gives an object other markings. @param id of an object that may be there, or not */
export function relabel(random: Random, world: RandomWorld, id: string, collection: string): Line {
  const { root } = world.collections.find((c) => c.id === collection) as { root: string }
  const body = {
    object_marking_refs: markings(random, world),
    ...(random.chance(0.2) && { granular_markings: null }),
    reason: `reason ${random.below(3)}`,
  }
  return send(`/api/v1/roots/${root}/collections/${collection}/objects/${id}`, body, 'PATCH')
}

/** Asks for release. */
export function request(random: Random, world: RandomWorld, id: string, collection: string): Line {
  const { root } = world.collections.find((c) => c.id === collection) as { root: string }
  return send('/api/v1/release-requests', {
    root,
    collection,
    id,
    to: { level: random.pick(['clear', 'green', 'amber']) },
    justification: `we need it ${random.below(3)}`,
  })
}

/** Releases step by step; the first step is due in a few seconds. */
export function schedule(
  random: Random,
  world: RandomWorld,
  id: string,
  collection: string,
  now: bigint,
): Line {
  const { root } = world.collections.find((c) => c.id === collection) as { root: string }
  const at = (seconds: number) => stamp(now + BigInt(seconds) * 1_000_000n)
  const levels = LEVELS.slice(0, 1 + random.below(2)).reverse()
  return send('/api/v1/release-schedules', {
    root,
    collection,
    id,
    steps: levels.map((level, i) => ({ at: at(3 + 4 * i), object_marking_refs: [TLP[level]] })),
    reason: 'in time',
  })
}

/** What is to do about the items of a list, by their ids. */
type Follow = (items: { id: string; object?: string }[]) => Line[]

/** Reads a list and acts on what is in it. */
export function follow(path: string, then: Follow): Line {
  return {
    ...ask(path),
    onward: (answer: Answer) =>
      answer.status === 200 ? then((answer.json.items ?? []) as { id: string; object?: string }[]) : [],
  }
}

/**
 * Answers requests, cancels schedules, acknowledges recalls: of those that are there, the first two.
 * @param allowed objects that may be released
 */
export function answers(
  random: Random,
  world: RandomWorld,
  allowed: (id: string) => boolean = () => true,
): Line {
  const refs = markings(random, world)
  const approve = random.chance(0.6)
  return random.pick([
    follow('/api/v1/release-requests/received', (items) =>
      items
        .filter(({ object = '' }) => allowed(object))
        .slice(0, 2)
        .map(({ id }) =>
          approve
            ? send(`/api/v1/release-requests/${id}/approval`, { object_marking_refs: refs, reason: 'yes' })
            : send(`/api/v1/release-requests/${id}/refusal`, { reason: 'no' }),
        ),
    ),
    follow('/api/v1/release-schedules', (items) =>
      items.slice(0, 1).map(({ id }) => send(`/api/v1/release-schedules/${id}/cancel`, { reason: 'stop' })),
    ),
    follow('/api/v1/recalls', (items) =>
      items.slice(0, 2).map(({ id }) => send(`/api/v1/recalls/${id}/acknowledgement`, null)),
    ),
  ])
}

/** Some people read, and some do something about what is stored. */
export async function act(
  random: Random,
  world: RandomWorld,
  node: Node,
  clock: TestClock,
  { count, rows, look }: { count: number; rows: () => readonly Row[]; look: Watch },
): Promise<void> {
  const call = async (id: string, line: Call, capped = false): Promise<Answer> => {
    const answer = await node.call({ ...line, as: credential({ id, capped }) })
    if (answer.status >= 500) throw new Error(`${line.path} answered ${answer.status}: ${answer.text}`)
    return answer
  }
  for (let i = 0; i < count; i++) {
    clock.at += 500_000n
    const who = random.pick(world.principals)
    const collection = random.chance(0.6) ? world.collections[0] : random.pick(world.collections)
    const stored = rows().filter((row) => !row.standard)
    const kind = random.below(10)
    if (kind < 4 || stored.length === 0) {
      const versions = random.chance(0.3) ? '&match[version]=all' : ''
      const path = `${pathOf(collection as never)}objects/?limit=${1 + random.below(9)}${versions}`
      await call(who, { path }, random.chance(0.2))
      continue
    }
    // Whose it is; sometimes a colleague, who may not see it.
    const row = random.pick(stored)
    const its = random.pick(world.principals.filter((id) => id.startsWith(row.organization)))
    if (kind < 6) await call(its, relabel(random, world, row.id, row.collectionId))
    else if (kind < 7)
      await call(who, request(random, world, random.pick([row.id, ...OBJECT_IDS]), row.collectionId))
    else if (kind < 8) await call(its, schedule(random, world, row.id, row.collectionId, clock.now()))
    else {
      const line = answers(random, world)
      const answer = await call(random.chance(0.5) ? its : who, line)
      for (const next of line.onward?.(answer) ?? []) await call(random.chance(0.5) ? its : who, next)
    }
    await look(null)
  }
}
