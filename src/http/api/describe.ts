/** What a schema finds wrong, in words: the same for whoever calls, without the schema's own notation. */
import type { ErrorObject } from 'ajv/dist/2020.js'

const TYPES: Record<string, string> = {
  array: 'a list',
  boolean: 'true or false',
  integer: 'a whole number',
  null: 'null',
  number: 'a number',
  object: 'an object',
  string: 'a string',
}

const AS_DECLARED = 'is not as openapi.yaml declares it'

/**
 * One finding, without its subject: `must be a list`.
 * @param parentSchema (ajv's `verbose`) tells which properties there may be
 */
export function describe({
  keyword,
  params,
  parentSchema,
}: Pick<ErrorObject, 'keyword' | 'params' | 'parentSchema'>): string {
  switch (keyword) {
    case 'additionalProperties':
      return `has the unknown property "${String(params.additionalProperty).slice(0, 80)}"${known(parentSchema)}`
    case 'required':
      return `must have the property "${params.missingProperty}"`
    case 'enum':
      return `must be one of ${params.allowedValues.join(', ')}`
    case 'type':
      return `must be ${TYPES[params.type] ?? params.type}`
    case 'anyOf':
      return 'has none of the forms that it may have'
    case 'pattern':
      return wordsOf(params.pattern)
    case 'minimum':
      return `must be at least ${params.limit}`
    case 'maximum':
      return `must be at most ${params.limit}`
    case 'minLength':
      return params.limit === 1 ? 'must not be empty' : `must have at least ${params.limit} characters`
    case 'maxLength':
      return `must have at most ${params.limit} characters`
    case 'minItems':
    case 'minProperties':
      return params.limit === 1 ? 'must not be empty' : `must have at least ${params.limit} items`
    case 'maxItems':
      return `must have at most ${params.limit} items`
    case 'uniqueItems':
      return 'must not have an item twice'
    default:
      return AS_DECLARED
  }
}

/** What it may have instead. */
function known(schema: ErrorObject['parentSchema']): string {
  const names = Object.keys(schema?.properties ?? {})
  return names.length > 0 ? `; it may have ${names.join(', ')}` : ''
}

const words = new Map<string, string>()

/** A pattern of what may be sent, with the words for who sends something else; @returns the pattern. */
export function said(pattern: string, meaning: string): string {
  words.set(pattern, meaning)
  return pattern
}

function wordsOf(pattern: string): string {
  return words.get(pattern) ?? AS_DECLARED
}
