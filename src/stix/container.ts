/** The deprecated `observed-data.objects`: cyber-observables by key, those of STIX 2.0 too (STIX 2.1 §2.13, §4.14). */
import { type Check, type Context, isRecord, own } from './context.ts'
import { isTypeName, TYPE_NAME_MESSAGE } from './ids.ts'
import { build, type Judge, judge } from './judge.ts'
import { crowded } from './loose.ts'
import { SCO_RULES } from './rules-sco.ts'
import { SCO_COMMON } from './tables/common.ts'
import { SCO } from './tables/sco.ts'
import { isCustom } from './types.ts'

/** Members of the container need no id and may have properties of STIX 2.0. */
const MEMBERS: ReadonlyMap<string, Judge> = new Map(
  Object.entries(SCO).map(([name, table]) => {
    const { type, id, ...common } = SCO_COMMON
    const judge = build(name, table, { ...common, type, id: 'string' }, [], SCO_RULES[name] ?? [], false)
    return [name, judge]
  }),
)
const CUSTOM_MEMBER = build(
  '',
  { section: '11.2', properties: {} },
  { type: 'string!', id: 'string', extensions: 'extensions' },
  [],
  [],
  false,
)

/** Of the deprecated `observed-data.objects`: cyber-observables by key, the 2.0 forms too (STIX 2.1 §4.14). */
export const container: Check = (value, ctx, step) => {
  if (!isRecord(value)) {
    ctx.wrong(value, step, 'an object', '4.14')
    return
  }
  const keys = Object.keys(value)
  if (keys.length === 0) ctx.error('TY-02/empty-object', step, 'is empty; leave the property out', '4.14')
  if (crowded(keys, ctx, step)) return
  ctx.steps.push(step)
  const { object, type, sco } = ctx
  ctx.container = value
  for (const key of keys) {
    if (!/^[0-9]+$/.test(key)) ctx.warn('141', key, 'should have digits as its key, not %', '2.13', key)
    const member = value[key]
    if (!isRecord(member)) ctx.wrong(member, key, 'an object', '4.14')
    else memberOf(member, key, ctx)
  }
  ctx.container = null
  ctx.object = object
  ctx.type = type
  ctx.sco = sco
  ctx.steps.pop()
}

function memberOf(member: Record<string, unknown>, key: string, ctx: Context): void {
  const type = own(member, 'type')
  if (typeof type !== 'string') {
    ctx.error('SD-05/type', key, 'must have a type', '4.14')
    return
  }
  if (!Object.hasOwn(SCO, type) && !isCustom(type)) {
    ctx.error('SD-05/type', key, 'must be a cyber-observable, not %', '4.14', type)
    return
  }
  ctx.steps.push(key)
  if (!isTypeName(type)) ctx.error('TY-14/type-name', 'type', TYPE_NAME_MESSAGE, '3.1', type)
  ctx.object = member
  ctx.type = type
  ctx.sco = true
  judge(MEMBERS.get(type) ?? CUSTOM_MEMBER, member, ctx, true)
  ctx.steps.pop()
}
