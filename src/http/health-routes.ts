/** `/livez`, `/readyz`, `/metrics`: for orchestrators and operators, without credentials and without content. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../errors.ts'
import type { Exchange } from '../taxii/exchange.ts'
import type { Metrics } from './metrics.ts'

const LOOPBACK = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1'])

const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via']

export function healthRoutes(
  app: FastifyInstance,
  exchange: Exchange,
  metrics: Metrics,
  draining: () => boolean,
): void {
  const text = (reply: FastifyReply, status: number, body: string) =>
    reply
      .code(status)
      .header('content-type', 'text/plain')
      .header('cache-control', 'no-store')
      .send(`${body}\n`)

  const only = (request: FastifyRequest, reply: FastifyReply) => {
    const allow = 'GET, HEAD, OPTIONS'
    if (request.method === 'OPTIONS') {
      reply.code(204).header('allow', allow).send()
      return false
    }
    if (request.method === 'GET' || request.method === 'HEAD') return true
    throw new AppError('methodNotAllowed', { detail: `Allowed here: ${allow}.`, headers: { allow } })
  }

  app.all('/livez', async (request, reply) => {
    if (only(request, reply)) text(reply, 200, 'alive')
  })

  app.all('/readyz', async (request, reply) => {
    if (!only(request, reply)) return
    if (draining()) {
      text(reply, 503, 'draining')
      return
    }
    try {
      await exchange.refresh()
      text(reply, 200, 'ready')
    } catch {
      text(reply, 503, 'the database does not answer')
    }
  })

  // Figures of the whole server are not for readers: from this machine only (the scraper, or its agent), and not
  // through a proxy on it.
  app.all('/metrics', async (request, reply) => {
    const near = LOOPBACK.has(request.raw.socket.remoteAddress ?? '')
    if (!near || FORWARDED.some((name) => request.headers[name] !== undefined))
      throw new AppError('unauthorized')
    if (!only(request, reply)) return
    const body = await metrics.registry.metrics()
    reply.header('content-type', metrics.registry.contentType).send(body)
  })
}
