/** What references of objects that are being stored see: what is there, and what comes with them (policy.md §6). */
import { bindingOf, type Referenced } from '../policy/closure.ts'
import type { AudienceRecord } from '../policy/model.ts'
import type { CopyRow } from '../store/references.ts'
import type { Micros } from '../time.ts'
import type { Edge } from './compose.ts'
import type { Exchange } from './exchange.ts'
import type { Candidate } from './prepare-objects.ts'

export interface Reference {
  target: string
  property: string
  organization: string | null
  /** What its author sees of it, for `known` of the reference; null: nothing. */
  known: AudienceRecord | null
}

const NOTHING: readonly Referenced[] = []

interface Said {
  organization: string
  said: readonly Referenced[]
}

/** What is stored and what is about to be, as references see it. */
export class Arriving {
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
    const beside: Referenced[] = []
    const hold = (record: AudienceRecord, at: Micros, marks: AudienceRecord) => {
      held.push({ record, at })
      const binding = seen ? null : bindingOf(record, marks, at)
      if (binding) beside.push(binding)
    }
    const newest =
      arriving === undefined ? stored?.version_key : this.#candidates[arriving]?.object.versionKey
    for (const copy of this.#copies.get(target) ?? []) {
      if (copy.organization !== organization || copy.held_until === null) continue
      if (!this.#holds(copy, seen)) continue
      if (this.#replaced.has(copy.accepted) || (seen && !copy.seen)) continue
      if (newest && copy.version_key <= newest) continue
      const [label, marks] = [copy.label, copy.marks].map((id) => this.#exchange.audience(id))
      hold(label as AudienceRecord, copy.held_until, marks as AudienceRecord)
    }
    for (const i of own ? (this.#embargoed.get(target) ?? []) : []) {
      const { heldUntil, marks } = this.#candidates[i] as Candidate
      if (heldUntil !== null) hold(labels[i] as AudienceRecord, heldUntil, marks)
    }
    if (open) return [{ record: open }, ...held, ...beside]
    // All of them under embargo: nothing of it is out, so neither is what points at it.
    return held.map(({ record }) => ({ record }))
  }

  /** Is it under an embargo? One that the author sent may be so by what is hidden from it. */
  #holds({ accepted, held_until }: CopyRow, seen: boolean): boolean {
    if (held_until === null) return false
    const known = seen && this.#ownLabels.get(accepted)
    return !known || known.held === true
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
      if (copy.organization !== organization || this.#holds(copy, seen)) continue
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
