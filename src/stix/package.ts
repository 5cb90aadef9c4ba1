/**
 * What `comity/stix2-validator` offers (docs/stix-validator.md). No function here throws, whatever it is given; the rest
 * of this folder is for the server, which gives its functions what their types ask for.
 */
export { isWarningCode, WARNING_CODES } from './codes.ts'
export { compareVersions, type VersionComparison } from './compare-versions.ts'
export type { Policy } from './context.ts'
export { deterministicId } from './deterministic-id.ts'
export type { Finding, Limits } from './finding.ts'
export {
  extractObservables,
  type Observable,
  PATTERN_LIMITS,
  type PatternAst,
  type PatternError,
  type PatternLimits,
  type PatternOptions,
  type PatternResult,
  type PatternVersion,
  parsePattern,
  printPattern,
} from './pattern/index.ts'
export type { Profile } from './profile.ts'
export type { AnyStixObject, StixTypes } from './typed.ts'
export {
  type ObjectReport,
  type Report,
  VALIDATOR_LIMITS,
  type ValidateOptions,
  validateObject,
  validateText,
} from './validate.ts'
