/** References of objects that are being stored: whose copies they mean, and what that makes of the labels (policy.md §6). */
import type { AudienceRecord } from '../policy/model.ts'
import { disclosedRefs, disclosesOthers } from '../stix/index.ts'
import type { Database } from '../store/pool.ts'
import { type CopyRow, readAllCopies } from '../store/references.ts'
import type { Reader } from '../store/session.ts'
import type { Micros } from '../time.ts'
import { Arriving, type Reference } from './arriving.ts'
import { together } from './author-sight.ts'
import { heldUntil, KnownLabels, knownLabelsOf } from './author-view.ts'
import { Book } from './book.ts'
import { Composer, type Composition, type Edge, type Ingredients } from './compose.ts'
import type { Exchange } from './exchange.ts'
import { type Candidate, ownOnly, type Writer } from './prepare-objects.ts'
import { Tightening } from './tightening.ts'
import { untilStable } from './until-stable.ts'

/** An object that is about to be appended, with what its references make of it. */
export interface Closed {
  candidate: Candidate
  composition: Composition
  heldUntil: Micros | null
  /** Each target once, with the organization whose copies are meant; null: not there yet. */
  references: Reference[]
  /** References that the writer can see to be stricter. */
  tightened: Reference[]
}

/**
 * Closes the objects of one writer over their references, in the order in which they will be appended.
 * @param replaced names of stored rows whose place they take (on_conflict: replace)
 */
export async function closeOver(
  exchange: Exchange,
  db: Database,
  reader: Reader,
  writer: Writer,
  candidates: readonly Candidate[],
  replaced: ReadonlySet<bigint>,
  now: Micros,
): Promise<Closed[]> {
  const { collection, subject } = writer
  const refs = refsOf(writer, candidates)
  if (!refs) return closeAmong(exchange, writer, candidates, null, now)
  const ids = new Set<string>()
  for (const { object } of candidates) ids.add(object.id)
  for (const map of refs) for (const target of map.keys()) ids.add(target)
  const copies = await readAllCopies(db, collection.seq, [...ids], reader.bits, ownOnly(writer))
  const isOwn = ({ seen, label }: CopyRow) =>
    seen && exchange.audience(label).submitter === subject.principal.id
  const own = copies.filter((copy) => isOwn(copy) && disclosesOthers(typeOf(copy.object_id)))
  const book = new Book(exchange, db)
  const ownLabels = await knownLabelsOf(
    { db, collection, book, now },
    own.map((copy) => copy.accepted),
  )
  return closeAmong(exchange, writer, candidates, { refs, copies, replaced, ownLabels }, now)
}

/** What they refer to, of each; null when nothing counts. */
export function refsOf({ collection }: Writer, candidates: readonly Candidate[]): Refs | null {
  if (collection.refs === 'own') return null
  const refs = candidates.map((c) => disclosedRefs(c.object.value))
  return refs.every((map) => map.size === 0) ? null : refs
}

type Refs = readonly ReadonlyMap<string, string>[]

/** What there is. */
export interface There {
  refs: Refs
  /** Of what they refer to, and of themselves. */
  copies: readonly CopyRow[]
  replaced: ReadonlySet<bigint>
  /** Versions that the author sent itself and that refer to others, as it knows their labels. */
  ownLabels: ReadonlyMap<bigint, AudienceRecord>
}

/** The same, with what was read. @param there null when they refer to nothing */
export function closeAmong(
  exchange: Exchange,
  writer: Writer,
  candidates: readonly Candidate[],
  there: There | null,
  now: Micros,
): Closed[] {
  const { collection, subject } = writer
  const composer = new Composer(collection, now)
  if (!there) {
    return candidates.map((candidate) => {
      const composition = composer.compose(ingredients(candidate), [])
      return { candidate, composition, heldUntil: composition.heldUntil, references: [], tightened: [] }
    })
  }
  const { refs, copies, replaced, ownLabels } = there
  const arriving = new Arriving(exchange, subject.organization.id, candidates, copies, replaced, ownLabels)
  const references = candidates.map(({ object }, i) => {
    const meant = [...(refs[i] as ReadonlyMap<string, string>)].map(([target, property]) => ({
      target,
      property,
      organization: arriving.meant(target, object.id),
      known: null,
    }))
    arriving.written(object.id)
    return meant
  })

  const same = new Same()
  const compositions = candidates.map((c) => composer.compose(ingredients(c), []))
  const labels = compositions.map(({ record }) => record)
  const closing = (list: readonly Reference[], i: number) => {
    if (list.length === 0) return false
    const said = arriving.edges(list, labels)
    const after = composer.compose(ingredients(candidates[i] as Candidate), said)
    const changed = arriving.entangled && !same.are(after.record, (compositions[i] as Composition).record)
    compositions[i] = after
    labels[i] = after.record
    return changed
  }
  untilStable(references, closing, arriving.entangled)
  // The same once more, of what the author sees: that decides whether a row is appended again later.
  const labelsKnown = new KnownLabels(collection, now)
  const known = candidates.map((c) => labelsKnown.of(c.object.type, c.marks, []))
  const sayings = references.map((): Edge[] => [])
  const seeing = (list: readonly Reference[], i: number) => {
    if (list.length === 0) return false
    const said = arriving.edges(list, known, true)
    sayings[i] = said
    list.forEach((reference, n) => {
      reference.known = together(openOnes(said[n] as Edge), now)
    })
    const { marks, object } = candidates[i] as Candidate
    const seen: AudienceRecord[] = []
    for (const reference of list) if (reference.known) seen.push(reference.known)
    const after = labelsKnown.of(object.type, marks, seen)
    const changed = arriving.entangled && !same.are(after, known[i] as AudienceRecord)
    known[i] = after
    return changed
  }
  untilStable(references, seeing, arriving.entangled)

  const shown = new Tightening(exchange.admits({ id: subject.principal.id, subject, token: null }, false))
  return candidates.map((candidate, i) => ({
    candidate,
    composition: compositions[i] as Composition,
    heldUntil: heldUntil(known[i] as AudienceRecord, compositions[i] as Composition, now),
    references: references[i] as Reference[],
    tightened: shown.of(candidate.marks, sayings[i] as Edge[], references[i] as Reference[]),
  }))
}

function openOnes({ referenced }: Edge): readonly AudienceRecord[] {
  const found: AudienceRecord[] = []
  for (const { record, at, beside } of referenced) if (at === undefined && !beside) found.push(record)
  return found
}

export const typeOf = (id: string) => id.slice(0, id.indexOf('--'))

function ingredients({ object, marks, labelled }: Candidate): Ingredients {
  const { type, spec, text, hash } = object
  return { type, spec, marks, parts: labelled.parts, text, hash }
}

/** Compares records, each of which is spelled out once. */
class Same {
  readonly #texts = new Map<AudienceRecord, string>()

  are(a: AudienceRecord, b: AudienceRecord): boolean {
    return a === b || this.#text(a) === this.#text(b)
  }

  #text(record: AudienceRecord): string {
    let found = this.#texts.get(record)
    if (found === undefined) {
      found = JSON.stringify(record)
      this.#texts.set(record, found)
    }
    return found
  }
}
