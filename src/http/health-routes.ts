/** `/livez`, `/readyz`, `/metrics`: for orchestrators and operators, without credentials and without content. */
import type { FastifyInstance, FastifyReply } from 'fastify'
import { AppError } from '../errors.ts'
import type { Exchange } from '../taxii/exchange.ts'
import { answersOptions } from './methods.ts'
import type { Metrics } from './metrics.ts'

const LOOPBACK = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1'])

const READ = ['GET', 'HEAD', 'OPTIONS']
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

  app.all('/livez', async (request, reply) => {
    if (!answersOptions(request, reply, READ)) text(reply, 200, 'alive')
  })

  app.all('/readyz', async (request, reply) => {
    if (answersOptions(request, reply, READ)) return
    if (draining()) {
      text(reply, 503, 'draining')
      return
    }
    try {
      await exchange.refresh()
      // Whether it lags is not told: that depends on writes which the caller may not see.
      const { replica } = exchange
      text(reply, 200, replica ? `ready, replica ${replica.state.up ? 'up' : 'down'}` : 'ready')
    } catch {
      text(reply, 503, 'the database does not answer')
    }
  })

  // Figures of the whole server are not for readers: from this machine only (the scraper, or its agent), and not
  // through a proxy on it.
  app.all('/metrics', async (request, reply) => {
    const near = LOOPBACK.has(request.raw.socket.remoteAddress ?? '')
    if (!near || FORWARDED.some((name) => request.headers[name] !== undefined)) {
      throw new AppError('forbidden', {
        detail:
          'Figures are told on a loopback address of the server only, not through a proxy and whatever the credentials: ask from its machine.',
      })
    }
    if (answersOptions(request, reply, READ)) return
    const body = await metrics.registry.metrics()
    reply.header('content-type', metrics.registry.contentType).send(body)
  })
}
