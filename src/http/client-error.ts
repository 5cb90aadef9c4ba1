/** What Node's HTTP parser refuses never reaches a route: answered on the socket, still as an error of the interface. */
import { type IncomingMessage, METHODS, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { AppError } from '../errors.ts'
import { errorBody } from './answer.ts'
import { linger } from './linger.ts'
import { TAXII } from './negotiate.ts'
import { isApi, PROBLEM, problemBody } from './problem.ts'

interface ParserError extends Error {
  code?: string
  rawPacket?: Buffer
  bytesParsed?: number
}

/** The last request of a connection whose head was read. */
const requests = new WeakMap<object, IncomingMessage>()

/** Remembers what is being read, for who has to refuse the rest of it. */
export function watchRequests(server: Server): void {
  server.prependListener('request', (request: IncomingMessage) => requests.set(request.socket, request))
}

/** Answers 400, 408, 414, 431 or 501 and closes. */
export function clientError(error: ParserError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable || socket.destroyed) {
    socket.destroy()
    return
  }
  const failure = failureOf(error)
  const request = requests.get(socket)
  const { type, body } = render(failure, request && !request.complete ? request.url : undefined)
  socket.write(
    `HTTP/1.1 ${failure.status} ${STATUS_CODES[failure.status]}\r\ncontent-type: ${type}\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
  // Nothing of this connection reaches a route any more, not even the rest of an upload that was too slow.
  linger(socket)
}

/** An Expect other than 100-continue (RFC 7231 §5.1.1). */
export function refuseExpectation(request: IncomingMessage, response: ServerResponse): void {
  const failure = new AppError('expectationFailed', { detail: 'Expect may be 100-continue or absent.' })
  const { type, body } = render(failure, request.url)
  const length = Buffer.byteLength(body)
  response.writeHead(failure.status, { 'content-type': type, 'content-length': length, connection: 'close' })
  response.end(body)
}

/** @param url of the request, where its head was read */
function render(failure: AppError, url: string | undefined): { type: string; body: string } {
  if (isApi(url)) return { type: PROBLEM, body: problemBody(failure, '') }
  return { type: TAXII, body: errorBody(failure, '') }
}

function failureOf(error: ParserError): AppError {
  const { code } = error
  if (code === 'HPE_HEADER_OVERFLOW') {
    return isLongUrl(error)
      ? new AppError('uriTooLong')
      : new AppError('headersTooLarge', { detail: 'The headers are larger together than this server takes.' })
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new AppError('timeout', {
      detail: 'The request did not arrive in the time that this server gives it.',
    })
  }
  if (isUnknownMethod(error)) {
    return new AppError('notImplemented', {
      detail: 'The methods here are GET, HEAD, POST, PATCH, DELETE and OPTIONS, in capital letters.',
    })
  }
  return new AppError('badRequest', {
    detail:
      'This is not a request in HTTP/1.1: its request line, a header, or where its body ends cannot be understood.',
  })
}

/** The packet that went over the limit tells which: a request line without end, or with its end at last. */
function isLongUrl({ rawPacket }: ParserError): boolean {
  const packet = rawPacket?.toString('latin1') ?? ''
  const line = packet.split('\r\n', 1)[0] ?? ''
  const inUrl = / HTTP\/1\.[01]$/.test(line) ? line.length > 16_384 : /^[A-Z]+ \S*$/.test(packet)
  return inUrl || (/ HTTP\/1\.[01]$/.test(line) && !/^[A-Z]+ \//.test(line))
}

const REQUEST_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) \S+ HTTP\/1\.[01]\r?$/

/**
 * Did the parser stop in a request line that is right but for a method which it does not know (RFC 9110 §9.1)? Nobody has
 * been authenticated then, and no path has been looked at.
 */
function isUnknownMethod({ code, rawPacket, bytesParsed = 0 }: ParserError): boolean {
  if (code !== 'HPE_INVALID_METHOD' && code !== 'HPE_INVALID_CONSTANT') return false
  const packet = rawPacket?.toString('latin1') ?? ''
  const start = packet.lastIndexOf('\n', bytesParsed - 1) + 1
  const end = packet.indexOf('\n', start)
  if (end < 0) return false
  const method = REQUEST_LINE.exec(packet.slice(start, end))?.[1]
  return method !== undefined && !METHODS.includes(method)
}
