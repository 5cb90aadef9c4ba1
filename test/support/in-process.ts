/** A node inside the test's own process: the real app on a real Postgres as comity_app, with a clock to set. */
import type { FastifyInstance } from 'fastify'
import pg from 'pg'
import pino from 'pino'
import { Registry } from 'prom-client'
import { buildApp } from '../../src/app.ts'
import { readTopologyFile } from '../../src/cli/topology-file.ts'
import { readConfig } from '../../src/config.ts'
import type { Metrics } from '../../src/http/metrics.ts'
import { keyedHash } from '../../src/policy/credentials.ts'
import type { DeclaredTopology } from '../../src/policy/declared.ts'
import { openPools } from '../../src/store/pools.ts'
import type { Way } from '../../src/store/read-items.ts'
import { routeRequests } from '../../src/store/release-requests.ts'
import { applyTopology } from '../../src/store/topology.ts'
import { continueUpload } from '../../src/taxii/add-objects.ts'
import { Exchange } from '../../src/taxii/exchange.ts'
import { keepLedger } from '../../src/taxii/keep-ledger.ts'
import { labelAnew } from '../../src/taxii/label-anew.ts'
import { nameAnew } from '../../src/taxii/name-anew.ts'
import { releaseDue } from '../../src/taxii/release-due.ts'
import { continueSchedule } from '../../src/taxii/release-step.ts'
import type { Clock, Micros } from '../../src/time.ts'
import { Answer, T21 } from './client.ts'

/** A clock that stands still until it is moved. */
export class TestClock implements Clock {
  at: Micros
  constructor(at: Micros) {
    this.at = at
  }
  now(): Micros {
    return this.at
  }
}

export interface Call {
  method?: 'GET' | 'HEAD' | 'POST' | 'PATCH' | 'DELETE' | 'OPTIONS' | 'PUT'
  path: string
  /** Value of the Authorization header. */
  as?: string | null
  headers?: Record<string, string>
  body?: string
}

export interface Node {
  app: FastifyInstance
  exchange: Exchange
  call(call: Call): Promise<Answer>
  /** Ends embargoes and takes the steps that are due, tells originators of requests, finishes uploads, labels waiting objects anew, seals the ledger. */
  work(): Promise<void>
  /** Of that, the ledger's. */
  keepLedger(): Promise<void>
  close(): Promise<void>
}

/** The ways of a page; 2 is often too few audiences, so that the page is asked for again. */
export const WAYS: readonly Way[] = ['along', 'merged', 2, 8]

export interface NodeOptions {
  env?: Record<string, string>
  /** Which plan a page takes, instead of what the node would choose. */
  way?: () => Way
  /** From how many rows on a page is read ahead, and written down by itself, instead of what is usual. */
  large?: number
  /** May writes take the short way? */
  short?: boolean
}

export async function openNode(url: string, clock: Clock, options: NodeOptions = {}): Promise<Node> {
  const config = readConfig({
    DATABASE_URL: url,
    COMITY_LOGIN_THROTTLE: 'off',
    COMITY_REQUEST_LIMIT: 'off',
    COMITY_POOL_SIZE: '2',
    ...options.env,
  })
  const pools = openPools(url, true, config, () => {})
  // Without the figures of the process, whose observers would pile up with the nodes.
  const none = () => {}
  const metrics: Metrics = {
    registry: new Registry(),
    request: none,
    replica: () => none,
    ingested: none,
    credential: none,
  }
  const exchange = new Exchange({ ...pools, config, clock, observer: metrics })
  await exchange.refresh()
  if (options.way) exchange.way = options.way
  if (options.large !== undefined) exchange.large = options.large
  if (options.short !== undefined) exchange.short = options.short
  const log = pino({ level: 'silent' })
  const app = await buildApp({ exchange, metrics, config, log, draining: () => false })
  await app.ready()
  return {
    app,
    exchange,
    async call({ method = 'GET', path, as = null, headers = {}, body }) {
      const response = await app.inject({
        method,
        url: path,
        headers: {
          accept: T21,
          ...(as === null ? {} : { authorization: as }),
          ...(body === undefined ? {} : { 'content-type': T21 }),
          ...headers,
        },
        ...(body === undefined ? {} : { payload: body }),
      })
      const flat: string[] = []
      for (const [name, value] of Object.entries(response.headers)) {
        for (const one of Array.isArray(value) ? value : [value]) flat.push(name, String(one))
      }
      return new Answer(response.statusCode, flat, response.rawPayload, false)
    },
    async keepLedger() {
      await keepLedger(exchange)
    },
    async work() {
      while (await nameAnew(exchange)) {}
      while ((await releaseDue(exchange)) > 0) {}
      while (await continueSchedule(exchange)) {}
      while ((await routeRequests(exchange.pool)) > 0) {}
      while (await continueUpload(exchange)) {}
      while (await labelAnew(exchange)) {}
      await keepLedger(exchange)
    },
    async close() {
      await app.close()
      await pools.close()
    },
  }
}

/** Runs statements as the superuser of a database, in schema comity. */
export async function asOwner<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, options: '-c search_path=comity,pg_temp' })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** Applies a topology without a process of its own; @returns it as declared. */
export async function applyInProcess(url: string, text: string, now: Micros): Promise<DeclaredTopology> {
  const file = readTopologyFile(text, { env: {}, baseDir: '/' })
  if (!file.ok) throw new Error(`bad topology: ${file.problems.map((p) => p.message).join('; ')}\n${text}`)
  await asOwner(url, async (client) => {
    const { rows } = await client.query(`select value from setting where key = 'token_key'`)
    const key = Buffer.from(String(rows[0]?.value), 'hex')
    await client.query('set role comity_owner')
    await applyTopology(client as unknown as pg.PoolClient, file.declared, {
      prune: false,
      dryRun: false,
      now,
      hashToken: (sha256) => keyedHash(key, sha256),
    })
  })
  return file.declared
}

/** Another database on the same server. */
export function sibling(url: string, suffix: string): string {
  const u = new URL(url)
  u.pathname = `${u.pathname}_${suffix}`
  return u.toString()
}

const nameOf = (url: string) => new URL(url).pathname.slice(1)

/** Copies a database that nobody is connected to. */
export async function copyDatabase(from: string, to: string): Promise<void> {
  await asOwner(elsewhere(from), (client) =>
    client.query(`create database "${nameOf(to)}" template "${nameOf(from)}" strategy file_copy`),
  )
}

export async function dropDatabase(url: string): Promise<void> {
  await asOwner(elsewhere(url), (client) =>
    client.query(`drop database if exists "${nameOf(url)}" with (force)`),
  )
}

function elsewhere(url: string): string {
  const u = new URL(url)
  u.pathname = '/postgres'
  return u.toString()
}
