/** References of objects that are being stored: whose copies they mean, and what that makes of the labels (policy.md §6). */
import type { Referenced } from '../policy/closure.ts'
import type { AudienceRecord, Collection } from '../policy/model.ts'
import { disclosedRefs, isContainer } from '../stix/index.ts'
import type { Database } from '../store/pool.ts'
import { type Chain, resolveReferences } from '../store/references.ts'
import type { Reader } from '../store/session.ts'
import type { Micros } from '../time.ts'
import { type Composition, compose, type Edge } from './compose.ts'
import type { Exchange } from './exchange.ts'
import { type Candidate, ownOnly, type Writer } from './prepare-objects.ts'

/** An object that is about to be appended, with what its references make of it. */
export interface Closed {
  candidate: Candidate
  composition: Composition
  references: { target: string; organization: string | null }[]
  /** References that the writer can see to be stricter, with the property that holds them. */
  tightened: { target: string; property: string }[]
  /** Is it the latest version of its chain now, and what did the one before say? null: there was none. */
  latest: { label: number | null; marks: number | null } | null
}

/** Closes the objects of one writer over their references, in the order in which they will be appended. */
export async function closeOver(
  exchange: Exchange,
  db: Database,
  reader: Reader,
  writer: Writer,
  candidates: readonly Candidate[],
  now: Micros,
): Promise<Closed[]> {
  const { collection, subject } = writer
  if (collection.refs === 'own') {
    return candidates.map((candidate) => ({
      candidate,
      composition: new Composer(collection, now).compose(candidate, []),
      references: [],
      tightened: [],
      latest: null,
    }))
  }
  const organization = subject.organization.id
  const refs = candidates.map((c) => disclosedRefs(c.object.value))
  const ids = new Set([...candidates.map((c) => c.object.id), ...refs.flatMap((map) => [...map.keys()])])
  const stored = new Map<string, Chain[]>()
  const found = await resolveReferences(
    db,
    collection.seq,
    [...ids],
    organization,
    reader.bits,
    ownOnly(writer),
  )
  for (const chain of found) stored.set(chain.object_id, [...(stored.get(chain.object_id) ?? []), chain])

  // Which of the new ones is the latest version of its chain, and which are there at all.
  const latest = new Map<string, number>()
  const embargoed = new Set<string>()
  const arrives = new Set<string>()
  candidates.forEach(({ object, heldUntil }, i) => {
    arrives.add(object.id)
    if (heldUntil !== null) {
      embargoed.add(object.id)
      return
    }
    const own = stored.get(object.id)?.find((c) => c.organization === organization)
    const before = latest.get(object.id)
    const former = before === undefined ? null : (candidates[before]?.object ?? null)
    const newer =
      object.versionKey === null ||
      (isNewer(object.versionKey, object.spec, own?.version_key ?? null, own?.spec ?? null) &&
        isNewer(object.versionKey, object.spec, former?.versionKey ?? null, former?.spec ?? null))
    if (newer) latest.set(object.id, i)
  })

  const seenSoFar = new Set<string>()
  const targets = candidates.map(({ object }, i) => {
    const meant = [...(refs[i] ?? [])].map(([target, property]) => {
      const chains = stored.get(target) ?? []
      const own = chains.find((c) => c.organization === organization && c.seen)
      const other = chains.find((c) => c.organization !== organization)
      const chosen =
        own || seenSoFar.has(target) || target === object.id
          ? organization
          : (other?.organization ?? (arrives.has(target) ? organization : null))
      return { target, property, organization: chosen }
    })
    seenSoFar.add(object.id)
    return meant
  })

  const record = (label: number): AudienceRecord => exchange.audience(label)
  const composer = new Composer(collection, now)
  const compositions = candidates.map((c) => composer.compose(c, []))
  const says = (target: string, of: string): Referenced[] => {
    const chain = stored.get(target)?.find((c) => c.organization === of)
    const newest = of === organization ? latest.get(target) : undefined
    const said: Referenced[] = []
    if (newest !== undefined) said.push({ record: (compositions[newest] as Composition).record })
    else if (chain?.label !== undefined && chain.label !== null) said.push({ record: record(chain.label) })
    for (const held of chain?.held ?? []) said.push({ record: record(held.label), at: BigInt(held.at) })
    if (of === organization && embargoed.has(target)) {
      candidates.forEach((c, i) => {
        if (c.object.id !== target || c.heldUntil === null) return
        said.push({ record: (compositions[i] as Composition).record, at: c.heldUntil })
      })
    }
    const open = said.filter((r) => r.at === undefined)
    // All of them under embargo: nothing of it is out, so neither is what points at it.
    return open.length > 0 ? said : said.map((r) => ({ record: r.record }))
  }
  const edgesOf = (i: number): Edge[] =>
    (targets[i] ?? []).map(({ target, organization: of }) => ({
      target,
      referenced: of === null ? [] : says(target, of),
    }))

  // Until nothing changes any more: objects of one envelope may refer to each other. Labels only grow here.
  const edges = new Map<number, Edge[]>()
  for (let round = 0; round <= candidates.length; round++) {
    let changed = false
    for (let i = 0; i < candidates.length; i++) {
      if ((targets[i] ?? []).length === 0) continue
      const mine = edgesOf(i)
      edges.set(i, mine)
      const after = composer.compose(candidates[i] as Candidate, mine)
      if (!sameRecord(after.record, (compositions[i] as Composition).record)) changed = true
      compositions[i] = after
    }
    if (!changed) break
  }

  const visible = exchange.admits({ id: subject.principal.id, subject, token: null }, false)
  return candidates.map((candidate, i) => {
    const chain = stored.get(candidate.object.id)?.find((c) => c.organization === organization)
    return {
      candidate,
      composition: compositions[i] as Composition,
      references: (targets[i] ?? []).map(({ target, organization: of }) => ({ target, organization: of })),
      tightened: tightening(candidate.marks, edges.get(i) ?? [], targets[i] ?? [], visible),
      latest:
        latest.get(candidate.object.id) === i
          ? { label: chain?.label ?? null, marks: chain?.marks ?? null }
          : null,
    }
  })
}

/** Composes, and knows what it has composed: relationships of one feed have few different labels. */
class Composer {
  readonly #collection: Collection
  readonly #now: Micros
  readonly #numbers = new Map<AudienceRecord, number>()
  readonly #known = new Map<string, Composition>()

  constructor(collection: Collection, now: Micros) {
    this.#collection = collection
    this.#now = now
  }

  compose(candidate: Candidate, edges: readonly Edge[]): Composition {
    const { object, marks, labelled } = candidate
    const { type, spec, text, hash } = object
    const version = { type, spec, marks, parts: labelled.parts, text, hash }
    const own = labelled.parts.length > 0 || (this.#collection.redaction === 'redact' && isContainer(type))
    if (own) return compose(this.#collection, version, edges, this.#now)
    const said = new Set<string>()
    for (const { referenced } of edges) {
      for (const { record, at } of referenced) said.add(`${this.#number(record)}@${at ?? ''}`)
    }
    const key = `${this.#number(marks)} ${[...said].sort().join()}`
    let found = this.#known.get(key)
    if (!found) {
      found = compose(this.#collection, version, edges, this.#now)
      this.#known.set(key, found)
    }
    return found
  }

  #number(record: AudienceRecord): number {
    let found = this.#numbers.get(record)
    if (found === undefined) {
      found = this.#numbers.size
      this.#numbers.set(record, found)
    }
    return found
  }
}

const sameRecord = (a: AudienceRecord, b: AudienceRecord) =>
  a === b || JSON.stringify(a) === JSON.stringify(b)

function isNewer(version: string, spec: number, than: string | null, thanSpec: number | null): boolean {
  return than === null || version > than || (version === than && spec > (thanSpec ?? 0))
}

/** References that add a condition, where the writer sees all that adds it. */
function tightening(
  marks: AudienceRecord,
  edges: readonly Edge[],
  targets: readonly { target: string; property: string }[],
  visible: (record: AudienceRecord) => boolean,
): { target: string; property: string }[] {
  const own = new Set(marks.own.map((label) => JSON.stringify(label)))
  return edges.flatMap(({ target, referenced }) => {
    const adds = referenced.some(({ record }) => record.own.some((label) => !own.has(JSON.stringify(label))))
    if (!adds || !referenced.every(({ record }) => visible(record))) return []
    const property = targets.find((t) => t.target === target)?.property ?? ''
    return [{ target, property }]
  })
}
