/** Reports as lines for people. */
import type { Finding } from './finding.ts'
import type { Report } from './validate.ts'

export interface Style {
  colour: boolean
  /** Only what is invalid. */
  quiet: boolean
}

function paint(text: string, code: number, { colour }: Style): string {
  return colour ? `\x1b[${code}m${text}\x1b[0m` : text
}

const RED = 31
const GREEN = 32
const YELLOW = 33

/** Text of the input, safe on a terminal. */
function clean(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?')
}

function line(found: Finding, style: Style): string {
  const level = found.severity === 'error' ? paint('error', RED, style) : paint('warning', YELLOW, style)
  const place = found.offset === undefined ? '' : ` (character ${found.offset + 1})`
  const clause = found.clause === undefined ? '' : ` [${found.clause}]`
  return `    ${level} {${found.code}} ${clean(found.message)}${place}${clause}\n`
}

/** What was found in one file: an object a line, its findings below it. */
export function printReport(file: string, report: Report, style: Style): string {
  const out: string[] = []
  for (const found of report.findings) out.push(line(found, style))
  for (const object of report.objects) {
    const silent = object.errors.length === 0 && object.warnings.length === 0
    if (silent || (style.quiet && object.valid)) continue
    const verdict = object.valid ? paint('valid', GREEN, style) : paint('invalid', RED, style)
    out.push(`  ${clean(object.id ?? `object ${object.index}`)}: ${verdict}\n`)
    for (const found of object.errors) out.push(line(found, style))
    if (!style.quiet || !object.valid) for (const found of object.warnings) out.push(line(found, style))
    if (object.truncated) out.push('    ... and more\n')
  }
  const verdict = report.valid ? paint('valid', GREEN, style) : paint('invalid', RED, style)
  return `${clean(file)}: ${verdict}\n${out.join('')}`
}

/** Counts over all files. */
export function summary(reports: readonly Report[], style: Style): string {
  let objects = 0
  let invalid = 0
  for (const report of reports) {
    objects += report.objects.length
    invalid += report.objects.filter((object) => !object.valid).length
  }
  const text = `${reports.length} file(s), ${objects} object(s), ${invalid} invalid\n`
  return invalid === 0 && reports.every((r) => r.valid) ? paint(text, GREEN, style) : paint(text, RED, style)
}
