/** From the kinds of the tables to functions that check a value: compiled once, no interpretation per object. */
import { uriProblem } from './addresses.ts'
import type { Check, Context } from './context.ts'
import { fitsAlgorithm, isBase64, isHashKey, isLanguageTag, isUntidy } from './formats.ts'
import { fractionDigits, timestampProblem } from './instant.ts'
import { crowded, dictionaryKey, hexValue, loose, looseString } from './loose.ts'
import { reference } from './references.ts'
import { charsetLike, isCharset } from './registries.ts'
import { type Kind, type ParsedKind, parseKind } from './tables/table.ts'
import { ENUMERATIONS, HASH_ALGORITHMS, VOCABULARIES } from './tables/vocabularies.ts'

/** Checks of kinds that need more than this file knows, by name of the kind; `object NAME` by `object NAME`. */
export type Specials = (name: string) => Check

/** A check that a value is a string, and then another of that string. */
function ofString(check: (value: string, ctx: Context, step: string | number) => void): Check {
  return (value, ctx, step) => {
    if (typeof value !== 'string') ctx.wrong(value, step, 'a string', '2.15')
    else {
      looseString(value, ctx, step)
      check(value, ctx, step)
    }
  }
}

const string: Check = (value, ctx, step) => {
  if (typeof value !== 'string') ctx.wrong(value, step, 'a string', '2.15')
  else looseString(value, ctx, step)
}

const boolean: Check = (value, ctx, step) => {
  if (typeof value !== 'boolean') ctx.wrong(value, step, 'true or false', '2.2')
}

function range([text]: readonly string[]): [number, number] {
  const [low = '', high = ''] = (text ?? '..').split('..')
  return [low === '' ? -Infinity : Number(low), high === '' ? Infinity : Number(high)]
}

function integer(args: readonly string[]): Check {
  const [low, high] = range(args)
  return (value, ctx, step) => {
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) {
      if (typeof value === 'number') {
        ctx.error('TY-04/integer', step, 'must be a whole number within ±(2^53-1), not %', '2.10', value)
      } else ctx.wrong(value, step, 'an integer', '2.10')
    } else if (value < low) ctx.error('TY-04/range', step, `must be at least ${low}, not %`, '2.10', value)
    else if (value > high) ctx.error('TY-04/range', step, `must be at most ${high}, not %`, '2.10', value)
    else if (ctx.inexact?.has(ctx.path(step))) {
      ctx.error('TY-04/integer', step, 'must be a whole number; its text has a fraction', '2.10')
    }
  }
}

function number(args: readonly string[]): Check {
  const [low, high] = range(args)
  return (value, ctx, step) => {
    if (typeof value !== 'number') ctx.wrong(value, step, 'a number', '2.6')
    else if (!Number.isFinite(value)) ctx.error('TY-04/number', step, 'is no finite number', '2.6')
    else if (value < low || value > high) {
      ctx.error('TY-04/range', step, `must be from ${low} to ${high}, not %`, '2.6', value)
    }
  }
}

function timestamp([precision]: readonly string[]): Check {
  return (value, ctx, step) => {
    if (typeof value !== 'string') {
      ctx.wrong(value, step, 'a timestamp such as 2026-01-31T09:30:00.000Z', '2.16')
      return
    }
    const digits = fractionDigits(value)
    if (digits < 0) {
      ctx.error('TY-13/timestamp', step, timestampProblem(value), '2.16', value)
    } else if (precision === 'ms' && digits < 3) {
      ctx.error(
        'CO-09/precision',
        step,
        'must have three or more digits after the second, not %',
        '3.2',
        value,
      )
    } else if (precision === 's' && digits > 0) {
      ctx.error('SC-07/time-date-stamp', step, 'must have no fraction of a second, not %', '6.7.6', value)
    }
  }
}

const hex: Check = ofString(hexValue)

/** The object's own size bounds it, not the limit of strings. */
const binary: Check = (value, ctx, step) => {
  if (typeof value !== 'string') ctx.wrong(value, step, 'base64', '2.1')
  else if (!isBase64(value))
    ctx.error('TY-07/base64', step, 'must be base64 with padding (RFC 4648 §4)', '2.1')
}

const lang: Check = ofString((value, ctx, step) => {
  if (!isLanguageTag(value)) {
    ctx.error(
      'CO-13/lang',
      step,
      'must be a language tag such as en or pt-BR (RFC 5646), not %',
      '3.2',
      value,
    )
  }
})

const url: Check = ofString((value, ctx, step) => {
  const problem = uriProblem(value)
  if (problem) ctx.error('TY-12/url', step, `must be a URI (RFC 3986) but ${problem}: %`, '2.5', value)
})

const charset: Check = ofString((value, ctx, step) => {
  if (isCharset(value)) return
  const meant = charsetLike(value)
  const message =
    meant === undefined
      ? 'must be a preferred name of the IANA character sets, not %'
      : `must be a preferred name of the IANA character sets: write ${meant}, not %`
  ctx.error('TY-17/charset', step, message, '3.9.1', value)
})

function enumeration([name = '']: readonly string[]): Check {
  const { terms, section } = ENUMERATIONS.get(name) ?? { terms: new Set<string>(), section: '10' }
  const list = [...terms].join(', ')
  return ofString((value, ctx, step) => {
    if (!terms.has(value)) ctx.error('TY-20/enum', step, `must be one of ${list}, not %`, section, value)
  })
}

function vocabulary([name = '']: readonly string[]): Check {
  const { terms, section, code } = VOCABULARIES.get(name) ?? { terms: new Set(), section: '10', code: '' }
  return ofString((value, ctx, step) => {
    if (terms.has(value)) return
    ctx.warn(code, step, `should be a term of ${name}-ov, not %`, section, value)
    if (isUntidy(value)) ctx.warn('111', step, 'should be lower-case with hyphens, not %', '10', value)
  })
}

function hashes([strict]: readonly string[]): Check {
  return (value, ctx, step) => {
    if (!dictionary(value, ctx, step)) return
    ctx.steps.push(step)
    for (const [algorithm, hash] of Object.entries(value)) {
      if (typeof hash !== 'string') ctx.wrong(hash, algorithm, 'a string', '2.7')
      else if (strict && !HASH_ALGORITHMS.has(algorithm)) {
        ctx.error(
          'TY-09/algorithm',
          algorithm,
          'must be a name of hash-algorithm-ov, not %',
          '2.5.1',
          algorithm,
        )
      } else if (!isHashKey(algorithm)) {
        ctx.error(
          'TY-08/key',
          algorithm,
          'is no name of 3 to 250 of A-Z, a-z, 0-9, _ and -: %',
          '2.7',
          algorithm,
        )
      } else {
        looseString(hash, ctx, algorithm)
        if (!fitsAlgorithm(algorithm, hash)) {
          ctx.error('TY-08/hash', algorithm, `must be a hash of ${algorithm}, not %`, '2.7', hash)
        } else if (!HASH_ALGORITHMS.has(algorithm) && !algorithm.startsWith('x_')) {
          ctx.warn('241', algorithm, 'should be a name of hash-algorithm-ov, not %', '10.7', algorithm)
        }
      }
    }
    ctx.steps.pop()
  }
}

/** Is the value an object with at least one key, and not too many? Says otherwise. */
function dictionary(value: unknown, ctx: Context, step: string | number): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    ctx.wrong(value, step, 'an object', '2.3')
    return false
  }
  const keys = Object.keys(value)
  if (keys.length === 0) {
    ctx.error('TY-02/empty-object', step, 'is empty; leave the property out', '2.3')
    return false
  }
  return !crowded(keys, ctx, step)
}

const scalar: Check = (value, ctx, step) => {
  if (typeof value === 'string') looseString(value, ctx, step)
  else if (!Number.isSafeInteger(value)) {
    if (value === null) ctx.wrong(value, step, 'an integer or a string', '2.10')
    else ctx.error('SC-14/value', step, 'must be an integer or a string', '2.10')
  }
}

const anything: Check = (value, ctx, step) => loose(value, ctx, step, false, true)

function dictionaryOf([kind = 'any']: readonly string[]): Check {
  const check =
    kind === 'string'
      ? string
      : kind === 'integer'
        ? integer([])
        : kind === 'scalar'
          ? scalar
          : kind === 'strings'
            ? listOf(string)
            : anything
  return (value, ctx, step) => {
    if (!dictionary(value, ctx, step)) return
    ctx.steps.push(step)
    for (const [key, item] of Object.entries(value)) {
      dictionaryKey(key, ctx, true)
      check(item, ctx, key)
    }
    ctx.steps.pop()
  }
}

function listOf(item: Check): Check {
  return (value, ctx, step) => {
    if (!Array.isArray(value)) ctx.wrong(value, step, 'a list', '2.12')
    else if (value.length === 0) {
      ctx.error('TY-02/empty-list', step, 'is empty; leave the property out', '2.12')
    } else if (value.length > ctx.maxList) {
      const message = `has ${value.length} items; at most ${ctx.maxList} are taken, so split it`
      ctx.error('limit/list', step, message, null)
    } else {
      ctx.steps.push(step)
      for (let i = 0; i < value.length; i++) item(value[i], ctx, i)
      ctx.steps.pop()
    }
  }
}

const SIMPLE: ReadonlyMap<string, Check> = new Map(
  Object.entries({ string, boolean, hex, binary, lang, url, charset }),
)

const COMPILERS: ReadonlyMap<string, (args: readonly string[]) => Check> = new Map(
  Object.entries({
    integer,
    number,
    timestamp,
    enum: enumeration,
    vocab: vocabulary,
    hashes,
    dict: dictionaryOf,
  }),
)

function single({ name, args }: ParsedKind, property: string, specials: Specials): Check {
  const simple = SIMPLE.get(name)
  if (simple) return simple
  const compile = COMPILERS.get(name)
  if (compile) return compile(args)
  if (name === 'ref') return reference(args, property)
  return specials(name === 'object' ? `object ${args[0]}` : name)
}

/** The check of a property's value. */
export function compileKind(kind: Kind, property: string, specials: Specials): Check {
  const parsed = parseKind(kind)
  const check = single(parsed, property, specials)
  return parsed.list ? listOf(check) : check
}
