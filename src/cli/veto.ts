/** `comity veto list | add | end` and `comity opt-out list | add | end`: as a custodian, or as the operator. */
import { AppError } from '../errors.ts'
import { lift, optIn, optOut, speak } from '../sharing/vetoes.ts'
import { optInWords, optOutWords, vetoEndWords, vetoWords } from '../sharing/words.ts'
import { type KnownVeto, readOptOuts, readVetoes } from '../store/vetoes.ts'
import { formatMicros, type Micros } from '../time.ts'
import { type As, dateOf, idOf, inTurn, levelOf, reasonOf, usage } from './acting.ts'
import { type CliContext, EXIT } from './context.ts'
import type { LabelDue } from './quarantine.ts'
import { table } from './table.ts'

export interface AddVeto extends As {
  /** The national CERT; a principal speaks for its own. */
  by?: string
  to?: string[]
  level?: string
  named?: string
  validFrom?: string
  validUntil?: string
  reason: string
}

const MOST = 10_000
const NAMED = /^[a-z0-9-]{1,250}--[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const day = (at: Micros | null, none: string) => (at === null ? none : `${formatMicros(at).slice(0, 16)}Z`)

/** All vetoes, or those of a principal's country. */
export async function listVetoesCommand(context: CliContext, command: As): Promise<number> {
  const { vetoes, now } = await inTurn(context, command, async ({ db, actor, now }) => {
    const all = await readVetoes(db, null, MOST)
    return { vetoes: all.filter((v) => actor.parties?.includes(v.country) ?? true), now }
  })
  if (vetoes.length === 0) {
    context.err('no vetoes')
    return EXIT.ok
  }
  const state = (v: KnownVeto) => {
    if (v.ended) return 'ended'
    return now >= (v.validFrom ?? 0n) && (v.validUntil === null || now < v.validUntil)
      ? 'in force'
      : 'not its time'
  }
  const head = [
    'ID',
    'COUNTRY',
    'BY',
    'TO',
    'FROM LEVEL',
    'NAMES',
    'FROM WHEN',
    'UNTIL',
    'STATE',
    'MADE BY',
    'REASON',
  ]
  const rows = vetoes.map((v) => [
    v.id,
    v.country,
    v.by,
    v.to?.join(',') ?? 'all',
    v.level ?? 'any',
    v.named ?? '-',
    day(v.validFrom, '-'),
    day(v.validUntil, '-'),
    state(v),
    v.declared ? 'file' : v.spokenBy,
    v.reason.length > 60 ? `${v.reason.slice(0, 57)}...` : v.reason,
  ])
  for (const line of table([head, ...rows])) context.out(line)
  return EXIT.ok
}

export async function addVetoCommand(
  context: CliContext,
  command: AddVeto,
  labelDue?: LabelDue,
): Promise<number> {
  const reason = reasonOf(command.reason)
  const named = command.named ?? null
  if (named !== null && !NAMED.test(named))
    throw usage('--named takes the id of an object or of a marking-definition')
  const what = {
    to: command.to ? [...new Set(command.to)].sort() : null,
    level: command.level === undefined ? null : levelOf(command.level, '--level'),
    named,
    validFrom: dateOf(command.validFrom, '--valid-from'),
    validUntil: dateOf(command.validUntil, '--valid-until'),
  }
  const { made, words } = await inTurn(context, command, async ({ db, topology, actor, now }) => {
    const cert = actor.subject?.organization.id ?? command.by
    if (cert === undefined) throw usage('--by names the national CERT that speaks, or --as its custodian')
    const made = await speak(db, topology, actor, cert, what, { reason, now })
    return { made, words: vetoWords(made, now) }
  })
  context.out(made.id)
  context.err(words)
  if (named !== null && labelDue) await labelDue()
  return EXIT.ok
}

export async function endVetoCommand(
  context: CliContext,
  command: As & { veto: string; reason: string },
): Promise<number> {
  const id = idOf(command.veto, 'a veto')
  const reason = reasonOf(command.reason)
  const veto = await inTurn(context, command, async ({ db, actor, now }) => {
    const [found] = await readVetoes(db, id, 1)
    if (!found || actor.parties?.includes(found.country) === false) throw new AppError('notFound')
    return await lift(db, actor, found, { reason, now })
  })
  context.err(vetoEndWords(veto))
  if (veto.declared)
    context.err('It came from a topology file: take it out there too. It stays ended until then.')
  return EXIT.ok
}

export async function listOptOutsCommand(context: CliContext, command: As): Promise<number> {
  const outs = await inTurn(context, command, async ({ db, actor }) => readOptOuts(db, actor.parties))
  if (outs.length === 0) {
    context.err('nobody has opted out')
    return EXIT.ok
  }
  const rows = outs.map((o) => [o.who, day(o.at, '-'), o.declared ? 'file' : o.by, o.reason])
  for (const line of table([['WHO', 'SINCE', 'MADE BY', 'REASON'], ...rows])) context.out(line)
  return EXIT.ok
}

export async function addOptOutCommand(
  context: CliContext,
  command: As & { who: string; reason: string },
): Promise<number> {
  const reason = reasonOf(command.reason)
  await inTurn(context, command, async ({ db, topology, actor, now }) =>
    optOut(db, topology, actor, command.who, { reason, now }),
  )
  context.err(optOutWords(command.who))
  return EXIT.ok
}

export async function endOptOutCommand(
  context: CliContext,
  command: As & { who: string; reason: string },
): Promise<number> {
  const reason = reasonOf(command.reason)
  const out = await inTurn(context, command, async ({ db, actor, now }) =>
    optIn(db, actor, command.who, { reason, now }),
  )
  context.err(optInWords(command.who))
  if (out.declared)
    context.err('It came from a topology file: take it out there too. It stays ended until then.')
  return EXIT.ok
}
