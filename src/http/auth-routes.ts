/** `POST /auth/token`: Basic or an API token in, a 15-minute JWT out that carries identity only. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { AppError } from '../errors.ts'
import type { Caller } from '../policy/model.ts'
import type { Claims } from '../taxii/authenticate.ts'
import type { Exchange } from '../taxii/exchange.ts'
import { inWorld } from '../taxii/operation.ts'
import { answersOptions } from './methods.ts'

export const JWT_SECONDS = 900

export function authRoutes(
  app: FastifyInstance,
  exchange: Exchange,
  who: (request: FastifyRequest) => Promise<Caller>,
): void {
  app.all('/auth/token', async (request, reply) => {
    await inWorld(exchange, false, async () => {
      const caller = await who(request)
      if (caller.subject === null) throw new AppError('unauthorized')
      if (answersOptions(request, reply, ['POST', 'OPTIONS'])) return
      if (caller.jwt) {
        throw new AppError('forbidden', {
          detail: 'A JWT is made with Basic or an API token, not with a JWT.',
        })
      }
      const claims: Claims = {
        sub: caller.id,
        ...(caller.token && { tok: caller.token.id }),
        chg: caller.subject.principal.changed.toString(),
      }
      reply.header('cache-control', 'no-store')
      reply.header('content-type', 'application/json')
      const token = app.jwt.sign(claims, { expiresIn: JWT_SECONDS })
      const body = { access_token: token, token_type: 'Bearer', expires_in: JWT_SECONDS }
      reply.send(Buffer.from(JSON.stringify(body)))
    })
  })
}
