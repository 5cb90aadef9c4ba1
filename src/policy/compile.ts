/** Compiles a reader to the set of audiences it may see; the only caller of permit() (policy.md §11). */
import type { Micros } from '../time.ts'
import { labelsIn, representatives } from './kin.ts'
import { type AudienceRecord, type Label, type Subject, TLPS, type World } from './model.ts'
import { decide, permit } from './permit.ts'

/** What a token may be capped at and does not read all. */
const CAPS = TLPS.filter((level) => level !== 'red')

/** Audience ids that a reader sees, as Postgres reads them. */
export interface Scope {
  /** `{1,2,3}` */
  array: string
  /** `\\x0e`: bit n is set for audience n; the last bit is always 0. */
  bits: string
  /** Number of that last bit. */
  size: number
  /** The same ids, ascending. */
  ids: readonly number[]
}

interface Compiled extends Scope {
  ids: number[]
  count: number
  until: Micros
  /** Per audience, by which rule it is admitted; filled as it is asked for. */
  rules: Map<number, string>
  /** The same label by label, where they differ. */
  each: Map<number, readonly string[] | null>
  readBack?: readonly number[]
}

/** By which rules a reader is admitted, as long as nothing changes. */
export interface Rules {
  /** The same object as long as the rules are. */
  era: object
  of(audience: number): string
  /**
   * By which rule each of its labels alone admits, in their order; null when that is the same for all of them. What a row
   * refers to is in its audience, and is not for everybody to know who sees the row.
   */
  each(audience: number): readonly string[] | null
}

const NEVER = 1n << 62n

/** Scopes of one world's readers. Made anew with each epoch; extended as audiences are interned. */
export class Scopes {
  readonly #world: World
  readonly #compiled = new Map<string, Compiled>()
  #boundaries: Micros[]
  #boundaryCount = 0

  constructor(world: World) {
    this.#world = world
    this.#boundaries = [...world.topology.agreements, ...world.topology.vetoes]
      .flatMap((a) => [a.validFrom, a.validUntil])
      .filter((at): at is Micros => at !== null)
      .sort(ascending)
  }

  /**
   * @param now microseconds; windows and agreements are judged at this time
   */
  of(who: Subject | null, now: Micros): Scope {
    const key = keyOf(who)
    const world = this.#world
    const subject = who && this.#current(who)
    let found = this.#compiled.get(key)
    if (found && now >= found.until) found = undefined
    if (found && found.count === world.audienceCount) return found
    const ids = found?.ids ?? []
    const from = (found?.count ?? 0) + 1
    for (let id = from; id <= world.audienceCount; id++) {
      const audience = world.audiences[id]
      if (audience && permit(world.topology, subject, audience, now)) ids.push(id)
    }
    const compiled: Compiled = {
      ids,
      array: `{${ids.join(',')}}`,
      bits: bitString(ids, world.audienceCount),
      size: lastBit(world.audienceCount),
      count: world.audienceCount,
      until: this.#next(now),
      rules: found?.rules ?? new Map(),
      each: found?.each ?? new Map(),
    }
    if (this.#compiled.size > 10_000) this.#compiled.clear()
    this.#compiled.set(key, compiled)
    return compiled
  }

  /** Audiences of the reader's scope that admit it only because it submitted what carries them (policy.md §3, relation 1). */
  readBack(who: Subject | null, now: Micros): readonly number[] {
    const compiled = this.of(who, now) as Compiled
    if (compiled.readBack) return compiled.readBack
    const { audiences, topology } = this.#world
    const subject = who && this.#current(who)
    compiled.readBack = compiled.ids.filter((id) => {
      const record = audiences[id]
      if (!record || record.submitter !== subject?.principal.id) return false
      return !permit(topology, subject, { ...record, submitter: '' }, now)
    })
    return compiled.readBack
  }

  /** By which rule the reader is admitted to an audience of its scope: what the ledger writes down (policy.md §13). */
  rule(who: Subject | null, audience: number, now: Micros): string {
    const { rules } = this.of(who, now) as Compiled
    let rule = rules.get(audience)
    if (rule === undefined) {
      const record = this.#world.audiences[audience]
      const subject = who && this.#current(who)
      const decision = record && decide(this.#world.topology, subject, record, now)
      // A window may have closed since the page was read.
      rule = decision?.yes ? decision.rule : 'until-now'
      rules.set(audience, rule)
    }
    return rule
  }

  /** The same, of one moment. */
  rules(who: Subject | null, now: Micros): Rules {
    const { rules } = this.of(who, now) as Compiled
    return {
      era: rules,
      of: (audience) => this.rule(who, audience, now),
      each: (audience) => this.#each(who, audience, now),
    }
  }

  #each(who: Subject | null, audience: number, now: Micros): readonly string[] | null {
    const { each } = this.of(who, now) as Compiled
    let rules = each.get(audience)
    if (rules === undefined) {
      const record = this.#world.audiences[audience]
      const subject = who && this.#current(who)
      const rule = this.rule(who, audience, now)
      const one = (label: Label) => {
        const decision = decide(this.#world.topology, subject, { ...nothing(record), own: [label] }, now)
        return decision.yes ? decision.rule : 'until-now'
      }
      const all = !record || record.own.length < 2 || rule === 'submitter' ? [] : record.own.map(one)
      rules = all.some((other) => other !== rule) ? all : null
      each.set(audience, rules)
    }
    return rules
  }

  /** Asks of single records what `of` compiles for all of them. */
  asks(who: Subject | null, now: Micros): (record: AudienceRecord) => boolean {
    const subject = who && this.#current(who)
    return (record) => permit(this.#world.topology, subject, record, now)
  }

  /** The subject as it is in this world: a request may have found it in the one before. */
  #current({ principal, organization, cap }: Subject): Subject {
    const { principals, organizations } = this.#world.topology
    const now = principals.get(principal.id)
    const its = now && organizations.get(now.organization)
    return now && its
      ? { principal: now, organization: its, cap }
      : { principal: { ...principal, active: false }, organization, cap }
  }

  /** Does anybody who may not read under `before` read under `after`, and the other way round? A token of any cap counts as one who gains. */
  compare(before: AudienceRecord, after: AudienceRecord, now: Micros): { gains: boolean; loses: boolean } {
    const { topology } = this.#world
    const found = { gains: false, loses: false }
    const both: Subject[] = []
    for (const subject of [null, ...representatives(topology, [before, after])]) {
      const was = permit(topology, subject, before, now)
      const is = permit(topology, subject, after, now)
      if (is && !was) found.gains = true
      if (was && !is) found.loses = true
      if (subject && was && is) both.push(subject)
    }
    // Which tokens there are decides nothing: a new date_added would tell of them.
    found.gains ||= both.some((subject) =>
      CAPS.some((cap) => {
        const capped = { ...subject, cap }
        return permit(topology, capped, after, now) && !permit(topology, capped, before, now)
      }),
    )
    return found
  }

  /** The first moment after `now` at which a decision may change. */
  #next(now: Micros): Micros {
    const world = this.#world
    if (this.#boundaryCount < world.audienceCount) {
      const added: Micros[] = []
      for (let id = this.#boundaryCount + 1; id <= world.audienceCount; id++) {
        const audience = world.audiences[id]
        if (!audience) continue
        const labels = labelsIn(audience)
        for (const at of labels.flatMap((l) => [l.notBefore, l.notAfter])) {
          if (at !== undefined) added.push(BigInt(at))
        }
        for (const l of audience.later ?? []) if (l.at !== undefined) added.push(BigInt(l.at))
      }
      if (added.length > 0) this.#boundaries = [...this.#boundaries, ...added].sort(ascending)
      this.#boundaryCount = world.audienceCount
    }
    let low = 0
    let high = this.#boundaries.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#boundaries[middle] ?? 0n) > now) high = middle
      else low = middle + 1
    }
    return this.#boundaries[low] ?? NEVER
  }
}

/** Of an audience what is no demand, and not that its submitter reads it back. */
const nothing = (record: AudienceRecord | undefined): AudienceRecord => ({
  own: [],
  submitter: '',
  ...(record?.origin !== undefined && { origin: record.origin }),
})

const keyOf = (who: Subject | null) => (who === null ? '' : `${who.cap ?? ''} ${who.principal.id}`)

/** The submitting organization; '' for the standard definitions, which are nobody's. */
export function originOf(record: AudienceRecord): string {
  // Records of before migration 3 do not name it; all of their labels are of it.
  return record.origin ?? record.own[0]?.org ?? ''
}

function ascending(a: Micros, b: Micros): number {
  return a < b ? -1 : a > b ? 1 : 0
}

const lengthFor = (count: number) => (count >> 3) + 2
export const lastBit = (count: number) => lengthFor(count) * 8 - 1

/** A bytea literal with these bits set, and at least one more that is not. */
export function bitString(ids: Iterable<number>, count: number): string {
  const bytes = Buffer.alloc(lengthFor(count))
  for (const id of ids) bytes[id >> 3] = (bytes[id >> 3] ?? 0) | (1 << (id & 7))
  return `\\x${bytes.toString('hex')}`
}
