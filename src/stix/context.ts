/** What one check run carries: where it is, what it found, and what the caller asked for. */
import { DEFAULT_KEYS, type Finding, type Limits, MAX_FINDINGS, place, pointer, quote } from './finding.ts'
import type { PatternAst } from './pattern/index.ts'
import { asReference } from './profile.ts'

/** `deny` refuses content that no extension definition stands behind. */
export type Policy = 'allow' | 'deny'

/** The options that the checks of one object need, with their defaults filled in. */
export interface Settings {
  limits: Limits
  /** Codes of warnings that are not wanted. */
  disabled: ReadonlySet<string>
  customTypes: Policy
  customProperties: Policy
  customExtensions: Policy
  /** Content with an extension definition: all, none, or these ids. */
  extensions: Policy | ReadonlySet<string>
  /** The raw text was scanned: characters and number tokens need no second look. */
  scanned: boolean
  /** The profile `reference`. */
  reference: boolean
}

type Step = string | number

/** Few sections are cited again and again. */
const sections = new Map<string, string>()

function section(clause: string): string {
  let text = sections.get(clause)
  if (text === undefined) {
    text = clause.startsWith('RFC') ? clause : `STIX 2.1 §${clause}`
    sections.set(clause, text)
  }
  return text
}

/** What is said of top-level properties again and again; bounded, as some messages have numbers of the sender's. */
const said = new Map<string, { step: Step | null; path: string; told: string }>()
const MOST_SAID = 500

function filled(message: string, args: readonly unknown[]): string {
  let text = ''
  let from = 0
  for (const arg of args) {
    const at = message.indexOf('%', from)
    if (at < 0) break
    text += message.slice(from, at) + quote(arg)
    from = at + 1
  }
  return text + message.slice(from)
}

/** Positions inside an object, and the findings made so far. One per object. */
export class Context {
  readonly settings: Settings
  readonly errors: Finding[] = []
  readonly warnings: Finding[] = []
  truncated = false
  readonly steps: Step[] = []
  /** The object in judgement: top-level, or a member of the deprecated container. */
  object: Record<string, unknown> = {}
  type = ''
  sco = false
  /** `observed-data.objects`, while its members are judged: references are keys of it. */
  container: Record<string, unknown> | null = null
  /** Does an extension of the object bring properties at its top level? */
  toplevel = false
  /** The tree of an indicator's pattern, so that it is parsed once. */
  pattern: PatternAst | null = null
  readonly maxList: number
  readonly maxKeys: number
  readonly maxString: number
  /** Values still to be looked at where they may be shared or endless: not those of a text. */
  budget = 1_000_000
  /** Pointers of numbers whose text is no whole number though their value is. */
  inexact: ReadonlySet<string> | null = null

  /** Errors, and warnings, that are wanted. */
  readonly most: number

  constructor(settings: Settings, most: number = MAX_FINDINGS) {
    this.settings = settings
    this.most = most
    const { listItems, objectKeys, string } = settings.limits
    this.maxList = listItems ?? Number.POSITIVE_INFINITY
    this.maxKeys = objectKeys ?? DEFAULT_KEYS
    this.maxString = string ?? Number.POSITIVE_INFINITY
  }

  /** Pointer of a child, or of the value in judgement when `step` is null. */
  path(step: Step | null): string {
    return pointer(this.steps, step)
  }

  finding(
    severity: Finding['severity'],
    code: string,
    step: Step | null,
    message: string,
    clause: string | null,
    args: readonly unknown[],
  ): Finding {
    const again = args.length === 0 && this.steps.length === 0 ? said.get(message) : undefined
    let path = again?.path ?? ''
    let told = again?.told ?? ''
    if (again === undefined || again.step !== step) {
      path = this.path(step)
      told = `${place(path)} ${args.length === 0 ? message : filled(message, args)}.`
      if (args.length === 0 && this.steps.length === 0 && path.length < 50) {
        if (said.size >= MOST_SAID) said.clear()
        said.set(message, { step, path, told })
      }
    }
    return clause === null
      ? { severity, code, path, message: told }
      : {
          severity,
          code,
          path,
          message: told,
          clause: section(clause),
        }
  }

  /** What the profile does with a finding at a place. */
  private departs(code: string, step: Step | null): 'drop' | 'error' | null {
    return this.settings.reference ? asReference(code, this.path(step), this.type) : null
  }

  /**
   * A MUST that is broken. `message` follows the name of the place; each `%` stands for a quoted argument, so that
   * nothing is built for findings that are beyond the limit.
   */
  error(code: string, step: Step | null, message: string, clause: string | null, ...args: unknown[]): void {
    if (this.departs(code, step) === 'drop') return
    if (this.errors.length >= this.most) this.truncated = true
    else this.errors.push(this.finding('error', code, step, message, clause, args))
  }

  /** A SHOULD that is not followed, by the number of its code. */
  warn(code: string, step: Step | null, message: string, clause: string | null, ...args: unknown[]): void {
    if (this.settings.disabled.has(code)) return
    const departs = this.departs(code, step)
    if (departs === 'drop') return
    if (departs === 'error') this.error(code, step, message, clause, ...args)
    else if (this.warnings.length >= this.most) this.truncated = true
    else this.warnings.push(this.finding('warning', code, step, message, clause, args))
  }

  /** A finding that another part of the validator made, at a property. */
  add(severity: Finding['severity'], step: Step, found: Omit<Finding, 'severity' | 'path'>): void {
    if (this.departs(found.code, step) === 'drop') return
    const list = severity === 'error' ? this.errors : this.warnings
    if (list.length >= this.most) {
      this.truncated = true
      return
    }
    const { code, message, clause, offset } = found
    const finding: Finding = { severity, code, path: this.path(step), message }
    if (clause !== undefined) finding.clause = clause
    if (offset !== undefined) finding.offset = offset
    list.push(finding)
  }

  /** The value has not the base type that its property needs. */
  wrong(value: unknown, step: Step, needed: string, clause: string): void {
    if (value === null) this.error('TY-01/null', step, 'is null; leave the property out', '3.1')
    else this.error('TY-05/type', step, `must be ${needed}`, clause)
  }
}

/** A check of the value at a property or list index. */
export type Check = (value: unknown, ctx: Context, step: string | number) => void

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** An own property, or undefined. */
export function own(object: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

/** An own property that is a string, or undefined. */
export function text(object: Record<string, unknown>, key: string): string | undefined {
  const value = own(object, key)
  return typeof value === 'string' ? value : undefined
}
