/** Reads a request body: bounded in bytes as sent and as expanded, in time, and gone when the client goes. */
import type { IncomingMessage } from 'node:http'
import { createGunzip } from 'node:zlib'
import { AppError } from '../errors.ts'
import { linger } from './linger.ts'

/** For requests that wait with their body (Expect: 100-continue): asks for it. */
export const goOn = new WeakMap<IncomingMessage, () => void>()

/** Bytes of bodies in memory, of all requests that are not answered yet. */
let held = 0
const MOST_HELD = 268_435_456

/** Counts bytes against what all uploads together may hold; they count until the request is over. */
function hold(request: IncomingMessage): (bytes: number) => boolean {
  let mine = 0
  const { socket } = request
  const release = () => {
    socket.off('close', release)
    held -= mine
    mine = 0
  }
  socket.once('close', release)
  releases.set(request, release)
  return (bytes) => {
    mine += bytes
    held += bytes
    return held <= MOST_HELD
  }
}

const releases = new WeakMap<IncomingMessage, () => void>()

/** The request is answered: its body does not count any more. */
export function releaseBody(request: IncomingMessage): void {
  releases.get(request)?.()
}

/**
 * @param limit most bytes, after decompression (T-5.5-11)
 * @throws unsupportedMediaType for a Content-Encoding other than gzip; tooLarge; badRequest for broken gzip or an
 * upload that ends early; unavailable when all uploads together are too large
 */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase()
  if (encoding !== 'identity' && encoding !== 'gzip' && encoding !== 'x-gzip') {
    throw new AppError('unsupportedMediaType', { detail: 'Content-Encoding may be gzip or absent.' })
  }
  const length = Number(request.headers['content-length'] ?? 0)
  if (length > limit) {
    closeGently(request)
    throw tooLarge(limit)
  }
  const zipped = encoding !== 'identity'
  const room = hold(request)
  goOn.get(request)?.()
  return await new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    let raw = 0
    const gunzip = zipped ? createGunzip() : null
    const source = gunzip ? request.pipe(gunzip) : request
    const fail = (error: AppError) => {
      request.off('data', count)
      source.removeAllListeners('data')
      chunks.length = 0
      if (gunzip) {
        request.unpipe()
        gunzip.destroy()
      }
      if (error.code !== 'badRequest') closeGently(request)
      request.resume()
      reject(error)
    }
    const count = (chunk: Buffer) => {
      raw += chunk.length
      if (raw > limit) fail(tooLarge(limit))
    }
    const early = () => fail(new AppError('badRequest', { detail: 'The upload ended early.' }))
    if (gunzip) request.on('data', count)
    source.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > limit) fail(tooLarge(limit))
      else if (!room(chunk.length)) fail(new AppError('unavailable', { headers: { 'retry-after': '5' } }))
      else chunks.push(chunk)
    })
    source.on('end', () => {
      // Bytes after the end of the gzip: the parser of the connection must not be left in the middle of a body.
      if (gunzip) request.resume()
      resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size))
    })
    gunzip?.on('error', () => fail(new AppError('badRequest', { detail: 'The body is not valid gzip.' })))
    request.on('aborted', early)
    request.on('error', early)
  })
}

/** The answer to a body that is too large closes the connection while the client still writes. */
function closeGently(request: IncomingMessage): void {
  const { socket } = request
  socket.destroySoon = () => linger(socket, request)
}

function tooLarge(limit: number): AppError {
  return new AppError('tooLarge', {
    detail: `The body may have at most ${limit} bytes, after decompression; send the objects in several envelopes.`,
  })
}
