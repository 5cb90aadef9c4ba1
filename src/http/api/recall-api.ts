/** Recalls: objects that the caller fetched and that are stricter or gone now; and who has acknowledged (policy.md §7, §13). */
import { Type } from 'typebox'
import { acknowledge, listIssued, listRecalls } from '../../sharing/recalls.ts'
import { closed, operation, PAGE, pageOf } from './operation.ts'

const tag = 'Recalls'
const time = Type.String({ format: 'date-time' })
const orNull = <T extends ReturnType<typeof Type.String>>(schema: T) => Type.Union([schema, Type.Null()])

const recalled = {
  id: Type.String({ format: 'uuid' }),
  at: time,
  root: Type.String(),
  collection: Type.String(),
  object: Type.String({ description: 'STIX id.' }),
  versions: Type.Array(Type.String()),
  kind: Type.String({
    enum: ['relabel', 'delete', 'newer-version', 'reference', 'schedule', 'quarantine', 'veto'],
  }),
  reason: orNull(Type.String({ description: 'As the originator gave it.' })),
}

const notice = closed({
  ...recalled,
  fetched_at: Type.String({ format: 'date-time', description: 'When the caller first received it.' }),
  acknowledged_at: orNull(time),
})

const issued = closed({
  ...recalled,
  actor: orNull(
    Type.String({
      description: 'Who relabelled or deleted it; null when what it points at became stricter.',
    }),
  ),
  fetched: Type.Integer({ description: 'Principals that had received it.' }),
  acknowledged: Type.Integer({ description: 'How many of them have acknowledged.' }),
  recipients: Type.Array(
    closed({
      principal: Type.String(),
      organization: Type.String(),
      fetched_at: time,
      acknowledged_at: orNull(time),
    }),
    { maxItems: 200 },
  ),
  recipients_left_out: Type.Integer(),
})

export const recallApi = [
  operation({
    method: 'GET',
    path: '/api/v1/recalls',
    id: 'listRecalls',
    tag,
    summary: 'What the caller received and that has become stricter or is deleted since',
    description:
      'Whether the caller may still read it, GET of the object tells. A token with max_tlp gets the recalls of what it received itself.',
    query: closed({ ...PAGE }),
    answer: { description: 'Those that are not acknowledged first, the last first.', schema: pageOf(notice) },
    run: (exchange, caller, { query }) => listRecalls(exchange, caller, query),
  }),
  operation({
    method: 'POST',
    path: '/api/v1/recalls/{recall}/acknowledgement',
    id: 'acknowledgeRecall',
    tag,
    summary: 'Say that a recall has been seen to',
    description: 'Doing so again changes nothing. The originator sees it.',
    scope: 'write',
    params: closed({
      recall: Type.String({ pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' }),
    }),
    problems: [404],
    answer: { description: 'The notice.', schema: notice },
    run: (exchange, caller, { params }) => acknowledge(exchange, caller, params.recall),
  }),
  operation({
    method: 'GET',
    path: '/api/v1/recalls/issued',
    id: 'listIssuedRecalls',
    tag,
    summary: "Recalls of the caller's organization's objects, and who has acknowledged them",
    query: closed({ ...PAGE }),
    answer: {
      description: 'Those of objects that the caller may see, the last first.',
      schema: pageOf(issued),
    },
    run: (exchange, caller, { query }) => listIssued(exchange, caller, query),
  }),
]
