/** Reads all of the ledger as its owner, to verify and to export it. */
import type { EntryTerms, Head } from './ledger.ts'
import type { Database } from './pool.ts'
import { sql } from './sql.ts'

/** An entry as it is stored. */
export interface StoredEntry extends EntryTerms {
  hash: string
}

/** Where a chain ends, as sealing knows it. */
export interface ChainEnd {
  organization: string
  seq: bigint
  hash: string
}

const BATCH = 2000

/** @param organization only its chain; null: all */
export async function readChainEnds(db: Database, organization: string | null): Promise<ChainEnd[]> {
  const rows =
    await db.rows<ChainEnd>(sql`select organization, seq, encode(hash, 'hex') as hash from ledger_chain
    where ${organization}::text is null or organization = ${organization} order by organization`)
  return rows.map((row) => ({ ...row, seq: BigInt(row.seq) }))
}

/** A chain from its first entry on. */
export async function* readChain(db: Database, organization: string): AsyncGenerator<StoredEntry> {
  let after = 0n
  for (;;) {
    const rows =
      await db.rows<StoredEntry>(sql`select e.seq, e.country, e.sealed, e.at, e.until, e.principal, e.reader, e.token::text, coalesce(p.root, '') as root,
        coalesce(p.id::text, '') as collection, e.audience, e.rule, e.epoch, e.revision, e.count, e.first, e.last,
        encode(e.runs, 'hex') as runs, e.marks_rule, encode(e.pages, 'hex') as pages, encode(e.previous, 'hex') as previous, encode(e.hash, 'hex') as hash
      from ledger_entry e left join ledger_place p on p.collection = e.collection
      where e.organization = ${organization} and e.seq > ${after}::bigint order by e.seq limit ${BATCH}`)
    for (const row of rows) {
      const { seq, sealed, at, until, epoch, revision, first, last } = row
      const entry: StoredEntry = {
        ...row,
        seq: BigInt(seq),
        sealed: BigInt(sealed),
        at: BigInt(at),
        until: BigInt(until),
        epoch: BigInt(epoch),
        revision: BigInt(revision),
        first: BigInt(first),
        last: BigInt(last),
      }
      after = entry.seq
      yield entry
    }
    if (rows.length < BATCH) return
  }
}

/** The heads of a chain, the first day first. */
export async function readHeadsOf(db: Database, organization: string): Promise<Head[]> {
  const rows =
    await db.rows<Head>(sql`select organization, day, first, last, objects, root, hash, signed, key, signature
    from ledger_head where organization = ${organization} order by day`)
  return rows.map((row) => ({
    ...row,
    first: BigInt(row.first),
    last: BigInt(row.last),
    objects: BigInt(row.objects),
    signed: BigInt(row.signed),
  }))
}

/** Answers that are written down and not sealed yet. */
export async function countUnsealed(db: Database): Promise<number> {
  const row = await db.one<{ count: number }>(sql`select count(*)::int as count from delivery`)
  return row.count
}

export async function readSettings(db: Database): Promise<Map<string, string>> {
  const rows = await db.rows<{ key: string; value: string }>(sql`select key, value from setting`)
  return new Map(rows.map(({ key, value }) => [key, value]))
}
