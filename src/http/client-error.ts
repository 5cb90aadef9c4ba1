/** What Node's HTTP parser refuses never reaches a route: answered on the socket, still as a TAXII error. */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { AppError, type ErrorCode } from '../errors.ts'
import { errorBody } from './answer.ts'
import { linger } from './linger.ts'
import { TAXII } from './negotiate.ts'

/** Answers 400, 408, 414 or 431 and closes. */
export function clientError(error: Error & { code?: string; rawPacket?: Buffer }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable || socket.destroyed) {
    socket.destroy()
    return
  }
  const failure = new AppError(codeOf(error))
  const body = errorBody(failure, '')
  socket.write(
    `HTTP/1.1 ${failure.status} ${STATUS_CODES[failure.status]}\r\ncontent-type: ${TAXII}\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
  // Nothing of this connection reaches a route any more, not even the rest of an upload that was too slow.
  linger(socket)
}

/** An Expect other than 100-continue (RFC 7231 §5.1.1). */
export function refuseExpectation(_request: IncomingMessage, response: ServerResponse): void {
  const failure = new AppError('expectationFailed', { detail: 'Expect may be 100-continue or absent.' })
  response.writeHead(failure.status, { 'content-type': TAXII, connection: 'close' })
  response.end(errorBody(failure, ''))
}

function codeOf(error: { code?: string; rawPacket?: Buffer }): ErrorCode {
  if (error.code === 'HPE_HEADER_OVERFLOW') {
    // The packet that went over the limit tells which: a request line without end, or with its end at last.
    const packet = error.rawPacket?.toString('latin1') ?? ''
    const line = packet.split('\r\n', 1)[0] ?? ''
    const inUrl = / HTTP\/1\.[01]$/.test(line) ? line.length > 16_384 : /^[A-Z]+ \S*$/.test(packet)
    const tail = / HTTP\/1\.[01]$/.test(line) && !/^[A-Z]+ \//.test(line)
    return inUrl || tail ? 'uriTooLong' : 'headersTooLarge'
  }
  return error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'timeout' : 'badRequest'
}
