/** Writing: envelopes and single objects of one and more senders, beside COPY and one-row inserts into the same indexed table. */
import { join } from 'node:path'
import pg from 'pg'
import { indicator } from './indicator.ts'
import { type Bench, call, startBench } from './server.ts'

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3)
const LARGE = Number(process.env.BENCH_OBJECTS ?? 16_000)
const ONLY = process.env.BENCH_ONLY
const COLLECTION = '7c1d0b0e-3c1e-4d3e-9f51-6b0f4b7d2a10'
const SENDERS = 4
const token = (i: number) => `bench-sender-token-${i}-0123456789abcdef`
const CLEAR = 'marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487'
const GREEN = 'marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb'

const TOPOLOGY = `
countries: [{code: MY}]
organizations:
${Array.from({ length: SENDERS }, (_, i) => `  - {id: org${i}, name: Org ${i}, country: MY, kind: organization}`).join('\n')}
principals:
${Array.from({ length: SENDERS }, (_, i) => `  - {id: feed${i}, organization: org${i}, kind: service, tokens: [{name: t, value: ${token(i)}}]}`).join('\n')}
agreements: []
api_roots:
  - path: bench
    title: Benchmark
    collections:
      - {id: ${COLLECTION}, alias: c, title: C, grants: [{to: "*", read: true, write: true}]}
`

/** Envelopes of `size` objects, `count` objects in all. */
function envelopes(count: number, size: number): string[] {
  return Array.from({ length: count / size }, (_, k) =>
    JSON.stringify({
      objects: Array.from({ length: size }, (_, i) => indicator(k * size + i, i % 2 ? CLEAR : GREEN)),
    }),
  )
}

/** Sends these bodies over so many connections, as so many senders; @returns milliseconds. */
async function send(bench: Bench, bodies: string[], connections: number, senders: number): Promise<number> {
  const url = `${bench.base}/bench/collections/c/objects/`
  const start = performance.now()
  let next = 0
  await Promise.all(
    Array.from({ length: connections }, async (_, connection) => {
      for (;;) {
        const body = bodies[next++]
        if (body === undefined) return
        const { status, body: answer } = await call('POST', url, token(connection % senders), body)
        if (status !== 202 || !answer.includes('"failure_count":0')) {
          throw new Error(`POST answered ${status}: ${answer.toString().slice(0, 300)}`)
        }
      }
    }),
  )
  return performance.now() - start
}

interface Scenario {
  what: string
  objects: number
  run(round: number): Promise<number>
}

const COLUMNS = `collection, position, accepted, audience, label, bytes, spec, sco, object_id, type, version_key, version,
  organization, principal, hash, body`

/** COPY of stored rows into a copy of the table with all its indexes, in one transaction, by the database itself. */
async function copyIn(db: pg.Client, file: string, round: number): Promise<number> {
  await db.query(`copy (select ${COLUMNS.replace('collection', `${100 + round}`)} from item where not standard
    order by position limit 4000) to '${file}'`)
  const start = performance.now()
  await db.query(`copy bench_item (${COLUMNS}) from '${file}'`)
  return performance.now() - start
}

/** One-row inserts, each its own transaction, by a pool such as the server's. */
async function insertRows(pool: pg.Pool, rows: unknown[][], connections: number): Promise<number> {
  const values = COLUMNS.split(',').map((_, i) => `$${i + 1}`)
  const text = `insert into comity.bench_item (${COLUMNS}) values (${values.join(', ')})`
  await pool.query('delete from comity.bench_item where collection < 100')
  const start = performance.now()
  let next = 0
  await Promise.all(
    Array.from({ length: connections }, async () => {
      for (;;) {
        const row = rows[next++]
        if (!row) return
        await pool.query({ name: 'one', text, values: row })
      }
    }),
  )
  return performance.now() - start
}

function yardstickOf(what: string): string | null {
  const single = /^single objects, (\d+)/.exec(what)
  if (single) return `one-row inserts, ${single[1]}`
  return what.startsWith('envelopes') ? 'COPY in' : null
}

const median = (figures: number[]) => figures.sort((a, b) => a - b)[figures.length >> 1] as number

async function main(): Promise<void> {
  const bench = await startBench(TOPOLOGY, process.env.BENCH_DATABASE_URL, {
    COMITY_POOL_SIZE: '10',
  })
  const db = new pg.Client({ connectionString: bench.databaseUrl, options: '-c search_path=comity' })
  const pool = new pg.Pool({ connectionString: bench.databaseUrl, max: 10 })
  await db.connect()
  try {
    await send(bench, envelopes(4000, 1000), 2, 2)
    await db.query('create table bench_item (like item including all)')
    const folder = (await db.query("select current_setting('data_directory') as d")).rows[0].d
    const file = join(folder, 'comity-bench.copy')
    const { rows } = await db.query({
      text: `select ${COLUMNS} from item where not standard limit 1000`,
      rowMode: 'array',
    })
    const post = (objects: number, size: number, connections: number, senders: number): Scenario => ({
      what:
        size === 1
          ? `single objects, ${connections} connection${connections > 1 ? 's' : ''}`
          : `envelopes of ${size}, ${senders} sender${senders > 1 ? 's' : ''}`,
      objects,
      run: () => send(bench, envelopes(objects, size), connections, senders),
    })
    const scenarios: Scenario[] = [
      { what: 'COPY in', objects: 4000, run: (round: number) => copyIn(db, file, round) },
      ...[1, 4, 16].map((n) => ({
        what: `one-row inserts, ${n}`,
        objects: rows.length,
        run: () => insertRows(pool, rows, n),
      })),
      post(LARGE, 1000, 1, 1),
      post(LARGE, 1000, 4, 4),
      post(LARGE / 2, 100, 1, 1),
      post(LARGE / 2, 100, 4, 4),
      post(LARGE / 32, 1, 1, 1),
      post(LARGE / 16, 1, 4, 4),
      post(LARGE / 8, 1, 16, 4),
    ].filter((s, _, all) => {
      const wanted = (what: string) => !ONLY || what.includes(ONLY)
      return wanted(s.what) || all.some((x) => wanted(x.what) && yardstickOf(x.what) === s.what)
    })
    // Yardstick and scenario side by side in each round: what else runs on the machine weighs on both.
    const figures = new Map<string, number[]>()
    const ratios = new Map<string, number[]>()
    for (let round = 0; round < ROUNDS; round++) {
      const now = new Map<string, number>()
      for (const { what, objects, run } of scenarios) {
        const speed = (objects / (await run(round))) * 1000
        now.set(what, speed)
        figures.set(what, [...(figures.get(what) ?? []), speed])
        const yardstick = now.get(yardstickOf(what) ?? '')
        if (yardstick) ratios.set(what, [...(ratios.get(what) ?? []), speed / yardstick])
      }
    }
    for (const { what } of scenarios) {
      const figure = Math.round(median(figures.get(what) as number[]))
      const best = Math.round(Math.max(...(figures.get(what) as number[])))
      const beside = ratios.get(what)
      const ratio = beside ? `  ${median(beside).toFixed(2)} x ${yardstickOf(what)}` : ''
      process.stdout.write(`${what.padEnd(32)}${figure.toString().padStart(8)}/s (best ${best})${ratio}\n`)
    }
  } finally {
    await pool.end()
    await db.end()
    await bench.stop()
  }
}

await main()
