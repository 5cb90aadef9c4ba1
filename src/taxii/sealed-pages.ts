/**
 * Full pages that were read once and are still the same: positions are given out in order, so rows that come later
 * lie behind them, and whatever changes or removes a row raises the collection's `rewritten`; so does a row that comes
 * under an id that has some, so that what there is of one object is kept as well. A page is kept under
 * the reader's audience set, so that whoever may see exactly the same shares it, and is used only after the database
 * has said that epoch and `rewritten` are what they were.
 */
import type { Stretch } from '../store/runs.ts'
import type { PageText } from './page-text.ts'
import type { Share } from './shares.ts'

export interface SealedPage {
  /** Serialised items, comma-separated. */
  text: PageText
  count: number
  first: bigint | null
  last: bigint | null
  more: boolean
  rewritten: string
  /** Where its rows lie, by audience. */
  places: ReadonlyMap<number, Stretch>
  /** What the ledger writes down when it is sent again; null until then. */
  shares: readonly Share[] | null
}

const OVERHEAD = 1024

/** Keeps the pages used last, up to a number of bytes: the compressed ones first without their plain text. */
export class SealedPages {
  readonly #most: number
  /** Keys of pages that are there in both forms. */
  readonly #double = new Set<string>()
  readonly #pages = new Map<string, { page: SealedPage; size: number }>()
  #bytes = 0

  constructor(most: number) {
    this.#most = most
  }

  /** Memory that is in use. */
  get bytes(): number {
    return this.#bytes
  }

  /** The page, if it is kept; whether it is still true is for the caller to find out. */
  find(key: string): SealedPage | undefined {
    const kept = this.#pages.get(key)
    if (!kept) return undefined
    this.#pages.delete(key)
    this.#pages.set(key, kept)
    return kept.page
  }

  has(key: string): boolean {
    return this.#pages.has(key)
  }

  keep(key: string, page: SealedPage): void {
    const size = weight(key, page)
    if (size > this.#most / 4) return
    this.drop(key)
    const kept = { page, size }
    this.#pages.set(key, kept)
    this.#bytes += size
    if (page.text.memory > page.text.length) this.#double.add(key)
    page.text.onGrown = (more) => {
      // It may have been dropped while it was compressed.
      if (this.#pages.get(key) !== kept) return
      kept.size += more
      this.#bytes += more
      this.#double.add(key)
      this.#makeRoom()
    }
    this.#makeRoom()
  }

  clear(): void {
    this.#pages.clear()
    this.#double.clear()
    this.#bytes = 0
  }

  drop(key: string): void {
    const kept = this.#pages.get(key)
    if (!kept) return
    this.#pages.delete(key)
    this.#double.delete(key)
    this.#bytes -= kept.size
  }

  #makeRoom(): void {
    for (const key of this.#double) {
      if (this.#bytes <= this.#most) return
      this.#double.delete(key)
      const kept = this.#pages.get(key)
      if (!kept) continue
      const freed = kept.page.text.shed()
      kept.size -= freed
      this.#bytes -= freed
    }
    for (const oldest of this.#pages.keys()) {
      if (this.#bytes <= this.#most) break
      this.drop(oldest)
    }
  }
}

function weight(key: string, page: SealedPage): number {
  // The runs of a page are never longer than its positions.
  return key.length * 2 + page.text.memory + page.places.size * 400 + page.count * 16 + OVERHEAD
}
