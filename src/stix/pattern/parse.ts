/** parsePattern: size limit, grammar, static rules; a result and never an exception. */
import type { PatternAst } from './ast.ts'
import {
  exceeds,
  Failure,
  PATTERN_LIMITS,
  type PatternError,
  type PatternLimits,
  type PatternVersion,
  patternError,
} from './error.ts'
import { readPattern } from './parser.ts'
import { checkRules, type PatternContext } from './rules.ts'

export interface PatternOptions extends PatternContext {
  /** `pattern_version` when it is 2.0, else 2.1, the default. */
  version?: PatternVersion
  limits?: Partial<PatternLimits>
}

export type PatternResult =
  | { ok: true; ast: PatternAst; warnings: readonly PatternError[] }
  | { ok: false; errors: readonly PatternError[] }

const NO_OPTIONS: PatternOptions = {}
const NONE: readonly PatternError[] = Object.freeze([])

function parse(text: string, options: PatternOptions): PatternResult {
  const limits = options.limits === undefined ? PATTERN_LIMITS : { ...PATTERN_LIMITS, ...options.limits }
  if (exceeds(text, limits.bytes)) {
    const message = `The pattern is longer than the limit of ${limits.bytes} bytes; split it.`
    return { ok: false, errors: [patternError('', 'limit/pattern-size', 0, message)] }
  }
  const ast = readPattern(text, options.version ?? '2.1', limits)
  const breaches = checkRules(ast, options, limits)
  if (breaches.length === 0) return { ok: true, ast, warnings: NONE }
  const errors: PatternError[] = []
  const warnings: PatternError[] = []
  for (const { warning, code, offset, message, clause } of breaches) {
    const list = warning ? warnings : errors
    list.push(patternError(text, code, offset, message, clause))
  }
  return errors.length > 0 ? { ok: false, errors } : { ok: true, ast, warnings }
}

/**
 * Reads a pattern of `pattern_type` `stix` (STIX 2.1 §9). A syntax error or an exceeded limit is the only error
 * of its result; broken static rules are all told, at most 50. Linear in the text; never throws, whatever comes in.
 */
export function parsePattern(text: string, options: PatternOptions = NO_OPTIONS): PatternResult {
  try {
    if (typeof text === 'string') return parse(text, options)
    const message = 'The pattern is no text; send a string.'
    return { ok: false, errors: [patternError('', 'PA-00/syntax', 0, message, 'STIX 2.1 §9')] }
  } catch (fault) {
    const error =
      fault instanceof Failure
        ? patternError(text, fault.code, fault.offset, fault.message, fault.clause)
        : patternError('', 'internal', 0, 'The pattern could not be checked; report it to the operator.')
    return { ok: false, errors: [error] }
  }
}
