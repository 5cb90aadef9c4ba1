/** `POST /api/v1/policy/preview` and `/explain`: who will read this, and why (not) that reader. */
import { Type } from 'typebox'
import { AppError } from '../../errors.ts'
import { explainObject } from '../../sharing/explain.ts'
import { preview } from '../../sharing/preview.ts'
import { closed, operation } from './operation.ts'
import {
  audience,
  collectionName,
  level,
  name,
  number,
  organization,
  orNull,
  reading,
  time,
} from './policy-schemas.ts'

const CONDITIONS = [
  'active',
  'right',
  'embargo',
  'cap',
  'clearance',
  'own-organization',
  'window',
  'not_releasable_to',
  'veto',
  'releasable_to',
  'channel',
  'hop',
  'parts',
  'later-version',
]

const granular = Type.Object(
  {
    selectors: Type.Array(Type.String({ minLength: 1, maxLength: 1000 }), { minItems: 1, maxItems: 1000 }),
    marking_ref: Type.Optional(name()),
    lang: Type.Optional(name()),
  },
  { additionalProperties: false },
)

/** @throws badRequest unless exactly one of the two is there */
function exactlyOne<A, B>(a: A | undefined, b: B | undefined, what: string): A | B {
  if ((a === undefined) === (b === undefined)) {
    throw new AppError('badRequest', { detail: `Give exactly one of ${what}.` })
  }
  return (a ?? b) as A | B
}

const idOf = (collection: { id?: string; alias?: string }) =>
  exactlyOne(collection.id, collection.alias, 'id and alias of the collection')

export const previewApi = [
  operation({
    method: 'POST',
    path: '/api/v1/policy/preview',
    id: 'previewAudience',
    tag: 'Sharing policy',
    summary: 'Who will read this? Before publishing it',
    description:
      'Decides on every active principal that may read from the collection, with what it may read by itself: a token may lower that. Stores nothing. Needs the right to write to the collection. Markings are looked up among those that the caller may read, as a POST does.',
    body: closed({
      collection: collectionName,
      object: Type.Optional(Type.Object({}, { description: 'A STIX object with its markings.' })),
      object_marking_refs: Type.Optional(Type.Array(name(), { maxItems: 200 })),
      granular_markings: Type.Optional(
        Type.Array(granular, { maxItems: 200, description: 'Beside object_marking_refs only.' }),
      ),
    }),
    problems: [403, 404],
    answer: {
      description: 'Who would read it.',
      schema: closed({
        level: orNull(level, 'The strictest level; null: it would be refused, see problems.'),
        quarantined: Type.Boolean({ description: 'It would be kept for its organization only.' }),
        anonymous: Type.Boolean({ description: 'Readable without credentials.' }),
        ...audience,
        from: orNull(
          closed({ at: time, anonymous: Type.Boolean(), ...audience }),
          'Who reads it once its embargo is over; until then, those above do.',
        ),
        withheld_parts: Type.Array(
          closed({ selectors: Type.Array(Type.String()), level, organizations: Type.Array(reading) }),
          {
            description:
              'In a collection with `redaction: redact`: parts, and who reads the object without them. Elsewhere the strictest part counts for the whole object.',
          },
        ),
        warnings: Type.Array(Type.String()),
        problems: Type.Array(Type.String(), { description: 'Why it would be refused.' }),
        difference: orNull(
          closed({
            version: Type.String(),
            gained: Type.Array(organization),
            lost: Type.Array(organization),
          }),
          "Organizations that it wins and loses against the last version of its id that the caller sees of its organization's; null: there is none.",
        ),
      }),
    },
    run: async (exchange, caller, { body }) => {
      const { object, object_marking_refs: refs, granular_markings: parts } = body
      exactlyOne(object, refs, 'object and object_marking_refs')
      if (object !== undefined && parts !== undefined) {
        throw new AppError('badRequest', { detail: 'Granular markings stand in the object itself.' })
      }
      const markings = { object_marking_refs: refs, ...(parts && { granular_markings: parts }) }
      const value = (object ?? markings) as Record<string, unknown>
      return preview(exchange, caller, {
        root: body.collection.root,
        collection: idOf(body.collection),
        value,
      })
    },
  }),
  operation({
    method: 'POST',
    path: '/api/v1/policy/explain',
    id: 'explainDecision',
    tag: 'Sharing policy',
    summary: 'Why may, or may not, that reader read this object?',
    description:
      "For a stored object of the caller's own organization that the caller sees; everything else is unknown. Later versions that the caller does not see are not weighed.",
    body: closed({
      collection: collectionName,
      id: Type.String({ minLength: 1, maxLength: 400, description: 'Id of the object.' }),
      version: Type.Optional(name('One version; the latest that the caller sees if not given.')),
      reader: closed(
        { principal: Type.Optional(name()), organization: Type.Optional(name()) },
        'Exactly one of the two.',
      ),
    }),
    problems: [404],
    answer: {
      description: 'The decision, and every condition with its verdict.',
      schema: closed({
        id: Type.String(),
        version: Type.String(),
        date_added: time,
        level,
        readers: Type.Array(
          closed({
            principals: number,
            people: number,
            feeds: number,
            decision: Type.Boolean(),
            rule: Type.String({ description: 'What let it through, or what stood against it.' }),
            label: orNull(Type.String(), 'The label that decided, in words.'),
            conditions: Type.Array(
              closed({
                condition: Type.String({ enum: CONDITIONS }),
                verdict: Type.String({ enum: ['met', 'failed', 'not-asked'] }),
                detail: Type.String(),
              }),
            ),
          }),
          { description: "One entry per kind of the reader's active principals that differs." },
        ),
      }),
    },
    run: async (exchange, caller, { body }) => {
      const { principal, organization: org } = body.reader
      exactlyOne(principal, org, 'principal and organization of the reader')
      return explainObject(exchange, caller, {
        root: body.collection.root,
        collection: idOf(body.collection),
        id: body.id,
        ...(body.version !== undefined && { version: body.version }),
        reader: principal === undefined ? { organization: org ?? '' } : { principal },
      })
    },
  }),
]
