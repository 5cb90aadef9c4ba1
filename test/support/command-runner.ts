/** The program's commands one after the other in one process, for tests that run many: see commands() in server.ts. */
import { main } from '../../src/cli/main.ts'

/** @param args of the command; the process's only argument ends what it has written, on either stream */
async function run({ args, env }: { args: string[]; env: NodeJS.ProcessEnv }): Promise<number> {
  try {
    return await main([process.execPath, 'comity', ...args], env)
  } catch (error) {
    process.stderr.write(`${(error as Error).stack}\n`)
    return 1
  }
}

const [end = ''] = process.argv.slice(2)
process.on('message', (command: Parameters<typeof run>[0]) => {
  void run(command).then((code) => {
    for (const stream of [process.stdout, process.stderr]) stream.write(end)
    process.send?.(code)
  })
})
process.once('disconnect', () => process.exit())
