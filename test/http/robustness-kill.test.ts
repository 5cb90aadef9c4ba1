/** kill -9 at any moment of an ingest: what was acknowledged is there, nothing is half stored, pending ones resume. */
import pg from 'pg'
import t, { test } from 'tap'
import { completed } from '../support/checks.ts'
import type { Client, Status } from '../support/client.ts'
import { sleep } from '../support/run-lock.ts'
import { type Server, startServer } from '../support/server.ts'
import { indicator } from '../support/stix.ts'
import { READ_WRITE, topology } from '../support/world.ts'

const ROUNDS = 8
const SMALL = 200
const LARGE = 5000
const env = { COMITY_SYNC_OBJECTS: '500' }
const first = await startServer(t, { topology: topology(), env })
const { database } = first
const sql = new pg.Client({ connectionString: database.url })
await sql.connect()
t.teardown(() => sql.end())

const rows = async (text: string) => (await sql.query(text)).rows as Record<string, string>[]

/** What was answered 202: the status as it was then, and the ids that were sent. */
const acknowledged: { status: Status; ids: string[] }[] = []

async function send(client: Client, count: number): Promise<void> {
  const objects = Array.from({ length: count }, () => indicator())
  const answer = await client.post(READ_WRITE.path, objects)
  if (answer.status !== 202) throw new Error(`${answer.status}: ${answer.text}`)
  acknowledged.push({ status: answer.taxiiStatus, ids: objects.map((o) => o.id) })
}

/** Three senders until the server dies; the first envelope is a large one. */
async function ingest(server: Server, round: number): Promise<void> {
  const client = server.as('analyst')
  const before = acknowledged.length
  const senders = [LARGE, SMALL, SMALL].map(async (size) => {
    try {
      await send(client, size)
      for (;;) await send(client, SMALL)
    } catch {
      // The server was killed.
    }
  })
  // Every other time only when something has been acknowledged, however slow the machine.
  for (let i = 0; round % 2 === 1 && acknowledged.length === before && i < 500; i++) await sleep(20)
  await sleep(30 + Math.random() * 600)
  await server.kill9()
  await Promise.all(senders)
}

test(`${ROUNDS} times killed, and started again`, { timeout: 120_000 }, async (t) => {
  let server = first
  for (let round = 0; round < ROUNDS; round++) {
    await ingest(server, round)
    // At this moment, before anything resumes: each stored object is counted by a status, and the other way round.
    for (let i = 0; i < 100; i++) {
      const [left] = await rows(
        `select count(*) from pg_stat_activity where datname = current_database() and application_name in ('comity', 'comity pages')`,
      )
      if (left?.count === '0') break
      await sleep(20)
    }
    const [sums] = await rows(`select (select count(*) from comity.item where not standard) as items,
      (select coalesce(sum(success), 0) from comity.status) as counted`)
    t.equal(sums?.items, sums?.counted, `round ${round}: objects and counts agree`)
    server = await startServer(t, { database, env })
  }
  t.ok(acknowledged.length >= ROUNDS / 2, `${acknowledged.length} envelopes were acknowledged`)

  const client = server.as('analyst')
  const pages = await client.pages(`${READ_WRITE.path}objects/`, { limit: '5000' })
  for (const { status } of acknowledged) await completed(client, 'global', status.id)
  // Uploads whose 202 the kill has swallowed are finished too.
  for (let i = 0; i < 200 && (await rows('select from comity.upload')).length > 0; i++) await sleep(50)
  t.strictSame(await rows('select status from comity.upload'), [], 'no upload is left')
  t.strictSame(
    await rows('select id from comity.status where completed is null or success + failure <> total'),
    [],
    'every status is complete, and its counts add up',
  )
  t.strictSame(
    await rows('select object_id from comity.item where not standard group by object_id having count(*) > 1'),
    [],
    'nothing is stored twice',
  )
  t.ok(pages.length > 0)
  const readable = new Set(
    (await client.pages(`${READ_WRITE.path}manifest/`, { limit: '10000' })).flatMap((page) => page.ids),
  )
  const lost: string[] = []
  for (const { status, ids } of acknowledged) {
    const now = (await client.get(`/global/status/${status.id}/`)).taxiiStatus
    if (now.status !== 'complete' || now.success_count !== ids.length || now.pending_count !== 0)
      lost.push(now.id)
    if (now.successes?.length !== ids.length) lost.push(`${now.id}: ${now.successes?.length} successes`)
    for (const id of ids) if (!readable.has(id)) lost.push(id)
  }
  t.strictSame(lost, [], 'everything acknowledged is there')
  const [sums] = await rows(`select (select count(*) from comity.item where not standard) as items,
      (select coalesce(sum(success), 0) from comity.status) as counted`)
  t.equal(sums?.items, sums?.counted, 'and nothing else')
  t.equal(readable.size, Number(sums?.items))
})
