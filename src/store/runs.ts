/** Positions as entries of the ledger hold them: runs (docs/policy-parts/ledger.md). */

/** Where rows lie that are told together. */
export interface Stretch {
  count: number
  /** In decimal. */
  first: string
  last: string
  /** Hexadecimal: see `Runs`. */
  runs: string
}

/**
 * Runs of positions and the gaps between them, in turn, from the first position on, each number as LEB128 (seven bits a
 * byte, the lowest first). A run is twice its count, plus 1 and followed by the step when its positions are more than 1
 * apart. Objects of one envelope lie side by side, and levels that alternate make steps: either is a few bytes.
 */
export class Runs {
  readonly #from: number
  readonly #bytes: number[] = []
  #total = 0
  #first = 0
  /** The run that is not written yet: it may go on. */
  #count = 0
  #step = 0
  #last = 0

  /** @param from from where the positions are counted: small numbers are faster */
  constructor(from = 0) {
    this.#from = from
  }

  /** Positions come ascending; at least one. */
  add(position: number): void {
    const gap = position - this.#last
    if (this.#total === 0) this.#first = position
    if (this.#count === 0) this.#count = 1
    else if (this.#count === 1 || gap === this.#step) {
      this.#step = gap
      this.#count++
    } else if (this.#count === 2 && this.#step > 1) {
      // Two far apart are shorter one by one.
      this.#put(2, this.#step - 1)
      this.#step = gap
    } else {
      this.#write()
      this.#put(gap - 1)
      this.#count = 1
    }
    this.#last = position
    this.#total++
  }

  end(): Stretch {
    if (this.#count === 2 && this.#step > 1) {
      this.#put(2, this.#step - 1)
      this.#count = 1
    }
    this.#write()
    return {
      count: this.#total,
      first: String(this.#from + this.#first),
      last: String(this.#from + this.#last),
      runs: Buffer.from(this.#bytes).toString('hex'),
    }
  }

  #write(): void {
    if (this.#count > 1 && this.#step > 1) this.#put(this.#count * 2 + 1, this.#step)
    else this.#put(this.#count * 2)
  }

  #put(...values: number[]): void {
    for (const value of values) put(this.#bytes, value)
  }
}

/** @param positions ascending, at least one */
export function stretchOf(positions: readonly number[]): Stretch {
  const runs = new Runs()
  for (const position of positions) runs.add(position)
  return runs.end()
}

/** A number as entries hold it, hexadecimal. */
export function leb128(value: number): string {
  const bytes: number[] = []
  put(bytes, value)
  return Buffer.from(bytes).toString('hex')
}

function put(bytes: number[], value: number): void {
  let rest = value
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  bytes.push(rest)
}

/** The positions that `Runs` was given. */
export function decodeRuns(first: number, runs: Buffer): number[] {
  const positions: number[] = []
  let at = 0
  const take = () => {
    let value = 0
    for (let unit = 1; ; unit *= 128) {
      const byte = runs[at++] ?? 0
      value += (byte & 127) * unit
      if (byte < 128) return value
    }
  }
  for (let next = first; at < runs.length; ) {
    const head = take()
    const step = head % 2 === 1 ? take() : 1
    for (let i = 0; i < Math.floor(head / 2); i++) positions.push(next + i * step)
    next = (positions.at(-1) as number) + 1
    if (at < runs.length) next += take()
  }
  return positions
}
