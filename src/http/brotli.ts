/** Puts a Brotli stream together from a page that was compressed once and the bytes around it (RFC 7932 §9). */
import { BROTLI_END, BROTLI_HEAD } from '../taxii/packed.ts'
import type { PageBody } from '../taxii/page-text.ts'

export async function brotlied({ before, text, after }: PageBody): Promise<Buffer> {
  const { blocks } = await text.packed('br')
  return Buffer.concat([BROTLI_HEAD, ...stored(before), blocks, ...stored(after), BROTLI_END])
}

const STORED_MOST = 65_536

/** Meta-blocks of bytes as they are; they begin and end at a byte. */
function stored(bytes: Buffer): Buffer[] {
  const blocks: Buffer[] = []
  for (let at = 0; at < bytes.length; at += STORED_MOST) {
    const part = bytes.subarray(at, at + STORED_MOST)
    const head = Buffer.alloc(3)
    // Bit by bit: not the last, four digits of length, one less than the length, not compressed.
    head.writeUIntLE(((part.length - 1) << 3) | (1 << 19), 0, 3)
    blocks.push(head, part)
  }
  return blocks
}
