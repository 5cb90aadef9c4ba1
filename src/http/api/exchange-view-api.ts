/** `/api/v1/policy/view-as`, `/simulate` and `/reciprocity`: one's objects in others' eyes, and what agreements do. */
import { Type } from 'typebox'
import { AppError } from '../../errors.ts'
import { reciprocity } from '../../sharing/reciprocity.ts'
import { simulate } from '../../sharing/simulate.ts'
import { viewAs } from '../../sharing/view-as.ts'
import { closed, operation, PAGE, pageOf } from './operation.ts'
import { level, name, perLevel, time, tlp } from './policy-schemas.ts'

const change = { gain: perLevel, lose: perLevel }

export const exchangeViewApi = [
  operation({
    method: 'GET',
    path: '/api/v1/policy/view-as',
    id: 'viewAs',
    tag: 'Sharing policy',
    summary: "The caller's organization's objects as another reader sees them",
    description:
      'Every stored version that the caller sees and that the reader may read, in order of date_added. A country or organization sees what at least one of its principals reads. A page may be short although there are more.',
    query: closed({
      root: name('API root.'),
      collection: name('Id or alias.'),
      as: name('A country code, an organization or a principal, looked for in this order.'),
      ...PAGE,
    }),
    problems: [403, 404],
    answer: {
      description: 'A page of versions.',
      schema: pageOf(
        closed({
          id: Type.String(),
          version: Type.String(),
          date_added: time,
          level,
          rules: Type.Array(Type.String()),
          readers: Type.Array(Type.String(), { description: 'Organizations of the reader that read it.' }),
        }),
      ),
    },
    run: async (exchange, caller, { query }) => viewAs(exchange, caller, query),
  }),
  operation({
    method: 'POST',
    path: '/api/v1/policy/simulate',
    id: 'simulateAgreement',
    tag: 'Sharing policy',
    summary: 'Who would gain and lose if an agreement came into force, or ended?',
    description:
      'For a party: its organization or its country is one side. Counts stored versions that the caller itself sees, in collections that it may read. Changes nothing.',
    body: closed({
      draft: Type.Optional(
        closed(
          {
            from: name('Country or organization.'),
            to: name('Country, community or organization.'),
            max_tlp: tlp,
            recipients: Type.Optional(
              Type.String({ enum: ['national-cert', 'all'], description: 'all if not given.' }),
            ),
            clients: Type.Optional(Type.Boolean({ description: 'false if not given.' })),
          },
          'An agreement as if both sides had signed it and it were in force.',
        ),
      ),
      end: Type.Optional(
        closed(
          { from: name(), to: name(), max_tlp: Type.Optional(tlp) },
          'Existing agreements, as if they had ended: all between these two, or those with this level.',
        ),
      ),
    }),
    problems: [403, 404],
    answer: {
      description: 'Gains and losses, per level. Who neither gains nor loses is left out.',
      schema: closed({
        considered: Type.Integer({
          minimum: 0,
          description: 'Versions of the giving side that the caller sees.',
        }),
        countries: Type.Array(closed({ code: Type.String(), ...change }), {
          description: 'A country gains what nobody of it read before, and loses what nobody reads after.',
        }),
        organizations: Type.Array(
          closed({ id: Type.String(), name: Type.String(), country: Type.String(), ...change }),
        ),
      }),
    },
    run: async (exchange, caller, { body }) => {
      const { draft, end } = body
      if (draft && !end) {
        const { from, to, max_tlp, recipients = 'all', clients = false } = draft
        const agreement = { from, to, max_tlp: max_tlp as never, recipients: recipients as never, clients }
        return simulate(exchange, caller, { draft: agreement })
      }
      if (end && !draft) return simulate(exchange, caller, { end: end as never })
      throw new AppError('badRequest', { detail: 'Give exactly one of draft and end.' })
    },
  }),
  operation({
    method: 'GET',
    path: '/api/v1/policy/reciprocity',
    id: 'getReciprocity',
    tag: 'Sharing policy',
    summary: 'What the country gives to each partner, and what it gets, per level',
    description:
      'Counts stored versions that the caller itself sees, in collections that it may read. Given: of its country, and at least one principal of the partner may read them. Received: of the partner.',
    answer: {
      description: 'One entry per other country that has organizations; ZZ stands for international bodies.',
      schema: closed({
        country: Type.String(),
        partners: Type.Array(closed({ country: Type.String(), given: perLevel, received: perLevel })),
      }),
    },
    run: async (exchange, caller) => reciprocity(exchange, caller),
  }),
]
