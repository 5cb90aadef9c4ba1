/** Full sync with the delivery ledger on and off, cold and from sealed pages: prints the median ratio of the throughputs. */
import { cpus } from 'node:os'
import pg from 'pg'
import { indicator } from './indicator.ts'
import { type Bench, call, startBench } from './server.ts'

const OBJECTS = Number(process.env.BENCH_OBJECTS ?? 30_000)
/** Of each pair of servers; and how many pairs. */
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5)
const PAIRS = Number(process.env.BENCH_PAIRS ?? 4)
const LIMITS = (process.env.BENCH_LIMITS ?? '1000,100').split(',').map(Number)
/** Of each measurement, at least. */
const SECONDS = Number(process.env.BENCH_SECONDS ?? 2)
/** `cold` or `sealed`. */
const ONLY = process.env.BENCH_ONLY
const COLLECTION = '7c1d0b0e-3c1e-4d3e-9f51-6b0f4b7d2a10'
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
      - {id: ${COLLECTION}, alias: c, title: C, grants: [{to: "*", read: true, write: true}]}
`
const MARKINGS = [
  'marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487',
  'marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb',
  'marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421',
]

// Levels that alternate: the worst case for runs.
const marked = (i: number) => indicator(i, MARKINGS[i % 3] as string)

/** Walks the whole collection, again and again. @returns objects per second */
async function sync(bench: Bench, limit: number, seconds: number): Promise<number> {
  const start = performance.now()
  for (let syncs = 1; ; syncs++) {
    for (let next = ''; ; ) {
      const url = `${bench.base}/bench/collections/c/objects/?limit=${limit}${next && `&next=${next}`}`
      const { status, body } = await call('GET', url, READER)
      if (status !== 200) throw new Error(`GET answered ${status}`)
      const more = /^\{"more":true,"next":"([^"]+)"/.exec(body.subarray(0, 300).toString())
      if (!more) break
      next = more[1] as string
    }
    const passed = (performance.now() - start) / 1000
    if (passed >= seconds) return (OBJECTS * syncs) / passed
  }
}

/** The figure of which this part is smaller. */
const quantile = (figures: readonly number[], part: number) =>
  [...figures].sort((a, b) => a - b)[Math.floor(part * figures.length)] as number

/** What the ledger has still to seal is not the next run's. */
const settle = () => new Promise((done) => setTimeout(done, 1000))

/** Milliseconds that the whole machine has worked: client, server, database, and what is sealed afterwards. */
const worked = () => cpus().reduce((sum, { times: { user, sys, irq } }) => sum + user + sys + irq, 0)

type Figures = [with_: number[], without: number[], ratio: number[], work: number[]]

/** Two servers on one database, asked in turn, so that what else the machine does meets both alike. */
async function compare(
  database: string,
  settings: Record<string, string>,
  found: Map<number, Figures>,
): Promise<void> {
  const on = await startBench(null, database, settings)
  const off = await startBench(null, database, { ...settings, COMITY_LEDGER: 'off' })
  try {
    for (const [limit, figures] of found) {
      for (const one of [on, off]) await sync(one, limit, SECONDS)
      await settle()
      for (let i = 0; i < ROUNDS; i++) {
        const rates = [0, 0]
        const work = [0, 0]
        for (const k of i % 2 ? [1, 0] : [0, 1]) {
          const [before, start] = [worked(), performance.now()]
          const rate = await sync(k === 0 ? on : off, limit, SECONDS)
          const objects = (rate * (performance.now() - start)) / 1000
          await settle()
          rates[k] = rate
          work[k] = (worked() - before) / objects
        }
        const [with_, without] = rates as [number, number]
        figures[0].push(with_)
        figures[1].push(without)
        figures[2].push(with_ / without)
        figures[3].push((work[0] as number) / (work[1] as number))
      }
    }
  } finally {
    await off.stop()
    await on.stop()
  }
}

/** Several pairs: one process is faster than another, with the same program. */
async function pairs(what: string, database: string, settings: Record<string, string>): Promise<void> {
  const found = new Map<number, Figures>(LIMITS.map((limit) => [limit, [[], [], [], []]]))
  for (let pair = 0; pair < PAIRS; pair++) await compare(database, settings, found)
  for (const [limit, figures] of found) {
    const [with_, without] = figures.map((list) => Math.round(quantile(list, 0.5)))
    const [ratio, low, high] = [0.5, 0.25, 0.75].map((part) => quantile(figures[2], part).toFixed(3))
    const work = quantile(figures[3], 0.5).toFixed(3)
    process.stdout.write(
      `full sync, ${what}, pages of ${limit}: ${with_} objects/s with the ledger, ${without} without, ratio ${ratio} (quartiles ${low} and ${high}); work of the machine per object ${work} times\n`,
    )
  }
}

async function main(): Promise<void> {
  const first = await startBench(TOPOLOGY, process.env.BENCH_DATABASE_URL)
  const db = new pg.Client({ connectionString: first.databaseUrl, options: '-c search_path=comity' })
  await db.connect()
  try {
    for (let k = 0; k < OBJECTS / 1000; k++) {
      const objects = Array.from({ length: 1000 }, (_, i) => marked(k * 1000 + i))
      const url = `${first.base}/bench/collections/c/objects/`
      const { status } = await call('POST', url, FEED, JSON.stringify({ objects }))
      if (status !== 202) throw new Error(`POST answered ${status}`)
    }
    await db.query('vacuum analyze item')
    if (!ONLY || ONLY === 'cold') await pairs('cold', first.databaseUrl, { COMITY_CACHE_BYTES: '0' })
    if (!ONLY || ONLY === 'sealed') await pairs('sealed', first.databaseUrl, {})
    await new Promise((done) => setTimeout(done, 2000))
    const { rows } = await db.query(`select count(*)::int as entries, sum(count)::int as objects,
      pg_total_relation_size('ledger_entry')::int as bytes from ledger_entry`)
    const [{ entries, objects, bytes }] = rows
    process.stdout.write(
      `${entries} entries for ${objects} delivered objects, ${(bytes / objects).toFixed(2)} MB per million\n`,
    )
  } finally {
    await db.end()
    await first.stop()
  }
}

await main()
