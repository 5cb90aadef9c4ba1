/**
 * Full pages that were read once and are still the same: positions are given out in order, so rows that come later
 * lie behind them, and whatever changes or removes a row raises the collection's `rewritten`. A page is kept under
 * the reader's audience set, so that whoever may see exactly the same shares it, and is used only after the database
 * has said that epoch and `rewritten` are what they were.
 */
import type { Share } from './runs.ts'

export interface SealedPage {
  /** Serialised items, comma-separated. */
  text: Buffer
  count: number
  first: bigint | null
  last: bigint | null
  more: boolean
  rewritten: string
  /** Where its rows lie, by audience. */
  places: ReadonlyMap<number, readonly number[]>
  /** What the ledger writes down when it is sent again; null until then. */
  shares: readonly Share[] | null
}

const OVERHEAD = 1024

/** Keeps the pages used last, up to a number of bytes. */
export class SealedPages {
  readonly #most: number
  readonly #pages = new Map<string, SealedPage>()
  #bytes = 0

  constructor(most: number) {
    this.#most = most
  }

  /** The page, if it is kept; whether it is still true is for the caller to find out. */
  find(key: string): SealedPage | undefined {
    const page = this.#pages.get(key)
    if (page) {
      this.#pages.delete(key)
      this.#pages.set(key, page)
    }
    return page
  }

  keep(key: string, page: SealedPage): void {
    const size = weight(key, page)
    if (size > this.#most / 4) return
    this.drop(key)
    this.#pages.set(key, page)
    this.#bytes += size
    for (const oldest of this.#pages.keys()) {
      if (this.#bytes <= this.#most) break
      this.drop(oldest)
    }
  }

  drop(key: string): void {
    const page = this.#pages.get(key)
    if (!page) return
    this.#pages.delete(key)
    this.#bytes -= weight(key, page)
  }
}

function weight(key: string, page: SealedPage): number {
  // The runs of a page are never longer than its positions.
  return key.length * 2 + page.text.length + page.places.size * 400 + page.count * 16 + OVERHEAD
}
