/** The read path against the machine's own limits, both sides in turn in slices: prints ratios. `reads.js ledger polls ...` runs some. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import Fastify from 'fastify'
import pg from 'pg'
import { indicator } from './indicator.ts'
import { type Bench, call, startBench } from './server.ts'
import { type Wire, wire } from './wire.ts'

const OBJECTS = Number(process.env.BENCH_OBJECTS ?? 20_000)
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 12)
const SLICE = Number(process.env.BENCH_SLICE ?? 300)
const FEED = 'bench-feed-token-0123456789abcdef'
const READER = 'bench-reader-token-0123456789abcdef'
const TOPOLOGY = `
countries: [{code: MY}, {code: DE}]
organizations:
  - {id: mycert, name: MyCERT, country: MY, kind: national-cert}
  - {id: decert, name: DE CERT, country: DE, kind: national-cert}
principals:
  - {id: feed, organization: mycert, kind: service, tokens: [{name: t, value: ${FEED}}]}
  - {id: reader, organization: decert, kind: service, tokens: [{name: t, value: ${READER}}]}
agreements: [{from: MY, to: DE, max_tlp: amber, recipients: all, signed: [MY, DE]}]
baseline: {max_tlp: green, members: [MY, DE]}
api_roots:
  - path: bench
    title: Benchmark
    collections:
      - {id: 7c1d0b0e-3c1e-4d3e-9f51-6b0f4b7d2a10, alias: c, title: C, grants: [{to: "*", read: true, write: true}]}
`
const MARKINGS = [
  'marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487',
  'marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb',
  'marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421',
]
const HEADERS = [`Authorization: Bearer ${READER}`, 'Accept: application/taxii+json;version=2.1']
const ROOT = '/bench/collections/c/'

const out = (line: string) => process.stdout.write(`${line}\n`)
const middle = (list: number[]) => [...list].sort((a, b) => a - b)[list.length >> 1] as number

/** Paths of all pages, as a client meets them. */
async function pages(base: string, limit: number, what = 'objects'): Promise<string[]> {
  const connection = await wire(base, HEADERS)
  const paths: string[] = []
  for (let next = ''; ; ) {
    const path = `${ROOT}${what}/?limit=${limit}${next && `&next=${next}`}`
    const { status, body } = await connection.get(path)
    if (status !== 200) throw new Error(`GET answered ${status}`)
    paths.push(path)
    const more = /^\{"more":true,"next":"([^"]+)"/.exec(body.subarray(0, 300).toString())
    if (!more) break
    next = more[1] as string
  }
  connection.close()
  // The last one is not full.
  return paths.slice(0, -1)
}

/** Medians, in milliseconds, of the same pages asked of each server in turn. */
async function inTurn(
  bases: string[],
  limit: number,
  what = 'objects',
  extra: string[] = [],
): Promise<number[]> {
  const connections = await Promise.all(bases.map((base) => wire(base, [...HEADERS, ...extra])))
  const lists = await Promise.all(bases.map((base) => pages(base, limit, what)))
  const times = bases.map((): number[] => [])
  for (let round = 0; round < ROUNDS; round++) {
    for (let k = 0; k < (lists[0] as string[]).length; k++) {
      for (let i = 0; i < bases.length; i++) {
        const at = (i + k) % bases.length
        const start = performance.now()
        await (connections[at] as Wire).get(lists[at]?.[k] as string)
        times[at]?.push(performance.now() - start)
      }
    }
  }
  for (const connection of connections) connection.close()
  return times.map(middle)
}

/** Requests a second of each side, in slices taken in turn. */
async function rates(
  connections: number,
  sides: { base: string; path: (i: number) => string }[],
): Promise<number[]> {
  const open = await Promise.all(
    sides.map(({ base }) => Promise.all(Array.from({ length: connections }, () => wire(base, HEADERS)))),
  )
  const figures = sides.map((): number[] => [])
  let i = 0
  for (let round = 0; round < ROUNDS + 1; round++) {
    for (const [at, side] of sides.entries()) {
      let count = 0
      const start = performance.now()
      await Promise.all(
        (open[at] as Wire[]).map(async (connection) => {
          while (performance.now() < start + SLICE) {
            const { status } = await connection.get(side.path(i++))
            if (status !== 200 && status !== 304) throw new Error(`GET answered ${status}`)
            count++
          }
        }),
      )
      if (round > 0) figures[at]?.push((count * 1000) / (performance.now() - start))
    }
  }
  for (const connection of open.flat()) connection.close()
  return figures.map(middle)
}

/** The yardstick: a route that authenticates nothing and runs one `select 1`. */
async function bare(url: string): Promise<void> {
  const pool = new pg.Pool({ connectionString: url, max: 10 })
  const app = Fastify()
  app.get('/', async () => (await pool.query({ name: 'one', text: 'select 1' })).rows)
  process.send?.(await app.listen({ host: '127.0.0.1', port: 0 }))
}

interface Setting {
  on: Bench
  off: Bench
  cold: Bench
  coldOff: Bench
  yardstick: string
  db: pg.Client
  ids: string[]
}

const SCENARIOS: Record<string, (setting: Setting) => Promise<void>> = {
  async ledger({ cold, coldOff }) {
    for (const limit of [1000, 100]) {
      const [a = 0, b = 0] = await inTurn([cold.base, coldOff.base], limit)
      out(
        `cold page of ${limit}: ${a.toFixed(2)} ms with the ledger, ${b.toFixed(2)} without; throughput ${(b / a).toFixed(3)}`,
      )
    }
  },
  async sealed({ on, cold }) {
    const [a = 0, b = 0] = await inTurn([on.base, cold.base], 1000)
    out(`page of 1000, sealed: ${a.toFixed(2)} ms, cold ${b.toFixed(2)}; ${(b / a).toFixed(2)} times`)
  },
  async gzip({ on, cold }) {
    const [a = 0, b = 0] = await inTurn([on.base, cold.base], 1000, 'objects', ['Accept-Encoding: gzip'])
    out(`page of 1000, gzip, sealed: ${a.toFixed(2)} ms, cold ${b.toFixed(2)}; ${(b / a).toFixed(2)} times`)
  },
  async manifest({ on, cold }) {
    const [a = 0, b = 0] = await inTurn([on.base, cold.base], 1000, 'manifest')
    out(`manifest page of 1000: sealed ${a.toFixed(2)} ms, cold ${b.toFixed(2)} ms`)
  },
  async copy({ cold, db }) {
    const list = await pages(cold.base, 1000)
    const connection = await wire(cold.base, HEADERS)
    const figures: number[][] = [[], []]
    for (let round = 0; round < ROUNDS; round++) {
      let bytes = 0
      let start = performance.now()
      for (const path of list) bytes += (await connection.get(path)).body.length
      figures[0]?.push(bytes / (performance.now() - start))
      start = performance.now()
      figures[1]?.push((await copyOut(db)) / (performance.now() - start))
    }
    connection.close()
    const [a, b] = figures.map(middle) as [number, number]
    out(
      `full sync, cold pages of 1000: ${(a / 1000).toFixed(0)} MB/s, COPY out ${(b / 1000).toFixed(0)} MB/s; ratio ${(a / b).toFixed(2)}`,
    )
  },
  async polls({ on, yardstick }) {
    const path = `${ROOT}objects/?added_after=2100-01-01T00:00:00Z`
    for (const connections of [1, 16]) {
      const [a = 0, b = 0] = await rates(connections, [
        { base: on.base, path: () => path },
        { base: yardstick, path: () => '/' },
      ])
      out(
        `empty polls, ${connections} connections: ${a.toFixed(0)}/s, bare route ${b.toFixed(0)}/s; ratio ${(a / b).toFixed(2)}`,
      )
    }
  },
  async object({ on, off, yardstick, ids }) {
    const path = (i: number) => `${ROOT}objects/${ids[i % ids.length]}/`
    const [a = 0, b = 0, c = 0] = await rates(4, [
      { base: on.base, path },
      { base: yardstick, path: () => '/' },
      { base: off.base, path },
    ])
    out(
      `object by id, 4 connections: ${a.toFixed(0)}/s (${c.toFixed(0)} without the ledger), bare route ${b.toFixed(0)}/s; ratio ${(a / b).toFixed(2)}`,
    )
  },
}

/** All bodies out of the database by itself; @returns bytes */
async function copyOut(db: pg.Client): Promise<number> {
  let bytes = 0
  await new Promise<void>((resolve, reject) => {
    db.query({
      submit: (connection: { query(text: string): void }) =>
        connection.query('copy (select body from item where not standard order by position) to stdout'),
      handleCopyData: ({ chunk }: { chunk: Buffer }) => {
        bytes += chunk.length
      },
      handleCommandComplete() {},
      handleReadyForQuery: () => resolve(),
      handleError: reject,
    } as unknown as pg.Submittable)
  })
  return bytes
}

async function main(): Promise<void> {
  const on = await startBench(TOPOLOGY, process.env.BENCH_DATABASE_URL)
  const url = on.databaseUrl
  const off = await startBench(null, url, { COMITY_LEDGER: 'off' })
  const cold = await startBench(null, url, { COMITY_CACHE_BYTES: '0' })
  const coldOff = await startBench(null, url, { COMITY_LEDGER: 'off', COMITY_CACHE_BYTES: '0' })
  const child = fork(fileURLToPath(import.meta.url), ['bare', url])
  const [yardstick] = (await once(child, 'message')) as [string]
  const db = new pg.Client({ connectionString: url, options: '-c search_path=comity' })
  await db.connect()
  try {
    for (let k = 0; k < OBJECTS / 1000; k++) {
      const objects = Array.from({ length: 1000 }, (_, i) =>
        indicator(k * 1000 + i, MARKINGS[i % 3] as string),
      )
      const { status } = await call('POST', `${on.base}${ROOT}objects/`, FEED, JSON.stringify({ objects }))
      if (status !== 202) throw new Error(`POST answered ${status}`)
    }
    await db.query('analyze item')
    const { rows } = await db.query('select object_id from item where not standard limit 5000')
    const ids = rows.map((row) => String(row.object_id))
    const wanted = process.argv.slice(2)
    for (const [name, run] of Object.entries(SCENARIOS)) {
      if (wanted.length > 0 && !wanted.includes(name)) continue
      await run({ on, off, cold, coldOff, yardstick, db, ids })
    }
  } finally {
    await db.end()
    child.kill()
    for (const one of [coldOff, cold, off, on]) await one.stop()
  }
}

if (process.argv[2] === 'bare') await bare(process.argv[3] as string)
else await main()
