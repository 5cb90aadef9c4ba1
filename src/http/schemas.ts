/** TypeBox schemas of what the HTTP interface answers: the TAXII 2.1 resources (§3.6, §4, §5) and the token answer. */
import { type TSchema, Type } from 'typebox'

/** Points at a schema of `SCHEMAS` by its name in the OpenAPI document. */
const ref = (name: string) => Type.Ref(`#/components/schemas/${name}`)

const MICROSECONDS = '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{6}Z$'
const UUID4 = '^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'
const STIX_ID = '^[a-z0-9][a-z0-9-]*--[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$'

/** A time that the server makes: RFC 3339, UTC, six fraction digits (§2). */
export const timestamp = Type.String({
  pattern: MICROSECONDS,
  description: 'RFC 3339 in UTC with microseconds.',
  examples: ['2026-01-31T08:15:00.000123Z'],
})
/** A time that clients ask with (T-3.4-05). */
export const askedTime = Type.String({
  pattern: MICROSECONDS.replace('\\.\\d{6}', '(\\.\\d{1,9})?'),
  description: 'RFC 3339 in UTC.',
  examples: ['2026-01-31T08:15:00.000123Z', '2026-01-31T08:15:00Z'],
})

export const uuid4 = Type.String({ pattern: UUID4, description: 'A UUID of version 4.' })
export const stixId = Type.String({ pattern: STIX_ID, description: 'TYPE--UUID.' })

const version = Type.String({
  description:
    "The object's `modified` as it was sent, else its `created`; for an object with neither, its date_added.",
})
const count = (description: string) => Type.Integer({ minimum: 0, description })
const more = Type.Optional(Type.Boolean({ const: true, description: 'There is another page: see `next`.' }))
const next = Type.Optional(
  Type.String({
    pattern: '^[A-Za-z0-9_-]+$',
    description:
      'Opaque; sent back as the parameter `next` of the same query it gives the next page. There if and only if `more` is.',
  }),
)

const discovery = Type.Object(
  {
    title: Type.String(),
    contact: Type.Optional(Type.String()),
    default: Type.Optional(Type.String({ description: 'One of `api_roots`.' })),
    api_roots: Type.Optional(
      Type.Array(Type.String(), {
        minItems: 1,
        description: 'The API roots that the caller may know of, relative unless a public URL is set.',
      }),
    ),
  },
  { description: 'Discovery resource (TAXII 2.1 §4.1.1).' },
)

const apiRoot = Type.Object(
  {
    title: Type.String(),
    description: Type.Optional(Type.String()),
    versions: Type.Array(Type.Literal('application/taxii+json;version=2.1'), { minItems: 1 }),
    max_content_length: Type.Integer({
      exclusiveMinimum: 0,
      description: 'Largest request body in bytes, after decompression.',
    }),
    x_comity_match_fields: Type.Optional(
      Type.Array(Type.String(), {
        minItems: 1,
        description:
          'Names that match[...] takes on objects and manifest besides those of TAXII 2.1 §3.4.1; others are ignored. Not there while objects from before an upgrade are read in.',
      }),
    ),
  },
  { description: 'API root resource (TAXII 2.1 §4.2.1).' },
)

const statusDetail = Type.Object(
  {
    id: Type.String({
      description: 'Id of the object; `objects[N]` when it has none that can be used.',
    }),
    version: Type.String({
      description: "The object's version; the time of the request when it has none that can be used.",
    }),
    message: Type.Optional(
      Type.String({ description: 'Why it failed, or what there is to know about a success.' }),
    ),
  },
  { description: 'One object of an envelope (TAXII 2.1 §4.3.1).' },
)

const status = Type.Object(
  {
    id: uuid4,
    status: Type.String({ enum: ['complete', 'pending'] }),
    request_timestamp: timestamp,
    total_count: count('Objects in the envelope.'),
    success_count: count('Objects that are stored, or were already.'),
    failure_count: count('Objects that were refused.'),
    pending_count: count('Objects that are not decided yet; above 0 if and only if the status is pending.'),
    successes: Type.Optional(Type.Array(ref('StatusDetail'), { minItems: 1 })),
    failures: Type.Optional(Type.Array(ref('StatusDetail'), { minItems: 1 })),
  },
  { description: 'Status resource (TAXII 2.1 §4.3.1).' },
)

const collection = Type.Object(
  {
    id: uuid4,
    title: Type.String(),
    description: Type.Optional(Type.String()),
    alias: Type.Optional(Type.String({ description: 'Stands for the id in every path of this API root.' })),
    can_read: Type.Boolean({ description: 'May this caller read?' }),
    can_write: Type.Boolean({ description: 'May this caller add objects?' }),
    media_types: Type.Array(Type.String({ pattern: '^application/stix\\+json;version=2\\.[01]$' }), {
      minItems: 1,
    }),
  },
  { description: 'Collection resource (TAXII 2.1 §5.2.1), as this caller sees it.' },
)

const collections = Type.Object(
  { collections: Type.Optional(Type.Array(ref('Collection'), { minItems: 1 })) },
  { description: 'Collections resource (TAXII 2.1 §5.1.1), ascending by id; `{}` when there are none.' },
)

const manifestRecord = Type.Object(
  {
    id: stixId,
    date_added: timestamp,
    version,
    media_type: Type.String({ pattern: '^application/stix\\+json;version=2\\.[01]$' }),
  },
  { description: 'Manifest record (TAXII 2.1 §5.3.1).' },
)

const manifest = Type.Object(
  { more, next, objects: Type.Optional(Type.Array(ref('ManifestRecord'), { minItems: 1 })) },
  {
    description:
      'Manifest resource (TAXII 2.1 §5.3.1), ascending by date_added; `{}` when nothing is left. `next` is an addition of ours.',
  },
)

const stixObject = Type.Object(
  {
    type: Type.String(),
    id: stixId,
    spec_version: Type.Optional(Type.String()),
    created: Type.Optional(Type.String()),
    modified: Type.Optional(Type.String()),
  },
  {
    additionalProperties: true,
    description: 'A STIX object. What was accepted comes back as it was sent, custom properties included.',
  },
)

const envelope = Type.Object(
  { more, next, objects: Type.Optional(Type.Array(ref('StixObject'), { minItems: 1 })) },
  { description: 'Envelope (TAXII 2.1 §3.7), ascending by date_added; `{}` when nothing is left.' },
)

const newEnvelope = Type.Object(
  {
    objects: Type.Array(Type.Object({}, { additionalProperties: true }), {
      minItems: 1,
      description: 'STIX objects. Each one is judged by itself; what is wrong with it is said in the status.',
    }),
  },
  {
    additionalProperties: true,
    description: 'Envelope to add (TAXII 2.1 §5.5). Other properties are ignored, so a STIX bundle will do.',
  },
)

const versions = Type.Object(
  { more, next, versions: Type.Optional(Type.Array(version, { minItems: 1 })) },
  {
    description:
      'Versions resource (TAXII 2.1 §5.8.1), ascending by date_added; `{}` when nothing is left. `next` is an addition of ours.',
  },
)

const error = Type.Object(
  {
    title: Type.String(),
    description: Type.Optional(Type.String({ description: 'What is wrong and what to do.' })),
    error_id: Type.Optional(Type.String({ description: 'On 5xx: what to ask the operator about.' })),
    error_code: Type.String({ description: 'Stable name of the kind of error.' }),
    http_status: Type.String({ pattern: '^[45]\\d\\d$' }),
  },
  { description: 'Error message (TAXII 2.1 §3.6.1).' },
)

const problem = Type.Object(
  {
    type: Type.Literal('about:blank'),
    title: Type.String(),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    detail: Type.Optional(Type.String({ description: 'What is wrong and what to do.' })),
    code: Type.String({ description: 'Stable name of the kind of error.' }),
    errors: Type.Optional(
      Type.Array(
        Type.Object({ path: Type.String({ description: 'JSON Pointer.' }), message: Type.String() }),
        {
          minItems: 1,
        },
      ),
    ),
    error_id: Type.Optional(Type.String({ description: 'On 5xx: what to ask the operator about.' })),
  },
  { description: 'Problem details (RFC 9457).' },
)

const accessToken = Type.Object(
  {
    access_token: Type.String({ description: 'A JWT for the header `Authorization: Bearer`.' }),
    token_type: Type.Literal('Bearer'),
    expires_in: Type.Integer({ exclusiveMinimum: 0, description: 'Seconds.' }),
  },
  { description: 'A short-lived token that carries identity only.' },
)

const finding = Type.Object(
  {
    severity: Type.Union([Type.Literal('error'), Type.Literal('warning')]),
    code: Type.String({ description: 'Rule, or number of a warning.' }),
    path: Type.String({ description: 'JSON Pointer (RFC 6901).' }),
    message: Type.String({ description: 'What is wrong and what to do.' }),
    clause: Type.Optional(Type.String({ description: 'Section of the standard.' })),
    offset: Type.Optional(
      Type.Integer({ description: 'Character of a pattern at which the trouble starts.' }),
    ),
  },
  { description: 'One thing that the validator has to say.' },
)

const validationReport = Type.Object(
  {
    valid: Type.Boolean(),
    findings: Type.Array(finding, { description: 'Of the text or bundle as a whole.' }),
    objects: Type.Array(
      Type.Object({
        index: Type.Integer(),
        id: Type.Union([Type.String(), Type.Null()]),
        type: Type.Union([Type.String(), Type.Null()]),
        version: Type.Union([Type.Literal('2.0'), Type.Literal('2.1'), Type.Null()]),
        valid: Type.Boolean(),
        errors: Type.Array(finding),
        warnings: Type.Array(finding),
        truncated: Type.Boolean({ description: 'There was more to say.' }),
      }),
    ),
  },
  { description: 'What the STIX validator says; nothing has been stored.' },
)

/** By their names in the OpenAPI document. */
export const SCHEMAS = {
  Discovery: discovery,
  ApiRoot: apiRoot,
  Status: status,
  StatusDetail: statusDetail,
  Collections: collections,
  Collection: collection,
  Manifest: manifest,
  ManifestRecord: manifestRecord,
  Envelope: envelope,
  NewEnvelope: newEnvelope,
  StixObject: stixObject,
  Versions: versions,
  Error: error,
  Problem: problem,
  AccessToken: accessToken,
  ValidationReport: validationReport,
} as const satisfies Record<string, TSchema>

export type SchemaName = keyof typeof SCHEMAS
