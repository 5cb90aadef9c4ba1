/** Random policy worlds over HTTP against the reference model and a plain reference query (policy.md §11). */

import { isDeepStrictEqual } from 'node:util'
import { test } from 'tap'
import { timestampKey } from '../../src/stix/index.ts'
import { formatMicros } from '../../src/time.ts'
import type { Answer } from '../support/client.ts'
import { database } from '../support/cluster.ts'
import { newClock, pathOf, play, subjectOf, watch } from '../support/history.ts'
import { applyInProcess, asOwner, type Node, openNode, WAYS } from '../support/in-process.ts'
import { bordersFrom, splitLog } from '../support/partitions.ts'
import { disagreements } from '../support/plain-disagreements.ts'
import { type Query, select } from '../support/plain-select.ts'
import { type PlainStore, type Row, storedRows } from '../support/plain-store.ts'
import { Random } from '../support/random.ts'
import { OBJECT_IDS, randomVersions } from '../support/random-objects.ts'
import {
  credential,
  nameOf,
  type RandomCollection,
  randomWorld,
  readers,
  START,
} from '../support/random-world.ts'
import { ReferenceLog } from '../support/reference-log.ts'
import { TLP_DEFINITIONS } from '../support/stix.ts'

const WORLDS = Number(process.env.COMITY_WORLDS ?? 6)
/** To look at world 29 of seed 9 again: COMITY_SEED=9 COMITY_FIRST=29 COMITY_WORLDS=30. */
const FIRST = Number(process.env.COMITY_FIRST ?? 0)
const SEED = Number(process.env.COMITY_SEED ?? 1)
/** Reads come between the writes, so that whatever a node remembers is asked while it changes. */
const SEGMENTS = 3
const STEPS = 12
const QUERIES = 3

interface Asked {
  kind: 'objects' | 'manifest' | 'object' | 'versions'
  query: Query
  limit: number | null
  id: string | null
}

const enc = encodeURIComponent

function url(collection: RandomCollection, { kind, query, limit, id }: Asked, text: string | null): string {
  const parts: string[] = []
  if (query.addedAfter !== null) parts.push(`added_after=${formatMicros(query.addedAfter)}`)
  if (limit !== null) parts.push(`limit=${limit}`)
  if (text !== null) parts.push(`match[version]=${enc(text)}`)
  if (query.specs)
    parts.push(`match[spec_version]=${query.specs.map((s) => (s === 20 ? '2.0' : '2.1')).join()}`)
  if (query.ids && id === null) parts.push(`match[id]=${query.ids.join()}`)
  if (query.types) parts.push(`match[type]=${query.types.join()}`)
  const end = {
    objects: 'objects/',
    manifest: 'manifest/',
    object: `objects/${id}/`,
    versions: `objects/${id}/versions/`,
  }
  return `${pathOf(collection)}${end[kind]}${parts.length > 0 ? `?${parts.join('&')}` : ''}`
}

/** What the body must be, apart from `next`. */
function rendered(kind: Asked['kind'], rows: readonly Row[], more: boolean): string {
  if (rows.length === 0) return '{}'
  const items = rows.map((r) => {
    if (kind === 'versions') return `"${r.version}"`
    if (kind !== 'manifest') return r.body
    const media = `application/stix+json;version=${r.spec === 20 ? '2.0' : '2.1'}`
    return JSON.stringify({
      id: r.id,
      date_added: formatMicros(r.position),
      version: r.version,
      media_type: media,
    })
  })
  return `{${more ? '"more":true,"next":"?",' : ''}"${kind === 'versions' ? 'versions' : 'objects'}":[${items.join()}]}`
}

function ask(
  random: Random,
  store: PlainStore,
  collection: RandomCollection,
): { asked: Asked; text: string | null } {
  const kind = random.pick(['objects', 'objects', 'manifest', 'manifest', 'object', 'versions'] as const)
  const single = kind === 'object' || kind === 'versions'
  const pool = [...OBJECT_IDS, TLP_DEFINITIONS[0] as string]
  const id = single ? random.pick(pool) : null
  const rows = store.rows.filter((r) => r.collectionId === collection.id && !r.standard)
  const scos = rows.filter((r) => r.sco).map((r) => r.version)
  const text =
    kind === 'versions' || random.chance(0.3)
      ? null
      : random.pick([randomVersions(random), 'all', ...scos.slice(0, 1)])
  const versions =
    kind === 'versions' ? ['all'] : (text ?? 'last').split(',').map((v) => timestampKey(v) ?? v)
  return {
    text: new Set(versions).size < versions.length ? 'first' : text,
    asked: {
      kind,
      id,
      limit: random.chance(0.5) ? 1 + random.below(3) : null,
      query: {
        ids: id !== null ? [id] : random.chance(0.2) ? random.several(pool, 0.3) : null,
        types:
          !single && random.chance(0.2)
            ? random.several(['indicator', 'malware', 'ipv4-addr', 'marking-definition'])
            : null,
        specs: random.chance(0.25) ? random.several([20, 21]) : null,
        versions: new Set(versions).size < versions.length ? ['first'] : versions,
        addedAfter:
          rows.length > 0 && random.chance(0.4) ? random.pick(rows).position - BigInt(random.below(2)) : null,
      },
    },
  }
}

/** The first thing that only one of two pages has. */
function unlike(got: string, want: string): string {
  const [a, b] = [got, want].map((text) => {
    const { objects = [], versions = [] } = JSON.parse(text) as { objects?: unknown[]; versions?: unknown[] }
    return [...objects, ...versions].map((item) => JSON.stringify(item))
  }) as [string[], string[]]
  const more = a.find((item) => !b.includes(item))
  const less = b.find((item) => !a.includes(item))
  return more || less ? `got ${more}\n  want ${less}` : `got ${got}\n  want ${want}`
}

/** Walks all pages and says what is wrong, if anything. */
async function walk(
  node: Node,
  as: string | null,
  first: string,
  asked: Asked,
  rows: Row[],
): Promise<string | null> {
  const size = asked.limit ?? 1000
  let path = first
  for (let from = 0; ; from += size) {
    const page = rows.slice(from, from + size)
    const more = rows.length > from + size
    const answer = await node.call({ path, as })
    const got = answer.text.replace(/"next":"[^"]*"/, '"next":"?"')
    const want = rendered(asked.kind, page, more)
    if (answer.status !== 200 || (got !== want && !isDeepStrictEqual(JSON.parse(got), JSON.parse(want))))
      return `${path}: ${answer.status}\n  ${unlike(got, want)}`
    const dates = [page[0], page.at(-1)].map((r) => formatMicros(r?.position ?? asked.query.addedAfter ?? 0n))
    if (answer.first !== dates[0] || answer.last !== dates[1])
      return `${path}: ${answer.first} ${answer.last}, not ${dates}`
    if (!more) return null
    path = `${first}&next=${answer.next}`
  }
}

const missing = (answer: Answer): string | null =>
  answer.status === 404 ? null : `${answer.status} instead of 404`

const total = { apart: 0, closed: 0 }

for (let w = FIRST; w < WORLDS; w++) {
  const seed = SEED * 1_000_000 + w
  test(`world ${seed}`, async (t) => {
    const { url: base } = await database(t)
    // Half of the worlds lie in many partitions: where a row lies must make no difference.
    if (w % 2 === 1) await splitLog(base, bordersFrom(START))
    const wrong: string[] = []
    const count = await oneWorld(seed, base, (message) => wrong.push(message))
    const said = Object.entries(count).map(([what, n]) => `${n} ${what}`)
    t.strictSame(wrong.slice(0, 5), [], said.join(', '))
    total.apart += count.apart
    total.closed += count.closed
    if (wrong.length > 0)
      t.comment(`${wrong.length} wrong answers; COMITY_SEED=${SEED} COMITY_WORLDS=${w + 1}`)
  })
}

test('these worlds have copies without some parts, and rows that only their references hide', async (t) => {
  t.ok(
    total.apart > 0 && total.closed > 0,
    `${total.apart} copies, ${total.closed} rows hidden by references`,
  )
})

async function oneWorld(seed: number, base: string, fail: (message: string) => void) {
  const count = { asked: 0, rows: 0, shown: 0, apart: 0, closed: 0 }
  const random = new Random(seed)
  const world = randomWorld(random)
  const clock = newClock()
  const declared = await applyInProcess(base, world.text, clock.now())
  const node = await openNode(base, clock, {
    way: () => random.pick(WAYS),
    large: seed % 2 ? 1 : 500,
    short: seed % 3 !== 0,
  })
  const log = new ReferenceLog(declared, world.definitions, await asOwner(base, storedRows))
  const look = watch(log, declared, base, clock)
  try {
    for (let segment = 0; segment < SEGMENTS; segment++) {
      await play(random, world, node, clock, STEPS, look)
      await node.work()
      await look(null)
      const { store } = log
      const everybody = new Map(readers(world).map((who) => [nameOf(who), subjectOf(declared, who)]))
      const other = await asOwner(base, (client) => disagreements(client, store, everybody, clock.now()))
      for (const what of other) fail(`world ${seed}, segment ${segment}: ${what}`)
      count.rows = store.rows.filter((r) => !r.standard).length
      for (const who of random.several(readers(world), 0.5)) {
        const as = credential(who)
        const reader = subjectOf(declared, who)
        for (const collection of world.collections) {
          const rights = store.rights(reader, collection.id)
          const say = (what: string) => fail(`world ${seed}, ${nameOf(who)}: ${what}`)
          const everything = `${pathOf(collection)}manifest/?match[version]=all&match[spec_version]=2.0,2.1`
          if (!rights?.read && !rights?.open) {
            const { status } = await node.call({ path: everything, as })
            const want = rights ? 403 : reader === null ? 401 : 404
            if (status !== want) say(`${everything} answered ${status}, not ${want}`)
            continue
          }
          const view = store.view(store.eyes(reader, collection.id), clock.now())
          // Each row with the copy of it that this reader gets.
          const visible = store.rows
            .filter((r) => r.collectionId === collection.id && view.sees(r))
            .map((r) => ({ ...r, body: view.copy(r) as string }))
          const all: Query = { ids: null, types: null, specs: [20, 21], versions: ['all'], addedAfter: null }
          const whole: Asked = { kind: 'manifest', query: all, limit: null, id: null }
          count.asked += 2 + QUERIES
          count.shown += visible.length
          const objects = everything.replace('/manifest/', '/objects/')
          for (const path of [everything, objects]) {
            const kind = path === objects ? 'objects' : 'manifest'
            const wrong = await walk(node, as, path, { ...whole, kind }, select(visible, all))
            if (wrong) say(wrong)
          }
          for (const row of store.rows.filter((r) => r.collectionId === collection.id && !r.standard)) {
            const shown = visible.find((r) => r.position === row.position)
            if (shown && shown.body !== row.body) count.apart++
            if (!shown && view.closedBy(row)) count.closed++
          }
          for (let q = 0; q < QUERIES; q++) {
            const { asked, text } = ask(random, store, collection)
            const path = url(collection, asked, text)
            const rows = select(visible, asked.query)
            const exists = asked.id === null || visible.some((r) => r.id === asked.id)
            // A deleted version may make an empty answer a 404; the conformance tests hold that (T-5.6-04).
            if (
              exists &&
              rows.length === 0 &&
              asked.id !== null &&
              asked.query.versions.some((v) => /^\d/.test(v))
            )
              continue
            const found = exists
              ? await walk(
                  node,
                  as,
                  asked.limit === null && !path.includes('?') ? `${path}?` : path,
                  asked,
                  rows,
                )
              : missing(await node.call({ path, as }))
            if (found) say(exists ? found : `${path}: ${found}`)
          }
        }
      }
    }
  } finally {
    await node.close()
  }
  return count
}
