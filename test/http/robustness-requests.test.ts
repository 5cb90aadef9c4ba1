/** Hostile request lines, headers and methods: each is answered with a TAXII error, and the server goes on. */
import { METHODS } from 'node:http'
import t, { type Test, test } from 'tap'
import { isError } from '../support/checks.ts'
import { type Answer, basic, T21 } from '../support/client.ts'
import { peak, resident } from '../support/process.ts'
import { startServer } from '../support/server.ts'
import { indicator } from '../support/stix.ts'
import { Wire } from '../support/wire.ts'
import { READ_WRITE, topology } from '../support/world.ts'

const server = await startServer(t, { topology: topology() })
const analyst = server.as('analyst')
await analyst.add(READ_WRITE.path, indicator())
const signed = `Host: localhost\r\nAccept: ${T21}\r\nAuthorization: ${basic('analyst', 'pw-analyst')}\r\n`

/** Sends bytes on a connection of their own; @returns the answer. */
async function ask(text: string): Promise<Answer | null> {
  const wire = new Wire(server.url)
  try {
    return await wire.write(text).answer()
  } finally {
    wire.destroy()
  }
}

async function refused(t: Test, text: string, status: number, what: string): Promise<void> {
  const answer = await ask(text)
  if (answer) isError(t, answer, status, what)
  else t.fail(`${what}: no answer`)
}

test('header floods', async (t) => {
  const before = resident(server.pid)
  const header = (i: number) => `X-Header-${i}: value\r\n`
  const many = (count: number) => Array.from({ length: count }, (_, i) => header(i)).join('')
  t.equal((await ask(`GET /taxii2/ HTTP/1.1\r\n${signed}${many(1900)}\r\n`))?.status, 200, '1,900 headers')
  for (const [what, headers] of [
    ['4,000 headers', many(4000)],
    ['100 KB in one header', `X-Long: ${'a'.repeat(100_000)}\r\n`],
    ['300 KB in one header', `X-Long: ${'a'.repeat(300_000)}\r\n`],
    ['100 KB of credentials', `Authorization: Basic ${'YTpi'.repeat(25_000)}\r\n`],
    ['70 KB name', `${'X'.repeat(70_000)}: a\r\n`],
  ] as const) {
    await refused(t, `GET /taxii2/ HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`, 431, what)
  }
  // Within the limit, and still absurd.
  for (const name of [
    'Accept',
    'Authorization',
    'Content-Type',
    'Accept-Encoding',
    'X-Forwarded-For',
    'Cookie',
  ]) {
    const answer = await ask(
      `GET /taxii2/ HTTP/1.1\r\nHost: localhost\r\n${name}: ${'a,;="'.repeat(11_000)}\r\n\r\n`,
    )
    t.ok([401, 406].includes(answer?.status ?? 0), `55 KB of ${name}: ${answer?.status}`)
  }
  // The first 2,000 headers are all that Node looks at: credentials beyond them are none.
  await refused(
    t,
    `GET /taxii2/ HTTP/1.1\r\nHost: a\r\n${'a: b\r\n'.repeat(3000)}${signed}\r\n`,
    401,
    'credentials last',
  )
  t.ok(peak(server.pid) - before < 150)
})

test('long URLs', async (t) => {
  for (const bytes of [33_000, 60_000, 100_000]) {
    await refused(t, `GET /global/${'a'.repeat(bytes)} HTTP/1.1\r\n${signed}\r\n`, 414, `path of ${bytes}`)
  }
  await refused(t, `GET /taxii2/?a=${'b'.repeat(60_000)} HTTP/1.1\r\n${signed}\r\n`, 414, 'query of 60 KB')
  const ids = Array.from({ length: 600 }, () => indicator().id).join(',')
  const fine = await analyst.getObjects(READ_WRITE.path, {
    'match[id]': ids.slice(0, 20_000).replace(/,[^,]*$/, ''),
  })
  t.equal(fine.status, 200, '20 KB of ids')
  const long = await analyst.get(`${READ_WRITE.path}objects/${'x'.repeat(20_000)}/`)
  t.ok([400, 404].includes(long.status), `an id of 20 KB: ${long.status}`)
})

test('bad percent-encoding', async (t) => {
  for (const path of [
    '/%zz/',
    '/%',
    '/global/%E0%A4%A/',
    '/global/collections/%ff%fe/',
    '/%00/',
    '/global/%2e%2e/',
  ]) {
    const answer = await ask(`GET ${path} HTTP/1.1\r\n${signed}\r\n`)
    t.ok([400, 404].includes(answer?.status ?? 0), `${path}: ${answer?.status}`)
    if (answer) isError(t, answer, answer.status, path)
  }
  const objects = `${READ_WRITE.path}objects/`
  for (const query of [
    'added_after=%zz',
    'match[id]=%',
    'limit=%E0%A4%A',
    'next=%ff',
    'match[type]=%00',
    '%zz=1',
    '&&&==&',
    'limit=1&limit=1',
  ]) {
    const answer = await ask(`GET ${objects}?${query} HTTP/1.1\r\n${signed}\r\n`)
    t.ok([200, 400].includes(answer?.status ?? 0), `${query}: ${answer?.status} ${answer?.text.slice(0, 80)}`)
    if (answer?.status !== 200) isError(t, answer as Answer, 400, query)
  }
  for (const id of ['%00', 'a%00b', '%ED%A0%80', "'%3B--", '%F0%9F%92%A9']) {
    for (const path of [`${objects}${id}/`, `${objects}${id}/versions/`, `/global/status/${id}/`]) {
      const answer = await ask(`GET ${path} HTTP/1.1\r\n${signed}\r\n`)
      t.ok([400, 404].includes(answer?.status ?? 0), `${path}: ${answer?.status}`)
    }
  }
})

test('weird methods', async (t) => {
  for (const method of ['TRACE', 'PROPFIND', 'PATCH', 'PUT', 'MKCOL', 'PURGE', 'QUERY', 'REPORT', 'LOCK']) {
    const answer = await ask(`${method} /taxii2/ HTTP/1.1\r\n${signed}\r\n`)
    // Whether the parser knows QUERY depends on the version of Node.
    const status = METHODS.includes(method) ? 405 : 501
    if (answer) isError(t, answer, status, method)
    if (status === 405) t.ok(answer?.header('allow'), `${method}: Allow`)
    await refused(
      t,
      `${method} /taxii2/ HTTP/1.1\r\nHost: a\r\n\r\n`,
      status === 501 ? 501 : 401,
      `${method}, unsigned`,
    )
  }
  for (const line of [
    'GARBAGE /taxii2/ HTTP/9.9',
    'GARBAGE /taxii2/',
    'GET /taxii2/ HTTP/9.9',
    'GET',
    '\x16\x03\x01\x02\x00',
    'GET  /a b c HTTP/1.1',
  ]) {
    await refused(t, `${line}\r\n${signed}\r\n`, 400, JSON.stringify(line))
  }
  await refused(t, `GET /taxii2/ HTTP/1.1\r\nAccept: ${T21}\r\n\r\n`, 400, 'no Host')
  const wire = new Wire(server.url)
  wire.write(`CONNECT example.org:443 HTTP/1.1\r\n${signed}\r\n`)
  t.ok((await wire.answer(2)) || (await wire.closed(5)), 'CONNECT is answered or closed')
  wire.destroy()
  const upgraded = await ask(
    `GET /taxii2/ HTTP/1.1\r\n${signed}Connection: upgrade\r\nUpgrade: websocket\r\n\r\n`,
  )
  t.equal(upgraded?.status, 200, 'an upgrade is not taken up')
})

test('smuggling: framing that says two things', async (t) => {
  const post = `POST ${READ_WRITE.path}objects/ HTTP/1.1\r\n${signed}Content-Type: ${T21}\r\n`
  for (const framing of [
    'Content-Length: 5\r\nTransfer-Encoding: chunked',
    'Content-Length: 5\r\nContent-Length: 6',
    'Content-Length: -1',
    'Content-Length: 5x',
    'Transfer-Encoding: chunked, identity',
    'Transfer-Encoding: gzip',
  ]) {
    const answer = await ask(`${post}${framing}\r\n\r\n0\r\n\r\n`)
    t.ok([400, 415, 422].includes(answer?.status ?? 0), `${framing}: ${answer?.status}`)
  }
})

test('pipelined requests are answered in order, and a flood of them is bounded', async (t) => {
  const wire = new Wire(server.url)
  const get = (path: string) => `GET ${path} HTTP/1.1\r\n${signed}\r\n`
  const paths = ['/taxii2/', '/nothing/', '/global/', `${READ_WRITE.path}objects/`, '/livez']
  wire.write(paths.map(get).join(''))
  const statuses: (number | undefined)[] = []
  for (const _ of paths) statuses.push((await wire.answer())?.status)
  t.strictSame(statuses, [200, 404, 200, 200, 200])
  wire.write(get('/taxii2/').repeat(2000))
  let count = 0
  while ((await wire.answer())?.status === 200) if (++count === 2000) break
  t.equal(count, 2000)
  // A body that nobody wants does not become the next request.
  const body = `{"objects":[]}`
  wire.write(
    `POST /taxii2/ HTTP/1.1\r\n${signed}Content-Length: ${body.length}\r\n\r\n${body}${get('/global/')}`,
  )
  t.equal((await wire.answer())?.status, 405)
  t.equal((await wire.answer())?.status, 200)
  wire.destroy()
})

test('500 idle connections hinder nobody', async (t) => {
  const wires = Array.from({ length: 500 }, () => new Wire(server.url))
  t.equal((await analyst.get('/taxii2/')).status, 200)
  for (const wire of wires) wire.destroy()
  const answer = await server.anonymous.get('/livez')
  t.equal(answer.status, 200)
})
