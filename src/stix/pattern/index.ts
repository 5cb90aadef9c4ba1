/** The STIX patterning language (STIX 2.1 §9): parse, check, print, extract values. Imports nothing outside of its folder. */
export type {
  Bracket,
  Chain,
  Comparison,
  ComparisonOperator,
  Constant,
  ConstantKind,
  Group,
  Join,
  ObjectPath,
  Observation,
  PatternAst,
  Qualifier,
  Span,
  Step,
  Test,
} from './ast.ts'
export { PATTERN_LIMITS, type PatternError, type PatternLimits, type PatternVersion } from './error.ts'
export type { ObservableKind } from './normalise.ts'
export { extractObservables, type Observable } from './observables.ts'
export { type PatternOptions, type PatternResult, parsePattern } from './parse.ts'
export { printPath, printPattern } from './print.ts'
export type { PatternContext } from './rules.ts'
