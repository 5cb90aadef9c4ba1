/** Discovery, API root, collections, collection (TAXII 2.1 §4.1, 4.2, 5.1, 5.2): answered from memory. */
import { knowsRoot, mayLook, type Rights, rights, visibleCollections } from '../policy/access.ts'
import { ANONYMOUS, type Caller, type Collection, type Root } from '../policy/model.ts'
import type { Exchange } from './exchange.ts'
import { MATCH_NAMES } from './match-filter.ts'
import { collectionOf } from './operation.ts'

export const TAXII_TYPE = 'application/taxii+json;version=2.1'

/** What this client may know of (T-4.1-05): lists without items are left out. */
export function getDiscovery(exchange: Exchange, caller: Caller): object {
  const { config, world } = exchange
  const roots = [...world.roots.values()].filter((root) => knowsRoot(world, caller, root))
  const urls = roots.map((root) => `${config.publicUrl ?? ''}/${root.path}/`)
  const chosen = roots.findIndex((root) => root.isDefault)
  return {
    title: config.title,
    ...(config.contact && { contact: config.contact }),
    ...(urls.length > 0 && { default: urls[Math.max(chosen, 0)], api_roots: urls }),
  }
}

/** The match fields are named when all collections that this client may know of have them. */
export function getApiRoot(exchange: Exchange, caller: Caller, root: Root): object {
  const known = visibleCollections(exchange.world, caller, root)
  return {
    title: root.title,
    ...(root.description && { description: root.description }),
    versions: [TAXII_TYPE],
    max_content_length: exchange.config.maxContentLength,
    ...(known.every(({ collection }) => collection.matched) && { x_comity_match_fields: MATCH_NAMES }),
  }
}

/** Ascending by id (interop 2.1.7); none visible: `{}`. */
export function getCollections(exchange: Exchange, caller: Caller, root: Root): object {
  const visible = visibleCollections(exchange.world, caller, root)
  return visible.length === 0
    ? {}
    : { collections: visible.map(({ collection, rights: r }) => getCollection(collection, r)) }
}

export function getCollection(collection: Collection, r: Rights): object {
  return {
    id: collection.id,
    title: collection.title,
    ...(collection.description && { description: collection.description }),
    ...(collection.alias && { alias: collection.alias }),
    can_read: mayLook(r),
    can_write: r.write,
    media_types: [...collection.stix]
      .sort()
      .reverse()
      .map((v) => `application/stix+json;version=${v}`),
  }
}

/** Does anything of this path answer without credentials (D-3a)? */
export function isPublic(exchange: Exchange, root: string, collection: string | null): boolean {
  const found = exchange.world.roots.get(root)
  if (!found) return false
  if (collection === null) return knowsRoot(exchange.world, ANONYMOUS, found)
  const c = collectionOf(found, collection)
  return c !== undefined && rights(exchange.world, ANONYMOUS, c) !== null
}
