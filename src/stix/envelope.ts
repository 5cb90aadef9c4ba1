/** From the bytes of a request to its members: the request-level refusals and the raw scan of each object (T-5.5-09, D-2). */
import { isAscii, isUtf8 } from 'node:buffer'
import { DEFAULT_KEYS, error, type Finding, type Limits } from './finding.ts'
import { inspect } from './inspect.ts'
import { MOST_KEYS, type Scan, scan } from './scan.ts'
import type { Span } from './spans.ts'

/** One member of an envelope's `objects`, scanned from the raw text. */
export interface Member {
  index: number
  /** The sender's own text without insignificant white space: key order, numbers and escapes as spelled. */
  text: string
  /** The parsed object; only its head (id, type, version) when it is too deep or too big. */
  value: Record<string, unknown>
  problems: Finding[]
  /** Pointers of numbers that are whole only because a double cannot hold their fraction. */
  inexact?: string[]
}

export type EnvelopeResult = { ok: true; members: Member[] } | { ok: false; detail: string }

function countKeys(value: unknown): number {
  let count = 0
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object' && item !== null) count += countKeys(item)
    return count
  }
  const object = value as Record<string, unknown>
  for (const key in object) {
    count++
    const item = object[key]
    if (typeof item === 'object' && item !== null) count += countKeys(item)
  }
  return count
}

/** Strings of their own, not slices: a stored object must not keep a whole request alive. */
export function decode(
  bytes: Buffer,
  { start, end }: { start: number; end: number },
  ascii: boolean,
): string {
  return bytes.toString(ascii || isAscii(bytes.subarray(start, end)) ? 'latin1' : 'utf8', start, end)
}

/** Bytes that an object may have. Artifacts may be larger: they carry files. */
function bytesFor(text: string, limits: Limits): number {
  const { objectBytes, artifactBytes = 0 } = limits
  if (artifactBytes <= objectBytes) return objectBytes
  return inspect(text, limits).head.type === 'artifact' ? artifactBytes : objectBytes
}

function tooLarge(size: number, most: number, artifact: boolean): Finding {
  const limit = artifact ? 'artifactBytes' : 'objectBytes'
  const message = `The object has ${size} bytes; at most ${most} are taken. The limit is COMITY_OBJECT_BYTES of a server, ${limit} of the validator.`
  return error('limit/object-bytes', '', message)
}

/** A member of a scanned text: its parsed value, and what of its text is refused. */
export function member(found: Scan, span: Span, index: number, limits: Limits, ascii: boolean): Member {
  const text = decode(found.bytes, span, ascii)
  const size = span.end - span.start
  const problems: Finding[] = []
  const most = size > limits.objectBytes ? bytesFor(text, limits) : size
  if (size > most) problems.push(tooLarge(size, most, most !== limits.objectBytes))
  const { containers = Number.POSITIVE_INFINITY, values = Number.POSITIVE_INFINITY } = limits
  if (span.containers > containers || span.values > values) {
    const [count, what, most] =
      span.containers > containers
        ? [span.containers, 'lists and objects', containers]
        : [span.values, 'values', values]
    problems.push(
      error('limit/values', '', `The object has ${count} ${what}; at most ${most} are taken, so split it.`),
    )
  }
  const crowded = span.keys > (limits.objectKeys ?? DEFAULT_KEYS)
  if (problems.length > 0 || crowded || span.depth > limits.depth) {
    const inspection = inspect(text, limits)
    problems.push(...inspection.problems)
    // What is beyond a limit is not parsed: its price is what the limit bounds.
    if (problems.length > 0) return { index, text, value: inspection.head, problems }
  }
  const value: Record<string, unknown> = JSON.parse(text)
  const repeated = countKeys(value) !== span.keys
  let inexact: string[] | undefined
  if (span.suspect) {
    const inspection = inspect(text, limits)
    problems.push(...inspection.problems)
    if (inspection.inexact.length > 0) inexact = inspection.inexact
  }
  if (repeated && problems.length === 0) problems.push(...inspect(text, limits).problems)
  // Parsing dropped a key, so the object is refused even if the closer look were to miss it.
  if (repeated && problems.length === 0) {
    problems.push(error('json/duplicate-key', '', 'The object has a key twice; send each key once.'))
  }
  return inexact ? { index, text, value, problems, inexact } : { index, text, value, problems }
}

export function malformed(bytes: Uint8Array, at: number): string {
  if (at >= bytes.length) return 'The body is not valid JSON: it ends too early.'
  return `The body is not valid JSON: the error is at or after byte ${at}.`
}

export function unreadable(bytes: Uint8Array): string | null {
  if (bytes.length === 0) return 'The body is empty; send a TAXII envelope, {"objects": [...]}.'
  if (!isUtf8(bytes)) return 'The body is not valid UTF-8.'
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
    return 'The body starts with a byte order mark, which JSON does not allow; send it without (RFC 8259 §8.1).'
  }
  return null
}

const SPECS: ReadonlySet<unknown> = new Set(['2.0', '2.1'])

/** Reads a TAXII envelope or a STIX bundle. Other keys, custom ones too, are ignored (T-5.5-12, T-5.5-13). */
export function readEnvelope(bytes: Uint8Array, limits: Limits): EnvelopeResult {
  const steps = reading(bytes, limits)
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}

/** The same; between two members it waits for `pause`, where that has something to wait for. */
export async function readEnvelopeInTurns(
  bytes: Uint8Array,
  limits: Limits,
  pause: () => Promise<void> | undefined,
): Promise<EnvelopeResult> {
  const steps = reading(bytes, limits)
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
    const wait = pause()
    if (wait) await wait
  }
}

/** Yields after each member. */
function* reading(bytes: Uint8Array, limits: Limits): Generator<void, EnvelopeResult> {
  const refuse = (detail: string): EnvelopeResult => ({ ok: false, detail })
  const broken = unreadable(bytes)
  if (broken) return refuse(broken)
  const found = scan(bytes, 2)
  if ('malformedAt' in found) return refuse(malformed(bytes, found.malformedAt))
  if (found.root !== 123)
    return refuse('The body is not a JSON object; send a TAXII envelope, {"objects": [...]}.')
  if (found.keys.length > MOST_KEYS)
    return refuse(`The envelope has more than ${MOST_KEYS} keys; send "objects" only.`)
  const keys = new Set(found.keys.map((span) => JSON.parse(decode(found.bytes, span, false)) as string))
  if (keys.size !== found.keys.length) return refuse('The envelope has a key twice; send each key once.')
  if (found.objects === 0) return refuse('The envelope has no `objects`; send {"objects": [...]}.')
  if (found.objects !== 91) return refuse('`objects` of the envelope is not a list.')
  if (found.stranger >= 0) return refuse(`objects[${found.stranger}] of the envelope is not a JSON object.`)
  if (found.members.length === 0)
    return refuse('`objects` of the envelope is empty; send at least one object.')
  const ascii = isAscii(bytes)
  const members: Member[] = []
  for (let i = 0; i < found.members.length; i++) {
    members.push(member(found, found.members.at(i) as Span, i, limits, ascii))
    yield
  }
  if (members.every(({ value }) => Object.hasOwn(value, 'spec_version') && !SPECS.has(value.spec_version))) {
    return refuse(
      'Every object states a spec_version other than "2.1" and "2.0", the versions of STIX that are supported.',
    )
  }
  return { ok: true, members }
}

/** Reads the text of a single object, such as a line of NDJSON. */
export function readObject(text: string, limits: Limits): Member | { detail: string } {
  if (text.trim() === '') return { detail: 'The text is empty; an object was expected.' }
  if (/\p{Surrogate}/u.test(text))
    return { detail: 'The text holds half of a surrogate pair, which is no character.' }
  const found = scan(Buffer.from(text), 0)
  if ('malformedAt' in found)
    return { detail: `The text is not valid JSON: the error is at or after byte ${found.malformedAt}.` }
  const span = found.members.at(0)
  if (!span) return { detail: 'The text is not a JSON object.' }
  return member(found, span, 0, limits, false)
}
