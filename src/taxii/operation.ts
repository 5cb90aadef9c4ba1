/** One request's way through the exchange: who asks, in which world, again if the world has changed meanwhile. */
import { AppError } from '../errors.ts'
import { knowsRoot, type Rights, readsAs, rights } from '../policy/access.ts'
import type { Caller, Collection, Root } from '../policy/model.ts'
import { StaleWorld } from '../store/session.ts'
import type { Exchange } from './exchange.ts'

const ATTEMPTS = 5

/**
 * Runs `work` in the world as it is now. A page checks by itself that its world is still true (in its own round
 * trip) and asks for another attempt by StaleWorld; a refusal that was decided from memory counts only when the
 * world it was decided in is still true.
 * @param checked false when `work` answers from memory: the world is refreshed first
 */
export async function inWorld<T>(exchange: Exchange, checked: boolean, work: () => Promise<T>): Promise<T> {
  if (!checked || !exchange.loaded) await exchange.refresh()
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof AppError) || attempt >= ATTEMPTS) throw error
      if (error instanceof StaleWorld) await exchange.refresh()
      else if (error.status >= 500 || error.code === 'tooManyRequests') throw error
      else if (!checked && attempt === 1) throw error
      else if (!(await exchange.refresh())) throw error
    }
  }
}

/** The root, if the caller may know of it. @throws notFound */
export function findRoot(exchange: Exchange, caller: Caller, path: string): Root {
  const root = exchange.world.roots.get(path)
  if (!root || !knowsRoot(exchange.world, caller, root)) throw new AppError('notFound')
  return root
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** By id, in either case, or by alias, exactly. */
export function collectionOf(root: Root, key: string): Collection | undefined {
  return root.byKey.get(UUID.test(key) ? key.toLowerCase() : key)
}

export interface Place {
  root: Root
  collection: Collection
  rights: Rights
}

/** The collection by id or alias, if the caller may know of it. @throws notFound */
export function findCollection(exchange: Exchange, caller: Caller, rootPath: string, key: string): Place {
  const root = findRoot(exchange, caller, rootPath)
  const collection = collectionOf(root, key)
  const found = collection && rights(exchange.world, caller, collection)
  if (!collection || !found) throw new AppError('notFound')
  return { root, collection, rights: found }
}

/** @throws forbidden (T-5.3-01) */
export function requireRead(place: Place): void {
  if (!place.rights.read) throw mayNotRead()
}

const mayNotRead = () => new AppError('forbidden', { detail: 'You may not read from this collection.' })

/** As whom the collection is read: anonymous, where it is public and no grant says more. @throws forbidden (T-5.3-01) */
export function readingAs(place: Place, caller: Caller): Caller {
  const found = readsAs(place.rights, caller)
  if (!found) throw mayNotRead()
  return found
}

/** @throws forbidden (T-5.5-02) */
export function requireWrite(place: Place): void {
  if (!place.rights.write)
    throw new AppError('forbidden', { detail: 'You may not write to this collection.' })
}
