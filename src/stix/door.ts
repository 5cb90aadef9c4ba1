/** The door: one scanned member in, the findings and, when there is no error, what the store needs of it out. */
import { contentHash } from './canonical.ts'
import { checkParsed } from './check-object.ts'
import { own, type Settings } from './context.ts'
import type { Member } from './envelope.ts'
import { error, type Finding, type Limits, MAX_FINDINGS } from './finding.ts'
import { parseStixId } from './ids.ts'
import type { PatternAst } from './pattern/index.ts'
import { isTimestamp, timestampKey } from './timestamp.ts'
import type { Spec } from './types.ts'

/** What the store needs to know of a valid object. */
export interface StixObject {
  id: string
  type: string
  spec: Spec
  sco: boolean
  /** As spelled: `modified`, else `created`; null for an SCO (T-3.4.1-11). */
  version: string | null
  /** The version as a comparable key, see timestamp.ts. */
  versionKey: string | null
  text: string
  /** SHA-256, in hex, of the canonical content. */
  hash: string
  value: Record<string, unknown>
  /** The tree of an indicator's pattern. */
  pattern: PatternAst | null
}

export interface DoorOptions {
  /** Versions of STIX that the collection takes (D-6). */
  specs: readonly Spec[]
  limits: Limits
}

export interface Checked {
  object: StixObject | null
  findings: Finding[]
  /** What a status can name the object by; null where the object has nothing usable (T-4.3-04). */
  label: { id: string | null; version: string | null }
}

function statedVersion(value: Record<string, unknown>): string | null {
  const modified = own(value, 'modified')
  const stated = modified === undefined ? own(value, 'created') : modified
  return isTimestamp(stated) ? stated : null
}

/**
 * `created` and `modified` with fewer than three digits after the second. The standard wants three (STIX 2.1 §3.2; 2.0
 * exactly three); feeds send whole seconds, and versions compare as instants, so the door only warns (T-3.4.1-12). The
 * validator says error.
 */
const TOLERATED = 'CO-09/precision'

/** Is it an error of the standard that the door lets pass? */
export const isTolerated = ({ code, severity }: Finding): boolean =>
  severity === 'warning' && code === TOLERATED

const NONE: ReadonlySet<string> = new Set()

function settingsOf(limits: Limits): Settings {
  return {
    limits,
    disabled: NONE,
    customTypes: 'allow',
    customProperties: 'allow',
    customExtensions: 'allow',
    extensions: 'allow',
    scanned: true,
    reference: false,
  }
}

/** The store orders versions by keys that not every timestamp of the standard has: leap seconds, long fractions. */
function keyProblem(value: Record<string, unknown>): Finding | null {
  const name = Object.hasOwn(value, 'modified') ? 'modified' : 'created'
  if (isTimestamp(own(value, name))) return null
  const message = `/${name} must be a timestamp with at most 20 digits after the second and without a leap second.`
  return error('limit/timestamp', `/${name}`, message)
}

function check(member: Member, options: DoorOptions, label: Checked['label']): Checked {
  const { value } = member
  if (member.problems.length > 0) {
    return { object: null, findings: member.problems.slice(0, MAX_FINDINGS), label }
  }
  const versions = { versions: options.specs, inside: true }
  const inexact = member.inexact ? new Set(member.inexact) : null
  const verdict = checkParsed(value, settingsOf(options.limits), versions, inexact)
  const { spec, sco } = verdict
  const errors = verdict.errors.filter((f) => f.code !== TOLERATED)
  const tolerated = verdict.errors.filter((f) => f.code === TOLERATED)
  const warnings = [...tolerated.map((f): Finding => ({ ...f, severity: 'warning' })), ...verdict.warnings]
  const findings = warnings.length === 0 ? errors : [...errors, ...warnings]
  if (errors.length > 0 || spec === null) return { object: null, findings, label }
  const problem = sco ? null : keyProblem(value)
  if (problem) return { object: null, findings: [problem, ...findings], label }
  const id = value.id as string
  const type = value.type as string
  const version = sco ? null : label.version
  const versionKey = version === null ? null : timestampKey(version)
  const hash = contentHash(value)
  return {
    object: {
      id,
      type,
      spec,
      sco,
      version,
      versionKey,
      text: member.text,
      hash,
      value,
      pattern: verdict.pattern,
    },
    findings,
    label,
  }
}

/** Judges one member. Never throws: a fault of ours is the finding `internal`. */
export function checkObject(member: Member, options: DoorOptions): Checked {
  const label: Checked['label'] = { id: null, version: null }
  try {
    const id = own(member.value, 'id')
    if (typeof id === 'string' && id.length <= options.limits.idLength && parseStixId(id)) label.id = id
    label.version = statedVersion(member.value)
    return check(member, options, label)
  } catch {
    const fault = error('internal', '', 'The server failed to check this object; report it to the operator.')
    return { object: null, findings: [fault], label }
  }
}
