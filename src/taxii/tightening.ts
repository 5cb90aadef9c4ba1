/** Why an object is stricter than its own marking, as far as its writer may know (policy.md §6). */
import type { AudienceRecord } from '../policy/model.ts'
import type { Reference } from './arriving.ts'
import type { Edge } from './compose.ts'

/** Which references add a condition, where the writer sees all that adds it: no text tells of what it cannot see. */
export class Tightening {
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
