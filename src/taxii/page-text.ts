/** The serialised items of a page, with what is made of them once: a digest, and a compressed form that answers are put together from. */
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { constants, crc32, deflateRaw } from 'node:zlib'

const deflate = promisify(deflateRaw)

/** Deflate blocks that end at a byte and do not say that they are the last; and the check sum of what they hold. */
export interface Packed {
  blocks: Buffer
  crc: number
  length: number
}

export class PageText {
  readonly bytes: Buffer
  /** Told once how much memory the compressed form takes. */
  onPacked: ((bytes: number) => void) | null = null
  #digest: Buffer | null = null
  #packed: Promise<Packed> | null = null

  constructor(text: string | Buffer) {
    this.bytes = typeof text === 'string' ? Buffer.from(text) : text
  }

  /** SHA-256. */
  get digest(): Buffer {
    this.#digest ??= createHash('sha256').update(this.bytes).digest()
    return this.#digest
  }

  /** Whoever asks meanwhile waits for the same. */
  async packed(): Promise<Packed> {
    this.#packed ??= this.#pack()
    return await this.#packed
  }

  async #pack(): Promise<Packed> {
    const { bytes } = this
    const blocks = await deflate(bytes, { level: 1, finishFlush: constants.Z_FULL_FLUSH })
    this.onPacked?.(blocks.length)
    return { blocks, crc: crc32(bytes), length: bytes.length }
  }
}

/** A body: items that are kept, between bytes of this one answer. */
export interface PageBody {
  before: Buffer
  text: PageText
  after: Buffer
}
