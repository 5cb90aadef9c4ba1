/** TAXII 2.1 §2: timestamps, lists, identifiers, integers, UTF-8, null. */
import t, { test } from 'tap'
import { isAscending, isResource, micros, noNullOrEmpty, STAMP, stamp, UUID4 } from '../../support/checks.ts'
import { startServer } from '../../support/server.ts'
import { indicator, indicator20, ipv4, malware, statement } from '../../support/stix.ts'
import { EMPTY, scratches, topology } from '../../support/world.ts'

const server = await startServer(t, { topology: topology() })
const analyst = server.as('analyst')
const scratch = scratches()

test('T-2-01 timestamps that the server makes have microseconds and a Z', async (t) => {
  const { path } = scratch()
  const status = await analyst.add(path, indicator(), malware(), ipv4('198.51.100.7'))
  t.match(status.request_timestamp ?? 'absent', STAMP, 'request_timestamp')
  const age = Date.now() - Date.parse(status.request_timestamp ?? '')
  t.ok(age > -1000 && age < 60_000, 'request_timestamp is now, in UTC')
  const manifest = await analyst.getManifest(path)
  t.equal(manifest.records.length, 3)
  for (const record of manifest.records) t.match(record.date_added, STAMP, 'date_added')
  for (const answer of [manifest, await analyst.getObjects(path)]) {
    t.match(answer.first, STAMP, 'First')
    t.match(answer.last, STAMP, 'Last')
  }
})

test('T-2-02 microseconds survive: manifest, header and added_after agree', async (t) => {
  const { path } = scratch()
  await analyst.add(path, ...Array.from({ length: 40 }, () => indicator()))
  const { records } = await analyst.getManifest(path)
  const added = records.map((r) => r.date_added)
  isAscending(t, added, 'date_added')
  t.ok(
    added.some((a) => !a.endsWith('000Z')),
    'some have digits below the millisecond',
  )
  for (const k of [0, 7, 20, 38]) {
    const at = added[k] ?? ''
    const page = await analyst.getObjects(path, { added_after: stamp(micros(at) - 1n), limit: '1' })
    t.equal(page.ids[0], records[k]?.id, `item ${k} follows its own time minus 1 µs`)
    t.equal(page.first, at, 'First = date_added of the manifest')
    t.equal(page.last, at, 'Last = date_added of the manifest')
    const after = await analyst.getObjects(path, { added_after: at, limit: '1' })
    t.equal(after.ids[0], records[k + 1]?.id, `item ${k + 1} follows the time of item ${k}`)
  }
})

test('T-2-03 an empty list is never serialised', async (t) => {
  const { path } = scratch()
  const status = await analyst.add(path, indicator())
  const failed = await analyst.post(path, [{ type: 'indicator' }])
  t.equal(failed.status, 202)
  noNullOrEmpty(t, failed, 'a status in which all fail')
  t.notOk('successes' in failed.json, 'no successes')
  for (const url of [
    '/taxii2/',
    '/global/',
    '/global/collections/',
    path,
    `${path}objects/`,
    `${path}manifest/`,
    `/global/status/${status.id}/`,
    `/global/status/${failed.taxiiStatus.id}/`,
  ]) {
    isResource(t, await analyst.get(url), 200, url)
  }
  for (const url of [`${EMPTY.path}objects/`, `${EMPTY.path}manifest/`]) {
    t.equal((await analyst.get(url)).text, '{}', url)
  }
})

test('T-2-04 collection and status ids are UUIDv4', async (t) => {
  const { path } = scratch()
  const collections = (await analyst.get('/global/collections/')).json.collections as { id: string }[]
  t.ok(collections.length > 5)
  for (const { id } of collections) t.match(id, UUID4)
  for (let i = 0; i < 5; i++) t.match((await analyst.add(path, indicator())).id, UUID4)
})

test('T-2-05 integers are numbers within ±(2^53-1), booleans are unquoted', async (t) => {
  const { path } = scratch()
  const most = Number.MAX_SAFE_INTEGER
  const object = malware({ x_most: most, x_least: -most })
  const status = await analyst.add(path, object)
  for (const name of ['total_count', 'success_count', 'failure_count', 'pending_count'] as const) {
    t.ok(Number.isSafeInteger(status[name]), name)
  }
  t.ok(Number.isSafeInteger((await analyst.get('/global/')).json.max_content_length))
  const served = await analyst.getObjects(path)
  t.match(served.text, /"x_most":\s*9007199254740991\b/)
  t.match(served.text, /"x_least":\s*-9007199254740991\b/)
  t.equal(served.objects[0]?.is_family, false)
  const collection = await analyst.get(path)
  t.equal(collection.json.can_read, true)
  t.equal(collection.json.can_write, true)
  for (const big of ['9007199254740992', '-9007199254740992', '123456789012345678901234567890']) {
    const text = JSON.stringify({ objects: [malware({ x_big: 0 })] }).replace('"x_big":0', `"x_big":${big}`)
    const answer = await analyst.send(`${path}objects/`, text)
    t.equal(answer.status, 202)
    t.equal(answer.taxiiStatus.failure_count, 1, `${big} is refused`)
  }
})

test('T-2-06 bodies are UTF-8 JSON and text beyond ASCII comes back', async (t) => {
  const { path } = scratch()
  const name = 'Ünïcode € 漢字 العربية 🦊 \u2028 "quoted" \\ tab\t end'
  const object = malware({ name })
  await analyst.add(path, object)
  const answer = await analyst.getObjects(path)
  t.doesNotThrow(() => new TextDecoder('utf-8', { fatal: true }).decode(answer.body), 'valid UTF-8')
  t.notOk(answer.body.subarray(0, 3).equals(Buffer.from([0xef, 0xbb, 0xbf])), 'no byte order mark')
  t.equal(answer.objects[0]?.name, name)
})

test('T-2-07 no property is serialised as null', async (t) => {
  const { path } = scratch()
  const sco = ipv4('198.51.100.9')
  const marking = statement('a statement')
  const old = indicator20()
  const status = await analyst.add(path, indicator(), sco, marking, old)
  const urls = ['/taxii2/', '/global/', '/open/', '/global/collections/', '/open/collections/', path]
  urls.push(`${path}objects/`, `${path}manifest/`, `/global/status/${status.id}/`)
  for (const { id } of [sco, marking, old])
    urls.push(`${path}objects/${id}/`, `${path}objects/${id}/versions/`)
  for (const url of urls) noNullOrEmpty(t, await analyst.get(url), url)
  for (const url of ['/nope/', `${path}objects/?limit=0`]) noNullOrEmpty(t, await analyst.get(url), url)
  noNullOrEmpty(t, await server.anonymous.get('/taxii2/'), '401')
})
