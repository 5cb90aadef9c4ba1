/** Everything pure about STIX: the raw scan, the door, ids, versions, markings. Imports nothing else of the project. */
export { ACS_EXTENSION, type AcsConditions, readAcs } from './acs.ts'
export { canonicalText, contentHash } from './canonical.ts'
export { changedCreation } from './compare-versions.ts'
export { contributingProperties } from './deterministic-id.ts'
export { disclosedRefs, disclosesOthers, isContainer } from './disclosed.ts'
export { type Checked, checkObject, type DoorOptions, isTolerated, type StixObject } from './door.ts'
export {
  type EnvelopeResult,
  type Member,
  readEnvelope,
  readEnvelopeInTurns,
  readObject,
} from './envelope.ts'
export { DEFAULT_LIMITS } from './finding.ts'
export { isIdOf, isStixId, isTypeName, isUuid, parseStixId } from './ids.ts'
export { IEP_EXTENSION, type IepConditions, readIep } from './iep.ts'
export { type LintFinding, labelLint } from './label-lint.ts'
export {
  type DefinitionKind,
  granularRefs,
  isStandardRepost,
  kindOfDefinition,
  labelHints,
  objectRefs,
  STANDARD_DEFINITIONS,
  TLP_BY_ID,
  type Tlp,
} from './markings.ts'
export {
  MATCH_FIELDS,
  type MatchField,
  type MatchTerms,
  matchTerms,
  type Sought,
  seek,
} from './match-fields.ts'
export * from './package.ts'
export { printPath } from './pattern/index.ts'
export { isRedacted, REDACTION_EXTENSION, REDACTION_EXTENSION_DEFINITION, redact } from './redact.ts'
export {
  COMITY_IDENTITY,
  RELEASE_EXTENSION,
  RELEASE_EXTENSION_DEFINITION,
  type Release,
  readRelease,
} from './release.ts'
export { parseSelector, resolves } from './selectors.ts'
export { isTimestamp, timestampKey } from './timestamp.ts'
export { isCustom, isSco, META_TYPES, SCO_TYPES, SDO_TYPES, type Spec, SRO_TYPES } from './types.ts'
export { type Markings, withMarkings } from './with-markings.ts'
