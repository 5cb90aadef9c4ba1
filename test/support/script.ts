/** A reader's random requests, made before it is known what they answer, and their replay on a node. */
import { formatMicros } from '../../src/time.ts'
import type { Answer } from './client.ts'
import { pathOf } from './history.ts'
import type { Call, Node } from './in-process.ts'
import { asQuery, randomMatches } from './match-queries.ts'
import type { Random } from './random.ts'
import { OBJECT_IDS, randomVersions } from './random-objects.ts'
import type { RandomWorld } from './random-world.ts'
import { TLP_DEFINITIONS } from './stix.ts'

/** One request; `pages` = how often to follow `next`, with these limits. */
export interface Line extends Call {
  pages?: string[]
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

export interface Heard {
  asked: string
  fingerprint: string
}

/** Status ids are drawn at random, by writes only. */
function heard(asked: string, answer: Answer): Heard {
  if (answer.status >= 500) throw new Error(`${asked} answered ${answer.status}: ${answer.text}`)
  return { asked, fingerprint: answer.fingerprint.replace(/\\"id\\":\\"[0-9a-f-]{36}\\"/g, 'id') }
}

/** Every status, header and body byte that a reader gets; `next` and X-TAXII-Date-Added-Last are followed. */
export async function replay(node: Node, as: string | null, script: readonly Line[]): Promise<Heard[]> {
  const all: Heard[] = []
  for (const { pages = [], ...line } of script) {
    const call: Call = { ...line, as }
    let answer = await node.call(call)
    all.push(heard(`${call.method ?? 'GET'} ${call.path}`, answer))
    for (const [i, limit] of pages.entries()) {
      if (call.method === 'HEAD' || answer.status !== 200 || !answer.more) break
      const plain = call.path.replace(/[?&](limit|added_after)=[^&]*/g, (m) => (m.startsWith('?') ? '?' : ''))
      const follow = i % 2 === 0 ? `next=${answer.next}${limit}` : `added_after=${answer.last}${limit}`
      const path = `${plain}${plain.includes('?') ? '&' : '?'}${follow}`
      answer = await node.call({ ...call, path })
      all.push(heard(`GET ${path}`, answer))
    }
  }
  return all
}

/** The first answer that differs, if any. */
export function difference(a: readonly Heard[], b: readonly Heard[]): string | null {
  for (const [i, one] of a.entries()) {
    const other = b[i]
    if (other && one.asked === other.asked && one.fingerprint === other.fingerprint) continue
    return `${one.asked}\n  full   ${one.fingerprint}\n  purged ${other?.fingerprint} ${other?.asked === one.asked ? '' : other?.asked}`
  }
  return a.length === b.length ? null : 'one transcript is longer'
}
