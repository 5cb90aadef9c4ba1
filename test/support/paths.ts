/** Where things lie, as seen from compiled tests in build/test/support. */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The package's folder. */
export const root: string = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..')

/** The program under test: the one that was compiled with these tests (mutants run in a copy of build/). */
export const program: string = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'src', 'main.js')

/** What runs many commands in one process. */
export const runner: string = join(dirname(fileURLToPath(import.meta.url)), 'command-runner.js')
