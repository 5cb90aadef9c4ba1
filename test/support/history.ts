/** Plays a random history into a node: who posted and deleted what, while time passes and embargoes end. */
import type { DeclaredTopology } from '../../src/policy/declared.ts'
import type { Subject } from '../../src/policy/model.ts'
import { asOwner, type Node, TestClock } from './in-process.ts'
import { storedRows, topologyOf } from './plain-store.ts'
import type { Random } from './random.ts'
import { OBJECT_IDS, randomObject, randomVersions } from './random-objects.ts'
import { credential, type RandomCollection, type RandomWorld, START, type Who } from './random-world.ts'
import type { ReferenceLog } from './reference-log.ts'

export const pathOf = (c: RandomCollection): string => `/${c.root}/collections/${c.id}/`

/** Looks at the store after each change. @param author who wrote; null = time did */
export type Watch = (author: string | null) => Promise<void>

/** Keeps a log by looking at the stored rows. */
export function watch(log: ReferenceLog, declared: DeclaredTopology, url: string, clock: TestClock): Watch {
  return async (author) => {
    const subject = author === null ? null : subjectOf(declared, { id: author, capped: false })
    log.observe(await asOwner(url, storedRows), subject, clock.now())
  }
}

export interface Played {
  /** Ids of the statuses, by principal. */
  statuses: Map<string, string[]>
  stored: number
  deleted: number
}

/** Each step is one request by one principal, a second after the one before. */
export async function play(
  random: Random,
  world: RandomWorld,
  node: Node,
  clock: TestClock,
  steps: number,
  log?: Watch,
): Promise<Played> {
  const played: Played = { statuses: new Map(), stored: 0, deleted: 0 }
  for (let step = 0; step < steps; step++) {
    clock.at += 1_000_000n
    if (random.chance(0.4)) {
      await node.work()
      await log?.(null)
    }
    const id = random.pick(world.principals)
    const as = credential({ id, capped: random.chance(0.1) })
    const collection = random.chance(0.6) ? world.collections[0] : random.pick(world.collections)
    const path = pathOf(collection as RandomCollection)
    if (random.chance(0.18)) {
      const versions = random.chance(0.5) ? `?match[version]=${randomVersions(random)}` : ''
      const answer = await node.call({
        method: 'DELETE',
        path: `${path}objects/${random.pick(OBJECT_IDS)}/${versions}`,
        as,
      })
      if (answer.status >= 500) throw new Error(`DELETE answered ${answer.status}: ${answer.text}`)
      if (answer.status === 200) {
        played.deleted++
        await log?.(id)
      }
      continue
    }
    const objects = Array.from({ length: 1 + random.below(4) }, () => randomObject(random, world)).flat()
    const answer = await node.call({
      method: 'POST',
      path: `${path}objects/`,
      as,
      body: JSON.stringify({ objects }),
    })
    if (answer.status === 202) {
      const status = answer.taxiiStatus
      played.stored += status.success_count
      played.statuses.set(id, [...(played.statuses.get(id) ?? []), status.id])
      await log?.(id)
    } else if (answer.status >= 500 || answer.status === 422) {
      throw new Error(`POST answered ${answer.status}: ${answer.text}`)
    }
  }
  clock.at += 1_000_000n
  return played
}

export const newClock = (): TestClock => new TestClock(START)

/** The reader as the policy knows it. */
export function subjectOf(declared: DeclaredTopology, who: Who): Subject | null {
  if (who.id === '') return null
  const { principals, organizations } = topologyOf(declared)
  const principal = principals.get(who.id)
  const organization = organizations.get(principal?.organization ?? '')
  if (!principal || !organization) throw new Error(`no such reader: ${who.id}`)
  const token = declared.principals
    .find((p) => p.id === who.id)
    ?.tokens.find((t) => t.name === (who.capped ? 'capped' : 'full'))
  return { principal, organization, cap: token?.maxTlp ?? null }
}
