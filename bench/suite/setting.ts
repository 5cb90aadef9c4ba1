/** What a run of the suite has at hand: a server, one that keeps no pages, a bare Fastify, all on one database. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import pg from 'pg'
import { packageRoot } from '../../src/package-root.ts'
import { indicator } from '../indicator.ts'
import { type Bench, freePort, startBench } from '../server.ts'
import { push } from './clients.ts'
import type { Report } from './report.ts'
import { bearer, HIDDEN, markingOf, TOPOLOGY } from './world.ts'

export interface Setting {
  report: Report
  objects: number
  seconds: number
  server: Bench
  /** Without pages in memory. */
  cold: Bench
  /** Base URL of the bare Fastify. */
  bare: string
  db: pg.Client
  /** Position before the burst of hidden rows. */
  burst: string
  /** Rows of that burst. */
  hidden: number
}

/** Loads the log, measuring its ingest. */
export async function prepare(
  report: Report,
  objects: number,
  seconds: number,
): Promise<[Setting, () => Promise<void>]> {
  const server = await startBench(TOPOLOGY, process.env.BENCH_DATABASE_URL)
  const cold = await startBench(null, server.databaseUrl, { COMITY_CACHE_BYTES: '0' })
  const bare = await startBare(server.databaseUrl)
  const db = new pg.Client({
    connectionString: server.databaseUrl,
    options: '-c role=comity_owner -c search_path=comity',
  })
  await db.connect()
  const hidden = Math.min(50_000, objects / 2)
  let at = 0
  const load = async (count: number, marking: (i: number) => string) => {
    for (let left = count; left > 0; left -= 20_000) {
      const envelopes = Array.from({ length: Math.min(left, 20_000) / 1000 }, () =>
        JSON.stringify({ objects: Array.from({ length: 1000 }, () => indicator(at, marking(at++))) }),
      )
      rates.push(await push(server.base, 'log', bearer('feed'), envelopes, 1000, 1))
    }
  }
  const rates: number[] = []
  await load(objects / 2, markingOf)
  const burst = await lastPosition(db)
  await load(hidden, () => HIDDEN)
  await load(objects / 2, markingOf)
  await db.query('vacuum analyze item')
  // The nodes measure how broad readers are every so often; wait for it.
  await new Promise((done) => setTimeout(done, 2_000))
  const setting = { report, objects, seconds, server, cold, bare: bare.base, db, burst, hidden }
  return [
    setting,
    async () => {
      await db.end()
      await bare.stop()
      await cold.stop()
      await server.stop()
    },
  ]
}

export async function lastPosition(db: pg.Client): Promise<string> {
  const { rows } = await db.query(
    `select last_added::text as at from collection_head where collection = (select seq from collection where alias = 'log')`,
  )
  return rows[0].at
}

async function startBare(databaseUrl: string): Promise<{ base: string; stop(): Promise<void> }> {
  const port = await freePort()
  const program = join(packageRoot, 'build', 'bench', 'suite', 'bare.js')
  const child: ChildProcess = spawn(process.execPath, [program], {
    env: { ...process.env, DATABASE_URL: databaseUrl, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise((resolve, reject) => {
    child.stdout?.once('data', resolve)
    child.once('exit', () => reject(new Error('the bare server ended')))
  })
  return {
    base: `http://127.0.0.1:${port}`,
    async stop() {
      child.kill('SIGTERM')
      await new Promise((resolve) => child.once('exit', resolve))
    },
  }
}
