/** The command line's entry: settings, the program, and what its throws become. */
import { readConfig } from '../config.ts'
import { Refusal } from '../errors.ts'
import { serve } from '../serve.ts'
import { migrate } from '../store/migrate.ts'

/** @returns the exit code: 0 done, 1 failed, 2 usage or bad settings, 3 database */
export async function main(argv: string[], env: NodeJS.ProcessEnv): Promise<number> {
  try {
    const config = readConfig(env)
    if (argv[2] === 'serve') return await serve(config)
    if (argv[2] === 'migrate') {
      for (const name of await migrate(config.ownerUrl ?? '')) process.stdout.write(`${name}\n`)
      return 0
    }
    throw new Refusal('unknown command', 2)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    process.stderr.write(`comity: ${error.message}\n`)
    return error.exitCode
  }
}
