/** Objects that wait for a marking, and what operators decided on markings (0006_quarantine.sql). */
import type { Tlp } from '../policy/model.ts'
import type { Database } from './pool.ts'
import { sql } from './sql.ts'
import { copyOf } from './write-items.ts'

/** A marking that does not speak for itself, and what was decided on it; null = it holds the object. */
export interface JudgedMarking {
  marking: string
  as: Tlp | 'statement' | null
}

/** Notes the markings of objects that have just been appended */
export async function noteQuarantined(
  db: Database,
  collection: number,
  objects: readonly { position: bigint; judged: readonly JudgedMarking[] }[],
): Promise<void> {
  const notes = objects.flatMap(({ position, judged }) => judged.map((j) => ({ position, ...j })))
  if (notes.length === 0) return
  await db.rows(sql`select note_quarantined(${collection}, ${notes.map((n) => n.position.toString())}::bigint[],
    ${notes.map((n) => n.marking)}::text[], ${notes.map((n) => n.as === null)}::boolean[])`)
}

/** The organization has sent these marking-definitions: what waits for them is due. */
export async function retryQuarantined(
  db: Database,
  collection: number,
  organization: string,
  markings: readonly string[],
): Promise<void> {
  if (markings.length === 0) return
  await db.rows(sql`select retry_quarantined(${collection}, ${organization}, ${markings}::text[])`)
}

export interface Claimed {
  collection: number
  principal: string
  organization: string
}

/** Whose objects are due, if any are. */
export async function claimQuarantined(db: Database): Promise<Claimed | undefined> {
  const [claimed] = await db.rows<Claimed>(sql`select * from claim_quarantined()`)
  return claimed
}

export interface DueObject {
  accepted: bigint
  /** Null when the transaction's reader does not see it any more. */
  position: bigint | null
  body: string | null
}

/** Due objects of the transaction's principal, at most `limit`. */
export async function readDue(
  db: Database,
  scope: string,
  claimed: Claimed,
  limit: number,
): Promise<DueObject[]> {
  return await db.rows(sql`select q.accepted, i.position, coalesce(c.body, i.body) as body from (
      select distinct accepted, object_id from quarantined
      where collection = ${claimed.collection} and principal = ${claimed.principal} and organization = ${claimed.organization} and due
      order by accepted limit ${limit}
    ) q left join item i on i.collection = ${claimed.collection} and i.object_id = q.object_id and i.accepted = q.accepted
      and i.audience = any (${scope}::int[]) ${copyOf(scope)}`)
}

/** @param labelled objects whose notes are made anew or needed no more @param held objects that wait on */
export async function settleQuarantined(
  db: Database,
  collection: number,
  labelled: readonly bigint[],
  held: readonly bigint[],
): Promise<void> {
  await db.rows(
    sql`select settle_quarantined(${collection}, ${labelled.map(String)}::bigint[], ${held.map(String)}::bigint[])`,
  )
}

export interface Decision {
  marking: string
  decided: Tlp | 'statement'
  by: string
  reason: string
  at: bigint
}

/** As the owner: decides, and what refers to the marking is due. @returns how many objects that is */
export async function decideMarking(db: Database, decision: Decision): Promise<number> {
  const { marking, decided, by, reason, at } = decision
  await db.rows(sql`insert into marking_decision (marking, decided, decided_by, reason, decided_at)
    values (${marking}, ${decided}, ${by}, ${reason}, ${at}::bigint)
    on conflict (marking) do update set decided = excluded.decided, decided_by = excluded.decided_by,
      reason = excluded.reason, decided_at = excluded.decided_at`)
  return await makeDue(db, marking)
}

/** As the owner: takes a decision back. @returns what it was, and how many objects were labelled by it */
export async function undecideMarking(
  db: Database,
  marking: string,
): Promise<{ decided: string; objects: number } | undefined> {
  const [gone] = await db.rows<{ decided: string }>(
    sql`delete from marking_decision where marking = ${marking} returning decided`,
  )
  return gone && { decided: gone.decided, objects: await makeDue(db, marking) }
}

async function makeDue(db: Database, marking: string): Promise<number> {
  const row = await db.one<{ count: number }>(sql`with due as (
      update quarantined set due = true where marking = ${marking} returning 1
    ) select count(*)::int as count from due`)
  return row.count
}

export interface HeldMarking {
  marking: string
  decided: string | null
  /** Root and alias or id. */
  collection: string
  organization: string
  held: number
  released: number
}

/** As the owner: which markings hold objects, or are decided on; counts only. */
export async function listQuarantined(db: Database, limit: number): Promise<HeldMarking[]> {
  return await db.rows(sql`select coalesce(q.marking, d.marking) as marking, d.decided,
      coalesce(c.root || '/' || coalesce(c.alias, c.id::text), '-') as collection,
      coalesce(q.organization, '-') as organization,
      (count(q.accepted) filter (where q.held))::int as held, (count(q.accepted) filter (where not q.held))::int as released
    from quarantined q full join marking_decision d on d.marking = q.marking left join collection c on c.seq = q.collection
    group by 1, 2, 3, 4 order by 1, 3, 4 limit ${limit}`)
}
