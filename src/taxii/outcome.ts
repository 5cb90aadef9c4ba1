/** What became of one object of a request: the stuff of a status (TAXII 2.1 §4.3.1). */
import type { StixObject } from '../stix/index.ts'
import type { Batch } from '../store/statuses.ts'
import { BETWEEN } from '../store/store-new.ts'
import { formatMicros, type Micros } from '../time.ts'

/** A status-details. */
export interface Detail {
  id: string
  version: string
  message?: string
}

export interface Outcome {
  detail: Detail
  failed: boolean
  /** Index among the appended ones; its version is known after the append. */
  appended?: number
}

/** The detail of an object that could be read: its version, else the time of the request. */
export function named(object: StixObject, requested: Micros): Detail {
  return { id: object.id, version: object.version ?? formatMicros(requested) }
}

export const success = (detail: Detail): Outcome => ({ detail, failed: false })

export const failure = (detail: Detail, message: string): Outcome => ({
  detail: { ...detail, message },
  failed: true,
})

const SHOWN = 5

/** Adds to the status why an object is stricter than its own marking (policy.md §6). @param tightened the references that make it so */
export function explain(
  { detail }: Outcome,
  tightened: readonly { target: string; property: string }[],
): void {
  if (tightened.length === 0) return
  const shown = tightened.slice(0, SHOWN).map(({ target, property }) => `${property} ${target}`)
  const more = tightened.length > SHOWN ? ` and ${tightened.length - SHOWN} more` : ''
  const because = `only who may read what it refers to gets it: it is stricter than its own marking by ${shown.join(', ')}${more}`
  detail.message = detail.message ? `${detail.message}; ${because}` : because
}

/**
 * Counts and serialised lists, in the order of the envelope.
 * @param before rows that are appended before these, where versions are known only after the append: the number of the
 * row (from 1), between two BETWEEN, stands for its version
 */
export function batchOf(outcomes: readonly (Outcome | undefined)[], before?: number): Batch {
  const successes: string[] = []
  const failures: string[] = []
  for (const outcome of outcomes) {
    if (!outcome) continue
    const { detail, appended } = outcome
    const open = before !== undefined && appended !== undefined && detail.version === ''
    const text = open ? dateless(detail, before + appended + 1) : JSON.stringify(detail)
    ;(outcome.failed ? failures : successes).push(text)
  }
  return {
    success: successes.length,
    failure: failures.length,
    successes: successes.join(','),
    failures: failures.join(','),
  }
}

/** JSON escapes the character of BETWEEN in texts, so what stands here as it is comes from here alone. */
function dateless({ id, message }: Detail, row: number): string {
  const version = `"version":"${BETWEEN}${row}${BETWEEN}"`
  return `{"id":${JSON.stringify(id)},${version}${message === undefined ? '' : `,"message":${JSON.stringify(message)}`}}`
}
