/** Work that many want done at the same time: who asks while a run is under way shares the next one. */

/**
 * The run under way may have begun before what its late askers must see, so they wait for one that begins after they
 * asked; all of them for the same one.
 */
export class Coalesced<T> {
  readonly #work: () => Promise<T>
  #running: Promise<T> | null = null
  #next: Promise<T> | null = null

  constructor(work: () => Promise<T>) {
    this.#work = work
  }

  async run(): Promise<T> {
    if (this.#running === null) return await this.#start()
    this.#next ??= this.#running
      .catch(() => {})
      .then(() => {
        this.#next = null
        return this.#start()
      })
    return await this.#next
  }

  #start(): Promise<T> {
    const running = this.#work().finally(() => {
      if (this.#running === running) this.#running = null
    })
    this.#running = running
    return running
  }
}
