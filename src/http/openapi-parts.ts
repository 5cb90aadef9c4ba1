/** What the routes of openapi.yaml are described with: parameters, errors, headers. */
import type { TSchema } from 'typebox'
import { MATCH_NAMES } from '../taxii/match-filter.ts'
import { TAXII } from './negotiate.ts'
import { askedTime, stixId, timestamp, uuid4 } from './schemas.ts'

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
    askedTime,
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
    '`last` (the default), `first`, `all`, or a list of `first`, `last` and timestamps that end with Z.',
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

export const PAGED = ['added_after', 'limit', 'next'] as const
/** Of pages of objects and manifests; so many parameters would hide the others. */
export const MATCH_TEXT = `Besides the parameters below, \`match[NAME]\` for every NAME that the API root lists in x_comity_match_fields: a value, or several separated by commas, of which an object has one. NAMEs that end with -gte or -lte take one value. These are: ${MATCH_NAMES.join(', ')}.`
export const FILTERED = [...PAGED, 'match_id', 'match_type', 'match_version', 'match_spec_version'] as const

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
  417: { name: 'ExpectationFailed', means: 'Expect is not 100-continue.' },
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
export const ANY: readonly ErrorStatus[] = [400, 408, 414, 417, 431, 500]
/** What every request to a TAXII resource may meet. */
export const TAXII_ERRORS: readonly ErrorStatus[] = [401, 404, 405, 406, 429, 503]

function path(name: string, description: string, schema: object) {
  return { name, in: 'path', required: true, description, schema }
}

function query(name: string, description: string, schema: TSchema | object) {
  return { name, in: 'query', description, schema }
}
