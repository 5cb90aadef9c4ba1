/** Hostile and unlucky uploads: bounded, answered, and nothing of them is stored. */
import { request as httpRequest } from 'node:http'
import { gzipSync } from 'node:zlib'
import t, { type Test, test } from 'tap'
import { isError } from '../support/checks.ts'
import { basic, raw, T21 } from '../support/client.ts'
import { peak, resetPeak, resident } from '../support/process.ts'
import { sleep } from '../support/run-lock.ts'
import { startServer } from '../support/server.ts'
import { indicator } from '../support/stix.ts'
import { Wire } from '../support/wire.ts'
import { READ_WRITE, scratches, topology } from '../support/world.ts'

const LIMIT = 33_554_432
const MB = 1_048_576
const server = await startServer(t, {
  topology: topology(),
  env: { COMITY_MAX_CONTENT_LENGTH: String(LIMIT), COMITY_REQUEST_SECONDS: '5' },
})
const analyst = server.as('analyst')
const next = scratches()
const authorization = basic('analyst', 'pw-analyst')
await analyst.add(READ_WRITE.path, indicator())

/** The head of a POST of an envelope to a collection, for a bare socket. */
function head(path: string, more: Record<string, string>, signed = true): string {
  const headers = {
    Host: 'localhost',
    Accept: T21,
    'Content-Type': T21,
    ...(signed && { Authorization: authorization }),
    ...more,
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `POST ${path}objects/ HTTP/1.1\r\n${lines.join('')}\r\n`
}

const chunk = (data: Buffer) =>
  Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from('\r\n')])

/** Still alive, still answering, and the collection is empty. */
async function unharmed(t: Test, path: string): Promise<void> {
  const page = await analyst.getObjects(path)
  t.equal(page.status, 200, 'the collection answers')
  t.equal(page.text, '{}', 'and holds nothing')
}

/** Peak memory above what there was before. */
async function growth(work: () => Promise<void>): Promise<number> {
  const before = resident(server.pid)
  resetPeak(server.pid)
  await work()
  return Math.max(0, peak(server.pid) - before)
}

// What takes the server's clock to be refused runs beside the other tests.
const slow = { upload: slowUpload(), headers: slowHeaders(), api: slowApi() }

async function slowUpload() {
  const { path } = next()
  const started = Date.now()
  const body = JSON.stringify({ objects: [indicator()] })
  const wire = new Wire(server.url)
  wire.write(head(path, { 'Content-Length': String(body.length) }))
  let at = 0
  const drip = setInterval(() => {
    // All but the last bytes, which come when the answer has been given.
    if (at < body.length - 40) wire.write(body[at++] ?? '')
  }, 200)
  const answer = await wire.answer(45)
  const seconds = (Date.now() - started) / 1000
  clearInterval(drip)
  wire.write(body.slice(at))
  const closed = await wire.closed(10)
  await sleep(200)
  wire.destroy()
  return { path, answer, closed, seconds }
}

/** A body for the REST interface that stops, after a request on the same connection that was whole. */
async function slowApi() {
  const wire = new Wire(server.url)
  const signed = `Host: localhost\r\nAuthorization: ${authorization}\r\n`
  wire.write(`GET ${READ_WRITE.path} HTTP/1.1\r\n${signed}\r\n`)
  const first = await wire.answer()
  wire.write(
    `POST /api/v1/validate HTTP/1.1\r\n${signed}Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{`,
  )
  const answer = await wire.answer(45)
  wire.destroy()
  return { first, answer }
}

async function slowHeaders() {
  const wires = Array.from({ length: 50 }, () => new Wire(server.url))
  for (const wire of wires) wire.write('GET /taxii2/ HTTP/1.1\r\nHost: localhost\r\n')
  const drip = setInterval(() => {
    for (const wire of wires) wire.write('X-A: b\r\n')
  }, 1000)
  const answers = await Promise.all(wires.map((wire) => wire.answer(55)))
  clearInterval(drip)
  const gone = await Promise.all(
    wires.map((wire) => {
      wire.socket.end()
      return wire.gone(10)
    }),
  )
  return { answers, gone }
}

test('a gzip bomb: 1 GB of zeros in 1 MB', async (t) => {
  const { path } = next()
  const bomb = gzipSync(Buffer.alloc(1024 * MB), { level: 9 })
  t.ok(bomb.length < 1.1 * MB, `${bomb.length} bytes`)
  const grown = await growth(async () => {
    for (let i = 0; i < 3; i++) {
      isError(t, await analyst.send(`${path}objects/`, bomb, { 'Content-Encoding': 'gzip' }), 413, 'bomb')
    }
  })
  t.ok(grown < 150, `grew by ${Math.round(grown)} MB`)
  // A bomb in a bomb: what is inside is not gunzipped again, and is no JSON.
  const nested = gzipSync(bomb)
  isError(t, await analyst.send(`${path}objects/`, nested, { 'Content-Encoding': 'gzip' }), 422, 'nested')
  await unharmed(t, path)
})

test('gzip that is broken', async (t) => {
  const { path } = next()
  const good = gzipSync(JSON.stringify({ objects: [indicator()] }))
  const post = (body: Buffer, encoding: string) =>
    analyst.send(`${path}objects/`, body, { 'Content-Encoding': encoding })
  for (const cut of [0, 1, 9, 10, 20, good.length - 8, good.length - 1]) {
    const answer = await post(good.subarray(0, cut), 'gzip')
    t.ok([400, 422].includes(answer.status), `cut at ${cut}: ${answer.status}`)
    isError(t, answer, answer.status, `cut at ${cut}`)
  }
  const flipped = Buffer.from(good)
  flipped[30] = (flipped[30] ?? 0) ^ 0xff
  isError(t, await post(flipped, 'gzip'), 400, 'flipped bits')
  isError(t, await post(Buffer.from('{"objects":[]}'), 'gzip'), 400, 'not gzip at all')
  for (const encoding of ['br', 'deflate', 'zstd', 'gzip, gzip', 'compress', 'gzip;q=1', 'nonsense']) {
    isError(t, await post(good, encoding), 415, encoding)
  }
  isError(t, await post(good, 'identity'), 422, 'gzip that says identity')
  await unharmed(t, path)
})

test('exactly max_content_length, and one byte more', async (t) => {
  const { path } = next()
  const object = JSON.stringify(indicator())
  const padded = (bytes: number) => {
    const [before, after] = ['{"x_pad":"', `","objects":[${object}]}`]
    return Buffer.from(before + 'a'.repeat(bytes - before.length - after.length) + after)
  }
  const more = padded(LIMIT + 1)
  const gzip = { 'Content-Encoding': 'gzip' }
  isError(t, await analyst.send(`${path}objects/`, more), 413, 'one byte more')
  isError(t, await analyst.send(`${path}objects/`, gzipSync(more), gzip), 413, 'one byte more, zipped')
  const options = { method: 'POST', path: `${path}objects/`, headers: { 'Content-Type': T21 }, chunked: true }
  isError(t, await analyst.request({ ...options, body: more }), 413, 'one byte more, chunked')
  await unharmed(t, path)

  const exact = padded(LIMIT)
  const answers = [
    await analyst.send(`${path}objects/`, exact),
    await analyst.send(`${path}objects/`, gzipSync(exact), gzip),
    await analyst.request({ ...options, body: exact }),
  ]
  for (const answer of answers) {
    t.equal(answer.status, 202, answer.text.slice(0, 200))
    t.equal(answer.taxiiStatus.success_count, 1)
  }
  t.equal((await analyst.getObjects(path)).objects.length, 1)
})

for (const length of [true, false]) {
  test(`100 MB ${length ? 'with' : 'without'} Content-Length`, async (t) => {
    const { path } = next()
    const piece = Buffer.alloc(MB, 'a')
    let wire = new Wire(server.url)
    const grown = await growth(async () => {
      wire.write(
        head(path, length ? { 'Content-Length': String(100 * MB) } : { 'Transfer-Encoding': 'chunked' }),
      )
      await wire.pour(length ? piece : chunk(piece), 100, 20)
      if (!length) wire.write('0\r\n\r\n')
      // A client that writes everything before it reads must find the answer, not a reset connection.
      const answer = await wire.answer()
      if (answer) isError(t, answer, 413, 'too large')
      else t.fail(`no answer, the connection ended with ${wire.fate}`)
      if (answer?.header('connection') !== 'close') {
        wire.write(`GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n`)
        t.equal((await wire.answer())?.status, 200, 'the connection is usable')
      } else t.ok(await wire.closed(15), 'the connection is closed')
    })
    t.ok(grown < 150, `grew by ${Math.round(grown)} MB`)
    wire.destroy()
    // And one that reads while it writes gets its answer long before the end.
    wire = new Wire(server.url)
    wire.write(
      head(path, length ? { 'Content-Length': String(100 * MB) } : { 'Transfer-Encoding': 'chunked' }),
    )
    await wire.pour(length ? piece : chunk(piece), 40, 20)
    isError(t, (await wire.answer()) as never, 413, 'before the end')
    wire.destroy()
    await unharmed(t, path)
  })
}

test('100 MB without credentials: refused before it is read', async (t) => {
  const { path } = next()
  const grown = await growth(async () => {
    for (const credentials of [{}, { Authorization: basic('analyst', 'wrong') }]) {
      const wire = new Wire(server.url)
      wire.write(head(path, { 'Content-Length': String(100 * MB), ...credentials }, false))
      wire.write(Buffer.alloc(1000))
      const answer = await wire.answer(3)
      if (answer) isError(t, answer, 401, 'unauthenticated')
      else t.fail(`no answer, the connection ended with ${wire.fate}`)
      wire.destroy()
      const all = new Wire(server.url)
      all.write(head(path, { 'Content-Length': String(100 * MB), ...credentials }, false))
      await all.pour(Buffer.alloc(MB), 100, 20)
      const late = await all.answer(5)
      if (late) isError(t, late, 401, 'unauthenticated, after all of it')
      else t.fail(`no answer, the connection ended with ${all.fate}`)
      all.destroy()
    }
  })
  t.ok(grown < 100, `grew by ${Math.round(grown)} MB`)
})

test('an upload that is broken off', async (t) => {
  const { path } = next()
  const body = JSON.stringify({ objects: Array.from({ length: 200 }, () => indicator()) })
  for (const encoding of [{}, { 'Content-Encoding': 'gzip' }]) {
    const bytes = 'Content-Encoding' in encoding ? gzipSync(body) : Buffer.from(body)
    for (const share of [0, 0.3, 0.99]) {
      const wire = new Wire(server.url)
      wire.write(head(path, { 'Content-Length': String(bytes.length), ...encoding }))
      wire.write(bytes.subarray(0, bytes.length * share))
      await sleep(20)
      if (share === 0.3) wire.socket.resetAndDestroy()
      else wire.destroy()
    }
    // Half closed: the client may still read.
    const half = new Wire(server.url)
    half.write(head(path, { 'Content-Length': String(bytes.length), ...encoding }))
    half.socket.end(bytes.subarray(0, 100))
    const answer = await half.answer()
    if (answer) isError(t, answer, 400, 'half closed')
    else t.ok(await half.closed(5), 'half closed: closed')
  }
  await sleep(100)
  await unharmed(t, path)
  t.equal((await server.anonymous.get('/livez')).status, 200)
})

test('deep nesting, and JSON that is hard to read', async (t) => {
  const { path } = next()
  const deep = (levels: number, open: string, close: string) => open.repeat(levels) + close.repeat(levels)
  const inObject = (value: string) =>
    `{"objects":[${JSON.stringify(indicator()).slice(0, -1)},"x_deep":${value}}]}`
  const started = Date.now()
  for (const [what, value] of [
    ['lists', deep(100_000, '[', ']')],
    ['objects', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
  ] as const) {
    const answer = await analyst.send(`${path}objects/`, inObject(value))
    t.equal(answer.status, 202, `${what} in an object: ${answer.text.slice(0, 200)}`)
    t.equal(answer.taxiiStatus.failure_count, 1, `${what} in an object: its failure`)
    isError(t, await analyst.send(`${path}objects/`, value), 422, `${what} as body`)
    t.equal(
      (await analyst.send(`${path}objects/`, `{"objects":[${value}]}`)).status,
      what === 'lists' ? 422 : 202,
    )
    const beside = `{"x_deep":${value},"objects":[${JSON.stringify(indicator())}]}`
    t.ok([202, 422].includes((await analyst.send(`${next().path}objects/`, beside)).status), `${what} beside`)
  }
  for (const body of [
    '['.repeat(MB),
    '{"objects":['.repeat(80_000),
    `{"objects":${'['.repeat(MB)}`,
    '"'.repeat(MB),
  ]) {
    isError(t, await analyst.send(`${path}objects/`, body), 422, body.slice(0, 20))
  }
  const long = `{"objects":[{"type":"${'a'.repeat(2 * MB)}"}]}`
  const answer = await analyst.send(`${path}objects/`, long)
  t.equal(answer.status, 202, 'a type of 2 MB')
  t.ok(answer.text.length < 5000, `its failure has ${answer.text.length} bytes`)
  t.ok(Date.now() - started < 10_000, `took ${Date.now() - started} ms`)
})

test('Expect: 100-continue', async (t) => {
  const { path } = next()
  const body = JSON.stringify({ objects: [indicator()] })
  const post = (headers: Record<string, string>) =>
    raw(server.url, {
      method: 'POST',
      path: `${path}objects/`,
      headers: { Accept: T21, 'Content-Type': T21, ...headers },
      body,
      expectContinue: true,
    })
  const good = await post({ Authorization: authorization })
  t.equal(good.status, 202)
  t.ok(good.continued)
  const wire = new Wire(server.url)
  wire.write(head(next().path, { 'Content-Length': '1000', Expect: 'a-miracle' }))
  t.equal((await wire.answer())?.status, 417)
  wire.destroy()
})

test('many uploads at once are all answered', async (t) => {
  const { path } = next()
  const body = JSON.stringify({ objects: Array.from({ length: 20 }, () => indicator()) })
  const statuses = await Promise.all(
    Array.from({ length: 100 }, () => analyst.send(`${path}objects/`, body).then((answer) => answer.status)),
  )
  t.strictSame([...new Set(statuses)], [202])
  t.equal((await analyst.getObjects(path)).objects.length, 20)
})

test('a client that sends the whole body although it is refused (as curl and requests do)', async (t) => {
  const { path } = next()
  const answer = await new Promise<number>((done, fail) => {
    const request = httpRequest(
      `${server.url}${path}objects/`,
      {
        method: 'POST',
        headers: { authorization, accept: T21, 'content-type': 'text/plain', 'content-length': 10 * MB },
      },
      (response) => {
        response.resume()
        done(response.statusCode ?? 0)
      },
    )
    request.on('error', fail)
    request.end(Buffer.alloc(10 * MB))
  })
  t.equal(answer, 415)
})

test('slow uploads are answered 408, and nothing of them is stored', { timeout: 60_000 }, async (t) => {
  const { path, answer, closed, seconds } = await slow.upload
  if (answer) isError(t, answer, 408, 'slow')
  else t.fail('no answer')
  t.ok(seconds >= 4.9 && seconds < 15, `after ${seconds} s, COMITY_REQUEST_SECONDS being 5`)
  t.ok(closed, 'the connection is closed')
  await unharmed(t, path)
})

test('a slow upload to the REST interface: 408 as a problem', { timeout: 60_000 }, async (t) => {
  const { first, answer } = await slow.api
  t.equal(first?.status, 200)
  t.equal(answer?.status, 408)
  t.equal(answer?.header('content-type'), 'application/problem+json')
  t.match(answer?.json, {
    type: 'about:blank',
    status: 408,
    code: 'timeout',
    detail: /did not arrive in the time/,
  })
})

test('slowloris: headers that never end are answered 408', { timeout: 60_000 }, async (t) => {
  const { answers, gone } = await slow.headers
  const [first] = answers
  if (first) isError(t, first, 408, 'slowloris')
  t.ok(
    answers.every((answer) => answer?.status === 408),
    'all of them',
  )
  t.ok(gone.every(Boolean), 'and the connections are closed')
})
