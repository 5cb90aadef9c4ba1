/** The server's part of the TAXII 2.1 interoperability test document, test by test. */
import t, { test } from 'tap'
import { completed, hasDates, isAscending, isEmpty, isError, isResource } from '../../support/checks.ts'
import type { CollectionResource } from '../../support/client.ts'
import { comity, startServer } from '../../support/server.ts'
import { indicator, indicator20, malware, version } from '../../support/stix.ts'
import {
  EMPTY,
  LISTED_ONLY,
  NO_COLLECTION,
  NO_OBJECT,
  READ_ONLY,
  READ_WRITE,
  scratches,
  topology,
  WRITE_ONLY,
} from '../../support/world.ts'

const server = await startServer(t, { topology: topology() })
const analyst = server.as('analyst')
const keeper = server.as('keeper')
const scratch = scratches()
const at = (month: number) => `2026-0${month}-01T00:00:00.000Z`
const object = indicator()
for (const c of [READ_ONLY, WRITE_ONLY, LISTED_ONLY]) await keeper.add(c.path, object)

test('I-01 3.1.1 no credentials, 3.1.2 wrong credentials, 3.1.4 HTTP Basic', async (t) => {
  for (const client of [server.anonymous, server.as('analyst', 'wrong')]) {
    for (const path of ['/taxii2/', '/global/', '/global/collections/', READ_WRITE.path]) {
      const answer = await client.get(path)
      isError(t, answer, 401, path)
      t.match(answer.header('WWW-Authenticate'), /Basic realm="/)
    }
  }
  isResource(t, await analyst.get('/taxii2/'), 200, 'Basic')
})

test('I-04 3.2.1 discovery with relative and with absolute api_roots', async (t) => {
  const relative = (await analyst.get('/taxii2/')).json.api_roots as string[]
  for (const root of relative) {
    t.match(root, /^\/[a-z]+\/$/)
    isResource(t, await analyst.get(root), 200, root)
  }
  const other = await startServer(t, {
    database: server.database,
    env: { COMITY_PUBLIC_URL: 'https://taxii.example' },
  })
  const absolute = (await other.as('analyst').get('/taxii2/')).json.api_roots as string[]
  t.strictSame(
    absolute,
    relative.map((root) => `https://taxii.example${root}`),
  )
})

test('I-05 3.3.1 API root, 3.3.2 wrong API root', async (t) => {
  isResource(t, await analyst.get('/global/'), 200, 'API root')
  isError(t, await analyst.get('/wrong/'), 404, 'wrong API root')
})

test('I-06 3.4.1 collections, ascending by id', async (t) => {
  const answer = await analyst.get('/global/collections/')
  isResource(t, answer, 200, 'collections')
  const ids = (answer.json.collections as CollectionResource[]).map((c) => c.id)
  t.strictSame(ids, [...ids].sort())
})

test('I-07 3.5.1.1-4 the collection resource of every kind of access', async (t) => {
  const rows = [
    [WRITE_ONLY, false, true],
    [READ_WRITE, true, true],
    [READ_ONLY, true, false],
    [LISTED_ONLY, false, false],
  ] as const
  for (const [c, read, write] of rows) {
    const answer = await analyst.get(c.path)
    isResource(t, answer, 200, c.alias)
    t.strictSame([answer.json.can_read, answer.json.can_write], [read, write], c.alias)
  }
})

test('I-08 3.5.2.1 reading a write-only collection and 3.5.2.2 writing to a read-only one: 403', async (t) => {
  const one = `objects/${object.id}/`
  for (const rest of ['manifest/', 'objects/', one, `${one}versions/`]) {
    isError(t, await analyst.get(WRITE_ONLY.path + rest), 403, rest)
  }
  isError(t, await analyst.post(READ_ONLY.path, [indicator()]), 403, 'POST')
})

test('I-09 3.5.2.3 DELETE on read-only or write-only 403, 3.5.2.4 on no-access 404', async (t) => {
  const one = `objects/${object.id}/`
  isError(t, await analyst.delete(READ_ONLY.path + one), 403, 'read-only')
  isError(t, await analyst.delete(WRITE_ONLY.path + one), 403, 'write-only')
  isError(t, await analyst.delete(LISTED_ONLY.path + one), 404, 'no access')
})

test('I-10 3.5.3 wrong collection: 404', async (t) => {
  for (const rest of [
    '',
    'objects/',
    'manifest/',
    `objects/${object.id}/`,
    `objects/${object.id}/versions/`,
  ]) {
    isError(t, await analyst.get(`/global/collections/${NO_COLLECTION}/${rest}`), 404, rest)
  }
})

test('I-11 3.6.1 manifest, 3.7.1 objects, 3.7.2 no objects, 3.8.1 object, 3.8.2 object 404, 3.9.1 versions', async (t) => {
  const { path } = scratch()
  const mine = indicator()
  await analyst.add(path, mine, malware())
  for (const url of ['manifest/', 'objects/', `objects/${mine.id}/`, `objects/${mine.id}/versions/`]) {
    const answer = await analyst.get(path + url)
    isResource(t, answer, 200, url)
    hasDates(t, answer, url)
  }
  isEmpty(t, await analyst.getObjects(EMPTY.path), 'no objects')
  isError(t, await analyst.getObject(path, NO_OBJECT), 404, 'no such object')
})

test('I-12 3.10.1 add objects, 3.11 status with every optional property and message', async (t) => {
  const { path } = scratch()
  const good = await analyst.post(path, [indicator(), malware()])
  isResource(t, good, 202, 'POST')
  const end = await completed(analyst, 'global', good.taxiiStatus.id)
  t.equal(end.total_count, 2)
  t.equal(end.success_count, end.total_count, 'total_count == success_count in the end')
  t.ok(end.request_timestamp)
  t.equal(end.successes?.length, 2)
  const mixed = await analyst.post(path, [indicator(), { type: 'indicator' }])
  const status = (await analyst.get(`/global/status/${mixed.taxiiStatus.id}/`)).taxiiStatus
  t.equal(status.failures?.length, 1)
  t.ok(status.failures?.[0]?.message, 'message')
})

test('I-13 a status is kept for 24 hours at least', async (t) => {
  const settings = { DATABASE_URL: server.database.url, PORT: '0', COMITY_STATUS_HOURS: '12' }
  t.not((await comity(['serve'], settings)).code, 0, 'less is refused')
  const { path } = scratch()
  const status = await analyst.add(path, indicator())
  t.equal((await analyst.get(`/global/status/${status.id}/`)).status, 200)
})

test('I-14 3.12.1 delete an object', async (t) => {
  const { path } = scratch()
  const mine = indicator()
  await analyst.add(path, mine)
  const answer = await analyst.delete(`${path}objects/${mine.id}/`)
  t.equal(answer.status, 200)
  t.equal(answer.body.length, 0)
  isError(t, await analyst.getObject(path, mine.id), 404, 'gone')
})

test('I-15 3.13.1.1-10 filters: added_after, limit, id, type, version, spec_version, OR, AND, both, repeated', async (t) => {
  const { path } = scratch()
  const [i, m, old] = [indicator({ modified: at(1) }), malware(), indicator20()]
  await analyst.add(path, i)
  const { last } = await analyst.getObjects(path)
  await analyst.add(path, version(i, at(2)), m, old)
  for (const endpoint of ['objects/', 'manifest/']) {
    const ids = async (query: Record<string, string>) => (await analyst.get(path + endpoint, { query })).ids
    t.strictSame(await ids({ added_after: last }), [i.id, m.id, old.id], '.1 added_after')
    t.strictSame(await ids({ limit: '1' }), [i.id], '.2 limit')
    t.strictSame(await ids({ 'match[id]': m.id }), [m.id], '.3 id')
    t.strictSame(await ids({ 'match[type]': 'malware' }), [m.id], '.4 type')
    t.strictSame(await ids({ 'match[version]': at(1) }), [i.id, m.id, old.id], '.5 version')
    t.strictSame(await ids({ 'match[spec_version]': '2.0' }), [old.id], '.6 spec_version')
    t.strictSame(await ids({ 'match[id]': `${i.id},${m.id}` }), [i.id, m.id], '.7 OR')
    t.strictSame(await ids({ 'match[type]': 'indicator', 'match[id]': m.id }), [], '.8 AND')
    const both = {
      'match[type]': 'indicator,malware',
      'match[spec_version]': '2.1',
      'match[id]': `${i.id},${old.id}`,
    }
    t.strictSame(await ids(both), [i.id], '.9 AND and OR')
    const twice = `${path}${endpoint}?match[type]=indicator&match[type]=malware`
    isError(t, await analyst.get(twice), 400, '.10 a repeated filter')
  }
})

test('I-16 3.14.1 pages of versions by added_after = X-TAXII-Date-Added-Last', async (t) => {
  const { path } = scratch()
  const mine = indicator({ modified: at(1) })
  await analyst.add(path, ...[1, 2, 3, 4, 5].map((month) => version(mine, at(month))))
  const { records } = await analyst.getManifest(path, { 'match[version]': 'all' })
  isAscending(
    t,
    records.map((r) => r.date_added),
    'versions of one object',
  )
  const seen: string[] = []
  let query: Record<string, string> = { limit: '2' }
  for (let i = 0; i < 10; i++) {
    const page = await analyst.getVersions(path, mine.id, query)
    if (page.text === '{}') break
    seen.push(...page.versions)
    query = { limit: '2', added_after: page.last }
  }
  t.strictSame(seen, [1, 2, 3, 4, 5].map(at))
})

test('I-17 3.15.1 custom properties on the envelope are accepted', async (t) => {
  const { path } = scratch()
  const name = 'x_6d0f2b1c_52ab_4a2f_8e0b_0c6f1f1b7a11_note'
  const answer = await analyst.send(
    `${path}objects/`,
    JSON.stringify({ [name]: 'x', objects: [indicator()] }),
  )
  isResource(t, answer, 202, name)
  t.equal(answer.taxiiStatus.success_count, 1)
})
