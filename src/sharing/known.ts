/** What the answers to people are decided on: a stored version's conditions, as far as the caller may know them. */
import { type Rights, rights } from '../policy/access.ts'
import { join } from '../policy/closure.ts'
import type { AudienceRecord, Caller, Collection, Subject, World } from '../policy/model.ts'
import { knownTo } from '../policy/readers.ts'
import type { Labelling } from '../store/own-items.ts'
import { bare } from '../taxii/author-view.ts'
import type { Micros } from '../time.ts'

/** A caller with a subject, as every operation here has one. */
export type Asker = Caller & { subject: Subject }

/**
 * The conditions on a version that the caller sees: its own, and those of the later versions that the caller sees.
 * Not `item.audience`: that one also carries what a hidden later version demands, and its author would learn of it. Nor,
 * to its author, `item.label`: that one carries what a hidden object demands that it refers to. In collections that
 * redact, what of it the author may not know is left out label by label.
 */
export function recordOf(
  world: World,
  subject: Subject,
  collection: Collection,
  item: Labelling,
  now: Micros,
): AudienceRecord | null {
  const own = world.audiences[item.label]
  if (!own) return null
  const known = (record: AudienceRecord, number: number, said: readonly number[] | null): AudienceRecord => {
    const marks = world.audiences[number] ?? record
    const told = knownTo(world.topology, subject, record, marks.own, now)
    if (!said || collection.redaction === 'redact') return told
    const seen = said.flatMap((id) => world.audiences[id] ?? [])
    const { held, ...rest } = told
    const { own, held: waits } = join(
      bare(marks),
      seen.map((one) => ({ record: one })),
      now,
    ).record
    return { ...rest, own, ...(waits && { held: waits }) }
  }
  const later = item.later.flatMap(([id, marks, said, waits]) => {
    const record = id === item.label ? undefined : world.audiences[id]
    if (!record) return []
    const { own: labels, any, held } = known(record, marks, said)
    // One that waits binds when all that holds it is hidden from the caller.
    return waits && held ? [] : [{ labels, ...(any && { any }) }]
  })
  return known(later.length > 0 ? { ...own, later } : own, item.marks, item.said)
}

/** The organization that submitted what carries this record; null when it cannot be told. */
export function originOf({ origin, own }: AudienceRecord): string | null {
  if (origin !== undefined) return origin
  const org = own[0]?.org ?? null
  return own.every((label) => label.org === org) ? org : null
}

/** Every collection that the caller may know, with its rights there, by root and id. */
export function knownCollections(world: World, caller: Asker): { collection: Collection; rights: Rights }[] {
  return [...world.roots.values()].flatMap((root) =>
    root.collections.flatMap((collection) => {
      const found = rights(world, caller, collection)
      return found ? [{ collection, rights: found }] : []
    }),
  )
}

/** Collections that the caller may read from, by their number in the store. */
export function readableCollections(world: World, caller: Asker): Map<number, Collection> {
  const known = knownCollections(world, caller).filter((k) => k.rights.read)
  return new Map(known.map(({ collection }) => [collection.seq, collection]))
}
