/** STIX 2.0 objects, by the smaller table: accepted when their frame is right; what else they lack only warns. */
import { type Context, isRecord, own, text } from './context.ts'
import { TLP2_ELSEWHERE } from './extensions.ts'
import { uuidVersion } from './ids.ts'
import { compareInstants, fractionDigits, timestampProblem } from './instant.ts'
import { compileKind } from './kinds.ts'
import { loose } from './loose.ts'
import { isTlpDefinition20, TLP2_EXTENSION } from './markings.ts'
import { checkTlp } from './rules-meta.ts'
import { checkPattern } from './rules-sdo.ts'
import { REQUIRED_20 } from './tables/stix20.ts'

const PART = 'STIX 2.0 Part 1 §3.1'
const PART_32 = 'STIX 2.0 Part 1 §3.2'

/** What is said of an id with another UUID: a MUST of STIX 2.0, where 2.1 has a SHOULD. */
export const UUID_20 = 'must have a UUID of version 4 (STIX 2.0 Part 1 §2.7); make a new id'

const never = (): never => {
  throw new Error('no special kinds in STIX 2.0')
}
const identityRef = compileKind('ref identity', 'created_by_ref', never)
const markingRefs = compileKind('ref[] marking-definition', 'object_marking_refs', never)
const anyRef = compileKind('ref', 'object_ref', never)
const anyRefs = compileKind('ref[]', 'object_refs', never)

/** References that STIX 2.0 defines. */
const REFERENCES: ReadonlySet<string> = new Set(['source_ref', 'target_ref', 'sighting_of_ref'])
const LISTS: ReadonlySet<string> = new Set(['object_refs', 'observed_data_refs', 'where_sighted_refs'])
const TIMES: ReadonlySet<string> = new Set(
  'first_seen last_seen valid_from valid_until published first_observed last_observed'.split(' '),
)

function instant(object: Record<string, unknown>, name: string, exact: boolean, ctx: Context): void {
  const value = own(object, name)
  if (value === undefined) return
  const digits = typeof value === 'string' ? fractionDigits(value) : -1
  if (typeof value !== 'string') ctx.wrong(value, name, 'a timestamp', '2.16')
  else if (digits < 0) {
    ctx.error('TY-13/timestamp', name, timestampProblem(value), '2.16', value)
  } else if (exact && digits !== 3) {
    // Feeds send whole seconds, which the door lets pass; none sends more than three digits.
    const code = digits < 3 ? 'CO-09/precision' : 'CO-09/three-digits'
    ctx.error(code, name, `must have exactly three digits after the second (${PART_32}), not %`, null, value)
  }
}

function marking(object: Record<string, unknown>, ctx: Context): void {
  for (const name of ['definition_type', 'definition']) {
    if (!Object.hasOwn(object, name)) ctx.warn('908', name, 'is required in STIX 2.0', null)
  }
  checkTlp(object, isTlpDefinition20(object), ctx)
}

/** What says TLP 2.0 here is no marking: there are none in STIX 2.0. */
function tlpElsewhere(object: Record<string, unknown>, ctx: Context): void {
  const extensions = own(object, 'extensions')
  if (!isRecord(extensions) || !Object.hasOwn(extensions, TLP2_EXTENSION)) return
  ctx.steps.push('extensions')
  ctx.error('ME-04/tlp', TLP2_EXTENSION, TLP2_ELSEWHERE, '7.2.1')
  ctx.steps.pop()
}

function granular(value: unknown, ctx: Context): void {
  if (!Array.isArray(value)) return
  ctx.steps.push('granular_markings')
  for (let i = 0; i < value.length; i++) {
    const item: unknown = value[i]
    if (!isRecord(item)) continue
    ctx.steps.push(i)
    for (const name of ['marking_ref', 'selectors']) {
      if (!Object.hasOwn(item, name)) ctx.error('ME-05/lang-or-marking', name, 'is required; add it', '7.2.3')
    }
    if (Object.hasOwn(item, 'selectors') && !Array.isArray(item.selectors)) {
      ctx.wrong(item.selectors, 'selectors', 'a list', '7.2.3')
    }
    ctx.steps.pop()
  }
  ctx.steps.pop()
}

/** Judges an object whose type and id are in order. */
export function judgeStix20(object: Record<string, unknown>, type: string, ctx: Context): void {
  ctx.object = object
  ctx.type = type
  ctx.warn('907', null, 'is judged as STIX 2.0; send STIX 2.1', null)
  const uuid = uuidVersion(object.id as string, type.length + 2)
  if (uuid < 0) ctx.warn('904', 'id', 'should have lower-case digits in its UUID', '2.9')
  if (Math.abs(uuid) !== 4) ctx.error('CO-03/uuid-version', 'id', UUID_20, null)
  for (const name of type === 'marking-definition' ? ['created'] : ['created', 'modified']) {
    if (!Object.hasOwn(object, name)) ctx.error('TY-01/required', name, `is required (${PART}); add it`, null)
    instant(object, name, true, ctx)
  }
  for (const key of Object.keys(object)) {
    const value = object[key]
    if (key === 'created_by_ref') identityRef(value, ctx, key)
    else if (key === 'object_marking_refs') markingRefs(value, ctx, key)
    else if (REFERENCES.has(key)) anyRef(value, ctx, key)
    else if (LISTS.has(key)) anyRefs(value, ctx, key)
    else if (TIMES.has(key)) instant(object, key, false, ctx)
    else if (key !== 'created' && key !== 'modified') loose(value, ctx, key, false, true)
  }
  const created = text(object, 'created')
  const modified = text(object, 'modified')
  if (
    created !== undefined &&
    modified !== undefined &&
    fractionDigits(created) >= 0 &&
    fractionDigits(modified) >= 0
  ) {
    if (compareInstants(modified, created) < 0) {
      ctx.error(
        'CO-10/modified-before-created',
        'modified',
        'must be the same as or later than created',
        '3.2',
      )
    }
  }
  if (type === 'marking-definition') marking(object, ctx)
  else {
    tlpElsewhere(object, ctx)
    for (const name of REQUIRED_20[type] ?? []) {
      if (!Object.hasOwn(object, name)) ctx.warn('908', name, `is required of a ${type} in STIX 2.0`, null)
    }
  }
  granular(own(object, 'granular_markings'), ctx)
  const pattern = text(object, 'pattern')
  if (type === 'indicator' && pattern !== undefined) checkPattern(pattern, '2.0', object, ctx)
}
