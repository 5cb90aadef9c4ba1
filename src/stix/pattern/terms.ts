/** The smaller parts of the grammar: constants, sets and object paths (STIX 2.1 §9.2, §9.6, §9.7). */
import type { Constant, ConstantKind, ObjectPath, Step } from './ast.ts'
import { DEEPEST, Failure, type PatternLimits, type PatternVersion, quoted } from './error.ts'
import { Lexer } from './lexer.ts'
import * as T from './tokens.ts'

const CONSTANTS = new Map<number, ConstantKind>([
  [T.STRING, 'string'],
  [T.INTEGER, 'integer'],
  [T.FLOAT, 'float'],
  [T.BOOLEAN, 'boolean'],
  [T.HEX, 'hex'],
  [T.BINARY, 'binary'],
  [T.TIMESTAMP, 'timestamp'],
])

const CONSTANT = "a constant (a number, true, false, 'text', h'..', b'..' or t'..')"

/** A lexer that reads constants and paths, and counts parentheses. */
export class Terms extends Lexer {
  protected depth = 0
  private readonly mostDepth: number

  constructor(text: string, version: PatternVersion, limits: PatternLimits) {
    super(text, version, limits)
    this.mostDepth = Math.min(limits.depth, DEEPEST)
  }

  protected set(): readonly Constant[] {
    if (!this.is(T.OPEN)) this.expected('( and a list of constants after IN', '§9.6.1')
    this.next()
    const values: Constant[] = []
    if (!this.is(T.CLOSE)) {
      values.push(this.constant())
      while (this.is(T.COMMA)) {
        this.next()
        values.push(this.constant())
      }
      if (!this.is(T.CLOSE)) this.expected(', or ) in the list of constants', '§9.6.1')
    }
    this.next()
    return values
  }

  protected constant(): Constant {
    const kind = this.is(T.STRING) ? 'string' : CONSTANTS.get(this.kind)
    if (kind === undefined) this.expected(CONSTANT, '§9.2')
    const constant: Constant = { kind, text: this.value, start: this.start, end: this.end }
    this.next()
    return constant
  }

  /** `type:key.key[0].'key'[*]` (§9.7). */
  protected path(): ObjectPath {
    const start = this.start
    if (!this.is(T.WORD) && !this.is(T.HYPHENED)) {
      this.expected('an object path such as file:name', '§9.7')
    }
    const type = this.value
    this.next()
    if (!this.is(T.COLON)) this.expected(': between object type and property', '§9.7')
    const steps: Step[] = []
    do {
      if (this.is(T.OPEN_BRACKET)) {
        this.next()
        steps.push(this.index())
      } else {
        this.next()
        if (!this.is(T.WORD) && !this.is(T.STRING)) {
          const hyphen = this.is(T.HYPHENED) ? ', in apostrophes because of its hyphen' : ''
          const reserved = this.kind >= T.AND || this.is(T.BOOLEAN) ? ', in apostrophes' : ''
          this.expected(`a property name${hyphen}${reserved}`, '§9.7')
        }
        steps.push({ kind: 'key', name: this.value })
        this.next()
      }
    } while (this.is(T.DOT) || this.is(T.OPEN_BRACKET))
    return { type, steps, start, end: this.lastEnd }
  }

  private index(): Step {
    let step: Step = { kind: 'any' }
    if (this.is(T.INTEGER)) {
      if (this.value.charCodeAt(0) === 45) {
        const message = `Expected a list index of 0 or more, or *, not ${quoted(this.value)}.`
        throw new Failure('PA-07/index', this.start, message, 'STIX 2.1 §9.7.2')
      }
      step = { kind: 'index', index: Number(this.value) }
    } else if (!this.is(T.STAR)) this.expected('a list index or *', '§9.7.2')
    this.next()
    if (!this.is(T.CLOSE_BRACKET)) this.expected('] after the list index', '§9.7.2')
    this.next()
    return step
  }

  protected deeper(): void {
    if (++this.depth <= this.mostDepth) return
    const message = `The pattern nests parentheses deeper than the limit of ${this.mostDepth}; flatten it.`
    throw new Failure('limit/pattern-depth', this.start, message)
  }

  protected expected(what: string, section: string, at = this.start): never {
    const found = this.is(T.END) ? 'the end of the pattern' : quoted(this.text.slice(at, this.end))
    throw new Failure('PA-00/syntax', at, `Expected ${what}, but found ${found}.`, `STIX 2.1 ${section}`)
  }
}
