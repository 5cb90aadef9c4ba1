/** What an object discloses by pointing at it (policy.md §6), written apart from src/stix/disclosed.ts. */
import type { StixObject } from './client.ts'

const DISCLOSED: Record<string, readonly string[]> = {
  relationship: ['source_ref', 'target_ref'],
  sighting: ['sighting_of_ref', 'observed_data_refs', 'where_sighted_refs'],
  note: ['object_refs'],
  opinion: ['object_refs'],
  report: ['object_refs'],
  grouping: ['object_refs'],
  'observed-data': ['object_refs'],
  'language-content': ['object_ref'],
}

/** "Containers have invisible refs stripped instead" (§6). */
export const isContainer = (type: string): boolean => DISCLOSED[type]?.[0] === 'object_refs'

/** The ids that an object discloses by pointing at them. */
export function refsIn(object: StixObject): string[] {
  const names = DISCLOSED[object.type] ?? []
  return [...new Set(names.flatMap((name) => (object[name] ?? []) as string | string[]))]
}
