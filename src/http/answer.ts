/** Sends answers: the exact media type, tags or no caching, compressed when asked for, errors as TAXII error messages. */
import type { OutgoingHttpHeaders } from 'node:http'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../errors.ts'
import type { Exchange } from '../taxii/exchange.ts'
import type { Coding } from '../taxii/packed.ts'
import { type PageBody, PageText } from '../taxii/page-text.ts'
import { has, readTags, tagOf, type Wanted } from '../taxii/validator.ts'
import { brotlied } from './brotli.ts'
import { gzipped } from './gzip.ts'
import { codingFor, TAXII } from './negotiate.ts'
import { isApi, PROBLEM, problemBody } from './problem.ts'

const zip = promisify(gzip)
const brotli = promisify(brotliCompress)
/** One answer, and one page that is kept. */
const COMPRESS: Record<Coding, [(bytes: Buffer) => Promise<Buffer>, (body: PageBody) => Promise<Buffer>]> = {
  gzip: [(bytes) => zip(bytes, { level: 1 }), gzipped],
  br: [(bytes) => brotli(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }), brotlied],
}
const VARY = 'Accept, Accept-Encoding, Authorization'
const VARY_ORIGIN = `${VARY}, Origin`
const EMPTY = Buffer.alloc(0)
const WORTH_ZIPPING = 1024
/** From so many bytes on an answer leaves in pieces. */
const WORTH_PIECES = 65_536

/** Sends an answer of the REST interface. */
export async function sendJson(
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  body: object,
): Promise<void> {
  await send(request, reply, status, body, 'application/json')
}

/** Sends a TAXII resource; `body` is JSON text or a value to serialise, absent for DELETE. */
export async function send(
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  body?: string | Buffer | object,
  type = TAXII,
): Promise<void> {
  let bytes = toBytes(body)
  reply.code(status)
  reply.header('content-type', type)
  reply.header('cache-control', 'private, no-store')
  vary(reply)
  const coding = bytes.length >= WORTH_ZIPPING ? codingFor(request.headers['accept-encoding']) : null
  if (coding) {
    const [compress] = COMPRESS[coding]
    bytes = await compress(bytes)
    reply.header('content-encoding', coding)
  }
  reply.send(bytes)
}

/** What the request wants of a resource that has a tag. */
export function wantedOf(request: FastifyRequest): Wanted {
  const { 'if-none-match': tags } = request.headers
  return { body: request.method !== 'HEAD', tags: tags === undefined ? null : readTags(tags) }
}

/** Sends a page, or 304 to who has it. Its client may keep it, and has to ask each time (policy.md §8). */
export async function sendPage(
  request: FastifyRequest,
  reply: FastifyReply,
  { body, tag, unchanged }: { body: PageBody; tag: string; unchanged: boolean },
): Promise<void> {
  reply.header('cache-control', 'private, no-cache')
  vary(reply)
  reply.header('etag', `W/"${tag}"`)
  if (unchanged) {
    reply.code(304).send()
    return
  }
  reply.code(200)
  reply.header('content-type', TAXII)
  const { before, text, after } = body
  const length = before.length + text.length + after.length
  const coding = length >= WORTH_ZIPPING ? codingFor(request.headers['accept-encoding']) : null
  if (coding) {
    const [, compress] = COMPRESS[coding]
    const bytes = await compress(body)
    reply.header('content-encoding', coding)
    reply.send(bytes)
  } else if (length < WORTH_PIECES || request.method !== 'GET') {
    reply.send(text.length === 0 ? before : Buffer.concat([before, await text.plain(), after], length))
  } else {
    // Past Fastify, which would have it in one piece: the text stays where it is.
    const bytes = await text.plain()
    const full = request.server.holdAnswer?.(request, reply, length)
    if (full) throw full
    reply.hijack()
    const { raw } = reply
    reply.header('content-length', length)
    raw.writeHead(200, reply.getHeaders() as OutgoingHttpHeaders)
    raw.cork()
    raw.write(before)
    raw.write(bytes)
    raw.end(after)
    raw.uncork()
  }
}

/** Sends a resource that is made from memory, likewise. */
export async function sendTagged(
  request: FastifyRequest,
  reply: FastifyReply,
  exchange: Exchange,
  resource: object,
): Promise<void> {
  const bytes = Buffer.from(JSON.stringify(resource))
  const text = new PageText(bytes)
  const tag = tagOf(exchange, bytes)
  const body = { before: EMPTY, text, after: EMPTY }
  await sendPage(request, reply, { body, tag, unchanged: has(wantedOf(request), tag) })
}

/** What the answer depends on; CORS, where it is on, has said Origin. */
function vary(reply: FastifyReply): void {
  reply.header('vary', String(reply.getHeader('vary') ?? '').endsWith('Origin') ? VARY_ORIGIN : VARY)
}

function toBytes(body: string | Buffer | object | undefined): Buffer {
  if (body === undefined) return EMPTY
  if (Buffer.isBuffer(body)) return body
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
}

/** The challenge of a 401 (RFC 7235); Basic is not offered where it is switched off (T-8-02). */
export function challenge(basic: boolean): string {
  return `${basic ? 'Basic realm="Comity", charset="UTF-8", ' : ''}Bearer realm="Comity"`
}

/** The error message of an AppError; 404 and 401 are constant, failures of ours say an id to ask the operator about. */
export function errorBody(error: AppError, errorId: string): string {
  return JSON.stringify({
    title: error.title,
    ...(error.detail && { description: error.detail }),
    ...(error.status >= 500 && errorId !== '' && { error_id: errorId }),
    error_code: error.code,
    http_status: String(error.status),
  })
}

/** Renders any throw: ours as what it is, Fastify's own by its status, the rest as 500 without a word. */
export function sendError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  authenticate: string,
): void {
  const known = toAppError(error)
  if (known.status >= 500) {
    request.log[known.status === 503 ? 'warn' : 'error'](
      { err: describe(known.cause ?? error), errorId: request.id },
      known.status === 503 ? 'the database or the server is busy or gone' : 'the request failed',
    )
  }
  const api = isApi(request.url)
  const body = Buffer.from((api ? problemBody : errorBody)(known, request.id))
  reply.code(known.status)
  reply.header('content-type', api ? PROBLEM : TAXII)
  reply.header('cache-control', 'private, no-store')
  vary(reply)
  if (known.code === 'unauthorized') reply.header('www-authenticate', authenticate)
  for (const [name, value] of Object.entries(known.headers)) reply.header(name, value)
  if (known.status === 413 || known.status === 408) reply.header('connection', 'close')
  reply.send(body)
}

function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error
  const status = (error as { statusCode?: number }).statusCode
  if (status === 400) return new AppError('badRequest', { detail: 'The URL or the request is malformed.' })
  if (status === 413) return new AppError('tooLarge')
  if (status === 414) return new AppError('uriTooLong')
  if (status === 415) return new AppError('unsupportedMediaType')
  if (status === 503) return new AppError('unavailable', { headers: { 'retry-after': '2' } })
  return new AppError('internal', { cause: error })
}

/** What a log may hold of an error: never parameters or row contents, which Postgres puts into `detail`. */
function describe(error: unknown): object {
  if (!(error instanceof Error)) return { type: typeof error }
  const { code } = error as { code?: string }
  return { type: error.name, ...(code && { code }), message: error.message, stack: error.stack }
}
