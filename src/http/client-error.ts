/** What Node's HTTP parser refuses never reaches a route: answered on the socket, still as a TAXII error. */
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { AppError, type ErrorCode } from '../errors.ts'
import { errorBody } from './answer.ts'
import { TAXII } from './negotiate.ts'

/** Answers 400, 408, 414 or 431 and closes. */
export function clientError(error: Error & { code?: string; rawPacket?: Buffer }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable || socket.destroyed) {
    socket.destroy()
    return
  }
  const failure = new AppError(codeOf(error))
  const body = errorBody(failure, '')
  socket.end(
    `HTTP/1.1 ${failure.status} ${STATUS_CODES[failure.status]}\r\ncontent-type: ${TAXII}\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
}

function codeOf(error: { code?: string; rawPacket?: Buffer }): ErrorCode {
  if (error.code === 'HPE_HEADER_OVERFLOW') {
    // No end of the request line within what was received: it is the URL that is too long.
    const line = error.rawPacket?.indexOf('\r\n') ?? 0
    return line < 0 || line > 16_384 ? 'uriTooLong' : 'headersTooLarge'
  }
  return error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'timeout' : 'badRequest'
}
