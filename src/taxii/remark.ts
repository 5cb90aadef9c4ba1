/** New markings for stored copies: checked as at the door, read into labels, and handed to relabel() (policy.md §7). */
import { AppError, type Problem } from '../errors.ts'
import { definitionsNeeded, type Labelled, labelsOf } from '../policy/label.ts'
import type { Collection } from '../policy/model.ts'
import { namedFor } from '../policy/veto.ts'
import {
  checkObject,
  contentHash,
  isRedacted,
  type Markings,
  readObject,
  withMarkings,
} from '../stix/index.ts'
import type { Database } from '../store/pool.ts'
import type { Target } from '../store/release-targets.ts'
import { assume, type Reader } from '../store/session.ts'
import { readDefinitions } from '../store/write-items.ts'
import { limitsOf } from './add-objects.ts'
import type { Exchange } from './exchange.ts'
import { type Cause, type Relabelling, relabel } from './relabel.ts'

export type Change = 'tightened' | 'widened' | 'both' | 'same'

/** A copy with other markings, not stored yet. */
export interface Remarked {
  target: Target
  labelled: Extract<Labelled, { ok: true }>
  text: string
  hash: string
}

/**
 * What the copies become with these markings; nothing is stored. References are resolved as the principal may read,
 * without its token's cap, as on a POST (policy.md §9). From here on the transaction reads without the cap.
 * @param reader the principal without its token's cap
 * @throws unprocessable for markings that cannot be applied; conflict for a marking-definition, which never changes
 */
export async function remark(
  exchange: Exchange,
  db: Database,
  reader: Reader,
  collection: Collection,
  targets: readonly Target[],
  markings: Markings,
): Promise<Remarked[]> {
  if (targets.some((target) => target.type === 'marking-definition')) {
    throw new AppError('conflict', {
      detail: 'A marking-definition never changes: make a new one with a new id.',
    })
  }
  if (targets.some((target) => target.parted && isRedacted(target.body))) {
    throw new AppError('conflict', {
      detail: 'Parts of this object are hidden from you: only who sees all of it can give it other markings.',
    })
  }
  const found = targets.map((target) => {
    const text = withMarkings(target.body, markings)
    return { target, text, value: JSON.parse(text) as Record<string, unknown> }
  })
  await assume(db, reader)
  const needed = [...new Set(found.flatMap(({ value }) => definitionsNeeded(value)))]
  const rows =
    needed.length === 0 ? [] : await readDefinitions(db, reader.scope, collection.seq, needed, null)
  const definitions = new Map(
    rows.map((row) => [row.object_id, JSON.parse(row.body) as Record<string, unknown>]),
  )
  return found.map(({ target, text, value }) => {
    const warnings = checkMarkings(exchange, collection, target.body, text)
    const labelled = labelsOf(
      value,
      target.organization,
      { ...collection, named: namedFor(exchange.world.topology, target.organization) },
      (id) => definitions.get(id),
      exchange.world.decisions,
    )
    if (!labelled.ok) throw new AppError('unprocessable', { detail: sentence(labelled.problem) })
    // Quarantine is for what arrives; what is here keeps the markings that are understood.
    if (labelled.quarantined) {
      throw new AppError('unprocessable', { detail: sentence(labelled.warnings.at(-1) ?? '') })
    }
    return {
      target,
      labelled: { ...labelled, warnings: [...labelled.warnings, ...warnings] },
      text,
      hash: contentHash(value),
    }
  })
}

/** Stores what was remarked, in the same transaction. @returns what it came to, over all copies */
export async function applyMarks(
  exchange: Exchange,
  db: Database,
  collection: Collection,
  remarked: readonly Remarked[],
  cause: Cause,
): Promise<Change> {
  const changes: Relabelling[] = remarked.map(({ target, labelled, text, hash }) => ({
    accepted: target.accepted,
    labelled,
    text,
    hash,
  }))
  const done = new Set((await relabel(exchange, db, collection, changes, cause)).map((r) => r.change))
  const wider = done.has('widened') || done.has('both')
  const tighter = done.has('tightened') || done.has('both')
  if (wider && tighter) return 'both'
  return wider ? 'widened' : tighter ? 'tightened' : 'same'
}

/** The members that change, by the rules of the door; the rest of the object was accepted before. @returns warnings */
function checkMarkings(exchange: Exchange, collection: Collection, before: string, text: string): string[] {
  const limits = limitsOf(exchange)
  // What is here may be larger than what is taken now: markings may not make it larger still.
  limits.objectBytes = Math.max(limits.objectBytes, Buffer.byteLength(before))
  if (Buffer.byteLength(text) > limits.objectBytes) {
    throw new AppError('unprocessable', {
      detail: `With these markings the object would be larger than ${limits.objectBytes} bytes.`,
    })
  }
  const member = readObject(text, limits)
  if ('detail' in member) throw new AppError('unprocessable', { detail: member.detail })
  const { findings } = checkObject(member, { specs: [20, 21], limits })
  const about = findings.filter((f) => /^\/(object_marking_refs|granular_markings)(\/|$)/.test(f.path))
  const problems: Problem[] = about
    .filter((f) => f.severity === 'error' || collection.strict)
    .slice(0, 5)
    .map((f) => ({ path: f.path, message: f.message }))
  if (problems[0]) throw new AppError('unprocessable', { detail: problems[0].message, problems })
  return about.filter((f) => f.severity === 'warning').map((f) => f.message)
}

const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
