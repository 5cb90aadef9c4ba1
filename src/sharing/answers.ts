/** Lists of agreements, vetoes and opt-outs as a caller may know them, in pages. */
import type { Caller, Subject } from '../policy/model.ts'
import { type Ended, type KnownAgreement, readAgreements } from '../store/agreements.ts'
import { type KnownVeto, type OptOut, readOptOuts } from '../store/vetoes.ts'
import { cursorKeys, openCursor, sealCursor } from '../taxii/cursor.ts'
import type { Exchange } from '../taxii/exchange.ts'
import type { Actor } from './acting.ts'
import { vetoesFor } from './vetoes.ts'

export type { Ended, KnownAgreement, KnownVeto, OptOut }

export interface Paging {
  limit?: number
  next?: string
}

export interface Page<T> {
  items: T[]
  next?: string
}

const LIMIT = 100

/** One page of what is read after a place, by one row more than is shown. */
async function page<T extends { place: bigint }>(
  exchange: Exchange,
  operation: string,
  caller: string,
  { limit = LIMIT, next }: Paging,
  read: (after: bigint, limit: number) => Promise<T[]>,
): Promise<Page<T>> {
  const keys = cursorKeys(exchange.world.settings)
  const binding = [operation, caller, limit]
  const after = next === undefined ? 0n : openCursor(keys, next, binding).after
  const rows = await read(after, limit + 1)
  const items = rows.slice(0, limit)
  const last = items.at(-1)
  if (rows.length <= limit || !last) return { items }
  const sealed = sealCursor(keys[0] as Buffer, { after: last.place, addedAfter: null }, binding)
  return { items, next: sealed }
}

export async function listAgreements(
  exchange: Exchange,
  actor: Actor,
  paging: Paging,
): Promise<Page<KnownAgreement>> {
  return await page(exchange, 'agreements', actor.id, paging, async (after, limit) =>
    readAgreements(exchange.pool, actor.parties, after, limit),
  )
}

export async function listVetoes(
  exchange: Exchange,
  caller: Caller & { subject: Subject },
  paging: Paging,
): Promise<Page<KnownVeto>> {
  return await page(exchange, 'vetoes', caller.id, paging, async (after, limit) =>
    exchange.pool.transaction(async (db) => vetoesFor(exchange, db, caller, null, after, limit)),
  )
}

export async function listOptOuts(exchange: Exchange, actor: Actor): Promise<OptOut[]> {
  return await readOptOuts(exchange.pool, actor.parties)
}
