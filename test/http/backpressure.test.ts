/** More writes than a node takes: refused before they are read, memory bounded, what was answered 202 is there and nothing else. */
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import t, { test } from 'tap'
import { completed, isError } from '../support/checks.ts'
import type { Client } from '../support/client.ts'
import { peak, resetPeak, resident } from '../support/process.ts'
import { startServer } from '../support/server.ts'
import { indicator } from '../support/stix.ts'
import { READ_WRITE, scratches, topology } from '../support/world.ts'

const SHARE = 2
const BODIES = 3
const server = await startServer(t, {
  topology: topology(),
  env: {
    COMITY_BODIES: String(BODIES),
    COMITY_BODIES_SHARE: String(SHARE),
    COMITY_BODY_BYTES: '5000000',
    COMITY_SYNC_OBJECTS: '5',
    COMITY_UPLOADS: '3',
    COMITY_UPLOADS_SHARE: '2',
  },
})
const analyst = server.as('analyst')
const keeper = server.as('keeper')
const next = scratches()
await analyst.add(READ_WRITE.path, indicator())
await keeper.add(READ_WRITE.path, indicator())

const text = 'x'.repeat(250_000)
const large = () => Array.from({ length: 4 }, () => indicator({ description: text }))

test('a flood of 200 bodies of 1 MB', async (t) => {
  const { path } = next()
  const before = resident(server.pid)
  resetPeak(server.pid)
  const sent = await Promise.all(
    Array.from({ length: 200 }, async (_, i) => {
      const client: Client = i % 2 ? analyst : keeper
      const objects = large()
      return { client, objects, answer: await client.post(path, objects) }
    }),
  )
  const grown = peak(server.pid) - before
  t.ok(grown < 200, `memory grew by ${Math.round(grown)} MB`)
  const counts = new Map<number, number>()
  for (const { answer } of sent) counts.set(answer.status, (counts.get(answer.status) ?? 0) + 1)
  t.comment(JSON.stringify([...counts]))
  t.strictSame(
    [...counts.keys()].filter((status) => ![202, 429, 503].includes(status)),
    [],
    'taken or told to come again',
  )
  t.ok((counts.get(202) ?? 0) >= SHARE, 'some are taken')
  t.ok((counts.get(429) ?? 0) > 0, 'one principal has its share')
  t.ok((counts.get(503) ?? 0) > 0, 'the node is busy')
  const [refused, busy] = [429, 503].map((status) => sent.find(({ answer }) => answer.status === status))
  for (const one of [refused, busy]) {
    if (!one) continue
    isError(t, one.answer, one.answer.status, 'refused')
    t.match(one.answer.header('retry-after'), /^\d+$/, 'Retry-After')
  }
  t.notMatch(busy?.answer.text, /keeper|analyst|description|byte|body/i, 'busy, and no more')
  const pages = await keeper.pages(`${path}manifest/`)
  const stored = new Set(pages.flatMap((page) => page.text.match(/indicator--[0-9a-f-]{36}/g) ?? []))
  let wrong = 0
  for (const { objects, answer } of sent) {
    for (const { id } of objects) if (stored.has(id) !== (answer.status === 202)) wrong++
  }
  t.equal(wrong, 0, 'all that was taken is there, and nothing of what was refused')
  t.equal((await analyst.post(path, [indicator()])).status, 202, 'afterwards there is room again')
})

test('places are given back, also by requests that fail and clients that go', async (t) => {
  const { path } = next()
  for (let i = 0; i < 3 * BODIES; i++) {
    isError(t, await analyst.send(`${path}objects/`, '{"objects": 1}'), 422, 'no envelope')
  }
  for (let i = 0; i < 3 * BODIES; i++) {
    const gone = new AbortController()
    const post = fetch(`${server.url}${path}objects/`, {
      method: 'POST',
      headers: {
        authorization: analyst.authorization ?? '',
        'content-type': 'application/taxii+json;version=2.1',
      },
      body: JSON.stringify({ objects: large() }),
      signal: gone.signal,
    }).catch(() => {})
    setTimeout(() => gone.abort(), 5 + i)
    await post
  }
  let status = 0
  for (let i = 0; i < 50 && status !== 202; i++) {
    await new Promise((done) => setTimeout(done, 50))
    status = (await analyst.post(path, [indicator()])).status
  }
  t.equal(status, 202)
})

test('unfinished uploads are bounded: of one principal, and in all', async (t) => {
  const { path } = next()
  const db = new pg.Client({ connectionString: server.database.url })
  await db.connect()
  const opened = async (principal: string) => {
    const id = randomUUID()
    await db.query(
      `select comity.open_status($1::uuid, 'global', (select min(seq) from comity.collection), $2, null, 1, 9, '\\x00')`,
      [id, principal],
    )
    await db.query('select comity.postpone_upload($1::uuid, 9000000000000000000)', [id])
  }
  const many = () => Array.from({ length: 9 }, () => indicator())
  try {
    await opened('analyst')
    await opened('analyst')
    const mine = await analyst.post(path, many())
    isError(t, mine, 429, 'the share of one')
    t.match(mine.header('retry-after'), /^\d+$/)
    const taken = await keeper.post(path, many())
    t.equal(taken.status, 202, 'another one has room')
    await completed(keeper, 'global', taken.taxiiStatus.id)
    await opened('keeper')
    const busy = await keeper.post(path, many())
    isError(t, busy, 503, 'all of them')
    t.match(busy.header('retry-after'), /^\d+$/)
    t.equal(
      (await analyst.post(path, [indicator()])).status,
      202,
      'what is finished at once is not concerned',
    )
    await db.query('delete from comity.upload')
    t.equal((await analyst.post(path, many())).status, 202, 'room again')
  } finally {
    await db.end()
  }
})
