/** Whose object is it: the copies of a caller's own organization that it may decide about (policy.md §7). */
import { AppError } from '../errors.ts'
import { rights } from '../policy/access.ts'
import type { Caller, Collection } from '../policy/model.ts'
import { timestampKey } from '../stix/index.ts'
import type { Target } from '../store/release-targets.ts'
import type { Exchange } from '../taxii/exchange.ts'
import { findCollection, type Place, requireRead, requireWrite } from '../taxii/operation.ts'

/** A collection in which the caller may decide about its organization's objects. @throws notFound, forbidden */
export function findOwnPlace(exchange: Exchange, caller: Caller, root: string, collection: string): Place {
  const place = findCollection(exchange, caller, root, collection)
  requireRead(place)
  requireWrite(place)
  return place
}

/** Collections that the caller may read, by their place in the store. */
export function readable(exchange: Exchange, caller: Caller): Map<number, Collection> {
  const found = new Map<number, Collection>()
  for (const root of exchange.world.roots.values()) {
    for (const collection of root.collections) {
      if (rights(exchange.world, caller, collection)?.read) found.set(collection.seq, collection)
    }
  }
  return found
}

/** The version as the store compares it; null when none is named. @throws badRequest for what is no timestamp */
export function versionKeyOf(version: string | undefined): string | null {
  if (version === undefined) return null
  const key = timestampKey(version)
  if (key === null) throw new AppError('badRequest', { detail: '/version is not a timestamp.' })
  return key
}

/**
 * The organization's copies of one version among those that the caller sees: all of them, as for a delete.
 * @param versionKey null: its latest
 * @throws notFound when nothing visible matches; forbidden when only others' copies do
 */
export function ownCopies(
  copies: readonly Target[],
  organization: string,
  versionKey: string | null,
): Target[] {
  const matching = versionKey === null ? copies : copies.filter((copy) => copy.version_key === versionKey)
  if (matching.length === 0) throw new AppError('notFound')
  const own = matching.filter((copy) => !copy.standard && copy.organization === organization)
  const latest = own.at(-1)?.version_key
  if (latest === undefined) {
    throw new AppError('forbidden', {
      detail: 'Only the organization that submitted this object may decide who reads it.',
    })
  }
  return own.filter((copy) => copy.version_key === latest)
}
