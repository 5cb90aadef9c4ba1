/**
 * Puts one gzip member together from a page that was compressed once and the few bytes around it that differ from answer to
 * answer (RFC 1951, 1952). One member, as many clients read only the first of several.
 */
import { crc32 } from 'node:zlib'
import type { PageBody } from '../taxii/page-text.ts'

/** Deflate, no name, no time, compressed for speed, on no system in particular. */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255])
const STORED_MOST = 65_535

export async function gzipped({ before, text, after }: PageBody): Promise<Buffer> {
  const { blocks, crc, length } = await text.packed('gzip')
  const sum = sumOn(combine(sumOn(0, before), crc, length), after)
  const trailer = Buffer.alloc(8)
  trailer.writeUInt32LE(sum, 0)
  trailer.writeUInt32LE((before.length + length + after.length) % 2 ** 32, 4)
  return Buffer.concat([HEADER, ...stored(before, false), blocks, ...stored(after, true), trailer])
}

/** The check sum so far, and of what follows. Of no bytes crc32 may say 0, whatever the sum was before (Node.js 20). */
const sumOn = (sum: number, bytes: Buffer): number => (bytes.length === 0 ? sum : crc32(bytes, sum))

/** Blocks of bytes as they are; they begin and end at a byte. */
function stored(bytes: Buffer, last: boolean): Buffer[] {
  const blocks: Buffer[] = []
  for (let at = 0; at === 0 || at < bytes.length; at += STORED_MOST) {
    const part = bytes.subarray(at, at + STORED_MOST)
    const head = Buffer.alloc(5)
    head[0] = last && at + STORED_MOST >= bytes.length ? 1 : 0
    head.writeUInt16LE(part.length, 1)
    head.writeUInt16LE(part.length ^ 0xffff, 3)
    blocks.push(head, part)
  }
  return blocks
}

const POLYNOMIAL = 0xedb88320
const ONE = 0x80000000

/** The check sum of two texts, one after the other, by those of each: the first is multiplied by x^(8 n), modulo the polynomial. */
export function combine(first: number, second: number, secondLength: number): number {
  return (multiply(power(secondLength), first) ^ second) >>> 0
}

/** In the field, bits reversed as in the check sum; `a` is not 0. */
function multiply(a: number, b: number): number {
  let product = 0
  let factor = b
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if (a & bit) product ^= factor
    factor = factor & 1 ? (factor >>> 1) ^ POLYNOMIAL : factor >>> 1
  }
  return product >>> 0
}

/** x^(2^k) for each k. */
const SQUARES = [0x40000000]
for (let k = 1; k < 64; k++) SQUARES.push(multiply(SQUARES[k - 1] as number, SQUARES[k - 1] as number))

/** x^(8 n) */
function power(bytes: number): number {
  let product = ONE
  for (let n = bytes, k = 3; n > 0; n = Math.floor(n / 2), k++) {
    if (n % 2 === 1) product = multiply(SQUARES[k] as number, product)
  }
  return product
}
