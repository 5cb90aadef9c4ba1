/** What one reader sees of a plain store, at one moment: which rows, and which copy of each (policy.md §3, §5, §6, §7). */
import type { Label, Subject } from '../../src/policy/model.ts'
import type { Micros } from '../../src/time.ts'
import { type Judge, judgeOf } from '../matrix/reference.ts'
import { takeOut } from './plain-copy.ts'
import { isContainer } from './plain-disclosed.ts'
import type { PlainStore, Row, Said } from './plain-store.ts'

/** Admitted as a reader, or as the submitter, whom only the cap of its credential stops. */
type As = 'reader' | 'submitter'

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
    return latest
      .filter((r) => r.key > row.key)
      .every((r) => {
        const parts = this.#store.parts(r).flatMap((p) => p.labels)
        return this.#meets(r) && parts.every((label) => this.#judge.admits(label))
      })
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
    return as === 'reader' ? this.#judge.admits(label) : this.#judge.withinCap(label)
  }

  #saidMet({ store, row }: Said, as: As): boolean {
    // Time stops no submitter, nor does what is due and not yet out (§7).
    if (as === 'submitter' && row.held !== null && hasOut(store, row)) return true
    return store === this.#store ? this.met(row, as) : store.view(this.#reader, this.#now).met(row, as)
  }

  #copy(row: Row, as: As): string | null {
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
    return hidden.length + refs.size === 0 ? row.body : takeOut(row.body, row.spec, hidden, refs)
  }
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
