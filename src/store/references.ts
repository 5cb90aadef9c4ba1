/** References between objects and what labels are made of (0003_references.sql). Definer functions read across scopes here: what they give never leaves the labelling. */
import type { LabelledPart } from '../policy/label.ts'
import type { Database } from './pool.ts'
import { sql } from './sql.ts'

/** A copy of an object, whoever may see it. */
export interface CopyRow {
  object_id: string
  organization: string
  accepted: bigint
  position: bigint
  label: number
  /** Of its markings alone. */
  marks: number
  version_key: string
  spec: number
  held_until: bigint | null
  /** Does the author see it? */
  seen: boolean
}

/** Copies of these ids: whose a reference means is decided from them (policy.md §6). @param own see readStored */
export async function readAllCopies(
  db: Database,
  collection: number,
  ids: readonly string[],
  bits: string,
  own: string | null,
): Promise<CopyRow[]> {
  return await db.rows(sql`select * from copies(${collection}, ${ids}::text[], ${bits}::bytea, ${own}::text)
    order by accepted`)
}

/** Names (`accepted`) of the rows whose references lead to one of these chains, over any number of steps. */
export async function readDependants(
  db: Database,
  collection: number,
  chains: readonly { id: string; organization: string }[],
): Promise<bigint[]> {
  const rows = await db.rows<{ accepted: bigint }>(sql`select accepted from dependants(${collection},
    ${chains.map((c) => c.id)}::text[], ${chains.map((c) => c.organization)}::text[])`)
  return rows.map((row) => row.accepted)
}

export interface LabelledRow {
  accepted: bigint
  position: bigint
  object_id: string
  organization: string
  principal: string
  type: string
  spec: number
  version_key: string
  marks: number | null
  label: number
  need: number | null
  held_until: bigint | null
  latest: boolean
  parted: boolean
  parts: LabelledPart[] | null
  /** The whole text, where it was asked for. */
  whole: string | null
  whole_hash: Buffer | null
  /** Label of the latest open version, if that is a newer one. */
  newest: number | null
  /** Is there a newer open version of the same principal? */
  superseded: boolean
}

/** @param texts whole texts as well, for rows that are to be rendered */
export async function readLabelledRows(
  db: Database,
  collection: number,
  accepted: readonly bigint[],
  texts: boolean,
): Promise<LabelledRow[]> {
  return await db.rows(
    sql`select * from labelled_rows(${collection}, ${accepted.map(String)}::bigint[], ${texts})`,
  )
}

/** A newer version under embargo. */
interface Held {
  label: number
  /** Of its markings alone; null = the label. */
  marks: number | null
  at: number
}

export interface EdgeRow {
  source: bigint
  target: string
  organization: string | null
  /** Row of the latest open version. */
  latest: bigint | null
  label: number | null
  held: Held[] | null
  /** What the row's author last saw of it, negative once it sees it no more; null = nothing ever. */
  known: number | null
  /** Does that latest version refer to anything itself? */
  refers: boolean
  /** The latest open version that the row's author submitted, where the latest is another's. */
  mine: bigint | null
  mine_label: number | null
  mine_refers: boolean
}

export async function readEdges(
  db: Database,
  collection: number,
  sources: readonly { accepted: bigint; principal: string }[],
): Promise<EdgeRow[]> {
  return await db.rows(sql`select * from edges(${collection}, ${sources.map((s) => String(s.accepted))}::bigint[],
    ${sources.map((s) => s.principal)}::text[])`)
}

/** A version under embargo, of a principal's own. */
export interface OwnHeld {
  accepted: bigint
  label: number
  version_key: string
  spec: number
  /** Is it newer than every open version, and than those of the same principal? */
  after_all: boolean
  after_own: boolean
}

/**
 * Versions under embargo that these principals sent.
 * @returns by the place of the chain in the list, the newest first
 */
export async function readHeldOf(
  db: Database,
  collection: number,
  chains: readonly { target: string; organization: string | null; principal: string }[],
): Promise<OwnHeld[][]> {
  const found = chains.map((): OwnHeld[] => [])
  if (chains.length === 0) return found
  for (const { n, ...held } of await db.rows<OwnHeld & { n: number }>(
    sql`select * from held_of(${collection}, ${chains.map((c) => c.target)}::text[],
      ${chains.map((c) => c.organization)}::text[], ${chains.map((c) => c.principal)}::text[])`,
  ))
    found[n]?.push(held)
  return found
}

/** An open version than which none of its chain is newer. */
export interface Newest {
  accepted: bigint
  label: number
  /** Does it refer to anything itself? */
  refers: boolean
}

/** @returns by the place of the chain in the list; the one that decides first */
export async function readNewest(
  db: Database,
  collection: number,
  chains: readonly { target: string; organization: string | null }[],
): Promise<Newest[][]> {
  const found = chains.map((): Newest[] => [])
  if (chains.length === 0) return found
  for (const { n, ...version } of await db.rows<Newest & { n: number }>(
    sql`select * from latest_of(${collection}, ${chains.map((c) => c.target)}::text[], ${chains.map((c) => c.organization)}::text[])`,
  ))
    found[n]?.push(version)
  return found
}

/** @returns those of the rows beside which another version of their chain is open */
export async function readWithAnotherOpen(
  db: Database,
  collection: number,
  accepted: readonly bigint[],
): Promise<bigint[]> {
  const rows = await db.rows<{ accepted: bigint }>(
    sql`select with_another_open(${collection}, ${accepted.map(String)}::bigint[]) as accepted`,
  )
  return rows.map((row) => row.accepted)
}

export interface NewReference {
  source: bigint
  target: string
  organization: string | null
  /** Audience: what its author sees of the target; null = nothing. */
  known: number | null
}

export interface NewRendering {
  accepted: bigint
  audience: number
  rank: number
  hash: string
  body: string
}

/** A copy as a recall remembers it. */
export interface CopyNote {
  audience: number
  rank: number
  /** Hexadecimal. */
  hash: string
}

/** The copies that rows have, by `accepted`. */
export async function readCopyNotes(
  db: Database,
  collection: number,
  accepted: readonly bigint[],
): Promise<Map<bigint, CopyNote[]>> {
  const found = new Map<bigint, CopyNote[]>()
  if (accepted.length === 0) return found
  for (const { accepted: name, ...note } of await db.rows<CopyNote & { accepted: bigint }>(
    sql`select * from copies_of(${collection}, ${accepted.map(String)}::bigint[])`,
  )) {
    const list = found.get(name)
    if (list) list.push(note)
    else found.set(name, [note])
  }
  return found
}

export interface NewPart {
  accepted: bigint
  parts: readonly LabelledPart[]
}

/** Writes the references of rows that were just appended. */
export async function refer(
  db: Database,
  collection: number,
  author: string,
  references: readonly NewReference[],
): Promise<void> {
  if (references.length === 0) return
  await db.rows(sql`select refer(${collection}, ${author}, ${references.map((r) => r.source.toString())}::bigint[],
    ${references.map((r) => r.target)}::text[], ${references.map((r) => r.organization)}::text[],
    ${references.map((r) => r.known)}::int[])`)
}

/** Notes what the authors of rows see of their targets now. */
export async function learn(
  db: Database,
  collection: number,
  seen: readonly { source: bigint; target: string; known: number }[],
): Promise<void> {
  if (seen.length === 0) return
  await db.rows(sql`select learn(${collection}, ${seen.map((s) => s.source.toString())}::bigint[],
    ${seen.map((s) => s.target)}::text[], ${seen.map((s) => s.known)}::int[])`)
}

/** Writes what hangs on rows; renderings take the place of those that are there. */
export async function attach(
  db: Database,
  collection: number,
  renderings: readonly NewRendering[],
  parts: readonly NewPart[],
): Promise<void> {
  if (renderings.length + parts.length === 0) return
  const json = (list: readonly object[]) =>
    JSON.stringify(list, (_, value) => (typeof value === 'bigint' ? Number(value) : value))
  await db.rows(sql`select attach(${collection}, ${json(renderings)}::jsonb, ${json(parts)}::jsonb)`)
}

/** A row's new labels. */
export interface NewLabel {
  accepted: bigint
  label: number
  marks: number | null
  need: number | null
  heldUntil: bigint | null
  /** Append it again? */
  move: boolean
  text: string | null
  hash: string | null
}

/** @returns the position of each row, by its name */
export async function setLabels(
  db: Database,
  collection: number,
  now: bigint,
  rows: readonly NewLabel[],
): Promise<Map<bigint, bigint>> {
  const column = <K extends keyof NewLabel>(key: K) => rows.map((row) => row[key])
  const moved = await db.rows<{
    accepted: bigint
    place: bigint
  }>(sql`select * from set_labels(${collection}, ${now}::bigint,
    ${column('accepted').map(String)}::bigint[], ${column('label')}::int[], ${column('marks')}::int[], ${column('need')}::int[],
    ${rows.map((r) => r.heldUntil?.toString() ?? null)}::bigint[], ${column('move')}::boolean[], ${column('text')}::text[],
    ${rows.map((r) => (r.hash === null ? null : `\\x${r.hash}`))}::bytea[])`)
  return new Map(moved.map((row) => [row.accepted, row.place]))
}

/** Rows of one collection whose embargoes have ended, in the order of their ends. */
export async function readDue(
  db: Database,
  now: bigint,
): Promise<{ collection: number; accepted: bigint[] } | null> {
  const rows = await db.rows<{ collection: number; accepted: bigint }>(sql`select * from due(${now}::bigint)`)
  const first = rows[0]
  return first ? { collection: first.collection, accepted: rows.map((r) => r.accepted) } : null
}
