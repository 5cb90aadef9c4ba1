/** Agreements by their parties: propose, sign, end (policy.md §4). Who is no party learns nothing of them. */
import { AppError } from '../errors.ts'
import type { Topology } from '../policy/model.ts'
import {
  type Act,
  countDrafts,
  endAgreement,
  type KnownAgreement,
  proposeAgreement,
  readAgreement,
  signAgreement,
  type Terms,
} from '../store/agreements.ts'
import type { Database } from '../store/pool.ts'
import type { Micros } from '../time.ts'
import { type Actor, checkTimes, knownSide, refused, speaking } from './acting.ts'

/** Most drafts that wait for the other side, per proposing side. */
const DRAFTS = 200

/** @throws notFound for who is no party */
export async function findAgreement(db: Database, actor: Actor, id: string): Promise<KnownAgreement> {
  const found = await readAgreement(db, actor.parties, id)
  if (!found) throw new AppError('notFound')
  return found
}

/** Have both sides signed, and is it its time? */
export function inForce(agreement: Omit<KnownAgreement, 'seq'>, now: Micros): boolean {
  const { source, target, signed, validFrom, validUntil, ended } = agreement
  return (
    ended === null &&
    signed.includes(source) &&
    signed.includes(target) &&
    (validFrom === null || now >= validFrom) &&
    (validUntil === null || now < validUntil)
  )
}

/** Proposes terms; the sides that the actor speaks for sign at once. */
export async function propose(
  db: Database,
  topology: Topology,
  actor: Actor,
  terms: Terms,
  { reason, now }: Pick<Act, 'reason' | 'now'>,
): Promise<KnownAgreement> {
  const sides = [terms.source, terms.target]
  const own =
    actor.subject === null
      ? sides.filter((s) => actor.speaksFor.includes(s))
      : speaking(actor, sides, 'propose')
  for (const [side, path] of [
    [terms.source, '/from'],
    [terms.target, '/to'],
  ] as const)
    knownSide(topology, side, path)
  if (terms.source === terms.target && topology.organizations.has(terms.source)) {
    throw refused('/to', 'is the same organization as from')
  }
  checkTimes(terms.validFrom, terms.validUntil, now)
  if (actor.subject !== null && (await countDrafts(db, own)) >= DRAFTS) {
    throw new AppError('conflict', {
      detail: `${DRAFTS} of your proposals wait for the other side: end some of them.`,
    })
  }
  const id = await proposeAgreement(db, terms, own, { by: actor.id, reason, now })
  return await findAgreement(db, actor, id)
}

/** @throws notFound, forbidden, or conflict when there is nothing to sign */
export async function sign(
  db: Database,
  actor: Actor,
  id: string,
  { reason, now }: Pick<Act, 'reason' | 'now'>,
): Promise<KnownAgreement> {
  const { source, target, ended, signed } = await findAgreement(db, actor, id)
  const own = speaking(actor, [source, target], 'sign')
  if (ended) throw new AppError('conflict', { detail: 'It has ended: propose a new one.' })
  const open = own.filter((side) => !signed.includes(side))
  if (!(await signAgreement(db, id, open, { by: actor.id, reason, now }))) {
    throw new AppError('conflict', { detail: `${own.join(' and ')} has signed it already.` })
  }
  return await findAgreement(db, actor, id)
}

/** Either side ends it at once; a draft is withdrawn or refused so. @throws notFound, forbidden, conflict */
export async function end(
  db: Database,
  actor: Actor,
  id: string,
  { reason, now }: Pick<Act, 'reason' | 'now'>,
): Promise<KnownAgreement> {
  const { source, target } = await findAgreement(db, actor, id)
  if (actor.subject !== null) speaking(actor, [source, target], 'end it')
  if (!(await endAgreement(db, id, { by: actor.id, reason, now }))) {
    throw new AppError('conflict', { detail: 'It has ended already.' })
  }
  return await findAgreement(db, actor, id)
}
