/** Before a collection's log is locked: objects are checked and labelled, and their audiences interned. */
import { audienceOf, definitionsNeeded, type Labelled, labelsOf } from '../policy/label.ts'
import type { AudienceRecord, Collection, Subject, World } from '../policy/model.ts'
import { namedFor } from '../policy/veto.ts'
import {
  checkObject,
  type Finding,
  isStandardRepost,
  isTimestamp,
  isTolerated,
  kindOfDefinition,
  type Member,
  STANDARD_DEFINITIONS,
  type StixObject,
} from '../stix/index.ts'
import { assume, type Reader } from '../store/session.ts'
import { readDefinitions } from '../store/write-items.ts'
import { formatMicros, type Micros } from '../time.ts'
import type { Exchange } from './exchange.ts'
import { failure, named, type Outcome, success } from './outcome.ts'
import { inTurns, type Work, workOf } from './turn.ts'

/** Who writes, and where. */
export interface Writer {
  subject: Subject
  collection: Collection
  /** May it read the collection? If not, it sees only what it submitted itself (policy.md §9). */
  canRead: boolean
}

/** An object that may be stored, with the audience of its markings. */
export interface Candidate {
  object: StixObject
  labelled: Extract<Labelled, { ok: true }>
  /** Place in the envelope. */
  index: number
  marks: AudienceRecord
  marksId: number
  heldUntil: Micros | null
}

/** What the members of one request came to. */
export interface Prepared {
  candidates: Candidate[]
  outcomes: (Outcome | undefined)[]
  requested: Micros
}

/** Validates and labels members; needs no lock. @param requested the request's time, the version of the unreadable */
export async function prepareObjects(
  exchange: Exchange,
  writer: Writer,
  members: readonly Member[],
  requested: Micros,
  work: Work = workOf(members.reduce((bytes, { text }) => bytes + text.length, 0)),
): Promise<Prepared> {
  const { collection, subject } = writer
  const { objectLimits } = exchange.config
  const specs = collection.stix.map((v) => (v === '2.0' ? 20 : 21) as 20 | 21)
  const options = {
    specs,
    limits: { depth: objectLimits.depth, objectBytes: objectLimits.bytes, idLength: 400 },
  }
  const outcomes: Prepared['outcomes'] = []
  const checked: { object: StixObject; index: number; tolerated: readonly Finding[] }[] = []
  const checkOne = (member: Member, index: number): void => {
    const standard = member.problems.length > 0 ? null : isStandardRepost(member.value)
    if (standard !== null) {
      outcomes[index] = reposted(member.value, standard, requested)
      return
    }
    const { object, findings, label } = checkObject(member, options)
    const errors = findings.filter(
      (f) => f.severity === 'error' || (collection.strict && f.severity === 'warning'),
    )
    if (object && errors.length === 0) {
      checked.push({ object, index, tolerated: findings.filter(isTolerated) })
      return
    }
    const shown = errors.slice(0, 5).map((f) => f.message)
    if (errors.length > shown.length) shown.push(`And ${errors.length - shown.length} more.`)
    outcomes[index] = failure(
      { id: label.id ?? `objects[${member.index}]`, version: label.version ?? formatMicros(requested) },
      shown.join(' '),
    )
  }
  await eachInTurns(work, members, checkOne)
  const stored = await definitions(exchange, writer, checked)
  const marked: (Omit<Candidate, 'marks' | 'marksId'> & { record: AudienceRecord })[] = []
  await eachInTurns(work, checked, ({ object, index, tolerated }) => {
    const judged = labelOne(object, writer, stored, exchange.world)
    if (!judged.ok) {
      outcomes[index] = failure(named(object, requested), judged.problem)
      return
    }
    const notes = notesOn(judged, tolerated)
    const labelled = notes.length === 0 ? judged : { ...judged, warnings: [...notes, ...judged.warnings] }
    if (object.type === 'marking-definition' && !stored.has(object.id)) stored.set(object.id, object.value)
    const { principal, organization } = subject
    const { record, heldUntil } = audienceOf(labelled.labels, principal.id, organization.id, requested)
    marked.push({ object, labelled, index, heldUntil, record })
  })
  const candidates: Prepared['candidates'] = []
  for (const { record, ...one } of marked) candidates.push({ ...one, ...(await exchange.shared(record)) })
  return { candidates, outcomes, requested }
}

/** What the status says of an object that is stored, besides what its markings give reason to say. */
function notesOn({ labels, quarantined }: Candidate['labelled'], tolerated: readonly Finding[]): string[] {
  const notes = tolerated.map(
    ({ message }) => `stored although STIX forbids it: ${message.replace(/\.$/, '')}`,
  )
  if (!quarantined && labels.every(({ level }) => level === 'unmarked')) notes.push(UNMARKED)
  return notes
}

/** What most who ask why a partner sees nothing have overlooked (policy.md §2). */
const UNMARKED = 'it is not marked, so only your organization reads it'

/** Does one after the other in turns of its own; what has to be waited for otherwise is not part of it. */
async function eachInTurns<T>(
  work: Work,
  list: readonly T[],
  step: (one: T, index: number) => void,
): Promise<void> {
  await inTurns(work, async (pause) => {
    for (const [index, one] of list.entries()) {
      const wait = pause()
      if (wait) await wait
      step(one, index)
    }
  })
}

/** A standard TLP definition, sent again: it is everywhere already, and its content is fixed (policy.md §2). */
function reposted(value: Record<string, unknown>, same: boolean, requested: Micros): Outcome {
  const id = String(value.id)
  const stored = STANDARD_DEFINITIONS.find((definition) => definition.id === id)?.created
  if (same && stored !== undefined) return success({ id, version: stored, message: 'already present' })
  const version = isTimestamp(value.created) ? value.created : formatMicros(requested)
  return failure(
    { id, version },
    'this id belongs to a standard TLP marking-definition, whose content is fixed: send it unchanged or not at all',
  )
}

/** Labels of one object, from its own markings. @param stored definitions as `readMarkings` finds them */
export function labelOne(
  object: Pick<StixObject, 'type' | 'value'>,
  { subject, collection }: Writer,
  stored: ReadonlyMap<string, Record<string, unknown>>,
  { topology, decisions }: Pick<World, 'topology' | 'decisions'>,
): Labelled {
  if (object.type === 'marking-definition') {
    const kind = kindOfDefinition(object.value)
    if (kind === 'tlp-claim') {
      return {
        ok: false,
        problem:
          'this marking-definition claims TLP under an id that is none of the standard ones: refer to the standard TLP definitions instead',
      }
    }
  }
  const org = subject.organization.id
  const rules = { ...collection, named: namedFor(topology, org) }
  return labelsOf(object.value, org, rules, (id) => stored.get(id), decisions)
}

/** The marking-definitions that these objects refer to and that are stored where the writer may read them. */
async function definitions(
  exchange: Exchange,
  writer: Writer,
  checked: readonly { object: StixObject }[],
): Promise<Map<string, Record<string, unknown>>> {
  return await readMarkings(
    exchange,
    writer,
    new Set(checked.flatMap(({ object }) => definitionsNeeded(object.value))),
  )
}

/** Marking-definitions by id, as the writer may read them. @param reader as whom; without its token's cap if not given */
export async function readMarkings(
  exchange: Exchange,
  writer: Writer,
  needed: ReadonlySet<string>,
  reader: Reader = uncapped(exchange, writer),
): Promise<Map<string, Record<string, unknown>>> {
  const found = new Map<string, Record<string, unknown>>()
  if (needed.size === 0) return found
  const rows = await exchange.pool.transaction(async (db) => {
    await assume(db, reader)
    return await readDefinitions(db, reader.scope, writer.collection.seq, [...needed], ownOnly(writer))
  })
  for (const row of rows) found.set(row.object_id, JSON.parse(row.body) as Record<string, unknown>)
  return found
}

/** The writer as its principal, without its token's cap (policy.md §9). */
export function uncapped(exchange: Exchange, { subject }: Writer): Reader {
  return exchange.reader({ id: subject.principal.id, subject, token: null }, false)
}

/** Whose copies a writer sees: its own only, when it may not read the collection; null = all visible ones. */
export const ownOnly = (writer: Writer) => (writer.canRead ? null : writer.subject.principal.id)
