/** Writes the generated JSON Schemas: `node build/src/stix/write-schemas.js`. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { buildSchemas, schemaText } from './schema-build.ts'
import { SCHEMA_FOLDER } from './schema-files.ts'

for (const [path, schema] of buildSchemas()) {
  const file = join(SCHEMA_FOLDER, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, schemaText(schema))
}
