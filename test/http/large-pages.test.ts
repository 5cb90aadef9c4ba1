/** Pages of more than 64 KB leave in pieces, past Fastify: they are answers like all others. */
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import t, { test } from 'tap'
import { database } from '../support/cluster.ts'
import { AT, policyWorld } from '../support/policy-world.ts'
import { apply, startServer } from '../support/server.ts'
import { indicator, TLP } from '../support/stix.ts'

const own = await database(t)
await apply(own.url, JSON.stringify(policyWorld()))
const server = await startServer(t, { database: own })
const objects = Array.from({ length: 300 }, (_, i) =>
  indicator({ object_marking_refs: [TLP.green], description: `é${'x'.repeat(i)}` }),
)
await server.as('my').add(AT.closed, ...objects)
const PATH = `${AT.closed}objects/`

test('body, length and headers', async (t) => {
  const small = await server.as('sg').get(`${PATH}?limit=2`)
  for (let i = 0; i < 2; i++) {
    for (const query of ['', '?limit=200']) {
      const large = await server.as('sg').get(`${PATH}${query}`)
      t.equal(large.status, 200)
      t.strictSame(large.objects, objects.slice(0, query ? 200 : 300))
      t.ok(large.body.length > 65_536)
      t.equal(large.header('content-length'), `${large.body.length}`)
      const names = ({ rawHeaders }: typeof large) => rawHeaders.map(([name]) => name.toLowerCase()).sort()
      t.strictSame(names(large), names(small), 'the headers of any page')
      for (const name of ['content-type', 'cache-control', 'vary', 'x-content-type-options'])
        t.equal(large.header(name), small.header(name), name)

      const head = await server.as('sg').request({ method: 'HEAD', path: `${PATH}${query}` })
      t.equal(head.status, 200)
      t.equal(head.body.length, 0)
      t.equal(head.header('content-length'), large.header('content-length'))
      const tag = large.header('etag') as string
      t.equal(head.header('etag'), tag)
      const unchanged = await server.as('sg').get(`${PATH}${query}`, { headers: { 'If-None-Match': tag } })
      t.strictSame([unchanged.status, unchanged.body.length], [304, 0])
      const zipped = await server.as('sg').get(`${PATH}${query}`, { headers: { 'Accept-Encoding': 'gzip' } })
      t.equal(zipped.header('content-encoding'), 'gzip')
      t.ok(gunzipSync(zipped.body).equals(large.body))
      const brotli = await server.as('sg').get(`${PATH}${query}`, { headers: { 'Accept-Encoding': 'br' } })
      t.equal(brotli.header('content-encoding'), 'br')
      t.ok(brotliDecompressSync(brotli.body).equals(large.body))
    }
  }
})

test('pages in little memory are the same, compressed or not, as often as they are read', async (t) => {
  const small = await startServer(t, { database: own, env: { COMITY_CACHE_BYTES: '200000' } })
  const walk = async (coding?: string) => {
    const bodies: string[] = []
    for (let path = `${PATH}?limit=50`; ; ) {
      const page = await small.as('sg').get(path, coding ? { headers: { 'Accept-Encoding': coding } } : {})
      t.equal(page.status, 200)
      t.equal(page.header('content-encoding'), coding)
      const body = unpack(coding, page.body).toString()
      bodies.push(body)
      const { next, more } = JSON.parse(body)
      if (!more) return bodies.join()
      path = `${PATH}?limit=50&next=${next}`
    }
  }
  const first = await walk()
  t.equal(JSON.parse(`[${first}]`).flatMap((page: { objects: object[] }) => page.objects).length, 300)
  for (const coding of ['gzip', 'gzip', undefined, 'br', 'gzip', 'br', 'br', undefined, undefined])
    t.equal(await walk(coding), first, coding ?? 'plain')
})

const unpack = (coding: string | undefined, body: Buffer) =>
  coding === 'br' ? brotliDecompressSync(body) : coding === 'gzip' ? gunzipSync(body) : body

test('is logged and counted', async (t) => {
  const counted = async () => {
    const { text } = await server.anonymous.get('/metrics')
    return Number(/comity_requests_total\{[^}]*objects\/"[^}]*200[^}]*\} (\d+)/.exec(text)?.[1])
  }
  const before = await counted()
  for (let i = 0; i < 3; i++) await server.as('sg').get(PATH)
  t.equal((await counted()) - before, 3)
})
