/** The compiled JSON Schemas, and their errors in plain sentences. */
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import { error, type Finding, place, pointer, quote } from './finding.ts'
import { readSchema } from './schema-files.ts'
import { timestampKey } from './timestamp.ts'
import { isCustom, META_TYPES, SCO_TYPES, type Spec, SRO_TYPES } from './types.ts'

const FILES = [
  'common',
  'sdo',
  'sro',
  'sco',
  'marking-definition',
  'language-content',
  'extension-definition',
  'stix20',
]
const SCHEMAS = FILES.map(readSchema)

/** Objects above this size get their first error only: an error per item of a long list helps nobody. */
const COLLECT_BELOW = 65_536
const MOST_ERRORS = 20

function build(allErrors: boolean): Ajv2020 {
  const ajv = new Ajv2020({
    allErrors,
    strict: true,
    strictTypes: false,
    strictRequired: false,
    verbose: allErrors,
  })
  ajv.addFormat('date-time', { type: 'string', validate: (text: string) => timestampKey(text) !== null })
  for (const schema of SCHEMAS) ajv.addSchema(schema)
  return ajv
}

/** Two compilations: one that stops at the first error, the usual path, and one that explains a failure. */
const quick = build(false)
const thorough = build(true)

function validator(ajv: Ajv2020, ref: string): ValidateFunction {
  const found = ajv.getSchema(ref)
  if (!found) throw new Error(`no schema ${ref}`)
  return found
}

/** The schema of what is special to a type. */
function schemaOf(type: string, spec: Spec, sco: boolean): string {
  if (sco) return `sco.json#/$defs/${SCO_TYPES.has(type) ? type : 'custom'}`
  if (spec === 20) return `stix20.json#/$defs/${type === 'marking-definition' ? type : 'object'}`
  if (META_TYPES.has(type)) return `${type}.json#/$defs/${type}`
  if (SRO_TYPES.has(type)) return `sro.json#/$defs/${type}`
  return `sdo.json#/$defs/${isCustom(type) ? 'custom' : type}`
}

const KINDS: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  integer: 'an integer',
  number: 'a number',
  object: 'an object',
  string: 'a string',
}

/** Errors inside a branch of an alternative are told by the alternative itself. */
const INSIDE_ALTERNATIVE = /\/(?:anyOf|oneOf|not|if)\//

function sentence(found: ErrorObject): string {
  const { params } = found
  const parent = found.parentSchema as { description?: string } | undefined
  switch (found.keyword) {
    case 'required':
      return `lacks the required property ${quote(params.missingProperty)}; add it`
    case 'type':
      return `must be ${KINDS[params.type] ?? params.type}`
    case 'enum':
      return `must be one of ${(params.allowedValues as unknown[]).join(', ')}, not ${quote(found.data)}`
    case 'const':
      return `must be ${quote(params.allowedValue)}`
    case 'minItems':
    case 'minProperties':
      return 'is empty; leave the property out'
    case 'minLength':
      return 'is too short'
    case 'maxLength':
      return `is longer than ${params.limit} characters`
    case 'minimum':
      return `must be at least ${params.limit}`
    case 'maximum':
      return `must be at most ${params.limit}`
    case 'pattern':
    case 'format':
      return `must be ${parent?.description ?? 'well-formed'}, not ${quote(found.data)}`
    case 'propertyNames':
      return `has the key ${quote(params.propertyName)}, which is not allowed here`
    case 'anyOf':
    case 'oneOf':
      return parent?.description ?? 'fits none of the alternatives'
    default:
      return found.message ?? 'is not valid'
  }
}

function explain(errors: readonly ErrorObject[], clause: string): Finding[] {
  const seen = new Set<string>()
  const findings: Finding[] = []
  for (const found of errors) {
    if (
      found.propertyName !== undefined ||
      found.keyword === 'if' ||
      INSIDE_ALTERNATIVE.test(found.schemaPath)
    )
      continue
    const missing = found.keyword === 'required' ? pointer([found.params.missingProperty]) : ''
    const message = `${place(found.instancePath)} ${sentence(found)}.`
    if (seen.has(message)) continue
    seen.add(message)
    findings.push(error(`schema/${found.keyword}`, found.instancePath + missing, message, clause))
    if (findings.length >= MOST_ERRORS) break
  }
  // A refusal is never silent, whatever was left out above.
  if (findings.length === 0)
    findings.push(error('schema/invalid', '', 'The object does not fit its schema.', clause))
  return findings
}

function failures(ref: string, value: Record<string, unknown>, size: number, clause: string): Finding[] {
  const first = validator(quick, ref)
  if (first(value)) return []
  if (size > COLLECT_BELOW) return explain(first.errors ?? [], clause)
  const all = validator(thorough, ref)
  all(value)
  return explain(all.errors ?? [], clause)
}

function clauseOf(type: string, spec: Spec, sco: boolean): string {
  if (sco) return 'STIX 2.1 §6'
  if (spec === 20) return 'STIX 2.0 Part 1 §3'
  if (META_TYPES.has(type)) return 'STIX 2.1 §7'
  return SRO_TYPES.has(type) ? 'STIX 2.1 §5' : 'STIX 2.1 §4'
}

/** What the schemas say of an object whose type and version are settled. */
export function schemaFindings(
  value: Record<string, unknown>,
  type: string,
  spec: Spec,
  sco: boolean,
  size: number,
): Finding[] {
  const common = failures('common.json', value, size, spec === 20 ? 'STIX 2.0 Part 1 §3.1' : 'STIX 2.1 §3.2')
  return [...common, ...failures(schemaOf(type, spec, sco), value, size, clauseOf(type, spec, sco))]
}
