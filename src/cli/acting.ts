/** How commands change agreements, vetoes and opt-outs: as a principal or as the operator, each in one transaction. */
import { userInfo } from 'node:os'
import { AppError, Refusal } from '../errors.ts'
import { isTlp, TLPS, type Tlp, type Topology } from '../policy/model.ts'
import { type Actor, actorOf, operatorFor, REASON } from '../sharing/acting.ts'
import { takeTurn } from '../store/agreements.ts'
import { overClient } from '../store/client.ts'
import type { Database } from '../store/pool.ts'
import { readTopology } from '../store/topology-read.ts'
import { type Micros, systemClock } from '../time.ts'
import { type CliContext, EXIT } from './context.ts'
import { didYouMean } from './near.ts'
import { readDate } from './tree-reader.ts'

/** Who acts: a principal, or the operator for the sides that it names. */
export interface As {
  as?: string | undefined
  for?: string[] | undefined
}

export interface Turn {
  db: Database
  topology: Topology
  actor: Actor
  now: Micros
}

/** Runs a command's work in the transaction whose turn it is; what the rules refuse becomes a sentence. */
export async function inTurn<T>(context: CliContext, as: As, work: (turn: Turn) => Promise<T>): Promise<T> {
  return await context.withOwner(async (client) => {
    const db = overClient(client)
    await client.query('begin')
    try {
      await takeTurn(db, null)
      const topology = await readTopology(db)
      const result = await work({ db, topology, actor: whoActs(topology, as), now: systemClock.now() })
      await client.query('commit')
      return result
    } catch (error) {
      await client.query('rollback').catch(() => {})
      throw error instanceof AppError && error.status < 500 ? refusal(error) : error
    }
  })
}

function refusal(error: AppError): Refusal {
  const found = error.code === 'notFound' ? 'There is no such thing, or it is none of theirs.' : error.detail
  return new Refusal(found ?? error.title, EXIT.failed)
}

function whoActs(topology: Topology, as: As): Actor {
  if (as.as === undefined) return operatorFor(operator(), as.for ?? [])
  if (as.for) throw usage('--for is for the operator: a principal speaks for its own')
  const principal = topology.principals.get(as.as)
  if (!principal) {
    throw usage(`there is no principal "${as.as}"${didYouMean(as.as, topology.principals.keys())}`)
  }
  const organization = topology.organizations.get(principal.organization)
  if (!principal.active || !organization) throw usage(`the principal ${as.as} is not active`)
  return actorOf({ principal, organization, cap: null })
}

/** The name of the person at the terminal, for the audit. */
export function operator(): string {
  try {
    return userInfo().username
  } catch {
    // A container's user may have no name.
    return String(process.getuid?.() ?? 'unknown')
  }
}

export function usage(sentence: string): Refusal {
  return new Refusal(`${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.`, EXIT.usage)
}

export function reasonOf(text: string): string {
  const reason = text.trim()
  if (reason === '' || reason.length > REASON || /[\p{Cc}\p{Cs}]/u.test(reason))
    throw usage(`--reason takes 1 to ${REASON} characters in one line`)
  return reason
}

export function levelOf(text: string, option: string): Tlp {
  const level = text
    .toLowerCase()
    .replace(/^tlp:/, '')
    .replace(/^white$/, 'clear')
  if (!isTlp(level)) throw usage(`${option} takes one of ${TLPS.join(', ')}`)
  return level
}

export function dateOf(text: string | undefined, option: string): Micros | null {
  if (text === undefined) return null
  const at = readDate(text)
  if (at === null) throw usage(`${option} takes a date (2027-01-01) or a time (2027-01-01T00:00:00Z)`)
  return at
}

export function idOf(text: string, what: string): string {
  const id = text.toLowerCase()
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) {
    throw usage(`${text} is no id of ${what}, such as the list shows`)
  }
  return id
}
