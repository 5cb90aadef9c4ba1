/** Cross-origin requests, off unless origins are set; a preflight is answered alike for every path (D-3a). */
import type { FastifyInstance } from 'fastify'

const EXPOSED = 'X-TAXII-Date-Added-First, X-TAXII-Date-Added-Last, ETag, WWW-Authenticate, Retry-After'

export function cors(app: FastifyInstance, origins: readonly string[]): void {
  if (origins.length === 0) return
  app.addHook('onRequest', async (request, reply) => {
    reply.header('vary', 'Origin')
    const { origin } = request.headers
    if (origin === undefined) return
    const allowed = origins.includes('*') ? '*' : origins.includes(origin) ? origin : null
    if (allowed === null) return
    reply.header('access-control-allow-origin', allowed)
    reply.header('access-control-expose-headers', EXPOSED)
    if (request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined) {
      reply.header('access-control-allow-methods', 'GET, HEAD, POST, PATCH, DELETE, OPTIONS')
      reply.header(
        'access-control-allow-headers',
        'Authorization, Accept, Content-Type, Content-Encoding, If-None-Match',
      )
      reply.header('access-control-max-age', '600')
      reply.code(204).send()
      return reply
    }
  })
}
