/** One line on a terminal that says how far a command has come; nothing when it is not a terminal. */

export interface Terminal {
  isTTY?: boolean
  columns?: number
  write(text: string): unknown
}

const EVERY = 100
const WIDTH = 24

export class Progress {
  readonly #terminal: Terminal | null
  readonly #started = performance.now()
  #shown = Number.NEGATIVE_INFINITY

  constructor(terminal: Terminal) {
    this.#terminal = terminal.isTTY ? terminal : null
  }

  /** Seconds since it was made. */
  get seconds(): number {
    return (performance.now() - this.#started) / 1000
  }

  /** @param share of the file, 0 to 1 @param what file and count of files */
  show(share: number, what: string, objects: number): void {
    const now = performance.now()
    if (!this.#terminal || now - this.#shown < EVERY) return
    this.#shown = now
    const filled = Math.round(Math.min(1, share) * WIDTH)
    const rate = Math.round(objects / Math.max(this.seconds, 0.001))
    const bar = `${'#'.repeat(filled)}${'.'.repeat(WIDTH - filled)}`
    const line = `[${bar}] ${what}  ${objects} objects  ${rate}/s`
    this.#terminal.write(`\r${line.slice(0, (this.#terminal.columns ?? 100) - 1)}\u001b[K`)
  }

  clear(): void {
    this.#terminal?.write('\r\u001b[K')
  }
}
