/** Content that no table describes (custom properties, extension contents): what the standard asks of all values. */
import type { Context } from './context.ts'
import { hexCase, isBase64, isDictionaryKey } from './formats.ts'
import { isTypeName, typeOfId } from './ids.ts'

/** Dictionaries of the standard whose keys may have upper-case letters. */
const MIXED_CASE: ReadonlySet<string> = new Set(
  (
    'hashes file_header_hashes request_header additional_header_fields document_info_dict exif_tags ipfix options ' +
    'environment_variables startup_info'
  ).split(' '),
)

export function isMixedCase(dictionary: string): boolean {
  return MIXED_CASE.has(dictionary)
}

const UPPER = /[A-Z]/
const MAX_SAFE = Number.MAX_SAFE_INTEGER
/** JavaScript writes larger whole numbers with an exponent, which makes them no integers of the text. */
const EXPONENT_FROM = 1e21

/** What is to say of any string: its length, and characters that cannot be stored. */
export function looseString(value: string, ctx: Context, step: string | number): void {
  if (value.length > ctx.maxString) {
    ctx.error(
      'limit/string',
      step,
      `has ${value.length} characters; at most ${ctx.maxString} are taken`,
      null,
    )
  }
  if (ctx.settings.scanned) return
  if (value.includes('\0')) ctx.warn('905', step, 'holds the character U+0000; remove it', '2.15')
  if (!(value as unknown as { isWellFormed(): boolean }).isWellFormed()) {
    ctx.error(
      'json/lone-surrogate',
      step,
      'holds half of a surrogate pair, which is no character',
      'RFC 7493',
    )
  }
}

export function looseNumber(value: number, ctx: Context, step: string | number): void {
  if (!Number.isFinite(value)) ctx.error('TY-04/number', step, 'is no finite number', '2.6')
  else if (
    !ctx.settings.scanned &&
    Number.isInteger(value) &&
    Math.abs(value) > MAX_SAFE &&
    Math.abs(value) < EXPONENT_FROM
  ) {
    ctx.error('TY-04/integer', step, 'is an integer outside of ±(2^53-1); send it as a string', '2.10')
  }
}

/** A reference of a custom property: published data has some that hold no id, so it only warns. */
function looseReference(value: unknown, ctx: Context, step: string | number): void {
  if (typeof value !== 'string') ctx.warn('909', step, 'should be an id, type--UUID', '3.1')
  else {
    const type = typeOfId(value)
    if (type === 'bundle') ctx.error('ME-11/bundle', step, 'refers to a bundle; refer to an object', '8')
    else if (type === null || !isTypeName(type)) {
      ctx.warn('909', step, 'should be an id, type--UUID, not %', '3.1', value)
    }
  }
}

/** What the end of a name says of the value: `_ref`, `_refs`, `_bin`, `_hex` (STIX 2.1 §3.1). */
function suffixed(name: string, value: unknown, ctx: Context): void {
  if (name.endsWith('_ref')) looseReference(value, ctx, name)
  else if (name.endsWith('_refs')) {
    if (!Array.isArray(value)) ctx.warn('909', name, 'should be a list of ids', '3.1')
    else {
      ctx.steps.push(name)
      for (let i = 0; i < value.length; i++) looseReference(value[i], ctx, i)
      ctx.steps.pop()
    }
  } else if (name.endsWith('_bin')) {
    if (typeof value === 'string' && !isBase64(value)) {
      ctx.error('TY-07/base64', name, 'must be base64 with padding, as its name ends in _bin', '2.1')
    }
  } else if (name.endsWith('_hex') && typeof value === 'string') hexValue(value, ctx, name)
}

/** Hexadecimal digits in pairs; upper-case ones only warn. */
export function hexValue(value: string, ctx: Context, step: string | number): void {
  const found = hexCase(value)
  if (found === null) ctx.error('TY-06/hex', step, 'must be pairs of hexadecimal digits, not %', '2.8', value)
  else if (found === 'mixed') ctx.warn('902', step, 'should have lower-case hexadecimal digits', '2.8')
}

/**
 * Any value at any depth: no null, keys and numbers as the standard has them. `plain` is true outside
 * of dictionaries with keys of the sender's own, and `cased` where upper-case keys are expected.
 */
export function loose(
  value: unknown,
  ctx: Context,
  step: string | number,
  plain: boolean,
  cased: boolean,
): void {
  if (typeof value === 'string') looseString(value, ctx, step)
  else if (typeof value === 'number') looseNumber(value, ctx, step)
  else if (typeof value === 'boolean' || spent(ctx)) return
  else if (value === null) ctx.error('TY-01/null', step, 'is null; leave the property out', '3.1')
  else if (typeof value !== 'object') ctx.error('TY-05/type', step, 'is no value that JSON has', '3.1')
  else if (Array.isArray(value)) looseList(value, ctx, step, plain)
  else looseObject(value as Record<string, unknown>, ctx, step, plain, cased)
}

/** Values that share parts can be endless to walk; the first one beyond the budget says so. */
function spent(ctx: Context): boolean {
  if (ctx.settings.scanned || --ctx.budget > 0) return false
  if (ctx.budget === 0) ctx.error('limit/values', null, 'has more than a million values; split it', null)
  return true
}

function tooDeep(ctx: Context, step: string | number): boolean {
  const { depth } = ctx.settings.limits
  if (ctx.steps.length + 1 < depth) return false
  ctx.error('limit/depth', step, `is nested deeper than ${depth} levels; flatten it`, null)
  return true
}

function looseList(value: unknown[], ctx: Context, step: string | number, plain: boolean): void {
  if (value.length === 0) {
    // Published data has some (ATT&CK's assets), in content of its own that nothing here depends on.
    if (typeof step === 'string' && step.endsWith('_refs')) {
      ctx.error('TY-02/empty-list', step, 'is empty; leave the property out', '2.12')
    } else ctx.warn('911', step, 'is empty; leave it out', '2.12')
    return
  }
  if (value.length > ctx.maxList) {
    ctx.error(
      'limit/list',
      step,
      `has ${value.length} items; at most ${ctx.maxList} are taken, so split it`,
      null,
    )
    return
  }
  if (tooDeep(ctx, step)) return
  ctx.steps.push(step)
  for (let i = 0; i < value.length; i++) loose(value[i], ctx, i, plain, true)
  ctx.steps.pop()
}

/** Is the object too large? Says so. */
export function crowded(keys: readonly string[], ctx: Context, step: string | number | null): boolean {
  if (keys.length <= ctx.maxKeys) return false
  const message = `has ${keys.length} keys; an object may have ${ctx.maxKeys}, so split it`
  ctx.error('limit/keys', step, message, null)
  return true
}

/** The key of an object that no table describes, and which may be no dictionary: it only warns. */
function looseKey(key: string, ctx: Context, cased: boolean): void {
  if (!isDictionaryKey(key)) {
    ctx.warn('910', key, 'has a key that is not 1 to 250 of A-Z, a-z, 0-9, _ and -: %', '2.3', key)
  } else upperCase(key, ctx, cased)
}

function upperCase(key: string, ctx: Context, cased: boolean): void {
  if (ctx.sco && !cased && UPPER.test(key)) {
    ctx.warn('142', key, 'has a key that should be lower-case: %', '2.3', key)
  }
}

/** The key of a dictionary; the place in judgement is that dictionary. */
export function dictionaryKey(key: string, ctx: Context, cased: boolean): void {
  if (!isDictionaryKey(key)) {
    ctx.error('TY-03/key', key, 'has a key that is not 1 to 250 of A-Z, a-z, 0-9, _ and -: %', '2.3', key)
  } else upperCase(key, ctx, cased)
}

export function looseObject(
  value: Record<string, unknown>,
  ctx: Context,
  step: string | number,
  plain: boolean,
  cased: boolean,
): void {
  const keys = Object.keys(value)
  if (keys.length === 0) {
    ctx.warn('911', step, 'is empty; leave it out', '2.3')
    return
  }
  if (crowded(keys, ctx, step) || tooDeep(ctx, step)) return
  ctx.steps.push(step)
  for (const key of keys) {
    looseKey(key, ctx, cased)
    looseProperty(key, value[key], ctx, plain, cased)
  }
  ctx.steps.pop()
}

/** A property or entry that no table describes. */
export function looseProperty(
  key: string,
  value: unknown,
  ctx: Context,
  plain: boolean,
  cased: boolean,
): void {
  const dictionary = isMixedCase(key)
  if (plain && key.length > 4 && (key.charCodeAt(key.length - 4) === 95 || key.endsWith('_refs'))) {
    suffixed(key, value, ctx)
  }
  loose(value, ctx, key, plain && !dictionary, cased || dictionary)
}
