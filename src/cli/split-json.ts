/** Cuts a stream of JSON into the objects in it, in constant memory: bundle, envelope, list, one object per line. */

/** One object as it stands in the file, or what stands there instead. */
export interface Piece {
  /** `line 12` or `objects[3]` */
  where: string
  /** Not checked yet; null with a problem. */
  bytes: Buffer | null
  problem: string | null
}

/** Bytes of a piece that may reach over several chunks; beyond `most` they are counted, not kept. */
class Capture {
  readonly #most: number
  #parts: Buffer[] = []
  size = 0

  constructor(most: number) {
    this.#most = most
  }

  add(part: Buffer): void {
    this.size += part.length
    if (this.size > this.#most) this.#parts = []
    else if (part.length > 0) this.#parts.push(part)
  }

  /** @returns null when it was too large */
  take(): Buffer | null {
    const whole = this.size > this.#most ? null : Buffer.concat(this.#parts)
    this.#parts = []
    this.size = 0
    return whole
  }
}

const NEWLINE = 10
const QUOTE = 34
const COMMA = 44
const COLON = 58
const LIST = 91
const BACKSLASH = 92
const LIST_END = 93
const OBJECT = 123
const OBJECT_END = 125
/** The byte order mark that some editors begin a file with. */
const MARK: readonly number[] = [0xef, 0xbb, 0xbf]
const OBJECTS = Buffer.from('objects')

/**
 * Where the splitter is: between values; in a value of the top level, which may turn out to hold a list of objects;
 * in such a list; in a line that is no object; or past an error after which nothing can be told apart.
 */
type Mode = 'between' | 'object' | 'list' | 'skip' | 'dead'

export class Splitter {
  readonly #capture: Capture
  readonly #skeleton: Capture
  #lines: boolean
  #found: Piece[] = []
  #mode: Mode = 'between'
  #depth = 0
  /** Depth of the members' list: 1 for a list at the top, 2 for `objects` of a bundle or envelope. */
  #listDepth = 0
  #string = false
  #escaped = false
  #line = 1
  #started = 1
  #roots = 0
  #index = 0
  /** Lists named `objects` in this value. */
  #lists = 0
  #expectKey = false
  /** Matched bytes of "objects" in the key that is being read, or -1. */
  #match = -1
  #named = false

  /**
   * @param most bytes of one object
   * @param lines every line is one value, as the file's name says; otherwise found out from its first line
   */
  constructor(most: number, lines = false) {
    this.#capture = new Capture(most)
    this.#skeleton = new Capture(most)
    this.#lines = lines
  }

  /** @returns what ends in this chunk */
  push(chunk: Buffer): Piece[] {
    let from = 0
    for (let i = 0; i < chunk.length; i++) {
      const b = chunk[i] as number
      if (b === NEWLINE && this.#newline()) {
        from = i + 1
      } else if (this.#string) this.#inString(b)
      else if (this.#mode === 'object') from = this.#inObject(chunk, i, b, from)
      else if (this.#mode === 'list') from = this.#inList(chunk, i, b, from)
      else if (this.#mode === 'between' && b > 32 && !(this.#roots === 0 && MARK.includes(b))) {
        this.#begin(b)
        from = b === LIST ? i + 1 : i
      }
    }
    if (this.#mode === 'object' || this.#mode === 'list') this.#capture.add(chunk.subarray(from))
    return this.#take()
  }

  /** @returns what the end of the file leaves unfinished */
  end(): Piece[] {
    if (this.#mode === 'object' && this.#lists === 0)
      this.#problem('the file ends in the middle of this object')
    else if (this.#mode === 'object' || this.#mode === 'list') {
      this.#problem('the file ends too early: the objects before are whole, others may be missing')
    }
    return this.#take()
  }

  #take(): Piece[] {
    const found = this.#found
    this.#found = []
    return found
  }

  #where(): string {
    const line = `line ${this.#started}`
    if (this.#mode !== 'list') return line
    const item = `${this.#listDepth === 2 ? 'objects' : ''}[${this.#index}]`
    return this.#roots > 1 ? `${line}, ${item}` : item
  }

  #problem(problem: string): void {
    this.#found.push({ where: this.#where(), bytes: null, problem })
  }

  /** @returns true when the line's end cut off a value */
  #newline(): boolean {
    this.#line++
    if (this.#mode === 'skip') this.#mode = 'between'
    if (!this.#lines || this.#mode !== 'object' || this.#lists > 0) return false
    this.#capture.take()
    this.#problem('the line is not a whole JSON object')
    this.#mode = 'between'
    this.#string = false
    return true
  }

  #begin(b: number): void {
    this.#roots++
    this.#started = this.#line
    this.#depth = 1
    this.#lists = 0
    this.#named = false
    this.#expectKey = true
    this.#string = false
    if (b === OBJECT) this.#mode = 'object'
    else if (b === LIST) this.#list(1)
    else {
      this.#problem('not a JSON object')
      this.#mode = 'skip'
    }
  }

  #list(depth: 1 | 2): void {
    this.#mode = 'list'
    this.#listDepth = depth
    this.#depth = depth
    this.#index = 0
  }

  #inString(b: number): void {
    if (this.#match >= 0) {
      if (b === QUOTE) this.#named = this.#match === OBJECTS.length
      this.#match = b === OBJECTS[this.#match] ? this.#match + 1 : -1
    }
    if (this.#escaped) this.#escaped = false
    else if (b === BACKSLASH) this.#escaped = true
    else if (b === QUOTE) this.#string = false
  }

  /** In a value of the top level. @returns where what is captured begins */
  #inObject(chunk: Buffer, i: number, b: number, from: number): number {
    if (b === QUOTE) {
      this.#string = true
      this.#match = this.#depth === 1 && this.#expectKey ? 0 : -1
    } else if (b === COMMA && this.#depth === 1) {
      this.#expectKey = true
      this.#named = false
    } else if (b === COLON && this.#depth === 1) this.#expectKey = false
    else if (b === LIST && this.#depth === 1 && this.#named) {
      this.#lists++
      this.#keep(chunk.subarray(from, i + 1))
      this.#list(2)
      return i + 1
    } else if (b === OBJECT || b === LIST) this.#depth++
    else if ((b === OBJECT_END || b === LIST_END) && --this.#depth === 0) {
      this.#capture.add(chunk.subarray(from, i + 1))
      this.#finish()
    }
    return from
  }

  /** Puts what surrounds the members aside: small, and checked once it is whole. */
  #keep(last: Buffer): void {
    this.#capture.add(last)
    this.#skeleton.add(this.#capture.take() ?? Buffer.alloc(0))
  }

  /** A value of the top level is whole. */
  #finish(): void {
    this.#mode = 'between'
    if (this.#lists === 0) {
      // The first value, if it is one object on one line, says that every line is.
      if (this.#roots === 1 && this.#started === this.#line) this.#lines = true
      const bytes = this.#capture.take()
      this.#found.push({ where: this.#where(), bytes, problem: bytes ? null : TOO_LARGE })
      return
    }
    this.#keep(Buffer.alloc(0))
    const problem = this.#lists > 1 ? 'the list `objects` is there twice' : brokenFrame(this.#skeleton.take())
    this.#skeleton.take()
    if (problem) this.#problem(problem)
  }

  /** In a list of objects. @returns where what is captured begins */
  #inList(chunk: Buffer, i: number, b: number, from: number): number {
    if (b === QUOTE) {
      this.#string = true
      this.#match = -1
    } else if (this.#depth > this.#listDepth) {
      if (b === OBJECT || b === LIST) this.#depth++
      else if (b === OBJECT_END || b === LIST_END) this.#depth--
    } else if (b === COMMA) {
      this.#member(chunk.subarray(from, i), false)
      return i + 1
    } else if (b === LIST_END) {
      this.#member(chunk.subarray(from, i), true)
      this.#depth--
      this.#named = false
      this.#mode = this.#depth === 0 ? 'between' : 'object'
      return i
    } else if (b === OBJECT || b === LIST) this.#depth++
    else if (b === OBJECT_END) {
      this.#problem('not valid JSON from here on; the rest of the file was not read')
      this.#mode = 'dead'
    }
    return from
  }

  #member(last: Buffer, closing: boolean): void {
    this.#capture.add(last)
    const bytes = this.#capture.take()
    if (bytes && blank(bytes)) {
      if (!closing || this.#index > 0) this.#problem('a value is missing between two commas')
    } else this.#found.push({ where: this.#where(), bytes, problem: bytes ? null : TOO_LARGE })
    this.#index++
  }
}

const TOO_LARGE = 'larger than an object may be (COMITY_OBJECT_BYTES)'

/** What surrounds the members of a bundle or envelope, with an empty list in their place. */
function brokenFrame(bytes: Buffer | null): string | null {
  try {
    JSON.parse(bytes?.toString('utf8') ?? '')
    return null
  } catch {
    return 'what surrounds the list of objects is not valid JSON'
  }
}

function blank(bytes: Buffer): boolean {
  return bytes.every((b) => b === 32 || b === 9 || b === 10 || b === 13)
}
