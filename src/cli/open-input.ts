/** Input files of a command: found before anything is done, read as often as needed, unpacked when they are gzip. */
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { Refusal } from '../errors.ts'
import { EXIT } from './context.ts'

export interface Input {
  /** What messages call it. */
  name: string
  /** Bytes on disk. */
  size: number
  /** Its name says that it holds one object per line. */
  lines: boolean
  /** @param onRead told how many bytes of the file have been read */
  read(onRead: (bytes: number) => void): AsyncIterable<Buffer>
  close(): Promise<void>
}

/** @throws Refusal (2) when it is not there or is no file */
export async function openInput(file: string, stdin: Readable): Promise<Input> {
  return file === '-' ? await spool(stdin) : await onDisk(file, file, async () => {})
}

async function onDisk(path: string, name: string, close: () => Promise<void>): Promise<Input> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new Refusal(`${name} cannot be read (${error.code}).`, EXIT.usage)
  })
  if (found.isDirectory()) throw new Refusal(`${name} is a directory; name the files in it.`, EXIT.usage)
  const lines = /\.(ndjson|jsonl)(\.gz)?$/i.test(name)
  return { name, size: found.size, lines, close, read: (onRead) => unpacked(path, onRead) }
}

/** Standard input is read twice like any file, and so put into one that only its owner can read. */
async function spool(stdin: Readable): Promise<Input> {
  const folder = await mkdtemp(join(tmpdir(), 'comity-import-'))
  const path = join(folder, 'stdin')
  const close = () => rm(folder, { recursive: true, force: true })
  try {
    await pipeline(stdin, createWriteStream(path, { mode: 0o600 }))
    return await onDisk(path, 'stdin', close)
  } catch (error) {
    await close()
    throw error
  }
}

async function* unpacked(path: string, onRead: (bytes: number) => void): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: 256 * 1024 })
  const chunks = file[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  try {
    const first = await chunks.next()
    if (first.done) return
    const whole = counted(first.value, chunks, onRead)
    const packed = first.value[0] === 0x1f && first.value[1] === 0x8b
    if (!packed) yield* whole
    else {
      const gunzip = createGunzip({ chunkSize: 256 * 1024 })
      // What goes wrong destroys the last stream too, and is thrown where that is read.
      pipeline(Readable.from(whole, { objectMode: false }), gunzip).catch(() => {})
      yield* gunzip as AsyncIterable<Buffer>
    }
  } finally {
    file.destroy()
  }
}

async function* counted(
  first: Buffer,
  rest: AsyncIterator<Buffer>,
  onRead: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  let read = first.length
  onRead(read)
  yield first
  for (let next = await rest.next(); !next.done; next = await rest.next()) {
    read += next.value.length
    onRead(read)
    yield next.value
  }
}
