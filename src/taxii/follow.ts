/** After an append: what points at the new versions follows them, and who fetched what is stricter now hears of it. */

import { type CopyRow, readAllCopies } from '../store/references.ts'
import type { Reader } from '../store/session.ts'
import { byChain, isPlain, latestOf } from './chains.ts'
import { recallOlder, recallPointing } from './recall.ts'
import { propagate, type Transaction } from './settle.ts'

/** What was appended. */
export interface Appended {
  organization: string
  actor: string
  /** Ids that were here before or came twice, and those that references waited for. */
  known: readonly string[]
  awaited: readonly string[]
  /** Position of the first new row. */
  first: bigint
}

/** Brings dependants up to date, and notes recalls: of older versions, and of what points at them (policy.md §6, §7). */
export async function follow(at: Transaction, reader: Reader, appended: Appended): Promise<void> {
  const { organization, actor, known, awaited, first } = appended
  if (known.length + awaited.length === 0) return
  const copies = await copiesOf(at, reader, appended)
  await recallOlder(at, actor, copies, ({ accepted }) => accepted >= first)
  const changed = changedChains(at, copies, first)
  const chains = [...new Set([...awaited, ...changed])].map((id) => ({ id, organization }))
  if (chains.length === 0) return
  const followed = await propagate(at, chains)
  await recallPointing(at, actor, followed)
}

async function copiesOf(
  { db, collection }: Transaction,
  reader: Reader,
  { organization, known }: Appended,
): Promise<CopyRow[]> {
  if (known.length === 0) return []
  const copies = await readAllCopies(db, collection.seq, known, reader.bits, null)
  return copies.filter((copy) => copy.organization === organization)
}

/** Ids of chains whose latest version says something else than before, or may do so to some author. */
function changedChains({ book }: Transaction, copies: readonly CopyRow[], first: bigint): string[] {
  const changed = (chain: readonly CopyRow[]) => {
    const fresh = chain.filter(({ position }) => position >= first)
    if (fresh.length === 0) return false
    // A row that took the place of another has its name; what that one said is gone.
    if (!isPlain(book, chain) || fresh.some(({ accepted }) => accepted < first)) return true
    const [before, after] = [latestOf(chain.filter(({ accepted }) => accepted < first)), latestOf(chain)]
    return before?.label !== after?.label
  }
  return byChain(copies).flatMap((chain) => (changed(chain) ? [(chain[0] as CopyRow).object_id] : []))
}
