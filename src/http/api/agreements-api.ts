/** `/api/v1/agreements`: between countries and organizations, proposed, signed and ended by their parties. */
import { Type } from 'typebox'
import { callerOf, changing } from '../../sharing/acting.ts'
import { type KnownAgreement, listAgreements } from '../../sharing/agreement-lists.ts'
import { end, findAgreement, inForce, propose, sign } from '../../sharing/agreements.ts'
import { formatMicros, type Micros } from '../../time.ts'
import { closed, operation, PAGE, pageOf } from './operation.ts'
import {
  ended,
  instant,
  level,
  orNull,
  reason,
  reasonOnly,
  sentTime,
  shownEnd,
  shownTime,
  side,
  uuid,
} from './sharing-schemas.ts'

const recipients = Type.String({
  enum: ['all', 'national-cert'],
  description: 'Which organizations of a country or community are recipients.',
})

const agreement = closed({
  id: uuid,
  from: Type.String({ description: 'Whose objects: an organization, or all organizations of a country.' }),
  to: Type.String({ description: 'An organization, a country, or a community (by the topology file only).' }),
  max_tlp: level,
  recipients,
  clients: Type.Boolean({ description: 'May clients of recipients read as well?' }),
  valid_from: orNull(instant, 'From when; null: from the last signature on.'),
  valid_until: orNull(instant, 'Until when, excluded.'),
  signed: Type.Array(Type.String(), { description: 'Sides that have signed; both must.' }),
  in_force: Type.Boolean(),
  proposed_by: Type.String(),
  reason: Type.String(),
  created: instant,
  changed: instant,
  declared: Type.Boolean({ description: 'Made by the topology file.' }),
  ended,
})

const shown = (a: KnownAgreement, now: Micros) => ({
  id: a.id,
  from: a.source,
  to: a.target,
  max_tlp: a.maxTlp,
  recipients: a.recipients,
  clients: a.clients,
  valid_from: shownTime(a.validFrom),
  valid_until: shownTime(a.validUntil),
  signed: [...a.signed],
  in_force: inForce(a, now),
  proposed_by: a.proposedBy,
  reason: a.reason,
  created: formatMicros(a.created),
  changed: formatMicros(a.changed),
  declared: a.declared,
  ended: shownEnd(a.ended),
})

const params = closed({ agreement: uuid })
const tag = 'Agreements'

export const agreementsApi = [
  operation({
    method: 'GET',
    path: '/api/v1/agreements',
    id: 'listAgreements',
    tag,
    summary: 'Agreements to which your organization or country is a party, drafts and ended ones included',
    query: closed(PAGE),
    answer: { description: 'Oldest first.', schema: pageOf(agreement) },
    run: async (exchange, caller, { query }) => {
      const { items, next } = await listAgreements(exchange, callerOf(caller), query)
      const now = exchange.clock.now()
      return { items: items.map((a) => shown(a, now)), ...(next && { next }) }
    },
  }),
  operation({
    method: 'POST',
    path: '/api/v1/agreements',
    id: 'proposeAgreement',
    tag,
    summary: 'Propose an agreement, and sign it for your side',
    description:
      'For custodians: of an organization that is one side, or of the national CERT of a country that is. It is a draft until the other side signs.',
    scope: 'write',
    body: closed({
      from: side('Whose objects: an organization, or a country.'),
      to: side('Who may read them: an organization, or a country.'),
      max_tlp: level,
      recipients: Type.Optional(recipients),
      clients: Type.Optional(Type.Boolean()),
      valid_from: Type.Optional(orNull(instant, 'From when.')),
      valid_until: Type.Optional(orNull(instant, 'Until when, excluded.')),
      reason,
    }),
    problems: [403, 409, 422],
    answer: { status: 201, description: 'The draft.', schema: agreement },
    run: async (exchange, caller, { body }) =>
      await changing(exchange, async (db, now) => {
        const terms = {
          source: body.from,
          target: body.to,
          maxTlp: body.max_tlp as KnownAgreement['maxTlp'],
          recipients: (body.recipients ?? 'all') as KnownAgreement['recipients'],
          clients: body.clients ?? false,
          validFrom: sentTime(body.valid_from, '/valid_from'),
          validUntil: sentTime(body.valid_until, '/valid_until'),
        }
        const { topology } = exchange.world
        return shown(await propose(db, topology, callerOf(caller), terms, { reason: body.reason, now }), now)
      }),
  }),
  operation({
    method: 'GET',
    path: '/api/v1/agreements/{agreement}',
    id: 'getAgreement',
    tag,
    summary: 'One agreement',
    params,
    problems: [404],
    answer: { description: 'The agreement.', schema: agreement },
    run: async (exchange, caller, { params }) =>
      shown(await findAgreement(exchange.pool, callerOf(caller), params.agreement), exchange.clock.now()),
  }),
  operation({
    method: 'POST',
    path: '/api/v1/agreements/{agreement}/signature',
    id: 'signAgreement',
    tag,
    summary: 'Sign an agreement for your side',
    description: 'With the last signature it is in force, on every node from the next statement on.',
    scope: 'write',
    params,
    body: reasonOnly,
    problems: [403, 404, 409],
    answer: { description: 'The agreement.', schema: agreement },
    run: async (exchange, caller, { params, body }) =>
      await changing(exchange, async (db, now) =>
        shown(await sign(db, callerOf(caller), params.agreement, { reason: body.reason, now }), now),
      ),
  }),
  operation({
    method: 'POST',
    path: '/api/v1/agreements/{agreement}/end',
    id: 'endAgreement',
    tag,
    summary: 'End an agreement, or refuse a draft',
    description: 'Either side does so alone, and at once. What was read until then stays read.',
    scope: 'write',
    params,
    body: reasonOnly,
    problems: [403, 404, 409],
    answer: { description: 'The agreement.', schema: agreement },
    run: async (exchange, caller, { params, body }) =>
      await changing(exchange, async (db, now) =>
        shown(await end(db, callerOf(caller), params.agreement, { reason: body.reason, now }), now),
      ),
  }),
]
