/** `GET /api/v1/me/clearance`: who the caller is to the exchange, what it may read at most, and by which rules. */
import { Type } from 'typebox'
import { clearanceOf } from '../../sharing/clearance.ts'
import { closed, operation } from './operation.ts'
import { orNull, time, tlp } from './policy-schemas.ts'

const collection = closed({
  root: Type.String(),
  id: Type.String(),
  alias: orNull(Type.String()),
  title: Type.String(),
  read: Type.Boolean(),
  write: Type.Boolean(),
  redaction: Type.String({ enum: ['withhold', 'redact'] }),
  references: Type.String({ enum: ['closed', 'own'] }),
})

const rule = closed({
  by: Type.String({ enum: ['agreement', 'domestic-rule', 'roster', 'baseline'] }),
  from: orNull(Type.String(), 'Country or organization; null: every member of the baseline.'),
  to: orNull(Type.String(), 'The other side, as the agreement names it.'),
  client_of: orNull(Type.String(), 'The organization whose client the caller is, if it receives as one.'),
  max_tlp: tlp,
  until: orNull(time, 'When it ends.'),
})

export const clearanceApi = [
  operation({
    method: 'GET',
    path: '/api/v1/me/clearance',
    id: 'getClearance',
    tag: 'Sharing policy',
    summary: 'Who the caller is, what it may read at most, and by which rules',
    answer: {
      description: 'The caller as the policy sees it.',
      schema: closed({
        principal: Type.String(),
        kind: Type.String({ enum: ['person', 'service'] }),
        custodian: Type.Boolean({ description: 'May read RED of its organization and sign for it.' }),
        organization: Type.String(),
        country: Type.String({ description: 'ISO 3166-1 alpha-2, ZZ for international bodies.' }),
        communities: Type.Array(Type.String()),
        clearance: tlp,
        max_tlp: orNull(tlp, "The credential's own ceiling, if it has one."),
        collections: Type.Array(collection, { description: 'Every collection that the caller may know.' }),
        receives: Type.Array(rule, {
          description:
            'Rules in force by which its organization receives from others, and up to which level. RED also needs a label that names the person.',
        }),
        full_pull_since: orNull(
          time,
          'Last known change that may have widened what its organization reads of what is already there, such as an agreement that came into force. Whoever last pulled everything before it should do so again: nothing gets a new date_added by it.',
        ),
      }),
    },
    run: async (exchange, caller) => clearanceOf(exchange, caller),
  }),
]
