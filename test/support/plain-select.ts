/** TAXII's selection of what a reader sees (TAXII 2.1 §3.4, §3.4.1; policy.md §9), in loops over lists. */
import type { Row } from './plain-store.ts'

export interface Query {
  ids: readonly string[] | null
  types: readonly string[] | null
  specs: readonly number[] | null
  /** 'first', 'last', 'all' or version keys. */
  versions: readonly string[]
  addedAfter: bigint | null
}

/** What a reader gets of the rows that it sees, in the order of the log; before `next` and `limit`. */
export function select(visible: readonly Row[], query: Query): Row[] {
  const found: Row[] = []
  for (const id of new Set(visible.map((r) => r.id))) {
    let copies = visible.filter((r) => r.id === id && (query.ids !== null || !r.standard))
    copies.sort((a, b) => (a.accepted < b.accepted ? -1 : 1))
    // Several organizations' copies of an SCO: the chain of the first accepted one.
    const [first] = copies
    if (first?.sco) copies = copies.filter((r) => r.organization === first.organization)
    // Several copies of one version: the first accepted.
    const versions = copies.filter(
      (r, i) => copies.findIndex((c) => c.key === r.key && c.spec === r.spec) === i,
    )
    const kept = versions.filter(
      (r) =>
        (query.ids?.includes(id) ?? true) &&
        (query.types?.includes(r.type) ?? true) &&
        (query.specs?.includes(r.spec) ?? true) &&
        (query.addedAfter === null || r.position > query.addedAfter),
    )
    if (query.specs !== null) found.push(...ofVersions(kept, query.versions))
    else {
      const newest = ofVersions(
        kept.filter((r) => r.spec === 21),
        query.versions,
      )
      found.push(
        ...(newest.length > 0
          ? newest
          : ofVersions(
              kept.filter((r) => r.spec === 20),
              query.versions,
            )),
      )
    }
  }
  return found.sort((a, b) => (a.position < b.position ? -1 : 1))
}

function ofVersions(rows: Row[], wanted: readonly string[]): Row[] {
  const order = [...rows].sort((a, b) => (a.key === b.key ? a.spec - b.spec : a.key < b.key ? -1 : 1))
  return order.filter(
    (r, i) =>
      wanted.includes('all') ||
      (wanted.includes('first') && i === 0) ||
      (wanted.includes('last') && i === order.length - 1) ||
      wanted.includes(r.key),
  )
}
