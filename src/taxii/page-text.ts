/**
 * The serialised items of a page, with what is made of them once: a digest, and compressed forms that answers are put
 * together from. Where memory is short only these are kept: most clients ask for gzip.
 */
import { createCipheriv } from 'node:crypto'
import { type Coding, type Packed, pack, unpack, unpackSync } from './packed.ts'

const NONCE = Buffer.alloc(12)

export class PageText {
  /** Of the text as it is. */
  readonly length: number
  /** Told how much more memory it takes, when it has got its other form. */
  onGrown: ((bytes: number) => void) | null = null
  #plain: Buffer | null
  #inflated: Promise<Buffer> | null = null
  #digest: { key: Buffer; tag: Buffer } | null = null
  readonly #packing = new Map<Coding, Promise<Packed>>()
  readonly #packed = new Map<Coding, Packed>()

  constructor(text: string | Buffer) {
    this.#plain = typeof text === 'string' ? Buffer.from(text) : text
    this.length = this.#plain.length
  }

  /** Bytes of memory. */
  get memory(): number {
    let bytes = this.#plain?.length ?? 0
    for (const { blocks } of this.#packed.values()) bytes += blocks.length
    return bytes
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
      cipher.setAAD(this.#plain ?? unpackSync(...this.#any()))
      cipher.final()
      this.#digest = { key, tag: cipher.getAuthTag() }
    }
    return this.#digest.tag
  }

  /** Its compressed form. Whoever asks meanwhile waits for the same. */
  async packed(coding: Coding): Promise<Packed> {
    const packed = this.#packed.get(coding)
    if (packed) return packed
    const packing = this.#packing.get(coding) ?? this.#pack(coding)
    this.#packing.set(coding, packing)
    return await packing
  }

  /** Lets the text as it is go, if it can be had from a compressed form. @returns bytes of memory that are free now */
  shed(): number {
    if (!this.#plain || this.#packed.size === 0) return 0
    this.#plain = null
    return this.length
  }

  async #pack(coding: Coding): Promise<Packed> {
    try {
      const packed = await pack(coding, await this.plain())
      this.#packed.set(coding, packed)
      this.onGrown?.(packed.blocks.length)
      return packed
    } finally {
      this.#packing.delete(coding)
    }
  }

  async #inflate(): Promise<Buffer> {
    try {
      this.#plain = await unpack(...this.#any())
    } finally {
      this.#inflated = null
    }
    this.onGrown?.(this.length)
    return this.#plain
  }

  /** A compressed form; there is one where the text as it is has gone. */
  #any(): [Coding, Packed] {
    return [...this.#packed][0] as [Coding, Packed]
  }
}

/** A body: items that are kept, between bytes of this one answer. */
export interface PageBody {
  before: Buffer
  text: PageText
  after: Buffer
}
