/** All checks of one object, in order; used by the door and by the validator alike. */
import { Context, own, type Settings, text } from './context.ts'
import { customType, extensionTypes } from './custom.ts'
import { type Finding, MAX_FINDINGS } from './finding.ts'
import { checkUuid, identify, specOf, type VersionOptions } from './identity.ts'
import { compareInstants, fractionDigits } from './instant.ts'
import { isCommonOf, judgeObject } from './objects.ts'
import type { PatternAst } from './pattern/index.ts'
import { checkSelectors } from './selector-check.ts'
import { judgeStix20 } from './stix20.ts'
import { isCustom, isScoObject, type Spec } from './types.ts'

export interface Verdict {
  /** Null when type or id are unusable or no version of STIX applies. */
  spec: Spec | null
  sco: boolean
  errors: Finding[]
  /** At most 50, or as many as are wanted, with the errors. */
  warnings: Finding[]
  /** There was more to say. */
  truncated: boolean
  /** The tree of an indicator's pattern, if it is a valid STIX pattern. */
  pattern: PatternAst | null
}

/** `modified` is not before `created`, at full precision (STIX 2.1 §3.2). */
function versionOrder(value: Record<string, unknown>, ctx: Context): void {
  const created = text(value, 'created')
  const modified = text(value, 'modified')
  if (created === undefined || modified === undefined || created === modified) return
  if (fractionDigits(created) < 0 || fractionDigits(modified) < 0) return
  if (compareInstants(modified, created) < 0) {
    const message = 'must be the same as or later than created; % is before %'
    ctx.error('CO-10/modified-before-created', 'modified', message, '3.2', modified, created)
  }
}

/** A custom object says something besides what all objects say (STIX 2.1 §7.3.2, §11.2). */
function saysSomething(value: Record<string, unknown>, sco: boolean, ctx: Context): void {
  for (const key of Object.keys(value)) if (!isCommonOf(sco, key)) return
  const extensions = own(value, 'extensions')
  if (typeof extensions === 'object' && extensions !== null) {
    for (const extension of Object.values(extensions)) {
      if (typeof extension !== 'object' || extension === null) continue
      if (Object.keys(extension).some((key) => key !== 'extension_type')) return
    }
  }
  ctx.error('ME-10/no-property', null, 'must have a property besides the common ones', '11.2')
}

function judge(value: Record<string, unknown>, versions: VersionOptions, ctx: Context): Spec | null {
  const type = identify(value, ctx)
  if (type === null) return null
  const spec = specOf(value, type, versions, ctx)
  if (spec === null) return null
  if (spec === 20) {
    judgeStix20(value, type, ctx)
    checkSelectors(value, ctx)
    return spec
  }
  const types = extensionTypes(value)
  ctx.toplevel = types?.has('toplevel-property-extension') ?? false
  judgeObject(value, type, ctx)
  const { sco } = ctx
  if (isCustom(type)) {
    if (types?.has('toplevel-property-extension') !== true) saysSomething(value, sco, ctx)
    customType(type, ctx, types)
  }
  if (!sco) versionOrder(value, ctx)
  checkUuid(value, type, sco, ctx)
  if (Object.hasOwn(value, 'granular_markings')) checkSelectors(value, ctx)
  return spec
}

/** The verdict on one parsed object. Throws on hostile JavaScript values only (getters, proxies). */
export function checkParsed(
  value: Record<string, unknown>,
  settings: Settings,
  versions: VersionOptions,
  inexact: ReadonlySet<string> | null = null,
  most: number = MAX_FINDINGS,
): Verdict {
  const ctx = new Context(settings, most)
  ctx.inexact = inexact
  const spec = judge(value, versions, ctx)
  const type = own(value, 'type')
  const sco = typeof type === 'string' && isScoObject(type, value)
  const { errors, warnings } = ctx
  const room = most - errors.length
  const more = warnings.length > room
  if (more) warnings.length = room
  // Copies have no room to grow, and a report on many objects keeps them.
  return {
    spec,
    sco,
    errors: errors.slice(),
    warnings: warnings.slice(),
    truncated: ctx.truncated || more,
    pattern: ctx.pattern,
  }
}
