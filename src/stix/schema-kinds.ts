/** JSON Schemas of the kinds of property values. */
import { SCO } from './tables/sco.ts'
import { SDO } from './tables/sdo.ts'
import { META, SRO } from './tables/sro-meta.ts'
import { type Kind, parseKind } from './tables/table.ts'
import { ENUMERATIONS, HASH_ALGORITHMS, VOCABULARIES } from './tables/vocabularies.ts'

export type Schema = Record<string, unknown>

/** Ends a pattern so that every dialect agrees: `$` alone also matches before a last line feed in some. */
export const END = '$(?!\\n)'
export const UUID = '[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-5][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}'
export const NAME = '[a-z](?:-?[a-z0-9]){1,248}-?'
export const TIME =
  '[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)'
const MOST = Number.MAX_SAFE_INTEGER

const ALL_TYPES = [...Object.keys({ ...SDO, ...SRO, ...SCO, ...META }), 'bundle']
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  sdo: Object.keys(SDO),
  sro: Object.keys(SRO),
  sco: Object.keys(SCO),
}

export const pattern = (expression: string, description: string): Schema => ({
  type: 'string',
  pattern: `^${expression}${END}`,
  description,
})

export const list = (items: Schema): Schema => ({ type: 'array', minItems: 1, items })

export function reference(args: readonly string[]): Schema {
  const types = args.flatMap((arg) => GROUPS[arg] ?? (arg === 'custom' ? [] : [arg]))
  if (args.length > 0 && !args.includes('custom')) {
    return pattern(`(?:${types.join('|')})--${UUID}`, `An id of ${args.join(', ')}.`)
  }
  const refused = args.length === 0 ? ['bundle'] : ALL_TYPES.filter((type) => !types.includes(type))
  const said = args.length === 0 ? 'An id of any object but a bundle.' : `An id of ${args.join(', ')}.`
  return pattern(`(?!(?:${refused.join('|')})--[0-9a-fA-F]{8}-)${NAME}--${UUID}`, said)
}

function timestamp([precision]: readonly string[]): Schema {
  const fraction = precision === 'ms' ? '\\.[0-9]{3,}' : precision === 's' ? '' : '(?:\\.[0-9]+)?'
  return pattern(`${TIME}${fraction}Z`, 'A timestamp in UTC (STIX 2.1 §2.16).')
}

function bounded(type: 'integer' | 'number', [text]: readonly string[]): Schema {
  const [low = '', high = ''] = (text ?? '..').split('..')
  const schema: Schema = { type }
  if (low !== '') schema.minimum = Number(low)
  else if (type === 'integer') schema.minimum = -MOST
  if (high !== '') schema.maximum = Number(high)
  else if (type === 'integer') schema.maximum = MOST
  return schema
}

const DICTIONARY_KEY = { pattern: `^[A-Za-z0-9_-]{1,250}${END}` }

function hashes([strict]: readonly string[]): Schema {
  const properties: Schema = {}
  for (const [name, digits] of HASH_ALGORITHMS) {
    const form =
      digits > 0
        ? `[0-9a-fA-F]{${digits}}`
        : name === 'TLSH'
          ? '(?:T1)?[0-9a-fA-F]{70}'
          : '[A-Za-z0-9/+:.]{1,128}'
    properties[name] = pattern(form, `A value of ${name}.`)
  }
  const other = strict ? false : { type: 'string' }
  const propertyNames = { pattern: `^[A-Za-z0-9_-]{3,250}${END}` }
  return { type: 'object', minProperties: 1, propertyNames, properties, additionalProperties: other }
}

const DICTIONARY_VALUES: Readonly<Record<string, Schema>> = {
  any: { $ref: '#/$defs/value' },
  string: { type: 'string' },
  integer: { type: 'integer' },
  scalar: { type: ['string', 'integer'] },
  strings: list({ type: 'string' }),
}

/** Definitions that a file turns out to need. */
export type Needed = Set<string>

export function ofKind(kind: Kind, needed: Needed): Schema {
  const parsed = parseKind(kind)
  const { name, args } = parsed
  const single = (): Schema => {
    switch (name) {
      case 'boolean':
        return { type: 'boolean' }
      case 'integer':
      case 'number':
        return bounded(name, args)
      case 'timestamp':
        return timestamp(args)
      case 'hex':
        return pattern('(?:[0-9a-fA-F]{2})+', 'Pairs of hexadecimal digits; lower case is asked for.')
      case 'binary':
        return { type: 'string', minLength: 4, description: 'Base64 with padding (RFC 4648 §4).' }
      case 'lang':
        return pattern('[A-Za-z0-9]{1,8}(?:-[A-Za-z0-9]{1,8})*', 'A language tag (RFC 5646).')
      case 'url':
        return pattern('[A-Za-z][A-Za-z0-9+.-]*:[!-~]*', 'A URI (RFC 3986).')
      case 'ref':
        return reference(args)
      case 'enum':
        return { enum: [...(ENUMERATIONS.get(args[0] ?? '')?.terms ?? [])] }
      case 'vocab':
        return {
          type: 'string',
          description: `Should be one of: ${[...(VOCABULARIES.get(args[0] ?? '')?.terms ?? [])].join(', ')}.`,
        }
      case 'hashes':
        return hashes(args)
      case 'dict': {
        const values = DICTIONARY_VALUES[args[0] ?? 'any'] as Schema
        if (args[0] === 'any') needed.add('value')
        return {
          type: 'object',
          minProperties: 1,
          propertyNames: DICTIONARY_KEY,
          additionalProperties: values,
        }
      }
      case 'object':
        needed.add(args[0] ?? '')
        return { $ref: `#/$defs/${args[0]}` }
      case 'contents':
      case 'container':
        return {
          type: 'object',
          minProperties: 1,
          additionalProperties: { type: 'object', minProperties: 1 },
        }
      case 'definition':
        return { type: 'object', minProperties: 1 }
      default:
        return { type: 'string' }
    }
  }
  return parsed.list ? list(single()) : single()
}
