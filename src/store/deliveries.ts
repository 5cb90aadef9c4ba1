/** The ledger's way in: answers that are about to leave, and their sealing into the chains (0005_ledger.sql). */
import type { Database, Pool } from './pool.ts'
import { sql } from './sql.ts'

export interface NewDelivery {
  /** In decimal, as all of these. */
  at: string
  principal: string
  /** The reader's organization. */
  reader: string
  token: string | null
  collection: number
  epoch: string
  /** The collection's `rewritten` as the page was read. */
  revision: string
  /** Written down only if epoch and revision are still the database's. */
  confirm: boolean
  parts: readonly Part[]
}

/** What one delivery holds of one organization under one audience and one rule. */
export interface Part {
  organization: string
  country: string
  audience: number
  rule: string
  /** By which rule the markings alone admit; absent until it is known. */
  marks_rule?: string
  /** The rules of the audience's labels one by one, where they are not all the same. */
  each?: readonly string[]
  count: number
  first: string
  last: string
  runs: string
}

const texts = new WeakMap<readonly Part[], string>()

/** Parts as JSON; the same ones are sent with each reading of a page from memory. */
function textOf(parts: readonly Part[]): string {
  let text = texts.get(parts)
  if (text === undefined) {
    text = JSON.stringify(parts)
    texts.set(parts, text)
  }
  return text
}

/**
 * @param db of those that do not wait for the disk
 * @returns which of them were written down
 */
export async function recordDeliveries(db: Pool, list: readonly NewDelivery[]): Promise<boolean[]> {
  const [first] = list
  if (first && list.length === 1) {
    // Nearly always it is still what the database holds, whether or not that matters.
    const { at, principal, reader, token, collection, epoch, revision, parts } = first
    const written =
      await db.affected(sql`insert into delivery (at, principal, reader, token, collection, epoch, revision, parts_text)
      select ${at}::bigint, ${principal}, ${reader}, ${token}::uuid, ${collection}::int, ${epoch}::bigint, ${revision}::bigint,
        ${textOf(parts)}
      from state s, collection_head h
      where s.epoch = ${epoch}::bigint and h.collection = ${collection}::int and h.rewritten = ${revision}::bigint`)
    const kept = written === 1
    if (kept || first.confirm) return [kept]
  }
  const text = JSON.stringify(list.map((delivery, n) => ({ n, ...delivery })))
  const row = await db.one<{ kept: boolean[] }>(sql`select record_deliveries(${text}::jsonb) as kept`)
  return row.kept
}

/** A rule that a reader's book has not had yet. */
export interface NewRule {
  audience: number
  /** Of the originator. */
  country: string
  rule: string
  each: readonly string[] | null
}

/** @returns false when the delivery was sealed without them meanwhile */
export async function noteRules(
  db: Database,
  delivery: bigint,
  book: string,
  hour: number,
  rules: readonly NewRule[],
): Promise<boolean> {
  const row = await db.one<{ noted: boolean }>(
    sql`select note_rules(${delivery}::bigint, ${book}::uuid, ${hour}::int, ${JSON.stringify(rules)}::jsonb) as noted`,
  )
  return row.noted
}

/** A delivery that is not sealed yet; with a book, it is still as it was read. */
export interface Taken {
  id: bigint
  at: bigint
  book: string | null
  positions: Buffer | null
  audiences: Buffer | null
  collection: number
  /** The collection's `rewritten` as the page was read. */
  revision: bigint
  parts: Part[] | null
  /** The same for what one credential got of one collection in one state: the first such delivery. */
  receiver: bigint
}

/** What waits to be sealed after a delivery, with the lock until the end of the transaction; none while another node has it. */
export async function takeDeliveries(db: Database, after: bigint, most: number): Promise<Taken[]> {
  const taken = await db.rows<Omit<Taken, 'parts'> & { parts: string | null }>(
    sql`select * from take_waiting(${after}::bigint, ${most}::int)`,
  )
  return taken.map((delivery) => ({
    ...delivery,
    parts: delivery.parts === null ? null : (JSON.parse(delivery.parts) as Part[]),
  }))
}

/** The rules that some books hold, by book and audience. */
export async function rulesOf(
  db: Database,
  books: readonly string[],
): Promise<Map<string, Map<number, NewRule>>> {
  const found = new Map<string, Map<number, NewRule>>(books.map((book) => [book, new Map()]))
  for (const { book, ...rule } of await db.rows<NewRule & { book: string }>(
    sql`select * from rules_of(${books}::uuid[])`,
  )) {
    found.get(book)?.set(rule.audience, rule)
  }
  return found
}

/** What markings alone make of rows where they lie now, as numbers of audiences by position. */
export async function marksAt(
  db: Database,
  collection: number,
  positions: readonly number[],
): Promise<Map<number, number>> {
  if (positions.length === 0) return new Map()
  const row = await db.one<{ places: string[] | null; marks: number[] | null }>(
    sql`select array_agg(m.position::text) as places, array_agg(m.marks) as marks
      from marks_at(array_fill(${collection}::int, array[${positions.length}::int]), ${positions.map(String)}::bigint[]) m`,
  )
  return new Map((row.places ?? []).map((place, i) => [Number(place), row.marks?.[i] as number]))
}

/** `rewritten` of collections: it grows whenever a row that was there changes or goes. */
export async function readRewritten(
  db: Database,
  collections: readonly number[],
): Promise<Map<number, bigint>> {
  const rows = await db.rows<{ collection: number; rewritten: string }>(
    sql`select collection, rewritten::text from collection_head where collection = any (${collections}::int[])`,
  )
  return new Map(rows.map(({ collection, rewritten }) => [collection, BigInt(rewritten)]))
}

/** An entry that is about to be appended to the chain of its organization; who received it is whoever got `delivery`. */
export interface NewEntry {
  delivery: string
  organization: string
  country: string
  audience: number
  rule: string
  marks_rule: string
  /** In decimal, microseconds. */
  at: string
  until: string
  count: number
  first: string
  last: string
  /** Hexadecimal, as `runs` of a part. */
  runs: string
  /** Hexadecimal: see docs/policy-parts/ledger.md. */
  pages: string
}

/** Appends entries, and forgets the deliveries that this transaction has taken and they stand for. */
export async function sealEntries(
  db: Database,
  now: bigint,
  ids: readonly bigint[],
  entries: readonly NewEntry[],
): Promise<void> {
  const text = JSON.stringify(entries.map((entry, n) => ({ n, ...entry })))
  await db.one(sql`select seal_entries(${now}::bigint, ${ids.map(String)}::bigint[], ${text}::jsonb)`)
}

/** Looks through what was sealed before recalls that are new; @returns how many recalls */
export async function spreadRecalls(db: Database, most: number): Promise<number> {
  const row = await db.one<{ count: number }>(sql`select spread_recalls(${most}::int) as count`)
  return row.count
}

/** The entries of one chain that a day which is over has sealed. */
export interface DueHead {
  organization: string
  day: number
  first: bigint
  last: bigint
  objects: bigint
  hash: Buffer
}

export async function headsDue(db: Database, now: bigint): Promise<DueHead[]> {
  return await db.rows(sql`select * from heads_due(${now}::bigint)`)
}

/** Hashes of the entries of one chain, one after the other. */
export async function* entryHashes(
  db: Database,
  organization: string,
  first: bigint,
  last: bigint,
): AsyncGenerator<Buffer> {
  for (let at = first; at <= last; at += 10_000n) {
    const row = await db.one<{ hashes: Buffer }>(
      sql`select entry_hashes(${organization}, ${at}::bigint, ${last}::bigint) as hashes`,
    )
    for (let i = 0; i < row.hashes.length; i += 32) yield row.hashes.subarray(i, i + 32)
  }
}

export interface NewHead extends DueHead {
  root: Buffer
  signed: bigint
  key: string
  signature: Buffer
}

/** @returns false when another node was faster, or the day has got another entry */
export async function keepHead(db: Database, head: NewHead): Promise<boolean> {
  const row = await db.one<{ kept: boolean }>(
    sql`select keep_head(${head.organization}, ${head.day}::int, ${head.first}::bigint, ${head.last}::bigint,
      ${head.objects}::bigint, ${head.root}, ${head.hash}, ${head.signed}::bigint, ${head.key}, ${head.signature}) as kept`,
  )
  return row.kept
}
