/** The X-TAXII-Date-Added headers and the order of items (TAXII 2.1 §3.2, §3.3). */
import t, { type Test, test } from 'tap'
import { hasDates, isAscending, isEmpty, micros, STAMP, stamp } from '../../support/checks.ts'
import { type Answer, T21 } from '../../support/client.ts'
import { startServer } from '../../support/server.ts'
import { indicator, malware, version } from '../../support/stix.ts'
import { EMPTY, READ_WRITE, scratches, topology } from '../../support/world.ts'

const server = await startServer(t, { topology: topology() })
const analyst = server.as('analyst')
const scratch = scratches()
const EPOCH = '1970-01-01T00:00:00.000000Z'

/** A collection with 7 objects, the first of which has three versions. */
async function filled() {
  const { path } = scratch()
  const first = indicator()
  const versions = ['2026-02-01T00:00:00.000Z', '2026-03-01T00:00:00.000Z'].map((at) => version(first, at))
  await analyst.add(path, first, ...Array.from({ length: 6 }, () => malware()))
  await analyst.add(path, ...versions)
  const all = (await analyst.getManifest(path, { 'match[version]': 'all' })).records
  return { path, first, all, added: new Map(all.map((r) => [`${r.id} ${r.version}`, r.date_added])) }
}

function agrees(t: Test, answer: Answer, stamps: string[], what: string) {
  t.equal(answer.first, stamps[0], `${what}: First`)
  t.equal(answer.last, stamps.at(-1), `${what}: Last`)
}

test('T-3.2-01 both headers on every 200 of the four paged endpoints', async (t) => {
  const { path, first } = await filled()
  const urls = [
    `${path}manifest/`,
    `${path}objects/`,
    `${path}objects/${first.id}/`,
    `${path}objects/${first.id}/versions/`,
  ]
  for (const url of urls) {
    hasDates(t, await analyst.get(url), url)
    const pages = await analyst.pages(url, { limit: '1', 'match[version]': 'all' })
    t.ok(pages.length >= 3, `${url}: several pages`)
    for (const page of pages) {
      hasDates(t, page, `${url}, a page of one`)
      t.equal(page.first, page.last, `${url}: First = Last on a page of one`)
    }
  }
})

test('T-3.2-02 First and Last belong to this body and agree with the manifest', async (t) => {
  const { path, first, added } = await filled()
  for (const url of [`${path}objects/`, `${path}manifest/`]) {
    for (const page of await analyst.pages(url, { limit: '2', 'match[version]': 'all' })) {
      agrees(
        t,
        page,
        page.keys.map((key) => added.get(key) ?? 'not in the manifest'),
        url,
      )
    }
  }
  for (const page of await analyst.pages(`${path}objects/${first.id}/`, {
    limit: '2',
    'match[version]': 'all',
  })) {
    agrees(
      t,
      page,
      page.keys.map((key) => added.get(key) ?? 'not in the manifest'),
      'by id',
    )
  }
  for (const page of await analyst.pages(`${path}objects/${first.id}/versions/`, { limit: '2' })) {
    agrees(
      t,
      page,
      page.versions.map((v) => added.get(`${first.id} ${v}`) ?? 'not in the manifest'),
      'versions',
    )
  }
  const filtered = await analyst.getObjects(path, { 'match[type]': 'indicator' })
  agrees(
    t,
    filtered,
    filtered.keys.map((key) => added.get(key) ?? ''),
    'filtered',
  )
})

test('T-3.2-03 an empty page has both headers, with a value that a poller may keep', async (t) => {
  const { path, first, all } = await filled()
  const last = all.at(-1)?.date_added ?? ''
  for (const url of [`${EMPTY.path}objects/`, `${EMPTY.path}manifest/`, `${path}objects/?match[type]=tool`]) {
    const answer = await analyst.get(url)
    isEmpty(t, answer, url)
    agrees(t, answer, [EPOCH, EPOCH], url)
  }
  const urls = [
    `${path}manifest/`,
    `${path}objects/`,
    `${path}objects/${first.id}/`,
    `${path}objects/${first.id}/versions/`,
  ]
  for (const url of urls) {
    const after: [string, string][] = [
      [last, last],
      ['2035-01-01T00:00:00Z', '2035-01-01T00:00:00.000000Z'],
      ['2035-01-01T00:00:00.5Z', '2035-01-01T00:00:00.500000Z'],
      ['2035-01-01T00:00:00.123456789Z', '2035-01-01T00:00:00.123456Z'],
    ]
    for (const [added_after, normal] of after) {
      const answer = await analyst.get(url, { query: { added_after } })
      isEmpty(t, answer, `${url} after ${added_after}`)
      agrees(t, answer, [normal, normal], `${url} after ${added_after}`)
    }
  }
  const old = await analyst.getObjects(EMPTY.path, { added_after: '2020-01-01T00:00:00Z' })
  agrees(t, old, ['2020-01-01T00:00:00.000000Z', '2020-01-01T00:00:00.000000Z'], 'an empty collection')
})

test('T-3.2-03 an empty page behind next tells the position of next', async (t) => {
  const { path } = scratch()
  const [a, b] = [indicator(), indicator()]
  await analyst.add(path, a, b)
  const page = await analyst.getObjects(path, { limit: '1' })
  t.strictSame(page.ids, [a.id])
  await analyst.delete(`${path}objects/${b.id}/`)
  const rest = await analyst.getObjects(path, { limit: '1', next: page.next })
  isEmpty(t, rest, 'the rest')
  agrees(t, rest, [page.last, page.last], 'the position of next')
  const later = stamp(micros(page.last) + 5_000_000n)
  agrees(
    t,
    await analyst.getObjects(path, { next: page.next, added_after: later }),
    [later, later],
    'the later of both',
  )
  const earlier = stamp(micros(page.last) - 5_000_000n)
  const both = await analyst.getObjects(path, { next: page.next, added_after: earlier })
  agrees(t, both, [page.last, page.last], 'the later of both, again')
})

test('T-3.2-04 the headers are not sent on other endpoints', async (t) => {
  const { path } = scratch()
  const object = indicator()
  const posted = await analyst.post(path, [object])
  const others = [
    posted,
    await analyst.get('/taxii2/'),
    await analyst.get('/global/'),
    await analyst.get('/global/collections/'),
    await analyst.get(path),
    await analyst.get(`/global/status/${posted.taxiiStatus.id}/`),
    await analyst.delete(`${path}objects/${object.id}/`),
    await analyst.getObject(path, object.id),
    await analyst.getObjects(path, { limit: '0' }),
  ]
  for (const answer of others) {
    t.notOk(
      answer.rawHeaders.some(([name]) => /^x-taxii/i.test(name)),
      `${answer.status} ${answer.text.slice(0, 40)}`,
    )
  }
})

test('T-3.3-01 objects, object and manifest ascend by date_added across pages', async (t) => {
  const { path, first, added } = await filled()
  for (const [url, count] of [
    [`${path}objects/`, 9],
    [`${path}manifest/`, 9],
    [`${path}objects/${first.id}/`, 3],
  ] as const) {
    const pages = await analyst.pages(url, { limit: '2', 'match[version]': 'all' })
    const keys = pages.flatMap((page) => page.keys)
    t.equal(keys.length, count, `${url}: every item`)
    isAscending(
      t,
      keys.map((key) => added.get(key) ?? ''),
      url,
    )
  }
})

test('T-3.3-02 collections come in one order, ascending by id', async (t) => {
  const answers = []
  for (let i = 0; i < 3; i++) answers.push(await analyst.get('/global/collections/'))
  const ids = ((answers[0]?.json.collections ?? []) as { id: string }[]).map((c) => c.id)
  t.ok(ids.length > 10)
  t.strictSame(ids, [...ids].sort())
  for (const answer of answers) t.equal(answer.text, answers[0]?.text)
})

test('T-3.3-03 versions ascend by date_added', async (t) => {
  const { path } = scratch()
  const [v1, v2, v3] = [
    '2026-01-01T00:00:00.000Z',
    '2026-02-01T00:00:00.000Z',
    '2026-03-01T00:00:00.000Z',
  ] as const
  const object = indicator()
  for (const at of [v3, v1, v2]) await analyst.add(path, version(object, at))
  t.strictSame((await analyst.getVersions(path, object.id)).versions, [v3, v1, v2])
})

test('T-3.3-04 the same query on manifest and objects gives the same ids, versions and order', async (t) => {
  const { path, first, all } = await filled()
  const queries: Record<string, string>[] = [
    {},
    { 'match[version]': 'all' },
    { 'match[version]': 'first' },
    { 'match[type]': 'malware' },
    { 'match[id]': first.id },
    { added_after: all[3]?.date_added ?? '' },
    { limit: '3' },
    { 'match[version]': 'all', limit: '2', added_after: all[1]?.date_added ?? '' },
  ]
  for (const query of queries) {
    const objects = (await analyst.pages(`${path}objects/`, query)).flatMap((page) => page.keys)
    const manifest = (await analyst.pages(`${path}manifest/`, query)).flatMap((page) => page.keys)
    t.ok(objects.length > 0)
    t.strictSame(manifest, objects, JSON.stringify(query))
  }
})

test('T-3.2-01 an object in two roots keeps its own headers in each', async (t) => {
  const object = indicator()
  await analyst.add(READ_WRITE.path, object)
  const answer = await analyst.request({
    path: `${READ_WRITE.path}objects/?match[id]=${object.id}`,
    headers: { Accept: T21 },
  })
  t.match(answer.first, STAMP)
  t.equal(answer.first, answer.last)
})
