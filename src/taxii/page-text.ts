/** The serialised items of a page, with what is made of them once: a digest, and a compressed form that answers are put together from. */
import { createCipheriv } from 'node:crypto'
import { promisify } from 'node:util'
import { constants, crc32, deflateRaw } from 'node:zlib'

const deflate = promisify(deflateRaw)

const NONCE = Buffer.alloc(12)

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
  #digest: { key: Buffer; tag: Buffer } | null = null
  #packed: Promise<Packed> | null = null

  constructor(text: string | Buffer) {
    this.bytes = typeof text === 'string' ? Buffer.from(text) : text
  }

  /**
   * 16 bytes that another text has as well once in 2^100 times, whoever chose it without knowing the key: GMAC, five times
   * as fast as SHA-256. As its nonce is always the same it must not be told, and the key must be for nothing else.
   */
  digest(key: Buffer): Buffer {
    if (!this.#digest?.key.equals(key)) {
      const cipher = createCipheriv('aes-256-gcm', key, NONCE)
      cipher.setAAD(this.bytes)
      cipher.final()
      this.#digest = { key, tag: cipher.getAuthTag() }
    }
    return this.#digest.tag
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
