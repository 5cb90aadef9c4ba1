/** The compiled JSON Schemas, and their errors in plain sentences. */
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import { error, type Finding, place, quote } from './finding.ts'
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

/** Above this size an object gets its first error only, and never more than these: each costs a pass. */
const COLLECT_BELOW = 65_536
const MOST_ERRORS = 10

type Schema = Record<string, unknown>

/** Required properties of each whole object, by reference: checked here, so that all missing ones are told at once. */
const REQUIRED = new Map<string, readonly string[]>()

function setRequiredAside(ref: string, schema: Schema): Schema {
  const { required, ...rest } = schema
  REQUIRED.set(ref, (required ?? []) as string[])
  return rest
}

/**
 * Stops at the first error: collecting all of them costs quadratic time on a long list of wrong items, seconds for
 * an object of 50 kB.
 */
const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, verbose: true })
ajv.addFormat('date-time', { type: 'string', validate: (text: string) => timestampKey(text) !== null })
for (const name of FILES) {
  const file = readSchema(name)
  const id = file.$id
  if (name === 'common') ajv.addSchema(setRequiredAside(id, file))
  else {
    const $defs = Object.entries(file.$defs).map(([key, schema]) => [
      key,
      setRequiredAside(`${id}#/$defs/${key}`, schema),
    ])
    ajv.addSchema({ ...file, $defs: Object.fromEntries($defs) })
  }
}

const compiled = new Map<string, ValidateFunction>()

/** Compiled at first use: a program that judges no object does not pay for 50 schemas. */
function validator(ref: string): ValidateFunction {
  const known = compiled.get(ref)
  if (known) return known
  const made = ajv.getSchema(ref)
  if (!made) throw new Error(`no schema ${ref}`)
  compiled.set(ref, made)
  return made
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

/** The error that names the cause. */
function cause(errors: readonly ErrorObject[]): ErrorObject | undefined {
  return errors.find(
    (e) => e.propertyName === undefined && e.keyword !== 'if' && !INSIDE_ALTERNATIVE.test(e.schemaPath),
  )
}

/** First segment of a pointer into the object, decoded; undefined when it names the whole object. */
function topProperty(path: string): string | undefined {
  return path.split('/', 2)[1]?.replaceAll('~1', '/').replaceAll('~0', '~')
}

/** One error of each property that is wrong: what is told is set aside, and the rest is judged again. */
function failures(ref: string, whole: Record<string, unknown>, size: number, clause: string): Finding[] {
  const findings: Finding[] = []
  for (const key of REQUIRED.get(ref) ?? []) {
    if (Object.hasOwn(whole, key)) continue
    const message = `The object lacks the required property ${quote(key)}; add it.`
    findings.push(error('schema/required', `/${key}`, message, clause))
  }
  const validate = validator(ref)
  let value = whole
  for (let pass = 0; pass < MOST_ERRORS && !validate(value); pass++) {
    const found = cause(validate.errors ?? [])
    // A refusal is never silent, whatever was left out.
    if (!found)
      return [...findings, error('schema/invalid', '', 'The object does not fit its schema.', clause)]
    const property = topProperty(found.instancePath)
    // What was set aside may be what the object as a whole now seems to lack.
    if (property === undefined && pass > 0) break
    const message = `${place(found.instancePath)} ${sentence(found)}.`
    findings.push(error(`schema/${found.keyword}`, found.instancePath, message, clause))
    if (property === undefined || size > COLLECT_BELOW) break
    value = Object.fromEntries(Object.entries(value).filter(([key]) => key !== property))
  }
  return findings
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
