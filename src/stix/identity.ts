/** What all else hangs on: the type, the id, and which version of STIX judges an object (STIX 2.1 §2.9, §3.1, §3.2). */
import { type Context, own } from './context.ts'
import { contributingProperties, hasDeterministicId } from './deterministic-id.ts'
import { quote } from './finding.ts'
import { isTypeName, TYPE_NAME_MESSAGE, typeOfId, uuidVersion } from './ids.ts'
import { isCustom, isScoObject, ONLY_21, type Spec } from './types.ts'

/** The type of an object whose type and id are usable; null, with the error told, otherwise. */
export function identify(value: Record<string, unknown>, ctx: Context): string | null {
  const id = own(value, 'id')
  const type = own(value, 'type')
  if (type === undefined) {
    ctx.error('TY-01/type', 'type', 'is missing: the object has no type; add the property `type`', '3.2')
    return null
  }
  if (!isTypeName(type)) {
    ctx.error('TY-14/type-name', 'type', TYPE_NAME_MESSAGE, '3.1', type)
    return null
  }
  if (type === 'bundle') {
    ctx.error('ME-11/bundle', 'type', 'says that the object is a bundle; send its objects instead', '8')
    return null
  }
  if (id === undefined) {
    ctx.error('CO-01/id', 'id', 'is missing: the object has no id; add the property `id`', '2.9')
    return null
  }
  const { idLength } = ctx.settings.limits
  if (typeof id === 'string' && id.length > idLength) {
    ctx.error('limit/id', 'id', `is longer than the limit of ${idLength} characters; shorten it`, null)
    return null
  }
  ctx.type = type
  const stated = typeof id === 'string' ? typeOfId(id) : null
  if (stated === null || !isTypeName(stated)) {
    ctx.error('CO-01/id', 'id', `must be an id, ${type}--UUID with a UUID of RFC 4122, not %`, '2.9', id)
    return null
  }
  if (stated !== type) {
    ctx.error(
      'CO-01/id-type',
      'id',
      'starts with % but the type is %; both must be the same',
      '2.9',
      stated,
      type,
    )
    // Unless the profile leaves it out.
    if (ctx.errors.length > 0) return null
  }
  return type
}

export interface VersionOptions {
  /** Judge by this version, whatever the object states. */
  version?: Spec
  /** Versions that are accepted. */
  versions?: readonly Spec[]
  /** Does the object come from a bundle or envelope? */
  inside: boolean
  /** From a bundle of STIX 2.0? */
  bundle20?: boolean
}

/** Which version of STIX judges the object; null, with the error told, when none does. */
export function specOf(
  value: Record<string, unknown>,
  type: string,
  options: VersionOptions,
  ctx: Context,
): Spec | null {
  const stated = own(value, 'spec_version')
  const sco = isScoObject(type, value)
  const refuse = (message: string): null => {
    ctx.error('CO-08/spec-version', 'spec_version', message, '3.2')
    return null
  }
  if (stated !== undefined && stated !== '2.0' && stated !== '2.1') {
    return refuse(`must be "2.1" or "2.0", not ${quote(stated)}`)
  }
  let spec: Spec
  if (options.version !== undefined) spec = options.version
  else if (sco && !isCustom(type)) spec = 21
  else if (stated !== undefined) spec = stated === '2.0' ? 20 : 21
  else if (options.bundle20) spec = 20
  else if (sco || !options.inside) spec = 21
  else if (ONLY_21.has(type))
    return refuse(`is missing, and a ${type} must state it; add "spec_version": "2.1"`)
  else spec = Object.hasOwn(value, 'created') ? 20 : 21
  if (spec === 20 && ONLY_21.has(type)) return refuse(`must be "2.1": STIX 2.0 has no ${type}`)
  if (!options.versions || options.versions.includes(spec)) return spec
  if (spec === 21) return refuse('makes this a STIX 2.1 object, and STIX 2.0 only is accepted')
  return refuse(
    stated === undefined
      ? 'is missing: spec_version is missing, which makes this a STIX 2.0 object, and STIX 2.1 only is accepted; add "spec_version": "2.1"'
      : 'states "2.0", and STIX 2.1 only is accepted',
  )
}

/** Versions of the UUID, and whether a deterministic id is what the rules give (STIX 2.1 §2.9). */
export function checkUuid(value: Record<string, unknown>, type: string, sco: boolean, ctx: Context): void {
  const id = value.id as string
  const signed = uuidVersion(id, type.length + 2)
  const version = Math.abs(signed)
  if (signed < 0) ctx.warn('904', 'id', 'should have lower-case digits in its UUID', '2.9')
  if (!sco) {
    if (version !== 4) ctx.warn('103', 'id', 'should have a UUID of version 4', '2.9')
    return
  }
  if (type === 'process') {
    if (version !== 4) ctx.error('CO-05/process-id', 'id', 'must have a UUID of version 4', '6.13')
    return
  }
  const names = contributingProperties(type)
  if (names && !names.some((name) => Object.hasOwn(value, name))) {
    if (version !== 4) {
      const message = 'must have a UUID of version 4, as no contributing property is present'
      ctx.error('CO-04/uuid-version', 'id', message, '2.9')
    }
    return
  }
  if (version !== 5) ctx.warn('103', 'id', 'should have a UUID of version 5', '2.9')
  else if (
    names &&
    ctx.errors.length === 0 &&
    !ctx.settings.disabled.has('901') &&
    !hasDeterministicId(value, id)
  ) {
    ctx.warn('901', 'id', 'is not the id that its contributing properties give', '2.9')
  }
}
