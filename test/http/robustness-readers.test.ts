/** Clients that read an answer slowly, or not at all: memory stays bounded, others are served, and they are cut off. */
import { Agent } from 'node:http'
import t, { test } from 'tap'
import { isError } from '../support/checks.ts'
import { basic, T21 } from '../support/client.ts'
import { peak, resetPeak, resident } from '../support/process.ts'
import { sleep } from '../support/run-lock.ts'
import { startServer } from '../support/server.ts'
import { indicator } from '../support/stix.ts'
import { Wire } from '../support/wire.ts'
import { READ_WRITE, STIX21, topology } from '../support/world.ts'

const PAGE = 30
const env = { COMITY_PAGE_BYTES: '33554432' }
const server = await startServer(t, { topology: topology(), env: { ...env, COMITY_REQUEST_SECONDS: '10' } })
const analyst = server.as('analyst')
const big = () => indicator({ description: 'd'.repeat(1_000_000) })
for (let i = 0; i < PAGE; i += 10) await analyst.add(READ_WRITE.path, ...Array.from({ length: 10 }, big))
await analyst.add(STIX21.path, indicator())
const request = `GET ${READ_WRITE.path}objects/ HTTP/1.1\r\nHost: localhost\r\nAccept: ${T21}\r\nAuthorization: ${basic(
  'analyst',
  'pw-analyst',
)}\r\n\r\n`

/** Asks for the page on its own connection, and takes `bytes` of it per second. */
function slowReader(bytes: number) {
  const wire = new Wire(server.url)
  const { socket } = wire
  socket.removeAllListeners('data')
  socket.pause()
  wire.write(request)
  let status = ''
  const timer = setInterval(() => {
    if (status === '') status = String(socket.read(12) ?? '').slice(9)
    else if (bytes > 0) socket.read(bytes / 10)
  }, 100)
  const fate = new Promise<string>((done) => {
    socket.once('close', () => done('cut off'))
    setTimeout(() => done(status), 40_000).unref()
    setInterval(() => status === '503' && done('503'), 100).unref()
  })
  // A paused socket sees its end only by writing.
  const probe = setInterval(() => wire.write('\r\n'), 500)
  return fate.finally(() => {
    clearInterval(timer)
    clearInterval(probe)
    socket.destroy()
  })
}

test('20 readers of 30 MB at 1 KB/s', { timeout: 60_000 }, async (t) => {
  const whole = await analyst.getObjects(READ_WRITE.path)
  t.equal(whole.objects.length, PAGE)
  t.ok(whole.body.length > PAGE * 1_000_000)
  await sleep(500)
  const before = resident(server.pid)
  resetPeak(server.pid)
  const started = Date.now()
  const readers = [
    ...Array.from({ length: 15 }, () => slowReader(1000)),
    ...Array.from({ length: 5 }, () => slowReader(0)),
  ]
  let slowest = 0
  let served = 0
  const others = (async () => {
    for (let i = 0; i < 100; i++) {
      const at = Date.now()
      const answer = await analyst.getObjects(STIX21.path)
      slowest = Math.max(slowest, Date.now() - at)
      if (answer.status === 200) served++
      await sleep(50)
    }
  })()
  const fates = await Promise.all(readers)
  t.ok(
    fates.every((fate) => ['503', 'cut off'].includes(fate)),
    `${Date.now() - started} ms: ${fates}`,
  )
  t.ok(fates.includes('cut off'))
  await others
  t.ok(served >= 95, `${served} of 100 other requests were served`)
  const grown = peak(server.pid) - before
  t.ok(grown < 1300, `memory grew by ${Math.round(grown)} MB`)
  t.comment(`the slowest of the other requests took ${slowest} ms`)
  const again = await analyst.getObjects(READ_WRITE.path)
  t.equal(again.status, 200, 'there is room again')
  t.equal(again.objects.length, PAGE)
})

test('quick readers get their pages, and in want of room an answer that says so', {
  timeout: 60_000,
}, async (t) => {
  // In want of room a second without bytes is too slow for the node above, and here all readers are one busy process.
  const patient = await startServer(t, { database: server.database, env })
  const reader = patient.as('analyst')
  const agent = new Agent({ maxSockets: 30 })
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => reader.request({ path: `${READ_WRITE.path}objects/`, agent })),
  )
  for (const answer of answers) {
    if (answer.status === 200) t.equal(answer.objects.length, PAGE)
    else {
      isError(t, answer, 503, 'no room')
      t.ok(answer.header('retry-after'), 'Retry-After')
      t.equal(answer.header('x-taxii-date-added-first'), undefined)
    }
  }
  t.ok(answers.some((answer) => answer.status === 200))
})
