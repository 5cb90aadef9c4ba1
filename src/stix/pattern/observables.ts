/** The values that a pattern asks for, for search and correlation: which of them it requires, which it offers. */
import type { Comparison, ComparisonOperator, Observation, PatternAst, Test } from './ast.ts'
import { type Normal, normalise, type ObservableKind } from './normalise.ts'
import { printSteps } from './print.ts'

export interface Observable {
  /** Object type of the path. */
  type: string
  /** The steps of the path, canonically spelled: `hashes.'SHA-256'`, `dst_ref.value`. */
  path: string
  operator: '=' | 'IN' | 'ISSUBSET' | 'ISSUPERSET'
  /** What the value is, as far as path and form tell. */
  kind: ObservableKind
  /** Normalised by kind. */
  value: string
  /** Of a hash. */
  algorithm?: string
  /** Does whatever matches the pattern match this comparison? Otherwise it is one alternative of several. */
  required: boolean
}

/** Comparisons that name a value. `NOT !=` does not: an object without the property meets it too. */
const NAMING: ReadonlySet<ComparisonOperator> = new Set(['=', 'IN', 'ISSUBSET', 'ISSUPERSET'])

/** Numbers of required observables; null for none, to save the sets of most patterns. */
type Needed = Set<number> | null

class Collector {
  readonly found: Observable[] = []
  private readonly numbers = new Map<string, number>()

  observation(node: Observation): Needed {
    if (node.kind === 'bracket') return this.comparison(node.comparison)
    if (node.kind === 'group') return this.observation(node.inner)
    return this.join(node.terms, node.operator === 'OR', (term) => this.observation(term))
  }

  private comparison(node: Comparison): Needed {
    if (node.kind === 'test') return this.test(node)
    return this.join(node.terms, node.operator === 'OR', (term) => this.comparison(term))
  }

  /** What every term needs is needed under OR, what any term needs under AND and FOLLOWEDBY. */
  private join<Node>(terms: readonly Node[], either: boolean, visit: (term: Node) => Needed): Needed {
    let needed: Needed = null
    for (const [i, term] of terms.entries()) {
      const more = visit(term)
      if (i === 0) needed = more
      else needed = either ? shared(needed, more) : merged(needed, more)
    }
    return needed
  }

  private test(test: Test): Needed {
    if (test.negated || !NAMING.has(test.operator)) return null
    const path = printSteps(test.path)
    const needed = new Set<number>()
    for (const constant of test.values) {
      needed.add(this.number(test, path, normalise(test.path, constant)))
    }
    return needed.size === 1 ? needed : null
  }

  /** `=` and IN of one path and value are one observable, under the operator that came first. */
  private number(test: Test, path: string, normal: Normal): number {
    const { type } = test.path
    const operator = test.operator as Observable['operator']
    const asks = operator === 'IN' ? '=' : operator
    const key = `${asks} ${normal.kind} ${type} ${path.length} ${path}${normal.value}`
    const known = this.numbers.get(key)
    if (known !== undefined) return known
    const number = this.found.length
    this.numbers.set(key, number)
    this.found.push({ type, path, operator, ...normal, required: false })
    return number
  }
}

function merged(a: Needed, b: Needed): Needed {
  if (a === null || b === null) return a ?? b
  const [small, large] = a.size < b.size ? [a, b] : [b, a]
  for (const number of small) large.add(number)
  return large
}

function shared(a: Needed, b: Needed): Needed {
  if (a === null || b === null) return null
  const [small, large] = a.size < b.size ? [a, b] : [b, a]
  for (const number of small) if (!large.has(number)) small.delete(number)
  return small.size === 0 ? null : small
}

/**
 * The values of `=`, IN, ISSUBSET and ISSUPERSET comparisons without NOT, each once, in the order of the text. A
 * value is required when the pattern cannot match without it: in every branch of each OR that it stands under, and
 * alone in its IN. Qualifiers and FOLLOWEDBY change nothing of that. Never throws: what is no tree of a pattern has none.
 */
export function extractObservables(ast: PatternAst): Observable[] {
  try {
    return extract(ast)
  } catch {
    return []
  }
}

function extract(ast: PatternAst): Observable[] {
  const collector = new Collector()
  const needed = collector.observation(ast)
  if (needed !== null) {
    for (const number of needed) {
      const observable = collector.found[number]
      if (observable !== undefined) observable.required = true
    }
  }
  return collector.found
}
