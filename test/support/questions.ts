/** What a reader may ask about the policy, the ledger and recalls, hidden things or not (policy.md §13). */
import { ask, send } from './acts.ts'
import { pathOf } from './history.ts'
import type { Random } from './random.ts'
import { OBJECT_IDS, randomObject } from './random-objects.ts'
import type { RandomCollection, RandomWorld } from './random-world.ts'
import type { Line } from './script.ts'

interface Declared {
  agreements: { from: string; to: string }[]
  organizations: { id: string; country: string }[]
}

/** Lists, which are walked to their end. */
const LISTS = [
  'ledger',
  'ledger',
  'ledger',
  'ledger/heads',
  'recalls',
  'recalls',
  'recalls/issued',
  'recalls/issued',
  'release-requests',
  'release-requests/received',
  'release-schedules',
  'vetoes',
  'agreements',
  'opt-outs',
] as const

function list(random: Random, world: RandomWorld): Line {
  const name = random.pick(LISTS)
  const parts: string[] = []
  if (name === 'ledger') parts.push(`limit=${5 + random.below(40)}`)
  else if (name !== 'opt-outs' && random.chance(0.6)) parts.push(`limit=${1 + random.below(3)}`)
  if (name === 'ledger') {
    if (random.chance(0.3)) parts.push('order=oldest')
    if (random.chance(0.4)) parts.push(`object=${random.pick(OBJECT_IDS)}`)
    if (random.chance(0.2)) parts.push(`organization=${random.pick(world.principals).slice(0, -1)}`)
    if (random.chance(0.2))
      parts.push(`since=2026-12-01T00:00:${String(random.below(60)).padStart(2, '0')}.000000Z`)
  }
  const query = parts.length > 0 ? `?${parts.join('&')}` : ''
  return { ...ask(`/api/v1/${name}${query}`), pages: Array.from({ length: 30 }, () => '') }
}

/** One random question. */
function question(random: Random, world: RandomWorld, { agreements, organizations }: Declared): Line {
  const names = [...organizations.flatMap((o) => [o.id, o.country]), ...world.principals, 'nobody']
  const { root, id: collection } = (
    random.chance(0.5) ? world.collections[0] : random.pick(world.collections)
  ) as RandomCollection
  const place = { root, id: collection }
  const id = random.pick(OBJECT_IDS)
  switch (random.below(9)) {
    case 0:
      return random.chance(0.3) ? ask('/api/v1/me/clearance') : ask('/api/v1/policy/reciprocity')
    case 1:
    case 2: {
      const as = encodeURIComponent(random.pick(names))
      const limit = random.pick([1, 2, 100])
      const path = `/api/v1/policy/view-as?root=${root}&collection=${collection}&as=${as}&limit=${limit}`
      return { ...ask(path), pages: ['', '', ''] }
    }
    case 3:
    case 4: {
      const reader = random.chance(0.5)
        ? { organization: random.pick(organizations).id }
        : { principal: random.pick(world.principals) }
      return send('/api/v1/policy/explain', { collection: place, id, reader })
    }
    case 5:
    case 6: {
      const object = randomObject(random, world).at(-1)
      return send('/api/v1/policy/preview', { collection: place, object: { ...object, id } })
    }
    case 7: {
      const agreement = agreements.length > 0 && random.chance(0.4) ? random.pick(agreements) : null
      if (agreement)
        return send('/api/v1/policy/simulate', { end: { from: agreement.from, to: agreement.to } })
      const [from, to] = [random.pick(names), random.pick(names)]
      const max_tlp = random.pick(['green', 'amber', 'amber+strict', 'red'])
      return send('/api/v1/policy/simulate', { draft: { from, to, max_tlp, clients: random.chance(0.5) } })
    }
    default:
      return random.chance(0.3) ? ask(`/api/v1/ledger/${1 + random.below(6)}/proof`) : list(random, world)
  }
}

/** Every version or the last ones of a collection, page by page, as a client that starts anew gets them: compressed. */
function sync(random: Random, world: RandomWorld): Line {
  const path = `${pathOf(random.pick(world.collections))}objects/${random.chance(0.5) ? '?match[version]=all' : ''}`
  const limit = `limit=${random.pick([2, 5, 100])}`
  return {
    path: `${path}${path.includes('?') ? '&' : '?'}${limit}`,
    headers: { 'accept-encoding': 'gzip' },
    pages: Array.from({ length: 20 }, () => `&${limit}`),
    sync: true,
  }
}

export function questions(random: Random, world: RandomWorld, count: number): Line[] {
  const declared = JSON.parse(world.text) as Declared
  return Array.from({ length: count }, () => {
    if (random.chance(0.12)) return sync(random, world)
    if (random.chance(0.06)) {
      const { root, id: collection } = random.pick(world.collections)
      const format = random.pick(['bundle', 'ndjson', 'envelope'] as const)
      const version = random.pick(['last', 'all'] as const)
      return { path: 'comity export', exported: { root, collection, format, version } }
    }
    return random.chance(0.35) ? list(random, world) : question(random, world, declared)
  })
}
