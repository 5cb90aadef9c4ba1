/** `/livez`, `/readyz`, `/metrics`: for orchestrators and operators, without credentials and without content. */
import type { FastifyInstance, FastifyReply } from 'fastify'
import { AppError } from '../errors.ts'
import type { Exchange } from '../taxii/exchange.ts'
import type { Metrics } from './metrics.ts'

const LOOPBACK = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1'])

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

  app.get('/livez', async (_request, reply) => text(reply, 200, 'alive'))

  app.get('/readyz', async (_request, reply) => {
    if (draining()) return text(reply, 503, 'draining')
    try {
      await exchange.refresh()
    } catch {
      return text(reply, 503, 'the database does not answer')
    }
    return text(reply, 200, 'ready')
  })

  // Figures of the whole server are not for readers: from this machine only (the scraper, or its agent).
  app.get('/metrics', async (request, reply) => {
    if (!LOOPBACK.has(request.ip)) throw new AppError('unauthorized')
    const body = await metrics.registry.metrics()
    return reply.header('content-type', metrics.registry.contentType).send(body)
  })
}
