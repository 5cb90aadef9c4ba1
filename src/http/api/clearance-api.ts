/** `GET /api/v1/me/clearance`: who the caller is to the exchange, and what it may read at most. */
import { Type } from 'typebox'
import { clearanceOf } from '../../sharing/clearance.ts'
import { closed, operation } from './operation.ts'

const level = Type.String({ enum: ['clear', 'green', 'amber', 'amber+strict', 'red'] })

export const clearanceApi = [
  operation({
    method: 'GET',
    path: '/api/v1/me/clearance',
    id: 'getClearance',
    tag: 'Sharing policy',
    summary: 'Who the caller is, and the highest level that it may read',
    answer: {
      description: 'The caller as the policy sees it.',
      schema: closed({
        principal: Type.String(),
        kind: Type.String({ enum: ['person', 'service'] }),
        custodian: Type.Boolean({ description: 'May read RED of its organization and sign for it.' }),
        organization: Type.String(),
        country: Type.String({ description: 'ISO 3166-1 alpha-2, ZZ for international bodies.' }),
        communities: Type.Array(Type.String()),
        clearance: level,
        max_tlp: Type.Union([level, Type.Null()], {
          description: "The credential's own ceiling, if it has one.",
        }),
      }),
    },
    run: async (exchange, caller) => clearanceOf(exchange, caller.subject),
  }),
]
