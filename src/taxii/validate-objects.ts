/** What is said of objects that are not stored: the validator's findings, and the door's verdict (src/stix/door.ts). */
import { isUtf8 } from 'node:buffer'
import { type Finding, isTolerated, type ObjectReport, validateText } from '../stix/index.ts'
import type { Exchange } from './exchange.ts'

export interface ValidationReport {
  valid: boolean
  /** Of the text or bundle as a whole. */
  findings: Finding[]
  objects: Omit<ObjectReport, 'pattern'>[]
}

type Report = ReturnType<typeof validateText>

/** A warning of the validator that the door refuses: U+0000 (D-2). */
const REFUSED = '905'

/** Validates an object, a bundle or an envelope under the limits of a POST; what is no STIX is a finding as well. */
export function validateObjects(exchange: Exchange, body: Buffer): ValidationReport {
  if (!isUtf8(body)) {
    const message = 'The body is not UTF-8, as JSON has to be.'
    return {
      valid: false,
      findings: [{ severity: 'error', code: 'json/utf-8', path: '', message, clause: 'RFC 8259 §8.1' }],
      objects: [],
    }
  }
  const { bytes, depth } = exchange.config.objectLimits
  const limits = { objectBytes: bytes, artifactBytes: bytes, depth }
  const judge = (text: Buffer) => validateText(text, { limits })
  const report = judge(body)
  const { findings, objects } = isBareOld(report, body) ? judge(enveloped(body)) : report
  if (objects.length === 0 && findings.length === 0) findings.push(EMPTY)
  const judged = objects.map(atTheDoor)
  const valid = !findings.some(isError) && judged.every((object) => object.valid)
  return { valid, findings, objects: judged }
}

const EMPTY: Finding = {
  severity: 'error',
  code: 'envelope/empty',
  path: '',
  message: 'There is no object in it; send at least one.',
  clause: 'TAXII 2.1 §3.7',
}

const isError = ({ severity }: Finding): boolean => severity === 'error'

/** Is it one object by itself that states no version of STIX? In an envelope it may be a 2.0 object (D-6). */
function isBareOld({ findings, objects }: Report, body: Buffer): boolean {
  // What is beyond a limit has no version here, and is not parsed.
  if (findings.length > 0 || objects.length !== 1 || objects[0]?.version === null) return false
  const root: unknown = JSON.parse(body.toString())
  if (typeof root !== 'object' || root === null || Array.isArray(root)) return false
  return 'type' in root && root.type !== 'bundle' && !('spec_version' in root)
}

const enveloped = (body: Buffer) => Buffer.concat([Buffer.from('{"objects":['), body, Buffer.from(']}')])

const asWarning = (found: Finding): Finding => ({ ...found, severity: 'warning' })

/** Does the door let this error pass with a warning (T-3.4.1-12)? */
const passes = (found: Finding): boolean => isTolerated(asWarning(found))

/** The report with the door's verdict on the two points in which the standard's is another. */
function atTheDoor({ pattern: _, ...report }: ObjectReport): ValidationReport['objects'][number] {
  const refused = report.warnings.filter(({ code }) => code === REFUSED)
  const tolerated = report.errors.filter(passes)
  // Beyond them there may be errors that were not reported any more.
  const keeps = report.truncated && tolerated.length === report.errors.length
  if (refused.length === 0 && (tolerated.length === 0 || keeps)) return report
  const errors = [
    ...report.errors.filter((found) => keeps || !passes(found)),
    ...refused.map((found): Finding => ({ ...found, severity: 'error', code: 'json/nul' })),
  ]
  const warnings = [
    ...(keeps ? [] : tolerated.map(asWarning)),
    ...report.warnings.filter(({ code }) => code !== REFUSED),
  ]
  return { ...report, errors, warnings, valid: errors.length === 0 }
}
