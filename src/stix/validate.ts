/** The validator for everybody: texts and values in, a report with findings by JSON Pointer out. Never throws. */
import { checkBundle } from './bundle.ts'
import { checkParsed } from './check-object.ts'
import { expandCodes } from './codes.ts'
import type { Policy, Settings } from './context.ts'
import { own } from './context.ts'
import { type Document, readDocument } from './document.ts'
import type { Member } from './envelope.ts'
import { error, type Finding, type Limits, MAX_FINDINGS } from './finding.ts'
import type { VersionOptions } from './identity.ts'
import { labelLint } from './label-lint.ts'
import type { PatternAst } from './pattern/index.ts'
import { asReference, type Profile } from './profile.ts'

/** Limits that the validator uses when it is given none. */
export const VALIDATOR_LIMITS: Limits = {
  depth: 100,
  objectBytes: 1_000_000,
  artifactBytes: 8_000_000,
  idLength: 400,
  listItems: 10_000,
  objectKeys: 1_000,
  string: 1_000_000,
  selectors: 1_000,
  containers: 20_000,
  values: 100_000,
}

export interface ValidateOptions {
  /** Warnings reject too. */
  strict?: boolean
  /** Warnings that are not wanted: codes such as `303`, or the groups 1, 2, 210 and 270. */
  disable?: readonly (string | number)[]
  /** Content without an extension definition. */
  customTypes?: Policy
  customProperties?: Policy
  customExtensions?: Policy
  /** Content with one: all, none, or the ids of accepted extension definitions. */
  extensions?: Policy | readonly string[]
  /** Judge by this version of STIX, whatever the objects state. */
  version?: '2.0' | '2.1'
  /** Versions that are accepted. */
  versions?: readonly ('2.0' | '2.1')[]
  /** Both ends of a relationship are in the bundle. */
  enforceRefs?: boolean
  /** Rules of the interoperability test documents. */
  interop?: boolean
  /** `reference`: verdicts of the OASIS validator where ours differ by a check that can be left out. */
  profile?: Profile
  limits?: Partial<Limits>
}

export interface ObjectReport {
  /** Place in the bundle, envelope or list; 0 for a single object. */
  index: number
  id: string | null
  type: string | null
  /** Version of STIX that judged it. */
  version: '2.0' | '2.1' | null
  valid: boolean
  /** Pointers are relative to the object. */
  errors: Finding[]
  warnings: Finding[]
  /** There was more to say than is reported. */
  truncated: boolean
  /** Tree of an indicator's valid STIX pattern. */
  pattern: PatternAst | null
}

export interface Report {
  valid: boolean
  /** Findings of the text or bundle as a whole; pointers are relative to the root. */
  findings: Finding[]
  objects: ObjectReport[]
}

const number = (version: '2.0' | '2.1'): 20 | 21 => (version === '2.0' ? 20 : 21)

interface Run {
  settings: Settings
  versions: VersionOptions
  options: ValidateOptions
}

function prepare(options: ValidateOptions, scanned: boolean): Run {
  const { extensions = 'allow', version, versions } = options
  const settings: Settings = {
    limits: { ...VALIDATOR_LIMITS, ...options.limits },
    disabled: expandCodes(options.disable ?? []),
    customTypes: options.customTypes ?? 'allow',
    customProperties: options.customProperties ?? 'allow',
    customExtensions: options.customExtensions ?? 'allow',
    extensions: typeof extensions === 'string' ? extensions : new Set(extensions),
    scanned,
    reference: options.profile === 'reference',
  }
  const judged: VersionOptions = { inside: false }
  if (version !== undefined) judged.version = number(version)
  if (versions !== undefined) judged.versions = versions.map(number)
  return { settings, versions: judged, options }
}

function reportOf(index: number, value: Record<string, unknown>): ObjectReport {
  const id = own(value, 'id')
  const type = own(value, 'type')
  return {
    index,
    id: typeof id === 'string' ? id.slice(0, 400) : null,
    type: typeof type === 'string' ? type.slice(0, 250) : null,
    version: null,
    valid: false,
    errors: [],
    warnings: [],
    truncated: false,
    pattern: null,
  }
}

const FAULT = 'The validator failed on this object; please report it.'

/** Findings of the raw text: U+0000 is legal STIX and only warns. */
function textFindings(report: ObjectReport, member: Member, run: Run, most: number): boolean {
  const { reference } = run.settings
  for (const found of member.problems) {
    if (reference && asReference(found.code, found.path, report.type ?? '') === 'drop') continue
    if (report.errors.length >= most) break
    if (found.code !== 'json/nul') report.errors.push(found)
    else if (report.warnings.length < most && !run.settings.disabled.has('905')) {
      report.warnings.push({ ...found, severity: 'warning', code: '905', clause: 'STIX 2.1 §2.15' })
    }
  }
  return report.errors.length === 0
}

function judge(
  report: ObjectReport,
  value: Record<string, unknown>,
  run: Run,
  inexact: Member['inexact'],
  most: number,
): void {
  try {
    const verdict = checkParsed(value, run.settings, run.versions, inexact ? new Set(inexact) : null, most)
    report.errors = verdict.errors
    report.warnings =
      report.warnings.length === 0 ? verdict.warnings : [...report.warnings, ...verdict.warnings]
    report.version = verdict.spec === null ? null : verdict.spec === 20 ? '2.0' : '2.1'
    report.truncated = verdict.truncated
    report.pattern = verdict.pattern
    lint(report, value, run)
  } catch {
    report.errors.push(error('internal', '', FAULT))
  }
}

/** The label lint belongs to the validator, not to the door: a collection that is strict refuses no text (policy.md §9). */
function lint(report: ObjectReport, value: Record<string, unknown>, run: Run): void {
  for (const { code, path, message } of labelLint(value)) {
    if (run.settings.disabled.has(code)) continue
    if (report.errors.length + report.warnings.length >= MAX_FINDINGS) report.truncated = true
    else report.warnings.push({ severity: 'warning', code, path, message: `${path}: ${message}.` })
  }
}

function settle(report: Report, run: Run): Report {
  const refuses = (found: Finding): boolean => found.severity === 'error' || run.options.strict === true
  for (const object of report.objects) {
    object.valid = object.errors.length === 0 && !(run.options.strict === true && object.warnings.length > 0)
  }
  report.valid = !report.findings.some(refuses) && report.objects.every((object) => object.valid)
  return report
}

function whole(report: Report, code: string, path: string, message: string, clause?: string): Report {
  report.findings.push(error(code, path, message, clause))
  return report
}

/** Objects with errors after which a text is not judged further: it is no STIX, and its findings would fill memory. */
const MOST_REFUSED = 1_000

/** Findings of a text: some, and more with each so many bytes of it. A hostile text has one with every third byte. */
const FEW_FINDINGS = 1_000
const BYTES_PER_FINDING = 200

function giveUp(report: Report): void {
  const message = `${MOST_REFUSED} objects have errors: what follows them has not been judged.`
  whole(report, 'limit/refused-objects', '', message)
}

function judgeDocument(document: Document, size: number, run: Run): Report {
  const report: Report = { valid: false, findings: [], objects: [] }
  const { kind, members } = document
  if (document.duplicate && !run.settings.reference)
    whole(report, 'json/duplicate-key', '', 'The text has a key twice; send each key once.')
  if (document.stranger >= 0) {
    const path = kind === 'list' ? `/${document.stranger}` : `/objects/${document.stranger}`
    whole(report, 'ME-11/objects', path, `${path} is no object.`, 'STIX 2.1 §8')
  }
  run.versions.inside = kind !== 'object'
  run.versions.bundle20 = kind === 'bundle' && own(document.head, 'spec_version') === '2.0'
  report.findings.push(...document.problems)
  const values: Record<string, unknown>[] = []
  let refused = 0
  let room = FEW_FINDINGS + Math.floor(size / BYTES_PER_FINDING)
  for (const member of members) {
    const object = reportOf(member.index, member.value)
    // One at least, as it decides: errors come first.
    const most = Math.max(1, Math.min(MAX_FINDINGS, room))
    if (textFindings(object, member, run, most)) judge(object, member.value, run, member.inexact, most)
    room -= object.errors.length + object.warnings.length
    report.objects.push(object)
    values.push(member.value)
    if (object.errors.length > 0 && ++refused >= MOST_REFUSED) {
      giveUp(report)
      return settle(report, run)
    }
  }
  if (kind !== 'object') {
    const bundle = kind === 'bundle' && document.problems.length === 0 ? document.head : null
    checkBundle(bundle, values, report, run.settings, run.options)
  }
  return settle(report, run)
}

/** Runs a check; a fault of ours becomes a finding. */
function guarded(check: () => Report): Report {
  try {
    return check()
  } catch {
    return whole({ valid: false, findings: [], objects: [] }, 'internal', '', FAULT)
  }
}

/**
 * Validates JSON text: an object, a bundle, an envelope or a list of objects. Duplicate keys, numbers and characters
 * are judged as they are spelled.
 *
 * @example validateText('{"type": "url", ...}').objects[0].errors
 */
export function validateText(text: string | Uint8Array, options: ValidateOptions = {}): Report {
  return guarded(() => {
    const run = prepare(options, true)
    const empty: Report = { valid: false, findings: [], objects: [] }
    if (typeof text === 'string' && !(text as unknown as { isWellFormed(): boolean }).isWellFormed()) {
      const message = 'The text holds half of a surrogate pair, which is no character.'
      return whole(empty, 'json/lone-surrogate', '', message, 'RFC 7493')
    }
    const bytes = typeof text === 'string' ? Buffer.from(text) : text
    const document = readDocument(bytes, run.settings.limits, MOST_REFUSED)
    if (typeof document === 'string') return whole(empty, 'json/syntax', '', document, 'RFC 8259')
    return judgeDocument(document, bytes.length, run)
  })
}

/**
 * Validates a parsed value: an object or a bundle. What only the text shows (duplicate keys, digits that a double
 * does not hold) cannot be seen any more: prefer `validateText` where there is a text.
 *
 * @example validateObject({type: 'url', id: 'url--…', value: 'https://example.com/'}).valid
 */
export function validateObject(value: unknown, options: ValidateOptions = {}): Report {
  return guarded(() => {
    const run = prepare(options, false)
    const report: Report = { valid: false, findings: [], objects: [] }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return whole(report, 'TY-05/type', '', 'The value must be an object.', 'STIX 2.1 §3.1')
    }
    const object = value as Record<string, unknown>
    if (own(object, 'type') !== 'bundle') {
      const single = reportOf(0, object)
      judge(single, object, run, undefined, MAX_FINDINGS)
      report.objects.push(single)
      return settle(report, run)
    }
    const objects = own(object, 'objects')
    const items: unknown[] = Array.isArray(objects) ? objects : []
    run.versions.inside = true
    run.versions.bundle20 = own(object, 'spec_version') === '2.0'
    const values: Record<string, unknown>[] = []
    let refused = 0
    for (const [index, item] of items.entries()) {
      if (typeof item !== 'object' || item === null || Array.isArray(item)) {
        if (report.findings.length < MAX_FINDINGS) {
          const message = `/objects/${index} is no object.`
          whole(report, 'ME-11/objects', `/objects/${index}`, message, 'STIX 2.1 §8')
        }
        continue
      }
      const one = reportOf(index, item as Record<string, unknown>)
      judge(one, item as Record<string, unknown>, run, undefined, MAX_FINDINGS)
      report.objects.push(one)
      values.push(item as Record<string, unknown>)
      if (one.errors.length > 0 && ++refused >= MOST_REFUSED) {
        giveUp(report)
        break
      }
    }
    checkBundle(object, values, report, run.settings, run.options)
    return settle(report, run)
  })
}
