/** Reads a request body: bounded in bytes as sent and as expanded, in time, and gone when the client goes. */
import type { IncomingMessage } from 'node:http'
import { createGunzip } from 'node:zlib'
import { AppError } from '../errors.ts'

/**
 * @param limit most bytes, after decompression (T-5.5-11)
 * @throws unsupportedMediaType for a Content-Encoding other than gzip; tooLarge; badRequest for broken gzip or an
 * upload that ends early
 */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase()
  if (encoding !== 'identity' && encoding !== 'gzip' && encoding !== 'x-gzip') {
    throw new AppError('unsupportedMediaType', { detail: 'Content-Encoding may be gzip or absent.' })
  }
  const length = Number(request.headers['content-length'] ?? 0)
  if (length > limit) throw tooLarge(limit)
  const zipped = encoding !== 'identity'
  return await new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    let raw = 0
    const source = zipped ? request.pipe(createGunzip()) : request
    const fail = (error: AppError) => {
      request.off('data', count)
      source.removeAllListeners('data')
      if (zipped) {
        request.unpipe()
        source.destroy()
      }
      request.resume()
      reject(error)
    }
    const count = (chunk: Buffer) => {
      raw += chunk.length
      if (raw > limit) fail(tooLarge(limit))
    }
    if (zipped) request.on('data', count)
    source.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > limit) fail(tooLarge(limit))
      else chunks.push(chunk)
    })
    source.on('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size)))
    source.on('error', () => fail(new AppError('badRequest', { detail: 'The body is not valid gzip.' })))
    request.on('aborted', () => reject(new AppError('badRequest', { detail: 'The upload ended early.' })))
    request.on('error', () => reject(new AppError('badRequest', { detail: 'The upload ended early.' })))
  })
}

function tooLarge(limit: number): AppError {
  return new AppError('tooLarge', {
    detail: `The body may have at most ${limit} bytes, after decompression; send the objects in several envelopes.`,
  })
}
