/** Rights on collections: what the grants of the topology give a caller (policy.md §1, §8, §12). */
import type { Caller, Collection, Root, World } from './model.ts'
import { NO_COUNTRY } from './model.ts'

export interface Rights {
  read: boolean
  write: boolean
  /** Without a grant it reads what anybody does in a public collection: as anonymous, what is CLEAR. */
  open?: true
}

/** Do they let read, if only what is open to anybody? */
export const mayLook = ({ read, open }: Rights): boolean => read || open === true

/** As whom these rights let read; null = they do not. */
export function readsAs({ read, open }: Rights, caller: Caller): Caller | null {
  if (read) return caller
  const { id, token, subject } = caller
  return open && subject ? { id, token, subject: null, guest: subject } : null
}

/**
 * Rights of a caller on a collection.
 * @returns null when it has none, not even to see it listed: the collection is unknown to it
 */
export function rights(world: World, caller: Caller, collection: Collection): Rights | null {
  const { subject, token } = caller
  if (subject === null) return collection.public ? { read: true, write: false } : null
  if (token?.collections && !token.collections.has(collection.id)) {
    if (collection.alias === null || !token.collections.has(collection.alias)) return null
  }
  let [known, read, write] = [collection.public, false, false]
  for (const grant of collection.grants) {
    if (!reaches(world, caller, grant.to)) continue
    known = true
    read ||= grant.read
    write ||= grant.write
  }
  if (!known) return null
  const may = (scope: 'read' | 'write') => token === null || token.scopes.includes(scope)
  return {
    read: read && may('read'),
    write: write && may('write'),
    ...(collection.public && !read && may('read') && { open: true as const }),
  }
}

function reaches(world: World, { subject }: Caller, to: string): boolean {
  if (subject === null) return false
  if (to === '*') return true
  const { principal, organization } = subject
  if (to === principal.id || to === organization.id) return true
  if (to === organization.country) return to !== NO_COUNTRY
  return world.topology.communities.get(to)?.members.has(organization.id) ?? false
}

/** Collections of a root that the caller may know of, ascending by id. */
export function visibleCollections(
  world: World,
  caller: Caller,
  root: Root,
): { collection: Collection; rights: Rights }[] {
  const found = []
  for (const collection of root.collections) {
    const r = rights(world, caller, collection)
    if (r) found.push({ collection, rights: r })
  }
  return found
}

/** A root is known to whoever has a right in one of its collections (D-3). */
export function knowsRoot(world: World, caller: Caller, root: Root): boolean {
  return root.collections.some((c) => rights(world, caller, c) !== null)
}
