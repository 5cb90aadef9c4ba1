/** The grammar of STIX 2.1 §9 by recursive descent: only parentheses nest, chains of any length are loops. */
import type {
  Comparison,
  ComparisonOperator,
  Constant,
  ObjectPath,
  Observation,
  Qualifier,
  Test,
} from './ast.ts'
import type { PatternLimits, PatternVersion } from './error.ts'
import { instantKey } from './literals.ts'
import { Terms } from './terms.ts'
import * as T from './tokens.ts'

const NONE: readonly never[] = Object.freeze([])

const STRING_OPERATORS = new Map<number, ComparisonOperator>([
  [T.LIKE, 'LIKE'],
  [T.MATCHES, 'MATCHES'],
  [T.ISSUBSET, 'ISSUBSET'],
  [T.ISSUPERSET, 'ISSUPERSET'],
])

const OPERATORS = 'a comparison operator (=, !=, <, >, <=, >=, IN, LIKE, MATCHES, ISSUBSET or ISSUPERSET)'
const JOINS = 'AND, OR, FOLLOWEDBY, a qualifier'

class Parser extends Terms {
  pattern(): Observation {
    this.next()
    const whole = this.followed()
    if (!this.is(T.END)) this.expected(`${JOINS} or the end of the pattern`, '§9.4')
    return whole
  }

  /** Observation expressions, loosest operator first (§9.4). */
  private followed(): Observation {
    const start = this.start
    const first = this.either()
    return this.is(T.FOLLOWEDBY)
      ? this.join(T.FOLLOWEDBY, 'FOLLOWEDBY', first, start, () => this.either())
      : first
  }

  private either(): Observation {
    const start = this.start
    const first = this.both()
    return this.is(T.OR) ? this.join(T.OR, 'OR', first, start, () => this.both()) : first
  }

  private both(): Observation {
    const start = this.start
    const first = this.qualified()
    return this.is(T.AND) ? this.join(T.AND, 'AND', first, start, () => this.qualified()) : first
  }

  private join(
    kind: number,
    operator: 'AND' | 'OR' | 'FOLLOWEDBY',
    first: Observation,
    start: number,
    term: () => Observation,
  ): Observation {
    const terms = [first]
    while (this.kind === kind) {
      this.next()
      terms.push(term())
    }
    return { kind: 'join', operator, terms, qualifiers: NONE, start, end: this.lastEnd }
  }

  /** `[ ... ]` or `( ... )` with its qualifiers (§9.5). */
  private qualified(): Observation {
    const start = this.start
    if (this.is(T.OPEN_BRACKET)) {
      this.next()
      const comparison = this.any()
      if (!this.is(T.CLOSE_BRACKET)) this.expected('AND, OR or ]', '§9.5')
      this.next()
      const qualifiers = this.qualifiers()
      return { kind: 'bracket', comparison, qualifiers, start, end: this.lastEnd }
    }
    if (!this.is(T.OPEN)) this.expected('an observation expression, [ or (', '§9.4')
    this.deeper()
    this.next()
    const inner = this.followed()
    if (!this.is(T.CLOSE)) this.expected(`${JOINS} or )`, '§9.4')
    this.next()
    this.depth--
    const qualifiers = this.qualifiers()
    if (qualifiers.length === 0) return inner
    const end = this.lastEnd
    if (inner.qualifiers.length > 0) return { kind: 'group', inner, qualifiers, start, end }
    inner.qualifiers = qualifiers
    inner.start = start
    inner.end = end
    return inner
  }

  private qualifiers(): readonly Qualifier[] {
    if (!this.is(T.WITHIN) && !this.is(T.REPEATS) && !this.is(T.START)) return NONE
    const found: Qualifier[] = []
    for (;;) {
      const start = this.start
      if (this.is(T.WITHIN)) {
        this.next()
        const seconds = this.count('a positive number of seconds', true)
        this.keyword(T.SECONDS, 'SECONDS')
        found.push({ kind: 'within', seconds, start, end: this.lastEnd })
      } else if (this.is(T.REPEATS)) {
        this.next()
        const times = this.count('a positive whole number', false)
        this.keyword(T.TIMES, 'TIMES')
        found.push({ kind: 'repeats', times, start, end: this.lastEnd })
      } else if (this.is(T.START)) {
        this.next()
        const from = this.time()
        this.keyword(T.STOP, 'STOP')
        const until = this.time()
        found.push({ kind: 'start-stop', from, until, start, end: this.lastEnd })
      } else return found
    }
  }

  private count(what: string, fractions: boolean): Constant {
    const number = this.is(T.INTEGER) || (fractions && this.is(T.FLOAT))
    if (!number || this.value.charCodeAt(0) === 45) this.expected(what, '§9.5.1')
    return this.constant()
  }

  private keyword(kind: number, word: string): void {
    if (this.kind !== kind) this.expected(word, '§9.5.1')
    this.next()
  }

  /** A time of START and STOP: a timestamp, in 2.0 a string that reads like one. */
  private time(): Constant {
    if (this.version === '2.1') {
      if (!this.is(T.TIMESTAMP)) this.expected("a timestamp such as t'2026-01-31T00:00:00Z'", '§9.5.1')
      return this.constant()
    }
    const valid = this.is(T.STRING) && instantKey(this.value) !== null
    if (!valid) this.expected("a time in a string, such as '2026-01-31T00:00:00Z'", '§9.5.1')
    return { ...this.constant(), kind: 'timestamp' }
  }

  /** Comparison expressions, OR first (§9.6). */
  private any(): Comparison {
    const start = this.start
    const first = this.all()
    if (!this.is(T.OR)) return first
    const terms = [first]
    while (this.is(T.OR)) {
      this.next()
      terms.push(this.all())
    }
    return { kind: 'chain', operator: 'OR', terms, start, end: this.lastEnd }
  }

  private all(): Comparison {
    const start = this.start
    const first = this.test()
    if (!this.is(T.AND)) return first
    const terms = [first]
    while (this.is(T.AND)) {
      this.next()
      terms.push(this.test())
    }
    return { kind: 'chain', operator: 'AND', terms, start, end: this.lastEnd }
  }

  private test(): Comparison {
    const start = this.start
    if (this.is(T.OPEN)) {
      this.deeper()
      this.next()
      const inner = this.any()
      if (!this.is(T.CLOSE)) this.expected('AND, OR or )', '§9.6')
      this.next()
      this.depth--
      return inner
    }
    if (this.is(T.NOT) || this.is(T.EXISTS)) {
      const negated = this.is(T.NOT)
      if (negated) this.next()
      if (!this.is(T.EXISTS)) {
        this.expected(
          this.version === '2.0'
            ? 'NOT after the object path, as in [file:name NOT LIKE ..]'
            : 'EXISTS, or NOT after the object path, as in [file:name NOT LIKE ..]',
          '§9.6.1',
          negated ? start : this.start,
        )
      }
      this.next()
      return this.result(this.path(), 'EXISTS', negated, NONE, start)
    }
    const path = this.path()
    const negated = this.is(T.NOT)
    if (negated) this.next()
    return this.comparison(path, negated, start)
  }

  private comparison(path: ObjectPath, negated: boolean, start: number): Test {
    const kind = this.kind
    if (kind === T.EQUALITY || kind === T.ORDER) {
      const operator = this.value as ComparisonOperator
      this.next()
      if (kind === T.ORDER && this.is(T.BOOLEAN)) this.expected('a constant that has an order', '§9.6.1')
      return this.result(path, operator, negated, [this.constant()], start)
    }
    if (kind === T.IN) {
      this.next()
      return this.result(path, 'IN', negated, this.set(), start)
    }
    const operator = STRING_OPERATORS.get(kind)
    if (operator === undefined) this.expected(`${negated ? '' : 'NOT or '}${OPERATORS}`, '§9.6.1')
    this.next()
    if (!this.is(T.STRING)) this.expected(`a string after ${operator}`, '§9.6.1')
    return this.result(path, operator, negated, [this.constant()], start)
  }

  private result(
    path: ObjectPath,
    operator: ComparisonOperator,
    negated: boolean,
    values: readonly Constant[],
    start: number,
  ): Test {
    return { kind: 'test', path, operator, negated, values, start, end: this.lastEnd }
  }
}

/** Parses a pattern within limits that the caller has checked for size; throws Failure at the first error. */
export function readPattern(text: string, version: PatternVersion, limits: PatternLimits): Observation {
  return new Parser(text, version, limits).pattern()
}
