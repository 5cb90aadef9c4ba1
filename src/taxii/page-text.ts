/**
 * The serialised items of a page, with what is made of them once: a digest, and a compressed form that answers are put
 * together from. Where memory is short only that is kept: most clients ask for gzip.
 */
import { createCipheriv } from 'node:crypto'
import { promisify } from 'node:util'
import { constants, crc32, deflateRaw, inflateRaw, inflateRawSync } from 'node:zlib'

const deflate = promisify(deflateRaw)
const inflate = promisify(inflateRaw)

const NONCE = Buffer.alloc(12)
/** The blocks do not say which is the last. */
const INFLATE = { finishFlush: constants.Z_SYNC_FLUSH }

/** Deflate blocks that end at a byte and do not say that they are the last; and the check sum of what they hold. */
export interface Packed {
  blocks: Buffer
  crc: number
  length: number
}

export class PageText {
  /** Of the text as it is. */
  readonly length: number
  /** Told how much more memory it takes, when it has got its other form. */
  onGrown: ((bytes: number) => void) | null = null
  #plain: Buffer | null
  #inflated: Promise<Buffer> | null = null
  #digest: { key: Buffer; tag: Buffer } | null = null
  #packing: Promise<Packed> | null = null
  #packed: Packed | null = null

  constructor(text: string | Buffer) {
    this.#plain = typeof text === 'string' ? Buffer.from(text) : text
    this.length = this.#plain.length
  }

  /** Bytes of memory. */
  get memory(): number {
    return (this.#plain?.length ?? 0) + (this.#packed?.blocks.length ?? 0)
  }

  /** The text as it is. Whoever asks meanwhile waits for the same. */
  async plain(): Promise<Buffer> {
    if (this.#plain) return this.#plain
    this.#inflated ??= this.#inflate()
    return await this.#inflated
  }

  /**
   * 16 bytes that another text has as well once in 2^100 times, whoever chose it without knowing the key: GMAC, five times
   * as fast as SHA-256. As its nonce is always the same it must not be told, and the key must be for nothing else.
   */
  digest(key: Buffer): Buffer {
    if (!this.#digest?.key.equals(key)) {
      const cipher = createCipheriv('aes-256-gcm', key, NONCE)
      // Again only where the key of the exchange has been changed.
      cipher.setAAD(this.#plain ?? inflateRawSync((this.#packed as Packed).blocks, INFLATE))
      cipher.final()
      this.#digest = { key, tag: cipher.getAuthTag() }
    }
    return this.#digest.tag
  }

  /** Whoever asks meanwhile waits for the same. */
  async packed(): Promise<Packed> {
    if (this.#packed) return this.#packed
    this.#packing ??= this.#pack()
    return await this.#packing
  }

  /** Lets the text as it is go, if it can be had from its compressed form. @returns bytes of memory that are free now */
  shed(): number {
    if (!this.#plain || !this.#packed) return 0
    this.#plain = null
    return this.length
  }

  async #pack(): Promise<Packed> {
    const bytes = await this.plain()
    const blocks = await deflate(bytes, { level: 1, finishFlush: constants.Z_FULL_FLUSH })
    this.#packed = { blocks, crc: crc32(bytes), length: bytes.length }
    this.onGrown?.(blocks.length)
    return this.#packed
  }

  async #inflate(): Promise<Buffer> {
    try {
      this.#plain = await inflate((this.#packed as Packed).blocks, INFLATE)
    } finally {
      this.#inflated = null
    }
    this.onGrown?.(this.length)
    return this.#plain
  }
}

/** A body: items that are kept, between bytes of this one answer. */
export interface PageBody {
  before: Buffer
  text: PageText
  after: Buffer
}
