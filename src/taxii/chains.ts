/** Chains: the versions of one object that one organization has sent. */
import type { CopyRow } from '../store/references.ts'
import { isNewer } from './arriving.ts'
import type { Book } from './book.ts'

/** Copies by chain. */
export function chainsOf(copies: readonly CopyRow[]): CopyRow[][] {
  const chains = new Map<string, CopyRow[]>()
  for (const copy of copies) {
    const key = `${copy.organization} ${copy.object_id}`
    const chain = chains.get(key)
    if (chain) chain.push(copy)
    else chains.set(key, [copy])
  }
  return [...chains.values()]
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
