/** What the answers to people are decided on: a stored version's conditions, as far as the caller may know them. */
import { type Rights, rights } from '../policy/access.ts'
import { join, spelled } from '../policy/closure.ts'
import type { AudienceRecord, Caller, Collection, Label, Subject, World } from '../policy/model.ts'
import { decide } from '../policy/permit.ts'
import { besideLeftOut, knownTo } from '../policy/readers.ts'
import { type Hiding, type Labelling, readTallies, type Tally } from '../store/own-items.ts'
import { bare } from '../taxii/author-sight.ts'
import { Book } from '../taxii/book.ts'
import type { Exchange } from '../taxii/exchange.ts'
import { toldLabels } from '../taxii/told-labels.ts'
import type { Micros } from '../time.ts'

/** A caller with a subject, as every operation here has one. */
export type Asker = Caller & { subject: Subject }

/** Where labels of the caller's own rows hold something that it does not see. */
export function hidingOf(
  { world }: Exchange,
  { subject }: Pick<Asker, 'subject'>,
  collections: Iterable<Collection>,
  now: Micros,
): Hiding {
  const redacting = [...collections].filter((one) => one.redaction === 'redact').map((one) => one.seq)
  if (redacting.length === 0) return { collections: [], labels: [] }
  const seen = new Map<string, boolean>()
  const sees = (label: Label): boolean => {
    const key = JSON.stringify(label)
    const known = seen.get(key) ?? decide(world.topology, subject, { own: [label], submitter: '' }, now).yes
    seen.set(key, known)
    return known
  }
  const labels = world.audiences.flatMap((record, id) => {
    if (record?.submitter !== subject.principal.id) return []
    const later = record.later ?? []
    const all = [
      ...record.own,
      ...(record.any ?? []).flat(2),
      ...later.flatMap((one) => [...one.labels, ...(one.any ?? []).flat(2)]),
    ]
    return all.every(sees) ? [] : [id]
  })
  return { collections: redacting, labels }
}

/** Labels of rows that hide something from their author, as it may be told of them; by name. */
export type Told = ReadonlyMap<number, AudienceRecord>

/** @param items of one collection, read by the caller */
export async function toldOf(
  exchange: Exchange,
  subject: Subject,
  collection: Collection,
  items: readonly Labelling[],
  now: Micros,
): Promise<Told> {
  const hiding = items.flatMap(({ hides, later }) => [hides, ...later.map((one) => one[4])])
  const names = [...new Set(hiding.flatMap((name) => (name === null ? [] : [BigInt(name)])))]
  const { pool: db } = exchange
  const at = { exchange, db, collection, book: new Book(exchange, db), now }
  const told = new Map<number, AudienceRecord>()
  for (let i = 0; i < names.length; i += AT_ONCE) {
    for (const [name, record] of await toldLabels(at, names.slice(i, i + AT_ONCE), subject))
      told.set(Number(name), record)
  }
  return told
}

/** Rows, with their texts. */
const AT_ONCE = 500

/**
 * The conditions on a version that the caller sees: its own, and those of the later versions that the caller sees.
 * Not `item.audience`: that one also carries what a hidden later version demands, and its author would learn of it. Nor,
 * to its author, `item.label`: that one carries what a hidden object demands that it refers to. In collections that
 * redact its author is told what the label would be without what it does not see, and others what they may know of it,
 * label by label.
 * @param told of the rows of this collection, see toldOf
 */
export function recordOf(
  world: World,
  subject: Subject,
  collection: Collection,
  item: Labelling,
  told: Told,
  now: Micros,
): AudienceRecord | null {
  // What is composed is spelled by this program, and compared with what the database spells.
  const composed = item.hides !== null || item.later.some((one) => one[4] !== null)
  const audience = (id: number) => {
    const found = world.audiences[id] && besideLeftOut(world.audiences[id])
    return found && composed ? spelled(found) : found
  }
  // Of one that has gone meanwhile nothing is told.
  const labelOf = (label: number, hides: number | null) =>
    hides === null ? audience(label) : told.get(hides)
  const own = labelOf(item.label, item.hides)
  if (!own) return null
  const known = (record: AudienceRecord, number: number, said: readonly number[] | null): AudienceRecord => {
    const marks = audience(number) ?? record
    const most = knownTo(world.topology, subject, record, marks.own, now)
    if (!said || collection.redaction === 'redact') return most
    const seen = said.flatMap((id) => world.audiences[id] ?? [])
    const { held, ...rest } = most
    const { own, held: waits } = join(
      bare(marks),
      seen.map((one) => ({ record: one })),
      now,
    ).record
    return { ...rest, own, ...(waits && { held: waits }) }
  }
  const later = item.later.flatMap(([id, marks, said, waits, hides]) => {
    const record = labelOf(id, hides)
    if (!record || (composed ? JSON.stringify(record) === JSON.stringify(own) : id === item.label)) return []
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

/** How many versions of these organizations the caller sees under which conditions, as far as it may know them. */
export async function countOwn(
  exchange: Exchange,
  caller: Asker,
  collections: ReadonlyMap<number, Collection>,
  organizations: readonly string[],
  now: Micros,
): Promise<{ tally: Tally; collection: Collection; record: AudienceRecord }[]> {
  const { pool, world } = exchange
  const hiding = hidingOf(exchange, caller, collections.values(), now)
  const reader = exchange.reader(caller)
  const tallies = await readTallies(pool, reader, now, hiding, [...collections.keys()], organizations)
  const counted: { tally: Tally; collection: Collection; record: AudienceRecord }[] = []
  for (const [seq, collection] of collections) {
    const own = tallies.filter((tally) => tally.collection === seq)
    const told = await toldOf(exchange, caller.subject, collection, own, now)
    for (const tally of own) {
      const record = recordOf(world, caller.subject, collection, tally, told, now)
      if (record) counted.push({ tally, collection, record })
    }
  }
  return counted
}
