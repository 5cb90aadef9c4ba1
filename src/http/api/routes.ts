/** The REST interface under /api/v1: registers its operations, checks what comes in, sends what goes out. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { TObject, TSchema } from 'typebox'
import { AppError, type Problem } from '../../errors.ts'
import type { Caller } from '../../policy/model.ts'
import type { Exchange } from '../../taxii/exchange.ts'
import { inWorld } from '../../taxii/operation.ts'
import { repeatedKeys } from '../../taxii/repeated-keys.ts'
import { sendJson } from '../answer.ts'
import type { Intake } from '../intake.ts'
import { answersOptions } from '../methods.ts'
import { checkQuery } from '../query.ts'
import { holdingBody, readBody } from '../read-body.ts'
import { describe } from './describe.ts'
import type { ApiOperation, Input, Member } from './operation.ts'
import { OPERATIONS } from './operations.ts'

const JSON_TYPE = /^application\/json\s*(;|$)/i
const LARGEST_BODY = 4_194_304

/** Formats only describe: what reads a time says what is wrong with it. */
const LENIENT = {
  strict: false,
  allErrors: false,
  ownProperties: true,
  validateFormats: false,
  verbose: true,
} as const
const ajv = new Ajv2020({ ...LENIENT, coerceTypes: false })
const coercing = new Ajv2020({ ...LENIENT, coerceTypes: true })

/** Registers every operation, path by path. */
export function apiRoutes(
  app: FastifyInstance,
  exchange: Exchange,
  who: (request: FastifyRequest) => Promise<Caller>,
  intake: Intake,
): void {
  for (const path of new Set(OPERATIONS.map((o) => o.path))) {
    const here = OPERATIONS.filter((o) => o.path === path).map(compile)
    const methods = methodsOf(path)
    app.all(path.replace(/\{(\w+)\}/g, ':$1'), async (request, reply) => {
      const work = async () => {
        const caller = await who(request)
        if (!isMember(caller)) throw new AppError('unauthorized')
        if (answersOptions(request, reply, methods)) return
        const method = request.method === 'HEAD' ? 'GET' : request.method
        const found = here.find((o) => o.operation.method === method) as Compiled
        await answer(exchange, caller, found, request, reply, intake)
      }
      await holdingBody(request.raw, async () => await inWorld(exchange, false, work))
    })
  }
}

/** HEAD is answered as GET, whose body Node leaves out. */
function methodsOf(path: string): string[] {
  const own = OPERATIONS.filter((o) => o.path === path).map((o) => o.method)
  return [...own.flatMap((method) => (method === 'GET' ? [method, 'HEAD'] : [method])), 'OPTIONS']
}

interface Compiled {
  operation: ApiOperation
  params: ValidateFunction
  query: ValidateFunction
  body: ValidateFunction | null
}

/** Each schema when it is first asked for: all of them take a third of a second, a quarter of a start. */
function compile(operation: ApiOperation): Compiled {
  const { params, query, body } = operation
  const strict = (schema: TSchema) => onUse(() => ajv.compile(schema))
  const [inPath, inQuery, inBody] = [
    strict(params),
    onUse(() => coercing.compile(query)),
    body && strict(body),
  ]
  return {
    operation,
    get params() {
      return inPath()
    },
    get query() {
      return inQuery()
    },
    get body() {
      return inBody?.() ?? null
    },
  }
}

function onUse<T>(make: () => T): () => T {
  let made: T | undefined
  return () => (made ??= make())
}

async function answer(
  exchange: Exchange,
  caller: Member,
  { operation, params, query, body }: Compiled,
  request: FastifyRequest,
  reply: FastifyReply,
  intake: Intake,
): Promise<void> {
  if (caller.token && !caller.token.scopes.includes(operation.scope)) {
    throw new AppError('forbidden', { detail: `This token lacks the scope ${operation.scope}.` })
  }
  // A parameter of the path that cannot be one names nothing.
  if (!params(request.params)) throw new AppError('notFound')
  const asked = readQuery(request, operation.query)
  if (!query(asked)) throw invalid('badParameter', query, 'the query')
  const input: Input = { params: request.params as Record<string, string>, query: asked, body: undefined }
  if (body) {
    input.body = await readJson(request, exchange, intake, caller.id)
    if (!body(input.body)) throw invalid('badRequest', body, 'the body')
  }
  const result = await operation.run(exchange, caller, input)
  await sendJson(request, reply, operation.answer.status, result as object)
}

/** The query; of whole numbers only digits are taken for one, whatever else may be coerced to it. */
function readQuery(request: FastifyRequest, { properties }: TObject): Record<string, unknown> {
  checkQuery(request)
  const asked = { ...(request.query as Record<string, unknown>) }
  for (const [name, value] of Object.entries(asked)) {
    const known = properties[name]
    if (known && 'type' in known && known.type === 'integer' && !/^\d+$/.test(String(value))) {
      const message = 'must be a whole number, in digits'
      const problems = [{ path: `/${name}`, message }]
      throw new AppError('badParameter', { detail: `/${name} of the query ${message}.`, problems })
    }
  }
  return asked
}

const isMember = (caller: Caller): caller is Member => caller.subject !== null

const parsed = new WeakMap<FastifyRequest, Promise<unknown>>()

/** Read once, however often the world changes meanwhile. */
function readJson(
  request: FastifyRequest,
  exchange: Exchange,
  intake: Intake,
  principal: string,
): Promise<unknown> {
  let found = parsed.get(request)
  if (!found) {
    found = readAndParse(request, exchange, intake, principal)
    parsed.set(request, found)
  }
  return found
}

async function readAndParse(
  request: FastifyRequest,
  exchange: Exchange,
  intake: Intake,
  principal: string,
): Promise<unknown> {
  if (!JSON_TYPE.test(request.headers['content-type'] ?? '')) {
    throw new AppError('unsupportedMediaType', { detail: 'Send application/json.' })
  }
  const limit = Math.min(exchange.config.maxContentLength, LARGEST_BODY)
  const bytes = await readBody(request.raw, limit, intake, principal)
  if (bytes.length === 0) throw new AppError('badRequest', { detail: 'The body is empty; send JSON.' })
  let text: string
  let value: unknown
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    value = JSON.parse(text)
  } catch {
    throw new AppError('badRequest', { detail: 'The body is not JSON in UTF-8.' })
  }
  const problems = repeatedKeys(text, LARGEST_BODY)
  const [first] = problems
  if (first) {
    throw new AppError('badRequest', {
      detail: `${first.path || 'Something'} of the body ${first.message}.`,
      problems,
    })
  }
  return value
}

/** What does not fit, by JSON Pointer. */
function invalid(code: 'badParameter' | 'badRequest', validate: ValidateFunction, where: string): AppError {
  const errors = validate.errors ?? []
  // Of what may also be null, that it is not null is no news.
  const told = errors.filter(({ keyword, params }) => keyword !== 'anyOf' && params.type !== 'null')
  const problems: Problem[] = (told.length > 0 ? told : errors).map((error) => ({
    path: error.instancePath,
    message: describe(error),
  }))
  const first = problems[0]
  const what = first?.path ? `${first.path} of ${where}` : where.replace('the', 'The')
  return new AppError(code, { detail: `${what} ${first?.message ?? 'is not as declared'}.`, problems })
}
