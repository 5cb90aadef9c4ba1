/** The part of openapi.yaml that describes the REST interface under /api/v1, made from its operations. */
import type { TObject } from 'typebox'
import type { ApiOperation } from './api/operation.ts'
import { TAXII } from './negotiate.ts'
import { ERRORS } from './openapi-parts.ts'
import { PROBLEM } from './problem.ts'

const PROBLEMS = {
  ...ERRORS,
  400: {
    name: 'BadRequest',
    means: 'A parameter, the URL or the body is malformed; a body with a key twice is.',
  },
  401: { name: 'Unauthorized', means: 'No credentials, or wrong ones.', header: 'WWW-Authenticate' },
  403: { name: 'Forbidden', means: 'The caller may not do this.' },
  404: { name: 'NotFound', means: 'Unknown, or not for this caller: the answer is the same.' },
  409: { name: 'Conflict', means: 'It is not in a state for this; `detail` says which it is in.' },
  415: {
    name: 'UnsupportedMediaType',
    means: 'Content-Type is not application/json, or Content-Encoding is neither gzip nor absent.',
  },
  422: { name: 'Unprocessable', means: 'Well formed, but it cannot be done; `errors` says what and where.' },
} as const

export type ApiProblem = keyof typeof PROBLEMS

/** Problems that any operation may meet. */
export const ANY_PROBLEM: readonly ApiProblem[] = [400, 401, 405, 408, 414, 417, 429, 431, 500, 503]

// What cannot be parsed as a request, or whose head does not come, has no path yet: it is answered as everywhere.
const name = (status: ApiProblem) => (status === 431 ? ERRORS[431].name : `Problem${PROBLEMS[status].name}`)

/** Responses by name, one per problem that one of these operations, or validate, may meet. */
export function apiProblems(operations: readonly ApiOperation[]): Record<string, object> {
  const used = new Set<ApiProblem>([...ANY_PROBLEM, 413, 415, ...operations.flatMap(problemsOf)])
  used.delete(431)
  const statuses = Object.keys(PROBLEMS).map((key) => Number(key) as ApiProblem)
  const found = statuses
    .filter((status) => used.has(status))
    .map((status) => {
      const entry: { means: string; header?: string } = PROBLEMS[status]
      return [
        name(status),
        {
          description: entry.means,
          ...(entry.header && {
            headers: { [entry.header]: { $ref: `#/components/headers/${entry.header}` } },
          }),
          content: {
            [PROBLEM]: { schema: { $ref: '#/components/schemas/Problem' } },
            ...((status === 400 || status === 408) && {
              [TAXII]: { schema: { $ref: '#/components/schemas/Error' } },
            }),
          },
        },
      ]
    })
  return Object.fromEntries(found)
}

/** References to the responses of these problems, in order of status. */
export function problemResponses(own: readonly ApiProblem[]): Record<string, object> {
  const all = [...new Set([...ANY_PROBLEM, ...own])].sort((a, b) => a - b)
  return Object.fromEntries(all.map((status) => [status, { $ref: `#/components/responses/${name(status)}` }]))
}

export function apiTags(operations: readonly ApiOperation[]): string[] {
  return [...new Set(operations.map((o) => o.tag))]
}

export function apiPaths(operations: readonly ApiOperation[]): Record<string, object> {
  const paths: Record<string, Record<string, object>> = {}
  for (const o of operations) {
    const item = paths[o.path] ?? {}
    paths[o.path] = item
    item[o.method.toLowerCase()] = describe(o)
    if (o.method === 'GET') item.head = head(o)
    item.options ??= apiOptions(o.id, o.tag, o.params)
  }
  return paths
}

/** The 204 of OPTIONS; that of a preflight has no Allow. */
export const NO_CONTENT = {
  description: 'No body.',
  headers: { Allow: { $ref: '#/components/headers/Allow' } },
} as const

/** @param id of an operation of the path */
export function apiOptions(id: string, tag: string, params?: TObject): object {
  const responses: Record<string, object> = { 204: NO_CONTENT, ...problemResponses([]) }
  delete responses[405]
  return {
    operationId: `${id}Options`,
    tags: [tag],
    summary: 'The methods of this resource',
    security: SECURITY,
    ...parametersOf(params ? inPath(params) : []),
    responses,
  }
}

function problemsOf({ problems, scope, body }: ApiOperation): ApiProblem[] {
  return [
    ...problems,
    ...(scope === 'write' ? [403 as const] : []),
    ...(body ? [413 as const, 415 as const] : []),
  ]
}

const SECURITY = [{ basic: [] }, { bearer: [] }, { token: [] }]

function inPath({ properties }: TObject): object[] {
  return Object.entries(properties).map(([name, schema]) => ({ name, in: 'path', required: true, schema }))
}

function inQuery({ properties, required }: TObject): object[] {
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    ...(required?.includes(name) && { required: true }),
    schema,
  }))
}

function parametersOf(parameters: object[]): object {
  return parameters.length > 0 ? { parameters } : {}
}

/** HEAD: status and headers of GET, without a body (problems have none either). */
function head(o: ApiOperation): object {
  return {
    operationId: o.id.startsWith('get') ? o.id.replace('get', 'head') : `${o.id}Head`,
    tags: [o.tag],
    summary: `As GET, without the body: ${o.summary}`,
    security: SECURITY,
    ...parametersOf([...inPath(o.params), ...inQuery(o.query)]),
    responses: {
      [o.answer.status]: { description: o.answer.description },
      ...problemResponses(problemsOf(o)),
    },
  }
}

function describe(o: ApiOperation): object {
  return {
    operationId: o.id,
    tags: [o.tag],
    summary: o.summary,
    ...(o.description && { description: o.description }),
    security: SECURITY,
    ...parametersOf([...inPath(o.params), ...inQuery(o.query)]),
    ...(o.body && { requestBody: { required: true, content: { 'application/json': { schema: o.body } } } }),
    responses: {
      [o.answer.status]: {
        description: o.answer.description,
        content: { 'application/json': { schema: o.answer.schema } },
      },
      ...problemResponses(problemsOf(o)),
    },
  }
}
