/** Full sync, empty polls and ingest, broad and narrow reader, beside the same work without policy and the raw database. */
import pg from 'pg'
import { indicator } from './indicator.ts'
import { type Bench, call, startBench } from './server.ts'

const OBJECTS = Number(process.env.BENCH_OBJECTS ?? 50_000)
const SECONDS = Number(process.env.BENCH_SECONDS ?? 3)
const COLLECTION = '7c1d0b0e-3c1e-4d3e-9f51-6b0f4b7d2a10'
const TOKEN = {
  feed: 'bench-feed-token-0123456789abcdef',
  broad: 'bench-broad-token-0123456789abcdef',
  narrow: 'bench-narrow-token-0123456789abcdef',
}

// The broad reader is the partner's national CERT; the narrow one a stranger to whom 1 object in 100 is CLEAR.
const TOPOLOGY = `
countries: [{code: MY}, {code: DE}, {code: BR}]
organizations:
  - {id: mycert, name: MyCERT, country: MY, kind: national-cert}
  - {id: decert, name: DE CERT, country: DE, kind: national-cert}
  - {id: stranger, name: Stranger, country: BR, kind: organization}
principals:
  - {id: feed, organization: mycert, kind: service, tokens: [{name: t, value: ${TOKEN.feed}}]}
  - {id: broad, organization: decert, kind: service, tokens: [{name: t, value: ${TOKEN.broad}}]}
  - {id: narrow, organization: stranger, kind: service, tokens: [{name: t, value: ${TOKEN.narrow}}]}
agreements: [{from: MY, to: DE, max_tlp: amber, recipients: all, signed: [MY, DE]}]
baseline: {max_tlp: green, members: [MY, DE]}
api_roots:
  - path: bench
    title: Benchmark
    collections:
      - {id: ${COLLECTION}, alias: c, title: C, grants: [{to: "*", read: true, write: true}]}
      - {id: 8c1d0b0e-3c1e-4d3e-9f51-6b0f4b7d2a10, alias: w, title: W, grants: [{to: "*", read: true, write: true}]}
`
const CLEAR = 'marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487'
const OTHERS = [
  'marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb',
  'marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421',
]

const marked = (i: number) => indicator(i, i % 100 === 0 ? CLEAR : (OTHERS[i % 2] as string))

const rows: { what: string; figure: string; ratio: string }[] = []
const report = (what: string, figure: string, ratio = '') => rows.push({ what, figure, ratio })
const per = (count: number, ms: number) => Math.round((count / ms) * 1000)
const times = (a: number, b: number) => `${(a / b).toFixed(2)} x`

async function timed<T>(work: () => Promise<T>): Promise<[T, number]> {
  const start = performance.now()
  const result = await work()
  return [result, performance.now() - start]
}

/** Median of some runs of something that says how many it did, in items per second. */
async function median(runs: number, work: () => Promise<number>): Promise<number> {
  const figures: number[] = []
  for (let i = 0; i < runs; i++) {
    const [count, ms] = await timed(work)
    figures.push((count / ms) * 1000)
  }
  return figures.sort((a, b) => a - b)[runs >> 1] as number
}

async function ingest(bench: Bench, db: pg.Client): Promise<void> {
  const bodies = (count: number, size: number) =>
    Array.from({ length: count / size }, (_, k) =>
      JSON.stringify({ objects: Array.from({ length: size }, (_, i) => marked(k * size + i)) }),
    )
  const post = async (path: string, list: string[]) => {
    for (const body of list) {
      const { status } = await call(
        'POST',
        `${bench.base}/bench/collections/${path}/objects/`,
        TOKEN.feed,
        body,
      )
      if (status !== 202) throw new Error(`POST answered ${status}`)
    }
  }
  const load = bodies(OBJECTS, 1000)
  const [, ms] = await timed(() => post('c', load))
  await db.query('set role comity_owner; set search_path = comity')
  await db.query('create temporary table raw (like item including all)')
  const batches = 10
  const [, rawMs] = await timed(async () => {
    for (let i = 0; i < batches; i++) {
      await db.query(
        'insert into raw select * from item where collection = (select seq from collection where alias = $1) order by position limit 1000 offset $2',
        ['c', i * 1000],
      )
    }
  })
  const raw = per(batches * 1000, rawMs)
  report(
    'ingest, envelopes of 1,000',
    `${per(OBJECTS, ms)} objects/s`,
    `${times(per(OBJECTS, ms), raw)} of insert-select into the same indexed table (${raw}/s)`,
  )
  const small = bodies(5000, 100)
  const [, smallMs] = await timed(() => post('w', small))
  report(
    'ingest, envelopes of 100',
    `${per(5000, smallMs)} objects/s`,
    `${times(per(5000, smallMs), raw)} of the same`,
  )
  const single = bodies(300, 1)
  const [, singleMs] = await timed(() => post('w', single))
  await db.query('create unlogged table if not exists bench_one (id bigint primary key, body text)')
  await db.query('alter table bench_one set logged')
  const [, oneMs] = await timed(async () => {
    for (let i = 0; i < 300; i++) await db.query('insert into bench_one values ($1, $2)', [i, single[i]])
  })
  await db.query('drop table bench_one')
  report(
    'ingest, single objects, 1 sender',
    `${per(300, singleMs)} objects/s`,
    `${times(per(300, singleMs), per(300, oneMs))} of one-row durable inserts (${per(300, oneMs)}/s)`,
  )
}

/** Walks the whole collection by `next`; @returns bytes received. */
async function sync(bench: Bench, token: string, limit: number, what = 'objects'): Promise<number> {
  let next = ''
  let bytes = 0
  for (;;) {
    const url = `${bench.base}/bench/collections/c/${what}/?limit=${limit}${next && `&next=${next}`}`
    const { status, body } = await call('GET', url, token)
    if (status !== 200) throw new Error(`GET answered ${status}`)
    bytes += body.length
    const more = /^\{"more":true,"next":"([^"]+)"/.exec(body.subarray(0, 300).toString())
    if (!more) return bytes
    next = more[1] as string
  }
}

/** The same pages straight from the database, as owner: no policy, no HTTP. @param visible extra condition */
async function syncRaw(db: pg.Client, limit: number, visible: string): Promise<number> {
  let position = '0'
  let bytes = 0
  for (;;) {
    const { rows: found } = await db.query(
      `select string_agg(body, ',' order by position) as text, max(position)::text as last from (
        select position, body from comity.item where collection = (select seq from comity.collection where alias = 'c')
          and position > $1 and not standard ${visible} order by position limit $2) x`,
      [position, limit],
    )
    if (found[0].last === null) return bytes
    bytes += Buffer.byteLength(found[0].text)
    position = found[0].last
  }
}

async function polls(bench: Bench, token: string, connections: number): Promise<number> {
  const url = `${bench.base}/bench/collections/c/objects/?added_after=2100-01-01T00:00:00Z`
  let count = 0
  const [, ms] = await timed(async () => {
    const end = performance.now() + SECONDS * 1000
    await Promise.all(
      Array.from({ length: connections }, async () => {
        while (performance.now() < end) {
          await call('GET', url, token)
          count++
        }
      }),
    )
  })
  return per(count, ms)
}

async function main(): Promise<void> {
  const bench = await startBench(TOPOLOGY, process.env.BENCH_DATABASE_URL)
  const db = new pg.Client({ connectionString: bench.databaseUrl })
  await db.connect()
  try {
    await ingest(bench, db)
    await db.query('analyze item')
    const mb = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB/s`
    for (const limit of [100, 1000]) {
      const raw = await median(3, () => syncRaw(db, limit, ''))
      const broad = await median(3, () => sync(bench, TOKEN.broad, limit))
      report(
        `full sync, pages of ${limit}, broad reader`,
        mb(broad),
        `${times(broad, raw)} of the same pages from the raw database without policy (${mb(raw)})`,
      )
      const clear = `and audience = (select min(id) from comity.audience where record -> 'own' -> 0 ->> 'level' = 'clear' and record ->> 'submitter' = 'feed')`
      const rawNarrow = await median(3, () => syncRaw(db, limit, clear))
      const narrow = await median(3, () => sync(bench, TOKEN.narrow, limit))
      report(
        `full sync, pages of ${limit}, narrow reader (1 %)`,
        mb(narrow),
        `${times(narrow, rawNarrow)} of its rows from the raw database by index (${mb(rawNarrow)})`,
      )
    }
    for (const connections of [1, 16]) {
      const broad = await polls(bench, TOKEN.broad, connections)
      const narrow = await polls(bench, TOKEN.narrow, connections)
      const start = performance.now()
      let count = 0
      while (performance.now() - start < 1000) {
        await db.query('select 1')
        count++
      }
      report(
        `empty polls, ${connections} connections, broad reader`,
        `${broad}/s`,
        `${times(broad, count)} of select 1 on one connection (${count}/s)`,
      )
      report(
        `empty polls, ${connections} connections, narrow reader`,
        `${narrow}/s`,
        `${times(narrow, broad)} of the broad reader`,
      )
    }
    const width = Math.max(...rows.map((row) => row.what.length))
    for (const row of rows)
      process.stdout.write(`${row.what.padEnd(width)}  ${row.figure.padStart(16)}  ${row.ratio}\n`)
  } finally {
    await db.end()
    await bench.stop()
  }
}

await main()
