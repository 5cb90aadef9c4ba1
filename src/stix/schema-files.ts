/** Reads the committed JSON Schemas: from the sources, from `build/` and from an installed package alike. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

function schemaFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'schemas', 'common.json'))) {
    const up = dirname(folder)
    if (up === folder) throw new Error('the folder schemas/ of the package is missing')
    folder = up
  }
  return join(folder, 'schemas')
}

const FOLDER = schemaFolder()

/** A schema as we use it: each file has definitions by name. */
export interface SchemaFile {
  $id: string
  $defs: Record<string, Record<string, unknown>>
  [keyword: string]: unknown
}

export function readSchema(name: string): SchemaFile {
  return JSON.parse(readFileSync(join(FOLDER, `${name}.json`), 'utf8'))
}
