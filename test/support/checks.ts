/** Assertions that many conformance tests share. */
import type { Test } from 'tap'
import { type Answer, type Client, type Status, T21 } from './client.ts'
import { sleep } from './run-lock.ts'

/** A timestamp that the server makes (T-2-01). */
export const STAMP: RegExp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/
export const UUID4: RegExp = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

const ERROR_PROPERTIES = [
  'title',
  'description',
  'error_id',
  'error_code',
  'http_status',
  'external_details',
  'details',
]

/** Content-Type is there once, byte for byte. */
export function hasTaxiiType(t: Test, answer: Answer, what: string): void {
  const types = answer.rawHeaders.filter(([name]) => name.toLowerCase() === 'content-type').map(([, v]) => v)
  t.strictSame(types, [T21], `${what}: Content-Type`)
}

/** An error: status, Content-Type, and a body as TAXII 2.1 §3.6.1 has it. */
export function isError(t: Test, answer: Answer, status: number, what: string): void {
  if (answer.status !== status) {
    t.fail(`${what}: ${answer.status} instead of ${status}: ${answer.text.slice(0, 200)}`)
    return
  }
  hasTaxiiType(t, answer, what)
  let body: Record<string, unknown> = {}
  try {
    body = answer.json
  } catch {
    t.fail(`${what}: the error has no JSON body: ${answer.text.slice(0, 200)}`)
    return
  }
  t.equal(typeof body.title, 'string', `${what}: title`)
  t.equal(body.http_status, String(status), `${what}: http_status`)
  for (const [name, value] of Object.entries(body)) {
    t.ok(ERROR_PROPERTIES.includes(name), `${what}: ${name} is a property of error`)
    t.equal(typeof value, name === 'details' ? 'object' : 'string', `${what}: type of ${name}`)
  }
}

/** A success with a resource in its body. */
export function isResource(t: Test, answer: Answer, status: number, what: string): void {
  t.equal(
    answer.status,
    status,
    `${what}: status${answer.status === status ? '' : `: ${answer.text.slice(0, 200)}`}`,
  )
  hasTaxiiType(t, answer, what)
  t.match(answer.text, /^\{.*\}$/s, `${what}: a JSON object`)
  noNullOrEmpty(t, answer, what)
}

/** T-2-03, T-2-07: nothing is `null`, no list is empty. */
export function noNullOrEmpty(t: Test, answer: Answer, what: string): void {
  const bad: string[] = []
  const walk = (value: unknown, path: string) => {
    if (value === null) bad.push(`${path} is null`)
    else if (Array.isArray(value)) {
      if (value.length === 0) bad.push(`${path} is []`)
      value.forEach((item, i) => {
        walk(item, `${path}[${i}]`)
      })
    } else if (typeof value === 'object') {
      for (const [name, item] of Object.entries(value as object)) walk(item, `${path}.${name}`)
    }
  }
  walk(answer.json, '$')
  t.strictSame(bad, [], `${what}: no null, no empty list`)
}

/** Both X-TAXII-Date-Added headers are there, once each, and well formed. */
export function hasDates(t: Test, answer: Answer, what: string): void {
  for (const name of ['X-TAXII-Date-Added-First', 'X-TAXII-Date-Added-Last']) {
    t.match(answer.header(name) ?? 'absent', STAMP, `${what}: ${name}`)
  }
}

/** An empty answer: 200, exactly `{}`, with both headers. */
export function isEmpty(t: Test, answer: Answer, what: string): void {
  t.equal(answer.status, 200, `${what}: status`)
  t.equal(answer.text, '{}', `${what}: body`)
  hasTaxiiType(t, answer, what)
  hasDates(t, answer, what)
}

/** Polls a status until it is complete. */
export async function completed(client: Client, root: string, id: string): Promise<Status> {
  for (let i = 0; i < 600; i++) {
    const answer = await client.get(`/${root}/status/${id}/`)
    if (answer.status !== 200) throw new Error(`status ${id} answered ${answer.status}: ${answer.text}`)
    const status = answer.taxiiStatus
    if (status.status === 'complete') return status
    await sleep(50)
  }
  throw new Error(`status ${id} is not complete after 30 s`)
}

/** `2026-01-01T00:00:00.000001Z` as microseconds. */
export function micros(stamp: string): bigint {
  const m = /^(.*)\.(\d{6})Z$/.exec(stamp)
  if (!m) throw new Error(`${stamp} is not a microsecond timestamp`)
  return BigInt(Date.parse(`${m[1]}Z`)) * 1000n + BigInt(m[2] ?? 0)
}

/** Microseconds as a timestamp. */
export function stamp(at: bigint): string {
  return `${new Date(Number(at / 1000n)).toISOString().slice(0, 20)}${String(at % 1_000_000n).padStart(6, '0')}Z`
}

export function isAscending(t: Test, stamps: string[], what: string): void {
  const wrong = stamps.filter((value, i) => i > 0 && value <= (stamps[i - 1] ?? ''))
  t.strictSame(wrong, [], `${what}: strictly ascending`)
}
