/** Releases: relabel an object, release it step by step on dates, ask its originator for release and decide (policy.md §7, §13). */
import { Type } from 'typebox'
import { findOwnPlace, versionKeyOf } from '../../sharing/own-copies.ts'
import { relabelObject } from '../../sharing/relabel-object.ts'
import {
  approveRequest,
  fileReleaseRequest,
  listFiled,
  listReceived,
  refuseRequest,
} from '../../sharing/release-requests.ts'
import { addSchedule, endSchedule, getSchedule, listSchedules } from '../../sharing/schedules.ts'
import { closed, operation, PAGE, pageOf } from './operation.ts'
import {
  collectionKey,
  filedRequest,
  granularMarkings,
  justification,
  objectId,
  objectInPath,
  reason,
  receivedRequest,
  references,
  relabelled,
  rootName,
  schedule,
  time,
  uuid,
  version,
  wanted,
} from './release-schemas.ts'

const tag = 'Releases'

const relabel = operation({
  method: 'PATCH',
  path: '/api/v1/roots/{root}/collections/{collection}/objects/{id}',
  id: 'relabelObject',
  tag,
  summary: "Give a version of one's organization's object other markings",
  description:
    'Changes object_marking_refs and granular_markings in the stored text, and not one byte of the rest. Readers who lose it lose it with the answer; if somebody gains it, it is in the log again with a new date_added. Ends its release schedules.',
  scope: 'write',
  params: closed({ root: rootName, collection: collectionKey, id: objectInPath }),
  body: closed({
    version: Type.Optional(version),
    object_marking_refs: references(0),
    granular_markings: Type.Optional(
      Type.Union([granularMarkings, Type.Null()], {
        description: 'In place of those that it has; null: none; absent: they stay.',
      }),
    ),
    reason,
  }),
  problems: [403, 404, 409, 422],
  answer: { description: 'What it came to.', schema: relabelled },
  run: async (exchange, caller, { params, body }) => {
    const { object_marking_refs, granular_markings } = body
    const place = findOwnPlace(exchange, caller, params.root, params.collection)
    return await relabelObject(exchange, caller, place, {
      id: params.id,
      versionKey: versionKeyOf(body.version),
      accepted: null,
      markings: { object_marking_refs, ...(granular_markings !== undefined && { granular_markings }) },
      reason: body.reason,
    })
  },
})

const schedules = [
  operation({
    method: 'GET',
    path: '/api/v1/release-schedules',
    id: 'listReleaseSchedules',
    tag,
    summary: "The organization's release schedules, the last made first",
    query: closed({ ...PAGE }),
    answer: { description: 'Those for objects that the caller sees.', schema: pageOf(schedule) },
    run: (exchange, caller, { query }) => listSchedules(exchange, caller, query),
  }),
  operation({
    method: 'POST',
    path: '/api/v1/release-schedules',
    id: 'addReleaseSchedule',
    tag,
    summary: 'Release a version of an object step by step, on dates',
    description:
      'Each step gives it other markings, never before its time. A step that would take it from somebody who may read it before, as the agreements are now, is refused.',
    scope: 'write',
    body: closed({
      root: rootName,
      collection: collectionKey,
      id: objectId,
      version: Type.Optional(version),
      steps: Type.Array(closed({ at: time, object_marking_refs: references(1) }), {
        minItems: 1,
        maxItems: 20,
        description: 'Ascending, in the future.',
      }),
      reason,
    }),
    problems: [403, 404, 409, 422],
    answer: { status: 201, description: 'The schedule.', schema: schedule },
    run: (exchange, caller, { body }) => addSchedule(exchange, caller, body),
  }),
  operation({
    method: 'GET',
    path: '/api/v1/release-schedules/{schedule}',
    id: 'getReleaseSchedule',
    tag,
    summary: 'One release schedule: what is done, what is to come, what failed and why',
    params: closed({ schedule: uuid }),
    problems: [404],
    answer: { description: 'The schedule.', schema: schedule },
    run: (exchange, caller, { params }) => getSchedule(exchange, caller, params.schedule),
  }),
  operation({
    method: 'POST',
    path: '/api/v1/release-schedules/{schedule}/cancel',
    id: 'cancelReleaseSchedule',
    tag,
    summary: 'End a release schedule; what is released stays released',
    scope: 'write',
    params: closed({ schedule: uuid }),
    body: closed({ reason }),
    problems: [403, 404, 409],
    answer: { description: 'The schedule.', schema: schedule },
    run: (exchange, caller, { params, body }) => endSchedule(exchange, caller, params.schedule, body.reason),
  }),
]

const requests = [
  operation({
    method: 'GET',
    path: '/api/v1/release-requests',
    id: 'listReleaseRequests',
    tag,
    summary: "The caller's own requests for release, the last filed first",
    query: closed({ ...PAGE }),
    answer: { description: 'Each with its state and, if decided, the reason.', schema: pageOf(filedRequest) },
    run: (exchange, caller, { query }) => listFiled(exchange, caller, query),
  }),
  operation({
    method: 'POST',
    path: '/api/v1/release-requests',
    id: 'fileReleaseRequest',
    tag,
    summary: 'Ask the originator of an object to release it',
    description:
      'The answer is the same whether the object exists or not, and whether the caller may see it or not. It reaches its originators if there are any: of the copies that the caller sees, or else of every copy. It expires after 30 days.',
    scope: 'write',
    body: closed({
      root: rootName,
      collection: collectionKey,
      id: objectId,
      version: Type.Optional(version),
      to: wanted,
      justification,
    }),
    problems: [403, 404, 409],
    answer: { status: 201, description: 'The request, open.', schema: filedRequest },
    run: (exchange, caller, { body }) => fileReleaseRequest(exchange, caller, body),
  }),
  operation({
    method: 'GET',
    path: '/api/v1/release-requests/received',
    id: 'listReceivedReleaseRequests',
    tag,
    summary: "Requests for release of one's organization's objects, the last filed first",
    query: closed({ ...PAGE }),
    problems: [403],
    answer: { description: 'Those for objects that the caller sees.', schema: pageOf(receivedRequest) },
    run: (exchange, caller, { query }) => listReceived(exchange, caller, query),
  }),
  operation({
    method: 'POST',
    path: '/api/v1/release-requests/{request}/approval',
    id: 'approveReleaseRequest',
    tag,
    summary: 'Release what was asked for, by other markings',
    description: 'Relabels the object. The requester learns that it is approved, and the reason.',
    scope: 'write',
    params: closed({ request: uuid }),
    body: closed({ object_marking_refs: references(1), reason }),
    problems: [403, 404, 409, 422],
    answer: { description: 'What it came to.', schema: relabelled },
    run: (exchange, caller, { params, body }) => approveRequest(exchange, caller, params.request, body),
  }),
  operation({
    method: 'POST',
    path: '/api/v1/release-requests/{request}/refusal',
    id: 'refuseReleaseRequest',
    tag,
    summary: 'Decline a request for release',
    description: 'The requester learns that it is declined, and the reason.',
    scope: 'write',
    params: closed({ request: uuid }),
    body: closed({ reason }),
    problems: [403, 404, 409],
    answer: { description: 'The request as decided.', schema: receivedRequest },
    run: (exchange, caller, { params, body }) => refuseRequest(exchange, caller, params.request, body.reason),
  }),
]

export const releaseApi = [relabel, ...schedules, ...requests]
