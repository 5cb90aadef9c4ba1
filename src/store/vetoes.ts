/** Vetoes and opt-outs, and the stored rows that a veto names; definer functions write (0004_agreements.sql). */
import type { Veto } from '../policy/model.ts'
import type { Micros } from '../time.ts'
import { type Act, type Ended, type EndedRow, endOf } from './agreements.ts'
import type { Database } from './pool.ts'
import { type Sql, sql } from './sql.ts'
import { micros } from './topology-read.ts'

export interface KnownVeto extends Veto {
  seq: bigint
  reason: string
  spokenBy: string
  created: Micros
  declared: boolean
  ended: Ended | null
}

type Row = Omit<KnownVeto, 'ended'> & EndedRow

async function read(db: Database, where: Sql, limit: number): Promise<KnownVeto[]> {
  const rows =
    await db.rows<Row>(sql`select v.id::text, v.seq, v.country, v.organization as by, v.to_countries as "to",
      v.level, v.named, v.valid_from as "validFrom", v.valid_until as "validUntil", v.reason, v.spoken_by as "spokenBy",
      v.created, v.declared, v.ended_at as "endedAt", v.ended_by as "endedBy", v.end_reason as "endReason"
    from veto v where ${where} order by v.seq limit ${limit}`)
  return rows.map(({ endedAt, endedBy, endReason, ...row }) => ({
    ...row,
    seq: micros(row.seq),
    validFrom: micros(row.validFrom),
    validUntil: micros(row.validUntil),
    created: micros(row.created),
    ended: endOf({ endedAt, endedBy, endReason }),
  }))
}

/** As the operator: every veto, or one. */
export async function readVetoes(db: Database, id: string | null, limit: number): Promise<KnownVeto[]> {
  return await read(db, sql`${id}::uuid is null or v.id = ${id}::uuid`, limit)
}

/** Whose eyes vetoes are read by, in the transaction of that reader. */
export interface VetoReader {
  country: string
  organization: string
  scope: string
  /** Collections that it may read, by seq. */
  collections: readonly number[]
}

/**
 * Vetoes of the reader's country. One that names something is there for the CERT that spoke it and for those who see
 * what it names: to others it would tell that there is such a thing.
 */
export async function readVisibleVetoes(
  db: Database,
  reader: VetoReader,
  id: string | null,
  after: bigint,
  limit: number,
): Promise<KnownVeto[]> {
  const { country, organization, scope, collections } = reader
  return await read(
    db,
    sql`v.country = ${country} and (${id}::uuid is null or v.id = ${id}::uuid) and v.seq > ${after}::bigint
      and (v.named is null or v.organization = ${organization} or exists (
        select from item i where i.collection = any (${collections}::int[]) and i.object_id = v.named
          and i.audience = any (${scope}::int[])))`,
    limit,
  )
}

export async function countVetoes(db: Database, country: string): Promise<number> {
  const { count } = await db.one<{ count: number }>(
    sql`select count(*)::int as count from veto where country = ${country} and ended_at is null`,
  )
  return count
}

/** @returns its id */
export async function addVeto(
  db: Database,
  veto: Omit<Veto, 'id'>,
  { by, reason, now }: Act,
): Promise<string> {
  const { id } = await db.one<{
    id: string
  }>(sql`select add_veto(${veto.country}, ${veto.by}, ${veto.to}::text[], ${veto.level}, ${veto.named},
    ${veto.validFrom}::bigint, ${veto.validUntil}::bigint, ${by}, ${reason}, ${now}::bigint)::text as id`)
  return id
}

/** @returns false when it has ended already */
export async function endVeto(db: Database, id: string, { by, reason, now }: Act): Promise<boolean> {
  return (
    await db.one<{ ok: boolean }>(sql`select end_veto(${id}::uuid, ${by}, ${reason}, ${now}::bigint) as ok`)
  ).ok
}

export interface OptOut {
  who: string
  by: string
  reason: string
  at: Micros
  declared: boolean
}

/** Opt-outs that stand. @param of these only; null: all */
export async function readOptOuts(db: Database, of: readonly string[] | null): Promise<OptOut[]> {
  const rows = await db.rows<OptOut>(sql`select who, by, reason, at, declared from opt_out
    where ended_at is null and (${of}::text[] is null or who = any (${of}::text[])) order by who`)
  return rows.map((row) => ({ ...row, at: micros(row.at) }))
}

/** @returns false when it stands already */
export async function addOptOut(db: Database, who: string, { by, reason, now }: Act): Promise<boolean> {
  return (
    await db.one<{ ok: boolean }>(sql`select add_opt_out(${who}, ${by}, ${reason}, ${now}::bigint) as ok`)
  ).ok
}

/** @returns false when there is none */
export async function endOptOut(db: Database, who: string, { by, reason, now }: Act): Promise<boolean> {
  return (
    await db.one<{ ok: boolean }>(sql`select end_opt_out(${who}, ${by}, ${reason}, ${now}::bigint) as ok`)
  ).ok
}

/** A veto whose named rows are still to be labelled anew. */
export interface Unreached {
  id: string
  named: string
  spokenBy: string
  reason: string
}

export async function readUnreached(db: Database): Promise<Unreached | undefined> {
  const [row] = await db.rows<Unreached>(
    sql`select id::text, named, spoken_by as "spokenBy", reason from unreached_veto()`,
  )
  return row
}

/** Rows after a position that it may name, and how far was looked; null = nothing lies after. */
export async function readNamedRows(
  db: Database,
  veto: string,
  collection: number,
  after: bigint,
  limit: number,
): Promise<{ rows: { accepted: bigint; whole: string | null }[]; reached: bigint | null }> {
  const found = await db.rows<{ accepted: bigint | null; whole: string | null; reached: bigint | null }>(
    sql`select accepted, whole, reached from rows_named(${veto}::uuid, ${collection}, ${after}::bigint, ${limit})`,
  )
  return {
    rows: found.flatMap(({ accepted, whole }) => (accepted === null ? [] : [{ accepted, whole }])),
    reached: found.find((row) => row.accepted === null)?.reached ?? null,
  }
}

export async function markReached(db: Database, veto: string): Promise<void> {
  await db.rows(sql`select veto_reached(${veto}::uuid)`)
}
