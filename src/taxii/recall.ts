/** Recalls of what labels took from somebody, told to each author as far as it knows why (policy.md §6, §7, §13). */
import type { AudienceRecord } from '../policy/model.ts'
import { noteTightening, type Recalled, type RecallKind, type Recopied } from '../store/recalls.ts'
import type { CopyRow } from '../store/references.ts'
import { sightOf } from './author-sight.ts'
import { knownLabelsOf } from './author-view.ts'
import { chainsOf, isPlain, latestOf } from './chains.ts'
import type { Settled, Transaction } from './settle.ts'

/** Notes recalls of rows that somebody lost by what was done to them. */
export async function recallSettled(
  { db, collection }: Transaction,
  settled: readonly Settled[],
  cause: { kind: RecallKind; actor: string; reason: string | null },
): Promise<void> {
  const lost = settled.filter(isLost)
  await noteTightening(db, collection.seq, recalled(lost, 'lost'), cause, recopied(settled))
}

/**
 * Notes recalls of what became stricter with what it points at.
 * @param relabelled rows that got markings of their own: an embargo that had ended before may have taken them from
 * somebody, and the job that notes that finds them no more
 */
export async function recallPointing(
  { db, collection }: Transaction,
  actor: string,
  followed: readonly Settled[],
  relabelled: readonly Settled[] = [],
): Promise<void> {
  const before = recalled(
    relabelled.filter(({ ended, known }) => ended || known.ended),
    'ended',
  )
  const now = recalled(
    followed.filter((one) => one.ended || isLost(one)),
    'lost',
  )
  const all = { rows: [...before.rows, ...now.rows], untold: [...before.untold, ...now.untold] }
  const cause = { kind: 'reference', actor, reason: null } as const
  await noteTightening(db, collection.seq, all, cause, recopied([...relabelled, ...followed]))
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
  const chains = chainsOf(copies)
  const labelOf = ({ label }: CopyRow) => at.book.record(label)
  const outdated = (chain: readonly CopyRow[], label: (copy: CopyRow) => AudienceRecord): CopyRow[] => {
    const older = chain.filter((copy) => !isNew(copy))
    const [before, after] = [latestOf(older), latestOf(chain)]
    return before && after && at.exchange.takes(label(before), label(after)) ? older : []
  }
  const mixed = new Set(chains.filter((chain) => !isPlain(at.book, chain) && chain.some(isNew)))
  const known = await knownLabelsOf(
    at,
    [...mixed].flat().map(({ accepted }) => accepted),
  )
  const rows = new Set<bigint>()
  const untold: bigint[] = []
  for (const chain of chains) {
    const lost = outdated(
      chain.filter((copy) => copy.held_until === null),
      labelOf,
    )
    for (const { accepted } of lost) rows.add(accepted)
    if (!mixed.has(chain)) continue
    const told = new Set<bigint>()
    for (const own of byAuthor(at, chain)) {
      const [first] = own as [CopyRow]
      const principal = labelOf(first).submitter
      const sees = sightOf(at, { principal, organization: first.organization })
      const label = (copy: CopyRow) =>
        own.includes(copy) ? (known.get(copy.accepted) as AudienceRecord) : labelOf(copy)
      const isOpen = (copy: CopyRow) => (own.includes(copy) ? !label(copy).held : copy.held_until === null)
      const open = chain.filter((copy) => isOpen(copy) && sees(labelOf(copy)))
      for (const copy of outdated(open, label)) if (own.includes(copy)) told.add(copy.accepted)
    }
    for (const accepted of told) rows.add(accepted)
    untold.push(...lost.flatMap(({ accepted }) => (told.has(accepted) ? [] : [accepted])))
  }
  const all = { rows: [...rows], untold }
  await noteTightening(at.db, at.collection.seq, all, { kind: 'newer-version', actor, reason: null })
}

function byAuthor({ book }: Transaction, chain: readonly CopyRow[]): CopyRow[][] {
  const authors = new Map<string, CopyRow[]>()
  for (const copy of chain) {
    const { submitter } = book.record(copy.label)
    authors.set(submitter, [...(authors.get(submitter) ?? []), copy])
  }
  return [...authors.values()]
}

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
