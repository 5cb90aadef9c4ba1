/** Which copies references mean, by a log of who wrote what when (policy.md §6), plainly. */
import type { DeclaredTopology } from '../../src/policy/declared.ts'
import type { Subject } from '../../src/policy/model.ts'
import type { Micros } from '../../src/time.ts'
import type { StixObject } from './client.ts'
import { refsIn } from './plain-disclosed.ts'
import { chainKey, nameOf, PlainStore, type Row, type Said } from './plain-store.ts'

/** Looks at the store after each request and remembers what its references meant to their author then. */
export class ReferenceLog {
  readonly #declared: DeclaredTopology
  readonly #definitions: readonly StixObject[]
  readonly #targets = new Map<string, Map<string, string | null>>()
  readonly #last = new Map<string, Said>()
  readonly #texts = new Map<string, string>()
  /** As it is now. */
  store: PlainStore

  constructor(declared: DeclaredTopology, definitions: readonly StixObject[], rows: readonly Row[]) {
    this.#declared = declared
    this.#definitions = definitions
    this.store = new PlainStore(declared, rows, definitions)
  }

  /** @param author who wrote, without its token's cap (§9); null = time passed, or somebody relabelled */
  observe(rows: readonly Row[], author: Subject | null, now: Micros): PlainStore {
    const before = this.store
    const changed = rows.filter((row) => !row.standard && this.#texts.get(nameOf(row)) !== row.body)
    // What is there already and nobody writes has got other markings: its references mean what they meant.
    const fresh = author === null ? changed.filter((row) => !this.#texts.has(nameOf(row))) : changed
    for (const row of changed) this.#texts.set(nameOf(row), row.body)
    if (fresh.length > 0 && author === null) throw new Error('rows came from nowhere')
    if (author !== null) this.#resolve(before, fresh, author, now)
    this.#bury(before, rows)
    const targets = new Map([...this.#targets].map(([name, map]) => [name, new Map(map)]))
    this.store = new PlainStore(this.#declared, rows, this.#definitions, {
      targets,
      last: new Map(this.#last),
    })
    return this.store
  }

  #resolve(before: PlainStore, fresh: readonly Row[], author: Subject, now: Micros): void {
    const uncapped = { ...author, cap: null }
    const own = author.organization.id
    const written = new Set<string>()
    // What waited for a copy of its author's own organization has found it.
    for (const row of before.rows) {
      const targets = this.#targets.get(nameOf(row))
      for (const [target, meant] of targets ?? []) {
        const here = fresh.some((f) => f.id === target && f.collection === row.collection)
        if (meant === null && row.organization === own && here) targets?.set(target, own)
      }
    }
    for (const row of fresh) {
      written.add(row.id)
      const seen = before.rows.filter((r) => {
        if (r.collection !== row.collection || r.standard) return false
        const canRead = before.rights(uncapped, r.collectionId)?.read === true
        return (canRead || r.principal === author.principal.id) && before.admits(uncapped, r, now)
      })
      const meant = (target: string): string | null => {
        const copies = seen.filter((r) => r.id === target).sort((a, b) => (a.accepted < b.accepted ? -1 : 1))
        if (written.has(target) || copies.some((r) => r.organization === own)) return own
        if (copies[0]) return copies[0].organization
        return fresh.some((r) => r.id === target) ? own : null
      }
      const refs = refsIn(JSON.parse(row.body))
      this.#targets.set(nameOf(row), new Map(refs.map((target) => [target, meant(target)])))
    }
  }

  /** "A chain that was deleted keeps its last label." */
  #bury(before: PlainStore, rows: readonly Row[]): void {
    const left = new Set(rows.map((r) => chainKey(r.collection, r.organization, r.id)))
    for (const row of before.rows) {
      const key = chainKey(row.collection, row.organization, row.id)
      if (row.standard || left.has(key)) continue
      const chain = before.chain(row.collection, row.organization, row.id)
      const last = chain.filter((r) => r.held === null).at(-1) ?? chain.at(-1)
      if (last) this.#last.set(key, { store: before, row: last })
    }
  }
}
