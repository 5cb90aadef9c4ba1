/** Lists of the REST interface in pages: rows in order of a number, by sealed cursors. */
import { type Binding, cursorKeys, openCursor, type Position, sealCursor } from '../taxii/cursor.ts'
import type { Exchange } from '../taxii/exchange.ts'

/** What a list was asked for. */
export interface Asked {
  limit?: number | undefined
  next?: string | undefined
}

export interface Walk {
  limit: number
  /** Number of the last row seen: only rows on its other side. */
  beyond: bigint | null
  binding: Binding
}

/** Rows of a page when nothing is asked for. */
export const PAGE = 100

/** @param binding the operation and who calls it @throws badParameter for a `next` that is not of this list */
export function openWalk(exchange: Exchange, asked: Asked, binding: Binding): Walk {
  const beyond = unseal(exchange, asked.next, binding)?.after ?? null
  return { limit: asked.limit ?? PAGE, beyond, binding }
}

/** @param rows at most one more than the page's limit */
export function pageOfRows<T extends { seq: bigint }, I>(
  exchange: Exchange,
  walk: Walk,
  rows: readonly T[],
  render: (row: T) => I,
): { items: I[]; next?: string } {
  const shown = rows.slice(0, walk.limit)
  const last = shown.at(-1)
  const items = shown.map(render)
  if (rows.length <= walk.limit || !last) return { items }
  const position = { after: last.seq, addedAfter: null }
  return { items, next: seal(exchange, position, walk.binding) }
}

/** Seals with the current key. */
export function seal(exchange: Exchange, position: Position, binding: Binding): string {
  return sealCursor(cursorKeys(exchange.world.settings)[0] as Buffer, position, binding)
}

/** @returns where `next` stands, null without one @throws badParameter for one that is not of this list */
export function unseal(exchange: Exchange, next: string | undefined, binding: Binding): Position | null {
  return next === undefined ? null : openCursor(cursorKeys(exchange.world.settings), next, binding)
}
