/** Where things lie, as seen from compiled tests in build/test/support. */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The package's folder. */
export const root: string = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..')

/** The program under test. */
export const program: string = join(root, 'build', 'src', 'main.js')
