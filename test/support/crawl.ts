/** The crawl: every GET that openapi.yaml declares, as one profile, looking for canaries that are not its own. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { COLLECTIONS, clientOf, type Planted, type Profile, pathTo, type Where } from './canary.ts'
import type { Answer, Client } from './client.ts'
import { root } from './paths.ts'

const NO_STATUS = '2d086da7-4bdc-4f91-900e-d77486753710'

/** GET routes of TAXII 2.1, for as long as there is no openapi.yaml. */
const TAXII = [
  '/taxii2/',
  '/{root}/',
  '/{root}/status/{status}/',
  '/{root}/collections/',
  '/{root}/collections/{collection}/',
  '/{root}/collections/{collection}/manifest/',
  '/{root}/collections/{collection}/objects/',
  '/{root}/collections/{collection}/objects/{id}/',
  '/{root}/collections/{collection}/objects/{id}/versions/',
]

interface Declared {
  paths: Record<string, { get?: { parameters?: { name?: string; $ref?: string }[] } }>
}

let declared: string[] | undefined

/** Read once: it takes a while to parse, and every crawl asks. */
export function declaredRoutes(): string[] {
  const file = join(root, 'openapi.yaml')
  if (!existsSync(file)) return TAXII
  declared ??= Object.entries((parse(readFileSync(file, 'utf8')) as Declared).paths).flatMap(
    ([path, item]) => (item.get ? [path] : []),
  )
  return declared
}

const QUERIES = [
  '',
  'match[version]=all&match[spec_version]=2.0,2.1',
  'match[version]=all',
  'match[version]=first',
  'match[version]=2026-01-01T00:00:00.000Z,last',
  'match[spec_version]=2.0',
  'match[type]=indicator,malware,url,marking-definition,report',
  'match[tlp]=white,green,amber,red&match[version]=all',
  'match[pattern_type]=stix&match[modified-gte]=2020-01-01T00:00:00Z',
  'added_after=2026-01-01T00:00:00Z',
  'added_after=2026-01-01T00:00:00Z&match[version]=first',
  'limit=2&match[version]=all&match[spec_version]=2.0,2.1',
  'limit=0',
  'next=AAAA',
  'match[version]=canary',
]

const PAGED = /\/(manifest|objects|versions)\/$|\/objects\/\{id\}\/$/

export interface Fills {
  collection: string[]
  id: string[]
  status: string[]
  schedule?: string[]
}

/** Every way to fill in a route. @throws for a parameter that the crawl does not know how to fill in */
export function fill(route: string, fills: Fills): string[] {
  const names = [...route.matchAll(/\{([^}]+)\}/g)].map((m) => m[1] ?? '')
  const known = ['root', 'collection', 'id', 'status', 'schedule', 'agreement', 'seq']
  const strange = names.filter((name) => !known.includes(name))
  if (strange.length > 0)
    throw new Error(`the canary crawl does not know how to fill in {${strange}} of ${route}`)
  if (names.includes('seq')) return ['1', '2'].map((seq) => route.replace('{seq}', seq))
  if (names.includes('schedule')) {
    return (fills.schedule ?? [NO_STATUS]).map((id) => route.replace('{schedule}', id))
  }
  if (names.includes('collection')) {
    return fills.collection.flatMap((place) => {
      const path = route.replace('/{root}/collections/{collection}/', place)
      return names.includes('id') ? fills.id.map((id) => path.replace('{id}', id)) : [path]
    })
  }
  if (names.includes('status')) {
    return ['one', 'two'].flatMap((r) =>
      fills.status.map((s) => route.replace('{root}', r).replace('{status}', s)),
    )
  }
  if (names.includes('agreement')) return [route.replace('{agreement}', NO_STATUS)]
  return names.includes('root') ? ['one', 'two', 'none'].map((r) => route.replace('{root}', r)) : [route]
}

export interface Leak {
  profile: Profile
  canary: string
  path: string
}

export interface Crawled {
  leaks: Leak[]
  /** Names of the canaries that the profile got. */
  seen: Set<string>
  requests: number
}

/** @param thorough false: one query per object, in its own collection */
export async function crawl(
  url: string,
  profile: Profile,
  planted: Planted,
  thorough = true,
): Promise<Crawled> {
  const client = clientOf(url, profile)
  const owners = new Map<string, { name: string; allowed: boolean }>()
  for (const { name, strings, audience } of planted.canaries) {
    for (const text of strings) {
      const allowed = audience.includes(profile) || (owners.get(text)?.allowed ?? false)
      owners.set(text, { name, allowed })
    }
  }
  const found: Crawled = { leaks: [], seen: new Set(), requests: 0 }
  const look = (path: string, answer: Answer) => {
    found.requests++
    const text = `${JSON.stringify(answer.rawHeaders)}\n${answer.text}`
    if (answer.status >= 500) throw new Error(`${profile}: ${path} answered ${answer.status}: ${text}`)
    for (const [needle, { name, allowed }] of owners) {
      if (!text.includes(needle)) continue
      if (allowed) found.seen.add(name)
      else found.leaks.push({ profile, canary: name, path })
    }
  }
  const paths = pathsFor(planted, profile, thorough)
  for (const [i, path] of paths.entries()) {
    await follow(client, path, look)
    if (i % 10 === 0) look(`HEAD ${path}`, await client.request({ method: 'HEAD', path }))
  }
  return found
}

function pathsFor(planted: Planted, profile: Profile, thorough: boolean): string[] {
  const places = (Object.keys(COLLECTIONS) as Where[]).map(pathTo)
  const fills: Fills = {
    collection: [...places, '/one/collections/common/', '/two/collections/nothing/'],
    id: ['indicator--6d0f2b1c-52ab-4a2f-8e0b-0c6f1f1b7a11'],
    schedule: [...planted.schedules, NO_STATUS],
    // Its owner's statuses are also a token's; whether above its cap, credentials.test.ts asks.
    status: profile === 'capped token' ? [NO_STATUS] : [...planted.statuses, NO_STATUS],
  }
  const paths: string[] = []
  for (const route of declaredRoutes()) {
    const all = fill(route, fills)
    const single = route.includes('{id}')
    if (single) {
      for (const { id, where } of planted.ids) {
        all.push(...fill(route, { ...fills, collection: [pathTo(where)], id: [id] }))
        const elsewhere = where === 'common' ? 'open' : 'common'
        if (thorough) all.push(...fill(route, { ...fills, collection: [pathTo(elsewhere)], id: [id] }))
      }
    }
    const queries = !PAGED.test(route) ? [''] : single ? QUERIES.slice(thorough ? 0 : 1, 2) : QUERIES
    for (const path of all) for (const query of queries) paths.push(query === '' ? path : `${path}?${query}`)
  }
  // In the eyes of others, as far as the profile has objects of its organization there.
  for (const where of Object.values(COLLECTIONS)) {
    for (const as of ['SG', 'MY', 'mycert', 'decert', 'author', 'nobody']) {
      paths.push(`/api/v1/policy/view-as?root=${where.root}&collection=${where.id}&as=${as}&limit=1000`)
    }
  }
  const ids = planted.ids.map(({ id }) => id)
  for (const place of places) paths.push(`${place}objects/?match[version]=all&match[id]=${ids.join()}`)
  for (const { id, where } of thorough ? planted.ids : []) {
    paths.push(`${pathTo(where)}manifest/?match[id]=${id}&match[version]=all`)
  }
  return paths
}

/** With every page, by `next`. */
async function follow(
  client: Client,
  path: string,
  look: (path: string, answer: Answer) => void,
): Promise<void> {
  let answer = await client.get(path)
  look(path, answer)
  const paged = answer.status === 200 && (answer.header('content-type') ?? '').includes('taxii')
  for (let i = 0; paged && answer.more && i < 200; i++) {
    const next = `${path}&next=${answer.next}`
    answer = await client.get(next)
    look(next, answer)
  }
}
