/** Agreements with their signatures and their end; definer functions write, each with its audit (0004_agreements.sql). */
import type { Agreement } from '../policy/model.ts'
import type { Micros } from '../time.ts'
import type { Database } from './pool.ts'
import { type Sql, sql } from './sql.ts'
import { micros } from './topology-read.ts'

/** What ended something, and why. */
export interface Ended {
  at: Micros
  by: string
  reason: string
}

export interface KnownAgreement extends Agreement {
  /** Its public name. */
  id: string
  /** Its number in lists. */
  seq: bigint
  proposedBy: string
  reason: string
  created: Micros
  changed: Micros
  declared: boolean
  signatures: { side: string; by: string; at: number }[]
  ended: Ended | null
}

/** Columns that an end has. */
export interface EndedRow {
  endedAt: Micros | string | null
  endedBy: string | null
  endReason: string | null
}

export function endOf({ endedAt, endedBy, endReason }: EndedRow): Ended | null {
  return endedAt === null ? null : { at: micros(endedAt), by: endedBy ?? '', reason: endReason ?? '' }
}

/**
 * Waits for the turn of those who change the topology, until the end of the transaction.
 * @param epoch of the topology that the caller has decided in; null: it reads it now
 * @returns false when the topology has changed since
 */
export async function takeTurn(db: Database, epoch: bigint | null): Promise<boolean> {
  return (await db.one<{ ok: boolean }>(sql`select take_turn(${epoch}::bigint) as ok`)).ok
}

type Row = Omit<KnownAgreement, 'ended'> & EndedRow

async function read(db: Database, where: Sql, limit: number): Promise<KnownAgreement[]> {
  const rows =
    await db.rows<Row>(sql`select uuid::text as id, agreement.id as seq, source, target, max_tlp as "maxTlp", recipients, clients,
      valid_from as "validFrom", valid_until as "validUntil", signed, signatures, proposed_by as "proposedBy", reason,
      created, changed, declared, ended_at as "endedAt", ended_by as "endedBy", end_reason as "endReason"
    from agreement where ${where} order by agreement.id limit ${limit}`)
  return rows.map(({ endedAt, endedBy, endReason, ...row }) => ({
    ...row,
    seq: micros(row.seq),
    validFrom: micros(row.validFrom),
    validUntil: micros(row.validUntil),
    created: micros(row.created),
    changed: micros(row.changed),
    ended: endOf({ endedAt, endedBy, endReason }),
  }))
}

/** @param parties of one of which it must be the side; null: all @param after the place of the last one seen */
export async function readAgreements(
  db: Database,
  parties: readonly string[] | null,
  after: bigint,
  limit: number,
): Promise<KnownAgreement[]> {
  const mine = sql`(${parties}::text[] is null or source = any (${parties}::text[]) or target = any (${parties}::text[]))`
  return await read(db, sql`${mine} and agreement.id > ${after}::bigint`, limit)
}

export async function readAgreement(
  db: Database,
  parties: readonly string[] | null,
  id: string,
): Promise<KnownAgreement | null> {
  const mine = sql`(${parties}::text[] is null or source = any (${parties}::text[]) or target = any (${parties}::text[]))`
  const [found] = await read(db, sql`${mine} and uuid = ${id}::uuid`, 1)
  return found ?? null
}

/** Drafts that wait for a signature and that one of these has proposed. */
export async function countDrafts(db: Database, parties: readonly string[]): Promise<number> {
  const { count } = await db.one<{ count: number }>(sql`select count(*)::int as count from agreement
    where ended_at is null and not (source = any (signed) and target = any (signed)) and signed && ${parties}::text[]`)
  return count
}

export interface Terms extends Omit<Agreement, 'signed'> {}

/** Who does it, why and when: what the audit keeps. */
export interface Act {
  by: string
  reason: string
  now: Micros
}

/** @param sides that sign it at once @returns its id */
export async function proposeAgreement(
  db: Database,
  terms: Terms,
  sides: readonly string[],
  { by, reason, now }: Act,
): Promise<string> {
  const { id } = await db.one<{
    id: string
  }>(sql`select propose_agreement(${terms.source}, ${terms.target}, ${terms.maxTlp},
    ${terms.recipients}, ${terms.clients}, ${terms.validFrom}::bigint, ${terms.validUntil}::bigint, ${sides}::text[],
    ${by}, ${reason}, ${now}::bigint)::text as id`)
  return id
}

/** @returns false when it has ended, or these have signed already */
export async function signAgreement(
  db: Database,
  id: string,
  sides: readonly string[],
  { by, reason, now }: Act,
): Promise<boolean> {
  const row = await db.one<{ ok: boolean }>(
    sql`select sign_agreement(${id}::uuid, ${sides}::text[], ${by}, ${reason}, ${now}::bigint) as ok`,
  )
  return row.ok
}

/** @returns false when it has ended already */
export async function endAgreement(db: Database, id: string, { by, reason, now }: Act): Promise<boolean> {
  const row = await db.one<{ ok: boolean }>(
    sql`select end_agreement(${id}::uuid, ${by}, ${reason}, ${now}::bigint) as ok`,
  )
  return row.ok
}
