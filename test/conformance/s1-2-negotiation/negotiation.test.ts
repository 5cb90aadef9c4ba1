/** Content negotiation and plain HTTP (TAXII 2.1 §3.1, §1.6.8). */

import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import t, { test } from 'tap'
import { hasTaxiiType, isError, isResource } from '../../support/checks.ts'
import { type Answer, type Client, T21 } from '../../support/client.ts'
import { startServer } from '../../support/server.ts'
import { indicator, newId } from '../../support/stix.ts'
import {
  HIDDEN,
  LISTED_ONLY,
  NO_COLLECTION,
  NO_OBJECT,
  NO_STATUS,
  READ_ONLY,
  READ_WRITE,
  scratches,
  topology,
  WRITE_ONLY,
} from '../../support/world.ts'

const MAX = 65_536
const server = await startServer(t, { topology: topology(), env: { COMITY_MAX_CONTENT_LENGTH: String(MAX) } })
const analyst = server.as('analyst')
const scratch = scratches()
const rw = READ_WRITE.path
const object = indicator()
const posted = await analyst.add(rw, object, indicator())
await server.as('keeper').add(WRITE_ONLY.path, object)
await server.as('keeper').add(READ_ONLY.path, object)

const BARE = 'application/taxii+json'
const envelope = () => JSON.stringify({ objects: [indicator()] })

/** One GET per row of the endpoint table. */
const GETS = [
  '/taxii2/',
  '/global/',
  `/global/status/${posted.id}/`,
  '/global/collections/',
  rw,
  `${rw}manifest/`,
  `${rw}objects/`,
  `${rw}objects/${object.id}/`,
  `${rw}objects/${object.id}/versions/`,
]

/** All eleven rows, each with an Accept header. */
async function everywhere(client: Client, accept: string | string[]): Promise<[string, Answer][]> {
  const answers: [string, Answer][] = []
  for (const path of GETS) answers.push([path, await client.get(path, { headers: { Accept: accept } })])
  const { path } = READ_WRITE
  const body = envelope()
  const headers = { Accept: accept, 'Content-Type': T21 }
  answers.push(['POST', await client.request({ method: 'POST', path: `${path}objects/`, headers, body })])
  const { id } = JSON.parse(body).objects[0]
  answers.push(['DELETE', await client.delete(`${path}objects/${id}/`, { headers: { Accept: accept } })])
  return answers
}

test('T-3.1-01 every response has the exact Content-Type', async (t) => {
  const gone = indicator()
  await analyst.add(rw, gone)
  const put = { method: 'PUT', path: `${rw}objects/` }
  const answers: [string, number, Answer][] = [
    ['202', 202, await analyst.post(rw, [indicator()])],
    ['DELETE', 200, await analyst.delete(`${rw}objects/${gone.id}/`)],
    ['HEAD', 200, await analyst.request({ method: 'HEAD', path: `${rw}objects/` })],
    ['400', 400, await analyst.getObjects(rw, { limit: '0' })],
    ['401', 401, await server.anonymous.get('/global/')],
    ['401 elsewhere', 401, await server.anonymous.get('/nope')],
    ['403', 403, await analyst.getObjects(WRITE_ONLY.path)],
    ['404 object', 404, await analyst.getObject(rw, NO_OBJECT)],
    ['404 collection', 404, await analyst.get(`/global/collections/${NO_COLLECTION}/`)],
    ['404 root', 404, await analyst.get('/no-such-root/')],
    ['404 path', 404, await analyst.get('/no/such/path/at/all')],
    ['404 inside', 404, await analyst.get(`${rw}nothing/`)],
    ['405', 405, await analyst.request(put)],
    ['406', 406, await analyst.get(`${rw}objects/`, { headers: { Accept: 'text/html' } })],
    ['413', 413, await analyst.send(`${rw}objects/`, ' '.repeat(MAX + 1))],
    ['415', 415, await analyst.send(`${rw}objects/`, envelope(), { 'Content-Type': 'application/json' })],
    ['422', 422, await analyst.send(`${rw}objects/`, '[')],
    ['bad encoding', 400, await analyst.get('/global/%zz/')],
  ]
  for (const path of GETS) answers.push([path, 200, await analyst.get(path)])
  for (const [what, status, answer] of answers) {
    t.equal(answer.status, status, `${what}: ${answer.text.slice(0, 100)}`)
    hasTaxiiType(t, answer, what)
  }
})

test('T-3.1-02 Accept with version 2.1 never gives 406', async (t) => {
  for (const [what, answer] of await everywhere(analyst, T21)) {
    t.ok([200, 202].includes(answer.status), `${what}: ${answer.status}`)
    hasTaxiiType(t, answer, what)
  }
})

test('T-3.1-03 Accept without version never gives 406 and is answered with 2.1', async (t) => {
  for (const [what, answer] of await everywhere(analyst, BARE)) {
    t.ok([200, 202].includes(answer.status), `${what}: ${answer.status}`)
    hasTaxiiType(t, answer, what)
  }
})

test('T-3.1-04 the list of TAXII and STIX types is accepted everywhere', async (t) => {
  const list = 'application/taxii+json;version=2.1,application/stix+json;version=2.1'
  for (const [what, answer] of await everywhere(analyst, list)) {
    t.ok([200, 202].includes(answer.status), `${what}: ${answer.status}`)
    hasTaxiiType(t, answer, what)
  }
})

const SPELLINGS = [
  'application/taxii+json; version=2.1',
  'application/taxii+json;version="2.1"',
  'application/taxii+json ; version="2.1"',
  'application/taxii+json;Version=2.1',
  'Application/TAXII+JSON;VERSION=2.1',
]

test('T-3.1-05 the syntax of RFC 7231 is honoured', async (t) => {
  const accepted: (string | string[])[] = [
    ...SPELLINGS,
    'application/taxii+json;version=2.1;q=0.8',
    'text/html, application/taxii+json;version=2.1',
    'application/taxii+json;version=2.1, text/html;q=0.1',
    'application/taxii+json;version=2.0, application/taxii+json;version=2.1;q=0.5',
    ['text/html', T21],
    [T21, 'text/html'],
  ]
  for (const accept of accepted) {
    for (const path of [`${rw}objects/`, '/taxii2/', `${rw}manifest/`]) {
      isResource(t, await analyst.get(path, { headers: { Accept: accept } }), 200, `${path} ${accept}`)
    }
  }
  const refused = [
    'application/taxii+json;version=2.1;q=0',
    'application/taxii+json;q=0',
    '*/*;q=0',
    'application/taxii+json;version=2.1;q=0.0',
    'application/taxii+json;version=2.1;q=0, text/html',
    'application/taxii+json;version=2.1;q=0, */*',
  ]
  for (const accept of refused) {
    isError(t, await analyst.get(`${rw}objects/`, { headers: { Accept: accept } }), 406, accept)
  }
})

test('T-3.1-06 wildcards and application/json are answered with TAXII 2.1', async (t) => {
  for (const accept of ['*/*', 'application/*', 'application/json']) {
    for (const [what, answer] of await everywhere(analyst, accept)) {
      t.ok([200, 202].includes(answer.status), `${accept} ${what}: ${answer.status}`)
      hasTaxiiType(t, answer, `${accept} ${what}`)
    }
  }
})

test('T-3.1-07 other types give 406', async (t) => {
  const refused = [
    'text/html',
    'application/taxii+json;version=2.0',
    'application/taxii+json;version=3.0',
    'application/vnd.oasis.taxii+json;version=2.0',
    'application/stix+json',
    'application/stix+json;version=2.1',
    'garbage',
    'application',
    '/',
    ';;;',
    'text/*',
  ]
  for (const accept of refused) {
    for (const path of ['/taxii2/', `${rw}objects/`]) {
      isError(t, await analyst.get(path, { headers: { Accept: accept } }), 406, `${path} ${accept}`)
    }
  }
  for (const [what, answer] of await everywhere(analyst, 'text/html')) isError(t, answer, 406, what)
})

test('T-3.1-09 the content types of TAXII 2.1 are never refused', async (t) => {
  for (const type of [T21, BARE, ...SPELLINGS, `${T21};charset=utf-8`]) {
    const answer = await analyst.send(`${rw}objects/`, envelope(), { 'Content-Type': type })
    isResource(t, answer, 202, type)
  }
})

test('T-3.1-10 other content types give 415 and store nothing', async (t) => {
  const { path } = scratch()
  const refused = [
    'application/json',
    'application/stix+json;version=2.1',
    'application/vnd.oasis.stix+json;version=2.0',
    'application/taxii+json;version=2.0',
    'text/plain',
    'garbage',
  ]
  for (const type of refused) {
    isError(t, await analyst.send(`${path}objects/`, envelope(), { 'Content-Type': type }), 415, type)
  }
  const none = { method: 'POST', path: `${path}objects/`, body: envelope() }
  isError(t, await analyst.request(none), 415, 'no Content-Type')
  t.equal((await analyst.getObjects(path)).text, '{}', 'nothing was stored')
})

test('T-3.1-11 a Content-Type on GET or on a DELETE without body is ignored', async (t) => {
  for (const type of ['application/json', 'text/plain', T21, 'application/taxii+json;version=2.0']) {
    const headers = { 'Content-Type': type }
    for (const path of GETS) {
      t.equal((await analyst.get(path, { headers })).status, 200, `GET ${path} ${type}`)
    }
    const gone = indicator()
    await analyst.add(rw, gone)
    const path = `${rw}objects/${gone.id}/`
    t.equal((await analyst.delete(path, { headers })).status, 200, `DELETE ${type}`)
    await analyst.add(rw, gone)
    const empty = { method: 'DELETE', path, headers: { ...headers, 'Content-Length': '0' } }
    t.equal((await analyst.request(empty)).status, 200, `DELETE ${type}, Content-Length 0`)
  }
})

test('T-3.1-12 every 2xx carries its resource, only DELETE has no body', async (t) => {
  for (const [what, answer] of await everywhere(analyst, T21)) {
    if (what === 'DELETE') t.equal(answer.body.length, 0, what)
    else t.ok(Object.keys(answer.json).length > 0, what)
  }
})

test('T-3.1-13 a path without the final slash is answered the same, with no redirect', async (t) => {
  for (const path of GETS) {
    const [slash, none] = [await analyst.get(path), await analyst.get(path.slice(0, -1))]
    t.equal(slash.status, 200, path)
    t.equal(none.fingerprint, slash.fingerprint, path)
    const query = await analyst.get(`${path.slice(0, -1)}?x=1`)
    t.equal(query.status, 200, `${path} without slash, with a query`)
  }
  const mine = indicator()
  const body = JSON.stringify({ objects: [mine] })
  t.equal((await analyst.send(`${rw}objects`, body)).status, 202, 'POST')
  t.equal((await analyst.delete(`${rw}objects/${mine.id}`)).status, 200, 'DELETE')
  t.equal((await analyst.getObject(rw, mine.id)).status, 404, 'and it is gone')
})

test('T-3.1-14 precedence: 401, 404, 405, 403, 406, 415, 413, 400, 422', async (t) => {
  const big = ' '.repeat(MAX + 1)
  const html = { Accept: 'text/html' }
  const ask = (
    client: Client,
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body?: string,
  ) => client.request({ method, path, headers, ...(body !== undefined && { body }) })
  const nowhere = `/global/collections/${NO_COLLECTION}/objects/`
  const text = { 'Content-Type': 'text/plain' }
  const none = { 'Content-Type': ';;' }
  const taxii = { 'Content-Type': T21 }
  const rows: [string, number, Answer][] = [
    ['401 before 404', 401, await ask(server.anonymous, 'GET', '/no-such-root/', html)],
    ['401 before 405', 401, await ask(server.anonymous, 'PUT', `${rw}objects/`)],
    ['401 before 415', 401, await ask(server.anonymous, 'POST', `${rw}objects/`, text, '{')],
    ['401 before 413', 401, await ask(server.anonymous, 'POST', `${rw}objects/`, taxii, big)],
    ['401 before 415, of no type', 401, await ask(server.anonymous, 'POST', `${rw}objects/`, none, '{')],
    ['405 before 415, of no type', 405, await ask(analyst, 'PUT', `${rw}objects/`, none, '{')],
    ['415 of no type', 415, await ask(analyst, 'POST', `${rw}objects/`, none, '{')],
    ['404 root before 405', 404, await ask(analyst, 'PUT', '/no-such-root/collections/')],
    ['404 collection before 405', 404, await ask(analyst, 'PUT', nowhere)],
    ['404 hidden before 405', 404, await ask(analyst, 'PATCH', `${HIDDEN.path}objects/`)],
    ['404 collection before 406', 404, await ask(analyst, 'GET', nowhere, html)],
    ['404 collection before 415', 404, await ask(analyst, 'POST', nowhere, text, '{')],
    ['404 collection before 413', 404, await ask(analyst, 'POST', nowhere, taxii, big)],
    ['404 collection before 400', 404, await ask(analyst, 'GET', `${nowhere}?limit=0`)],
    ['405 before 403', 405, await ask(analyst, 'PUT', `${WRITE_ONLY.path}objects/`)],
    ['405 before 403, listed only', 405, await ask(analyst, 'PUT', `${LISTED_ONLY.path}manifest/`)],
    ['405 before 406', 405, await ask(analyst, 'PUT', `${rw}objects/`, html)],
    ['405 before 415', 405, await ask(analyst, 'PUT', `${rw}objects/`, text, '{')],
    ['403 before 406, read', 403, await ask(analyst, 'GET', `${WRITE_ONLY.path}objects/`, html)],
    ['403 before 400', 403, await ask(analyst, 'GET', `${WRITE_ONLY.path}objects/?limit=0`)],
    [
      '403 before 406, write',
      403,
      await ask(analyst, 'POST', `${READ_ONLY.path}objects/`, { ...taxii, ...html }, '{'),
    ],
    ['403 before 415', 403, await ask(analyst, 'POST', `${READ_ONLY.path}objects/`, text, '{')],
    ['403 before 413', 403, await ask(analyst, 'POST', `${READ_ONLY.path}objects/`, taxii, big)],
    [
      '403 before 404 of the object',
      403,
      await ask(analyst, 'GET', `${WRITE_ONLY.path}objects/${NO_OBJECT}/`),
    ],
    ['406 before 415', 406, await ask(analyst, 'POST', `${rw}objects/`, { ...text, ...html }, '{')],
    ['406 before 413', 406, await ask(analyst, 'POST', `${rw}objects/`, { ...taxii, ...html }, big)],
    ['406 before 400', 406, await ask(analyst, 'GET', `${rw}objects/?limit=0`, html)],
    ...(await Promise.all(
      ['/taxii2/', '/global/', '/global/collections/', rw, `/global/status/${NO_STATUS}/`].flatMap((path) => {
        const url = `${path}?a=%zz`
        return [
          ask(server.anonymous, 'GET', url).then((a): [string, number, Answer] => [
            `401 before 400: ${path}`,
            401,
            a,
          ]),
          ask(analyst, 'PUT', url).then((a): [string, number, Answer] => [`405 before 400: ${path}`, 405, a]),
          ask(analyst, 'GET', url, html).then((a): [string, number, Answer] => [
            `406 before 400: ${path}`,
            406,
            a,
          ]),
        ]
      }),
    )),
    ['404 root before 400', 404, await ask(analyst, 'GET', '/no-such-root/?%zz')],
    ['404 collection before 400, itself', 404, await ask(analyst, 'GET', `${nowhere.slice(0, -8)}?%zz`)],
    ['413 before 400', 413, await ask(analyst, 'POST', `${rw}objects/?%zz`, taxii, big)],
    ['400 before 422', 400, await ask(analyst, 'POST', `${rw}objects/?%zz`, taxii, '{')],
    ['400 before 404 of the status', 400, await ask(analyst, 'GET', `/global/status/${NO_STATUS}/?%zz`)],
    ['406 before 404 of the object', 406, await ask(analyst, 'GET', `${rw}objects/${NO_OBJECT}/`, html)],
    ['406 before 404 of the status', 406, await ask(analyst, 'GET', `/global/status/${NO_STATUS}/`, html)],
    ['415 before 413', 415, await ask(analyst, 'POST', `${rw}objects/`, text, big)],
    ['415 before 422', 415, await ask(analyst, 'POST', `${rw}objects/`, text, '{')],
    ['413 before 422', 413, await ask(analyst, 'POST', `${rw}objects/`, taxii, `{${big}`)],
    [
      '400 before 404 of the object, read',
      400,
      await ask(analyst, 'GET', `${rw}objects/${NO_OBJECT}/?limit=0`),
    ],
    [
      '400 before 404 of the object, versions',
      400,
      await ask(analyst, 'GET', `${rw}objects/${NO_OBJECT}/versions/?limit=0`),
    ],
    [
      '400 before 404 of the object, delete',
      400,
      await ask(analyst, 'DELETE', `${rw}objects/${NO_OBJECT}/?match[version]=x`),
    ],
  ]
  for (const [what, status, answer] of rows) isError(t, answer, status, what)
})

const list = (text: string | undefined) =>
  (text ?? '')
    .split(',')
    .map((s) => s.trim())
    .sort()

test('T-3.1-15 HEAD is GET without body, OPTIONS and 405 tell what is allowed', async (t) => {
  for (const path of GETS) {
    const get = await analyst.get(path)
    const head = await analyst.request({ method: 'HEAD', path })
    t.equal(head.status, get.status, `HEAD ${path}`)
    t.equal(head.body.length, 0, `HEAD ${path} has no body`)
    const others = (answer: Answer) => answer.rawHeaders.filter(([name]) => !/^date$/i.test(name))
    t.strictSame(others(head), others(get), `HEAD ${path}: the headers of GET`)
    t.equal(head.header('Content-Length'), String(get.body.length), `HEAD ${path}: length of the body`)
  }
  const missing = await analyst.request({ method: 'HEAD', path: `${rw}objects/${NO_OBJECT}/` })
  t.equal(missing.status, 404)
  t.equal(missing.body.length, 0)
  for (const path of GETS) {
    const allowed = ['GET', 'HEAD', 'OPTIONS']
    if (path === `${rw}objects/`) allowed.push('POST')
    if (path === `${rw}objects/${object.id}/`) allowed.push('DELETE')
    allowed.sort()
    const options = await analyst.request({ method: 'OPTIONS', path })
    t.equal(options.status, 204, `OPTIONS ${path}`)
    t.equal(options.body.length, 0, `OPTIONS ${path}: no body`)
    t.strictSame(list(options.header('Allow')), allowed, `OPTIONS ${path}: Allow`)
    for (const method of ['PUT', 'PATCH', 'POST', 'DELETE', 'PROPFIND', 'TRACE']) {
      if (allowed.includes(method)) continue
      const answer = await analyst.request({ method, path })
      isError(t, answer, 405, `${method} ${path}`)
      t.strictSame(list(answer.header('Allow')), allowed, `${method} ${path}: Allow`)
    }
  }
})

test('T-3.1-16 unknown path 404, bad percent-encoding 400, over-long URL 414', async (t) => {
  for (const path of [
    '/',
    '/nope',
    '/nope/',
    '/global/nope/',
    '/taxii/',
    `${rw}nope/`,
    `${rw}objects/${object.id}/x/`,
  ]) {
    isError(t, await analyst.get(path), 404, path)
  }
  for (const path of ['/%zz', '/global/%zz/', `${rw}objects/%E0%A4%A/`, `${rw}objects/%/`]) {
    isError(t, await analyst.get(path), 400, path)
  }
  for (const path of GETS) {
    for (const query of ['%zz', 'a=%E0%A4%A', 'a=1&b=%']) {
      isError(t, await analyst.get(`${path}?${query}`), 400, `${path}?${query}`)
    }
  }
  const post = await analyst.request({
    method: 'POST',
    path: `${rw}objects/?%zz`,
    headers: { 'Content-Type': T21 },
    body: JSON.stringify({ objects: [indicator()] }),
  })
  isError(t, post, 400, 'POST')
  for (const path of [`/${'x'.repeat(40_000)}/`, `${rw}objects/?match[id]=${'x'.repeat(60_000)}`]) {
    isError(t, await analyst.get(path), 414, `${path.slice(0, 30)}... of ${path.length} characters`)
  }
})

test('T-3.1-17 percent-encoded names, values and ids are decoded', async (t) => {
  const plain = await analyst.get(`${rw}objects/?match[type]=indicator,malware`)
  const coded = await analyst.get(`${rw}objects/?match%5Btype%5D=indicator%2Cmalware`)
  t.equal(plain.status, 200)
  t.ok(plain.objects.length > 0)
  t.equal(coded.text, plain.text)
  t.equal((await analyst.get(`${rw}objects/?match%5btype%5d=campaign`)).text, '{}', 'lower-case hex, too')
  const coded2 = await analyst.get(`${rw}objects/${object.id.replace('--', '%2D%2D')}/`)
  t.equal(coded2.status, 200)
  t.strictSame(coded2.ids, [object.id])
})

test('T-3.1-18 a missing User-Agent is no reason to refuse', async (t) => {
  for (const path of GETS) {
    t.equal((await analyst.get(path)).status, 200, `${path} without`)
    t.equal(
      (await analyst.get(path, { headers: { 'User-Agent': '' } })).status,
      200,
      `${path} with an empty one`,
    )
    const named = { 'User-Agent': 'taxii2-client/2.3.0' }
    t.equal((await analyst.get(path, { headers: named })).status, 200, `${path} with one`)
  }
})

test('T-3.1-19 compression only when asked for; shared caches keep nothing', async (t) => {
  const { path } = scratch()
  await analyst.add(
    path,
    ...Array.from({ length: 50 }, () => indicator({ description: 'lorem ipsum '.repeat(5) })),
  )
  const url = `${path}objects/`
  const plain = await analyst.get(url)
  t.equal(plain.header('Content-Encoding'), undefined, 'not asked for')
  t.equal(plain.header('Vary'), 'Accept, Accept-Encoding, Authorization')
  t.match(plain.header('Cache-Control'), /private|no-store/)
  const ask = (encoding: string) => analyst.get(url, { headers: { 'Accept-Encoding': encoding } })
  for (const encoding of ['identity', 'gzip;q=0', 'deflate', 'gzip;q=0, br;q=0']) {
    const answer = await ask(encoding)
    t.equal(answer.header('Content-Encoding'), undefined, encoding)
    t.equal(answer.text, plain.text, encoding)
  }
  for (const encoding of ['gzip', 'deflate, gzip;q=0.5', 'GZIP']) {
    const answer = await ask(encoding)
    t.equal(answer.status, 200)
    t.equal(answer.header('Content-Encoding'), 'gzip', encoding)
    t.equal(answer.header('Vary'), 'Accept, Accept-Encoding, Authorization')
    t.equal(answer.header('Content-Length'), String(answer.body.length))
    hasTaxiiType(t, answer, encoding)
    t.equal(gunzipSync(answer.body).toString('utf8'), plain.text, encoding)
  }
  for (const encoding of ['br', 'gzip;q=0.5, br', 'gzip;q=0, *']) {
    const answer = await ask(encoding)
    t.equal(answer.header('Content-Encoding'), 'br', encoding)
    t.equal(answer.header('Content-Length'), String(answer.body.length))
    t.equal(brotliDecompressSync(answer.body).toString('utf8'), plain.text, encoding)
    t.equal(answer.header('ETag'), plain.header('ETag'))
  }
  t.equal((await ask('gzip, deflate, br')).header('Content-Encoding'), 'gzip', 'of two that are liked alike')
  // What is made from memory, as often as it is asked for.
  for (const get of GETS) {
    const { text } = await analyst.get(get)
    for (const [encoding, unpack] of [
      ['gzip', gunzipSync],
      ['br', brotliDecompressSync],
      ['gzip', gunzipSync],
    ] as const) {
      const answer = await analyst.get(get, { headers: { 'Accept-Encoding': encoding } })
      const packed = answer.header('Content-Encoding') !== undefined
      t.equal(packed, text.length >= 1024, `${get}: ${text.length} bytes`)
      t.equal((packed ? unpack(answer.body) : answer.body).toString('utf8'), text, `${get} ${encoding}`)
    }
  }
  for (const get of GETS) {
    const answer = await analyst.get(get)
    t.match(answer.header('Cache-Control') ?? 'absent', /private|no-store/, get)
    t.match(answer.header('Vary') ?? 'absent', /\bAuthorization\b/, get)
  }
})

test('T-3.1-05 q=0 and spelling on POST and DELETE', async (t) => {
  const gone = indicator({ id: newId('indicator') })
  await analyst.add(rw, gone)
  const headers = { Accept: 'application/taxii+json;version=2.1;q=0' }
  isError(t, await analyst.delete(`${rw}objects/${gone.id}/`, { headers }), 406, 'DELETE')
  t.equal((await analyst.getObject(rw, gone.id)).status, 200, 'nothing was deleted')
  const lax = { Accept: 'APPLICATION/taxii+json; VERSION="2.1"' }
  t.equal((await analyst.delete(`${rw}objects/${gone.id}/`, { headers: lax })).status, 200)
})
