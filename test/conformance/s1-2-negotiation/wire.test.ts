/** Requests that no HTTP client would send: they, too, are answered as TAXII answers. */
import { connect } from 'node:net'
import t, { test } from 'tap'
import { T21 } from '../../support/client.ts'
import { startServer } from '../../support/server.ts'
import { READ_WRITE, topology } from '../../support/world.ts'

const server = await startServer(t, { topology: topology() })
const signed = `Authorization: ${server.as('analyst').authorization}\r\nConnection: close\r\n`
const objects = `${READ_WRITE.path}objects/`

/** Sends the text as it is and returns all that comes back. */
function wire(text: string): Promise<string> {
  const { hostname, port } = new URL(server.url)
  return new Promise((done) => {
    let answer = ''
    const socket = connect(Number(port), hostname, () => socket.write(text, 'latin1'))
    socket.setEncoding('latin1').setTimeout(5_000, () => socket.destroy())
    socket.on('data', (part) => {
      answer += part
    })
    socket.on('error', () => {})
    socket.on('close', () => done(answer))
  })
}

const both = `Content-Type: ${T21}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n`
const REQUESTS: [string, number, string][] = [
  ['no HTTP at all', 400, 'hello\r\n\r\n'],
  ['an unknown HTTP version', 400, `GET ${objects} HTTP/9.9\r\nHost: x\r\n${signed}\r\n`],
  ['a method that nobody knows', 501, `FOO ${objects} HTTP/1.1\r\nHost: x\r\n${signed}\r\n`],
  ['a method in lower case', 501, `get ${objects} HTTP/1.1\r\nHost: x\r\n${signed}\r\n`],
  ['a method of another protocol', 501, `SETUP ${objects} HTTP/1.1\r\nHost: x\r\n${signed}\r\n`],
  ['a method that is no token', 400, `F"O ${objects} HTTP/1.1\r\nHost: x\r\n${signed}\r\n`],
  ['a blank in the path', 400, `GET /tax ii2/ HTTP/1.1\r\nHost: x\r\n${signed}\r\n`],
  [
    'Content-Length and chunked at once',
    400,
    `POST ${objects} HTTP/1.1\r\nHost: x\r\n${signed}${both}\r\n0\r\n\r\n`,
  ],
  [
    'Content-Length that is no number',
    400,
    `POST ${objects} HTTP/1.1\r\nHost: x\r\n${signed}Content-Length: x\r\n\r\n`,
  ],
  ['no Host', 400, `GET ${objects} HTTP/1.1\r\n${signed}\r\n`],
  [
    'an Expect that nobody knows',
    417,
    `GET ${objects} HTTP/1.1\r\nHost: x\r\n${signed}Expect: 200-maybe\r\n\r\n`,
  ],
  ['OPTIONS *', 404, `OPTIONS * HTTP/1.1\r\nHost: x\r\n${signed}\r\n`],
  ['HTTP/1.0', 200, `GET ${objects} HTTP/1.0\r\n${signed}\r\n`],
  ['an absolute URL', 200, `GET http://x${objects} HTTP/1.1\r\nHost: x\r\n${signed}\r\n`],
]

test('T-3.1-01 what is hardly an HTTP request gets the exact Content-Type and an error, too', async (t) => {
  for (const [what, status, text] of REQUESTS) {
    const answer = await wire(text)
    const [head = '', body = ''] = answer.split('\r\n\r\n')
    t.match(head, new RegExp(`^HTTP/1\\.1 ${status} `), `${what}: ${head.split('\r\n')[0]}`)
    const types = head.split('\r\n').filter((line) => /^content-type:/i.test(line))
    t.strictSame(
      types.map((line) => line.replace(/^[^:]*: /, '')),
      [T21],
      `${what}: Content-Type`,
    )
    if (status === 200) t.equal(body, '{}', what)
    else t.match(body, `"http_status":"${status}"`, `${what}: the error`)
    if (status === 400 || status === 501) t.ok(JSON.parse(body).description, `${what}: a description`)
  }
})

test('T-3.1-15 a method that nobody knows is 501 wherever it comes from, and ends the connection', async (t) => {
  const request = (method: string, path: string, more = '') =>
    `${method} ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`
  const known = await wire(request('FOO', objects))
  t.equal(await wire(request('FOO', '/no-such-root/')), known, 'known and unknown paths answer alike')
  t.equal(await wire(request('BREW', objects, signed)), known, 'whoever asks')
})

test('T-3.1-15 QUERY is a method that is known, and not allowed', async (t) => {
  t.match(
    await wire(`QUERY ${objects} HTTP/1.1\r\nHost: x\r\n${signed}\r\n`),
    /^HTTP\/1\.1 405 [\s\S]*Allow: GET/i,
  )
  t.match(await wire(`QUERY ${objects} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`), /^HTTP\/1\.1 401 /)
})
