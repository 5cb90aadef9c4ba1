/** What one reader sees of a plain store, at one moment: which rows, and which copy of each (policy.md §3, §5, §6, §7). */
import type { Label, Subject } from '../../src/policy/model.ts'
import type { Micros } from '../../src/time.ts'
import { type Judge, judgeOf } from '../matrix/reference.ts'
import { takeOut } from './plain-copy.ts'
import { isContainer } from './plain-disclosed.ts'
import type { PlainStore, Row, Said } from './plain-store.ts'

/** Admitted as a reader; as the submitter, whom only the cap of its credential stops; or as a reader whom no embargo stops. */
type As = 'reader' | 'submitter' | 'timeless'

interface Copy {
  text: string
  /** Selectors of the marked parts that are not in it. */
  gone: readonly string[]
}

/** What is in the same copies. */
interface Alike {
  key: string
  selectors: string[]
  refs: string[]
}

export class View {
  readonly #store: PlainStore
  readonly #reader: Subject | null
  readonly #now: Micros
  readonly #judge: Judge
  readonly #met = new Map<As, Map<Row, boolean>>()

  constructor(store: PlainStore, reader: Subject | null, now: Micros) {
    this.#store = store
    this.#reader = reader
    this.#now = now
    this.#judge = judgeOf(store.topology, reader, now)
  }

  sees(row: Row): boolean {
    const reader = this.#reader
    if (row.standard) return this.#judge.admits({ level: 'clear', org: '' })
    const labels = ownLabels({ store: this.#store, row }, this.#now, new Set())
    const embargoed = row.held !== null || labels.some((l) => BigInt(l.notBefore ?? 0) > this.#now)
    if (reader === null) return !embargoed && this.#meets(row) && this.#meetsLatest(row)
    if (!labels.every((label) => this.#judge.withinCap(label))) return false
    if (this.#submitted(row)) return this.met(row, 'submitter')
    if (embargoed && reader.organization.id !== row.organization) return false
    return this.#meets(row) && this.#meetsLatest(row)
  }

  /** Do its own markings admit the reader, and something that it refers to does not? */
  closedBy(row: Row): boolean {
    const admitted = this.#store.labels(row).every((label) => this.#judge.admits(label))
    const said = [...this.#store.referenced(row, this.#now).values()].flat()
    return admitted && !said.every((one) => this.#saidMet(one, 'reader'))
  }

  /** The text of a row that the reader sees. */
  copy(row: Row): string | null {
    return this.#copy(row, this.#submitted(row) ? 'submitter' : 'reader')
  }

  /** Selectors of the marked parts that are in that copy. */
  partsLeft(row: Row): string[] {
    const gone = this.#copyAs(row, this.#submitted(row) ? 'submitter' : 'reader')?.gone ?? []
    return this.#store.parts(row).flatMap((p) => (gone.includes(p.selector) ? [] : [p.selector]))
  }

  #submitted(row: Row): boolean {
    const reader = this.#reader
    return reader?.principal.id === row.principal && reader.organization.id === row.organization
  }

  #meets(row: Row): boolean {
    return this.met(row, 'reader')
  }

  /** Older versions need what the latest does, all parts of it (§5, §7). */
  #meetsLatest(row: Row): boolean {
    const latest = this.#store.latest(row.collection, row.organization, row.id, this.#now)
    const binding = this.#store.binding(row.collection, row.organization, row.id, this.#now)
    const needs = (newer: readonly Row[], as: As) =>
      newer
        .filter((r) => r.key > row.key)
        .every((r) => {
          const parts = this.#store.parts(r).flatMap((p) => p.labels)
          return this.met(r, as) && parts.every((label) => this.#admits(label, as))
        })
    return needs(latest, 'reader') && needs(binding, 'timeless')
  }

  /**
   * Does the label of this version alone admit: its markings, and everything that it refers to, over any number of steps?
   * Found by supposing it of every row and striking out what does not hold, so that a circle admits whom each of it does.
   */
  met(row: Row, as: As): boolean {
    let met = this.#met.get(as)
    if (!met) {
      met = new Map(this.#store.rows.map((r) => [r, true]))
      this.#met.set(as, met)
      for (let changed = true; changed; ) {
        changed = false
        for (const one of this.#store.rows) {
          if (!met.get(one) || this.#holds(one, as)) continue
          met.set(one, false)
          changed = true
        }
      }
    }
    return met.get(row) === true
  }

  #holds(row: Row, as: As): boolean {
    if (!this.#store.labels(row).every((label) => this.#admits(label, as))) return false
    if (!this.#strips(row)) {
      const said = [...this.#store.referenced(row, this.#now).values()].flat()
      if (!said.every((one) => this.#saidMet(one, as))) return false
    }
    return this.#copy(row, as) !== null
  }

  #strips(row: Row): boolean {
    return isContainer(row.type) && this.#store.collection(row).redaction === 'redact'
  }

  #admits(label: Label, as: As): boolean {
    if (as === 'timeless') {
      const { notBefore: _, ...rest } = label
      return this.#judge.admits(rest)
    }
    return as === 'reader' ? this.#judge.admits(label) : this.#judge.withinCap(label)
  }

  #saidMet({ store, row, timeless }: Said, as: As): boolean {
    // Time stops no submitter, nor does what is due and not yet out (§7).
    if (as === 'submitter' && row.held !== null && hasOut(store, row)) return true
    const how = timeless ? 'timeless' : as
    return store === this.#store ? this.met(row, how) : store.view(this.#reader, this.#now).met(row, how)
  }

  #copy(row: Row, as: As): string | null {
    return this.#copyAs(row, as)?.text ?? null
  }

  /**
   * Without what does not admit. Where that is no STIX object, without other marked parts as well, as few as can be (§5):
   * whoever may see less gets that copy too, and a key never opens what its owner may not see (§1). Of as few, by the
   * order of what they ask for.
   */
  #copyAs(row: Row, as: As): Copy | null {
    const hidden = this.#store
      .parts(row)
      .filter((p) => !p.labels.every((label) => this.#admits(label, as)))
      .map((p) => p.selector)
    const refs = new Set<string>()
    if (this.#strips(row)) {
      for (const [target, said] of this.#store.referenced(row, this.#now)) {
        if (!said.every((one) => this.#saidMet(one, as))) refs.add(target)
      }
    }
    if (hidden.length + refs.size === 0) return { text: row.body, gone: [] }
    const first = takeOut(row.body, row.spec, hidden, refs)
    if (first !== null) return { text: first, gone: hidden }
    for (const more of subsets(this.#markedAlike(row))) {
      const gone = [...hidden, ...more.flatMap((m) => m.selectors)]
      const text = takeOut(row.body, row.spec, gone, new Set([...refs, ...more.flatMap((m) => m.refs)]))
      if (text !== null) return { text, gone }
    }
    return null
  }

  /** What is in some copies only: parts under the same conditions go together, and references to what is under them. */
  #markedAlike(row: Row): Alike[] {
    const conditions = (labels: readonly Label[]) => labels.map((label) => condition(label, this.#now))
    const always = conditions(ownLabels({ store: this.#store, row }, this.#now, new Set()))
    const found = new Map<string, Alike>()
    const alike = (labels: readonly Label[]): Alike => {
      const rest = [...new Set(conditions(labels))].filter((one) => !always.includes(one))
      const key = `[[${rest.sort()}],[],[]]`
      const one = found.get(key) ?? { key, selectors: [], refs: [] }
      if (rest.length > 0) found.set(key, one)
      return one
    }
    for (const { selector, labels } of this.#store.parts(row)) alike(labels).selectors.push(selector)
    if (this.#strips(row)) {
      for (const [target, said] of this.#store.referenced(row, this.#now))
        alike(said.flatMap((one) => ownLabels(one, this.#now, new Set()))).refs.push(target)
    }
    // A reference is nothing that a part cannot be without.
    return [...found.values()]
      .filter((one) => one.selectors.length > 0)
      .sort((a, b) => (a.key < b.key ? -1 : 1))
  }
}

/** All but the empty one, the small ones first; of as many, those of the first ones. */
function subsets<T>(list: readonly T[]): T[][] {
  const found = Array.from({ length: 2 ** list.length - 1 }, (_, n) =>
    list.filter((__, i) => (n + 1) & (1 << i)),
  )
  return found.sort((a, b) => a.length - b.length)
}

/** What it asks for now, whatever a veto may name it by. */
function condition(label: Label, now: Micros): string {
  const { level, org, releasableTo, notReleasableTo, clients, notBefore, notAfter } = label
  return JSON.stringify({
    ...{ level, org, releasableTo, notReleasableTo },
    clients: clients === 'denied' ? clients : undefined,
    notBefore: BigInt(notBefore ?? 0) > now ? notBefore : undefined,
    notAfter,
  })
}

function hasOut(store: PlainStore, row: Row): boolean {
  return store.chain(row.collection, row.organization, row.id).some((r) => r.held === null)
}

/** The labels that must all admit: of its markings, and of what it refers to where that is not taken out. */
function ownLabels({ store, row }: Said, now: Micros, seen: Set<Row>): Label[] {
  if (seen.has(row)) return []
  seen.add(row)
  const found = [...store.labels(row)]
  if (isContainer(row.type) && store.collection(row).redaction === 'redact') return found
  for (const said of store.referenced(row, now).values()) {
    // What is due and not yet out binds readers, but it is not in the label before it is out.
    const out = said.filter((one) => one.row.held === null)
    for (const one of out.length > 0 ? out : said) found.push(...ownLabels(one, now, seen))
  }
  return found
}
