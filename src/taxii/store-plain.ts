/** The short way of a write: requests whose objects meet nothing and hold nothing back, stored in one statement. */
import type { AudienceRecord } from '../policy/model.ts'
import { matchTerms } from '../stix/index.ts'
import type { Batch, NewStatus } from '../store/statuses.ts'
import { BETWEEN, type NewWriter, type PlainItem, type PlainStatus, storeNew } from '../store/store-new.ts'
import { formatMicros } from '../time.ts'
import { closeAhead } from './close-ahead.ts'
import { type Draft, decide } from './collide.ts'
import type { Exchange } from './exchange.ts'
import { batchOf, explain, type Outcome } from './outcome.ts'
import { type Candidate, type Prepared, uncapped, type Writer } from './prepare-objects.ts'

/** A request that the short way may take, if its objects meet nothing. */
export interface Plain {
  items: Omit<PlainItem, 'writer'>[]
  outcomes: (Outcome | undefined)[]
  /** What its objects refer to outside of it: nothing of that may be stored together with it. */
  targets: ReadonlySet<string>
}

/**
 * What is decided before the lock, from the request itself, the labels that this node knows, and what it refers to.
 * @returns null for a request that has to look at more: ids that come twice, copies and embargoes, markings that wait,
 * marking-definitions (others may wait for them), references whose meaning is not plain
 */
export async function planPlain(
  exchange: Exchange,
  writer: Writer,
  prepared: Prepared,
): Promise<Plain | null> {
  const { candidates, requested } = prepared
  const { collection } = writer
  if (candidates.length === 0 || !mayBePlain(candidates)) return null
  const ahead = await closeAhead(exchange, writer, candidates, exchange.clock.now())
  if (!ahead) return null
  const ids = new Map<AudienceRecord, number>()
  const idOf = (record: AudienceRecord): number => {
    const id = ids.get(record) ?? exchange.idOf(record) ?? UNKNOWN
    ids.set(record, id)
    return id
  }
  const outcomes = [...prepared.outcomes]
  const items: Plain['items'] = []
  const drafts: Draft[] = []
  for (const { candidate, composition, heldUntil, references: meant, tightened } of ahead.closed) {
    const { object, marksId, index } = candidate
    if (composition.copies || composition.need || heldUntil !== null) return null
    const label = idOf(composition.record)
    const references = meant.map(({ target, organization, known }) => ({
      target,
      organization,
      found: ahead.found.get(target) ?? null,
      known: known && idOf(known),
    }))
    if (label === UNKNOWN || references.some(({ known }) => known === UNKNOWN)) return null
    const outcome = decide(candidate, [], drafts, writer, [], requested)
    explain(outcome, tightened)
    outcomes[index] = outcome
    const { id, type, spec, sco, version, versionKey, hash, text, value } = object
    const match = collection.match ? matchTerms(value) : null
    const marks = marksId === label ? null : marksId
    items.push({ id, type, spec, sco, version, versionKey, label, marks, hash, text, references, match })
  }
  return { items, outcomes, targets: new Set(ahead.found.keys()) }
}

const UNKNOWN = -1

function mayBePlain(candidates: readonly Candidate[]): boolean {
  const seen = new Set<string>()
  for (const { object, labelled, heldUntil } of candidates) {
    const { id, type } = object
    if (heldUntil !== null || labelled.judged.length > 0 || type === 'marking-definition' || seen.has(id))
      return false
    seen.add(id)
  }
  return true
}

/** A planned request, with who sent it and the status to open. */
export interface PlainRequest {
  writer: Writer
  plain: Plain
  status: NewStatus | null
}

/**
 * Stores requests of one collection, whose ids are all different, together.
 * @returns their batches; or which of them meet something, and then nothing is stored
 */
export async function storePlain(
  exchange: Exchange,
  requests: readonly PlainRequest[],
): Promise<{ batches: Batch[] } | { met: Set<number> }> {
  const { collection } = (requests[0] as PlainRequest).writer
  const writers: NewWriter[] = []
  const places = new Map<string, number>()
  const items: PlainItem[] = []
  const owners: number[] = []
  const statuses: PlainStatus[] = []
  const batches = requests.map(({ writer, plain, status }, request) => {
    const { subject, canRead } = writer
    const key = `${canRead} ${subject.principal.id}`
    let place = places.get(key)
    if (place === undefined) {
      place = writers.length
      places.set(key, place)
      const organization = subject.organization.id
      writers.push({ organization, reader: uncapped(exchange, writer), ownOnly: !canRead })
    }
    const batch = batchOf(plain.outcomes, items.length)
    for (const item of plain.items) {
      items.push({ ...item, writer: place })
      owners.push(request)
    }
    if (status) statuses.push({ writer: place, status, batch })
    return batch
  })
  const now = exchange.clock.now()
  const { first, met } = await storeNew(
    exchange.pool,
    collection.seq,
    collection.root,
    now,
    writers,
    items,
    statuses,
  )
  if (met) return { met: new Set(met.map((n) => owners[n] as number)) }
  return { batches: batches.map((batch) => dated(batch, first)) }
}

const ROW = new RegExp(`${BETWEEN}(\\d+)${BETWEEN}`, 'g')

/** With the versions of the objects whose position is their version. */
function dated(batch: Batch, first: bigint): Batch {
  if (!batch.successes.includes(BETWEEN)) return batch
  const version = (_: string, n: string) => formatMicros(first + BigInt(n) - 1n)
  return { ...batch, successes: batch.successes.replace(ROW, version) }
}
