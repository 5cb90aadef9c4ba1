/** The static rules of patterns that the grammar cannot see (STIX 2.1 §9.2 to §9.7), over the tree. */
import { parseAddress } from './address.ts'
import type { Comparison, Constant, ObjectPath, Observation, Qualifier, Test } from './ast.ts'
import { exceeds, MOST_PATTERN_ERRORS, type PatternLimits, quoted } from './error.ts'
import { fitsHash, hashAlgorithm } from './hashes.ts'
import { instantKey, isPositive } from './literals.ts'

/** What the caller knows that the pattern does not say. */
export interface PatternContext {
  /** Is the object type known? Without it no type is warned about. */
  isType?: (type: string) => boolean
  /** Has a known type that property? Without it no property is warned about. */
  isProperty?: (type: string, property: string) => boolean
  /** `valid_from` and `valid_until` of the indicator, if they are timestamps. */
  validFrom?: string
  validUntil?: string
}

/** A rule that is broken; `warning` when the pattern stands all the same. */
export interface Breach {
  warning: boolean
  code: string
  offset: number
  message: string
  clause?: string
}

const TYPE_NAME = /^[a-z][a-z0-9-]*$/
const PROPERTY_NAME = /^[a-z][a-z0-9_]*$/
const LONGEST_NAME = 250

function isTypeName(name: string): boolean {
  return name.length >= 3 && name.length <= LONGEST_NAME && TYPE_NAME.test(name) && !name.includes('--')
}

function isPropertyName(name: string): boolean {
  return (name.length >= 3 && name.length <= LONGEST_NAME && PROPERTY_NAME.test(name)) || name === 'id'
}

/** The types that can meet an expression: one, several, or (null) unknown after an error. */
type Types = string | Set<string> | null

function union(a: Types, b: Types): Types {
  if (a === null || b === null) return null
  if (a === b) return a
  if (typeof a === 'string') return typeof b === 'string' ? new Set([a, b]) : b.add(a)
  if (typeof b === 'string') return a.add(b)
  const [small, large] = a.size < b.size ? [a, b] : [b, a]
  for (const type of small) large.add(type)
  return large
}

/** Undefined when nothing is in both. */
function intersection(a: Types, b: Types): Types | undefined {
  if (a === null) return b
  if (b === null || a === b) return a
  if (typeof a === 'string') return typeof b !== 'string' && b.has(a) ? a : undefined
  if (typeof b === 'string') return a.has(b) ? b : undefined
  const [small, large] = a.size < b.size ? [a, b] : [b, a]
  for (const type of small) if (!large.has(type)) small.delete(type)
  return small.size > 0 ? small : undefined
}

class Checker {
  readonly breaches: Breach[] = []
  /** Errors and warnings are bounded apart, so that no number of warnings hides an error. */
  private readonly told: [errors: number, warnings: number] = [0, 0]
  private readonly context: PatternContext
  private readonly limits: PatternLimits
  private readonly from: string | null
  private readonly until: string | null

  constructor(context: PatternContext, limits: PatternLimits) {
    this.context = context
    this.limits = limits
    this.from = context.validFrom === undefined ? null : instantKey(context.validFrom)
    this.until = context.validUntil === undefined ? null : instantKey(context.validUntil)
  }

  observation(node: Observation): void {
    if (node.kind === 'bracket') this.comparison(node.comparison)
    else if (node.kind === 'group') this.observation(node.inner)
    else for (const term of node.terms) this.observation(term)
    if (node.qualifiers.length > 0) this.qualifiers(node.qualifiers)
  }

  private report(code: string, offset: number, message: string, section?: string, warning = false): void {
    if (++this.told[warning ? 1 : 0] > MOST_PATTERN_ERRORS) return
    const breach: Breach = { warning, code, offset, message }
    if (section !== undefined) breach.clause = `STIX 2.1 ${section}`
    this.breaches.push(breach)
  }

  private qualifiers(list: readonly Qualifier[]): void {
    const seen = new Set<string>()
    for (const q of list) {
      if (seen.has(q.kind)) {
        const word = q.kind === 'start-stop' ? 'START' : q.kind.toUpperCase()
        const message = `The qualifier ${word} stands twice after one expression; keep one, or add parentheses.`
        this.report('PA-01/qualifier-twice', q.start, message, '§9.5.1')
      }
      seen.add(q.kind)
      if (q.kind === 'start-stop') this.times(q.from, q.until)
      else {
        const number = q.kind === 'within' ? q.seconds : q.times
        if (isPositive(number.text)) continue
        const word = q.kind.toUpperCase()
        const message = `${word} must be greater than zero, not ${quoted(number.text)}.`
        this.report(`PA-02/${q.kind}`, number.start, message, '§9.5.1')
      }
    }
  }

  private times(from: Constant, until: Constant): void {
    const start = instantKey(from.text) ?? ''
    const stop = instantKey(until.text) ?? ''
    if (start >= stop) {
      const message = 'START must be earlier than STOP, or no observation can lie between them.'
      this.report('PA-11/start-stop', from.start, message, '§9.5.1')
    }
    if ((this.from !== null && start < this.from) || (this.until !== null && stop > this.until)) {
      const message = 'START and STOP should lie within valid_from and valid_until of the indicator.'
      this.report('903', from.start, message, '§9.5.1', true)
    }
  }

  private comparison(node: Comparison): Types {
    if (node.kind === 'test') return this.test(node)
    let types: Types = null
    for (const [i, term] of node.terms.entries()) {
      const found = this.comparison(term)
      if (i === 0) types = found
      else if (node.operator === 'OR') types = union(types, found)
      else {
        const both = intersection(types, found)
        if (both === undefined) {
          const message = 'No object type can meet both sides of this AND; use [..] AND [..] for two objects.'
          this.report('PA-04/object-types', term.start, message, '§9.5')
        }
        types = both ?? null
      }
    }
    return types
  }

  private test(test: Test): Types {
    this.path(test.path)
    switch (test.operator) {
      case '=':
      case '!=':
        this.hash(test)
        break
      case 'IN':
        this.set(test.values)
        this.hash(test)
        break
      case 'ISSUBSET':
      case 'ISSUPERSET':
        this.range(test)
        break
      case 'MATCHES':
        for (const value of test.values) {
          if (!exceeds(value.text, this.limits.regex)) continue
          const message = `The expression of MATCHES is longer than the limit of ${this.limits.regex} bytes; shorten it.`
          this.report('limit/pattern-regex', value.start, message)
        }
    }
    return test.path.type
  }

  private path(path: ObjectPath): void {
    const { type, start } = path
    const first = path.steps[0]
    const property = first?.kind === 'key' ? first.name : ''
    if (!isTypeName(type)) {
      const message = `${quoted(type)} is no type name: a-z, 0-9 and single hyphens, 3 to 250, first a letter.`
      this.report('PA-08/type-name', start, message, '§9.7')
    } else if (this.context.isType !== undefined && !this.context.isType(type)) {
      const message = `The object type ${quoted(type)} is none of STIX; it should have an extension definition.`
      this.report('401', start, message, '§9.7', true)
    } else if (this.context.isProperty !== undefined && !this.context.isProperty(type, property)) {
      const message = `${quoted(property)} is no property of ${type}; it should have an extension definition.`
      if (isPropertyName(property)) this.report('401', start, message, '§9.7', true)
    }
    if (!isPropertyName(property)) {
      const message = `${quoted(property)} is no property name: a-z, 0-9 and _, 3 to 250, first a letter.`
      this.report('PA-08/property-name', start, message, '§9.7')
    }
  }

  /** All of one data type, integer and float being one. */
  private set(values: readonly Constant[]): void {
    const first = values[0]
    if (first === undefined) return
    const kind = first.kind === 'integer' ? 'float' : first.kind
    for (const value of values) {
      if (value.kind === kind || (value.kind === 'integer' && kind === 'float')) continue
      const message = `The constants of IN must be of one type; this ${value.kind} follows a ${first.kind}.`
      this.report('PA-03/set-types', value.start, message, '§9.6.1')
      return
    }
  }

  /** A literal compared with `hashes.<algorithm>` has that algorithm's form. */
  private hash(test: Test): void {
    const { steps } = test.path
    const before = steps.at(-2)
    const last = steps.at(-1)
    if (before?.kind !== 'key' || before.name !== 'hashes' || last?.kind !== 'key') return
    const algorithm = hashAlgorithm(last.name)
    if (algorithm === null) return
    for (const value of test.values) {
      const digits = value.kind === 'string' || value.kind === 'hex'
      if (digits && fitsHash(algorithm, value.text)) continue
      const message = `${quoted(value.text)} has not the form of a value of ${algorithm.name}; correct it.`
      this.report('PA-09/hash', value.start, message, '§2.7')
    }
  }

  /** ISSUBSET and ISSUPERSET: an address or CIDR range, on the value of an address. */
  private range(test: Test): void {
    const { type, steps, start } = test.path
    const direct = type === 'ipv4-addr' || type === 'ipv6-addr'
    const last = steps.at(-1)
    const isValue = last?.kind === 'key' && last.name === 'value'
    const reference = steps.length > 1 && throughReference(test.path)
    if (!isValue || !(reference || (direct && steps.length === 1))) {
      const message = `${test.operator} applies to the value of an ipv4-addr or ipv6-addr only, directly or by reference.`
      this.report('PA-05/range-path', start, message, '§9.6.1')
      return
    }
    for (const value of test.values) {
      const address = parseAddress(value.text)
      const fits = reference || address?.family === (type === 'ipv4-addr' ? 4 : 6)
      if (address !== null && fits) continue
      const family = reference ? 'IP' : type === 'ipv4-addr' ? 'IPv4' : 'IPv6'
      const message = `Expected an ${family} address or CIDR range after ${test.operator}, not ${quoted(value.text)}.`
      this.report('PA-05/range', value.start, message, '§9.6.1')
    }
  }
}

/** Does the step before the last one follow a reference: `x_ref.value`, `x_refs[*].value`, `x_refs[0].value`? */
function throughReference(path: ObjectPath): boolean {
  const step = path.steps.at(-2)
  if (step?.kind === 'key') return step.name.endsWith('_ref')
  const list = path.steps.at(-3)
  return list?.kind === 'key' && list.name.endsWith('_refs')
}

/** The rules that the tree breaks: at most 50 errors and 50 warnings, the first ones. */
export function checkRules(ast: Observation, context: PatternContext, limits: PatternLimits): Breach[] {
  const checker = new Checker(context, limits)
  checker.observation(ast)
  return checker.breaches
}
