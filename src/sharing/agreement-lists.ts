/** Lists of agreements, vetoes and opt-outs as a caller may know them, in pages, the first made first. */
import type { Caller, Subject } from '../policy/model.ts'
import { type Ended, type KnownAgreement, readAgreements } from '../store/agreements.ts'
import { type KnownVeto, type OptOut, readOptOuts } from '../store/vetoes.ts'
import type { Exchange } from '../taxii/exchange.ts'
import type { Actor } from './acting.ts'
import { vetoesFor } from './vetoes.ts'
import { type Asked, openWalk, PAGE, pageOfRows } from './walk.ts'

export type { Ended, KnownAgreement, KnownVeto, OptOut }

export interface Page<T> {
  items: T[]
  next?: string
}

/** One page of what is read after a number, by one row more than is shown. */
async function page<T extends { seq: bigint }>(
  exchange: Exchange,
  operation: string,
  caller: string,
  asked: Asked,
  read: (after: bigint, limit: number) => Promise<T[]>,
): Promise<Page<T>> {
  const walk = openWalk(exchange, asked, [operation, caller, asked.limit ?? PAGE])
  return pageOfRows(exchange, walk, await read(walk.beyond ?? 0n, walk.limit + 1), (row) => row)
}

export async function listAgreements(
  exchange: Exchange,
  actor: Actor,
  paging: Asked,
): Promise<Page<KnownAgreement>> {
  return await page(exchange, 'agreements', actor.id, paging, async (after, limit) =>
    readAgreements(exchange.pool, actor.parties, after, limit),
  )
}

export async function listVetoes(
  exchange: Exchange,
  caller: Caller & { subject: Subject },
  paging: Asked,
): Promise<Page<KnownVeto>> {
  return await page(exchange, 'vetoes', caller.id, paging, async (after, limit) =>
    exchange.pool.transaction(async (db) => vetoesFor(exchange, db, caller, null, after, limit)),
  )
}

export async function listOptOuts(exchange: Exchange, actor: Actor): Promise<OptOut[]> {
  return await readOptOuts(exchange.pool, actor.parties)
}
