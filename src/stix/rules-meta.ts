/** Rules of the meta objects: language-content, marking-definition with both TLP generations, extension-definition. */
import { type Context, isRecord, own, text } from './context.ts'
import { isLanguageTag, isPropertyName } from './formats.ts'
import { typeOfId } from './ids.ts'
import { crowded, loose } from './loose.ts'
import { isTlpDefinition, TLP2_EXTENSION, tlpGeneration } from './markings.ts'
import type { Rule } from './rules-embedded.ts'

const FIVE = 'must be one of the five TLP 2.0 markings exactly as OASIS published it'

function has(object: Record<string, unknown>, name: string): boolean {
  return Object.hasOwn(object, name)
}

function translations(language: string, value: unknown, ctx: Context): void {
  if (!isRecord(value)) {
    ctx.wrong(value, language, 'an object of translated properties', '7.1')
    return
  }
  const names = Object.keys(value)
  if (names.length === 0) ctx.error('TY-02/empty-object', language, 'is empty; leave it out', '7.1')
  if (crowded(names, ctx, language)) return
  ctx.steps.push(language)
  for (const name of names) {
    if (!isPropertyName(name)) ctx.error('ME-01/property', name, 'is no property name: %', '7.1', name)
    const item = value[name]
    if (typeof item === 'number' || typeof item === 'boolean') {
      ctx.error('ME-01/value', name, 'must be a string, a list or an object', '7.1')
    } else loose(item, ctx, name, false, true)
  }
  ctx.steps.pop()
}

function languageContent(object: Record<string, unknown>, ctx: Context): void {
  const target = typeOfId(text(object, 'object_ref') ?? '')
  if (target === 'language-content') {
    ctx.error('ME-01/target', 'object_ref', 'must not refer to a language-content', '7.1')
  }
  const contents = own(object, 'contents')
  if (contents === undefined) return
  if (!isRecord(contents)) {
    ctx.wrong(contents, 'contents', 'an object', '7.1')
    return
  }
  const keys = Object.keys(contents)
  if (keys.length === 0) ctx.error('TY-02/empty-object', 'contents', 'is empty', '7.1')
  if (crowded(keys, ctx, 'contents')) return
  ctx.steps.push('contents')
  for (const key of keys) {
    if (!isLanguageTag(key)) {
      ctx.error('ME-01/language', key, 'must be a language tag (RFC 5646), not %', '7.1', key)
    }
    translations(key, contents[key], ctx)
  }
  ctx.steps.pop()
}

/** No marking by itself, directly or for a part (STIX 2.1 §7.2.1). */
function selfMarked(object: Record<string, unknown>, ctx: Context): void {
  const id = own(object, 'id')
  const refs = own(object, 'object_marking_refs')
  if (typeof id !== 'string') return
  if (Array.isArray(refs) && refs.includes(id)) {
    ctx.error('ME-02/self', 'object_marking_refs', 'must not refer to the marking itself', '7.2.1')
  }
  const granular = own(object, 'granular_markings')
  if (Array.isArray(granular) && granular.some((m) => isRecord(m) && own(m, 'marking_ref') === id)) {
    ctx.error('ME-02/self', 'granular_markings', 'must not refer to the marking itself', '7.2.1')
  }
}

function markingDefinition(object: Record<string, unknown>, ctx: Context): void {
  const type = own(object, 'definition_type')
  const definition = own(object, 'definition')
  if (!has(object, 'extensions')) {
    for (const name of ['definition_type', 'definition']) {
      if (!has(object, name)) {
        ctx.error('ME-02/definition', name, 'is required unless extensions is present', '7.2.1')
      }
    }
    if (typeof type === 'string' && type !== 'statement' && type !== 'tlp') {
      ctx.warn('401', 'definition_type', 'is a custom marking; define it by an extension: %', '7.2.1', type)
    }
  }
  if (typeof type === 'string' && type !== 'statement' && type !== 'tlp') {
    ctx.warn('201', 'definition_type', 'should be statement or tlp, not %', '7.2.1', type)
  }
  if (definition !== undefined) {
    if (!isRecord(definition)) ctx.wrong(definition, 'definition', 'an object', '7.2.1')
    else {
      if (type === 'statement' && typeof own(definition, 'statement') !== 'string') {
        ctx.error('ME-02/statement', 'definition', 'must have the string statement', '7.2.1')
      }
      loose(definition, ctx, 'definition', true, true)
    }
  }
  selfMarked(object, ctx)
}

/**
 * TLP is what access hangs on: its definitions are taken exactly as published, or not at all, and nothing else says
 * that it is one. @param exact is the marking one of them, in the version of STIX that judges it?
 */
export function checkTlp(object: Record<string, unknown>, exact: boolean, ctx: Context): void {
  if (exact) return
  const extensions = own(object, 'extensions')
  const generation = tlpGeneration(own(object, 'id'))
  const stated = own(object, 'definition_type') === 'tlp'
  if (isRecord(extensions) && has(extensions, TLP2_EXTENSION)) ctx.error('ME-04/tlp', null, FIVE, '7.2.1')
  else if (stated || generation === 1) {
    const message = 'must be one of the four TLP markings exactly as the standard prints it'
    ctx.error(stated ? 'ME-03/tlp' : 'ME-03/tlp-id', null, message, '7.2.1')
  } else if (generation === 2) ctx.error('ME-04/tlp-id', null, FIVE, '7.2.1')
}

function tlp(object: Record<string, unknown>, ctx: Context): void {
  checkTlp(object, isTlpDefinition(object) === true, ctx)
}

function extensionDefinition(object: Record<string, unknown>, ctx: Context): void {
  if (!has(object, 'description')) ctx.warn('305', null, 'should have a description', '7.3')
  const types = own(object, 'extension_types')
  const toplevel = Array.isArray(types) && types.includes('toplevel-property-extension')
  const properties = own(object, 'extension_properties')
  if (properties === undefined) {
    if (toplevel) ctx.warn('306', null, 'should list its extension_properties', '7.3')
    return
  }
  if (!toplevel) {
    const message = 'needs the extension type toplevel-property-extension'
    ctx.error('ME-07/extension-properties', 'extension_properties', message, '7.3')
  }
  if (!Array.isArray(properties)) return
  ctx.steps.push('extension_properties')
  for (let i = 0; i < properties.length; i++) {
    const name: unknown = properties[i]
    if (typeof name === 'string' && !isPropertyName(name)) {
      ctx.error('TY-15/property-name', i, 'is no property name (3 to 250 of a-z, 0-9 and _): %', '3.1', name)
    }
  }
  ctx.steps.pop()
}

export const META_RULES: Readonly<Record<string, readonly Rule[]>> = {
  'language-content': [languageContent],
  'marking-definition': [markingDefinition, tlp],
  'extension-definition': [extensionDefinition],
}
