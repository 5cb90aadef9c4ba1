/** One batch of objects into a collection: checked, labelled, compared with what the writer can see, appended. */
import { audienceOf, definitionsNeeded, type Labelled, labelsOf } from '../policy/label.ts'
import type { Collection, Subject } from '../policy/model.ts'
import {
  checkObject,
  isStandardRepost,
  kindOfDefinition,
  type Member,
  type StixObject,
} from '../stix/index.ts'
import type { Database } from '../store/pool.ts'
import { assume, lockAndAssume, type Reader } from '../store/session.ts'
import type { Batch } from '../store/statuses.ts'
import {
  appendItems,
  audit,
  type NewItem,
  readDefinitions,
  readStored,
  type Stored,
} from '../store/write-items.ts'
import { formatMicros, type Micros } from '../time.ts'
import type { Exchange } from './exchange.ts'

/** Who writes, and where. */
export interface Writer {
  subject: Subject
  collection: Collection
  /** May it read the collection? If not, it sees only what it submitted itself (policy.md §9). */
  canRead: boolean
}

/** What became of one object. */
interface Detail {
  id: string
  version: string
  message?: string
}

interface Outcome {
  detail: Detail
  failed: boolean
  /** Index among the appended ones; its version is known after the append. */
  appended?: number
}

interface Candidate {
  object: StixObject
  labelled: Extract<Labelled, { ok: true }>
  index: number
}

/** Checks and labels are made before the log is locked; this is what they came to. */
export interface Prepared {
  candidates: (Candidate & { label: number; heldUntil: Micros | null })[]
  outcomes: (Outcome | undefined)[]
  requested: Micros
}

/** Validates and labels members; needs no lock. @param requested the request's time, the version of the unreadable */
export async function prepareObjects(
  exchange: Exchange,
  writer: Writer,
  members: readonly Member[],
  requested: Micros,
): Promise<Prepared> {
  const { collection, subject } = writer
  const { objectLimits } = exchange.config
  const specs = collection.stix.map((v) => (v === '2.0' ? 20 : 21) as 20 | 21)
  const options = {
    specs,
    limits: { depth: objectLimits.depth, objectBytes: objectLimits.bytes, idLength: 400 },
  }
  const outcomes: Prepared['outcomes'] = []
  const checked: { object: StixObject; index: number }[] = []
  members.forEach((member, index) => {
    const standard = isStandardRepost(member.value)
    if (standard !== null) {
      outcomes[index] = reposted(member.value, standard, requested)
      return
    }
    const { object, findings, label } = checkObject(member, options)
    const errors = findings.filter(
      (f) => f.severity === 'error' || (collection.strict && f.severity === 'warning'),
    )
    if (object && errors.length === 0) {
      checked.push({ object, index })
      return
    }
    const shown = errors.slice(0, 5).map((f) => f.message)
    if (errors.length > shown.length) shown.push(`and ${errors.length - shown.length} more`)
    outcomes[index] = failure(
      { id: label.id ?? `objects[${member.index}]`, version: label.version ?? formatMicros(requested) },
      shown.join('; '),
    )
  })
  const stored = await definitions(exchange, writer, checked)
  const candidates: Prepared['candidates'] = []
  for (const { object, index } of checked) {
    const labelled = labelOne(object, writer, stored)
    if (!labelled.ok) {
      outcomes[index] = failure(named(object, requested), labelled.problem)
      continue
    }
    if (object.type === 'marking-definition' && !stored.has(object.id)) stored.set(object.id, object.value)
    const { record, heldUntil } = audienceOf(labelled.labels, subject.principal.id, requested)
    candidates.push({ object, labelled, index, heldUntil, label: await exchange.intern(record) })
  }
  return { candidates, outcomes, requested }
}

/** A standard TLP definition, sent again: it is everywhere already, and its content is fixed (policy.md §2). */
function reposted(value: Record<string, unknown>, same: boolean, requested: Micros): Outcome {
  const version = typeof value.created === 'string' ? value.created : formatMicros(requested)
  const detail = { id: String(value.id), version }
  return same
    ? success({ ...detail, message: 'already present' })
    : failure(
        detail,
        'this id belongs to a standard TLP marking-definition, whose content is fixed: send it unchanged or not at all',
      )
}

function labelOne(
  object: StixObject,
  { subject, collection }: Writer,
  stored: ReadonlyMap<string, Record<string, unknown>>,
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
  return labelsOf(object.value, subject.organization.id, collection, (id) => stored.get(id))
}

/** The marking-definitions that these objects refer to and that are stored where the writer may read them. */
async function definitions(
  exchange: Exchange,
  writer: Writer,
  checked: readonly { object: StixObject }[],
): Promise<Map<string, Record<string, unknown>>> {
  const found = new Map<string, Record<string, unknown>>()
  const needed = new Set(checked.flatMap(({ object }) => definitionsNeeded(object.value)))
  if (needed.size === 0) return found
  const reader = uncapped(exchange, writer)
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

const ownOnly = (writer: Writer) => (writer.canRead ? null : writer.subject.principal.id)

/**
 * Stores what was prepared, in the caller's transaction: one or more requests of one writer, in their order.
 * @returns a batch per request, for its status
 */
export async function storeObjects(
  exchange: Exchange,
  db: Database,
  writer: Writer,
  requests: readonly Prepared[],
): Promise<Batch[]> {
  const { collection, subject } = writer
  const outcomes = requests.map((prepared) => [...prepared.outcomes])
  const ids = new Set(requests.flatMap((prepared) => prepared.candidates.map((c) => c.object.id)))
  if (ids.size > 0) {
    const reader = uncapped(exchange, writer)
    await lockAndAssume(db, reader, collection.seq)
    const known = await readKnown(db, reader, writer, [...ids])
    const items: NewItem[] = []
    const tampered: string[] = []
    requests.forEach((prepared, r) => {
      for (const candidate of prepared.candidates) {
        const list = known.get(candidate.object.id) ?? []
        known.set(candidate.object.id, list)
        const outcome = decide(candidate, list, items, writer, tampered, prepared.requested)
        ;(outcomes[r] as (Outcome | undefined)[])[candidate.index] = outcome
      }
    })
    const now = exchange.clock.now()
    if (items.length > 0) {
      const first = await appendItems(
        db,
        collection.seq,
        now,
        subject.organization.id,
        subject.principal.id,
        items,
      )
      for (const outcome of outcomes.flat()) {
        if (outcome?.appended !== undefined && outcome.detail.version === '') {
          outcome.detail.version = formatMicros(first + BigInt(outcome.appended))
        }
      }
    }
    if (tampered.length > 0) {
      await audit(db, now, subject.principal.id, 'other-content', {
        collection: collection.id,
        objects: tampered.slice(0, 100),
      })
    }
  }
  return outcomes.map(batchOf)
}

/** What the writer can see of these ids, in order of acceptance. */
async function readKnown(
  db: Database,
  reader: Reader,
  writer: Writer,
  ids: readonly string[],
): Promise<Map<string, Known[]>> {
  const known = new Map<string, Known[]>()
  for (const row of await readStored(db, reader.scope, writer.collection.seq, ids, ownOnly(writer))) {
    const list = known.get(row.object_id) ?? []
    list.push(fromStored(row))
    known.set(row.object_id, list)
  }
  return known
}

/** A copy to collide with: stored, or earlier in this batch. */
interface Known {
  organization: string
  spec: number
  versionKey: string | null
  version: string
  hash: string
  standard: boolean
  position: bigint | null
  /** Index among the items to append, if it is one of them. */
  item: number | null
}

function fromStored(row: Stored): Known {
  return {
    organization: row.organization,
    spec: row.spec,
    versionKey: row.version_key,
    version: row.version,
    hash: row.hash.toString('hex'),
    standard: row.standard,
    position: row.position,
    item: null,
  }
}

/** The rules of policy.md §9 and TAXII 2.1 §5.5 for one object against the copies that its writer can see. */
function decide(
  candidate: Prepared['candidates'][number],
  known: Known[],
  items: NewItem[],
  writer: Writer,
  tampered: string[],
  requested: Micros,
): Outcome {
  const { object } = candidate
  const detail = named(object, requested)
  const organization = writer.subject.organization.id
  const own = known.filter((copy) => copy.organization === organization && !copy.standard)
  const others = known.filter((copy) => copy.organization !== organization)
  const append = (replaced: Known | null): Outcome => {
    const message = candidate.labelled.warnings.join('; ')
    if (replaced && replaced.item !== null) {
      // Replaces one of this very batch: the later content takes its place before it is stored.
      const { label, heldUntil } = candidate
      items[replaced.item] = {
        ...(items[replaced.item] as NewItem),
        label,
        heldUntil,
        hash: object.hash,
        text: object.text,
      }
      replaced.hash = object.hash
      return success({ ...detail, ...(message && { message }) })
    }
    items.push(toItem(candidate, replaced?.position ?? null))
    if (replaced) known.splice(known.indexOf(replaced), 1)
    known.push({
      organization,
      spec: object.spec,
      versionKey: object.versionKey,
      version: object.version ?? '',
      hash: object.hash,
      standard: false,
      position: null,
      item: items.length - 1,
    })
    const version = object.version ?? ''
    return { ...success({ id: object.id, version, ...(message && { message }) }), appended: items.length - 1 }
  }
  const present = (copy: Known): Outcome => {
    const outcome = success({ id: object.id, version: copy.version, message: 'already present' })
    return copy.version === '' && copy.item !== null ? { ...outcome, appended: copy.item } : outcome
  }

  if (object.versionKey === null) {
    // An SCO (or another object without versions): one chain per organization, the latest counts.
    const latest = own.reduce<Known | null>((a, b) => (a === null || later(b, a) ? b : a), null)
    return latest && latest.hash === object.hash ? present(latest) : append(null)
  }
  const same = own.find((copy) => copy.spec === object.spec && copy.versionKey === object.versionKey)
  if (object.type === 'marking-definition' && own[0]) {
    const equal = own.find((copy) => copy.hash === object.hash)
    if (equal) return present(equal)
    tampered.push(object.id)
    return failure(
      detail,
      'a marking-definition never changes, and this id is stored with other content: make a new one with a new id',
    )
  }
  if (same) {
    if (same.hash === object.hash) return present(same)
    if (writer.collection.onConflict === 'keep')
      return success({ id: object.id, version: same.version, message: 'already present' })
    if (writer.collection.onConflict === 'replace') return append(same)
    tampered.push(object.id)
    return failure(
      { id: object.id, version: same.version },
      'this version is stored with other content: give the changed object a later modified',
    )
  }
  if (own.length === 0 && others.length > 0) {
    const equal = others.find(
      (copy) =>
        copy.spec === object.spec && copy.versionKey === object.versionKey && copy.hash === object.hash,
    )
    return equal
      ? present(equal)
      : failure(detail, 'only its creator may version it: another organization has sent this object')
  }
  return append(null)
}

/** Is a later than b? What this batch appends comes after everything stored. */
function later(a: Known, b: Known): boolean {
  if (a.item !== null || b.item !== null) return (a.item ?? -1) > (b.item ?? -1)
  return (a.versionKey ?? '') > (b.versionKey ?? '')
}

function toItem(
  { object, label, heldUntil }: Prepared['candidates'][number],
  replaces: bigint | null,
): NewItem {
  const { id, type, spec, sco, version, versionKey, hash, text } = object
  return { id, type, spec, sco, version, versionKey, label, heldUntil, hash, text, replaces }
}

function named(object: StixObject, requested: Micros): Detail {
  return { id: object.id, version: object.version ?? formatMicros(requested) }
}

const success = (detail: Detail): Outcome => ({ detail, failed: false })
const failure = (detail: Detail, message: string): Outcome => ({
  detail: { ...detail, message },
  failed: true,
})

function batchOf(outcomes: readonly (Outcome | undefined)[]): Batch {
  const successes: string[] = []
  const failures: string[] = []
  for (const outcome of outcomes) {
    if (!outcome) continue
    ;(outcome.failed ? failures : successes).push(JSON.stringify(outcome.detail))
  }
  return {
    success: successes.length,
    failure: failures.length,
    successes: successes.join(','),
    failures: failures.join(','),
  }
}
