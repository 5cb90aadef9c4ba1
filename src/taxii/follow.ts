/** After an append: what points at the new versions follows them, and who fetched what is stricter now hears of it. */

import { noteTightening } from '../store/recalls.ts'
import { type CopyRow, readAllCopies } from '../store/references.ts'
import type { Reader } from '../store/session.ts'
import { isNewer } from './arriving.ts'
import { propagate, recallPointing, type Transaction } from './settle.ts'

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
  const { db, collection, book, exchange } = at
  const { organization, actor, known, awaited } = appended
  if (known.length + awaited.length === 0) return
  const changed = await changedChains(at, reader, appended)
  const stricter = changed.flatMap(({ before, after, older }) =>
    before && after && exchange.takes(book.record(before.label), book.record(after.label)) ? older : [],
  )
  await noteTightening(db, collection.seq, stricter, { kind: 'newer-version', actor, reason: null })
  const chains = [...new Set([...awaited, ...changed.map((c) => c.id)])].map((id) => ({ id, organization }))
  if (chains.length === 0) return
  const followed = await propagate(at, chains)
  await recallPointing(at, actor, followed)
}

interface Chain {
  id: string
  /** Latest open version as it was, and as it is. */
  before?: CopyRow
  after?: CopyRow
  /** Rows of before. */
  older: bigint[]
}

/** Chains whose latest version says something else than before. */
async function changedChains(
  { db, collection }: Transaction,
  reader: Reader,
  { organization, known, first }: Appended,
): Promise<Chain[]> {
  if (known.length === 0) return []
  const chains = new Map<string, Chain & { replaced?: true; awaits?: true }>()
  for (const copy of await readAllCopies(db, collection.seq, known, reader.bits, null)) {
    if (copy.organization !== organization) continue
    const chain = chains.get(copy.object_id) ?? { id: copy.object_id, older: [] }
    chains.set(copy.object_id, chain)
    if (copy.held_until !== null) {
      // It binds from its time on, without the job (policy.md §7): what points at it has to know it before.
      if (copy.position >= first) chain.awaits = true
      continue
    }
    const old = copy.accepted < first
    // A row that took the place of another has its name; what that one said is gone.
    if (old && copy.position >= first) chain.replaced = true
    if (old) {
      chain.older.push(copy.accepted)
      const { before } = chain
      if (isNewer(copy.version_key, copy.spec, before?.version_key, before?.spec)) chain.before = copy
    }
    const { after } = chain
    if (isNewer(copy.version_key, copy.spec, after?.version_key, after?.spec)) chain.after = copy
  }
  return [...chains.values()].filter(
    ({ before, after, replaced, awaits }) =>
      replaced || awaits || before?.label !== after?.label || before?.marks !== after?.marks,
  )
}
