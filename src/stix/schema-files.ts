/** Reads the committed JSON Schemas and registries: from the sources, from `build/` and from an installed package. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

function schemaFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'schemas', 'release-extension.json'))) {
    const up = dirname(folder)
    if (up === folder) throw new Error('the folder schemas/ of the package is missing')
    folder = up
  }
  return join(folder, 'schemas')
}

export const SCHEMA_FOLDER: string = schemaFolder()

export function readSchema(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(SCHEMA_FOLDER, `${name}.json`), 'utf8'))
}

/** Entries of `schemas/registries/`: one a line, after lines that say whence they come. */
export function readRegistry(name: string): string[] {
  return readFileSync(join(SCHEMA_FOLDER, 'registries', `${name}.txt`), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
}
