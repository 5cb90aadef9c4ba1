/** Vetoes of a national authority, and opt-outs of the baseline (policy.md §4). */

import { AppError } from '../errors.ts'
import { rights } from '../policy/access.ts'
import { type Caller, NO_COUNTRY, type Subject, type Topology, type Veto } from '../policy/model.ts'
import type { Act } from '../store/agreements.ts'
import type { Database } from '../store/pool.ts'
import { assume } from '../store/session.ts'
import {
  addOptOut,
  addVeto,
  countVetoes,
  endOptOut,
  endVeto,
  type KnownVeto,
  type OptOut,
  readOptOuts,
  readVetoes,
  readVisibleVetoes,
} from '../store/vetoes.ts'
import type { Exchange } from '../taxii/exchange.ts'
import { type Actor, checkTimes, knownSide, refused, speaking } from './acting.ts'

/** Most vetoes of a country that stand at one time. */
const VETOES = 1000

type Why = Pick<Act, 'reason' | 'now'>

/** Vetoes that the caller may know of, in the caller's transaction. @param id one of them, or null for all */
export async function vetoesFor(
  exchange: Exchange,
  db: Database,
  caller: Caller & { subject: Subject },
  id: string | null,
  after: bigint,
  limit: number,
): Promise<KnownVeto[]> {
  const { organization } = caller.subject
  if (organization.country === NO_COUNTRY) return []
  const reader = exchange.reader(caller)
  await assume(db, reader)
  const collections = [...exchange.world.roots.values()]
    .flatMap((root) => root.collections)
    .filter((collection) => rights(exchange.world, caller, collection)?.read)
    .map((collection) => collection.seq)
  const by = {
    country: organization.country,
    organization: organization.id,
    scope: reader.scope,
    collections,
  }
  return await readVisibleVetoes(db, by, id, after, limit)
}

/** What a veto says, but for who speaks it. */
export interface Refusing extends Omit<Veto, 'id' | 'country' | 'by'> {}

/** @param cert the national CERT that speaks; its country's originators are bound */
export async function speak(
  db: Database,
  topology: Topology,
  actor: Actor,
  cert: string,
  veto: Refusing,
  { reason, now }: Why,
): Promise<KnownVeto> {
  const organization = topology.organizations.get(cert)
  if (organization?.kind !== 'national-cert' || organization.country === NO_COUNTRY) {
    if (actor.subject === null) throw refused('/by', 'names no national CERT')
    throw new AppError('forbidden', { detail: 'Only a custodian of a national CERT may veto.' })
  }
  const { country } = organization
  if (actor.subject !== null) speaking(actor, [country], 'veto')
  for (const [i, code] of (veto.to ?? []).entries()) {
    if (code === NO_COUNTRY || !topology.countries.has(code)) {
      throw refused(`/to/${i}`, 'names no country of this exchange')
    }
  }
  checkTimes(veto.validFrom, veto.validUntil, now)
  if ((await countVetoes(db, country)) >= VETOES) {
    throw new AppError('conflict', { detail: `${country} has ${VETOES} vetoes: end some of them.` })
  }
  const id = await addVeto(db, { country, by: cert, ...veto }, { by: actor.id, reason, now })
  return (await readVetoes(db, id, 1))[0] as KnownVeto
}

/** @param veto one that the actor may know of @throws forbidden, conflict */
export async function lift(
  db: Database,
  actor: Actor,
  veto: KnownVeto,
  { reason, now }: Why,
): Promise<KnownVeto> {
  if (actor.subject !== null) speaking(actor, [veto.country], 'end a veto')
  if (!(await endVeto(db, veto.id, { by: actor.id, reason, now }))) {
    throw new AppError('conflict', { detail: 'It has ended already.' })
  }
  return (await readVetoes(db, veto.id, 1))[0] as KnownVeto
}

/** Opts an organization or a country out of the baseline. @throws forbidden, unprocessable, conflict */
export async function optOut(
  db: Database,
  topology: Topology,
  actor: Actor,
  who: string,
  { reason, now }: Why,
): Promise<OptOut> {
  if (actor.subject !== null) speaking(actor, [who], 'opt out')
  knownSide(topology, who, '/who')
  if (!(await addOptOut(db, who, { by: actor.id, reason, now }))) {
    throw new AppError('conflict', { detail: `${who} has opted out already.` })
  }
  return (await readOptOuts(db, [who]))[0] as OptOut
}

/** @throws notFound for others than the actor's own, and when it has not opted out; forbidden */
export async function optIn(db: Database, actor: Actor, who: string, { reason, now }: Why): Promise<OptOut> {
  if (actor.parties !== null && !actor.parties.includes(who)) throw new AppError('notFound')
  const [standing] = await readOptOuts(db, [who])
  if (!standing) throw new AppError('notFound')
  if (actor.subject !== null) speaking(actor, [who], 'end an opt-out')
  await endOptOut(db, who, { by: actor.id, reason, now })
  return standing
}
