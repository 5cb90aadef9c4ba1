/** A reader's random requests, made before it is known what they answer. */
import { formatMicros } from '../../src/time.ts'
import type { Answer } from './client.ts'
import { pathOf } from './history.ts'
import type { Call } from './in-process.ts'
import { asQuery, randomMatches } from './match-queries.ts'
import type { Random } from './random.ts'
import { OBJECT_IDS, randomVersions } from './random-objects.ts'
import type { RandomWorld } from './random-world.ts'
import { TLP_DEFINITIONS } from './stix.ts'

/** One request. */
export interface Line extends Call {
  /** How often to follow `next`, with these limits. */
  pages?: string[]
  /** Only by `next`, not by added_after as well. */
  sync?: boolean
  /** What is asked next, by what was answered. */
  onward?: (answer: Answer) => Line[]
  /** No request: `comity export` as the principal. */
  exported?: {
    root: string
    collection: string
    format: 'bundle' | 'ndjson' | 'envelope'
    version: 'last' | 'all'
  }
  /** No request: the background loop has a turn. */
  work?: boolean
}

const NOWHERE = [
  '/nowhere/',
  '/nowhere/collections/',
  '/one/collections/0d5e31c5-9b8d-4a7e-8f47-5f0b6a7c8d9e/',
  '/one/collections/0d5e31c5-9b8d-4a7e-8f47-5f0b6a7c8d9e/objects/',
  '/one/collections/not-a-uuid/manifest/',
  '/one/unknown/',
  '/one/status/2d086da7-4bdc-4f91-900e-d77486753710/',
  '/one/status/malformed/',
]

const MALFORMED = [
  'added_after=yesterday',
  'limit=0',
  'limit=1&limit=2',
  'match[version]=all,last',
  'match[type]=',
  'match[spec_version]=abc',
  'next=AAAA',
  'next=',
  'match[id]=,',
  'match[confidence]=abc',
  '%zz',
]

/** @param positions date_added of stored rows, hidden ones too: what a reader may have got somewhere */
export function randomScript(
  random: Random,
  world: RandomWorld,
  statuses: readonly string[],
  positions: readonly bigint[],
  length: number,
): Line[] {
  const ids = [...OBJECT_IDS, ...world.definitions.map((d) => d.id), TLP_DEFINITIONS[0] as string]
  const places = [
    '/taxii2/',
    ...world.roots.flatMap((r) => [`/${r}/`, `/${r}/collections/`]),
    ...world.collections.map(pathOf),
    ...NOWHERE,
    ...statuses.flatMap((id) => world.roots.map((r) => `/${r}/status/${id}/`)),
  ]
  const one = (): Line => {
    if (random.chance(0.15)) return { path: random.pick(places) }
    const collection = pathOf(
      random.chance(0.5) ? (world.collections[0] as never) : random.pick(world.collections),
    )
    const id = random.pick([...ids, 'indicator--6d0f2b1c-52ab-4a2f-8e0b-0c6f1f1b7a11', 'nonsense'])
    const end = random.pick([
      'objects/',
      'manifest/',
      'objects/',
      'manifest/',
      `objects/${id}/`,
      `objects/${id}/versions/`,
    ])
    const parts: string[] = []
    if (random.chance(0.08)) parts.push(random.pick(MALFORMED))
    if (random.chance(0.5)) parts.push(`match[version]=${encodeURIComponent(randomVersions(random))}`)
    if (random.chance(0.2)) parts.push(`match[spec_version]=${random.pick(['2.0', '2.1', '2.0,2.1', '2.9'])}`)
    if (random.chance(0.2)) parts.push(`match[id]=${random.several(ids, 0.2).join()}`)
    if (random.chance(0.2))
      parts.push(`match[type]=${random.pick(['indicator', 'ipv4-addr', 'malware,indicator'])}`)
    if (random.chance(0.3)) parts.push(asQuery(randomMatches(random)))
    if (random.chance(0.4) && positions.length > 0) {
      parts.push(`added_after=${formatMicros(random.pick(positions) - BigInt(random.below(2)))}`)
    }
    if (random.chance(0.6)) parts.push(`limit=${1 + random.below(3)}`)
    const pages = Array.from({ length: random.below(4) }, () => `&limit=${1 + random.below(3)}`)
    return { path: `${collection}${end}${parts.length > 0 ? `?${parts.join('&')}` : ''}`, pages }
  }
  return Array.from({ length }, () => {
    const line = one()
    if (random.chance(0.1)) return { ...line, method: 'HEAD', pages: [] }
    if (random.chance(0.04)) return { ...line, method: random.pick(['OPTIONS', 'PUT'] as const), pages: [] }
    if (random.chance(0.04)) return { ...line, headers: { accept: 'text/html' }, pages: [] }
    return line
  })
}
