/** Recalls of what labels took from somebody, told to each author as far as it knows why (policy.md §6, §7, §13). */
import type { AudienceRecord } from '../policy/model.ts'
import { noteTightening, type Recalled, type RecallKind, type Recopied } from '../store/recalls.ts'
import type { CopyRow } from '../store/references.ts'
import { sightOf } from './author-sight.ts'
import { knownLabelsOf } from './author-view.ts'
import { byChain, isPlain, latestOf, readChains } from './chains.ts'
import { asItWas, type Settled, type Transaction } from './settle.ts'

/** Notes recalls of rows that somebody lost by what was done to them, and of older versions that they took with them. */
export async function recallSettled(
  at: Transaction,
  settled: readonly Settled[],
  cause: { kind: RecallKind; actor: string; reason: string | null },
): Promise<void> {
  const lost = settled.filter(isLost)
  const all = together(recalled(lost, 'lost'), await takenAlong(at, lost, settled))
  await noteTightening(at.db, at.collection.seq, all, cause, recopied(settled))
}

/**
 * Notes recalls of what became stricter with what it points at, and of older versions of that.
 * @param relabelled rows that got markings of their own: an embargo that had ended before may have taken them from
 * somebody, and the job that notes that finds them no more
 */
export async function recallPointing(
  at: Transaction,
  actor: string,
  followed: readonly Settled[],
  relabelled: readonly Settled[] = [],
): Promise<void> {
  const before = relabelled.filter(({ ended, known }) => ended || known.ended)
  const now = followed.filter((one) => one.ended || isLost(one))
  const own = together(recalled(before, 'ended'), recalled(now, 'lost'))
  const all = together(own, await takenAlong(at, now, followed))
  const cause = { kind: 'reference', actor, reason: null } as const
  await noteTightening(at.db, at.collection.seq, all, cause, recopied([...relabelled, ...followed]))
}

/**
 * Notes recalls of the older versions that newer ones take from somebody.
 * @param copies all that these chains have now
 * @param isNew is it open only now?
 */
export async function recallOlder(
  at: Transaction,
  actor: string,
  copies: readonly CopyRow[],
  isNew: (copy: CopyRow) => boolean,
): Promise<void> {
  const all = await outdated(at, copies, (copy) => (isNew(copy) ? null : asItIs(at, copy)))
  await noteTightening(at.db, at.collection.seq, all, { kind: 'newer-version', actor, reason: null })
}

/**
 * Older versions of rows that somebody lost: the latest one's label binds them (policy.md §7).
 * @param settled all that became something else; what they lost is recalled by itself
 */
async function takenAlong(
  at: Transaction,
  lost: readonly Settled[],
  settled: readonly Settled[],
): Promise<Recalled> {
  const { book, now } = at
  const copies = await readChains(
    at,
    lost.map(({ row }) => row),
  )
  const known = new Map(settled.map((one) => [one.row.accepted, one]))
  const found = await outdated(at, copies, (copy) => {
    const one = known.get(copy.accepted)
    if (!one) return asItIs(at, copy)
    const label = asItWas(book.record(one.row.label), now)
    return { label, known: one.known.former, open: one.row.held_until === null }
  })
  const others = (accepted: bigint) => !known.has(accepted)
  return { rows: found.rows.filter(others), untold: found.untold.filter(others) }
}

/** A version as it was before; `known` is its label as its author knew it, where that is another than now. */
interface Former {
  label: AudienceRecord
  known?: AudienceRecord
  open: boolean
}

const asItIs = ({ book }: Transaction, { label, held_until }: CopyRow): Former => ({
  label: book.record(label),
  open: held_until === null,
})

/** A version's label as somebody knows it; null where to it there is no such open version. */
type View = (copy: CopyRow) => AudienceRecord | null

/** Versions that a newer one takes from somebody, which the one that was the latest before did not. @param former null: it was not there */
async function outdated(
  at: Transaction,
  copies: readonly CopyRow[],
  former: (copy: CopyRow) => Former | null,
): Promise<Recalled> {
  const lostBy = (chain: readonly CopyRow[], was: View, is: View): CopyRow[] => {
    const [before, after] = [latestOf(chain.filter(was)), latestOf(chain.filter(is))]
    const [then, now] = [before && was(before), after && is(after)]
    if (!after || !then || !now || then === now || !at.exchange.takes(then, now)) return []
    return chain.filter((copy) => was(copy) && copy.version_key < after.version_key)
  }
  const was: View = (copy) => {
    const one = former(copy)
    return one?.open ? one.label : null
  }
  const is: View = ({ label, held_until }) => (held_until === null ? at.book.record(label) : null)
  const chains = byChain(copies)
  // Where markings say it all, an author knows what is so; what was labelled anew may have said more before.
  const isMixed = (chain: readonly CopyRow[]) => {
    const before = chain.map(former)
    return before.some((one) => one?.known) || (before.includes(null) && !isPlain(at.book, chain))
  }
  const mixed = new Set(chains.filter(isMixed))
  const names = [...mixed].flatMap((chain) => chain.map(({ accepted }) => accepted))
  const known = await knownLabelsOf(at, names)
  const rows = new Set<bigint>()
  const untold: bigint[] = []
  for (const chain of chains) {
    const lost = lostBy(chain, was, is)
    for (const { accepted } of lost) rows.add(accepted)
    if (!mixed.has(chain)) continue
    const told = new Set<bigint>()
    for (const own of byAuthor(at, chain)) {
      const sees = sightOf(at, own)
      const visible = (label: AudienceRecord | null) => (label && sees(label) ? label : null)
      const open = (label: AudienceRecord | undefined) => (label && !label.held ? label : null)
      const knew = (copy: CopyRow, one: Former | null) => one && open(one.known ?? known.get(copy.accepted))
      const lostAsKnown = lostBy(
        chain,
        (copy) => (own.copies.has(copy) ? knew(copy, former(copy)) : visible(was(copy))),
        (copy) => (own.copies.has(copy) ? open(known.get(copy.accepted)) : visible(is(copy))),
      )
      for (const copy of lostAsKnown) if (own.copies.has(copy)) told.add(copy.accepted)
    }
    for (const accepted of told) rows.add(accepted)
    untold.push(...lost.flatMap(({ accepted }) => (told.has(accepted) ? [] : [accepted])))
  }
  return { rows: [...rows], untold }
}

interface Own {
  principal: string
  organization: string
  copies: Set<CopyRow>
}

function byAuthor({ book }: Transaction, chain: readonly CopyRow[]): Own[] {
  const authors = new Map<string, Own>()
  for (const copy of chain) {
    const { submitter: principal } = book.record(copy.label)
    const found = authors.get(principal)
    if (found) found.copies.add(copy)
    else authors.set(principal, { principal, organization: copy.organization, copies: new Set([copy]) })
  }
  return [...authors.values()]
}

const together = (one: Recalled, other: Recalled): Recalled => ({
  rows: [...one.rows, ...other.rows],
  untold: [...one.untold, ...other.untold],
})

/** Did somebody lose it, in fact or as far as its author knows? */
const isLost = ({ change, known }: Settled) => change === 'tightened' || change === 'both' || known.lost

const recalled = (settled: readonly Settled[], by: 'lost' | 'ended'): Recalled => ({
  rows: settled.map(({ row }) => row.accepted),
  untold: settled.filter(({ known }) => !known[by]).map(({ row }) => row.accepted),
})

/** What readers get of rows with copies, for recalls. */
function recopied(settled: readonly Settled[]): Map<bigint, Recopied> {
  return new Map(settled.flatMap(({ row, copies }) => (copies ? [[row.accepted, copies] as const] : [])))
}
