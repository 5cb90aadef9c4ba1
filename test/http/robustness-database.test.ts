/** The database goes, freezes, kills connections and comes back: 503 with Retry-After meanwhile, never a restart. */
import { Agent } from 'node:http'
import pg from 'pg'
import t, { type Test, test } from 'tap'
import { completed, isError } from '../support/checks.ts'
import { type Answer, Client, type RawRequest } from '../support/client.ts'
import { resident } from '../support/process.ts'
import { restartable } from '../support/restartable.ts'
import { sleep } from '../support/run-lock.ts'
import { apply, comity, startServer } from '../support/server.ts'
import { indicator } from '../support/stix.ts'
import { READ_WRITE, STIX21, TOKENS, topology } from '../support/world.ts'

const postgres = await restartable(t)
const url = postgres.url.replace(/postgres$/, 'comity')
await admin(postgres.url, (client) => client.query('create database comity'))
const migrated = await comity(['migrate'], { DATABASE_URL: url })
if (migrated.code !== 0) throw new Error(migrated.stderr)
await apply(url, topology())
const server = await startServer(t, {
  database: { url },
  env: { COMITY_POOL_SIZE: '2', COMITY_SYNC_OBJECTS: '50', COMITY_REQUEST_SECONDS: '2' },
})
const analyst = server.as('analyst')
const first = indicator()
const status = await analyst.add(READ_WRITE.path, first)

async function admin<T>(to: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: to })
  client.on('error', () => {})
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end().catch(() => {})
  }
}

const post = (path: string, objects: object[]): RawRequest => ({
  method: 'POST',
  path: `${path}objects/`,
  headers: { 'Content-Type': 'application/taxii+json;version=2.1' },
  body: JSON.stringify({ objects }),
})

/** One request of each kind. */
const kinds = (): RawRequest[] => [
  { path: '/taxii2/' },
  { path: '/global/' },
  { path: '/global/collections/' },
  { path: `${READ_WRITE.path}` },
  { path: `${READ_WRITE.path}objects/` },
  { path: `${READ_WRITE.path}manifest/` },
  { path: `${READ_WRITE.path}objects/${first.id}/` },
  { path: `${READ_WRITE.path}objects/${first.id}/versions/` },
  { path: `/global/status/${status.id}/` },
  { path: '/nothing/' },
  post(READ_WRITE.path, [indicator()]),
  post(
    READ_WRITE.path,
    Array.from({ length: 60 }, () => indicator()),
  ),
  { method: 'DELETE', path: `${READ_WRITE.path}objects/${indicator().id}/` },
  { method: 'POST', path: '/auth/token' },
]

function isUnavailable(t: Test, answer: Answer, what: string): void {
  isError(t, answer, 503, what)
  t.match(answer.header('retry-after') ?? 'absent', /^[1-9]\d?$/, `${what}: Retry-After`)
}

/** Asks for everything, with remembered, new and no credentials. */
async function allUnavailable(t: Test, seconds: number): Promise<void> {
  const callers = [
    ['analyst', analyst],
    ['a new password', server.as('colleague')],
    ['a token', server.bearer(TOKENS.full)],
    ['wrong credentials', server.as('analyst', 'wrong')],
  ] as const
  for (const [who, client] of callers) {
    const started = Date.now()
    const requests = who === 'analyst' ? kinds() : kinds().slice(4, 6)
    const answers = await Promise.all(requests.map((request) => client.request(request)))
    for (const [i, answer] of answers.entries()) {
      isUnavailable(t, answer, `${who}: ${requests[i]?.method ?? 'GET'} ${requests[i]?.path}`)
    }
    t.ok(Date.now() - started < seconds * 1000, `${who}: within ${Date.now() - started} ms`)
  }
}

async function health(t: Test, ready: number): Promise<void> {
  t.equal((await server.anonymous.get('/livez')).status, 200, '/livez')
  t.equal((await server.anonymous.get('/readyz')).status, ready, '/readyz')
  t.equal((await server.anonymous.get('/metrics')).status, 200, '/metrics')
}

async function works(t: Test): Promise<void> {
  await health(t, 200)
  t.equal((await analyst.getObjects(READ_WRITE.path)).objects[0]?.id, first.id, 'what was stored is there')
  t.equal((await analyst.get(`/global/status/${status.id}/`)).status, 200, 'the status too')
  await analyst.add(READ_WRITE.path, indicator())
}

async function connections(): Promise<number> {
  const metrics = (await server.anonymous.get('/metrics')).text
  return Number(/comity_pool_connections\{state="total"\} (\d+)/.exec(metrics)?.[1])
}

for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
  test(`stopped (${signal}) while requests run, and started again`, async (t) => {
    await works(t)
    let stop = false
    const seen = new Map<number, number>()
    const odd: Answer[] = []
    const slowest = { ms: 0 }
    const workers = Array.from({ length: 8 }, async (_, i) => {
      while (!stop) {
        const started = Date.now()
        const requests = kinds()
        const answer = await analyst.request(
          requests[(i + Math.floor(Math.random() * 14)) % 14] as RawRequest,
        )
        slowest.ms = Math.max(slowest.ms, Date.now() - started)
        seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1)
        if (answer.status === 503 ? !answer.header('retry-after') : answer.status >= 500) odd.push(answer)
        await sleep(2)
      }
    })
    await sleep(300)
    await postgres.stop(signal)
    await sleep(500)
    await health(t, 503)
    await allUnavailable(t, 2)
    const memory = resident(server.pid)
    await sleep(500)
    await postgres.start()
    await sleep(500)
    stop = true
    await Promise.all(workers)
    t.strictSame(
      odd.map((a) => `${a.status} ${a.text}`),
      [],
      `answers were ${JSON.stringify([...seen])}`,
    )
    t.ok(seen.get(503), 'some were 503')
    t.ok(slowest.ms < 6000, `the slowest took ${slowest.ms} ms`)
    await works(t)
    t.ok((await connections()) <= 4, 'the pools are no larger than set')
    t.ok(resident(server.pid) - memory < 100, 'memory has not grown')
  })
}

test('connections that are killed in the middle of a statement', async (t) => {
  const kill = () =>
    admin(url, (client) =>
      client.query(`select pg_terminate_backend(pid) from pg_stat_activity
        where datname = 'comity' and application_name like 'comity%' and application_name <> 'comity serve'`),
    )
  const odd: string[] = []
  let unavailable = 0
  for (let i = 0; i < 10; i++) {
    const answers = kinds().map((request) => analyst.request(request))
    await sleep(Math.random() * 30)
    await kill()
    for (const answer of await Promise.all(answers)) {
      if (answer.status === 503) unavailable++
      if (answer.status === 503 ? !answer.header('retry-after') : answer.status >= 500) odd.push(answer.text)
    }
  }
  t.strictSame(odd, [], `${unavailable} were 503`)
  await works(t)
  t.ok((await connections()) <= 4)
})

test('a lock that another session holds, and a pool that is exhausted', { timeout: 40_000 }, async (t) => {
  const locker = new pg.Client({ connectionString: url })
  locker.on('error', () => {})
  await locker.connect()
  await locker.query('begin')
  await locker.query(
    `select from comity.collection_head h join comity.collection c on c.seq = h.collection
       where c.alias = 'indicators' for update of h`,
  )
  // One writer waits: one connection of two is left, and everybody else is served.
  const waiting = analyst.request(post(READ_WRITE.path, [indicator()]))
  await sleep(100)
  t.equal((await analyst.getObjects(STIX21.path)).status, 200, 'another collection is read')
  t.equal((await analyst.getObjects(READ_WRITE.path)).status, 200, 'and this one too')
  t.equal((await analyst.post(STIX21.path, [indicator()])).status, 202, 'another collection is written')
  const started = Date.now()
  // More writers than connections, and more than the queue holds.
  const agent = new Agent({ maxSockets: 400 })
  const writers = Array.from({ length: 300 }, () =>
    analyst.request({ ...post(READ_WRITE.path, [indicator()]), agent }),
  )
  await sleep(200)
  const alive = await server.anonymous.get('/livez')
  t.equal(alive.status, 200)
  for (const answer of [await waiting, ...(await Promise.all(writers))]) {
    if (answer.status !== 503) t.fail(`${answer.status}: ${answer.text.slice(0, 200)}`)
    if (!answer.header('retry-after')) t.fail('no Retry-After')
  }
  t.ok(Date.now() - started < 25_000, `all are refused after ${Date.now() - started} ms`)
  await locker.query('rollback')
  await locker.end()
  await works(t)
})

test('a database that is frozen: connections stay, nothing answers', { timeout: 60_000 }, async (t) => {
  await works(t)
  postgres.freeze()
  t.teardown(() => postgres.thaw())
  const started = Date.now()
  const answers = await Promise.all([
    analyst.getObjects(READ_WRITE.path),
    analyst.get('/taxii2/'),
    analyst.request(post(READ_WRITE.path, [indicator()])),
  ])
  for (const answer of answers) isUnavailable(t, answer, 'frozen')
  t.ok(Date.now() - started < 20_000, `after ${Date.now() - started} ms`)
  t.equal((await server.anonymous.get('/livez')).status, 200)
  t.equal((await server.anonymous.get('/readyz')).status, 503)
  postgres.thaw()
  await works(t)
  t.ok((await connections()) <= 4)
})

test('pending uploads are finished after an outage', async (t) => {
  const objects = Array.from({ length: 400 }, () => indicator())
  let answer = await analyst.post(STIX21.path, objects)
  // What was sent before the database froze may still be its share.
  for (let i = 0; i < 100 && answer.status === 429; i++) {
    await sleep(300)
    answer = await analyst.post(STIX21.path, objects)
  }
  t.equal(answer.status, 202)
  await postgres.stop('SIGQUIT')
  await sleep(200)
  await postgres.start()
  const done = await completed(new Client(server.url, analyst.authorization), 'global', answer.taxiiStatus.id)
  t.equal(done.success_count, 400)
})

test('what the log says of all this: warnings, no failures, and no content', (t) => {
  const lines = server
    .log()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  t.strictSame(
    lines.filter((line) => line.level >= 50),
    [],
  )
  t.ok(lines.some((line) => line.level === 40))
  t.notMatch(server.log(), /an indicator|198\.51\.100/)
  t.end()
})
