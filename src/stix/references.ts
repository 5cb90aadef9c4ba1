/** References: well-formed, to an object of a type that the property takes (STIX 2.1 §2.9 and each object's section). */
import type { Check, Context } from './context.ts'
import { isTypeName, TAIL, uuidVersion } from './ids.ts'
import { isCustom, SCO_TYPES, SDO_TYPES, SRO_TYPES } from './types.ts'

/** Rules of references that have a code of their own. */
const REFERENCE_CODES: ReadonlyMap<string, string> = new Map([
  ['created_by_ref', 'CO-11/target'],
  ['object_marking_refs', 'CO-12/target'],
  ['marking_ref', 'ME-05/target'],
  ['source_ref', 'SD-08/target'],
  ['target_ref', 'SD-08/target'],
  ['sighting_of_ref', 'SD-11/target'],
  ['observed_data_refs', 'SD-11/target'],
  ['where_sighted_refs', 'SD-11/target'],
  ['operating_system_refs', 'SD-02/target'],
  ['sample_refs', 'SD-02/target'],
  ['host_vm_ref', 'SD-03/target'],
  ['operating_system_ref', 'SD-03/target'],
  ['installed_software_refs', 'SD-03/target'],
  ['analysis_sco_refs', 'SD-03/target'],
  ['sample_ref', 'SD-03/target'],
  ['object_refs', 'SD-04/target'],
])

function targetsOf(args: readonly string[]): { types: ReadonlySet<string>; custom: boolean } {
  const types = new Set<string>()
  for (const arg of args) {
    const group = arg === 'sdo' ? SDO_TYPES : arg === 'sco' ? SCO_TYPES : arg === 'sro' ? SRO_TYPES : [arg]
    for (const type of group) types.add(type)
  }
  types.delete('custom')
  if (args.length === 0)
    for (const group of [SDO_TYPES, SRO_TYPES, SCO_TYPES]) for (const type of group) types.add(type)
  return { types, custom: args.length === 0 || args.includes('custom') }
}

/** Inside of the deprecated container, references are keys of it (STIX 2.1 §2.13, §4.14). */
function localReference(
  value: string,
  ctx: Context,
  step: string | number,
  allows: (t: string) => boolean,
): void {
  const { container } = ctx
  const target = container && Object.hasOwn(container, value) ? container[value] : undefined
  const type: unknown =
    typeof target === 'object' && target !== null && Object.hasOwn(target, 'type')
      ? (target as Record<string, unknown>).type
      : undefined
  if (target === undefined)
    ctx.error('SD-05/unresolved', step, 'names no object of the container: %', '4.14', value)
  else if (typeof type === 'string' && !allows(type)) {
    ctx.error('SC-01/target', step, 'refers to an object of the wrong type: %', '6', type)
  }
}

/** Check of an id at a property, by the types that it may name; none given means any but a bundle. */
export function reference(args: readonly string[], property: string): Check {
  const code = REFERENCE_CODES.get(property) ?? 'SC-01/target'
  const { types, custom } = targetsOf(args)
  const any = args.length === 0
  const allows = (type: string): boolean => types.has(type) || (custom && (any || isCustom(type)))
  const wanted = args.join(', ').replace('custom', 'a custom type')
  return (value, ctx, step) => {
    if (typeof value !== 'string') {
      ctx.wrong(value, step, 'an id, type--UUID', '2.9')
      return
    }
    if (ctx.container) {
      localReference(value, ctx, step, allows)
      return
    }
    const cut = value.length - TAIL
    const version = cut > 0 && value.startsWith('--', cut) ? uuidVersion(value, cut + 2) : 0
    const type = value.slice(0, Math.max(cut, 0))
    if (version > 0 && types.has(type)) return
    if (version === 0 || !isTypeName(type)) {
      ctx.error('CO-01/reference', step, 'is a reference and must be an id, type--UUID, not %', '2.9', value)
    } else if (type === 'bundle')
      ctx.error('ME-11/bundle', step, 'refers to a bundle; refer to an object', '8')
    else if (!any && !allows(type)) {
      ctx.error(code, step, `must refer to ${wanted}, not to %`, '6', type)
    } else if (version < 0) ctx.warn('904', step, 'should have lower-case digits in its UUID', '2.9')
  }
}
