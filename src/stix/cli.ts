/** The command `stix2-validate`: files or standard input, plain or gzip, JSON or NDJSON. */
import { createReadStream } from 'node:fs'
import { parseArgs } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { isWarningCode } from './codes.ts'
import { printReport, type Style, summary } from './report-text.ts'
import { type Report, type ValidateOptions, validateText } from './validate.ts'

const USAGE = `Usage: stix2-validate [options] [files|-]

Validates STIX 2.1 (and 2.0): objects, bundles, TAXII envelopes, lists, NDJSON; gzip too. Without files, or
with "-", standard input is read.

  --json                        one JSON document instead of lines
  --strict                      warnings refuse too
  --disable CODES               warnings not wanted, such as 303,401 or the groups 1, 2, 210, 270
  --version 2.0|2.1             judge by this version, whatever objects state
  --accept 2.1                  versions that are accepted (both, when not given)
  --custom-types allow|deny     types without an extension definition
  --custom-properties allow|deny
  --custom-extensions allow|deny
  --extensions allow|deny|IDS   content with an extension definition
  --enforce-refs                both ends of relationships are in the bundle
  --interop                     rules of the interoperability documents
  --profile spec|reference      the standard, or verdicts of the OASIS validator where ours can follow
  --quiet                       only what is invalid, and the summary
  --no-colour
  --help

Exit status: 0 all valid, 1 something invalid, 2 wrong usage or unreadable input.
`

/** Wrong usage or unreadable input. */
class UsageError extends Error {}

function oneOf<T extends string>(
  value: string | undefined,
  allowed: readonly T[],
  flag: string,
): T | undefined {
  if (value === undefined) return undefined
  if ((allowed as readonly string[]).includes(value)) return value as T
  throw new UsageError(`--${flag} takes ${allowed.join(' or ')}, not ${JSON.stringify(value)}`)
}

const VERSIONS = ['2.0', '2.1'] as const
const PROFILES = ['spec', 'reference'] as const
const POLICIES = ['allow', 'deny'] as const

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        json: { type: 'boolean' },
        strict: { type: 'boolean' },
        disable: { type: 'string', multiple: true },
        version: { type: 'string' },
        accept: { type: 'string', multiple: true },
        'custom-types': { type: 'string' },
        'custom-properties': { type: 'string' },
        'custom-extensions': { type: 'string' },
        extensions: { type: 'string' },
        'enforce-refs': { type: 'boolean' },
        interop: { type: 'boolean' },
        profile: { type: 'string' },
        quiet: { type: 'boolean' },
        'no-colour': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause))
  }
}

function optionsOf(values: ReturnType<typeof parse>['values']): ValidateOptions {
  const options: ValidateOptions = {
    strict: values.strict === true,
    enforceRefs: values['enforce-refs'] === true,
    interop: values.interop === true,
  }
  const codes = (values.disable ?? []).flatMap((list) => list.split(',')).map((code) => code.trim())
  for (const code of codes) if (!isWarningCode(code)) throw new UsageError(`--disable: no such code ${code}`)
  options.disable = codes
  const version = oneOf(values.version, VERSIONS, 'version')
  if (version) options.version = version
  const accepted = (values.accept ?? []).flatMap((list) => list.split(','))
  if (accepted.length > 0) {
    options.versions = accepted.map((v) => oneOf(v, VERSIONS, 'accept')).filter((v) => v !== undefined)
  }
  const profile = oneOf(values.profile, PROFILES, 'profile')
  if (profile) options.profile = profile
  const types = oneOf(values['custom-types'], POLICIES, 'custom-types')
  if (types) options.customTypes = types
  const properties = oneOf(values['custom-properties'], POLICIES, 'custom-properties')
  if (properties) options.customProperties = properties
  const extensions = oneOf(values['custom-extensions'], POLICIES, 'custom-extensions')
  if (extensions) options.customExtensions = extensions
  const { extensions: ids } = values
  if (ids === 'allow' || ids === 'deny') options.extensions = ids
  else if (ids !== undefined) options.extensions = ids.split(',')
  return options
}

async function read(file: string): Promise<Buffer> {
  const chunks: Buffer[] = []
  try {
    const stream = file === '-' ? process.stdin : createReadStream(file)
    for await (const chunk of stream) chunks.push(chunk as Buffer)
    const bytes = Buffer.concat(chunks)
    return bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes
  } catch (cause) {
    throw new UsageError(`${file}: ${cause instanceof Error ? cause.message : String(cause)}`)
  }
}

/** NDJSON: several lines, the first of which is a whole object. */
function linesOf(bytes: Buffer): string[] | null {
  const end = bytes.indexOf(10)
  if (end < 0) return null
  const first = bytes.toString('utf8', 0, end).trim()
  if (!first.startsWith('{') || !first.endsWith('}')) return null
  try {
    JSON.parse(first)
  } catch {
    return null
  }
  const lines = bytes
    .toString('utf8')
    .split('\n')
    .map((line) => line.trim())
  return lines.filter((line) => line !== '').length > 1 ? lines : null
}

function progress(done: number, total: number, active: boolean): void {
  if (!active) return
  process.stderr.write(`\r${done} of ${total} lines`)
  if (done === total) process.stderr.write('\r\x1b[K')
}

function judgeLines(lines: string[], options: ValidateOptions, active: boolean): Report {
  const whole: Report = { valid: true, findings: [], objects: [] }
  for (const [i, line] of lines.entries()) {
    if (i % 10_000 === 0) progress(i, lines.length, active)
    if (line === '') continue
    const report = validateText(line, options)
    if (!report.valid) whole.valid = false
    for (const found of report.findings)
      whole.findings.push({ ...found, message: `Line ${i + 1}: ${found.message}` })
    for (const object of report.objects) whole.objects.push({ ...object, index: i })
  }
  progress(lines.length, lines.length, active)
  return whole
}

/** Runs the command; answers its exit status. */
export async function main(args: string[]): Promise<number> {
  try {
    const { values, positionals } = parse(args)
    if (values.help) {
      process.stdout.write(USAGE)
      return 0
    }
    const options = optionsOf(values)
    const files = positionals.length > 0 ? positionals : ['-']
    const colour = process.stdout.isTTY === true && values['no-colour'] !== true && !process.env.NO_COLOR
    const style: Style = { colour, quiet: values.quiet === true }
    const active = process.stderr.isTTY === true
    const reports: { file: string; report: Report }[] = []
    for (const [i, file] of files.entries()) {
      if (active && files.length > 1) process.stderr.write(`\r\x1b[K${i + 1} of ${files.length}: ${file}`)
      const bytes = await read(file)
      const lines = linesOf(bytes)
      const report = lines ? judgeLines(lines, options, active) : validateText(bytes, options)
      if (active && files.length > 1) process.stderr.write('\r\x1b[K')
      if (values.json) reports.push({ file, report })
      else {
        process.stdout.write(printReport(file, report, style))
        // Only what the summary counts is kept: many large files must fit.
        const objects = report.objects.map((o) => ({ ...o, pattern: null, errors: [], warnings: [] }))
        reports.push({ file, report: { ...report, findings: [], objects } })
      }
    }
    const valid = reports.every(({ report }) => report.valid)
    if (values.json) {
      const shown = reports.map(({ file, report }) => ({
        file,
        valid: report.valid,
        findings: report.findings,
        objects: report.objects.map(({ pattern, ...rest }) => rest),
      }))
      process.stdout.write(`${JSON.stringify({ valid, files: shown }, null, 2)}\n`)
    } else
      process.stdout.write(
        summary(
          reports.map((r) => r.report),
          style,
        ),
      )
    return valid ? 0 : 1
  } catch (cause) {
    if (!(cause instanceof UsageError)) throw cause
    process.stderr.write(`stix2-validate: ${cause.message}\nTry --help.\n`)
    return 2
  }
}
