/** Where the package lies: migrations, schemas and the demo are read relative to it. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

function find(from: string): string {
  let folder = from
  while (!existsSync(join(folder, 'package.json')) || !existsSync(join(folder, 'migrations'))) {
    const up = dirname(folder)
    if (up === folder) throw new Error(`no package.json with migrations above ${from}`)
    folder = up
  }
  return folder
}

export const packageRoot: string = find(dirname(fileURLToPath(import.meta.url)))

/** Version of the program, from package.json. */
export const version: string = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')).version
