/** The published JSON Schemas: what the tables give, compiled by ajv, and never stricter than the validator. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { test } from 'tap'
import { SCO_TYPES, validateObject } from '../../src/stix/index.ts'
import { buildSchemas, schemaText } from '../../src/stix/schema-build.ts'
import { root } from '../support/paths.ts'
import { MINIMAL, type Value } from '../support/stix-builders.ts'
import { ERROR_CASES } from '../support/stix-error-cases.ts'
import { MORE_ERROR_CASES } from '../support/stix-error-cases-more.ts'
import { WARNING_CASES } from '../support/stix-warning-cases.ts'

const files = buildSchemas()
const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false })
const compiled = new Map<string, ValidateFunction>(
  [...files].map(([path, schema]) => [path, ajv.compile(schema)]),
)

function schemaOf(value: Value): ValidateFunction | undefined {
  if (value.spec_version === '2.0') return compiled.get('stix-2.0/object.json')
  const own = compiled.get(`stix-2.1/${value.type}.json`)
  if (own) return own
  const sco = SCO_TYPES.has(String(value.type)) || !Object.hasOwn(value, 'created')
  return compiled.get(`stix-2.1/custom-${sco ? 'sco' : 'object'}.json`)
}

test('the committed files are what the tables give', async (t) => {
  t.equal(files.size, 19 + 2 + 18 + 3 + 3 + 2)
  for (const [path, schema] of files) {
    const committed = readFileSync(join(root, 'schemas', path), 'utf8')
    t.ok(committed === schemaText(schema), `${path}: run node build/src/stix/write-schemas.js`)
  }
})

test('what the validator accepts, the schemas accept', async (t) => {
  const cases = [...ERROR_CASES, ...MORE_ERROR_CASES, ...WARNING_CASES]
  const values = [...MINIMAL, ...cases.flatMap(([, bad, good]) => [bad, good])]
  let refused = 0
  for (const value of values) {
    if (typeof value.type !== 'string') continue
    const validate = schemaOf(value)
    const fits = validate?.(value)
    if (!fits) refused++
    if (!validateObject(value).valid) continue
    t.ok(fits, `${JSON.stringify(value).slice(0, 300)} ${JSON.stringify(validate?.errors?.[0])}`)
  }
  t.ok(refused > 60, `the schemas state much of the rules: ${refused}`)
})
