/**
 * Pages that are read before they are asked for. Whoever walks a collection asks for the next page when it has taken the
 * last one in: until then the database and this process have nothing to do for it, and read on. A page lies here until it
 * is fetched, under the reader's audience set like those that are kept, and is written down and used only after the
 * database has confirmed it: read early is never delivered early, nor later than it was tightened.
 */
import type { SealedPage } from './sealed-pages.ts'

/** Pages at a time, of all clients. */
const MOST = 8
/** Bytes of pages that nobody has fetched yet. */
const MOST_BYTES = 32 * 1024 * 1024
/** Milliseconds that a page waits to be fetched. */
const PATIENCE = 20_000

interface Held {
  page: Promise<SealedPage | null>
  /** 0 until it is there. */
  bytes: number
  onward: (page: SealedPage) => void
  timer: NodeJS.Timeout
}

export class ReadAhead {
  readonly #patience: number
  readonly #held = new Map<string, Held>()
  #bytes = 0

  /** @param patience how long a page waits to be fetched, in milliseconds */
  constructor(patience = PATIENCE) {
    this.#patience = patience
  }

  /** Pages that are here or on their way. */
  get size(): number {
    return this.#held.size
  }

  /**
   * Reads a page, if there is room for it.
   * @param read null for a page that is not full: what comes later may still belong to it
   * @param onward with the page, when it has come
   */
  begin(key: string, read: () => Promise<SealedPage | null>, onward: (page: SealedPage) => void): void {
    const known = this.#held.get(key)
    if (known) {
      known.onward = onward
      if (known.bytes > 0) void known.page.then((page) => page && onward(page))
      return
    }
    if (this.#held.size >= MOST || this.#bytes >= MOST_BYTES) return
    const timer = setTimeout(() => this.#drop(key, held), this.#patience)
    timer.unref()
    const held: Held = { page: read().catch(() => null), bytes: 0, onward, timer }
    this.#held.set(key, held)
    // Whoever asks for a page that failed reads it, and hears of what is wrong.
    held.page = held.page.then((page) => this.#come(key, held, page))
  }

  /** The page, if it was begun: whoever asks meanwhile waits for the same. null: read it. */
  async take(key: string): Promise<SealedPage | null> {
    const held = this.#held.get(key)
    if (!held) return null
    const page = await held.page
    this.#drop(key, held)
    return page
  }

  clear(): void {
    for (const [key, held] of this.#held) this.#drop(key, held)
  }

  #come(key: string, held: Held, page: SealedPage | null): SealedPage | null {
    if (this.#held.get(key) !== held) return page
    if (!page) this.#drop(key, held)
    else {
      held.bytes = page.text.length
      this.#bytes += held.bytes
      held.onward(page)
    }
    return page
  }

  #drop(key: string, held: Held): void {
    if (this.#held.get(key) !== held) return
    clearTimeout(held.timer)
    this.#held.delete(key)
    this.#bytes -= held.bytes
  }
}
