/** Long work in turns: between them the event loop serves who waits. */
import { setImmediate } from 'node:timers/promises'

/** Milliseconds of a turn. */
const LENGTH = 5

export class Turn {
  #since = performance.now()

  /** To be awaited between two pieces of the work: lets others go when the turn has lasted long enough. */
  over(): Promise<void> | undefined {
    if (performance.now() - this.#since < LENGTH) return undefined
    return this.#yield()
  }

  async #yield(): Promise<void> {
    await setImmediate()
    this.#since = performance.now()
  }
}
