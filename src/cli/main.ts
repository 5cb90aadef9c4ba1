/** The command line's entry: settings, the program, and what its throws become. */
import { readConfig } from '../config.ts'
import { openapi } from '../http/openapi.ts'
import { serve } from '../serve.ts'
import { migrate } from '../store/migrate.ts'
import { labelAnew } from '../taxii/label-anew.ts'
import { nameAnew } from '../taxii/name-anew.ts'
import { backfillCommand } from './backfill.ts'
import type { CliContext } from './context.ts'
import { ownerAddress, withDatabase, withExchange, withOwner } from './exchange.ts'
import { exportObjects } from './export.ts'
import { importFiles } from './import.ts'
import { policyCommand } from './policy.ts'
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
      migrate: async ({ dryRun }) =>
        await withDatabase(config(), ownerAddress(config()), (url) => runMigrate(url, dryRun, out, err)),
      import: async (command) =>
        await withExchange(config(), (exchange) => importFiles(exchange, { ...command, out, err })),
      export: async (command) =>
        await withExchange(config(), (exchange) => exportObjects(exchange, { ...command, err })),
      labelDue: async () =>
        await withExchange(config(), async (exchange) => {
          while (await nameAnew(exchange)) {}
          while (await labelAnew(exchange)) {}
        }),
      backfill: async (command) =>
        await withExchange(config(), (exchange) => backfillCommand(exchange, command, { out, err })),
      policy: async (command) =>
        await withExchange(config(), (exchange) => policyCommand(exchange, { command, out })),
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
