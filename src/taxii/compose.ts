/** What a version's markings, parts and references come to: its label, and the copies that readers get (policy.md §5, §6). */
import {
  copyAudience,
  demandOf,
  type Group,
  groupsOf,
  type Joined,
  join,
  MOST_GROUPS,
  type Referenced,
  visibleAudience,
} from '../policy/closure.ts'
import type { LabelledPart } from '../policy/label.ts'
import type { AudienceRecord, Collection } from '../policy/model.ts'
import { checkObject, contributingProperties, isContainer, redact } from '../stix/index.ts'
import type { Micros } from '../time.ts'
import { Numbers } from './numbers.ts'

/** A version as it goes into its label. */
export interface Ingredients {
  type: string
  spec: number
  /** Of its markings on the whole, and in `withhold` mode of those on its parts. */
  marks: AudienceRecord
  parts: readonly LabelledPart[]
  text: string
  hash: string
}

/** What one reference says. */
export interface Edge {
  target: string
  referenced: readonly Referenced[]
}

export interface Copy {
  record: AudienceRecord
  /** A reader gets the copy of the highest rank that it may see; no two copies of a version have the same. */
  rank: number
  text: string
  hash: string
}

export interface Composition {
  record: AudienceRecord
  heldUntil: Micros | null
  /** What readers of older versions need, where it is not the label. */
  need: AudienceRecord | null
  /** null: every reader gets the text as it is. */
  copies: Copy[] | null
}

/** References whose labels join the object's own; in `redact` mode those of containers are taken out instead. */
export function compose(
  collection: Collection,
  version: Ingredients,
  edges: readonly Edge[],
  now: Micros,
): Composition {
  const strips = collection.redaction === 'redact' && isContainer(version.type)
  const joined = join(version.marks, strips ? [] : edges.flatMap((e) => e.referenced), now)
  if (collection.redaction === 'withhold' || (!strips && version.parts.length === 0)) return whole(joined)
  const groups = groupsOf(joined.record, version.parts, strips ? edges : [], now)
  // Parts that add nothing now may do so again, when what it refers to is released: the row has to remember them.
  if (groups.length === 0 && version.parts.length === 0) return whole(joined)
  return apart(joined, version, groups, now)
}

const whole = ({ record, heldUntil }: Joined): Composition => ({
  record,
  heldUntil,
  need: null,
  copies: null,
})

function apart(base: Joined, version: Ingredients, groups: readonly Group[], now: Micros): Composition {
  const value: Record<string, unknown> = JSON.parse(version.text)
  const full = (1 << groups.length) - 1
  const byAudience = new Map<string, Copy>()
  const valid: number[] = []
  for (let set = full; set >= 0; set--) {
    const kept = groups.filter((_, i) => set & (1 << i))
    const copy =
      set === full
        ? version
        : render(
            value,
            version,
            groups.filter((_, i) => !(set & (1 << i))),
          )
    if (!copy) continue
    valid.push(set)
    const record = copyAudience(base.record, kept, now)
    const rank = rankOf(set, kept.length)
    // Who may see one of two copies sees both: the fuller one is for them.
    const same = JSON.stringify(record)
    const other = byAudience.get(same)
    if (other === undefined || other.rank < rank) {
      byAudience.set(same, { record, rank, text: copy.text, hash: copy.hash })
    }
  }
  const copies = [...byAudience.values()]
  const record = visibleAudience(base.record, groups, valid, now)
  return { record, heldUntil: base.heldUntil, need: demandOf(record, version.parts, now), copies }
}

/**
 * The more groups, the higher; of as many, by what the groups ask for, whose order no other group changes. Numbers of
 * audiences must not decide: they tell what was stored before, also of what is hidden (policy.md, "The promise").
 */
const rankOf = (set: number, count: number) => (count << MOST_GROUPS) | set

const ROOM = { depth: 1000, objectBytes: Number.MAX_SAFE_INTEGER, idLength: 1000 }

/** The copy without these groups, if it is still a STIX object. */
function render(
  value: Record<string, unknown>,
  { type, spec }: Ingredients,
  hidden: readonly Group[],
): { text: string; hash: string } | null {
  const copy = redact(
    value,
    hidden.flatMap((g) => g.selectors),
    new Set(hidden.flatMap((g) => g.refs)),
    contributingProperties(type) ?? [],
  )
  if (!copy) return null
  const text = JSON.stringify(copy)
  const member = { index: 0, text, value: copy, problems: [] }
  const { object } = checkObject(member, { specs: [spec === 20 ? 20 : 21], limits: ROOM })
  return object && { text, hash: object.hash }
}

/** Composes, and knows what it has composed: relationships of one feed have few different labels. */
export class Composer {
  readonly #collection: Collection
  readonly #now: Micros
  readonly #numbers = new Numbers<AudienceRecord>()
  readonly #known = new Map<string, Composition>()

  constructor(collection: Collection, now: Micros) {
    this.#collection = collection
    this.#now = now
  }

  /** The same composition, the same object, for equal marks and references. */
  compose(version: Ingredients, edges: readonly Edge[]): Composition {
    const { type, marks, parts } = version
    const apart = parts.length > 0 || (this.#collection.redaction === 'redact' && isContainer(type))
    if (apart) return compose(this.#collection, version, edges, this.#now)
    const open: AudienceRecord[] = []
    const later: string[] = []
    for (const { referenced } of edges) {
      for (const { record, at } of referenced) {
        if (at === undefined) open.push(record)
        else later.push(`${this.#numbers.of(record)}@${at}`)
      }
    }
    const key = `${this.#numbers.of(marks)} ${this.#numbers.key(open)} ${later.sort().join()}`
    let found = this.#known.get(key)
    if (!found) {
      found = compose(this.#collection, version, edges, this.#now)
      this.#known.set(key, found)
    }
    return found
  }
}
