/** Delete object (TAXII 2.1 §5.7): the submitting organization's visible copies, and only those (policy.md §7). */
import { AppError } from '../errors.ts'
import type { Caller } from '../policy/model.ts'
import { type Copy, readCopies } from '../store/read-items.ts'
import { lockAndAssume } from '../store/session.ts'
import { audit, removeItems } from '../store/write-items.ts'
import { Book } from './book.ts'
import type { Exchange } from './exchange.ts'
import { type Filter, parseFilter } from './filter.ts'
import type { Place } from './operation.ts'
import { recallPointing } from './recall.ts'
import { propagate } from './settle.ts'

/**
 * Deletes the versions that the query names, all of them without one (T-5.7-03).
 * @throws notFound when nothing visible matches; forbidden when only others' copies do
 */
export async function deleteObject(
  exchange: Exchange,
  caller: Caller,
  place: Place,
  query: string,
  id: string,
): Promise<number> {
  const filter = parseFilter(query, ['match[version]', 'match[spec_version]'])
  const chosenByVersion = /(^|&)match(\[|%5B)version/i.test(query)
  if (id.includes('\0')) throw new AppError('notFound')
  const organization = caller.subject?.organization.id ?? ''
  const reader = exchange.reader(caller)
  return await exchange.pool.transaction(async (db) => {
    await lockAndAssume(db, reader, place.collection.seq)
    const copies = await readCopies(db, reader, place.collection.seq, id)
    const matching = select(copies, filter, chosenByVersion)
    if (matching.length === 0) throw new AppError('notFound')
    const own = matching.filter((copy) => !copy.standard && copy.organization === organization)
    if (own.length === 0) {
      throw new AppError('forbidden', {
        detail: matching.every((copy) => copy.standard)
          ? 'Nobody can delete the standard TLP definitions: they are part of every collection.'
          : 'Only the organization that submitted this object may delete it.',
      })
    }
    const now = exchange.clock.now()
    const positions = own.map((copy) => copy.position)
    const { collection } = place
    const count = await removeItems(db, collection.seq, organization, positions, now)
    const at = { exchange, db, collection, book: new Book(exchange, db), now }
    const followed = await propagate(at, [{ id, organization }])
    await recallPointing(at, caller.id, followed)
    await audit(db, now, caller.id, 'delete', { collection: place.collection.id, object: id, copies: count })
    return count
  })
}

/** Copies ascend by version: `first` and `last` are the versions at the ends, among those of the spec versions asked for. */
function select(copies: Copy[], filter: Filter, byVersion: boolean): Copy[] {
  const specs = filter.specs
  const found = specs ? copies.filter((copy) => specs.includes(copy.spec)) : copies
  if (!byVersion || filter.versions.all) return found
  const keys = new Set(filter.versions.keys)
  const [first, last] = [found[0], found.at(-1)]
  if (filter.versions.first && first) keys.add(first.version_key)
  if (filter.versions.last && last) keys.add(last.version_key)
  return found.filter((copy) => keys.has(copy.version_key))
}
