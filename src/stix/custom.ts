/** Custom types, properties and extensions: with an extension definition, by a name with a prefix, or refused. */
import { type Context, isRecord, own } from './context.ts'
import { isPropertyName } from './formats.ts'
import { isTypeName } from './ids.ts'
import { looseProperty } from './loose.ts'

/** Extension types that the object's extensions state. */
export function extensionTypes(object: Record<string, unknown>): ReadonlySet<unknown> | null {
  const extensions = own(object, 'extensions')
  if (!isRecord(extensions)) return null
  const types = new Set<unknown>()
  for (const extension of Object.values(extensions)) {
    if (isRecord(extension)) types.add(own(extension, 'extension_type'))
  }
  return types
}

const STRICT = { type: /^x-.+-.+$/, property: /^x_.+_.+$/, extension: /^x-.+-.+-ext$/ }
const LAX = { type: /^x-.+$/, property: /^x_.+$/, extension: /^x-.+-ext$/ }

/**
 * What is to say of custom content without an extension definition: 401, or about its name 101 (only with 401
 * disabled) or 102 (only with both disabled).
 */
function undefinedContent(
  what: keyof typeof STRICT,
  name: string,
  step: string | null,
  ctx: Context,
  message: string,
): void {
  const { disabled } = ctx.settings
  if (!disabled.has('401')) ctx.warn('401', step, message, '7.3', name)
  else if (!disabled.has('101')) {
    if (name.length > 250 || !STRICT[what].test(name)) {
      ctx.warn('101', step, 'should have a name with a prefix and a source (x-, x_): %', '11', name)
    }
  } else if (name.length > 250 || !LAX[what].test(name)) {
    ctx.warn('102', step, 'should have a name with the prefix x- or x_: %', '11', name)
  }
}

/** A property that no table has, on an object of the standard or inside of one. */
export function customProperty(key: string, ctx: Context, whole: boolean): void {
  if (whole && ctx.toplevel) return
  if (ctx.settings.customProperties === 'deny') {
    ctx.error(
      'ME-09/custom-property',
      key,
      'is no property of this type, and custom ones are not accepted',
      '11.1',
    )
    return
  }
  undefinedContent('property', key, key, ctx, 'is a custom property; define it by an extension: %')
}

export function customType(type: string, ctx: Context, types: ReadonlySet<unknown> | null): void {
  if (types && (types.has('new-sdo') || types.has('new-sco') || types.has('new-sro'))) return
  if (ctx.settings.customTypes === 'deny') {
    ctx.error(
      'ME-09/custom-type',
      'type',
      'is no type of the standard, and custom ones are not accepted: %',
      '11.2',
      type,
    )
    return
  }
  undefinedContent('type', type, 'type', ctx, 'is a custom type; define it by an extension: %')
}

/** An extension whose key is neither an id nor predefined: deprecated, and on cyber-observables only. */
export function customExtension(key: string, value: Record<string, unknown>, ctx: Context): void {
  if (!ctx.sco || !key.endsWith('-ext') || !isTypeName(key)) {
    ctx.error(
      'ME-08/key',
      null,
      'must be the id of an extension-definition or a predefined extension: %',
      '7.3',
      key,
    )
    return
  }
  if (ctx.settings.customExtensions === 'deny') {
    ctx.error(
      'ME-09/custom-extension',
      null,
      'is no extension with a definition, and others are not accepted',
      '7.3',
    )
  } else if (!extensionTypes(ctx.object)?.has('property-extension')) {
    undefinedContent(
      'extension',
      key,
      null,
      ctx,
      'is a custom extension; define it by an extension-definition: %',
    )
  }
  for (const name of Object.keys(value)) {
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
