/** What only a bundle, envelope or list shows: its own frame, and what its objects say of each other (STIX 2.1 §8). */
import { Context, isRecord, own, type Settings, text } from './context.ts'
import { customProperty } from './custom.ts'
import { type Finding, MAX_FINDINGS } from './finding.ts'
import { isPropertyName } from './formats.ts'
import { typeOfId, uuidVersion } from './ids.ts'
import { compareInstants, fractionDigits, instantKey } from './instant.ts'
import { loose } from './loose.ts'
import { TLP_BY_ID } from './markings.ts'
import { UUID_20 } from './stix20.ts'
import { isScoObject, SRO_TYPES } from './types.ts'

interface Judged {
  version?: '2.0' | '2.1' | null
  errors: Finding[]
  warnings: Finding[]
}

interface Checked {
  findings: Finding[]
  objects: Judged[]
}

/** The frame of a bundle, without its objects. */
function frame(bundle: Record<string, unknown>, ctx: Context): void {
  const id = own(bundle, 'id')
  const objects = own(bundle, 'objects')
  if (id === undefined) ctx.error('ME-11/id', 'id', 'is required; add it', '8')
  else if (typeof id !== 'string' || typeOfId(id) !== 'bundle') {
    ctx.error('ME-11/id', 'id', 'must be bundle--UUID, not %', '8', id)
  } else if (Math.abs(uuidVersion(id, 8)) !== 4) {
    if (own(bundle, 'spec_version') === '2.0') ctx.error('CO-03/uuid-version', 'id', UUID_20, null)
    else ctx.warn('103', 'id', 'should have a UUID of version 4', '2.9')
  }
  if (objects !== undefined && !Array.isArray(objects))
    ctx.wrong(objects, 'objects', 'a list of objects', '8')
  for (const key of Object.keys(bundle)) {
    if (key === 'type' || key === 'id' || key === 'objects') continue
    const old = key === 'spec_version'
    if (!isPropertyName(key)) {
      ctx.error('TY-15/property-name', key, 'is no property name (3 to 250 of a-z, 0-9 and _): %', '3.1', key)
    }
    if (!(old && bundle[key] === '2.0')) customProperty(key, ctx, true)
    loose(bundle[key], ctx, key, true, true)
  }
}

/** One producer uses a UUID for one type only; cyber-observables may share theirs (STIX 2.1 §2.9). */
function sharedUuids(
  values: readonly Record<string, unknown>[],
  reports: readonly Judged[],
  run: Settings,
): void {
  const seen = new Map<string, { type: string; creator: unknown }>()
  for (const [i, value] of values.entries()) {
    const id = text(value, 'id')
    const type = text(value, 'type')
    if (id === undefined || type === undefined || isScoObject(type, value) || typeOfId(id) !== type) continue
    const uuid = id.slice(type.length + 2)
    const creator = own(value, 'created_by_ref')
    const other = seen.get(uuid)
    if (!other) seen.set(uuid, { type, creator })
    else if (other.type !== type) {
      if (creator !== undefined && other.creator !== undefined && creator !== other.creator) continue
      const ctx = new Context(run)
      ctx.error('CO-07/shared-uuid', 'id', 'has the UUID of an object of another type, %', '2.9', other.type)
      reports[i]?.errors.push(...ctx.errors)
    }
  }
}

/** The same version of an object twice (STIX 2.1 §3.6); of STIX 2.0 no SHOULD is looked at. */
function repeated(
  values: readonly Record<string, unknown>[],
  reports: readonly Judged[],
  run: Settings,
): void {
  const seen = new Map<string, { first: string; instants: Set<string> | null }>()
  for (const [i, value] of values.entries()) {
    const id = text(value, 'id')
    const modified = text(value, 'modified')
    if (id === undefined || modified === undefined || fractionDigits(modified) < 0) continue
    if (reports[i]?.version === '2.0') continue
    const versions = seen.get(id)
    if (!versions) {
      seen.set(id, { first: modified, instants: null })
      continue
    }
    versions.instants ??= new Set([instantKey(versions.first)])
    const { instants } = versions
    if (instants.size === instants.add(instantKey(modified)).size) {
      const ctx = new Context(run)
      ctx.warn('203', 'modified', 'stands beside the same id twice in the bundle', '3.6')
      reports[i]?.warnings.push(...ctx.warnings)
    }
  }
}

function shape(value: unknown): string {
  return Array.isArray(value) ? 'list' : typeof value
}

/** Translations mirror the object that they are of, where it is at hand (STIX 2.1 §7.1). */
function translations(
  values: readonly Record<string, unknown>[],
  reports: readonly Judged[],
  run: Settings,
): void {
  if (!values.some((value) => own(value, 'type') === 'language-content')) return
  const byId = new Map<string, Record<string, unknown>[]>()
  for (const value of values) {
    const id = text(value, 'id')
    if (id !== undefined) byId.set(id, [...(byId.get(id) ?? []).slice(0, 99), value])
  }
  for (const [i, value] of values.entries()) {
    if (own(value, 'type') !== 'language-content') continue
    const modified = text(value, 'object_modified')
    const targets = byId.get(text(value, 'object_ref') ?? '') ?? []
    const same = (target: Record<string, unknown>): boolean => {
      const stated = text(target, 'modified')
      if (modified === undefined || stated === undefined) return modified === undefined
      return (
        fractionDigits(modified) >= 0 &&
        fractionDigits(stated) >= 0 &&
        compareInstants(modified, stated) === 0
      )
    }
    const ctx = new Context(run)
    const target = targets.find(same)
    if (targets.length > 0 && !target) {
      ctx.error(
        'ME-01/modified',
        'object_modified',
        'is no version of the object that is in the bundle',
        '7.1',
      )
    }
    if (target) mirrored(own(value, 'contents'), target, ctx)
    reports[i]?.errors.push(...ctx.errors)
  }
}

function mirrored(contents: unknown, target: Record<string, unknown>, ctx: Context): void {
  if (!isRecord(contents)) return
  for (const [language, fields] of Object.entries(contents)) {
    if (!isRecord(fields)) continue
    ctx.steps.push('contents', language)
    for (const [name, translated] of Object.entries(fields)) {
      const original = own(target, name)
      if (original === undefined) continue
      if (shape(original) !== shape(translated)) {
        ctx.error('ME-01/mirror', name, `must be a ${shape(original)}, as in the object`, '7.1')
      } else if (
        Array.isArray(original) &&
        Array.isArray(translated) &&
        original.length !== translated.length
      ) {
        ctx.error('ME-01/mirror', name, `must have ${original.length} items, as in the object`, '7.1')
      }
    }
    ctx.steps.length -= 2
  }
}

/** Both ends of each relationship are in the bundle (an option). */
function resolved(
  values: readonly Record<string, unknown>[],
  reports: readonly Judged[],
  run: Settings,
): void {
  const ids = new Set(values.map((value) => own(value, 'id')))
  for (const [i, value] of values.entries()) {
    if (!SRO_TYPES.has(text(value, 'type') ?? '')) continue
    const ctx = new Context(run)
    for (const name of ['source_ref', 'target_ref', 'sighting_of_ref']) {
      const ref = own(value, name)
      if (typeof ref === 'string' && !ids.has(ref)) {
        ctx.error('ME-12/unresolved', name, 'refers to an object that is not in the bundle: %', '5', ref)
      }
    }
    reports[i]?.errors.push(...ctx.errors)
  }
}

/** Rules of the interoperability test documents (an option). */
function interoperable(
  values: readonly Record<string, unknown>[],
  reports: readonly Judged[],
  run: Settings,
): void {
  const creators = new Map<string, Record<string, unknown>>()
  for (const value of values) {
    const id = text(value, 'id')
    if (id !== undefined && own(value, 'type') === 'identity') creators.set(id, value)
  }
  for (const [i, value] of values.entries()) {
    const type = text(value, 'type') ?? ''
    const ctx = new Context(run)
    if (!isScoObject(type, value) && type !== 'marking-definition') {
      const creator = text(value, 'created_by_ref')
      const identity = creators.get(creator ?? '')
      if (creator === undefined) ctx.error('ME-13/creator', 'created_by_ref', 'is required; add it', null)
      else if (!identity || !Object.hasOwn(identity, 'created_by_ref')) {
        ctx.error('ME-13/creator', 'created_by_ref', 'must name an identity of the bundle that has one', null)
      }
    }
    const refs = own(value, 'object_marking_refs')
    const levels = Array.isArray(refs)
      ? refs.filter((ref) => typeof ref === 'string' && TLP_BY_ID.has(ref))
      : []
    if (levels.length > 1) {
      ctx.error('ME-13/tlp', 'object_marking_refs', 'must have at most one TLP marking', null)
    }
    reports[i]?.errors.push(...ctx.errors)
  }
}

/** Adds what a bundle (null for an envelope or list) shows to the report; `values` and reports go by position. */
export function checkBundle(
  bundle: Record<string, unknown> | null,
  values: readonly Record<string, unknown>[],
  report: Checked,
  settings: Settings,
  options: { enforceRefs?: boolean; interop?: boolean },
): void {
  if (bundle) {
    const ctx = new Context(settings)
    frame(bundle, ctx)
    const objects = own(bundle, 'objects')
    if (Array.isArray(objects) && objects.length === 0 && values.length === 0) {
      ctx.error('ME-11/objects', 'objects', 'is empty; leave it out', '8')
    }
    report.findings.push(...ctx.errors, ...ctx.warnings)
    report.findings.length = Math.min(report.findings.length, MAX_FINDINGS)
  }
  const { objects } = report
  sharedUuids(values, objects, settings)
  repeated(values, objects, settings)
  translations(values, objects, settings)
  if (options.enforceRefs) resolved(values, objects, settings)
  if (options.interop) interoperable(values, objects, settings)
}
