/** The property `extensions`: with a definition, predefined, or custom (STIX 2.1 §7.3, §11.3). */
import { type Check, type Context, isRecord, own } from './context.ts'
import { customExtension } from './custom.ts'
import { isPropertyName } from './formats.ts'
import { uuidVersion } from './ids.ts'
import { build, type Judge, judge } from './judge.ts'
import { crowded, looseProperty } from './loose.ts'
import { TLP2_EXTENSION } from './markings.ts'
import { EMBEDDED_RULES } from './rules-embedded.ts'
import { EXTENSION_HOST, EXTENSIONS } from './tables/structs.ts'
import { ENUMERATIONS } from './tables/vocabularies.ts'

const PREDEFINED: ReadonlyMap<string, Judge> = new Map(
  Object.entries(EXTENSIONS).map(([name, table]) => [
    name,
    build(name, table, {}, [], EMBEDDED_RULES[name] ?? [], false),
  ]),
)

/** What is said of the TLP 2.0 extension on anything but a marking-definition, where it would only look like a marking. */
export const TLP2_ELSEWHERE =
  'belongs on the five TLP 2.0 markings only; refer to one of them in object_marking_refs instead'

const EXTENSION_KEY = 'extension-definition--'
const EXTENSION_TYPES = ENUMERATIONS.get('extension-type')?.terms ?? new Set<string>()

function definedExtension(key: string, value: Record<string, unknown>, ctx: Context): void {
  if (uuidVersion(key, EXTENSION_KEY.length) === 0) {
    ctx.error('ME-08/key', null, 'has a key that is no id of an extension-definition', '7.3')
  }
  const kind = own(value, 'extension_type')
  if (kind === undefined) ctx.error('ME-08/extension-type', 'extension_type', 'is required; add it', '7.3')
  else if (typeof kind !== 'string' || !EXTENSION_TYPES.has(kind)) {
    ctx.error(
      'ME-08/extension-type',
      'extension_type',
      `must be one of ${[...EXTENSION_TYPES].join(', ')}`,
      '7.3',
    )
  }
  if (key === TLP2_EXTENSION && ctx.type !== 'marking-definition') {
    ctx.error('ME-04/tlp', null, TLP2_ELSEWHERE, '7.2.1')
  }
  const { extensions } = ctx.settings
  if (extensions === 'deny' || (typeof extensions === 'object' && !extensions.has(key))) {
    ctx.error('ME-09/extension', null, 'is an extension that is not accepted here', '7.3')
  }
  for (const name of Object.keys(value)) {
    if (name === 'extension_type') continue
    if (!isPropertyName(name)) {
      ctx.error(
        'TY-15/property-name',
        name,
        'is no property name (3 to 250 of a-z, 0-9 and _): %',
        '3.1',
        name,
      )
    }
    looseProperty(name, value[name], ctx, true, false)
  }
}

function extension(key: string, value: unknown, ctx: Context): void {
  if (!isRecord(value)) {
    ctx.wrong(value, key, 'an object', '7.3')
    return
  }
  const names = Object.keys(value)
  if (names.length === 0) {
    ctx.error('TY-02/empty-object', key, 'is empty; leave it out', '7.3')
    return
  }
  if (crowded(names, ctx, key)) return
  ctx.steps.push(key)
  const predefined = PREDEFINED.get(key)
  if (key.startsWith(EXTENSION_KEY)) definedExtension(key, value, ctx)
  else if (predefined) {
    const host = EXTENSION_HOST[key as keyof typeof EXTENSION_HOST]
    if (host !== ctx.type) ctx.error('ME-08/host', null, `belongs on a ${host}, not on a %`, '6', ctx.type)
    judge(predefined, value, ctx, false)
  } else customExtension(key, value, ctx)
  ctx.steps.pop()
}

export const extensions: Check = (value, ctx, step) => {
  if (!isRecord(value)) {
    ctx.wrong(value, step, 'an object', '3.2')
    return
  }
  const keys = Object.keys(value)
  if (keys.length === 0) ctx.error('TY-02/empty-object', step, 'is empty; leave the property out', '3.2')
  if (crowded(keys, ctx, step)) return
  ctx.steps.push(step)
  for (const key of keys) extension(key, value[key], ctx)
  ctx.steps.pop()
}
