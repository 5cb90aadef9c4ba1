/** Vetoes as policy.md §4 has them, written apart from src/policy/veto.ts. */
import { type Label, NO_COUNTRY, rank, type Topology } from '../../src/policy/model.ts'
import type { Micros } from '../../src/time.ts'

/**
 * "A national authority may veto (by country, level, object or label) anything that originates in its country" (§4).
 * @param country of the reader; null = of none, undefined = nobody in particular, who may be of any
 */
export function vetoed(
  topology: Topology,
  label: Label,
  country: string | null | undefined,
  now: Micros,
): boolean {
  const originator = topology.organizations.get(label.org)
  return topology.vetoes.some((v) => {
    // "`ZZ` is no country: no country rule names it" (§1).
    if (!originator || originator.country === NO_COUNTRY || originator.country !== v.country) return false
    if ((v.validFrom !== null && now < v.validFrom) || (v.validUntil !== null && v.validUntil <= now))
      return false
    if (v.level !== null && rank(label.level) < rank(v.level)) return false
    if (v.named !== null && !label.named?.includes(v.named)) return false
    return v.to === null || country === undefined || (country !== null && v.to.includes(country))
  })
}
