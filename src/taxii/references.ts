/** References of objects that are being stored: whose copies they mean, and what that makes of the labels (policy.md §6). */
import type { Referenced } from '../policy/closure.ts'
import type { AudienceRecord } from '../policy/model.ts'
import { disclosedRefs, disclosesOthers } from '../stix/index.ts'
import type { Database } from '../store/pool.ts'
import { type CopyRow, readAllCopies } from '../store/references.ts'
import type { Reader } from '../store/session.ts'
import type { Micros } from '../time.ts'
import { KnownLabels, knownLabelsOf, together } from './author-view.ts'
import { Book } from './book.ts'
import { Composer, type Composition, type Edge, type Ingredients } from './compose.ts'
import type { Exchange } from './exchange.ts'
import { type Candidate, ownOnly, type Writer } from './prepare-objects.ts'
import { untilStable } from './until-stable.ts'

/** An object that is about to be appended, with what its references make of it. */
export interface Closed {
  candidate: Candidate
  composition: Composition
  /** Each target once, with the organization whose copies are meant; null: not there yet. */
  references: Reference[]
  /** References that the writer can see to be stricter. */
  tightened: Reference[]
}

export interface Reference {
  target: string
  property: string
  organization: string | null
  /** What its author sees of it, for `known` of the reference; null: nothing. */
  known: AudienceRecord | null
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
      return { candidate, composition, references: [], tightened: [] }
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
    references: references[i] as Reference[],
    tightened: shown.of(candidate.marks, sayings[i] as Edge[], references[i] as Reference[]),
  }))
}

function openOnes({ referenced }: Edge): readonly AudienceRecord[] {
  const found: AudienceRecord[] = []
  for (const { record, at } of referenced) if (at === undefined) found.push(record)
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

const NOTHING: readonly Referenced[] = []

interface Said {
  organization: string
  said: readonly Referenced[]
}

/** What is stored and what is about to be, as references see it. */
class Arriving {
  readonly #exchange: Exchange
  readonly #own: string
  readonly #candidates: readonly Candidate[]
  readonly #copies = new Map<string, CopyRow[]>()
  readonly #replaced: ReadonlySet<bigint>
  readonly #ids: ReadonlySet<string>
  /** Versions that the author sent itself, as it knows their labels. */
  readonly #ownLabels: ReadonlyMap<bigint, AudienceRecord>
  readonly #embargoed = new Map<string, number[]>()
  readonly #written = new Set<string>()
  /** What targets say that are not of the new ones, with whose copies were last asked for; and of those that the author sees. */
  readonly #said = new Map<string, Said>()
  readonly #seen = new Map<string, Said>()
  /** Targets of which the author does not see all, or knows another label. */
  readonly #apart = new Set<string>()
  /** By id, which of the new ones is the latest version of its chain. */
  readonly #latest = new Map<string, number>()
  /** Does one of the new ones refer to another? */
  entangled = false

  constructor(
    exchange: Exchange,
    own: string,
    candidates: readonly Candidate[],
    copies: readonly CopyRow[],
    replaced: ReadonlySet<bigint>,
    ownLabels: ReadonlyMap<bigint, AudienceRecord>,
  ) {
    this.#exchange = exchange
    this.#ownLabels = ownLabels
    this.#replaced = replaced
    this.#own = own
    this.#candidates = candidates
    for (const copy of copies) {
      const list = this.#copies.get(copy.object_id)
      if (list) list.push(copy)
      else this.#copies.set(copy.object_id, [copy])
      if (!copy.seen || ownLabels.has(copy.accepted)) this.#apart.add(copy.object_id)
    }
    this.#ids = new Set(candidates.map((c) => c.object.id))
    candidates.forEach(({ object, heldUntil }, i) => {
      if (heldUntil !== null) {
        this.#embargoed.set(object.id, [...(this.#embargoed.get(object.id) ?? []), i])
        return
      }
      const former = this.#latest.get(object.id)
      const before = former === undefined ? undefined : candidates[former]?.object
      const stored = this.#newest(object.id, own)
      const newer =
        object.versionKey === null ||
        (isNewer(object.versionKey, object.spec, stored?.version_key, stored?.spec) &&
          isNewer(object.versionKey, object.spec, before?.versionKey ?? undefined, before?.spec))
      if (newer) this.#latest.set(object.id, i)
    })
  }

  /** The author's organization's chain, if the author sees it; else the first accepted copy that it sees; else its own to come. */
  meant(target: string, source: string): string | null {
    if (this.#ids.has(target)) this.entangled = true
    if (this.#written.has(target) || target === source) return this.#own
    let first: CopyRow | null = null
    for (const copy of this.#copies.get(target) ?? []) {
      if (!copy.seen) continue
      if (copy.organization === this.#own) return this.#own
      if (first === null || copy.accepted < first.accepted) first = copy
    }
    return first?.organization ?? (this.#ids.has(target) ? this.#own : null)
  }

  written(id: string): void {
    this.#written.add(id)
  }

  /** What these references say. @param seen see `says` */
  edges(references: readonly Reference[], labels: readonly AudienceRecord[], seen = false): Edge[] {
    return references.map((reference) => ({
      target: reference.target,
      referenced: this.says(reference, labels, seen),
    }))
  }

  /**
   * What the reference's chain says: its latest open version, and newer ones under embargo from their time on.
   * @param seen of the copies that the author sees, for what it is told: a silence must not tell of the others
   */
  says(
    { target, organization }: Reference,
    labels: readonly AudienceRecord[],
    seen = false,
  ): readonly Referenced[] {
    if (organization === null) return NOTHING
    if (organization === this.#own && this.#ids.has(target))
      return this.#read(target, organization, labels, seen)
    // The author sees all of it, and knows no more of it: it is told the same.
    const apart = seen && this.#apart.has(target)
    const known = apart ? this.#seen : this.#said
    const before = known.get(target)
    if (before?.organization === organization) return before.said
    const said = this.#read(target, organization, labels, apart)
    known.set(target, { organization, said })
    return said
  }

  #read(
    target: string,
    organization: string,
    labels: readonly AudienceRecord[],
    seen: boolean,
  ): Referenced[] {
    const stored = this.#newest(target, organization, seen)
    const own = organization === this.#own
    const arriving = own
      ? (this.#latest.get(target) ?? (seen ? this.#sent(target, stored) : undefined))
      : undefined
    const open = arriving === undefined ? stored && this.#label(stored, seen) : labels[arriving]
    const held: Referenced[] = []
    const newest =
      arriving === undefined ? stored?.version_key : this.#candidates[arriving]?.object.versionKey
    for (const copy of this.#copies.get(target) ?? []) {
      if (copy.organization !== organization || copy.held_until === null) continue
      if (this.#replaced.has(copy.accepted) || (seen && !copy.seen)) continue
      if (newest && copy.version_key <= newest) continue
      held.push({ record: this.#exchange.audience(copy.label), at: copy.held_until })
    }
    for (const i of own ? (this.#embargoed.get(target) ?? []) : []) {
      const { heldUntil } = this.#candidates[i] as Candidate
      if (heldUntil !== null) held.push({ record: labels[i] as AudienceRecord, at: heldUntil })
    }
    if (open) return [{ record: open }, ...held]
    // All of them under embargo: nothing of it is out, so neither is what points at it.
    return held.map(({ record }) => ({ record }))
  }

  #label(stored: CopyRow, seen: boolean): AudienceRecord {
    return (seen && this.#ownLabels.get(stored.accepted)) || this.#exchange.audience(stored.label)
  }

  /** Of the new ones, the newest that is out, where the author sees nothing newer. */
  #sent(id: string, stored: CopyRow | undefined): number | undefined {
    let found: number | undefined
    let [version, spec] = [stored?.version_key, stored?.spec]
    this.#candidates.forEach(({ object, heldUntil }, i) => {
      if (object.id !== id || heldUntil !== null) return
      if (object.versionKey !== null && !isNewer(object.versionKey, object.spec, version, spec)) return
      found = i
      version = object.versionKey ?? version
      spec = object.spec
    })
    return found
  }

  /** Without what is about to be replaced. @param seen of the copies that the author sees */
  #newest(id: string, organization: string, seen = false): CopyRow | undefined {
    let found: CopyRow | undefined
    for (const copy of this.#copies.get(id) ?? []) {
      if (copy.organization !== organization || copy.held_until !== null) continue
      if (this.#replaced.has(copy.accepted) || (seen && !copy.seen)) continue
      if (isNewer(copy.version_key, copy.spec, found?.version_key, found?.spec)) found = copy
    }
    return found
  }
}

export function isNewer(
  version: string,
  spec: number,
  than: string | undefined,
  thanSpec: number | undefined,
): boolean {
  return than === undefined || version > than || (version === than && spec > (thanSpec ?? 0))
}

/** Which references add a condition, where the writer sees all that adds it: no text tells of what it cannot see. */
class Tightening {
  readonly #visible: (record: AudienceRecord) => boolean
  readonly #seen = new Map<AudienceRecord, boolean>()
  readonly #labels = new Map<AudienceRecord, readonly string[]>()
  readonly #adds = new Map<AudienceRecord, Map<AudienceRecord, boolean>>()

  constructor(visible: (record: AudienceRecord) => boolean) {
    this.#visible = visible
  }

  of(marks: AudienceRecord, edges: readonly Edge[], references: readonly Reference[]): Reference[] {
    const found: Reference[] = []
    edges.forEach(({ referenced }, i) => {
      const adds = referenced.some(({ record }) => record !== marks && this.#add(marks, record))
      if (adds && referenced.every(({ record }) => this.#sees(record))) found.push(references[i] as Reference)
    })
    return found
  }

  #add(marks: AudienceRecord, record: AudienceRecord): boolean {
    let known = this.#adds.get(marks)
    if (!known) {
      known = new Map()
      this.#adds.set(marks, known)
    }
    let found = known.get(record)
    if (found === undefined) {
      const own = this.#of(marks)
      found = this.#of(record).some((label) => !own.includes(label))
      known.set(record, found)
    }
    return found
  }

  #of(record: AudienceRecord): readonly string[] {
    let found = this.#labels.get(record)
    if (!found) {
      found = record.own.map((label) => JSON.stringify(label))
      this.#labels.set(record, found)
    }
    return found
  }

  #sees(record: AudienceRecord): boolean {
    let found = this.#seen.get(record)
    if (found === undefined) {
      found = this.#visible(record)
      this.#seen.set(record, found)
    }
    return found
  }
}
