/** Vetoes: a national authority's no to what originates in its country (policy.md §4). It only ever tightens. */
import type { Micros } from '../time.ts'
import { type Label, NO_COUNTRY, type Organization, rank, type Topology, type Veto } from './model.ts'

/**
 * Does a veto in force keep this reader from what carries this label? The originating organization is not asked about.
 * @param reader null for anonymous, who may be of any country
 */
export function vetoed(topology: Topology, label: Label, reader: Organization | null, now: Micros): boolean {
  if (topology.vetoes.length === 0) return false
  const country = topology.organizations.get(label.org)?.country
  if (country === undefined || country === NO_COUNTRY) return false
  return topology.vetoes.some(
    (veto) =>
      veto.country === country &&
      inForce(veto, now) &&
      concerns(veto, label) &&
      (veto.to === null ||
        reader === null ||
        (reader.country !== NO_COUNTRY && veto.to.includes(reader.country))),
  )
}

function inForce(veto: Veto, now: Micros): boolean {
  return (
    (veto.validFrom === null || now >= veto.validFrom) && (veto.validUntil === null || now < veto.validUntil)
  )
}

function concerns(veto: Veto, label: Label): boolean {
  return (
    (veto.level === null || rank(label.level) >= rank(veto.level)) &&
    (veto.named === null || (label.named ?? []).includes(veto.named))
  )
}

/** Per topology, which is immutable: what the vetoes of each country name. */
const names = new WeakMap<Topology, Map<string, Set<string>>>()
const NONE: ReadonlySet<string> = new Set()

/** Ids of objects and markings that some veto on this organization's country names, in force or not: labels carry them. */
export function namedFor(topology: Topology, org: string): ReadonlySet<string> {
  let found = names.get(topology)
  if (!found) {
    found = new Map()
    for (const { country, named } of topology.vetoes) {
      if (named !== null) found.set(country, (found.get(country) ?? new Set()).add(named))
    }
    names.set(topology, found)
  }
  return found.get(topology.organizations.get(org)?.country ?? NO_COUNTRY) ?? NONE
}
