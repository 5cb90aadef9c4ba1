/** Bounds what clients that read slowly may hold of the server's memory: an answer stays in it until it is taken. */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../errors.ts'

/** Most bytes of answers that have not been taken yet; what would go beyond is answered 503. */
const MOST = 268_435_456
/** Smaller answers are always sent. */
const SMALL = 65_536
const EVERY = 1_000

/** Taking fewer bytes per second is too slow: in general, and when half of the room is taken. */
const CALM = 2_048
const CROWDED = 131_072

declare module 'fastify' {
  interface FastifyInstance {
    /** For who sends an answer past Fastify. @returns why it may not be sent */
    holdAnswer?(request: FastifyRequest, reply: FastifyReply, bytes: number): AppError | null
  }
}

interface Pending {
  socket: Socket
  bytes: number
  left: number
  since: number
}

/**
 * Watches what `app` sends; call it before the app is ready.
 * @param patience seconds over which a client's speed is measured; a tenth of it in want of room
 */
export function boundAnswers(app: FastifyInstance, patience: number): void {
  const pending = new Map<ServerResponse, Pending>()
  let held = 0

  const hold = (request: FastifyRequest, reply: FastifyReply, bytes: number): AppError | null => {
    if (bytes <= SMALL || request.method === 'HEAD') return null
    if (held + bytes > MOST) {
      for (const name of Object.keys(reply.getHeaders())) {
        if (/^(content-encoding|etag|x-taxii-date-added-(first|last))$/i.test(name)) reply.removeHeader(name)
      }
      const cause = new Error('too many answers wait for their clients')
      return new AppError('unavailable', { cause, headers: { 'retry-after': '5' } })
    }
    held += bytes
    pending.set(reply.raw, { socket: request.raw.socket, bytes, left: bytes, since: Date.now() })
    reply.raw.once('close', () => {
      pending.delete(reply.raw)
      held -= bytes
    })
    return null
  }
  app.decorate('holdAnswer', hold)
  // Not an async function: the routes do not wait for their answer, and Fastify would send a second one meanwhile.
  app.addHook('onSend', (request, reply, payload, done) => {
    const full = hold(request, reply, Buffer.isBuffer(payload) ? payload.length : 0)
    if (full) done(full)
    else done(null, payload)
  })

  const timer = setInterval(() => {
    const crowded = held > MOST / 2
    const rate = crowded ? CROWDED : CALM
    const window = crowded ? patience * 100 : patience * 1000
    const now = Date.now()
    for (const answer of pending.values()) {
      const elapsed = now - answer.since
      if (elapsed < window) continue
      const left = queued(answer)
      if (answer.left - left < (rate * elapsed) / 1000) answer.socket.destroy()
      answer.left = left
      answer.since = now
    }
  }, EVERY)
  timer.unref()
  app.addHook('onClose', async () => clearInterval(timer))
}

/** Bytes that the kernel has not taken yet. Node looks at the same figure for its own time-out of idle sockets. */
function queued({ socket, bytes }: Pending): number {
  const { _handle: handle } = socket as { _handle?: { writeQueueSize?: number } | null }
  return handle?.writeQueueSize ?? Math.min(bytes, socket.writableLength)
}
