/** `comity quarantine list | map | unmap`: what an operator decides on markings that hold objects (policy.md §2). */
import { Refusal } from '../errors.ts'
import { isTlp, TLPS, type Tlp } from '../policy/model.ts'
import { isIdOf, TLP_BY_ID } from '../stix/index.ts'
import { overClient } from '../store/client.ts'
import type { Database } from '../store/pool.ts'
import { decideMarking, listQuarantined, undecideMarking } from '../store/quarantined.ts'
import { audit } from '../store/write-items.ts'
import { systemClock } from '../time.ts'
import { operator, reasonOf } from './acting.ts'
import { type CliContext, EXIT } from './context.ts'
import { table } from './table.ts'

/** Labels anew what is due; without it, the nodes that serve do so. */
export type LabelDue = () => Promise<void>

const SHOWN = 1000

/** Markings, and counts of the objects that they hold or that a decision released; never content. */
export async function listQuarantine(context: CliContext): Promise<number> {
  const rows = await context.withOwner(async (client) => await listQuarantined(overClient(client), SHOWN + 1))
  if (rows.length === 0) {
    context.err('no marking holds an object, and none is mapped')
    return EXIT.ok
  }
  const head = ['MARKING', 'MAPPED TO', 'COLLECTION', 'ORGANIZATION', 'HELD', 'RELEASED']
  const body = rows
    .slice(0, SHOWN)
    .map((r) => [
      r.marking,
      r.decided === null ? '-' : r.decided === 'statement' ? 'statement' : `tlp:${r.decided}`,
      r.collection,
      r.organization,
      String(r.held),
      String(r.released),
    ])
  for (const line of table([head, ...body])) context.out(line)
  if (rows.length > SHOWN) context.err(`only the first ${SHOWN} lines are shown`)
  return EXIT.ok
}

/** Objects with this marking are labelled as if it were that level, or a statement, from the next statement on. */
export async function mapMarking(
  context: CliContext,
  command: { marking: string; as: string; reason: string },
  labelDue?: LabelDue,
): Promise<number> {
  const marking = markingId(command.marking)
  const decided = meaning(command.as)
  const reason = reasonOf(command.reason)
  const objects = await act(context, 'marking-mapped', { marking, decided, reason }, async (db, by, at) =>
    decideMarking(db, { marking, decided, by, reason, at }),
  )
  context.err(
    `${marking} counts as ${decided === 'statement' ? decided : `tlp:${decided}`}: ${count(objects)} to label anew`,
  )
  return await finish(context, objects, labelDue)
}

/** What the decision released goes back to its originator. */
export async function unmapMarking(
  context: CliContext,
  command: { marking: string; reason: string },
  labelDue?: LabelDue,
): Promise<number> {
  const marking = markingId(command.marking)
  const reason = reasonOf(command.reason)
  const objects = await act(context, 'marking-unmapped', { marking, reason }, async (db) => {
    const gone = await undecideMarking(db, marking)
    if (!gone) throw new Refusal(`${marking} is not mapped: see comity quarantine list.`)
    return gone.objects
  })
  context.err(`${marking} is not mapped any more: ${count(objects)} to label anew`)
  return await finish(context, objects, labelDue)
}

const count = (objects: number) => (objects === 1 ? '1 object' : `${objects} objects`)

/** The decision and its record, in one transaction. */
async function act(
  context: CliContext,
  action: string,
  detail: object,
  work: (db: Database, by: string, at: bigint) => Promise<number>,
): Promise<number> {
  const by = `operator ${operator()}`
  const at = systemClock.now()
  return await context.withOwner(async (client) => {
    const db = overClient(client)
    await client.query('begin')
    try {
      const objects = await work(db, by, at)
      await audit(db, at, by, action, { ...detail, objects })
      await client.query('commit')
      return objects
    } catch (error) {
      await client.query('rollback')
      throw error
    }
  })
}

async function finish(context: CliContext, objects: number, labelDue?: LabelDue): Promise<number> {
  if (objects === 0) return EXIT.ok
  if (labelDue) await labelDue()
  context.err(labelDue ? 'done' : 'the servers label them now')
  return EXIT.ok
}

function markingId(text: string): string {
  if (!isIdOf('marking-definition', text))
    throw usage(`${text} is no id of a marking-definition, such as comity quarantine list shows`)
  if (TLP_BY_ID.has(text.toLowerCase())) throw usage(`${text} is a TLP marking: its level is fixed`)
  return text
}

function meaning(text: string): Tlp | 'statement' {
  const word = text
    .toLowerCase()
    .replace(/^tlp:/, '')
    .replace(/^white$/, 'clear')
  if (word === 'statement' || isTlp(word)) return word
  throw usage(`--as takes ${TLPS.map((level) => `tlp:${level}`).join(', ')} or statement`)
}

function usage(sentence: string): Refusal {
  return new Refusal(`${sentence}.`, EXIT.usage)
}
