/**
 * A page compressed once, so that answers can be put together from it and the few bytes around it that differ from answer to
 * answer. Both kinds end at a byte, do not say that they are the last, and mean the same wherever they stand.
 */
import { promisify } from 'node:util'
import {
  brotliDecompress,
  brotliDecompressSync,
  constants,
  crc32,
  createBrotliCompress,
  deflateRaw,
  inflateRaw,
  inflateRawSync,
} from 'node:zlib'

const deflate = promisify(deflateRaw)
const inflate = promisify(inflateRaw)
const unbrotli = promisify(brotliDecompress)

/** Content codings that answers are sent in (RFC 9110 §8.4.1; br: RFC 7932). */
export type Coding = 'gzip' | 'br'

/** Blocks of deflate, or meta-blocks of Brotli; and length and check sum of what they hold. */
export interface Packed {
  blocks: Buffer
  crc: number
  length: number
}

interface Packer {
  pack(bytes: Buffer): Promise<Buffer>
  unpack(blocks: Buffer): Promise<Buffer>
  unpackSync(blocks: Buffer): Buffer
}

/** The blocks do not say which is the last. */
const INFLATE = { finishFlush: constants.Z_SYNC_FLUSH }

/** How a Brotli stream of this server begins: windows of 4 MB, then an empty meta-block up to the end of the byte. */
export const BROTLI_HEAD = Buffer.from([0x6b, 0x00])
/** The last meta-block, which is empty. */
export const BROTLI_END = Buffer.from([0x03])
/**
 * Quality 1 refers to nothing but what it has read, and not to the dictionary of Brotli, whose words are numbered by how much
 * stands before: what it makes of a text means the same behind any other bytes.
 */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 1, [constants.BROTLI_PARAM_LGWIN]: 22 } }

const PACKERS: Record<Coding, Packer> = {
  gzip: {
    pack: (bytes) => deflate(bytes, { level: 1, finishFlush: constants.Z_FULL_FLUSH }),
    unpack: (blocks) => inflate(blocks, INFLATE),
    unpackSync: (blocks) => inflateRawSync(blocks, INFLATE),
  },
  br: {
    pack: brotliBlocks,
    unpack: (blocks) => unbrotli(brotliOf(blocks)),
    unpackSync: (blocks) => brotliDecompressSync(brotliOf(blocks)),
  },
}

export async function pack(coding: Coding, bytes: Buffer): Promise<Packed> {
  return { blocks: await PACKERS[coding].pack(bytes), crc: crc32(bytes), length: bytes.length }
}

export async function unpack(coding: Coding, { blocks }: Packed): Promise<Buffer> {
  return await PACKERS[coding].unpack(blocks)
}

export function unpackSync(coding: Coding, { blocks }: Packed): Buffer {
  return PACKERS[coding].unpackSync(blocks)
}

const brotliOf = (blocks: Buffer) => Buffer.concat([BROTLI_HEAD, blocks, BROTLI_END])

/** @throws when this Node.js begins its streams in another way */
async function brotliBlocks(bytes: Buffer): Promise<Buffer> {
  const stream = createBrotliCompress({ ...BROTLI, chunkSize: 65_536 })
  const chunks: Buffer[] = []
  const failed = new Promise<never>((_, reject) => stream.on('error', reject))
  // Only `flush` waits for it.
  failed.catch(() => undefined)
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  const flushed = async () => {
    await Promise.race([
      new Promise<void>((resolve) => stream.flush(constants.BROTLI_OPERATION_FLUSH, resolve)),
      failed,
    ])
    return Buffer.concat(chunks.splice(0))
  }
  try {
    const head = await flushed()
    if (!head.equals(BROTLI_HEAD)) throw new Error(`Brotli streams begin with ${head.toString('hex')}`)
    stream.write(bytes)
    return await flushed()
  } finally {
    stream.destroy()
  }
}
