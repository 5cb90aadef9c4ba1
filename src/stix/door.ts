/** The door: one scanned member in, the findings and, when there is no error, what the store needs of it out. */
import { contentHash } from './canonical.ts'
import type { Member } from './envelope.ts'
import { error, type Finding, type Limits, MAX_FINDINGS, pointer, quote } from './finding.ts'
import { isTypeName, parseStixId } from './ids.ts'
import { walk } from './references.ts'
import { schemaFindings } from './schemas.ts'
import { parseSelector, resolves } from './selectors.ts'
import { isTimestamp, timestampKey } from './timestamp.ts'
import { isScoObject, ONLY_21, type Spec } from './types.ts'

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

function own(value: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(value, key) ? value[key] : undefined
}

function statedVersion(value: Record<string, unknown>): string | null {
  const modified = own(value, 'modified')
  const stated = modified === undefined ? own(value, 'created') : modified
  return isTimestamp(stated) ? stated : null
}

/** `id` and `type`, on which all else hangs (STIX 2.1 §2.9, §3.1). */
function identityFindings(value: Record<string, unknown>, limits: Limits): Finding[] {
  const id = own(value, 'id')
  const type = own(value, 'type')
  if (type === undefined)
    return [error('TY-01/type', '/type', 'The object has no type; add the property `type`.', 'STIX 2.1 §3.2')]
  if (!isTypeName(type)) {
    const message = `/type must be a type name (a-z, 0-9 and single hyphens, 3 to 250 characters), not ${quote(type)}.`
    return [error('TY-14/type-name', '/type', message, 'STIX 2.1 §3.1')]
  }
  if (type === 'bundle') {
    return [
      error('ME-11/bundle', '/type', 'The object is a bundle; send its objects instead.', 'STIX 2.1 §8'),
    ]
  }
  if (id === undefined)
    return [error('CO-01/id', '/id', 'The object has no id; add the property `id`.', 'STIX 2.1 §2.9')]
  if (typeof id === 'string' && id.length > limits.idLength) {
    return [
      error('limit/id', '/id', `/id is longer than the limit of ${limits.idLength} characters; shorten it.`),
    ]
  }
  const parsed = parseStixId(id)
  if (!parsed) {
    return [
      error(
        'CO-01/id',
        '/id',
        `/id must be an id, ${type}--UUID with a UUID of RFC 4122, not ${quote(id)}.`,
        'STIX 2.1 §2.9',
      ),
    ]
  }
  if (parsed.type !== type) {
    const message = `/id starts with ${quote(parsed.type)} but the type is ${quote(type)}; both must be the same.`
    return [error('CO-01/id-type', '/id', message, 'STIX 2.1 §2.9')]
  }
  return []
}

/** Which version of STIX judges the object (D-6, T-3.4.1-04), or why none does. */
function specOf(
  value: Record<string, unknown>,
  type: string,
  sco: boolean,
  specs: readonly Spec[],
): Spec | Finding {
  const stated = own(value, 'spec_version')
  const refuse = (message: string): Finding =>
    error('CO-08/spec-version', '/spec_version', message, 'STIX 2.1 §3.2')
  if (stated !== undefined && stated !== '2.0' && stated !== '2.1') {
    return refuse(`/spec_version must be "2.1" or "2.0", not ${quote(stated)}.`)
  }
  if (stated === undefined && !sco && ONLY_21.has(type)) {
    return refuse(`The object lacks spec_version, which a ${type} must state; add "spec_version": "2.1".`)
  }
  const spec: Spec = stated === '2.1' || (stated === undefined && sco) ? 21 : 20
  if (specs.includes(spec)) return spec
  if (spec === 21) return refuse('The collection takes STIX 2.0 only, and this is a STIX 2.1 object.')
  return refuse(
    stated === undefined
      ? 'spec_version is missing, which makes this a STIX 2.0 object, and the collection takes STIX 2.1 only; add "spec_version": "2.1".'
      : 'The collection takes STIX 2.1 only, and this object states spec_version "2.0".',
  )
}

/** `modified` is not before `created`, at full precision (CO-10). */
function orderFindings(value: Record<string, unknown>): Finding[] {
  const created = own(value, 'created')
  const modified = own(value, 'modified')
  if (typeof created !== 'string' || typeof modified !== 'string') return []
  const from = timestampKey(created)
  const to = timestampKey(modified)
  if (from === null || to === null || from <= to) return []
  const message = `/modified (${modified}) is before /created (${created}); it must be the same or later.`
  return [error('CO-10/modified-before-created', '/modified', message, 'STIX 2.1 §3.2')]
}

/** Every selector is well-formed and names a part that is there (ME-06): else the part goes out unmarked. */
function selectorFindings(value: Record<string, unknown>): Finding[] {
  const markings = own(value, 'granular_markings')
  const findings: Finding[] = []
  if (!Array.isArray(markings)) return findings
  for (const [i, marking] of markings.entries()) {
    const selectors: unknown = marking?.selectors
    if (!Array.isArray(selectors)) continue
    for (const [k, selector] of selectors.entries()) {
      if (typeof selector !== 'string' || findings.length >= MAX_FINDINGS) continue
      const path = pointer(['granular_markings', i, 'selectors', k])
      const steps = parseSelector(selector)
      if (steps && resolves(value, steps)) continue
      const why = steps ? 'names no part of the object' : 'is not a selector such as labels.[0] or name'
      findings.push(error('ME-06/selector', path, `${path} ${quote(selector)} ${why}.`, 'STIX 2.1 §7.2.3'))
    }
  }
  return findings
}

function check(member: Member, options: DoorOptions, label: Checked['label']): Checked {
  const { value } = member
  const failed = (findings: Finding[]): Checked => ({
    object: null,
    findings: findings.slice(0, MAX_FINDINGS),
    label,
  })
  if (member.problems.length > 0) return failed(member.problems)
  const wrong = identityFindings(value, options.limits)
  if (wrong.length > 0) return failed(wrong)
  const id = value.id as string
  const type = value.type as string
  const sco = isScoObject(type, value)
  const spec = specOf(value, type, sco, options.specs)
  if (typeof spec === 'object') return failed([spec])

  const findings = schemaFindings(value, type, spec, sco, member.text.length)
  const known = new Set(findings.map((f) => f.path))
  for (const found of [...walk(value, options.limits), ...orderFindings(value), ...selectorFindings(value)]) {
    if (!known.has(found.path)) findings.push(found)
  }
  if (findings.some((f) => f.severity === 'error')) return failed(findings)
  const version = sco ? null : label.version
  const versionKey = version === null ? null : timestampKey(version)
  const hash = contentHash(value)
  return {
    object: { id, type, spec, sco, version, versionKey, text: member.text, hash, value },
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
