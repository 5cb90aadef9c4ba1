/** Stores prepared requests of one writer: locked, compared, closed over references, appended, in the caller's transaction. */

import { type NewMatch, noteMatches } from '../store/match.ts'
import type { Database } from '../store/pool.ts'
import { noteQuarantined, retryQuarantined } from '../store/quarantined.ts'
import { attach, type NewPart, type NewReference, type NewRendering, refer } from '../store/references.ts'
import { lockAndAssume, type Reader } from '../store/session.ts'
import type { Batch } from '../store/statuses.ts'
import { appendItems, audit, type NewItem, readStored } from '../store/write-items.ts'
import { formatMicros, type Micros } from '../time.ts'
import { Book } from './book.ts'
import { type Draft, decide, fromStored, type Known } from './collide.ts'
import type { Exchange } from './exchange.ts'
import { follow } from './follow.ts'
import { matchOf, matchOfCopy } from './note-matches.ts'
import { batchOf, explain, type Outcome } from './outcome.ts'
import { ownOnly, type Prepared, uncapped, type Writer } from './prepare-objects.ts'
import { type Closed, closeOver } from './references.ts'

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
    const drafts: Draft[] = []
    const tampered: string[] = []
    requests.forEach((prepared, r) => {
      for (const candidate of prepared.candidates) {
        const list = known.get(candidate.object.id) ?? []
        known.set(candidate.object.id, list)
        const outcome = decide(candidate, list, drafts, writer, tampered, prepared.requested)
        ;(outcomes[r] as (Outcome | undefined)[])[candidate.index] = outcome
      }
    })
    const now = exchange.clock.now()
    if (drafts.length > 0) await append(exchange, db, reader, writer, drafts, outcomes.flat(), now)
    if (tampered.length > 0) {
      await audit(db, now, subject.principal.id, 'other-content', {
        collection: collection.id,
        objects: tampered.slice(0, 100),
      })
    }
  }
  return outcomes.map(batchOf)
}

/** Appends what is new, with the labels that its references leave it, and brings what points at it up to date. */
async function append(
  exchange: Exchange,
  db: Database,
  reader: Reader,
  writer: Writer,
  drafts: readonly Draft[],
  outcomes: readonly (Outcome | undefined)[],
  now: Micros,
): Promise<void> {
  const { collection, subject } = writer
  const organization = subject.organization.id
  const closed = await closeOver(
    exchange,
    db,
    reader,
    writer,
    drafts.map((draft) => draft.candidate),
    new Set(drafts.flatMap((draft) => draft.accepted ?? [])),
    now,
  )
  const book = new Book(exchange, db)
  const items: NewItem[] = []
  for (const [i, { candidate, composition }] of closed.entries()) {
    const label = await book.id(composition.record)
    const marks = candidate.marksId
    const need = composition.need && (await book.id(composition.need))
    if (composition.copies) for (const copy of composition.copies) await book.id(copy.record)
    items.push(toItem(drafts[i] as Draft, closed[i] as Closed, label, marks, need))
  }
  const { first, known, awaited } = await appendItems(
    db,
    collection.seq,
    now,
    organization,
    subject.principal.id,
    items,
  )

  const references: NewReference[] = []
  const renderings: NewRendering[] = []
  const parts: NewPart[] = []
  const matches: NewMatch[] = []
  for (const [i, { candidate, composition, references: found }] of closed.entries()) {
    const accepted = (drafts[i] as Draft).accepted ?? first + BigInt(i)
    for (const { target, organization, known } of found) {
      references.push({ source: accepted, target, organization, known: known && (await book.id(known)) })
    }
    const position = first + BigInt(i)
    if (!composition.copies) {
      if (collection.match) matches.push(matchOf(accepted, position, candidate.object.value))
      continue
    }
    for (const { record, rank, hash, text } of composition.copies) {
      const rendering = { accepted, audience: await book.id(record), rank, hash, body: text }
      renderings.push(rendering)
      matches.push(matchOfCopy(accepted, position, rendering))
    }
    parts.push({ accepted, parts: candidate.labelled.parts })
  }
  await refer(db, collection.seq, organization, references)
  await attach(db, collection.seq, renderings, parts)
  if (collection.match) await noteMatches(db, collection.seq, matches)
  const candidates = closed.map(({ candidate }) => candidate)
  const noted = candidates.map(({ labelled }, i) => ({
    position: first + BigInt(i),
    judged: labelled.judged,
  }))
  await noteQuarantined(db, collection.seq, noted)
  const definitions = candidates.filter(({ object }) => object.type === 'marking-definition')
  await retryQuarantined(
    db,
    collection.seq,
    organization,
    definitions.map(({ object }) => object.id),
  )
  const actor = subject.principal.id
  await follow({ exchange, db, collection, book, now }, reader, {
    organization,
    actor,
    known,
    awaited,
    first,
  })
  for (const outcome of outcomes) {
    if (outcome?.appended === undefined) continue
    if (outcome.detail.version === '') outcome.detail.version = formatMicros(first + BigInt(outcome.appended))
    explain(outcome, closed[outcome.appended]?.tightened ?? [])
  }
}

function toItem(
  { candidate, replaces }: Draft,
  { composition, heldUntil }: Closed,
  label: number,
  marks: number,
  need: number | null,
): NewItem {
  const { id, type, spec, sco, version, versionKey, hash, text } = candidate.object
  const parted = composition.copies !== null
  return {
    id,
    type,
    spec,
    sco,
    version,
    versionKey,
    label,
    marks: marks === label ? null : marks,
    need: need === label ? null : need,
    heldUntil,
    hash: parted ? '' : hash,
    text: parted ? '' : text,
    parted,
    replaces,
  }
}

/** What the writer can see of these ids, in order of acceptance. */
async function readKnown(
  db: Database,
  reader: Reader,
  writer: Writer,
  ids: readonly string[],
): Promise<Map<string, Known[]>> {
  const known = new Map<string, Known[]>()
  for (const row of await readStored(
    db,
    reader.scope,
    writer.collection.seq,
    ids,
    writer.subject.organization.id,
    ownOnly(writer),
  )) {
    const list = known.get(row.object_id) ?? []
    list.push(fromStored(row))
    known.set(row.object_id, list)
  }
  return known
}
