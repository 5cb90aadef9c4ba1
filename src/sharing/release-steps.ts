/** Steps of a release schedule before it is made: in order, in the future, and each only adds readers (policy.md §13). */
import { AppError } from '../errors.ts'
import { audienceOf } from '../policy/label.ts'
import { losers } from '../policy/losers.ts'
import { type AudienceRecord, type Collection, rank, type World } from '../policy/model.ts'
import type { Database } from '../store/pool.ts'
import type { Target } from '../store/release-targets.ts'
import type { Reader } from '../store/session.ts'
import type { Exchange } from '../taxii/exchange.ts'
import { remark } from '../taxii/remark.ts'
import { type Micros, parseMicros } from '../time.ts'

export interface Step {
  at: Micros
  refs: readonly string[]
}

/** Ten years: nobody means more. */
const FARTHEST = 3653n * 86_400_000_000n

/** @throws badRequest for what is no time, unprocessable for steps that are not ascending and in the future */
export function parseSteps(
  steps: readonly { at: string; object_marking_refs: readonly string[] }[],
  now: Micros,
): Step[] {
  let last = now
  return steps.map(({ at: text, object_marking_refs: refs }, i) => {
    const path = `/steps/${i}/at`
    const at = parseMicros(text)
    if (at === null) {
      const message = 'is not a time such as 2026-12-01T00:00:00Z'
      throw new AppError('badRequest', { detail: `${path} ${message}.`, problems: [{ path, message }] })
    }
    const message =
      at <= last
        ? `is not after ${i === 0 ? 'now' : 'the step before'}`
        : at > now + FARTHEST
          ? 'is more than ten years ahead'
          : null
    if (message) {
      throw new AppError('unprocessable', { detail: `${path} ${message}.`, problems: [{ path, message }] })
    }
    last = at
    return { at, refs }
  })
}

interface Plan {
  /** The world in which `wide` was compiled. */
  world: World
  /** The caller without its token's cap. */
  wide: Reader
  collection: Collection
  targets: readonly Target[]
  steps: readonly Step[]
}

/** @throws unprocessable when a step's markings cannot be applied, or would take somebody away */
export async function refuseUnlessReleasing(exchange: Exchange, db: Database, plan: Plan): Promise<void> {
  const { world, wide, collection, targets, steps } = plan
  let before = targets.map((target) => world.audiences[target.label])
  for (const [i, { at, refs }] of steps.entries()) {
    const remarked = await remark(exchange, db, wide, collection, targets, { object_marking_refs: refs })
    const after = remarked.map(
      ({ target, labelled }) => audienceOf(labelled.labels, target.principal, target.organization, at).record,
    )
    after.forEach((record, n) => {
      const old = before[n]
      const message = old ? objection(world, old, record, at) : 'stands on an object that changes just now'
      if (!message) return
      const path = `/steps/${i}/object_marking_refs`
      const detail = `Step ${i + 1} ${message}. A schedule only releases: use not_after for an end, or tighten by PATCH.`
      throw new AppError('unprocessable', { detail, problems: [{ path, message }] })
    })
    before = after
  }
}

function objection(world: World, old: AudienceRecord, record: AudienceRecord, at: Micros): string | null {
  const before = unheld(old, at)
  if (highest(record) > highest(before)) return 'raises the level, which takes it from weaker credentials'
  const lost = losers(world.topology, before, record, at)
  if (lost.length === 0) return null
  const names = lost.slice(0, 5).map((id) => (id === '' ? 'readers without credentials' : id))
  const more = lost.length > names.length ? ` and ${lost.length - names.length} more` : ''
  return `would take it away from ${names.join(', ')}${more}, which may read it before`
}

/** Its embargo will have ended by then. */
function unheld(record: AudienceRecord, at: Micros): AudienceRecord {
  const { held, ...rest } = record
  return held && record.own.every((label) => BigInt(label.notBefore ?? 0) <= at) ? rest : record
}

const highest = (record: AudienceRecord) => Math.max(...record.own.map((label) => rank(label.level)))
