/** DATABASE_READ_URL that names no replica, or nobody: the primary serves, and the operator is told. Replicas that are
 * real are in test/cluster. */
import t, { test } from 'tap'
import { notAReplica } from '../../src/store/replica.ts'
import { hasReplayed, readStanding } from '../../src/store/replica-standing.ts'
import { readAs, StaleWorld } from '../../src/store/session.ts'
import { sql } from '../../src/store/sql.ts'
import { database } from '../support/cluster.ts'
import { onExchange } from '../support/exchange.ts'
import { freePort } from '../support/postgres.ts'
import { sleep } from '../support/run-lock.ts'
import { comity, type Server, startServer } from '../support/server.ts'
import { indicator } from '../support/stix.ts'
import { READ_WRITE, topology } from '../support/world.ts'

const own = await database(t)
const nobody = `postgres://comity@127.0.0.1:${await freePort()}/comity`

async function pagesOf(server: Server): Promise<Record<string, number>> {
  const { text } = await server.request({ path: '/metrics' })
  const lines = text.matchAll(/^comity_replica_(pages_total\{outcome="\w+"\}|up) (\d+)/gm)
  return Object.fromEntries([...lines].map((m) => [m[1] ?? '', Number(m[2])]))
}

for (const [what, url, reason] of [
  ['the primary itself', own.url, 'it is no standby (any more)'],
  ['nobody', nobody, 'ECONNREFUSED'],
] as const) {
  test(`a replica that is ${what}`, async (t) => {
    const server = await startServer(t, {
      database: own,
      topology: topology(),
      env: { DATABASE_READ_URL: url },
    })
    const [object] = [indicator()]
    await server.as('analyst').add(READ_WRITE.path, object)
    const began = Date.now()
    const page = await server.as('guest').getObjects(READ_WRITE.path)
    t.ok(page.ids.includes(object.id), 'the primary serves')
    t.equal((await server.as('guest').getObject(READ_WRITE.path, object.id)).status, 200)
    t.ok(Date.now() - began < 2_000, 'and nobody waits')
    t.equal((await server.request({ path: '/readyz' })).text, 'ready, replica down\n')
    t.match(await pagesOf(server), { up: 0, 'pages_total{outcome="away"}': 2 })
    await sleep(2_500)
    t.equal(server.log().split(reason).length, 2, 'the log says so once')
  })
}

test('without a replica nothing is said of one', async (t) => {
  const server = await startServer(t, { database: own })
  t.equal((await server.request({ path: '/readyz' })).text, 'ready\n')
  t.strictSame(await pagesOf(server), {})
})

test('a server that is no standby never has replayed enough', async (t) => {
  await onExchange(own.url, async ({ pool, world }) => {
    const mark = { epoch: world.epoch, audiences: world.audienceCount }
    const reader = { scope: '{}', bits: '\\x00', size: 7, principal: 'guest', mark }
    const past = await readStanding(pool, 1, reader)
    t.match(past, { collection: 1, timeline: 1, epoch: world.epoch, head: null })
    t.type(past.rewritten, 'bigint')
    const body = sql`select s.fresh as f`
    t.ok(await readAs(pool, reader, body), 'as the primary it answers')
    t.ok((await readAs(pool, { ...reader, past }, body).catch((e: unknown) => e)) instanceof StaleWorld)
    t.ok(hasReplayed(past, reader).strings.join('').includes('pg_is_in_recovery()'))
    t.equal(await notAReplica(pool, pool), 'it is no standby (any more)')
  })
})

test('comity doctor tells of replica and pooler', async (t) => {
  const doctor = async (env: Record<string, string>) =>
    (await comity(['doctor'], { DATABASE_URL: own.url, DATABASE_OWNER_URL: `${own.url}?`, ...env })).stdout
  t.match(
    await doctor({ DATABASE_READ_URL: own.url }),
    /^FAIL {2}replica: it is no standby .*DATABASE_READ_URL/m,
  )
  t.match(await doctor({ DATABASE_READ_URL: nobody }), /^warn {2}replica: .*ECONNREFUSED/m)
  t.match(await doctor({ COMITY_POOLED: 'transaction' }), /^ok {4}pooler: each statement runs as comity_app/m)
  t.notMatch(await doctor({}), /replica|pooler/)
})

test('settings that do not fit are refused', async (t) => {
  const refused = async (args: string[], env: Record<string, string>) => {
    const { code, stderr } = await comity(args, env)
    t.equal(code, 2)
    return stderr
  }
  t.match(await refused(['serve'], { COMITY_POOLED: 'session' }), /COMITY_POOLED=session is neither/)
  t.match(await refused(['serve'], { DATABASE_READ_URL: own.url }), /DATABASE_READ_URL needs DATABASE_URL/)
  for (const command of [['migrate'], ['audit']]) {
    t.match(
      await refused(command, { DATABASE_URL: own.url, COMITY_POOLED: 'transaction' }),
      /needs DATABASE_OWNER_URL/,
    )
  }
})

test('a server with COMITY_POOLED=transaction serves and stores', async (t) => {
  const server = await startServer(t, {
    database: own,
    env: { COMITY_POOLED: 'transaction', COMITY_SYNC_OBJECTS: '10' },
  })
  const objects = Array.from({ length: 30 }, () => indicator())
  const answer = await server.as('analyst').post(READ_WRITE.path, objects)
  t.equal(answer.status, 202)
  for (let i = 0; i < 100; i++) {
    const { status } = (await server.as('analyst').get(`/global/status/${answer.taxiiStatus.id}/`))
      .taxiiStatus
    if (status === 'complete') break
    await sleep(100)
  }
  const pages = await server.as('guest').pages(`${READ_WRITE.path}objects/`, { limit: '7' })
  const ids = new Set(pages.flatMap((page) => page.ids))
  t.strictSame(
    objects.filter((o) => !ids.has(o.id)),
    [],
    'all are there, by pages',
  )
  t.equal((await server.as('nobody').getObjects(READ_WRITE.path)).status, 404)
})
