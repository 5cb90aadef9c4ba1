/** The database for a command: as the exchange sees it, or as its owner; the embedded one for as long as it takes. */
import pg from 'pg'
import type { Config } from '../config.ts'
import { Refusal } from '../errors.ts'
import { startEmbedded } from '../store/embedded.ts'
import { connect, isStrongRole, refuseSchema, schemaState } from '../store/migrate.ts'
import { openPools } from '../store/pools.ts'
import { Exchange, type Observer } from '../taxii/exchange.ts'
import { systemClock } from '../time.ts'
import { EXIT } from './context.ts'

/** A command has no metrics. */
const UNOBSERVED: Observer = { ingested: () => {}, credential: () => {} }

/**
 * Runs `work` on the exchange of DATABASE_URL, or of the embedded database, as the application role.
 * @throws Refusal when the database does not answer, is in use (embedded), or is not migrated
 */
export async function withExchange<T>(config: Config, work: (exchange: Exchange) => Promise<T>): Promise<T> {
  return await withDatabase(config, config.databaseUrl, async (url) => {
    const pools = openPools(url, await isStrong(url), { ...config, readUrl: null }, () => {})
    try {
      const exchange = new Exchange({ ...pools, config, clock: systemClock, observer: UNOBSERVED })
      await exchange.refresh()
      return await work(exchange)
    } finally {
      await pools.close()
    }
  })
}

/** Runs `work` as comity_owner: on DATABASE_OWNER_URL, else DATABASE_URL, else the embedded database. */
export async function withOwner<T>(config: Config, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  return await withDatabase(config, ownerAddress(config), async (url) => await asOwner(url, work))
}

/** @throws Refusal when it is the pooler's: a session there is nobody's own */
export function ownerAddress({ ownerUrl, databaseUrl, pooled }: Config): string | null {
  if (pooled && ownerUrl !== null && ownerUrl === databaseUrl) {
    throw new Refusal(
      'With COMITY_POOLED=transaction this command needs DATABASE_OWNER_URL: the PostgreSQL server itself, not its pooler.',
      EXIT.usage,
    )
  }
  return ownerUrl
}

/** Runs `work` on one connection as comity_owner in schema comity. @param url of a role that may become the owner */
export async function asOwner<T>(url: string, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const pool = new pg.Pool({
    connectionString: url,
    max: 1,
    application_name: 'comity cli',
    connectionTimeoutMillis: 5_000,
    options: '-c role=comity_owner -c search_path=comity,pg_temp -c timezone=UTC',
  })
  pool.on('error', () => {})
  try {
    const client = await pool.connect()
    try {
      return await work(client)
    } finally {
      client.release(true)
    }
  } finally {
    await pool.end()
  }
}

/** @param url null: the embedded database is started, and stopped at the end or when a signal ends the command */
export async function withDatabase<T>(
  config: Config,
  url: string | null,
  work: (url: string) => Promise<T>,
): Promise<T> {
  if (url !== null) return await work(url)
  const embedded = await startEmbedded(config.dataDir).catch((error: unknown) => {
    const used =
      error instanceof Refusal && /^Another Comity \(process (\d+)\) uses (.+): stop it/.exec(error.message)
    if (!used) throw error
    throw new Refusal(
      `The embedded database in ${used[2]} is in use by a running Comity (process ${used[1]}): stop it first, or set DATABASE_URL to the database that you mean.`,
      EXIT.database,
    )
  })
  // It has a process group of its own, so that it would outlive a command that a signal ends.
  let ending = false
  const end = (signal: NodeJS.Signals) => {
    ending = true
    // Connections in use break with it, and that is no news.
    process.on('uncaughtException', () => {})
    void embedded.stop().finally(() => process.exit(signal === 'SIGINT' ? 130 : 143))
  }
  const signals = ['SIGINT', 'SIGTERM'] as const
  for (const signal of signals) process.once(signal, end)
  try {
    return await work(embedded.url)
  } finally {
    for (const signal of signals) process.off(signal, end)
    if (ending) await new Promise<never>(() => {})
    await embedded.stop()
  }
}

/** May the URL's login role act as comity_app? @throws Refusal unless the schema is current */
async function isStrong(url: string): Promise<boolean> {
  const client = await connect(url, 'comity cli')
  try {
    const state = await schemaState(client)
    refuseSchema(state)
    if (state.state !== 'current') {
      throw new Refusal('The database is not migrated: run comity migrate.', EXIT.database)
    }
    return await isStrongRole(client)
  } finally {
    await client.end()
  }
}
