/** Which objects an object discloses by pointing at them (policy.md §6). */

/** Properties that hold references, by type; types that are not here disclose nothing. */
const BY_TYPE: ReadonlyMap<string, readonly string[]> = new Map([
  ['relationship', ['source_ref', 'target_ref']],
  ['sighting', ['sighting_of_ref', 'observed_data_refs', 'where_sighted_refs']],
  ['note', ['object_refs']],
  ['opinion', ['object_refs']],
  ['report', ['object_refs']],
  ['grouping', ['object_refs']],
  ['observed-data', ['object_refs']],
  ['language-content', ['object_ref']],
])

/** Objects that are about a list of others: references may be taken out of them. */
const CONTAINERS: ReadonlySet<string> = new Set(['note', 'opinion', 'report', 'grouping', 'observed-data'])

/** Is it of a type from whose `object_refs` references may be taken out? */
export function isContainer(type: string): boolean {
  return CONTAINERS.has(type)
}

/** May an object of this type disclose others? */
export function disclosesOthers(type: string): boolean {
  return BY_TYPE.has(type)
}

/** The ids that it refers to, each once, with the property that names it first. */
export function disclosedRefs(value: Record<string, unknown>): Map<string, string> {
  const found = new Map<string, string>()
  for (const property of BY_TYPE.get(String(value.type)) ?? []) {
    if (!Object.hasOwn(value, property)) continue
    const list: unknown[] = [value[property]].flat()
    for (const ref of list) {
      if (typeof ref === 'string' && !found.has(ref)) found.set(ref, property)
    }
  }
  return found
}
