/** Release schedules and their steps (policy.md §7, §13); only definer functions write (0007_release.sql). */
import type { Database } from './pool.ts'
import { type Reader, readAs } from './session.ts'
import { sql } from './sql.ts'

export interface ScheduleStep {
  at: bigint
  refs: string[]
  state: 'pending' | 'done' | 'failed' | 'cancelled'
  ended: bigint | null
  change: string | null
  problem: string | null
}

export interface Schedule {
  seq: bigint
  id: string
  principal: string
  collection: number
  object_id: string
  version: string
  reason: string
  created: bigint
  state: 'active' | 'done' | 'failed' | 'cancelled'
  ended: bigint | null
  note: string | null
  steps: ScheduleStep[]
}

export interface NewSchedule {
  id: string
  organization: string
  principal: string
  collection: number
  object: string
  version: string
  accepted: readonly bigint[]
  hashes: readonly string[]
  reason: string
  steps: readonly { at: bigint; refs: readonly string[] }[]
}

const numbers = (list: readonly bigint[]) => list.map(String)
const digests = (list: readonly string[]) => list.map((hash) => `\\x${hash}`)

/** @returns busy: these copies have a schedule; many: its maker has `most` under way */
export async function openSchedule(
  db: Database,
  made: NewSchedule,
  now: bigint,
  most: number,
): Promise<'made' | 'busy' | 'many'> {
  const row = await db.one<{ outcome: 'made' | 'busy' | 'many' }>(
    sql`select open_schedule(${made.id}::uuid, ${made.organization}, ${made.principal}, ${made.collection}, ${made.object},
      ${made.version}, ${numbers(made.accepted)}::bigint[], ${digests(made.hashes)}::bytea[], ${made.reason},
      ${now}::bigint, ${numbers(made.steps.map((s) => s.at))}::bigint[],
      ${JSON.stringify(made.steps.map((s) => s.refs))}::jsonb, ${most}::int) as outcome`,
  )
  return row.outcome
}

export interface ScheduleQuery {
  /** Collections that the caller may read. */
  collections: readonly number[]
  /** Of these copies it sees them all, or with null, only those on objects that it sees (a capped token). */
  maker: string | null
  id: string | null
  /** Only those made before this one. */
  before: bigint | null
  limit: number
}

/** The last made first, at most one more than `limit`. */
export async function readSchedules(db: Database, reader: Reader, query: ScheduleQuery): Promise<Schedule[]> {
  const row = await readAs<{ found: Raw[] | null }>(
    db,
    reader,
    sql`select json_agg(x order by x.seq desc) as found from (
      select r.seq, r.id, r.principal, r.collection, r.object_id, r.version, r.reason, r.created, r.state, r.ended, r.note,
        (select json_agg(json_build_object('at', t.at, 'refs', t.refs, 'state', t.state, 'ended', t.ended,
            'change', t.change, 'problem', t.problem) order by t.step)
          from release_step t where t.schedule = r.id) as steps
      from release_schedule r
      where s.fresh and s.scope is not null and r.collection = any (${query.collections}::int[])
        and r.organization = (select p.organization from principal p where p.id = ${reader.principal})
        and (r.principal = ${query.maker} or exists (
          select from item i where i.collection = r.collection and i.object_id = r.object_id
            and i.organization = r.organization and i.accepted = any (r.accepted)
            and i.audience = any (${reader.scope}::int[])))
        and (${query.id}::uuid is null or r.id = ${query.id}::uuid)
        and (${query.before}::bigint is null or r.seq < ${query.before}::bigint)
      order by r.seq desc limit ${query.limit + 1}
    ) x`,
  )
  return (row.found ?? []).map(fromRaw)
}

/** As JSON has them: times in microseconds are exact below 2^53. */
type Raw = Omit<Schedule, 'seq' | 'created' | 'ended' | 'steps'> & {
  seq: number
  created: number
  ended: number | null
  steps: (Omit<ScheduleStep, 'at' | 'ended'> & { at: number; ended: number | null })[]
}

const orNull = (at: number | null) => (at === null ? null : BigInt(at))

function fromRaw(raw: Raw): Schedule {
  return {
    ...raw,
    seq: BigInt(raw.seq),
    created: BigInt(raw.created),
    ended: orNull(raw.ended),
    steps: raw.steps.map((step) => ({ ...step, at: BigInt(step.at), ended: orNull(step.ended) })),
  }
}

/** @returns false when it is over already */
export async function cancelSchedule(db: Database, id: string, note: string, now: bigint): Promise<boolean> {
  const row = await db.one<{ done: boolean }>(
    sql`select end_schedule(${id}::uuid, 'cancelled', ${note}, ${now}::bigint) as done`,
  )
  return row.done
}

/** Ends the schedules of copies about which a person has decided; @returns their ids. */
export async function cancelSchedules(
  db: Database,
  collection: number,
  object: string,
  accepted: readonly bigint[],
  note: string,
  now: bigint,
): Promise<string[]> {
  const rows = await db.rows<{ id: string }>(
    sql`select cancel_schedules(${collection}, ${object}, ${numbers(accepted)}::bigint[], ${note}, ${now}::bigint)::text as id`,
  )
  return rows.map((row) => row.id)
}

/** A step whose time has come, and whose it is. */
export interface DueStep {
  schedule: string
  step: number
  principal: string
  organization: string
  collection: number
  object_id: string
}

export async function dueStep(db: Database, now: bigint): Promise<DueStep | undefined> {
  const rows = await db.rows<DueStep>(sql`select * from due_step(${now}::bigint)`)
  return rows[0]
}

export interface TakenStep {
  refs: string[]
  accepted: bigint[]
  hashes: string[]
  reason: string
}

/** Locks a step until the end of the transaction. @returns undefined when another has it, or it is over */
export async function takeStep(db: Database, due: DueStep, now: bigint): Promise<TakenStep | undefined> {
  const rows = await db.rows<{ refs: string[]; accepted: string[]; hashes: string[]; reason: string }>(
    sql`select refs, accepted::text[] as accepted, reason,
        array(select encode(h, 'hex') from unnest(hashes) with ordinality as u (h, n) order by n) as hashes
      from take_step(${due.schedule}::uuid, ${due.step}, ${now}::bigint)`,
  )
  const [row] = rows
  return row && { ...row, accepted: row.accepted.map(BigInt) }
}

export async function finishStep(
  db: Database,
  due: DueStep,
  change: string,
  hashes: readonly string[],
  now: bigint,
): Promise<void> {
  await db.rows(
    sql`select finish_step(${due.schedule}::uuid, ${due.step}, ${change}, ${digests(hashes)}::bytea[], ${now}::bigint)`,
  )
}

/** @returns false when it is over already */
export async function failStep(db: Database, due: DueStep, problem: string, now: bigint): Promise<boolean> {
  const row = await db.one<{ failed: boolean }>(
    sql`select fail_step(${due.schedule}::uuid, ${due.step}, ${problem}, ${now}::bigint) as failed`,
  )
  return row.failed
}

export async function postponeStep(db: Database, due: DueStep, until: bigint): Promise<void> {
  await db.rows(sql`select postpone_step(${due.schedule}::uuid, ${due.step}, ${until}::bigint)`)
}
