/** The short way of a write: requests whose objects refer to nothing and hold nothing back, stored in one statement. */
import type { AudienceRecord } from '../policy/model.ts'
import { disclosedRefs, matchTerms } from '../stix/index.ts'
import type { Batch, NewStatus } from '../store/statuses.ts'
import { BETWEEN, type NewWriter, type PlainItem, type PlainStatus, storeNew } from '../store/store-new.ts'
import { formatMicros } from '../time.ts'
import { type Draft, decide } from './collide.ts'
import { Composer } from './compose.ts'
import type { Exchange } from './exchange.ts'
import { batchOf, type Outcome } from './outcome.ts'
import { type Prepared, uncapped, type Writer } from './prepare-objects.ts'

/** A request that the short way may take, if its objects meet nothing. */
export interface Plain {
  items: Omit<PlainItem, 'writer'>[]
  outcomes: (Outcome | undefined)[]
}

/**
 * What is decided before the lock, from the request itself and the labels that this node knows.
 * @returns null for a request that needs to look at other objects: references, ids that come twice, copies and
 * embargoes, markings that wait, marking-definitions (others may wait for them)
 */
export function planPlain(exchange: Exchange, writer: Writer, prepared: Prepared): Plain | null {
  const { candidates, requested } = prepared
  const { collection } = writer
  if (candidates.length === 0) return null
  const composer = new Composer(collection, exchange.clock.now())
  const seen = new Set<string>()
  const labels = new Map<AudienceRecord, number>()
  const outcomes = [...prepared.outcomes]
  const items: Plain['items'] = []
  const drafts: Draft[] = []
  for (const { object, labelled, marks, marksId, heldUntil, index } of candidates) {
    const { id, type, spec, sco, version, versionKey, hash, text, value } = object
    if (heldUntil !== null || labelled.judged.length > 0 || type === 'marking-definition') return null
    if (seen.has(id) || (collection.refs !== 'own' && disclosedRefs(value).size > 0)) return null
    seen.add(id)
    const composition = composer.compose({ type, spec, marks, parts: labelled.parts, text, hash }, [])
    if (composition.copies || composition.need || composition.heldUntil !== null) return null
    let label = labels.get(composition.record)
    if (label === undefined) {
      label = exchange.idOf(composition.record) ?? -1
      labels.set(composition.record, label)
    }
    if (label !== marksId) return null
    const candidate = { object, labelled, marks, marksId, heldUntil, index }
    outcomes[index] = decide(candidate, [], drafts, writer, [], requested)
    const match = collection.match ? matchTerms(value) : null
    items.push({ id, type, spec, sco, version, versionKey, label: marksId, hash, text, match })
  }
  return { items, outcomes }
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
