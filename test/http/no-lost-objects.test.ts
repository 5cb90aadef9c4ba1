/** Writers and pollers at once: every acknowledged object reaches every poller exactly once (D-1, T-5.5-16). */
import t, { test } from 'tap'
import { isAscending } from '../support/checks.ts'
import type { Client } from '../support/client.ts'
import { startServer } from '../support/server.ts'
import { indicator, ipv4, malware } from '../support/stix.ts'
import { READ_WRITE, topology } from '../support/world.ts'

const MS = 4_000
const WRITERS = 8
const { path } = READ_WRITE

const env = { COMITY_REQUEST_LIMIT: 'off', COMITY_SYNC_OBJECTS: '20' }
const first = await startServer(t, { topology: topology(), env })
const second = await startServer(t, { database: first.database, env })

/** Ids in the order in which a poller got them. */
type Seen = string[]

let writing = true

/** POSTs single objects and envelopes, some too large to be done at once; notes what was acknowledged. */
async function write(client: Client, n: number, acknowledged: Map<string, string>): Promise<void> {
  for (let i = 0; writing; i++) {
    const size = i % 10 === 9 ? 30 : i % 3 === 0 ? 7 : 1
    const objects = Array.from({ length: size }, (_, k) =>
      k % 5 === 4 ? ipv4(`10.${n}.${i >> 3}.${((i & 7) << 5) | k}`) : k % 2 === 0 ? indicator() : malware(),
    )
    const answer = await client.post(path, objects)
    if (answer.status !== 202) throw new Error(`POST answered ${answer.status}: ${answer.text}`)
    for (const { id } of objects) acknowledged.set(id, answer.taxiiStatus.id)
  }
}

/** Goes on by `added_after` = X-TAXII-Date-Added-Last, until told to stop and nothing new comes. */
async function pollByDate(client: Client, seen: Seen, limit: string): Promise<void> {
  let last = ''
  for (;;) {
    const final = !writing
    const query = { limit, 'match[version]': 'all', ...(last && { added_after: last }) }
    const page = await client.getObjects(path, query)
    seen.push(...page.ids)
    if (page.ids.length > 0) last = page.last
    else if (final && done) return
  }
}

/** Walks `next` to the end of what is there, then starts the next walk where it ended. */
async function pollByNext(client: Client, seen: Seen): Promise<void> {
  let last = ''
  for (;;) {
    const final = !writing
    const query = { limit: '13', 'match[version]': 'all', ...(last && { added_after: last }) }
    const pages = await client.pages(`${path}objects/`, query)
    const ids = pages.flatMap((page) => page.ids)
    seen.push(...ids)
    if (ids.length > 0) last = pages.at(-1)?.last ?? last
    else if (final && done) return
  }
}

let done = false

test('T-5.5-16 no acknowledged object is lost or repeated, whoever polls how', async (t) => {
  const acknowledged = new Map<string, string>()
  const polled: Seen[] = [[], [], []]
  const [a, b, c] = polled as [Seen, Seen, Seen]
  const pollers = Promise.all([
    pollByDate(first.as('guest'), a, '10'),
    pollByDate(second.as('analyst'), b, '1000'),
    pollByNext(second.as('guest'), c),
  ])
  const writers = Promise.all(
    Array.from({ length: WRITERS }, (_, n) => {
      const node = n % 2 === 0 ? first : second
      return write(node.as(n % 3 === 0 ? 'keeper' : 'analyst'), n, acknowledged)
    }),
  )
  setTimeout(() => {
    writing = false
  }, MS)
  await writers.finally(() => {
    writing = false
  })
  await settled(acknowledged)
  done = true
  await pollers

  const log = (await first.as('guest').pages(`${path}manifest/`, { 'match[version]': 'all' })).flatMap(
    (p) => p.records,
  )
  t.comment(`${acknowledged.size} objects from ${WRITERS} writers`)
  t.ok(acknowledged.size > 100, `${acknowledged.size} objects were written`)
  isAscending(
    t,
    log.map((r) => r.date_added),
    'date_added',
  )
  t.equal(log.length, acknowledged.size, 'the manifest has each of them once')
  const order = log.map((r) => r.id)
  const got = polled.map((seen) => new Set(seen))
  for (const [i, seen] of polled.entries()) {
    t.equal(new Set(seen).size, seen.length, `poller ${i}: nothing twice`)
    t.equal([...acknowledged.keys()].filter((id) => !got[i]?.has(id)).length, 0, `poller ${i}: nothing lost`)
    t.strictSame(seen, order, `poller ${i}: in the order of the log`)
  }
})

/** Waits until every acknowledged object is there: envelopes of 30 are finished in the background. */
async function settled(acknowledged: Map<string, string>): Promise<void> {
  const client = first.as('guest')
  for (let i = 0; i < 300; i++) {
    const pages = await client.pages(`${path}manifest/`, { 'match[version]': 'all' })
    if (pages.reduce((sum, page) => sum + page.records.length, 0) >= acknowledged.size) return
    await new Promise((wait) => setTimeout(wait, 100))
  }
}
