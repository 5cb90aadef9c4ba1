/** What real clients send and assume, replayed request by request (docs/conformance.md lists the sources). */
import t, { type Test, test } from 'tap'
import { completed, hasDates, hasTaxiiType, isError, isResource } from '../../support/checks.ts'
import { type Answer, basic, type Client, type CollectionResource, raw, T21 } from '../../support/client.ts'
import { startServer } from '../../support/server.ts'
import {
  indicator,
  ipv4,
  malware,
  newId,
  relationship,
  STIX_TYPES,
  statement,
  version,
} from '../../support/stix.ts'
import { EMPTY, READ_WRITE, scratches, topology } from '../../support/world.ts'

const MAX = 200_000
const server = await startServer(t, { topology: topology(), env: { COMITY_MAX_CONTENT_LENGTH: String(MAX) } })
const analyst = server.as('analyst')
const scratch = scratches()

async function filled(count: number) {
  const { path, id } = scratch()
  const objects = Array.from({ length: count }, (_, i) => (i % 3 === 0 ? malware() : indicator()))
  await analyst.add(path, ...objects)
  return { path, id, ids: objects.map((o) => o.id) }
}

/** taxii2-client, common.py: blanks out, split at ";", both tokens must be there. */
function taxii2clientAccepts(t: Test, answer: Answer, what: string) {
  const tokens = (answer.header('Content-Type') ?? '').replaceAll(' ', '').split(';')
  t.ok(tokens.includes('application/taxii+json') && tokens.includes('version=2.1'), `${what}: ${tokens}`)
}

test('K-01 taxii2-client finds both tokens of the Content-Type, on every call it makes', async (t) => {
  const { path, ids } = await filled(2)
  const headers = { Accept: T21, 'User-Agent': 'taxii2-client/2.3.0' }
  for (const url of [
    '/taxii2/',
    '/global/',
    '/global/collections/',
    path,
    `${path}manifest/`,
    `${path}objects/`,
    `${path}objects/${ids[0]}/`,
    `${path}objects/${ids[0]}/versions/`,
  ]) {
    const answer = await analyst.get(url, { headers })
    t.equal(answer.status, 200, url)
    taxii2clientAccepts(t, answer, url)
  }
  const posted = await analyst.post(path, [indicator()])
  t.equal(posted.status, 202)
  taxii2clientAccepts(t, posted, 'POST')
  taxii2clientAccepts(t, await analyst.get(`/global/status/${posted.taxiiStatus.id}/`), 'status')
})

/** taxii2-client, as_pages: after page 1 the limit is the length of page 1, and next is sent. */
async function asPages(client: Client, url: string, perRequest: number): Promise<string[]> {
  const first: Record<string, string> = perRequest > 0 ? { limit: String(perRequest) } : {}
  let page = await client.get(url, { query: first })
  const seen = [...page.ids]
  const limit = String(page.objects.length)
  for (let i = 0; page.more; i++) {
    if (i > 200) throw new Error('the client would loop for ever')
    const next: Record<string, string> = page.next ? { next: page.next } : {}
    page = await client.get(url, { query: { limit, ...next } })
    seen.push(...page.ids)
  }
  return seen
}

test('K-02 as_pages of taxii2-client reads everything once, also manifests, with a changing limit', async (t) => {
  const { path, ids } = await filled(57)
  for (const url of [`${path}objects/`, `${path}manifest/`]) {
    for (const perRequest of [0, 1, 10, 56, 57, 100]) {
      t.strictSame(await asPages(analyst, url, perRequest), ids, `${url} ${perRequest} per request`)
    }
  }
})

test('K-03 taxii2-client: counts add up, the URL carries the id, a slash is added, Token auth', async (t) => {
  const { path, id } = await filled(3)
  const status = await analyst.add(path, indicator(), malware())
  t.equal(status.success_count + status.failure_count + status.pending_count, status.total_count)
  if (status.successes) t.equal(status.successes.length, status.success_count)
  const resource = (await analyst.get(path)).json as unknown as CollectionResource
  t.equal(resource.id, id)
  t.ok(path.includes(resource.id), 'the URL by id holds the id')
  const discovery = (await analyst.get('/taxii2/')).json
  if (discovery.default) t.ok((discovery.api_roots as string[]).includes(String(discovery.default)))
  t.equal((await analyst.get('/taxii2')).status, 200, 'with or without slash')
})

/** OpenCTI: keeps X-TAXII-Date-Added-Last for ever, sends next and added_after together. */
test('K-04 OpenCTI ingestion: next and added_after together, the header as a cursor for ever', async (t) => {
  const { path, ids } = await filled(25)
  let cursor = ''
  const ingest = async () => {
    const seen: string[] = []
    let next = ''
    for (;;) {
      const query: Record<string, string> = {
        limit: '10',
        ...(cursor && { added_after: cursor }),
        ...(next && { next }),
      }
      const answer = await analyst.getObjects(path, query)
      t.equal(answer.status, 200, JSON.stringify(query))
      hasDates(t, answer, 'never undefined')
      seen.push(...answer.ids)
      next = answer.next
      if (answer.more) continue
      cursor = answer.last
      return seen
    }
  }
  t.strictSame(await ingest(), ids)
  t.strictSame(await ingest(), [], 'an empty poll keeps the cursor')
  const late = indicator()
  await analyst.add(path, late)
  t.strictSame(await ingest(), [late.id], 'and the next one goes on from there')
  t.strictSame(await ingest(), [])
})

test('K-05 OpenCTI 5 sends the Accept of axios', async (t) => {
  const headers = { Accept: 'application/json, text/plain, */*' }
  for (const url of ['/taxii2/', '/global/', `${READ_WRITE.path}objects/`]) {
    isResource(t, await analyst.get(url, { headers }), 200, url)
  }
})

test('K-06 the OpenCTI connector: collection by title, root by the last segment, next leaking elsewhere', async (t) => {
  const listed = (await analyst.get('/global/collections/')).json.collections as CollectionResource[]
  const titles = listed.map((c) => c.title)
  t.equal(new Set(titles).size, titles.length, 'titles are unique within a root')
  for (const root of (await analyst.get('/taxii2/')).json.api_roots as string[]) {
    const name = root.split('/').at(-2) ?? ''
    t.equal((await analyst.get(`/${name}/collections/`)).status, 200, `the root is its last segment, ${name}`)
  }
  const [a, b] = [await filled(6), await filled(6)]
  const page = await analyst.getObjects(a.path, { added_after: '2020-01-01T00:00:00Z', limit: '2' })
  const lost = await analyst.getObjects(a.path, { limit: '2', next: page.next })
  t.strictSame(lost.ids, a.ids.slice(2, 4), 'added_after lost on the next page')
  isError(t, await analyst.getObjects(b.path, { next: page.next }), 400, 'next in another collection')
  const manifest = await analyst.getManifest(a.path)
  const some = await analyst.getObjects(a.path, { 'match[id]': manifest.ids.slice(0, 3).join(',') })
  t.strictSame(some.ids, a.ids.slice(0, 3), 'manifest, then match[id]')
  t.equal(some.objects[0]?.spec_version, '2.1', 'spec_version of the first object')
})

test('K-07 added_after stays strictly greater: no endless last page', async (t) => {
  const { path } = await filled(5)
  const { last } = await analyst.getObjects(path)
  const again = await analyst.getObjects(path, { added_after: last })
  t.equal(again.text, '{}')
  t.equal(again.last, last)
})

test('K-08 none of the mistakes that OpenCTI made as a server', async (t) => {
  const { path, ids } = await filled(12)
  const discovery = await analyst.get('/taxii2/')
  for (const root of discovery.json.api_roots as string[]) t.match(root, /^(https:\/\/|\/)[^/].*\/$/)
  for (const url of ['/taxii2', '/global', path.slice(0, -1), `${path}objects`]) {
    t.equal((await analyst.get(url)).status, 200, `${url} without slash`)
  }
  const page = await analyst.getObjects(path, { limit: '5' })
  t.equal(page.json.more, true, 'never more:false at a cap')
  t.strictSame((await analyst.get('/global/')).json.versions, [T21])
  t.equal((await analyst.getObject(path, ids[3] ?? '')).objects.length, 1)
})

test('K-09 Microsoft Sentinel: API root and collection id, Basic, versions, polls by added_after', async (t) => {
  const { path, id, ids } = await filled(4)
  const root = await analyst.get('/global/')
  t.ok((root.json.versions as string[]).includes(T21))
  t.ok(
    ((await analyst.get('/global/collections/')).json.collections as { id: string }[]).some(
      (c) => c.id === id,
    ),
  )
  const minute = new Date(Date.now() - 60_000).toISOString()
  t.strictSame((await analyst.getObjects(path, { added_after: minute })).ids, ids)
})

test('K-10 Elastic ti_custom: no next without more, added_after in seconds, "/?" after a trimmed slash', async (t) => {
  const { path, ids } = await filled(9)
  const seconds = new Date(Date.now() - 3_600_000).toISOString().replace(/\.\d+Z$/, 'Z')
  const headers = { Accept: T21, 'Content-Type': T21, Authorization: analyst.authorization ?? '' }
  const seen: string[] = []
  let url = `${path.slice(0, -1)}/objects/?limit=4&added_after=${seconds}`
  for (;;) {
    const answer = await raw(server.url, { path: url, headers })
    t.equal(answer.status, 200, url)
    seen.push(...answer.ids)
    t.equal('next' in answer.json, answer.more, 'next iff more')
    if (!answer.next) break
    url = `${path}objects/?limit=4&next=${answer.next}`
  }
  t.strictSame(seen, ids)
  t.equal((await raw(server.url, { path: `${path}objects/?`, headers })).status, 200, 'an empty query')
  t.equal((await raw(server.url, { path: `${path}objects?&`, headers })).status, 200, 'a stray ampersand')
})

test('K-11 Cortex XSOAR: 406 for 2.0, pages of 100, a long list of types, collection by title', async (t) => {
  const old = await analyst.get('/taxii2/', { headers: { Accept: 'application/taxii+json;version=2.0' } })
  isError(t, old, 406, 'TAXII 2.0 is told to go by 406')
  const { path } = scratch()
  const [i, m] = [indicator(), malware()]
  const link = relationship(i.id, m.id)
  await analyst.add(path, i, m, link, statement('x'))
  const types = [...STIX_TYPES, 'relationship'].filter(
    (type, at, all) => all.indexOf(type) === at && type !== 'marking-definition',
  )
  const answer = await analyst.getObjects(path, { 'match[type]': types.join(','), limit: '100' })
  t.strictSame(answer.ids, [i.id, m.id, link.id])
})

test('K-12 MISP: lower-case basic, Content-Type on GET, limit=50 with next, pushes to the last byte', async (t) => {
  const { path, ids } = await filled(120)
  const authorization = basic('analyst', 'pw-analyst').replace('Basic', 'basic')
  const headers = { Authorization: authorization, Accept: T21, 'Content-Type': T21 }
  const seen: string[] = []
  let query = '?limit=50'
  for (;;) {
    const answer = await raw(server.url, { path: `${path}objects/${query}`, headers })
    t.equal(answer.status, 200)
    seen.push(...answer.ids)
    if (!answer.more) break
    query = `?limit=50&next=${answer.next}`
  }
  t.strictSame(seen, ids)
  const body = JSON.stringify({ objects: [indicator()] }).padEnd(MAX, ' ')
  const pushed = await raw(server.url, { method: 'POST', path: `${path}objects/`, headers, body })
  t.equal(pushed.status, 202, 'exactly max_content_length')
})

test('K-13 Splunk CTIS pushes a bundle and polls the status', async (t) => {
  const { path, id } = scratch()
  const bundle = { type: 'bundle', id: newId('bundle'), objects: [indicator(), ipv4('198.51.100.70')] }
  const answer = await analyst.send(`${path}objects/`, JSON.stringify(bundle))
  t.equal(answer.status, 202)
  t.equal((await completed(analyst, 'global', answer.taxiiStatus.id)).success_count, 2)
  t.ok(
    ((await analyst.get('/global/collections/')).json.collections as { id: string }[]).some(
      (c) => c.id === id,
    ),
  )
})

test('K-15 clients of TAXII 1.x and 2.0 get a clear 406', async (t) => {
  for (const accept of [
    'application/vnd.oasis.taxii+json; version=2.0',
    'application/vnd.oasis.taxii+json',
    'application/taxii+json;version=2.0',
    'application/xml',
    'application/vnd.oasis.stix+json; version=2.0',
  ]) {
    for (const url of ['/taxii2/', `${READ_WRITE.path}objects/`]) {
      const answer = await analyst.get(url, { headers: { Accept: accept } })
      isError(t, answer, 406, `${url} ${accept}`)
      t.match(answer.text, /version=2\.1/, 'that names what is offered')
    }
  }
})

test('K-16 large limits are clamped, not refused', async (t) => {
  const { path, ids } = await filled(20)
  for (const limit of ['500', '15000', '100000']) {
    t.strictSame((await analyst.getObjects(path, { limit })).ids, ids, limit)
  }
  for (const url of ['/taxii2/', '/global/', '/global/collections/'])
    t.equal((await analyst.get(url)).status, 200, url)
})

test('K-18 errors have the Content-Type of TAXII, too', async (t) => {
  const { path } = await filled(1)
  const answers = [
    await analyst.getObjects(path, { limit: 'x' }),
    await server.anonymous.get(path),
    await analyst.get('/nope/'),
    await analyst.get(path, { headers: { Accept: 'text/html' } }),
    await analyst.send(`${path}objects/`, '{'),
  ]
  for (const answer of answers) hasTaxiiType(t, answer, String(answer.status))
})

test('K-03 a poll of the status by TokenAuth, each second, as taxii2-client does', async (t) => {
  const status = await analyst.add(EMPTY.path, version(indicator(), '2026-02-01T00:00:00.000Z'))
  const headers = { Authorization: 'Token tk-full-5f2b8c1e9d7a4f63b0c2e8d1a7f94b36', Accept: T21 }
  const answer = await raw(server.url, { path: `/global/status/${status.id}/`, headers })
  t.equal(answer.status, 200, 'the same principal, by another credential')
})
