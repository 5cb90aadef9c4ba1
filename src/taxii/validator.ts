/** Entity tags: what a reader would get, told by a keyed hash of the very bytes (RFC 9110 §8.8; policy.md §8). */
import { createHmac, hash } from 'node:crypto'
import { cursorKeys } from './cursor.ts'
import type { Exchange } from './exchange.ts'
import type { PageText } from './page-text.ts'

/** What a request asks for beside the resource itself. */
export interface Wanted {
  /** False for HEAD. */
  body: boolean
  /** Of If-None-Match; null without it. */
  tags: '*' | ReadonlySet<string> | null
}

/** A body whatever the client has. */
export const EVERYTHING: Wanted = { body: true, tags: null }

const LENGTH = 18
const TAG_KEY = Buffer.from('tag')

/**
 * The opaque part of a tag. Weak: plain and compressed it is the same answer. Keyed, so that a tag without its body (HEAD is
 * not in the ledger) does not tell whether a guess of the body is right. Nothing else goes in: not the epoch, not
 * `rewritten`, which move for reasons that the reader may not see.
 */
export function tagOf(exchange: Exchange, ...parts: readonly (string | Buffer)[]): string {
  const [key] = cursorKeys(exchange.world.settings)
  const bytes: Buffer[] = [key as Buffer, TAG_KEY]
  for (const part of parts) bytes.push(Buffer.from(`${part.length}:`), Buffer.from(part as Buffer))
  // The key first, and half of the result cut off: there is nothing to extend.
  return hash('sha256', Buffer.concat(bytes), 'buffer').subarray(0, LENGTH).toString('base64url')
}

/** By settings of a world: the key for digests of texts, made of the key of its cursors. */
const digestKeys = new WeakMap<ReadonlyMap<string, string>, Buffer>()

/** What a tag takes of a text, the same on every node. It is put into the tag, and told in no other form. */
export function digestOf({ world: { settings } }: Exchange, text: PageText): Buffer {
  let key = digestKeys.get(settings)
  if (!key) {
    const [cursors] = cursorKeys(settings)
    key = createHmac('sha256', cursors as Buffer)
      .update('digest')
      .digest()
    digestKeys.set(settings, key)
  }
  return text.digest(key)
}

/** Does the client have it already (RFC 9110 §13.1.2, weak comparison)? */
export function has({ tags }: Wanted, tag: string): boolean {
  return tags === '*' || (tags?.has(tag) ?? false)
}

const TAG = /(?:W\/)?"([!#-~\x80-\xff]*)"/g

/** Reads If-None-Match; what is no tag is left out. */
export function readTags(header: string | undefined): Wanted['tags'] {
  if (header === undefined) return null
  if (header.trim() === '*') return '*'
  return new Set([...header.matchAll(TAG)].map(([, tag = '']) => tag))
}
