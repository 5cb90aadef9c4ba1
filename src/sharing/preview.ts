/** Who will read this? Asked before publishing (policy.md §13). */
import { AppError } from '../errors.ts'
import { definitionsNeeded, audienceOf as joined, type Labelled } from '../policy/label.ts'
import type { AudienceRecord, Collection, Level, World } from '../policy/model.ts'
import { type OrganizationReaders, openToAnybody, readersOf } from '../policy/readers.ts'
import { levelOf } from '../policy/words.ts'
import { granularRefs, isStixId, objectRefs } from '../stix/index.ts'
import { readOwnVersions } from '../store/own-items.ts'
import { StaleWorld } from '../store/session.ts'
import type { Exchange } from '../taxii/exchange.ts'
import { findCollection, requireWrite } from '../taxii/operation.ts'
import { labelOne, ownOnly, readMarkings, type Writer } from '../taxii/prepare-objects.ts'
import { formatMicros, type Micros } from '../time.ts'
import { type Audience, audienceOf, type Named, nameOf, type Reading, readingOf } from './audience.ts'
import { type Asker, hidingOf, recordOf, toldOf } from './known.ts'
import { withReferences } from './preview-references.ts'

type Value = Record<string, unknown>

export interface PreviewRequest {
  root: string
  /** Id or alias. */
  collection: string
  /** The object, or one that has nothing but markings. */
  value: Value
}

export interface Preview extends Audience {
  /** null: as it is, it would be refused. */
  level: Level | null
  quarantined: boolean
  anonymous: boolean
  /** Who reads it once its embargo is over; null when it has none. */
  from: (Audience & { at: string; anonymous: boolean }) | null
  /** In a collection that redacts: who reads the object, but not this part. */
  withheld_parts: { selectors: string[]; level: Level; organizations: Reading[] }[]
  warnings: string[]
  problems: string[]
  difference: { version: string; gained: Named[]; lost: Named[] } | null
}

/** Markings and selectors of one object that a preview weighs; the work grows with their square. */
const MOST_MARKINGS = 200
const MOST_SELECTORS = 1000

/** @throws notFound, forbidden without the right to write; badRequest for more markings than it weighs */
export async function preview(exchange: Exchange, caller: Asker, request: PreviewRequest): Promise<Preview> {
  const place = findCollection(exchange, caller, request.root, request.collection)
  requireWrite(place)
  const { collection } = place
  const { subject } = caller
  const { world } = exchange
  const now = exchange.clock.now()
  const { value } = request
  refuseTooMany(value)
  const writer: Writer = { subject, collection, canRead: place.rights.read }
  const label = await labeller(exchange, caller, writer, value)
  const parts = collection.redaction === 'redact' ? granularRefs(value) : []
  const all = label(value)
  const whole = parts.length > 0 && all.ok ? label(withParts(value, [])) : all
  if (!whole.ok || !all.ok) return refused([whole, all].flatMap((l) => (l.ok ? [] : [l.problem])))

  // Asked of another world than the one in which the caller's rights were found: again.
  if (exchange.world !== world) throw new StaleWorld()
  const marks = joined(whole.labels, subject.principal.id, subject.organization.id, now)
  const { record, heldUntil } = await withReferences(
    exchange,
    exchange.reader(caller),
    writer,
    value,
    marks,
    now,
  )
  const readers = readersOf(world, collection, record, now)
  return {
    level: levelOf(record),
    quarantined: whole.quarantined,
    anonymous: openToAnybody(world, collection, record, now),
    ...audienceOf(readers),
    from: heldUntil === null ? null : afterwards(world, collection, record, heldUntil),
    withheld_parts: parts.length > 0 ? withheld(world, writer, value, label, readers, now) : [],
    warnings: all.warnings,
    problems: [],
    difference: await differenceTo(exchange, caller, writer, value.id, readers, now),
  }
}

function refuseTooMany(value: Value): void {
  const parts = granularRefs(value)
  const selectors = parts.reduce((sum, part) => sum + part.selectors.length, 0)
  if (
    objectRefs(value).length > MOST_MARKINGS ||
    parts.length > MOST_MARKINGS ||
    selectors > MOST_SELECTORS
  ) {
    throw new AppError('badRequest', {
      detail: `A preview weighs up to ${MOST_MARKINGS} markings, as many granular ones, and ${MOST_SELECTORS} selectors.`,
    })
  }
}

/**
 * Labels as a POST would give them: a marking that the caller may not read is unknown. Also one above its token's
 * cap, which a POST would know (§9): who would read it tells what is in it.
 */
async function labeller(
  exchange: Exchange,
  caller: Asker,
  writer: Writer,
  value: Value,
): Promise<(value: Value) => Labelled> {
  const needed = new Set(definitionsNeeded(value).filter(isStixId))
  const stored = await readMarkings(exchange, writer, needed, exchange.reader(caller))
  return (v) =>
    labelOne({ type: typeof v.type === 'string' ? v.type : '', value: v }, writer, stored, exchange.world)
}

const withParts = (value: Value, granular: unknown[]): Value => ({ ...value, granular_markings: granular })

function refused(problems: string[]): Preview {
  return {
    level: null,
    quarantined: false,
    anonymous: false,
    ...audienceOf([]),
    from: null,
    withheld_parts: [],
    warnings: [],
    problems: [...new Set(problems)],
    difference: null,
  }
}

/** The same object after its embargo: the release job drops `held` and appends it again. */
function afterwards(
  world: World,
  collection: Collection,
  record: AudienceRecord,
  at: Micros,
): Preview['from'] {
  const { held: _, ...open } = record
  return {
    at: formatMicros(at),
    anonymous: openToAnybody(world, collection, open, at),
    ...audienceOf(readersOf(world, collection, open, at)),
  }
}

/** Per part: who reads the object, but not what these granular markings cover. */
function withheld(
  world: World,
  { subject, collection }: Writer,
  value: Value,
  label: (value: Value) => Labelled,
  readers: readonly OrganizationReaders[],
  now: Micros,
): Preview['withheld_parts'] {
  const parts = new Map<string, { selectors: string[]; record: AudienceRecord }>()
  const granular = granularRefs(value)
  for (const part of granular) {
    for (const selector of part.selectors) {
      const covering = granular
        .filter((g) => g.selectors.some((s) => selector === s || selector.startsWith(`${s}.`)))
        .map(({ ref }) => ({ marking_ref: ref, selectors: [selector] }))
      const labelled = label(withParts(value, covering))
      if (!labelled.ok) continue
      const labels = [...labelled.labels, ...labelled.parts.flatMap((p) => p.labels)]
      const { record } = joined(labels, subject.principal.id, subject.organization.id, now)
      const key = JSON.stringify(record)
      const same = parts.get(key)
      if (!same) parts.set(key, { selectors: [selector], record })
      else if (!same.selectors.includes(selector)) same.selectors.push(selector)
    }
  }
  if (parts.size > MOST_PARTS) {
    throw new AppError('badRequest', {
      detail: `A preview tells apart up to ${MOST_PARTS} parts with different readers.`,
    })
  }
  return [...parts.values()].flatMap(({ selectors, record }) => {
    const reading = new Set(readersOf(world, collection, record, now).flatMap((r) => r.principals))
    const organizations = readers.flatMap(({ organization, principals }) => {
      const without = principals.filter((p) => !reading.has(p))
      return without.length > 0 ? [readingOf(organization, without)] : []
    })
    return organizations.length > 0 ? [{ selectors, level: levelOf(record), organizations }] : []
  })
}

const MOST_PARTS = 20

/** Organizations that the new version wins and loses against the last stored one that the caller sees. */
async function differenceTo(
  exchange: Exchange,
  caller: Asker,
  writer: Writer,
  id: unknown,
  readers: readonly OrganizationReaders[],
  now: Micros,
): Promise<Preview['difference']> {
  if (typeof id !== 'string' || !isStixId(id)) return null
  const { world } = exchange
  const { collection, subject } = writer
  const organization = subject.organization.id
  const reader = exchange.reader(caller)
  const [last] = await readOwnVersions(
    exchange.pool,
    reader,
    now,
    hidingOf(exchange, caller, [collection], now),
    collection.seq,
    organization,
    id,
    ownOnly(writer),
  )
  const told = await toldOf(exchange, subject, collection, last ? [last] : [], now)
  const record = last && recordOf(world, subject, collection, last, told, now)
  if (!record) return null
  const before = readersOf(world, collection, record, now).map((r) => r.organization)
  const after = readers.map((r) => r.organization)
  return {
    version: last.version,
    gained: after.filter((o) => !before.includes(o)).map(nameOf),
    lost: before.filter((o) => !after.includes(o)).map(nameOf),
  }
}
