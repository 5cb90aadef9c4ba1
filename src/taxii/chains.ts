/** Chains: the versions of one object that one organization has sent. */
import { type CopyRow, type LabelledRow, readAllCopies } from '../store/references.ts'
import { isNewer } from './arriving.ts'
import type { Book } from './book.ts'
import type { Transaction } from './settle.ts'

const nameOf = ({ organization, object_id }: Pick<CopyRow, 'organization' | 'object_id'>) =>
  `${organization} ${object_id}`

/** Copies by chain. */
export function byChain(copies: readonly CopyRow[]): CopyRow[][] {
  const chains = new Map<string, CopyRow[]>()
  for (const copy of copies) {
    const key = nameOf(copy)
    const chain = chains.get(key)
    if (chain) chain.push(copy)
    else chains.set(key, [copy])
  }
  return [...chains.values()]
}

/** All copies of the chains that these rows are of. */
export async function readChains(
  { db, collection }: Transaction,
  rows: readonly LabelledRow[],
): Promise<CopyRow[]> {
  if (rows.length === 0) return []
  const names = new Set(rows.map(nameOf))
  const ids = [...new Set(rows.map((row) => row.object_id))]
  const copies = await readAllCopies(db, collection.seq, ids, '\\x00', null)
  return copies.filter((copy) => names.has(nameOf(copy)))
}

/** Of one author whose markings say it all: it knows of its versions what is so. */
export function isPlain(book: Book, chain: readonly CopyRow[]): boolean {
  const [first] = chain
  return chain.every(
    ({ label, marks, held_until }) =>
      label === marks &&
      held_until === null &&
      book.record(label).submitter === book.record(first?.label as number).submitter,
  )
}

/** By version, and of those in both versions of STIX the 2.1 one. */
export function latestOf(chain: readonly CopyRow[]): CopyRow | undefined {
  return chain.reduce<CopyRow | undefined>(
    (found, copy) => (isNewer(copy.version_key, copy.spec, found?.version_key, found?.spec) ? copy : found),
    undefined,
  )
}
