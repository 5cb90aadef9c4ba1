/** The routes of the HTTP interface as OpenAPI describes them: parameters, bodies, answers, errors, in one table. */
import type { TSchema } from 'typebox'
import { TAXII } from './negotiate.ts'
import type { ApiProblem } from './openapi-api.ts'
import { type SchemaName, stixId, timestamp, uuid4 } from './schemas.ts'

export type Method = 'get' | 'head' | 'post' | 'delete' | 'options'

export interface Success {
  status: 200 | 202
  description: string
  /** Absent: the answer has no body. */
  schema?: SchemaName
  type?: string
  /** Carries X-TAXII-Date-Added-First and -Last. */
  dated?: true
  /** Has no tag: it is not to be kept. */
  untagged?: true
}

export interface Operation {
  id: string
  summary: string
  description?: string
  /** Query parameters, names of PARAMETERS. */
  query?: readonly (keyof typeof PARAMETERS)[]
  /** An envelope, or STIX in any form. */
  body?: 'envelope' | 'stix'
  success: Success
  /** Status codes of errors, apart from those that any request may meet. */
  errors: readonly (keyof typeof ERRORS)[]
  /** Of the REST interface: errors are problem details. */
  problems?: readonly ApiProblem[]
  /** Errors whose body is plain text. */
  plain?: Record<number, string>
}

export interface Route {
  /** As clients see it; what stands in braces is a name of PARAMETERS. */
  path: string
  tag: 'Server information' | 'Collections' | 'Authentication' | 'Operations'
  /** none: no credentials; optional: public parts answer without. */
  access: 'required' | 'optional' | 'none'
  operations: Partial<Record<'get' | 'post' | 'delete', Operation>>
  /** TAXII resources also answer HEAD and OPTIONS, and 405 with Allow. */
  taxii: boolean
}

/** `date_added` and what TAXII 2.1 §3.4 and §3.5 define; each may be given once. */
export const PARAMETERS = {
  root: path('root', 'Path segment of the API root.', {
    type: 'string',
    pattern: '^[a-z0-9-]{1,64}$',
    example: 'global',
  }),
  collection: path('collection', 'Id or alias of the collection.', {
    type: 'string',
    example: 'indicators',
  }),
  id: path('id', 'Id of the object.', stixId),
  status: path('status', 'Id of the status, from the answer to adding objects.', uuid4),
  added_after: query(
    'added_after',
    'Only what was added after this time: UTC with Z, 0 to 9 fraction digits (what goes beyond 6 is cut).',
    timestamp,
  ),
  limit: query('limit', 'Most items per page. Above the server maximum it is read as the maximum.', {
    type: 'integer',
    minimum: 1,
  }),
  next: query('next', '`next` of the page before. Everything but `limit` stays as it was.', {
    type: 'string',
    pattern: '^[A-Za-z0-9_-]{1,512}$',
  }),
  match_id: query('match[id]', 'Ids of objects, separated by commas.', { type: 'string' }),
  match_type: query('match[type]', 'Types of objects, separated by commas.', {
    type: 'string',
    example: 'indicator,malware',
  }),
  match_version: query(
    'match[version]',
    '`last` (the default), `first`, `all`, or a list of `first`, `last` and timestamps.',
    { type: 'string', example: 'first,last' },
  ),
  if_none_match: {
    name: 'If-None-Match',
    in: 'header',
    description: 'ETag of an earlier answer, or several, or `*`.',
    schema: { type: 'string' },
  },
  match_spec_version: query(
    'match[spec_version]',
    'Versions of STIX, separated by commas. Without it: of each id, the latest version of STIX there is.',
    { type: 'string', example: '2.1' },
  ),
} as const

const PAGED = ['added_after', 'limit', 'next'] as const
const FILTERED = [...PAGED, 'match_id', 'match_type', 'match_version', 'match_spec_version'] as const

/** Errors by status code: what they mean, and the headers that come with them. */
export const ERRORS = {
  400: { name: 'BadRequest', means: 'A parameter, the URL or the request is malformed.' },
  401: {
    name: 'Unauthorized',
    means: 'No credentials, or wrong ones. Unknown and known resources answer alike.',
    header: 'WWW-Authenticate',
  },
  403: { name: 'Forbidden', means: 'The caller may know of the resource, but not do this to it.' },
  404: {
    name: 'NotFound',
    means: 'Unknown, or not for this caller: the answer is the same, byte for byte.',
  },
  405: { name: 'MethodNotAllowed', means: 'The resource does not have this method.', header: 'Allow' },
  406: { name: 'NotAcceptable', means: `Accept leaves out ${TAXII}.` },
  408: { name: 'Timeout', means: 'The request took too long to arrive.' },
  413: { name: 'TooLarge', means: 'The body is larger than max_content_length, after decompression.' },
  414: { name: 'UriTooLong', means: 'The URL is too long.' },
  415: {
    name: 'UnsupportedMediaType',
    means: `Content-Type is not ${TAXII}, or Content-Encoding is neither gzip nor absent.`,
  },
  422: { name: 'Unprocessable', means: 'The body is not a TAXII envelope of STIX objects.' },
  429: {
    name: 'TooManyRequests',
    means: 'Too many requests, or too many failed logins.',
    header: 'Retry-After',
  },
  431: { name: 'HeadersTooLarge', means: 'The request headers are too large.' },
  500: { name: 'Internal', means: 'The server failed; `error_id` names the entry in its log.' },
  503: {
    name: 'Unavailable',
    means: 'The database does not answer now, or too many requests wait for it.',
    header: 'Retry-After',
  },
} as const satisfies Record<number, { name: string; means: string; header?: keyof typeof HEADERS }>

export type ErrorStatus = keyof typeof ERRORS

export const HEADERS = {
  'X-TAXII-Date-Added-First': {
    description:
      'date_added of the first item of this body; when there is none, the lower bound of the query.',
    schema: timestamp,
  },
  'X-TAXII-Date-Added-Last': {
    description:
      'date_added of the last item of this body; when there is none, the lower bound of the query.',
    schema: timestamp,
  },
  ETag: {
    description:
      'A weak tag of this answer as this caller gets it; with If-None-Match, the same answer is 304. HEAD and 304 deliver nothing: the ledger does not note them.',
    schema: { type: 'string', pattern: '^W/"[A-Za-z0-9_-]+"$' },
  },
  Allow: { description: 'The methods of the resource.', schema: { type: 'string' } },
  'Retry-After': { description: 'Seconds to wait.', schema: { type: 'string', pattern: '^\\d+$' } },
  'WWW-Authenticate': {
    description: 'The schemes that are understood; Basic is left out where it is switched off.',
    schema: { type: 'string', pattern: 'Bearer realm=' },
  },
} as const

/** What the HTTP parser and the router refuse on any path. */
export const ANY: readonly ErrorStatus[] = [400, 408, 414, 431, 500]
/** What every request to a TAXII resource may meet. */
export const TAXII_ERRORS: readonly ErrorStatus[] = [401, 404, 405, 406, 429, 503]

export const ROUTES: readonly Route[] = [
  {
    path: '/taxii2/',
    tag: 'Server information',
    access: 'optional',
    taxii: true,
    operations: {
      get: {
        id: 'getDiscovery',
        summary: 'The API roots that the caller may know of (§4.1)',
        description: 'Without credentials only where the operator has opened it; it lists public roots then.',
        success: { status: 200, description: 'Discovery.', schema: 'Discovery' },
        errors: [],
      },
    },
  },
  {
    path: '/{root}/',
    tag: 'Server information',
    access: 'optional',
    taxii: true,
    operations: {
      get: {
        id: 'getApiRoot',
        summary: 'An API root (§4.2)',
        success: { status: 200, description: 'The API root.', schema: 'ApiRoot' },
        errors: [],
      },
    },
  },
  {
    path: '/{root}/status/{status}/',
    tag: 'Server information',
    access: 'required',
    taxii: true,
    operations: {
      get: {
        id: 'getStatus',
        summary: 'What became of an envelope (§4.3)',
        description: 'For the principal that sent the envelope; to anybody else the status is unknown.',
        success: { status: 200, description: 'The status.', schema: 'Status', untagged: true },
        errors: [],
      },
    },
  },
  {
    path: '/{root}/collections/',
    tag: 'Collections',
    access: 'optional',
    taxii: true,
    operations: {
      get: {
        id: 'getCollections',
        summary: 'The collections that the caller may know of (§5.1)',
        success: { status: 200, description: 'The collections.', schema: 'Collections' },
        errors: [],
      },
    },
  },
  {
    path: '/{root}/collections/{collection}/',
    tag: 'Collections',
    access: 'optional',
    taxii: true,
    operations: {
      get: {
        id: 'getCollection',
        summary: 'A collection (§5.2)',
        success: { status: 200, description: 'The collection.', schema: 'Collection' },
        errors: [],
      },
    },
  },
  {
    path: '/{root}/collections/{collection}/manifest/',
    tag: 'Collections',
    access: 'optional',
    taxii: true,
    operations: {
      get: {
        id: 'getManifest',
        summary: 'Which objects there are, without their content (§5.3)',
        query: FILTERED,
        success: { status: 200, description: 'A page of records.', schema: 'Manifest', dated: true },
        errors: [403],
      },
    },
  },
  {
    path: '/{root}/collections/{collection}/objects/',
    tag: 'Collections',
    access: 'optional',
    taxii: true,
    operations: {
      get: {
        id: 'getObjects',
        summary: 'Objects of a collection (§5.4)',
        description: 'Only what the caller may read; the rest is left out without a trace.',
        query: FILTERED,
        success: { status: 200, description: 'A page of objects.', schema: 'Envelope', dated: true },
        errors: [403],
      },
      post: {
        id: 'addObjects',
        summary: 'Add objects to a collection (§5.5)',
        description:
          'The request is refused as a whole only when it is no envelope; else each object is accepted or refused by itself, and the status says which. Large envelopes answer pending.',
        body: 'envelope',
        success: { status: 202, description: 'The status, complete or pending.', schema: 'Status' },
        errors: [403, 413, 415, 422],
      },
    },
  },
  {
    path: '/{root}/collections/{collection}/objects/{id}/',
    tag: 'Collections',
    access: 'optional',
    taxii: true,
    operations: {
      get: {
        id: 'getObject',
        summary: 'Versions of one object, the latest by default (§5.6)',
        query: [...PAGED, 'match_version', 'match_spec_version'],
        success: { status: 200, description: 'A page of versions.', schema: 'Envelope', dated: true },
        errors: [403],
      },
      delete: {
        id: 'deleteObject',
        summary: "Delete versions of one object, all by default (§5.7), of the caller's organization",
        query: ['match_version', 'match_spec_version'],
        success: { status: 200, description: 'Deleted; there is no body.' },
        errors: [403],
      },
    },
  },
  {
    path: '/{root}/collections/{collection}/objects/{id}/versions/',
    tag: 'Collections',
    access: 'optional',
    taxii: true,
    operations: {
      get: {
        id: 'getVersions',
        summary: 'Which versions of an object there are (§5.8)',
        query: [...PAGED, 'match_spec_version'],
        success: { status: 200, description: 'A page of versions.', schema: 'Versions', dated: true },
        errors: [403],
      },
    },
  },
  {
    path: '/api/v1/validate',
    tag: 'Operations',
    access: 'required',
    taxii: false,
    operations: {
      post: {
        id: 'validate',
        summary: 'What the STIX validator says of an object, a bundle or an envelope',
        description:
          'The same check as that of a POST to a collection, with its warnings. Nothing is stored.',
        body: 'stix',
        success: {
          status: 200,
          description: 'The findings.',
          schema: 'ValidationReport',
          type: 'application/json',
        },
        errors: [],
        problems: [401, 405, 413, 415],
      },
    },
  },
  {
    path: '/auth/token',
    tag: 'Authentication',
    access: 'required',
    taxii: false,
    operations: {
      post: {
        id: 'createAccessToken',
        summary: 'Credentials in, a short-lived JWT out',
        description:
          'The JWT carries identity only: rights are looked up on every request, and it ends with the credential it was made from.',
        success: {
          status: 200,
          description: 'The token.',
          schema: 'AccessToken',
          type: 'application/json',
        },
        errors: [401, 405, 429, 503],
      },
    },
  },
  probe('/livez', 'isAlive', 'Does the process run?', 'alive'),
  probe('/readyz', 'isReady', 'Can it serve? It asks the database.', 'ready', {
    503: 'Draining, or the database does not answer.',
  }),
  {
    path: '/metrics',
    tag: 'Operations',
    access: 'none',
    taxii: false,
    operations: {
      get: {
        id: 'getMetrics',
        summary: 'Figures of the server in the text format of Prometheus',
        description: 'To loopback addresses only. No figure depends on markings, countries or organizations.',
        success: { status: 200, description: 'The figures.', type: 'text/plain' },
        errors: [401],
      },
    },
  },
]

function probe(
  path: string,
  id: string,
  summary: string,
  word: string,
  plain: Record<number, string> = {},
): Route {
  const success: Success = { status: 200, description: `The word ${word}.`, type: 'text/plain' }
  return {
    path,
    tag: 'Operations',
    access: 'none',
    taxii: false,
    operations: { get: { id, summary, success, errors: [], plain } },
  }
}

function path(name: string, description: string, schema: object) {
  return { name, in: 'path', required: true, description, schema }
}

function query(name: string, description: string, schema: TSchema | object) {
  return { name, in: 'query', description, schema }
}
