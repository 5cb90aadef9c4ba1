/** `comity serve`: database, schema, world, app, listen; drains on SIGTERM and Ctrl-C. */
import type { AddressInfo } from 'node:net'
import type { Logger } from 'pino'
import { buildApp } from './app.ts'
import { loadDemo, printDemo } from './cli/demo.ts'
import { type Config, refuseInsecure } from './config.ts'
import { AppError, Refusal } from './errors.ts'
import { giveHeapRoom } from './heap.ts'
import { boundAnswers } from './http/bound-answers.ts'
import { createMetrics, type Metrics } from './http/metrics.ts'
import { createLog } from './log.ts'
import { version } from './package-root.ts'
import { type Embedded, startEmbedded } from './store/embedded.ts'
import { connect, isStrongRole, migrate, redact, refuseSchema, schemaState } from './store/migrate.ts'
import { openPools } from './store/pools.ts'
import type { Replica } from './store/replica.ts'
import { startBackground } from './taxii/background.ts'
import { Exchange } from './taxii/exchange.ts'
import { systemClock } from './time.ts'

const DRAIN_SECONDS = 10
/** What is left after the drain, such as a batch that waits for a lock, is broken off and rolled back. */
const LAST_SECONDS = 2

/** Runs until a signal; @returns the exit code. @throws Refusal with one sentence */
export async function serve(config: Config): Promise<number> {
  refuseInsecure(config)
  giveHeapRoom()
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
    strong = await isStrongRole(client)
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
    // Its lock is one of a session, which a pooler does not keep.
    if (config.pooled) {
      throw new Refusal(
        'The database is not migrated: run comity migrate with DATABASE_OWNER_URL set to the server itself, not to its pooler.',
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
  if (pools.replica) watch(pools.replica, metrics, log)
  const exchange = new Exchange({ ...pools, config, clock: systemClock, observer: metrics })
  try {
    await exchange.refresh()
    const demo = isEmbedded && config.demo && (await loadDemo(exchange, config, url, log))
    if (config.production) await refuseDemoCredentials(exchange)
    let draining = false
    const app = await buildApp({ exchange, metrics, config, log, draining: () => draining }).catch(
      (error: unknown) => {
        throw refuseBuild(error, config)
      },
    )
    boundAnswers(app, config.requestSeconds)
    app.addHook('onSend', (_request, reply, payload, done) => {
      if (draining) reply.header('connection', 'close')
      done(null, payload)
    })
    // Before anybody can be told that it is ready: whoever hears so may end it at once.
    const signalled = new Promise<string>((resolve) => {
      for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => resolve(name))
    })
    try {
      log.level = config.logLevel === 'info' ? 'warn' : config.logLevel
      await app.listen({ host: config.host, port: config.port })
    } catch (error) {
      throw refuseListen(error, config)
    } finally {
      log.level = config.logLevel
    }
    const stopBackground = startBackground(exchange, (error) => logBackground(error, log))
    const base = baseUrl(app.server.address() as AddressInfo, config)
    log.info(`Comity ${version} listens on ${base}/taxii2/ (database ${redact(url)})`)
    if (demo) printDemo(config, base)

    const signal = await signalled
    draining = true
    log.info(`${signal}: finishing the requests that run`)
    const seconds = Math.min(DRAIN_SECONDS, config.requestSeconds)
    const force = setTimeout(() => app.server.closeAllConnections(), seconds * 1000)
    // A connection becomes idle when its request is done, and would be kept for the next one.
    const idle = setInterval(() => app.server.closeIdleConnections(), 50)
    await app.close()
    clearTimeout(force)
    clearInterval(idle)
    await atMost(stopBackground())
    log.info('stopped')
    return 0
  } finally {
    await atMost(pools.close())
  }
}

function watch(replica: Replica, metrics: Metrics, log: Logger): void {
  replica.onPage = metrics.replica(() => replica.state.up)
  replica.onChange = (what, reason) => {
    if (what === 'serves') log.info('pages are read from the replica')
    else if (what === 'lags') log.warn('the replica lags: the primary reads the pages until it has caught up')
    else log.warn(`the replica fails (${reason}): the primary reads the pages`)
  }
}

async function atMost(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((done) => {
    timer = setTimeout(done, LAST_SECONDS * 1000)
  })
  await Promise.race([work, late]).finally(() => clearTimeout(timer))
}

/** As for requests: a database that is gone is a warning, anything else a failure; never parameters or contents. */
function logBackground(error: unknown, log: Logger): void {
  const cause = error instanceof AppError ? error.cause : error
  const { name, code, message } = (cause instanceof Error ? cause : error) as Error & { code?: string }
  const err = { type: name, ...(code && { code }), message }
  if (error instanceof AppError && error.code === 'unavailable') {
    log.warn({ err }, 'background work waits for the database')
  } else log.error({ err }, 'background work failed and will be tried again')
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

/** Settings that only their user finds fault with. */
function refuseBuild(error: unknown, config: Config): unknown {
  const { code = '', message = '' } = error as { code?: string; message?: string }
  if (config.tls && /^ERR_(OSSL|TLS|CRYPTO|MISSING_PASSPHRASE)/.test(code)) {
    return new Refusal(
      `COMITY_TLS_CERT and COMITY_TLS_KEY cannot be used (${code}): give PEM files of a certificate chain and its unencrypted private key.`,
      2,
    )
  }
  if (config.trustProxy && /^invalid (IP address|range)/.test(message)) {
    return new Refusal(`COMITY_TRUST_PROXY holds an ${message}: give addresses or CIDRs.`, 2)
  }
  return error
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
