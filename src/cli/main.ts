/** The command line's entry: settings, the program, and what its throws become. */
import pg from 'pg'
import { type Config, readConfig } from '../config.ts'
import { openapi } from '../http/openapi.ts'
import { serve } from '../serve.ts'
import { startEmbedded } from '../store/embedded.ts'
import { migrate } from '../store/migrate.ts'
import type { CliContext } from './context.ts'
import { runProgram } from './program.ts'

/** @returns the exit code: 0 done, 1 failed, 2 usage or bad settings, 3 database */
export async function main(argv: string[], env: NodeJS.ProcessEnv): Promise<number> {
  // Read when a command needs it, so that --help and doctor work with a bad setting.
  const config = () => readConfig(env)
  const out = (line: string) => void process.stdout.write(`${line}\n`)
  const err = (line: string) => void process.stderr.write(`${line}\n`)
  const context: CliContext = { env, out, err, withOwner: async (work) => await withOwner(config(), work) }
  return await runProgram(
    {
      context,
      serve: async () => await serve(config()),
      migrate: async ({ dryRun }) => await withDatabase(config(), (url) => runMigrate(url, dryRun, out, err)),
      import: async () => 2,
      export: async () => 2,
      openapi: async () => {
        process.stdout.write(openapi())
        return 0
      },
    },
    argv,
  )
}

async function runMigrate(
  url: string,
  dryRun: boolean,
  out: (line: string) => void,
  err: (line: string) => void,
): Promise<number> {
  const names = await migrate(url, { dryRun })
  for (const name of names) out(`${dryRun ? 'missing' : 'applied'}: ${name}`)
  if (names.length === 0) err('the schema is current')
  return 0
}

/** The owner's database: DATABASE_OWNER_URL, else DATABASE_URL, else the embedded one for as long as this runs. */
async function withDatabase<T>(config: Config, work: (url: string) => Promise<T>): Promise<T> {
  if (config.ownerUrl !== null) return await work(config.ownerUrl)
  const embedded = await startEmbedded(config.dataDir)
  try {
    return await work(embedded.url)
  } finally {
    await embedded.stop()
  }
}

async function withOwner<T>(config: Config, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  return await withDatabase(config, async (url) => {
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
  })
}
