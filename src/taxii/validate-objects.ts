/** What the validator says of objects that are not stored. */
import { type Finding, type ObjectReport, validateText } from '../stix/index.ts'
import type { Exchange } from './exchange.ts'

export interface ValidationReport {
  valid: boolean
  /** Of the text or bundle as a whole. */
  findings: Finding[]
  objects: Omit<ObjectReport, 'pattern'>[]
}

/** Validates an object, a bundle or an envelope under the limits of a POST; what is no STIX is a finding as well. */
export function validateObjects(exchange: Exchange, body: Buffer): ValidationReport {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    const message = 'The body is not UTF-8, as JSON has to be.'
    return {
      valid: false,
      findings: [{ severity: 'error', code: 'json/utf-8', path: '', message, clause: 'RFC 8259 §8.1' }],
      objects: [],
    }
  }
  const { bytes, depth } = exchange.config.objectLimits
  const { valid, findings, objects } = validateText(text, {
    limits: { objectBytes: bytes, artifactBytes: bytes, depth },
  })
  return { valid, findings, objects: objects.map(({ pattern: _, ...report }) => report) }
}
