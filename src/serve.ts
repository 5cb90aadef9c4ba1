/** `comity serve`: database, schema, world, app, listen; drains on SIGTERM and Ctrl-C. */
import type { AddressInfo } from 'node:net'
import type { Logger } from 'pino'
import { buildApp } from './app.ts'
import { loadDemo, printDemo } from './cli/demo.ts'
import { type Config, refuseInsecure } from './config.ts'
import { Refusal } from './errors.ts'
import { createMetrics } from './http/metrics.ts'
import { createLog } from './log.ts'
import { version } from './package-root.ts'
import { type Embedded, startEmbedded } from './store/embedded.ts'
import { connect, migrate, redact, refuseSchema, schemaState } from './store/migrate.ts'
import { openPools } from './store/pools.ts'
import { startBackground } from './taxii/background.ts'
import { Exchange } from './taxii/exchange.ts'
import { systemClock } from './time.ts'

const DRAIN_SECONDS = 10

/** Runs until a signal; @returns the exit code. @throws Refusal with one sentence */
export async function serve(config: Config): Promise<number> {
  refuseInsecure(config)
  const log = createLog(config.logLevel)
  let embedded: Embedded | null = null
  try {
    if (config.databaseUrl === null) {
      embedded = await startEmbedded(config.dataDir)
      log.info(`embedded PostgreSQL runs; its data is in ${embedded.directory}`)
    }
    const url = config.databaseUrl ?? (embedded as Embedded).url
    const { strong } = await prepare(url, config, log)
    return await run(config, url, strong, embedded !== null, log)
  } finally {
    await embedded?.stop()
  }
}

/** The schema must be ours and current; a role that may bring it there does. @returns is the login role too strong? */
async function prepare(url: string, config: Config, log: Logger): Promise<{ strong: boolean }> {
  const client = await connect(url, 'comity serve')
  let strong: boolean
  let state: Awaited<ReturnType<typeof schemaState>>
  try {
    const { rows } = await client.query(`select r.rolsuper or r.rolbypassrls or r.rolcreaterole
        or coalesce(pg_has_role(r.oid, (select oid from pg_roles where rolname = 'comity_owner'), 'member'), false) as strong
      from pg_roles r where r.rolname = current_user`)
    strong = Boolean(rows[0]?.strong)
    state = await schemaState(client)
  } finally {
    await client.end()
  }
  refuseSchema(state)
  if (state.state !== 'current') {
    if (!strong) {
      throw new Refusal(
        'The database is not migrated: run comity migrate with DATABASE_OWNER_URL set to a role that may create roles.',
        3,
      )
    }
    for (const name of await migrate(url)) log.info(`migrated: ${name}`)
  }
  if (strong && config.production) {
    log.warn(
      'DATABASE_URL logs in as a role that may do more than serve: give the weak role there, and this one in DATABASE_OWNER_URL',
    )
  }
  return { strong }
}

async function run(
  config: Config,
  url: string,
  strong: boolean,
  isEmbedded: boolean,
  log: Logger,
): Promise<number> {
  const pools = openPools(url, strong, config, (error) =>
    log.warn({ code: (error as { code?: string }).code }, 'a database connection was lost'),
  )
  const metrics = createMetrics(pools.usage)
  const exchange = new Exchange({ ...pools, config, clock: systemClock, observer: metrics })
  try {
    await exchange.refresh()
    if (isEmbedded && config.demo) await loadDemo(exchange, config, url, log)
    if (config.production) await refuseDemoCredentials(exchange)
    let draining = false
    const app = await buildApp({ exchange, metrics, config, log, draining: () => draining })
    try {
      log.level = config.logLevel === 'info' ? 'warn' : config.logLevel
      await app.listen({ host: config.host, port: config.port })
    } catch (error) {
      throw refuseListen(error, config)
    } finally {
      log.level = config.logLevel
    }
    const stopBackground = startBackground(exchange, (error) => {
      log.warn({ err: { message: (error as Error).message } }, 'background work waits for the database')
    })
    const base = baseUrl(app.server.address() as AddressInfo, config)
    log.info(`Comity ${version} listens on ${base}/taxii2/ (database ${redact(url)})`)
    if (isEmbedded && config.demo) printDemo(config, base)

    const signal = await new Promise<string>((resolve) => {
      for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => resolve(name))
    })
    draining = true
    log.info(`${signal}: finishing the requests that run`)
    const force = setTimeout(() => app.server.closeAllConnections(), DRAIN_SECONDS * 1000)
    app.server.closeIdleConnections()
    await app.close()
    clearTimeout(force)
    await stopBackground()
    log.info('stopped')
    return 0
  } finally {
    await pools.close()
  }
}

function baseUrl({ family, address, port }: AddressInfo, config: Config): string {
  return `${config.tls ? 'https' : 'http'}://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}

/** A database that the demo was loaded into is no production database. */
async function refuseDemoCredentials(exchange: Exchange): Promise<void> {
  if (exchange.world.settings.get('demo') !== undefined) {
    throw new Refusal(
      'This database holds the demo exchange and its published credentials: use a fresh database in production.',
      2,
    )
  }
}

function refuseListen(error: unknown, config: Config): Error {
  const { code } = error as { code?: string }
  if (code === 'EADDRINUSE') {
    return new Refusal(
      `Port ${config.port} on ${config.host} is in use: stop what uses it, or set PORT to another.`,
    )
  }
  if (code === 'EACCES')
    return new Refusal(`Port ${config.port} may not be used by this user: set PORT above 1023.`)
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return new Refusal(`HOST=${config.host} is not an address of this machine: set HOST to one that is.`)
  }
  return error as Error
}
