/** Authentication, what a client may know of, and independent roots (TAXII 2.1 §8, §1.6.9, App. B). */
import t, { type Test, test } from 'tap'
import { hasDates, isError, isResource } from '../../support/checks.ts'
import { type Answer, basic, type Client, T21 } from '../../support/client.ts'
import { startServer } from '../../support/server.ts'
import { indicator, ipv4, malware, TLP, version } from '../../support/stix.ts'
import {
  HIDDEN,
  LISTED_ONLY,
  NO_COLLECTION,
  NO_OBJECT,
  NO_STATUS,
  PASSWORD_WITH_COLON,
  PUBLIC,
  READ_ONLY,
  READ_WRITE,
  scratches,
  TOKENS,
  TWIN,
  topology,
  WRITE_ONLY,
} from '../../support/world.ts'

const server = await startServer(t, {
  topology: topology(),
  env: { COMITY_PAGE_BYTES: '20000', COMITY_PAGE_MAX: '500' },
})
const analyst = server.as('analyst')
const keeper = server.as('keeper')
const scratch = scratches()
const object = indicator()
const posted = await analyst.add(READ_WRITE.path, object)
const rw = READ_WRITE.path

const PATHS = [
  '/taxii2/',
  '/global/',
  `/global/status/${posted.id}/`,
  `/global/status/${NO_STATUS}/`,
  '/global/collections/',
  rw,
  `${rw}manifest/`,
  `${rw}objects/`,
  `${rw}objects/${object.id}/`,
  `${rw}objects/${object.id}/versions/`,
  `${rw}objects/${NO_OBJECT}/`,
  `${HIDDEN.path}objects/`,
  `/global/collections/${NO_COLLECTION}/objects/`,
  '/nope/',
  '/nope/collections/',
  '/no/such/path',
  '/',
  '/open/status/x/',
]

function challenges(t: Test, answer: Answer, what: string) {
  isError(t, answer, 401, what)
  const header = answer.header('WWW-Authenticate') ?? ''
  t.match(header, /\bBasic realm="[^"]*"/, `${what}: Basic`)
  t.match(header, /\bBearer\b/, `${what}: Bearer`)
}

test('T-8-01 no or wrong credentials: the same 401 on every route and method', async (t) => {
  // A wrong password costs the server a slow hash, so only some paths try one.
  const some = [rw, `${rw}objects/`, '/nope/']
  const clients: [string, Client, string[]][] = [
    ['none', server.anonymous, PATHS],
    ['wrong token', server.bearer('wrong'), PATHS],
    ['wrong password', server.as('analyst', 'wrong'), some],
    ['empty password', server.as('analyst', ''), some],
    ['unknown user', server.as('no-such-user'), some],
    ['empty user', server.as('', ''), some],
  ]
  const seen = new Set<string>()
  for (const [what, client, paths] of clients) {
    for (const path of paths) {
      for (const method of ['GET', 'POST', 'DELETE', 'PUT', 'OPTIONS']) {
        const answer = await client.request({ method, path, ...(method === 'POST' && { body: '{}' }) })
        challenges(t, answer, `${what}: ${method} ${path}`)
        seen.add(answer.fingerprint)
      }
      const head = await client.request({ method: 'HEAD', path })
      t.equal(head.status, 401, `${what}: HEAD ${path}`)
    }
  }
  t.equal(seen.size, 1, 'no existence leak: one answer for all')
})

test('T-8-02 HTTP Basic works, and tokens beside it', async (t) => {
  isResource(t, await analyst.get(`${rw}objects/`), 200, 'Basic')
  isResource(t, await server.bearer(TOKENS.full).get(`${rw}objects/`), 200, 'Bearer')
  const token = { Authorization: `Token ${TOKENS.full}`, Accept: T21 }
  isResource(t, await server.request({ path: `${rw}objects/`, headers: token }), 200, 'Token (taxii2-client)')
  const mine = indicator()
  isError(t, await server.bearer(TOKENS.readOnly).post(rw, [mine]), 403, 'a token without the scope write')
  t.equal((await server.bearer(TOKENS.readOnly).get(rw)).json.can_write, false)
  t.equal((await server.bearer(TOKENS.full).post(rw, [mine])).status, 202)
  const one = server.bearer(TOKENS.oneCollection)
  t.equal((await one.get(`${rw}objects/`)).status, 200)
  isError(t, await one.get(`${READ_ONLY.path}objects/`), 404, 'a token for one collection')
})

test('T-8-03 schemes in any case, colons and UTF-8 in passwords, malformed credentials 401', async (t) => {
  const ask = (authorization: string | string[]) =>
    server.request({ path: `${rw}objects/`, headers: { Accept: T21, Authorization: authorization } })
  const code = Buffer.from('analyst:pw-analyst').toString('base64')
  for (const scheme of ['Basic', 'basic', 'BASIC', 'bAsIc']) {
    isResource(t, await ask(`${scheme} ${code}`), 200, scheme)
  }
  for (const scheme of ['bearer', 'BEARER', 'token'])
    isResource(t, await ask(`${scheme} ${TOKENS.full}`), 200, scheme)
  isResource(t, await ask(basic('colon', PASSWORD_WITH_COLON)), 200, 'colons and UTF-8')
  const bad = [
    'Basic',
    'Basic ',
    'Basic !!!!',
    'Basic ====',
    `Basic ${Buffer.from('nocolon').toString('base64')}`,
    `Basic ${code}x%`,
    `Basic ${Buffer.from([0xff, 0xfe, 0x3a, 0xff]).toString('base64')}`,
    `Basic ${Buffer.from(':').toString('base64')}`,
    `Basic ${Buffer.from('analyst:pw-analyst\0').toString('base64')}`,
    `Basic ${Buffer.from('analyst\0:pw-analyst').toString('base64')}`,
    'Bearer',
    'Bearer ',
    'Digest username="analyst"',
    'Negotiate abc',
    code,
    'x',
    `Basic ${'A'.repeat(6000)}`,
    `Bearer ${'A'.repeat(6000)}`,
    'Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbmFseXN0In0.',
    `Basic ${Buffer.from('ANALYST:pw-analyst').toString('base64')}`,
  ]
  for (const authorization of bad) challenges(t, await ask(authorization), authorization.slice(0, 60))
})

test('T-8-06 403 for what is visible, 404 for what is not', async (t) => {
  const other = indicator()
  for (const c of [WRITE_ONLY, HIDDEN, READ_ONLY, LISTED_ONLY]) await keeper.add(c.path, other)
  isError(t, await analyst.getObjects(WRITE_ONLY.path), 403, 'visible, no right to read')
  isError(t, await analyst.post(READ_ONLY.path, [other]), 403, 'visible, no right to write')
  isError(t, await analyst.getObjects(LISTED_ONLY.path), 403, 'listed only')
  isError(t, await analyst.getObjects(HIDDEN.path), 404, 'hidden')
  isError(t, await analyst.post(HIDDEN.path, [other]), 404, 'hidden')
  isError(t, await server.as('outsider').get('/global/'), 404, 'a root without any right')
  isError(t, await server.as('nobody').get('/global/collections/'), 404, 'a root without any right')
})

test('T-8-07 what a client may not see is left out, and nothing counts it', async (t) => {
  const { path } = scratch()
  const red = { object_marking_refs: [TLP.red] }
  const seen = Array.from({ length: 4 }, () => indicator({ modified: '2026-03-01T00:00:00.000Z' }))
  const hidden = Array.from({ length: 5 }, () => malware(red))
  const [s0, s1, s2, s3] = seen as [typeof object, typeof object, typeof object, typeof object]
  await keeper.add(path, hidden[0], s0, hidden[1], s1, s2, hidden[2], hidden[3], s3, hidden[4])
  await keeper.add(path, version(s0, '2026-02-01T00:00:00.000Z', red))
  t.equal(
    (await keeper.getObjects(path, { 'match[version]': 'all' })).objects.length,
    10,
    'their own organization',
  )
  const ids = seen.map((o) => o.id)
  for (const url of [`${path}objects/`, `${path}manifest/`]) {
    const all = await analyst.get(url)
    t.strictSame(all.ids, ids, url)
    t.equal(all.more, false)
    for (const limit of [1, 2, 3, 4]) {
      const pages = await analyst.pages(url, { limit: String(limit) })
      t.strictSame(
        pages.flatMap((p) => p.ids),
        ids,
        `${url} limit ${limit}`,
      )
      t.equal(
        pages.length,
        Math.ceil(4 / limit),
        `${url} limit ${limit}: full pages, more iff something visible remains`,
      )
      for (const page of pages) hasDates(t, page, url)
    }
    const dates = new Map((await analyst.getManifest(path)).records.map((r) => [r.id, r.date_added]))
    t.equal(all.first, dates.get(s0.id), 'First is of a visible item')
    t.equal(all.last, dates.get(s3.id), 'Last is of a visible item')
    t.equal(
      (await analyst.get(url, { query: { added_after: all.last } })).text,
      '{}',
      'nothing visible follows',
    )
  }
  t.strictSame((await analyst.getVersions(path, s0.id)).versions, ['2026-03-01T00:00:00.000Z'], 'versions')
  const invisible = hidden[0]?.id ?? ''
  const [secret, unknown] = [
    await analyst.getObject(path, invisible),
    await analyst.getObject(path, NO_OBJECT),
  ]
  t.equal(secret.fingerprint, unknown.fingerprint, 'an invisible object is an unknown one')
  const gone = await analyst.delete(`${path}objects/${invisible}/`)
  t.equal(gone.fingerprint, (await analyst.delete(`${path}objects/${NO_OBJECT}/`)).fingerprint, 'DELETE, too')
  const match = { 'match[id]': invisible }
  t.equal(
    (await analyst.getObjects(path, match)).fingerprint,
    (await analyst.getObjects(path, { 'match[id]': NO_OBJECT })).fingerprint,
  )
  const amber = indicator({ object_marking_refs: [TLP.amber] })
  await keeper.add(path, amber)
  t.equal((await analyst.getObject(path, amber.id)).status, 404, 'AMBER of another country, no agreement')
  const again = await analyst.post(path, [{ ...hidden[1], name: 'guessed' }])
  t.equal(again.taxiiStatus.success_count, 1, 'a write does not collide with what the writer cannot see')
})

test('T-8-08 roots are independent, even with the same collection id and alias', async (t) => {
  const [a, b] = [indicator(), indicator()]
  await analyst.add(READ_WRITE.path, a)
  await analyst.add(TWIN.path, b)
  for (const [base, mine, other] of [
    [READ_WRITE.path, a, b],
    [TWIN.path, b, a],
  ] as const) {
    t.equal((await analyst.getObject(base, mine.id)).status, 200, base)
    isError(t, await analyst.getObject(base, other.id), 404, base)
    const ids = (await analyst.getObjects(base)).ids
    t.ok(ids.includes(mine.id) && !ids.includes(other.id), base)
    isError(t, await analyst.delete(`${base}objects/${other.id}/`), 404, `${base}: DELETE`)
  }
  const byAlias = await analyst.getObjects(`/open/collections/${TWIN.alias}/`)
  t.ok(byAlias.ids.includes(b.id) && !byAlias.ids.includes(a.id), 'by alias')
  isError(
    t,
    await server.as('outsider').getObjects(READ_WRITE.path),
    404,
    'rights in one root are none in the other',
  )
  t.equal((await server.as('outsider').getObjects(TWIN.path)).status, 200)
  isError(t, await analyst.get(`/global/collections/${PUBLIC.id}/`), 404, 'a collection of the other root')
})

test('T-8-09 answers are bounded in items and in bytes', async (t) => {
  const { path } = scratch()
  const objects = Array.from({ length: 60 }, (_, i) => indicator({ description: `${i} `.padEnd(1000, 'x') }))
  await analyst.add(path, ...objects)
  const page = await analyst.getObjects(path, { limit: '500' })
  t.ok(page.body.length < 60_000, `a page of ${page.body.length} bytes ends early`)
  t.ok(page.more, 'and says so')
  const pages = await analyst.pages(`${path}objects/`, { limit: '500' })
  t.strictSame(
    pages.flatMap((p) => p.ids),
    objects.map((o) => o.id),
    'nothing is lost',
  )
  const huge = indicator({ description: 'y'.repeat(50_000) })
  await analyst.add(path, huge, ipv4('198.51.100.99'))
  const walked = (await analyst.pages(`${path}objects/`)).flatMap((p) => p.ids)
  t.equal(walked.length, 62, 'an object larger than a page is a page')
})
