/** Selectors of granular markings name parts that are there: else a part would go out unmarked (STIX 2.1 §7.2.3). */
import { type Context, isRecord, own } from './context.ts'
import { parseSelector, resolves } from './selectors.ts'

export function checkSelectors(value: Record<string, unknown>, ctx: Context): void {
  const markings = own(value, 'granular_markings')
  if (!Array.isArray(markings)) return
  const most = ctx.settings.limits.selectors ?? Number.POSITIVE_INFINITY
  let count = 0
  ctx.steps.push('granular_markings')
  for (let i = 0; i < markings.length && count <= most; i++) {
    const marking: unknown = markings[i]
    const selectors = isRecord(marking) ? own(marking, 'selectors') : undefined
    if (!Array.isArray(selectors)) continue
    ctx.steps.push(i, 'selectors')
    for (let k = 0; k < selectors.length; k++) {
      const selector: unknown = selectors[k]
      if (typeof selector !== 'string') continue
      if (++count > most) {
        ctx.error('limit/selectors', k, `is one selector too many: an object may have ${most}`, null)
        break
      }
      const steps = parseSelector(selector)
      if (steps && resolves(value, steps)) continue
      const why = steps ? 'names no part of the object' : 'is no selector such as labels.[0] or name'
      ctx.error('ME-06/selector', k, `${why}: %`, '7.2.3', selector)
    }
    ctx.steps.length -= 2
  }
  ctx.steps.pop()
}
