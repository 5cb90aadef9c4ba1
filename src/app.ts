/** Composition root: the Fastify app with its plugins and routes, in the order in which a request meets them. */
import { randomUUID } from 'node:crypto'
import { METHODS } from 'node:http'
import jwt from '@fastify/jwt'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify'
import type { Config } from './config.ts'
import { AppError } from './errors.ts'
import { challenge, sendError } from './http/answer.ts'
import { apiRoutes } from './http/api/routes.ts'
import { authRoutes } from './http/auth-routes.ts'
import { clientError, refuseExpectation, watchRequests } from './http/client-error.ts'
import { cors } from './http/cors.ts'
import { healthRoutes } from './http/health-routes.ts'
import { Intake } from './http/intake.ts'
import type { Metrics } from './http/metrics.ts'
import { goOn } from './http/read-body.ts'
import { taxiiRoutes } from './http/taxii-routes.ts'
import { validateRoutes } from './http/validate-routes.ts'
import type { Caller } from './policy/model.ts'
import { Authenticator, type Claims } from './taxii/authenticate.ts'
import type { Exchange } from './taxii/exchange.ts'
import { inWorld } from './taxii/operation.ts'
import { Throttle } from './taxii/throttle.ts'

const LONGEST_URL = 32_768

/** TLS 1.3, and of 1.2 what RFC 7540 App. A does not forbid (T-8-04). */
const CIPHERS = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
].join(':')

const HEADER_BYTES = 65_536
const HEADER_SECONDS = 20

/**
 * Of Node's HTTP parser: bounds on headers, in bytes and in time, looked at every so often (milliseconds). Of a bound for
 * headers that is longer than the one for the whole request, Node takes each for the other.
 */
const parserOptions = (requestSeconds: number) => ({
  maxHeaderSize: HEADER_BYTES,
  headersTimeout: Math.min(HEADER_SECONDS, requestSeconds) * 1000,
  connectionsCheckingInterval: 1_000,
  requireHostHeader: false,
})

export interface AppDeps {
  exchange: Exchange
  metrics: Metrics
  config: Config
  log: FastifyBaseLogger
  /** Is the server on its way down? */
  draining: () => boolean
}

/** Builds the app; the caller listens, and closes it. */
export async function buildApp({
  exchange,
  metrics,
  config,
  log,
  draining,
}: AppDeps): Promise<FastifyInstance> {
  const authenticate = challenge(config.basicAuth)
  const parser = parserOptions(config.requestSeconds)
  const renderError = (error: unknown, request: FastifyRequest, reply: FastifyReply) =>
    sendError(error, request, reply, authenticate)
  const app = Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    trustProxy: config.trustProxy,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: LONGEST_URL, caseSensitive: true },
    exposeHeadRoutes: false,
    requestTimeout: config.requestSeconds * 1000,
    connectionTimeout: Math.max(120_000, config.requestSeconds * 2000),
    keepAliveTimeout: 72_000,
    http: parser,
    ...(config.tls && {
      https: { ...config.tls, ...parser, minVersion: 'TLSv1.2', ciphers: CIPHERS },
    }),
    clientErrorHandler: clientError,
    frameworkErrors: renderError,
    return503OnClosing: false,
  } as object) as FastifyInstance

  // Bodies are read by the operation that wants one, after everything that can refuse it (T-3.1-14): to Fastify no method has
  // one, and it does not look at a Content-Type before it is known who asks.
  for (const method of METHODS) {
    if (method !== 'CONNECT') app.addHttpMethod(method, { hasBody: false, overrideExisting: true })
  }

  watchRequests(app.server)
  app.server.on('checkExpectation', refuseExpectation)
  // The client is told to go on when its body is wanted, after everything that may refuse it.
  app.server.on('checkContinue', (request, response) => {
    goOn.set(request, () => response.writeContinue())
    app.server.emit('request', request, response)
  })
  app.addHook('onRequest', async (request) => {
    if (request.raw.httpVersion === '1.1' && request.headers.host === undefined) {
      throw new AppError('badRequest', { detail: 'An HTTP/1.1 request needs a Host header.' })
    }
    if ((request.raw.url ?? '').length > LONGEST_URL) {
      throw new AppError('uriTooLong', { detail: `A URL may have ${LONGEST_URL} characters.` })
    }
  })
  cors(app, config.corsOrigins)
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown'
    const seconds = reply.elapsedTime / 1000
    metrics.request(request.method, route, reply.statusCode, seconds)
    request.log.info(
      {
        method: request.method,
        path: request.raw.url?.split('?', 1)[0],
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
        principal: (request as { principal?: string }).principal,
      },
      'request',
    )
  })

  const jwtKey = () => exchange.world.settings.get('jwt_key') ?? ''
  await app.register(jwt, {
    secret: { private: jwtKey(), public: jwtKey() },
    sign: { algorithm: 'HS256', iss: 'comity' },
    verify: { algorithms: ['HS256'], allowedIss: 'comity' },
  })
  const authenticator = new Authenticator(exchange, (text) => {
    try {
      return app.jwt.verify<Claims>(text)
    } catch {
      return null
    }
  })
  const limit = new Throttle(config.requestLimit, exchange.clock)
  const who = async (request: FastifyRequest): Promise<Caller> => {
    const caller = await authenticator.authenticate({
      authorization: request.headers.authorization,
      address: request.ip,
    })
    if (caller.id) (request as { principal?: string }).principal = caller.id
    if (config.requestLimit) {
      const key = caller.id || `address ${request.ip}`
      const wait = limit.wait(key)
      if (wait > 0) {
        throw new AppError('tooManyRequests', {
          detail: `More requests than this server takes from one client; try again in ${wait} seconds.`,
          headers: { 'retry-after': String(wait) },
        })
      }
      limit.take(key)
    }
    return caller
  }

  app.setErrorHandler(renderError)
  app.setNotFoundHandler(async (request) => {
    await inWorld(exchange, true, async () => {
      const caller = await who(request)
      throw new AppError(caller.subject === null ? 'unauthorized' : 'notFound')
    })
  })
  healthRoutes(app, exchange, metrics, draining)
  authRoutes(app, exchange, who)
  const intake = new Intake(config.intake)
  validateRoutes(app, exchange, who, intake)
  apiRoutes(app, exchange, who, intake)
  taxiiRoutes(app, exchange, who, intake)
  return app
}
