/** Reads a request body: bounded in bytes as sent and as expanded, in time, and gone when the client goes. */
import type { IncomingMessage } from 'node:http'
import { createGunzip } from 'node:zlib'
import { AppError } from '../errors.ts'
import type { Intake, Place } from './intake.ts'
import { linger } from './linger.ts'

/** For requests that wait with their body (Expect: 100-continue): asks for it. */
export const goOn = new WeakMap<IncomingMessage, () => void>()

const places = new WeakMap<IncomingMessage, Place>()

/**
 * Runs the work of a request, and gives back the place of its body when it has ended: not when the client has gone,
 * for what it sent is still in memory then.
 */
export async function holdingBody(request: IncomingMessage, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } finally {
    places.get(request)?.release()
  }
}

/**
 * @param limit most bytes, after decompression (T-5.5-11)
 * @throws unsupportedMediaType for a Content-Encoding other than gzip; tooLarge; badRequest for broken gzip or an
 * upload that ends early; tooManyRequests or unavailable when there is no place for it (intake.ts)
 */
export async function readBody(
  request: IncomingMessage,
  limit: number,
  intake: Intake,
  principal: string,
): Promise<Buffer> {
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
  const place = intake.admit(principal, length)
  places.set(request, place)
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
      else if (!place.room(chunk.length))
        fail(new AppError('unavailable', { headers: { 'retry-after': '5' } }))
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
