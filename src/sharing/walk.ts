/** Lists of the REST interface in pages: rows with a number that only grows, the last first, by sealed cursors. */
import { type Binding, cursorKeys, openCursor, sealCursor } from '../taxii/cursor.ts'
import type { Exchange } from '../taxii/exchange.ts'

/** What a list was asked for. */
export interface Asked {
  limit?: number | undefined
  next?: string | undefined
}

export interface Walk {
  limit: number
  /** Only rows before this number. */
  before: bigint | null
  binding: Binding
}

const PAGE = 100

/** @param binding the operation and who calls it @throws badParameter for a `next` that is not of this list */
export function openWalk(exchange: Exchange, asked: Asked, binding: Binding): Walk {
  const before =
    asked.next === undefined
      ? null
      : openCursor(cursorKeys(exchange.world.settings), asked.next, binding).after
  return { limit: asked.limit ?? PAGE, before, binding }
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
  return { items, next: sealCursor(cursorKeys(exchange.world.settings)[0] as Buffer, position, walk.binding) }
}
