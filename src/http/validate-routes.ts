/** `POST /api/v1/validate`: the findings of the same check that a POST to a collection makes; nothing is stored. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { AppError } from '../errors.ts'
import type { Caller } from '../policy/model.ts'
import type { Exchange } from '../taxii/exchange.ts'
import { inWorld } from '../taxii/operation.ts'
import { validateObjects } from '../taxii/validate-objects.ts'
import type { Intake } from './intake.ts'
import { answersOptions } from './methods.ts'
import { holdingBody, readBody } from './read-body.ts'

const TYPES = /^application\/(json|stix\+json|taxii\+json)\s*(;|$)/i

export function validateRoutes(
  app: FastifyInstance,
  exchange: Exchange,
  who: (request: FastifyRequest) => Promise<Caller>,
  intake: Intake,
): void {
  app.all('/api/v1/validate', async (request, reply) => {
    await holdingBody(
      request.raw,
      async () =>
        await inWorld(exchange, false, async () => {
          const caller = await who(request)
          if (caller.subject === null) throw new AppError('unauthorized')
          if (answersOptions(request, reply, ['POST', 'OPTIONS'])) return
          if (!TYPES.test(request.headers['content-type'] ?? '')) {
            throw new AppError('unsupportedMediaType', {
              detail: 'Send an object, a bundle or an envelope as application/json, stix+json or taxii+json.',
            })
          }
          const body = await readBody(request.raw, exchange.config.maxContentLength, intake, caller.id)
          const report = validateObjects(exchange, body)
          reply.header('content-type', 'application/json')
          reply.header('cache-control', 'private, no-store')
          reply.send(Buffer.from(JSON.stringify(report)))
        }),
    )
  })
}
