/** added_after, limit and malformed parameters (TAXII 2.1 §3.4). */
import t, { test } from 'tap'
import { isEmpty, isError, micros, stamp } from '../../support/checks.ts'
import type { Client } from '../../support/client.ts'
import { startServer } from '../../support/server.ts'
import { indicator, malware, version } from '../../support/stix.ts'
import { NO_OBJECT, scratches, topology } from '../../support/world.ts'

const PAGE = 20
const server = await startServer(t, {
  topology: topology(),
  env: { COMITY_PAGE_SIZE: String(PAGE), COMITY_PAGE_MAX: '30' },
})
const analyst: Client = server.as('analyst')
const scratch = scratches()

/** `count` versions of one object, and as many other objects. */
async function filled(count: number) {
  const { path } = scratch()
  const object = indicator()
  const versions = Array.from({ length: count }, (_, i) =>
    version(object, `2026-01-01T00:00:00.${String(i).padStart(3, '0')}Z`),
  )
  await analyst.add(path, ...versions)
  const others = Array.from({ length: count - 1 }, () => malware())
  await analyst.add(path, ...others)
  return { path, object, versions, others }
}

/** The four paged endpoints of a collection, each with the count of its items. */
const paged = ({ path, object }: { path: string; object: { id: string } }) => [
  `${path}objects/`,
  `${path}manifest/`,
  `${path}objects/${object.id}/?match[version]=all`,
  `${path}objects/${object.id}/versions/`,
]

const items = (answer: { objects: unknown[]; versions: string[] }) =>
  answer.versions.length > 0 ? answer.versions : answer.objects

test('T-3.4-01 any malformed parameter gives 400 and an error', async (t) => {
  const world = await filled(2)
  const bad = [
    'added_after=',
    'added_after=x',
    'limit=',
    'limit=x',
    'limit=0',
    'next=',
    'next=x',
    'match[spec_version]=',
    'match[spec_version]=x',
    'limit=1&limit=1',
    'match[spec_version]=2.1,',
    'added_after=%00',
    'limit=%00',
  ]
  for (const url of paged(world)) {
    const sign = url.includes('?') ? '&' : '?'
    for (const query of bad)
      isError(t, await analyst.get(url + sign + query), 400, url.slice(-20) + sign + query)
  }
  const matches = [
    'match[id]=',
    'match[type]=',
    'match[version]=',
    'match[version]=x',
    'match[type]=a,,b',
    'match[id]=%00',
  ]
  for (const url of paged(world).slice(0, 2)) {
    for (const query of matches) isError(t, await analyst.get(`${url}?${query}`), 400, query)
  }
  const byId = `${world.path}objects/${world.object.id}/`
  for (const query of ['match[version]=', 'match[version]=x', 'match[version]=all,last']) {
    isError(t, await analyst.get(`${byId}?${query}`), 400, `by id: ${query}`)
    isError(t, await analyst.delete(`${byId}?${query}`), 400, `DELETE: ${query}`)
  }
})

test('T-3.4-02 added_after is strictly greater, at microseconds', async (t) => {
  const world = await filled(6)
  const { records } = await analyst.getManifest(world.path, { 'match[version]': 'all' })
  for (const k of [0, 3, 7, records.length - 2]) {
    const at = records[k]?.date_added ?? ''
    for (const query of [{ added_after: at }, { added_after: stamp(micros(at) - 1n) }] as const) {
      const expected = records.slice(query.added_after === at ? k + 1 : k).map((r) => `${r.id} ${r.version}`)
      const q = { ...query, 'match[version]': 'all' }
      t.strictSame(
        (await analyst.getObjects(world.path, q)).keys,
        expected.slice(0, PAGE),
        `objects after ${k}`,
      )
      t.strictSame(
        (await analyst.getManifest(world.path, q)).keys,
        expected.slice(0, PAGE),
        `manifest after ${k}`,
      )
    }
  }
  const own = records.filter((r) => r.id === world.object.id)
  const at = own[2]?.date_added ?? ''
  const later = own.slice(3).map((r) => r.version)
  t.strictSame((await analyst.getVersions(world.path, world.object.id, { added_after: at })).versions, later)
  const byId = await analyst.getObject(world.path, world.object.id, {
    added_after: at,
    'match[version]': 'all',
  })
  t.strictSame(
    byId.objects.map((o) => o.modified),
    later,
  )
})

test('T-3.4-03 without added_after the oldest objects come first', async (t) => {
  const { path } = scratch()
  const objects = Array.from({ length: 5 }, (_, i) =>
    indicator({ modified: `20${30 - i}-01-01T00:00:00.000Z` }),
  )
  for (const object of objects) await analyst.add(path, object)
  const ids = objects.map((o) => o.id)
  t.strictSame((await analyst.getObjects(path)).ids, ids)
  t.strictSame((await analyst.getObjects(path, { limit: '2' })).ids, ids.slice(0, 2))
  t.strictSame((await analyst.getManifest(path, { limit: '2' })).ids, ids.slice(0, 2))
})

test('T-3.4-04 added_after knows nothing of the dates of STIX', async (t) => {
  const { path } = scratch()
  const future = indicator({ created: '2035-01-01T00:00:00.000Z', modified: '2035-01-01T00:00:00.000Z' })
  await analyst.add(path, future)
  const between = (await analyst.getObjects(path)).last
  const past = indicator({ created: '2010-01-01T00:00:00.000Z', modified: '2010-01-01T00:00:00.000Z' })
  await analyst.add(path, past)
  const minuteAgo = new Date(Date.now() - 60_000).toISOString()
  t.strictSame((await analyst.getObjects(path, { added_after: minuteAgo })).ids, [future.id, past.id])
  t.strictSame((await analyst.getObjects(path, { added_after: between })).ids, [past.id])
  isEmpty(t, await analyst.getObjects(path, { added_after: '2034-01-01T00:00:00Z' }), 'before 2035')
})

test('T-3.4-05 zero to nine fraction digits are accepted, ten are not', async (t) => {
  const { path } = scratch()
  await analyst.add(path, indicator(), indicator())
  const base = '2026-01-01T00:00:00'
  for (let digits = 0; digits <= 9; digits++) {
    const added_after = `${base}${digits > 0 ? `.${'123456789'.slice(0, digits)}` : ''}Z`
    const answer = await analyst.getObjects(path, { added_after })
    t.equal(answer.status, 200, added_after)
    t.equal(answer.objects.length, 2, added_after)
  }
  for (const fraction of ['.1234567891', '.123456789123', '.']) {
    isError(t, await analyst.getObjects(path, { added_after: `${base}${fraction}Z` }), 400, fraction)
  }
  const { first } = await analyst.getObjects(path)
  t.equal(
    (await analyst.getObjects(path, { added_after: first.replace('Z', '999Z') })).objects.length,
    1,
    'cut, not rounded',
  )
})

test('T-3.4-06 added_after that is no UTC timestamp gives 400', async (t) => {
  const world = await filled(2)
  const bad = [
    '',
    'yesterday',
    '2020-01-01',
    '2020-13-01T00:00:00Z',
    '2020-02-30T00:00:00Z',
    '2020-01-01T24:00:00Z',
    '1577836800',
    '2020-01-01T00:00:00Z,2021-01-01T00:00:00Z',
    '2020-01-01T00:00:00',
    '2020-01-01T00:00:00+00:00',
    '2020-01-01T00:00:00.000+00:00',
    '2020-01-01T00:00:00-05:00',
    '2020-01-01 00:00:00Z',
    'null',
    'undefined',
    'None',
    '2020-01-01T00:60:00Z',
    '2020-1-1T0:0:0Z',
    ' 2020-01-01T00:00:00Z',
    "2020-01-01T00:00:00Z'",
  ]
  for (const url of paged(world)) {
    for (const added_after of bad)
      isError(t, await analyst.get(url, { query: { added_after } }), 400, added_after)
    const sign = url.includes('?') ? '&' : '?'
    const raw = [
      'added_after=2020-01-01T00:00:00+00:00',
      'added_after=2020-01-01T00:00:00%2B00:00',
      'added_after',
    ]
    const twice = 'added_after=2020-01-01T00:00:00Z&added_after=2020-01-01T00:00:00Z'
    for (const query of [...raw, twice]) isError(t, await analyst.get(url + sign + query), 400, query)
  }
})

test('T-3.4-07 added_after in the future gives an empty answer', async (t) => {
  const world = await filled(2)
  for (const url of paged(world)) {
    isEmpty(t, await analyst.get(url, { query: { added_after: '2999-01-01T00:00:00.000000Z' } }), url)
  }
})

test('T-3.4-08 limit bounds the items on all four endpoints', async (t) => {
  const world = await filled(8)
  for (const url of paged(world)) {
    for (const limit of [1, 2, 5, 7]) {
      const answer = await analyst.get(url, { query: { limit: String(limit) } })
      t.equal(answer.status, 200)
      t.equal(items(answer).length, limit, `${url} limit ${limit}`)
      t.equal(answer.more, true)
    }
  }
})

test('T-3.4-09 no more and no next when all fit, also at exactly the count', async (t) => {
  const world = await filled(8)
  for (const url of paged(world)) {
    for (const limit of ['8', '9', '20']) {
      const answer = await analyst.get(url, { query: { limit } })
      t.equal(items(answer).length, 8, `${url} limit ${limit}`)
      t.equal(answer.more, false, `${url} limit ${limit}`)
      t.notOk('next' in answer.json, `${url} limit ${limit}: no next`)
    }
    t.notOk('next' in (await analyst.get(url)).json, `${url} without limit`)
  }
})

test('T-3.4-10 a limit above the maximum is clamped', async (t) => {
  const world = await filled(32)
  for (const url of paged(world)) {
    for (const limit of ['31', '1000', '9007199254740991']) {
      const answer = await analyst.get(url, { query: { limit } })
      t.equal(answer.status, 200, `${url} ${limit}`)
      t.equal(items(answer).length, 30, `${url} ${limit}`)
      t.equal(answer.more, true)
      t.ok(answer.next)
    }
  }
})

test('T-3.4-11 a limit that is no positive integer gives 400', async (t) => {
  const world = await filled(2)
  const bad = [
    '0',
    '-1',
    '1.5',
    'abc',
    '',
    '1e3',
    '0x10',
    '1,2',
    '9007199254740992',
    '99999999999999999999',
    '+1',
    ' 1',
    '１',
  ]
  for (const url of paged(world)) {
    for (const limit of bad) isError(t, await analyst.get(url, { query: { limit } }), 400, `limit=${limit}`)
    const sign = url.includes('?') ? '&' : '?'
    isError(t, await analyst.get(`${url}${sign}limit=1&limit=1`), 400, 'twice')
    isError(t, await analyst.get(`${url}${sign}limit=1&limit=2`), 400, 'two of them')
  }
})

test('T-3.4-12 without limit the page size applies and more says so', async (t) => {
  const world = await filled(PAGE + 3)
  for (const url of paged(world)) {
    const answer = await analyst.get(url)
    t.equal(items(answer).length, PAGE, url)
    t.equal(answer.more, true)
    const rest = await analyst.get(url, { query: { next: answer.next } })
    t.equal(items(rest).length, 3, url)
    t.equal(rest.more, false)
  }
})

test('T-3.4-24 match[id] that is no STIX id finds nothing', async (t) => {
  const { path } = await filled(2)
  for (const id of ['foo', 'indicator', 'indicator--', 'indicator--1', 'x--y--z', NO_OBJECT]) {
    isEmpty(t, await analyst.getObjects(path, { 'match[id]': id }), id)
    isEmpty(t, await analyst.getManifest(path, { 'match[id]': id }), id)
  }
})
