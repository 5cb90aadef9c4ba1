/** The status resource (TAXII 2.1 §4.3). */
import t, { type Test, test } from 'tap'
import { completed, isError, isResource, STAMP, UUID4 } from '../../support/checks.ts'
import type { Status } from '../../support/client.ts'
import { comity, startServer } from '../../support/server.ts'
import { indicator, ipv4, malware, statement } from '../../support/stix.ts'
import { NO_STATUS, scratches, topology } from '../../support/world.ts'

const SYNC = 10
const server = await startServer(t, { topology: topology(), env: { COMITY_SYNC_OBJECTS: String(SYNC) } })
const analyst = server.as('analyst')
const scratch = scratches()
const bad = { type: 'indicator', id: 'indicator--nope' }

function adds(t: Test, status: Status, what: string) {
  t.equal(
    status.success_count + status.failure_count + status.pending_count,
    status.total_count,
    `${what}: sum`,
  )
  t.equal(status.pending_count > 0, status.status === 'pending', `${what}: pending_count and status`)
  const lists = [
    ['successes', status.success_count],
    ['failures', status.failure_count],
    ['pendings', status.pending_count],
  ] as const
  for (const [name, count] of lists) {
    const list = status[name]
    if (list) t.equal(list.length, count, `${what}: as many ${name} as counted`)
    if (count === 0) t.equal(list, undefined, `${what}: no list of 0 ${name}`)
  }
}

/** Statuses of all kinds: complete, mixed, failed, pending. */
async function statuses() {
  const { path } = scratch()
  const many = Array.from({ length: SYNC * 3 }, () => indicator())
  return {
    complete: (await analyst.post(path, [indicator(), malware()])).taxiiStatus,
    mixed: (await analyst.post(path, [indicator(), bad])).taxiiStatus,
    failed: (await analyst.post(path, [bad])).taxiiStatus,
    large: (await analyst.post(path, [...many, bad])).taxiiStatus,
  }
}

test('T-4.3-01 a status has its required properties', async (t) => {
  for (const [what, status] of Object.entries(await statuses())) {
    t.match(status.id, UUID4, what)
    t.match(status.request_timestamp ?? '', STAMP, what)
    for (const name of ['total_count', 'success_count', 'failure_count', 'pending_count'] as const) {
      t.type(status[name], 'number', `${what}: ${name}`)
    }
    const answer = await analyst.get(`/global/status/${status.id}/`)
    isResource(t, answer, 200, what)
    for (const name of Object.keys(answer.json)) {
      const known = [
        'id',
        'status',
        'request_timestamp',
        'total_count',
        'success_count',
        'successes',
        'failure_count',
        'failures',
        'pending_count',
        'pendings',
      ]
      t.ok(known.includes(name) || name.startsWith('x_'), `${what}: ${name} is a property of status`)
    }
  }
})

test('T-4.3-02 status is complete or pending, and pending_count says the same', async (t) => {
  for (const [what, status] of Object.entries(await statuses())) {
    t.ok(['complete', 'pending'].includes(status.status), what)
    t.equal(status.pending_count > 0, status.status === 'pending', what)
    const end = await completed(analyst, 'global', status.id)
    t.equal(end.pending_count, 0, what)
  }
})

test('T-4.3-03 the counts add up and lists are as long as their counts', async (t) => {
  const found = await statuses()
  for (const [what, status] of Object.entries(found)) {
    adds(t, status, what)
    for (let i = 0; i < 20; i++) {
      const now = (await analyst.get(`/global/status/${status.id}/`)).taxiiStatus
      adds(t, now, `${what}, on its way`)
      t.equal(now.total_count, status.total_count)
      if (now.status === 'complete') break
    }
    adds(t, await completed(analyst, 'global', status.id), `${what}, in the end`)
  }
  t.equal(found.mixed.success_count, 1)
  t.equal(found.mixed.failure_count, 1)
  t.equal(found.failed.failure_count, 1)
  const large = await completed(analyst, 'global', found.large.id)
  t.equal(large.success_count, SYNC * 3)
  t.equal(large.failure_count, 1)
})

test('T-4.3-04 status details: id, version as in the manifest, a message for each failure', async (t) => {
  const { path } = scratch()
  const objects = [indicator({ modified: '2026-05-01T00:00:00.123Z' }), statement('x'), ipv4('198.51.100.40')]
  const broken = [
    { ...indicator(), pattern: 7 },
    bad,
    { type: 'x' },
    { id: 'x' },
    { spec_version: '2.1', name: 'nothing' },
  ]
  const { taxiiStatus: status } = await analyst.post(path, [...objects, ...broken])
  t.equal(status.success_count, 3)
  t.equal(status.failure_count, 5)
  const { records } = await analyst.getManifest(path)
  for (const object of objects) {
    const detail = status.successes?.find((d) => d.id === object.id)
    t.equal(detail?.version, records.find((r) => r.id === object.id)?.version, object.type)
  }
  for (const [i, failure] of (status.failures ?? []).entries()) {
    t.type(failure.id, 'string', `failure ${i}: id`)
    t.type(failure.version, 'string', `failure ${i}: version`)
    t.ok((failure.message ?? '').length > 5, `failure ${i}: message`)
  }
  const ids = (status.failures ?? []).map((f) => f.id)
  t.ok(ids.includes(String((broken[0] as { id: string }).id)), 'a usable id is shown')
  t.equal(
    status.failures?.find((f) => f.id === (broken[0] as { id: string }).id)?.version,
    '2026-01-01T00:00:00.000Z',
  )
  const place = status.failures?.find((f) => f.id === 'objects[7]')
  t.ok(place, `no usable id: its place, objects[7], among ${ids.join(' ')}`)
  t.equal(place?.version, status.request_timestamp, 'no usable version: request_timestamp')
})

test('T-4.3-05 unknown and malformed status ids are 404; 24 hours are the least', async (t) => {
  for (const id of [
    NO_STATUS,
    'nope',
    '1',
    '%00',
    'a'.repeat(300),
    NO_STATUS.toUpperCase(),
    `${NO_STATUS}x`,
  ]) {
    isError(t, await analyst.get(`/global/status/${id}/`), 404, id)
  }
  const outcome = await comity(['serve'], {
    DATABASE_URL: server.database.url,
    PORT: '0',
    COMITY_STATUS_HOURS: '23',
  })
  t.not(outcome.code, 0, 'a shorter time is refused at the start')
  t.match(outcome.stderr + outcome.stdout, /COMITY_STATUS_HOURS/)
})

test('T-4.3-06 GET status equals the 202 body, survives a restart, and is for its submitter only', async (t) => {
  const { path } = scratch()
  const posted = await analyst.post(path, [indicator(), bad])
  const url = `/global/status/${posted.taxiiStatus.id}/`
  t.equal((await analyst.get(url)).text, posted.text)
  for (const id of ['colleague', 'keeper', 'guest']) isError(t, await server.as(id).get(url), 404, id)
  isError(t, await analyst.get(`/open/status/${posted.taxiiStatus.id}/`), 404, 'in another root')
  const other = await startServer(t, { database: server.database })
  t.equal((await other.as('analyst').get(url)).text, posted.text, 'another process')

  const large = await analyst.post(
    path,
    Array.from({ length: SYNC * 2 }, () => indicator()),
  )
  await completed(analyst, 'global', large.taxiiStatus.id)
  const end = await analyst.get(`/global/status/${large.taxiiStatus.id}/`)
  t.equal((await other.as('analyst').get(`/global/status/${large.taxiiStatus.id}/`)).text, end.text)
  isError(
    t,
    await server.as('colleague').get(`/global/status/${large.taxiiStatus.id}/`),
    404,
    'a large one, too',
  )
})

test('D-5 up to the configured number an envelope is done at once, a larger one is pending', async (t) => {
  const { path } = scratch()
  const exact = await analyst.post(
    path,
    Array.from({ length: SYNC }, () => indicator()),
  )
  t.equal(exact.status, 202)
  t.equal(exact.taxiiStatus.status, 'complete')
  t.equal((await analyst.getObjects(path)).objects.length, SYNC, 'and is there')
  const objects = Array.from({ length: SYNC + 1 }, () => indicator())
  const larger = await analyst.post(path, objects)
  t.equal(larger.status, 202)
  t.equal(larger.taxiiStatus.status, 'pending')
  t.equal(larger.taxiiStatus.total_count, SYNC + 1)
  const end = await completed(analyst, 'global', larger.taxiiStatus.id)
  t.equal(end.success_count, SYNC + 1)
  const ids = (await analyst.getObjects(path)).ids.slice(SYNC)
  t.strictSame(
    ids,
    objects.map((o) => o.id),
    'in the order of the envelope',
  )
})

test('D-5 a pending envelope is finished after a crash, each object once', async (t) => {
  const { path } = scratch()
  const victim = await startServer(t, { database: server.database, env: { COMITY_SYNC_OBJECTS: '1' } })
  const objects = Array.from({ length: 3000 }, () => indicator())
  const posted = await victim.as('analyst').post(path, objects)
  t.equal(posted.taxiiStatus.status, 'pending')
  await victim.kill9()
  const end = await completed(analyst, 'global', posted.taxiiStatus.id)
  t.equal(end.success_count, objects.length)
  const ids = (await analyst.pages(`${path}objects/`, { 'match[version]': 'all', limit: '1000' })).flatMap(
    (p) => p.ids,
  )
  t.strictSame([...ids].sort(), objects.map((o) => o.id).sort())
})
