/** The routes of the HTTP interface as OpenAPI describes them, in one table. */
import type { ApiProblem } from './openapi-api.ts'
import { type ErrorStatus, FILTERED, MATCH_TEXT, PAGED, type PARAMETERS } from './openapi-parts.ts'
import type { SchemaName } from './schemas.ts'

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
  errors: readonly ErrorStatus[]
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
  /** TAXII resources answer 405 with Allow, and more errors that any of them may meet. */
  taxii: boolean
}

const VALIDATES = `The check that a POST to a collection makes of each object, and what the validator has to say besides, as warnings. Nothing is stored. One object by itself, or a list of them, is judged as if it stood in an envelope; a POST takes an envelope or a bundle only.
What only a collection can tell is left out: whether its markings are known, which versions of STIX it takes, and copies that it has. A collection with \`strict\` refuses warnings, too, except those of labels (912 to 916) and those that objects give each other.
Errors of the frame of a bundle (in \`findings\`), and between its objects (CO-07/shared-uuid, ME-01/mirror, a translation of a version that is not there), are none to a POST. A POST also refuses versions with a leap second or more than 20 digits after the second, and it takes longer lists and strings than the limits of the validator.`

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
        description: MATCH_TEXT,
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
        description: `Only what the caller may read; the rest is left out without a trace. ${MATCH_TEXT}`,
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
        description: VALIDATES,
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
        errors: [401, 403, 405, 429, 503],
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
        description:
          'To loopback addresses only, and not through a proxy: there, no credentials are asked for, and elsewhere none help. No figure depends on markings, countries or organizations.',
        success: { status: 200, description: 'The figures.', type: 'text/plain' },
        errors: [403],
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
