/** Names of a topology file: each declared once, each reference to something declared, none ambiguous. */
import { NO_COUNTRY } from '../policy/model.ts'
import { didYouMean } from './near.ts'
import type { Report } from './tree-reader.ts'

export type Kind = 'country' | 'organization' | 'community' | 'principal'

const ARTICLE: Record<Kind, string> = {
  country: 'a country',
  organization: 'an organization',
  community: 'a community',
  principal: 'a principal',
}

interface Reference {
  kinds: readonly Kind[]
  name: string
  line: number
  what: string
}

/** Collects what is declared and referred to; `check` judges once all is known, so that order does not matter. */
export class Names {
  readonly #report: Report
  readonly #declared = new Map<Kind, Map<string, number>>()
  readonly #references: Reference[] = []

  constructor(report: Report) {
    this.#report = report
  }

  declare(kind: Kind, name: string, line: number): void {
    if (name === '') return
    const own = this.#of(kind)
    const first = own.get(name)
    if (first === undefined) own.set(name, line)
    else this.#report.problem(line, `${kind} ${name} is declared twice, first in line ${first}`)
  }

  refer(kinds: readonly Kind[], name: string, line: number, what: string): void {
    if (name !== '') this.#references.push({ kinds, name, line, what })
  }

  check(): void {
    for (const { kinds, name, line, what } of this.#references) {
      if (name === NO_COUNTRY && kinds.includes('country')) {
        if (kinds.length > 1) this.#report.warning(line, `${what}: ZZ is no country and reaches nobody`)
        continue
      }
      const meant = kinds.filter((kind) => this.#of(kind).has(name))
      if (meant.length > 1) {
        const both = meant.map((kind) => ARTICLE[kind]).join(' and ')
        this.#report.problem(line, `${what}: "${name}" is ambiguous, the id of ${both}: rename one`)
      } else if (meant.length === 0) {
        const known = kinds.flatMap((kind) => [...this.#of(kind).keys()])
        const expected = kinds.map((kind) => ARTICLE[kind]).join(' or ')
        const hint = didYouMean(name, known)
        this.#report.problem(line, `${what}: "${name}" is not declared, expected ${expected}${hint}`)
      }
    }
  }

  #of(kind: Kind): Map<string, number> {
    let own = this.#declared.get(kind)
    if (!own) {
      own = new Map()
      this.#declared.set(kind, own)
    }
    return own
  }
}

/** Things that must differ within one scope: aliases of a root, names of a principal's tokens, ... */
export class Unique {
  readonly #report: Report
  readonly #seen = new Map<string, number>()

  constructor(report: Report) {
    this.#report = report
  }

  /** @param shown what the message calls it, when the value itself must not be shown */
  add(value: string | null, line: number, what: string, shown: string | null = value): void {
    if (value === null || value === '') return
    const first = this.#seen.get(value)
    if (first === undefined) this.#seen.set(value, line)
    else this.#report.problem(line, `${what} ${shown} is here twice, first in line ${first}`)
  }
}
