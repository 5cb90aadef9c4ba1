/** Judges stored rows anew: their labels from markings, parts and references as they are now (policy.md §6, §7). */
import { demandsOfParts } from '../policy/closure.ts'
import type { LabelledPart } from '../policy/label.ts'
import type { AudienceRecord, Collection } from '../policy/model.ts'
import { noteMatches } from '../store/match.ts'
import type { Database } from '../store/pool.ts'
import type { FormerCopy, Recopied } from '../store/recalls.ts'
import {
  attach,
  type CopyNote,
  type LabelledRow,
  type NewLabel,
  type NewRendering,
  readCopyNotes,
  readDependants,
  readLabelledRows,
  setLabels,
} from '../store/references.ts'
import type { Micros } from '../time.ts'
import { begun } from './author-sight.ts'
import { heldUntil, type Knowledge, knowledge } from './author-view.ts'
import type { Book } from './book.ts'
import type { Composition } from './compose.ts'
import { composed } from './composed.ts'
import type { Exchange } from './exchange.ts'
import { matchOfCopy } from './note-matches.ts'

/** What a row's markings say from now on. */
export interface Override {
  marks: AudienceRecord
  parts: readonly LabelledPart[]
  text: string | null
  hash: string | null
}

export type Change = 'tightened' | 'widened' | 'both' | 'same'

export interface Settled {
  row: LabelledRow
  change: Change
  /** As far as its author knows: what answers may say. */
  told: Change
  /** What its author knows of it. */
  known: Pick<Knowledge, 'lost' | 'ended' | 'former'>
  /** Did somebody lose it only when an embargo on what it refers to ended, which nobody has noted since? */
  ended: boolean
  /** Its new label. */
  label: number
  /** Where it lies now. */
  position: bigint
  /** null: every reader got, and gets, the text as it is. */
  copies: Recopied | null
}

export interface Transaction {
  exchange: Exchange
  db: Database
  /** Its log is held by this transaction. */
  collection: Collection
  book: Book
  now: Micros
}

/**
 * Gives rows the labels that are due to them. Tightens in place; a row is appended again when, as far as its
 * author knows, somebody may read it who could not before: no date_added tells of what a reader does not see.
 * @param overrides new markings, by row
 * @param explicit released by somebody or by time, so that older versions are appended again as well
 */
export async function settle(
  at: Transaction,
  accepted: readonly bigint[],
  overrides: ReadonlyMap<bigint, Override>,
  explicit: boolean,
): Promise<Settled[]> {
  if (accepted.length === 0) return []
  const { db, collection, book, now, exchange } = at
  const rows = await readLabelledRows(db, collection.seq, accepted, collection.redaction === 'redact')
  rows.sort((a, b) => (a.position < b.position ? -1 : 1))
  const { edges, compositions } = await composed(at, rows, overrides)
  const parted = rows.filter((row) => row.parted).map((row) => row.accepted)
  const notes = await readCopyNotes(db, collection.seq, parted)
  const knows = await knowledge(at, rows, edges, overrides, compositions)
  const labels: NewLabel[] = []
  const renderings: NewRendering[] = []
  const settled: Settled[] = []
  const texts: { accepted: bigint; audience: number | null; rank: number | null; body: string }[] = []
  const weighed = new Map<string, Weight>()
  for (const row of rows) {
    const composition = compositions.get(row.accepted) as Composition
    const override = overrides.get(row.accepted)
    const label = await book.id(composition.record)
    const marks = await book.id(begun(override?.marks ?? book.record(row.marks ?? row.label), now))
    const need = composition.need ? await book.id(composition.need) : label
    const copies = composition.copies
    const known = knows.get(row.accepted) as Knowledge
    const held = heldUntil(known.label, composition, now)
    const same =
      label === row.label &&
      marks === (row.marks ?? row.label) &&
      need === (row.need ?? row.label) &&
      held === row.held_until &&
      !override?.text
    const key = `${row.label} ${label}`
    const weight = weighed.get(key) ?? weigh(at, row, label)
    weighed.set(key, weight)
    const parts = override ? weighParts(at, row, override, label) : NOTHING
    const move = known.released || (known.gains && (explicit || known.latest))
    const fresh: CopyNote[] = []
    for (const { record, rank, hash } of copies ?? [])
      fresh.push({ audience: await book.id(record), rank, hash })
    const both =
      row.parted || copies ? await recopiedOf(at, row, label, override, notes.get(row.accepted), fresh) : null
    const gains = weight.gains || parts.gains
    const loses =
      weight.loses || parts.loses || (!override && both !== null && losesCopy(exchange, book, both))
    const change = { change: changeOf(gains, loses), told: changeOf(known.gains, known.loses) }
    const ended = !loses && weight.ended
    settled.push({ row, ...change, known, ended, label, position: row.position, copies: both })
    // Other copies are other texts, even under the same label, as is the whole text after them: pages that nodes keep
    // have to know (`rewritten`).
    if (!same || move || copies || row.parted) {
      labels.push({
        accepted: row.accepted,
        label,
        marks: marks === label ? null : marks,
        need: need === label ? null : need,
        heldUntil: held,
        move,
        ...bodyOf(row, override, copies !== null),
      })
      const body = copies ? null : (labels.at(-1)?.text ?? null)
      if (body !== null) texts.push({ accepted: row.accepted, audience: null, rank: null, body })
    }
    for (const [i, { text }] of (copies ?? []).entries()) {
      renderings.push({ accepted: row.accepted, ...(fresh[i] as CopyNote), body: text })
    }
  }
  if (labels.length > 0) {
    const places = await setLabels(db, collection.seq, now, labels)
    for (const one of settled) one.position = places.get(one.row.accepted) ?? one.position
  }
  const parts = rows.flatMap((row) => {
    const override = overrides.get(row.accepted)
    return override && compositions.get(row.accepted)?.copies
      ? [{ accepted: row.accepted, parts: override.parts }]
      : []
  })
  await attach(db, collection.seq, renderings, parts)
  if (!collection.match) return settled
  const places = new Map(settled.map(({ row, position }) => [row.accepted, position]))
  await noteMatches(
    db,
    collection.seq,
    [...texts, ...renderings].map((text) => {
      const { accepted } = text
      return matchOfCopy(accepted, places.get(accepted) as bigint, text)
    }),
  )
  return settled
}

/** Has somebody lost a copy that is still there for others? References that are taken out weigh nothing in the whole. */
function losesCopy(exchange: Exchange, book: Book, { was, now }: Recopied): boolean {
  return was.some(({ hash, audience }) =>
    now.some(
      (copy) =>
        copy.hash === hash &&
        copy.audience !== audience &&
        exchange.takes(book.record(audience), book.record(copy.audience)),
    ),
  )
}

/** One text for all is a copy under the row's label. */
async function recopiedOf(
  { exchange, book, now: moment }: Transaction,
  row: LabelledRow,
  label: number,
  override: Override | undefined,
  was: readonly CopyNote[] | undefined,
  now: readonly CopyNote[],
): Promise<Recopied> {
  const before = row.whole_hash?.toString('hex') ?? ''
  const whole = (audience: number, hash: string) => [{ audience, rank: 0, hash }]
  const after = now.length > 0 ? now : whole(label, override?.hash ?? before)
  const former: FormerCopy[] = []
  for (const copy of was ?? whole(row.label, before)) {
    const record = asItWas(book.record(copy.audience), moment)
    const audience = await book.id(record)
    const kept = after.some(
      (now) =>
        now.hash === copy.hash &&
        (now.audience === audience || !exchange.takes(record, book.record(now.audience))),
    )
    former.push({ ...copy, audience, lost: !kept })
  }
  return { was: former, now: after }
}

/** Before the embargoes that have ended bound: who had it until then had it. */
export function asItWas(record: AudienceRecord, now: Micros): AudienceRecord {
  const { later, ...rest } = record
  const ahead = later?.filter(({ at }) => at === undefined || BigInt(at) > now) ?? []
  if (ahead.length === (later?.length ?? 0)) return record
  return { ...rest, ...(ahead.length > 0 && { later: ahead }) }
}

/** Rows that point at these chains, over any number of steps, get the labels that are due to them now. */
export async function propagate(
  at: Transaction,
  chains: readonly { id: string; organization: string }[],
): Promise<Settled[]> {
  if (at.collection.refs === 'own') return []
  return await settle(at, await readDependants(at.db, at.collection.seq, chains), new Map(), false)
}

const changeOf = (gains: boolean, loses: boolean): Change =>
  gains ? (loses ? 'both' : 'widened') : loses ? 'tightened' : 'same'

interface Weight {
  gains: boolean
  loses: boolean
  /** Did somebody lose it when an embargo ended, which nobody has noted since? */
  ended: boolean
}

const NOTHING = { gains: false, loses: false }

/** Who gains or loses the whole. */
function weigh({ exchange, book, now }: Transaction, row: LabelledRow, label: number): Weight {
  const [was, is] = [book.record(row.label), book.record(label)]
  const held = asItWas(was, now)
  return { ...exchange.compare(was, is), ended: held !== was && exchange.takes(held, is) }
}

/** Who gains or loses a part, when markings change. */
function weighParts(
  { exchange, book, now }: Transaction,
  row: LabelledRow,
  { parts }: Override,
  label: number,
) {
  const pairs = demandsOfParts(row.parts ?? [], parts, book.record(row.label), book.record(label), now)
  const compared = pairs.map(({ before, after }) => exchange.compare(before, after))
  return { gains: compared.some((c) => c.gains), loses: compared.some((c) => c.loses) }
}

/** The text that the row itself holds: none, where readers get copies. */
function bodyOf(
  row: LabelledRow,
  override: Override | undefined,
  copies: boolean,
): { text: string | null; hash: string | null } {
  if (copies) return { text: '', hash: '' }
  if (override?.text) return { text: override.text, hash: override.hash }
  return row.parted
    ? { text: row.whole, hash: row.whole_hash?.toString('hex') ?? null }
    : { text: null, hash: null }
}
