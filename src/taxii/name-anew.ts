/** Labels stored rows anew that a veto names, by their id or by a marking on them (policy.md §4). */
import { namesOn, withNames } from '../policy/label.ts'
import { ANONYMOUS, type Collection } from '../policy/model.ts'
import type { Database } from '../store/pool.ts'
import { readLabelledRows } from '../store/references.ts'
import { lockAndAssume, StaleWorld } from '../store/session.ts'
import { markReached, readNamedRows, readUnreached, type Unreached } from '../store/vetoes.ts'
import { Book } from './book.ts'
import type { Exchange } from './exchange.ts'
import { relabel } from './relabel.ts'

/** Rows looked at in one statement: a marking has no index, and the text of each row must be looked at. */
const WINDOW = 2000

/**
 * Reaches the rows of one veto, batch by batch. It can be run again at any time: a veto is done when all its rows are.
 * Rows that are written meanwhile name it already, since a writer that holds a collection's log has the newest world.
 * @returns false when no veto waits
 */
export async function nameAnew(exchange: Exchange): Promise<boolean> {
  const veto = await readUnreached(exchange.pool)
  if (!veto) return false
  await exchange.refresh()
  for (const root of exchange.world.roots.values()) {
    for (const collection of root.collections) await reach(exchange, collection, veto)
  }
  await markReached(exchange.pool, veto.id)
  return true
}

async function reach(exchange: Exchange, collection: Collection, veto: Unreached): Promise<void> {
  let after = -1n
  for (;;) {
    // Looked at without the log first, and with it where there is something, and at the end: what was being written
    // until then is there by then.
    const found = await readNamedRows(exchange.pool, veto.id, collection.seq, after, WINDOW)
    if (found.reached !== null && found.rows.length === 0) {
      after = found.reached
      continue
    }
    const from = after
    const reached = await attempt(exchange, async () =>
      exchange.pool.transaction(async (db) => {
        await lockAndAssume(db, exchange.reader(ANONYMOUS), collection.seq)
        const { rows, reached } = await readNamedRows(db, veto.id, collection.seq, from, WINDOW)
        await name(exchange, db, collection, veto, rows)
        return reached
      }),
    )
    if (reached === null) return
    after = reached
  }
}

async function name(
  exchange: Exchange,
  db: Database,
  collection: Collection,
  veto: Unreached,
  candidates: readonly { accepted: bigint; whole: string | null }[],
): Promise<void> {
  const named = candidates.filter(
    ({ whole }) =>
      whole === null || namesOn(JSON.parse(whole) as Record<string, unknown>).includes(veto.named),
  )
  if (named.length === 0) return
  const accepted = named.map((row) => row.accepted)
  const book = new Book(exchange, db)
  const rows = await readLabelledRows(db, collection.seq, accepted, false)
  const changes = rows.map((row) => ({
    accepted: row.accepted,
    labelled: withNames(
      {
        ok: true as const,
        labels: book.record(row.marks ?? row.label).own,
        parts: row.parts ?? [],
        warnings: [],
        quarantined: false,
        judged: [],
      },
      [veto.named],
    ),
  }))
  const cause = { kind: 'veto', actor: veto.spokenBy, reason: veto.reason } as const
  await relabel(exchange, db, collection, changes, cause)
}

/** The world may have moved on between reading it and taking the log. */
async function attempt<T>(exchange: Exchange, work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof StaleWorld)) throw error
      await exchange.refresh()
    }
  }
}
