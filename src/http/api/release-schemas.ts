/** Schemas that the operations on releases share: bounds on all that comes in, and the forms of answers. */
import { Type } from 'typebox'
import { said } from './describe.ts'
import { closed } from './operation.ts'

const STIX_ID = said(
  '^[A-Za-z0-9-]{1,250}--[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$',
  'must be the id of a STIX object: TYPE--UUID',
)

/** Text that the database takes: no NUL, no half of a surrogate pair. */
const TEXT = said(
  '^[^\\u0000\\ud800-\\udfff]+$',
  'must have some text in it, without U+0000 and halves of surrogate pairs',
)
/** And not of white space alone. */
const WORDS = said(
  TEXT.replace('^', '^(?=[\\s\\S]*\\S)'),
  'must have more than white space in it, without U+0000 and halves of surrogate pairs',
)

export const objectId = Type.String({ pattern: STIX_ID, description: 'Id of the STIX object.' })
/** In a path, where what is no id names nothing. */
export const objectInPath = Type.String({
  minLength: 1,
  maxLength: 400,
  pattern: TEXT,
  description: 'Id of the STIX object.',
})
export const rootName = Type.String({ minLength: 1, maxLength: 200, description: 'Path of the API root.' })
export const collectionKey = Type.String({
  minLength: 1,
  maxLength: 200,
  description: 'Id or alias of the collection.',
})
export const version = Type.String({
  maxLength: 64,
  description: 'Timestamp of the version, as in manifests; the latest that the caller sees if not given.',
})
/** Of what this server made an id for; anything else names nothing. */
export const uuid = Type.String({
  pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$',
  description: 'Id that this server gave it.',
})
export const time = Type.String({ description: 'RFC 3339, UTC, microseconds.' })
const reference = Type.String({
  pattern: said(
    `^marking-definition--${STIX_ID.split('--')[1]}`,
    'must be the id of a marking-definition: marking-definition--UUID',
  ),
})
export const references = (least: 0 | 1) =>
  Type.Array(reference, {
    minItems: least,
    maxItems: 50,
    uniqueItems: true,
    description: 'Ids of marking-definitions that are standard, or stored in this collection.',
  })
/** STIX 2.1 §7.2.3. */
export const granularMarkings = Type.Array(
  closed({
    lang: Type.Optional(Type.String({ minLength: 1, maxLength: 100, pattern: TEXT })),
    marking_ref: Type.Optional(reference),
    selectors: Type.Array(Type.String({ minLength: 1, maxLength: 1000, pattern: TEXT }), {
      minItems: 1,
      maxItems: 100,
    }),
  }),
  { minItems: 1, maxItems: 200 },
)
export const reason = Type.String({
  minLength: 1,
  maxLength: 1000,
  pattern: WORDS,
  description: 'Why. It is kept in the audit.',
})
export const justification = Type.String({ minLength: 1, maxLength: 2000, pattern: WORDS })

export const change = Type.String({
  enum: ['tightened', 'widened', 'both', 'same'],
  description: 'Who reads it, compared with before: fewer, more, some other, the same.',
})

export const relabelled = closed({
  id: Type.String(),
  version: Type.String(),
  change,
  date_added: Type.Union([time, Type.Null()], {
    description:
      'A new one if somebody reads it now who could not. null: the caller may not read it any more.',
  }),
  warnings: Type.Array(Type.String(), { description: 'What the markings say twice or in vain.' }),
  cancelled_schedules: Type.Array(Type.String(), {
    description: 'Release schedules that this decision has ended.',
  }),
  readers: closed(
    {
      before: Type.Integer(),
      after: Type.Union([Type.Integer(), Type.Null()], {
        description: 'null: the caller may not read it any more.',
      }),
    },
    'Organizations with somebody who may read it.',
  ),
})

const names = Type.Array(Type.String({ minLength: 1, maxLength: 200, pattern: TEXT }), {
  minItems: 1,
  maxItems: 100,
  uniqueItems: true,
})
const countries = Type.Array(
  Type.String({ pattern: said('^[A-Z]{2}$', 'must be a country code of two capital letters') }),
  {
    minItems: 1,
    maxItems: 250,
    uniqueItems: true,
  },
)

/** What is asked for: a level, or readers. */
export const wanted = Type.Object(
  {
    level: Type.Optional(Type.String({ enum: ['clear', 'green', 'amber', 'amber+strict', 'red'] })),
    countries: Type.Optional(countries),
    organizations: Type.Optional(names),
    communities: Type.Optional(names),
  },
  {
    additionalProperties: false,
    minProperties: 1,
    description: 'The level that is asked for, or who should read it, or both.',
  },
)

const request = {
  id: Type.String(),
  state: Type.String({
    enum: ['open', 'approved', 'declined', 'expired'],
    description: 'Open also for an object that does not exist, and for one that nobody has decided about.',
  }),
  root: Type.String(),
  collection: Type.String(),
  object: Type.String(),
  version: Type.Optional(Type.String()),
  to: wanted,
  justification: Type.String(),
  created: time,
  expires: time,
  reason: Type.Optional(Type.String({ description: "The originator's." })),
}
export const filedRequest = closed(request)
export const receivedRequest = closed({
  ...request,
  requester: Type.String(),
  organization: Type.String({ description: "The requester's." }),
})

export const schedule = closed({
  id: Type.String(),
  state: Type.String({ enum: ['active', 'done', 'failed', 'cancelled'] }),
  root: Type.String(),
  collection: Type.String(),
  object: Type.String(),
  version: Type.String({ description: 'As it was when the schedule was made.' }),
  made_by: Type.String(),
  created: time,
  reason: Type.String(),
  ended: Type.Optional(time),
  note: Type.Optional(Type.String({ description: 'Who ended it, and why.' })),
  steps: Type.Array(
    closed({
      at: time,
      object_marking_refs: Type.Array(Type.String()),
      state: Type.String({ enum: ['pending', 'done', 'failed', 'cancelled'] }),
      done: Type.Optional(time),
      change: Type.Optional(change),
      problem: Type.Optional(Type.String({ description: 'Why it could not be taken.' })),
    }),
  ),
})
