/** Short names of things that are the same object, for keys of what was worked out before. */
export class Numbers<T extends object> {
  readonly #numbers = new Map<T, number>()

  /** Its number, from 0 on, in the order of their coming. */
  of(one: T): number {
    let found = this.#numbers.get(one)
    if (found === undefined) {
      found = this.#numbers.size
      this.#numbers.set(one, found)
    }
    return found
  }

  /** One text for the same set, whatever its order and however often each comes. */
  key(list: readonly T[]): string {
    if (list.length === 0) return ''
    const first = this.of(list[0] as T)
    if (list.every((one) => one === list[0])) return `${first}`
    return [...new Set(list.map((one) => this.of(one)))].sort((a, b) => a - b).join()
  }
}
