/** `/api/v1/vetoes` and `/api/v1/opt-outs`: what a national authority refuses, and who shares nothing by the baseline. */
import { Type } from 'typebox'
import { AppError } from '../../errors.ts'
import { callerOf, changing } from '../../sharing/acting.ts'
import { type KnownVeto, listOptOuts, listVetoes, type OptOut } from '../../sharing/agreement-lists.ts'
import { lift, optIn, optOut, speak, vetoesFor } from '../../sharing/vetoes.ts'
import { nameAnew } from '../../taxii/name-anew.ts'
import { formatMicros, type Micros } from '../../time.ts'
import { said } from './describe.ts'
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

const country = Type.String({
  pattern: said('^[A-Z]{2}$', 'must be a country code of two capital letters'),
  description: 'ISO 3166-1 alpha-2.',
})
const named = Type.String({
  maxLength: 300,
  pattern: said(
    '^[a-z0-9-]{1,250}--[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$',
    'must be the id of a STIX object: TYPE--UUID',
  ),
  description: 'Id of an object, or of a marking-definition that objects refer to.',
})
const to = Type.Array(country, { minItems: 1, maxItems: 300, uniqueItems: true })

const says = {
  to: orNull(to, 'Countries that may not read; null: nobody outside the originating organization.'),
  level: orNull(level, 'This level and stricter ones; null: every level.'),
  named: orNull(named, 'Only this object, or what has this marking; null: everything.'),
  valid_from: orNull(instant, 'From when; null: at once.'),
  valid_until: orNull(instant, 'Until when, excluded.'),
}

const veto = closed({
  id: uuid,
  country: Type.String({ description: 'What originates in this country is refused.' }),
  by: Type.String({ description: 'The national CERT.' }),
  ...says,
  in_force: Type.Boolean(),
  reason: Type.String(),
  spoken_by: Type.String(),
  created: instant,
  declared: Type.Boolean({ description: 'Made by the topology file.' }),
  ended,
})

const shown = (v: KnownVeto, now: Micros) => ({
  id: v.id,
  country: v.country,
  by: v.by,
  to: v.to && [...v.to],
  level: v.level,
  named: v.named,
  valid_from: shownTime(v.validFrom),
  valid_until: shownTime(v.validUntil),
  in_force: v.ended === null && now >= (v.validFrom ?? 0n) && (v.validUntil === null || now < v.validUntil),
  reason: v.reason,
  spoken_by: v.spokenBy,
  created: formatMicros(v.created),
  declared: v.declared,
  ended: shownEnd(v.ended),
})

const optedOut = closed({
  who: Type.String({ description: 'An organization or a country.' }),
  by: Type.String(),
  reason: Type.String(),
  at: instant,
  declared: Type.Boolean({ description: 'Made by the topology file.' }),
})
const shownOut = (o: OptOut) => ({ ...o, at: formatMicros(o.at) })

const tag = 'Agreements'

export const vetoesApi = [
  operation({
    method: 'GET',
    path: '/api/v1/vetoes',
    id: 'listVetoes',
    tag,
    summary: "Vetoes of your country's authority, which bind what your organization sends",
    description:
      'A veto that names an object or a marking is there for those who can read what it names, and for the CERT that spoke it.',
    query: closed(PAGE),
    answer: { description: 'Oldest first, with those that have ended.', schema: pageOf(veto) },
    run: async (exchange, caller, { query }) => {
      const { items, next } = await listVetoes(exchange, caller, query)
      const now = exchange.clock.now()
      return { items: items.map((v) => shown(v, now)), ...(next && { next }) }
    },
  }),
  operation({
    method: 'POST',
    path: '/api/v1/vetoes',
    id: 'addVeto',
    tag,
    summary: 'Refuse that others read what originates in your country',
    description:
      'For custodians of a national CERT. It only takes readers away; the originating organization reads on. The answer comes when it is in force everywhere.',
    scope: 'write',
    body: closed({
      to: Type.Optional(says.to),
      level: Type.Optional(says.level),
      named: Type.Optional(says.named),
      valid_from: Type.Optional(says.valid_from),
      valid_until: Type.Optional(says.valid_until),
      reason,
    }),
    problems: [403, 409, 422],
    answer: { status: 201, description: 'The veto.', schema: veto },
    run: async (exchange, caller, { body }) => {
      const actor = callerOf(caller)
      const made = await changing(exchange, async (db, now) => {
        const what = {
          to: body.to ?? null,
          level: (body.level ?? null) as KnownVeto['level'],
          named: body.named ?? null,
          validFrom: sentTime(body.valid_from, '/valid_from'),
          validUntil: sentTime(body.valid_until, '/valid_until'),
        }
        const cert = caller.subject.organization.id
        const { topology } = exchange.world
        return shown(await speak(db, topology, actor, cert, what, { reason: body.reason, now }), now)
      })
      if (made.named !== null) while (await nameAnew(exchange)) {}
      return made
    },
  }),
  operation({
    method: 'POST',
    path: '/api/v1/vetoes/{veto}/end',
    id: 'endVeto',
    tag,
    summary: 'End a veto',
    description: 'For custodians of a national CERT of the country.',
    scope: 'write',
    params: closed({ veto: uuid }),
    body: reasonOnly,
    problems: [403, 404, 409],
    answer: { description: 'The veto.', schema: veto },
    run: async (exchange, caller, { params, body }) =>
      await changing(exchange, async (db, now) => {
        const [found] = await vetoesFor(exchange, db, caller, params.veto, 0n, 1)
        if (!found) throw new AppError('notFound')
        return shown(await lift(db, callerOf(caller), found, { reason: body.reason, now }), now)
      }),
  }),
  operation({
    method: 'GET',
    path: '/api/v1/opt-outs',
    id: 'listOptOuts',
    tag,
    summary: 'Whether your organization or country has opted out of the baseline',
    answer: { description: 'At most two.', schema: closed({ items: Type.Array(optedOut) }) },
    run: async (exchange, caller) => ({
      items: (await listOptOuts(exchange, callerOf(caller))).map(shownOut),
    }),
  }),
  operation({
    method: 'POST',
    path: '/api/v1/opt-outs',
    id: 'addOptOut',
    tag,
    summary: 'Opt out of the baseline: neither give nor receive under it',
    description: 'For custodians: of the organization, or of the national CERT for its country.',
    scope: 'write',
    body: closed({ who: side('Your organization or country.'), reason }),
    problems: [403, 409, 422],
    answer: { status: 201, description: 'The opt-out.', schema: optedOut },
    run: async (exchange, caller, { body }) =>
      await changing(exchange, async (db, now) => {
        const { topology } = exchange.world
        return shownOut(await optOut(db, topology, callerOf(caller), body.who, { reason: body.reason, now }))
      }),
  }),
  operation({
    method: 'POST',
    path: '/api/v1/opt-outs/{who}/end',
    id: 'endOptOut',
    tag,
    summary: 'Take part in the baseline again',
    scope: 'write',
    params: closed({ who: side('Your organization or country.') }),
    body: reasonOnly,
    problems: [403, 404],
    answer: { description: 'The opt-out that has ended.', schema: optedOut },
    run: async (exchange, caller, { params, body }) =>
      await changing(exchange, async (db, now) =>
        shownOut(await optIn(db, callerOf(caller), params.who, { reason: body.reason, now })),
      ),
  }),
]
