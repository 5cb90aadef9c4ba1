/** Judges an object by the table of its type: properties, required ones, alternatives, order in time, custom ones. */
import { type Check, type Context, isRecord, text } from './context.ts'
import { customProperty } from './custom.ts'
import { isPropertyName } from './formats.ts'
import { compareInstants, fractionDigits } from './instant.ts'
import { compileKind } from './kinds.ts'
import { crowded, looseProperty } from './loose.ts'
import type { Rule } from './rules-embedded.ts'
import { RESERVED } from './tables/common.ts'
import { type Kind, requiredOf, type TypeTable } from './tables/table.ts'

/** A type, ready to judge objects. */
export interface Judge {
  readonly table: TypeTable
  readonly checks: ReadonlyMap<string, Check>
  readonly required: readonly string[]
  readonly some: { names: readonly string[]; code: string; message: string } | null
  readonly rules: readonly Rule[]
  /** Names that must not stand on the object though other objects have them. */
  readonly excluded: ReadonlySet<string>
  readonly whole: boolean
  readonly own: ReadonlySet<string>
}

/** Rule of the alternatives of a type. */
const SOME_CODES: Readonly<Record<string, string>> = {
  'malware-analysis': 'SD-03/result',
  'network-traffic': 'SC-09/end-points',
  'tcp-ext': 'SC-09/tcp-flags',
  file: 'SC-07/name-or-hashes',
  'external-reference': 'TY-10/external-reference',
  'ntfs-ext': 'SC-07/empty',
  'pdf-ext': 'SC-07/empty',
  'raster-image-ext': 'SC-07/empty',
  'windows-pe-optional-header': 'SC-07/empty',
}

const OWN_WITH_EXTENSIONS: ReadonlySet<string> = new Set(['process', 'user-account'])

/** Compiles a table. `whole` is true for objects with an id of their own. */
export function build(
  name: string,
  table: TypeTable,
  common: Readonly<Record<string, Kind>>,
  excluded: readonly string[],
  rules: readonly Rule[],
  whole: boolean,
): Judge {
  const properties = { ...common, ...table.properties }
  const checks = new Map<string, Check>()
  for (const [property, kind] of Object.entries(properties)) {
    checks.set(property, compileKind(kind, property, special))
  }
  const ownNames = Object.keys(table.properties)
  let some: Judge['some'] = null
  if (table.some !== undefined) {
    const names = table.some === 'own' ? [...ownNames] : table.some
    const shown = table.some === 'own' ? 'property of its own' : `of ${table.some.join(', ')}`
    if (table.some === 'own' && OWN_WITH_EXTENSIONS.has(name)) (names as string[]).push('extensions')
    some = { names, code: SOME_CODES[name] ?? 'SC-10/empty', message: `must have at least one ${shown}` }
  }
  return {
    table,
    checks,
    required: requiredOf(properties),
    some,
    rules,
    excluded: new Set(excluded),
    whole,
    own: new Set(ownNames),
  }
}

/** Judges the value in judgement, whose place is on the stack already. */
export function judge(type: Judge, object: Record<string, unknown>, ctx: Context, custom: boolean): void {
  const keys = Object.keys(object)
  if (crowded(keys, ctx, null)) return
  for (const key of keys) {
    const check = type.checks.get(key)
    if (check !== undefined) check(object[key], ctx, key)
    else unknownProperty(type, key, object[key], ctx, custom)
  }
  for (const name of type.required) {
    if (Object.hasOwn(object, name)) continue
    const clause = type.own.has(name) ? type.table.section : '3.2'
    ctx.error(requiredCode(name), name, 'is required; add the property', clause)
  }
  if (type.some && !type.some.names.some((name) => Object.hasOwn(object, name)) && !ctx.container) {
    ctx.error(type.some.code, null, type.some.message, type.table.section)
  }
  if (type.table.order) {
    for (const [later, earlier, strict] of type.table.order)
      ordered(object, later, earlier, strict, ctx, type)
  }
  for (const rule of type.rules) rule(object, ctx)
}

function requiredCode(name: string): string {
  return name === 'spec_version' ? 'CO-08/spec-version' : 'TY-01/required'
}

function ordered(
  object: Record<string, unknown>,
  later: string,
  earlier: string,
  strict: 'strict' | undefined,
  ctx: Context,
  type: Judge,
): void {
  const last = text(object, later)
  const first = text(object, earlier)
  if (last === undefined || first === undefined) return
  if (last !== first || strict) {
    if (fractionDigits(last) < 0 || fractionDigits(first) < 0) return
    const difference = compareInstants(last, first)
    if (difference > 0 || (difference === 0 && !strict)) return
    const relation = strict ? 'later than' : 'the same as or later than'
    ctx.error('CO-16/order', later, `must be ${relation} ${earlier}`, type.table.section)
  }
}

function unknownProperty(type: Judge, key: string, value: unknown, ctx: Context, custom: boolean): void {
  if (type.whole) {
    if (type.excluded.has(key)) {
      ctx.error('CO-14/not-applicable', key, 'does not apply to this type of object; remove it', '3.2')
      return
    }
    if (RESERVED.has(key)) {
      ctx.error('TY-16/reserved', key, 'is a reserved name; use another one', '3.8')
      return
    }
  }
  if (!isPropertyName(key)) {
    ctx.error('TY-15/property-name', key, 'is no property name (3 to 250 of a-z, 0-9 and _): %', '3.1', key)
  }
  if (!custom && !ctx.container) customProperty(key, ctx, type.whole)
  looseProperty(key, value, ctx, true, false)
}

/** An embedded object as a check of a property or list item. */
export function embedded(type: Judge): Check {
  return (value, ctx, step) => {
    if (!isRecord(value)) ctx.wrong(value, step, 'an object', type.table.section)
    else {
      ctx.steps.push(step)
      judge(type, value, ctx, false)
      ctx.steps.pop()
    }
  }
}

/** Checks of kinds that need more than a kind's own arguments, by name; set once while modules load. */
export const specials = new Map<string, Check>()

/** Looked up when it is called, not when it is compiled: embedded types name each other. */
function special(name: string): Check {
  return (value, ctx, step) => (specials.get(name) as Check)(value, ctx, step)
}
