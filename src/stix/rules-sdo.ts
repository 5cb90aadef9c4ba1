/** Rules of domain and relationship objects that their tables cannot state (STIX 2.1 §4, §5). */
import { type Context, own, text } from './context.ts'
import { typeOfId } from './ids.ts'
import { fractionDigits } from './instant.ts'
import { type PatternOptions, parsePattern } from './pattern/index.ts'
import { COUNTRIES } from './registries.ts'
import type { Rule } from './rules-embedded.ts'
import { isSuggested } from './tables/relationships.ts'
import { SCO } from './tables/sco.ts'
import { isCustom, isSco } from './types.ts'

function has(object: Record<string, unknown>, name: string): boolean {
  return Object.hasOwn(object, name)
}

function location(object: Record<string, unknown>, ctx: Context): void {
  const latitude = has(object, 'latitude')
  const longitude = has(object, 'longitude')
  if (latitude !== longitude) {
    const missing = latitude ? 'longitude' : 'latitude'
    ctx.error('SD-01/coordinates', missing, 'is required beside the other coordinate', '4.10')
  } else if (!latitude && !has(object, 'region') && !has(object, 'country')) {
    ctx.error('SD-01/location', null, 'must have region, country, or latitude and longitude', '4.10')
  }
  if (has(object, 'precision') && !(latitude && longitude)) {
    ctx.error('SD-01/precision', 'precision', 'needs latitude and longitude', '4.10')
  }
  const country = text(object, 'country')
  if (country !== undefined && !(country.length === 2 && COUNTRIES.has(country.toUpperCase()))) {
    ctx.warn('277', 'country', 'should be an ISO 3166-1 alpha-2 code, not %', '4.10', country)
  }
}

function malware(object: Record<string, unknown>, ctx: Context): void {
  if (own(object, 'is_family') === true && !has(object, 'name')) {
    ctx.error('SD-02/family-name', 'name', 'is required of a malware family', '4.11')
  }
}

const PRODUCT = /^[a-z0-9-]{1,1000}$/

function malwareAnalysis(object: Record<string, unknown>, ctx: Context): void {
  const product = text(object, 'product')
  if (product !== undefined && !PRODUCT.test(product)) {
    ctx.warn('143', 'product', 'should be lower-case with hyphens, not %', '4.12', product)
  }
}

function observedData(object: Record<string, unknown>, ctx: Context): void {
  if (has(object, 'objects') === has(object, 'object_refs')) {
    ctx.error('SD-04/objects', null, 'must have exactly one of objects and object_refs', '4.14')
  }
  if (has(object, 'objects')) ctx.warn('304', 'objects', 'is deprecated; use object_refs', '4.14')
  const refs = own(object, 'object_refs')
  if (!Array.isArray(refs) || refs.length === 0) return
  const observes = (ref: unknown): boolean => {
    const type = typeof ref === 'string' ? typeOfId(ref) : null
    return type !== null && (isSco(type) || isCustom(type))
  }
  if (!refs.some(observes)) {
    ctx.error('SD-04/no-observable', 'object_refs', 'must name at least one cyber-observable', '4.14')
  }
}

/** Properties of each type of the standard, for the paths of patterns. */
const KNOWN: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries(SCO).map(([type, { properties }]) => [
    type,
    new Set([...Object.keys(properties), 'id', 'type', 'spec_version', 'extensions', 'defanged']),
  ]),
)
const isType = (type: string): boolean => KNOWN.has(type)
const isProperty = (type: string, property: string): boolean => KNOWN.get(type)?.has(property) ?? true

/** The pattern of an indicator, by the rules of its version. */
export function checkPattern(
  pattern: string,
  version: '2.0' | '2.1',
  object: Record<string, unknown>,
  ctx: Context,
): void {
  const options: PatternOptions = { version, isType, isProperty }
  const from = text(object, 'valid_from')
  const until = text(object, 'valid_until')
  if (from !== undefined && fractionDigits(from) >= 0) options.validFrom = from
  if (until !== undefined && fractionDigits(until) >= 0) options.validUntil = until
  const result = parsePattern(pattern, options)
  if (result.ok) ctx.pattern = result.ast
  for (const found of result.ok ? result.warnings : result.errors) {
    const warning = /^[0-9]/.test(found.code)
    if (warning && (version === '2.0' || ctx.settings.disabled.has(found.code))) continue
    ctx.add(warning ? 'warning' : 'error', 'pattern', found)
  }
}

function indicator(object: Record<string, unknown>, ctx: Context): void {
  if (!has(object, 'name') || !has(object, 'description')) {
    ctx.warn('303', null, 'should have a name and a description', '4.7')
  }
  const pattern = text(object, 'pattern')
  if (pattern === undefined || own(object, 'pattern_type') !== 'stix') return
  checkPattern(pattern, own(object, 'pattern_version') === '2.0' ? '2.0' : '2.1', object, ctx)
}

const RELATIONSHIP_TYPE = /^[a-z0-9-]{3,250}$/

function relationship(object: Record<string, unknown>, ctx: Context): void {
  const type = text(object, 'relationship_type')
  if (type === undefined) return
  if (!RELATIONSHIP_TYPE.test(type)) {
    ctx.error(
      /^[a-z0-9-]*$/.test(type) ? 'SD-09/length' : 'SD-09/relationship-type',
      'relationship_type',
      'must be 3 to 250 of a-z, 0-9 and hyphen, not %',
      '5.1',
      type,
    )
    return
  }
  const source = typeOfId(text(object, 'source_ref') ?? '')
  const target = typeOfId(text(object, 'target_ref') ?? '')
  if (source === null || target === null || isSuggested(source, type, target)) return
  ctx.warn(
    '202',
    'relationship_type',
    'is not a suggested relationship: %',
    '5.1',
    `${source} ${type} ${target}`,
  )
}

export const SDO_RULES: Readonly<Record<string, readonly Rule[]>> = {
  location: [location],
  malware: [malware],
  'malware-analysis': [malwareAnalysis],
  'observed-data': [observedData],
  indicator: [indicator],
  relationship: [relationship],
}
