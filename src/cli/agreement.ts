/** `comity agreement list | propose | sign | end`: as a custodian, or as the operator for the sides that it names. */
import { end, findAgreement, inForce, propose, sign } from '../sharing/agreements.ts'
import { agreementWords, endWords } from '../sharing/words.ts'
import { type KnownAgreement, readAgreements } from '../store/agreements.ts'
import { formatMicros, type Micros } from '../time.ts'
import { type As, dateOf, idOf, inTurn, levelOf, reasonOf, usage } from './acting.ts'
import { type CliContext, EXIT } from './context.ts'
import { table } from './table.ts'

export interface Propose extends As {
  from: string
  to: string
  maxTlp: string
  recipients?: string
  clients?: boolean
  validFrom?: string
  validUntil?: string
  reason: string
}

const PAGE = 1000
const day = (at: Micros | null, none: string) => (at === null ? none : `${formatMicros(at).slice(0, 16)}Z`)

/** All agreements, or those of a principal's organization and country. */
export async function listAgreementsCommand(
  context: CliContext,
  command: As & { json?: boolean },
): Promise<number> {
  const { agreements, now } = await inTurn(context, command, async ({ db, actor, now }) => {
    const found = await readAgreements(db, actor.parties, 0n, PAGE)
    for (let last = found.at(-1); last && found.length % PAGE === 0; last = found.at(-1)) {
      const more = await readAgreements(db, actor.parties, last.seq, PAGE)
      if (more.length === 0) break
      found.push(...more)
    }
    return { agreements: found, now }
  })
  const state = (a: Omit<KnownAgreement, 'seq'>) => {
    if (a.ended) return 'ended'
    if (![a.source, a.target].every((side) => a.signed.includes(side))) return 'draft'
    return inForce(a, now) ? 'in force' : 'not its time'
  }
  if (command.json) {
    const plain = (_: string, value: unknown) => (typeof value === 'bigint' ? formatMicros(value) : value)
    for (const { seq: _, ...a } of agreements) {
      context.out(JSON.stringify({ ...a, state: state(a) }, plain))
    }
    return EXIT.ok
  }
  if (agreements.length === 0) {
    context.err('no agreements')
    return EXIT.ok
  }
  const head = [
    'ID',
    'FROM',
    'TO',
    'MAX TLP',
    'RECIPIENTS',
    'CLIENTS',
    'SIGNED',
    'FROM WHEN',
    'UNTIL',
    'STATE',
    'MADE BY',
  ]
  const rows = agreements.map((a) => [
    a.id,
    a.source,
    a.target,
    a.maxTlp,
    a.recipients,
    a.clients ? 'yes' : 'no',
    a.signed.join(',') || '-',
    day(a.validFrom, '-'),
    day(a.validUntil, '-'),
    state(a),
    a.declared ? 'file' : a.proposedBy,
  ])
  for (const line of table([head, ...rows])) context.out(line)
  return EXIT.ok
}

/** A principal signs for its side at once; the operator for those that `--for` names. */
export async function proposeCommand(context: CliContext, command: Propose): Promise<number> {
  const recipients = command.recipients ?? 'all'
  if (recipients !== 'all' && recipients !== 'national-cert') {
    throw usage('--recipients takes all or national-cert')
  }
  const reason = reasonOf(command.reason)
  const terms = {
    source: command.from,
    target: command.to,
    maxTlp: levelOf(command.maxTlp, '--max-tlp'),
    recipients: recipients as 'all' | 'national-cert',
    clients: command.clients ?? false,
    validFrom: dateOf(command.validFrom, '--valid-from'),
    validUntil: dateOf(command.validUntil, '--valid-until'),
  }
  for (const side of command.for ?? []) {
    if (side !== command.from && side !== command.to)
      throw usage(`--for takes ${command.from} or ${command.to}`)
  }
  const { made, words } = await inTurn(context, command, async ({ db, topology, actor, now }) => {
    const made = await propose(db, topology, actor, terms, { reason, now })
    return { made, words: agreementWords(topology, made, now) }
  })
  context.out(made.id)
  context.err(words)
  return EXIT.ok
}

export async function signCommand(
  context: CliContext,
  command: As & { agreement: string; reason: string },
): Promise<number> {
  const id = idOf(command.agreement, 'an agreement')
  const reason = reasonOf(command.reason)
  context.err(
    await inTurn(context, command, async ({ db, topology, actor, now }) =>
      agreementWords(topology, await sign(db, actor, id, { reason, now }), now),
    ),
  )
  return EXIT.ok
}

export async function endCommand(
  context: CliContext,
  command: As & { agreement: string; reason: string },
): Promise<number> {
  const id = idOf(command.agreement, 'an agreement')
  const reason = reasonOf(command.reason)
  const { declared, words } = await inTurn(context, command, async ({ db, topology, actor, now }) => {
    const before = await findAgreement(db, actor, id)
    await end(db, actor, id, { reason, now })
    return { declared: before.declared, words: endWords(topology, before) }
  })
  context.err(words)
  if (declared) context.err('It came from a topology file: take it out there too. It stays ended until then.')
  return EXIT.ok
}
