/** The members of a scanned text: numbers in one array, as a hostile text has hundreds of thousands of them. */

export interface Span {
  start: number
  end: number
  /** Keys at every depth: fewer after parsing means that some occur twice. */
  keys: number
  depth: number
  /** Lists and objects, and with them all other values, at every depth. */
  containers: number
  values: number
  /** Something that `inspect` has to judge: an escape or a number that may be refused. */
  suspect: boolean
}

const FIELDS = 7

export class Spans {
  length = 0
  #fields = new Uint32Array(FIELDS * 8)

  add(
    start: number,
    end: number,
    keys: number,
    depth: number,
    containers: number,
    values: number,
    suspect: boolean,
  ): void {
    const from = this.length * FIELDS
    if (from === this.#fields.length) {
      const larger = new Uint32Array(from * 2)
      larger.set(this.#fields)
      this.#fields = larger
    }
    const fields = this.#fields
    fields[from] = start
    fields[from + 1] = end
    fields[from + 2] = keys
    fields[from + 3] = depth
    fields[from + 4] = containers
    fields[from + 5] = values
    fields[from + 6] = suspect ? 1 : 0
    this.length++
  }

  /** The member at a place; negative ones count from the end. */
  at(place: number): Span | undefined {
    const index = place < 0 ? this.length + place : place
    if (index < 0 || index >= this.length) return undefined
    const from = index * FIELDS
    const field = (i: number): number => this.#fields[from + i] as number
    return {
      start: field(0),
      end: field(1),
      keys: field(2),
      depth: field(3),
      containers: field(4),
      values: field(5),
      suspect: field(6) === 1,
    }
  }

  map<T>(make: (span: Span, index: number) => T): T[] {
    return Array.from({ length: this.length }, (_, i) => make(this.at(i) as Span, i))
  }
}
