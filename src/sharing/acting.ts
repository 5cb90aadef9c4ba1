/** Who may act for which side of an agreement, a veto or an opt-out (policy.md §1, §4); and in which transaction. */
import { AppError } from '../errors.ts'
import { type Caller, NO_COUNTRY, type Subject, type Topology } from '../policy/model.ts'
import { takeTurn } from '../store/agreements.ts'
import type { Database } from '../store/pool.ts'
import { StaleWorld } from '../store/session.ts'
import type { Exchange } from '../taxii/exchange.ts'
import type { Micros } from '../time.ts'

/** Longest reason. */
export const REASON = 1000

/** Who acts. */
export interface Actor {
  /** What the audit calls it: a principal's id, or `operator` and a name. */
  id: string
  /** Organizations and countries whose matters it may see; null: the operator sees all. */
  parties: readonly string[] | null
  /** Organizations and countries that it may speak for. */
  speaksFor: readonly string[]
  subject: Subject | null
}

/** Its organization and its country: the sides whose agreements are its own as well. */
function partiesOf({ organization }: Subject): string[] {
  return organization.country === NO_COUNTRY ? [organization.id] : [organization.id, organization.country]
}

/** A custodian signs for its organization; one of a national CERT for its country as well. */
export function actorOf(subject: Subject): Actor {
  const { principal, organization } = subject
  const parties = partiesOf(subject)
  const custodian = principal.custodian && principal.kind === 'person'
  const speaksFor = !custodian ? [] : organization.kind === 'national-cert' ? parties : [organization.id]
  return { id: principal.id, parties, speaksFor, subject }
}

/** The caller of a request. A token that is weaker than its owner in what it reads does not sign what widens. */
export function callerOf({ subject, token }: Caller & { subject: Subject }): Actor {
  const actor = actorOf(subject)
  return token?.maxTlp || token?.collections ? { ...actor, speaksFor: [] } : actor
}

/** The operator, who speaks for the sides that it names. */
export function operatorFor(name: string, sides: readonly string[]): Actor {
  return { id: `operator ${name}`, parties: null, speaksFor: sides, subject: null }
}

/** @throws forbidden unless the actor speaks for one of these; @returns those that it speaks for */
export function speaking(actor: Actor, sides: readonly string[], act: string): string[] {
  const own = [...new Set(sides)].filter((side) => actor.speaksFor.includes(side))
  if (own.length > 0) return own
  const detail =
    actor.subject === null
      ? `Say for whom you ${act}.`
      : `Only a custodian may ${act}: of the organization, or of the national CERT for its country.`
  throw new AppError('forbidden', { detail })
}

/** Is there such a country or organization? @throws unprocessable */
export function knownSide(topology: Topology, side: string, path: string): void {
  if (side !== NO_COUNTRY && (topology.countries.has(side) || topology.organizations.has(side))) return
  throw refused(path, 'names no country or organization of this exchange')
}

export function refused(path: string, message: string): AppError {
  return new AppError('unprocessable', {
    detail: `${path} ${message}.`,
    problems: [{ path, message }],
  })
}

/** @throws unprocessable unless the time that something is in force has a length */
export function checkTimes(from: Micros | null, until: Micros | null, now: Micros): void {
  if (until !== null && until <= (from ?? now)) {
    throw refused('/valid_until', 'must be later than valid_from, and than now')
  }
}

/** Runs a change in the transaction whose turn it is, in the topology that the caller's rights were read from. */
export async function changing<T>(
  exchange: Exchange,
  work: (db: Database, now: Micros) => Promise<T>,
): Promise<T> {
  const { epoch } = exchange.world
  return await exchange.pool.transaction(async (db) => {
    if (!(await takeTurn(db, epoch))) throw new StaleWorld()
    return await work(db, exchange.clock.now())
  })
}
