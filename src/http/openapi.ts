/** The OpenAPI 3.1 description of the HTTP interface, made from the table of routes and the schemas beside it. */
import { stringify } from 'yaml'
import { version } from '../package-root.ts'
import { OPERATIONS } from './api/operations.ts'
import { TAXII } from './negotiate.ts'
import { apiOptions, apiPaths, apiProblems, apiTags, NO_CONTENT, problemResponses } from './openapi-api.ts'
import { ANY, ERRORS, type ErrorStatus, HEADERS, PARAMETERS, TAXII_ERRORS } from './openapi-parts.ts'
import { type Operation, ROUTES, type Route } from './openapi-routes.ts'
import { SCHEMAS, type SchemaName } from './schemas.ts'

/** An object, a bundle or an envelope, under each of these names. */
const ANY_STIX = Object.fromEntries(
  ['application/json', 'application/stix+json', 'application/taxii+json'].map((type) => [
    type,
    { schema: { type: ['object', 'array'] } },
  ]),
)
const TEXT = { 'text/plain': { schema: { type: 'string' } } }

/** The document as a value; equal input gives equal order. */
export function document(): object {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Comity',
      version,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      description: ABOUT,
    },
    servers: [{ url: '/' }],
    tags: ['Server information', 'Collections', 'Authentication', 'Operations', ...apiTags(OPERATIONS)].map(
      (name) => ({
        name,
      }),
    ),
    paths: {
      ...Object.fromEntries(ROUTES.map((route) => [route.path, pathItem(route)])),
      ...apiPaths(OPERATIONS),
    },
    components: {
      securitySchemes: {
        basic: { type: 'http', scheme: 'basic', description: 'Principal and password.' },
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description: 'An API token, or a JWT from /auth/token.',
        },
        token: {
          type: 'apiKey',
          in: 'header',
          name: 'Authorization',
          description:
            '`Authorization: Token VALUE` with an API token, for clients that only know this scheme.',
        },
      },
      parameters: PARAMETERS,
      headers: HEADERS,
      responses: {
        ...Object.fromEntries(Object.values(ERRORS).map((e) => [e.name, errorResponse(e)])),
        ...apiProblems(OPERATIONS),
      },
      schemas: SCHEMAS,
    },
  }
}

const ABOUT = `A TAXII 2.1 server. Sections (§) are those of the TAXII 2.1 standard.

Every path also answers without its trailing slash, directly. Unknown query parameters are ignored, except below /api/v1, where
they are 400. One that is known and given twice is 400.
Answers may be compressed (gzip, br) when Accept-Encoding asks for it. No shared cache may keep them; a client of its own may keep
what has an ETag, and asks each time whether it is still the same.
A path that is not listed here answers 404 with credentials and 401 without. A method that is not listed answers 405 with Allow; one
that HTTP does not know, 501.
Where CORS is on (COMITY_CORS_ORIGINS), a preflight is answered 204 on every path, without credentials, with Access-Control-Allow
headers and without Allow.
`

/** YAML of the document, the same on every run; openapi.yaml is this. */
export function openapi(): string {
  return stringify(document(), { aliasDuplicateObjects: false, lineWidth: 0 })
}

function pathItem(route: Route): object {
  const names = [...route.path.matchAll(/\{(\w+)\}/g)].map((m) => m[1] ?? '')
  const item: Record<string, object> = {
    ...(names.length > 0 && { parameters: names.map((name) => ref('parameters', name)) }),
  }
  for (const [method, operation] of Object.entries(route.operations)) {
    item[method] = describe(route, operation)
    if (method === 'get') item.head = head(route, operation)
  }
  item.options = route.path.startsWith('/api/')
    ? apiOptions(route.operations.post?.id ?? '', route.tag)
    : options(route)
  return item
}

function describe(route: Route, operation: Operation): object {
  const { success } = operation
  return {
    operationId: operation.id,
    tags: [route.tag],
    summary: operation.summary,
    ...(operation.description && { description: operation.description }),
    security: security(route, operation),
    ...parameters(route, operation),
    ...(operation.body && {
      requestBody: {
        required: true,
        description: 'May be compressed (Content-Encoding: gzip).',
        content: operation.body === 'envelope' ? content('NewEnvelope') : ANY_STIX,
      },
    }),
    responses: {
      [success.status]: {
        description: success.description,
        ...headers(route, operation),
        ...(success.schema && { content: content(success.schema, success.type) }),
        ...(!success.schema && success.type && { content: TEXT }),
      },
      ...notModified(route, operation),
      ...(operation.problems
        ? problemResponses(operation.problems)
        : errors(route, operation.errors, operation.plain)),
    },
  }
}

/** HEAD: status and headers of GET, without a body (errors have none either). */
function head(route: Route, operation: Operation): object {
  return {
    operationId: operation.id.startsWith('get') ? operation.id.replace('get', 'head') : `${operation.id}Head`,
    tags: [route.tag],
    summary: `As GET, without the body: ${operation.summary}`,
    security: security(route, operation),
    ...parameters(route, operation),
    responses: {
      [operation.success.status]: {
        description: operation.success.description,
        ...headers(route, operation),
      },
      ...notModified(route, operation),
      ...errors(route, operation.errors, operation.plain, route.taxii, true),
    },
  }
}

function options(route: Route): object {
  const [first] = Object.values(route.operations)
  return {
    operationId: `${first?.id}Options`,
    tags: [route.tag],
    summary: 'The methods of this resource',
    security: security(route.access === 'none' ? route : { ...route, access: 'required' }),
    responses: {
      204: NO_CONTENT,
      ...errors(route, optionsErrors(route), {}, false),
    },
  }
}

function optionsErrors({ access, path, operations }: Route): readonly ErrorStatus[] {
  if (access === 'none') return (operations.get?.errors ?? []).filter((status) => status === 403)
  return TAXII_ERRORS.filter((s) => ![405, 406].includes(s) && (s !== 404 || path.includes('{')))
}

/** Only reading may be open to anybody. */
function security(route: Route, operation?: Operation): object[] {
  if (route.access === 'none') return []
  const named = [{ basic: [] }, { bearer: [] }, { token: [] }]
  const open = route.access === 'optional' && operation?.id.startsWith('get')
  return open ? [...named, {}] : named
}

function errors(
  route: Route,
  own: readonly ErrorStatus[],
  plain: Record<number, string> = {},
  common = route.taxii,
  bodiless = false,
): object {
  const met = common ? TAXII_ERRORS.filter((status) => status !== 404 || route.path.includes('{')) : []
  const found = [...new Set([...own, ...ANY, ...met])]
  const named = found.map((status) => [String(status), ref('responses', ERRORS[status].name)])
  const texts = Object.entries(plain).map(([status, description]) => [
    status,
    { description, ...(!bodiless && { content: TEXT }) },
  ])
  return Object.fromEntries([...named, ...texts].sort(([a], [b]) => Number(a) - Number(b)))
}

function errorResponse({ means, header }: { means: string; header?: string }): object {
  return {
    description: means,
    ...(header && { headers: { [header]: ref('headers', header) } }),
    content: content('Error'),
  }
}

/** GET and HEAD of what may be kept. */
function tagged(route: Route, { id, success }: Operation): boolean {
  return route.taxii && id.startsWith('get') && !success.untagged
}

function parameters(route: Route, operation: Operation): object {
  const names = [...(operation.query ?? []), ...(tagged(route, operation) ? ['if_none_match'] : [])]
  return names.length > 0 ? { parameters: names.map((name) => ref('parameters', name)) } : {}
}

function headers(route: Route, operation: Operation): object {
  const names = [
    ...(operation.success.dated ? ['X-TAXII-Date-Added-First', 'X-TAXII-Date-Added-Last'] : []),
    ...(tagged(route, operation) ? ['ETag'] : []),
  ]
  if (names.length === 0) return {}
  return { headers: Object.fromEntries(names.map((name) => [name, ref('headers', name)])) }
}

function notModified(route: Route, operation: Operation): object {
  if (!tagged(route, operation)) return {}
  return {
    304: {
      description: 'If-None-Match names what the answer would be. There is no body.',
      ...headers(route, operation),
    },
  }
}

function content(schema: SchemaName, type: string = TAXII): object {
  return { [type]: { schema: ref('schemas', schema) } }
}

function ref(kind: string, name: string): object {
  return { $ref: `#/components/${kind}/${name}` }
}
