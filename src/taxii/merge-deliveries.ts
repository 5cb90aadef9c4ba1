/** What was delivered becomes entries of the ledger: pages that one credential got one after the other are one entry (policy.md §13). */
import type { NewEntry, Part } from '../store/deliveries.ts'
import { leb128 } from '../store/runs.ts'

/** A delivery whose parts name both rules. */
export interface Mergeable {
  id: bigint
  /** In microseconds. */
  at: bigint
  /** The same for deliveries to one credential, of one collection in one state. */
  receiver: bigint
  parts: readonly Part[]
}

/** An entry holds at most so many objects, of one second. */
const MOST = 10_000
const SECOND = 1_000_000

/** A part of a delivery, and where it stands among those that may be one entry. */
interface Piece {
  id: bigint
  at: number
  first: number
  /** What left again at the same moment is on another page. */
  turn: number
  part: Part
}

/**
 * Pieces of one receiver, organization, audience and pair of rules are put together in the order in which they left, as
 * long as their positions go on. Single objects of one tenth of a second have one time and are one page.
 * @param list ascending by id
 * @returns entries in the order in which they are appended: by the first delivery of such a group
 */
export function mergeDeliveries(list: readonly Mergeable[]): NewEntry[] {
  const groups = new Map<string, { pieces: Piece[]; turns: Map<string, number> }>()
  for (const { id, at, receiver, parts } of list) {
    for (const part of parts) {
      const key = JSON.stringify([
        String(receiver),
        part.organization,
        part.audience,
        part.rule,
        part.marks_rule,
      ])
      let group = groups.get(key)
      if (!group) {
        group = { pieces: [], turns: new Map() }
        groups.set(key, group)
      }
      const same = `${at} ${part.first}`
      const turn = (group.turns.get(same) ?? 0) + 1
      group.turns.set(same, turn)
      group.pieces.push({ id, at: Number(at), first: Number(part.first), turn, part })
    }
  }
  return [...groups.values()]
    .map(({ pieces }) => ({ pieces, leader: (pieces[0] as Piece).id }))
    .sort((a, b) => order(a.leader, b.leader) || byPart(a.pieces[0] as Piece, b.pieces[0] as Piece))
    .flatMap(({ pieces }) => entriesOf(pieces))
}

function order<T>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function byPart({ part: a }: Piece, { part: b }: Piece): number {
  return (
    order(a.organization, b.organization) ||
    a.audience - b.audience ||
    order(a.rule, b.rule) ||
    order(a.marks_rule ?? '', b.marks_rule ?? '')
  )
}

function entriesOf(pieces: Piece[]): NewEntry[] {
  pieces.sort((a, b) => a.at - b.at || a.turn - b.turn || a.first - b.first || order(a.id, b.id))
  const entries: NewEntry[] = []
  let open: { entry: NewEntry; at: number; until: number; last: number; page: number } | null = null
  for (const { id, at, first, part } of pieces) {
    if (
      open &&
      first > open.last &&
      open.entry.count + part.count <= MOST &&
      at >= open.until &&
      at <= open.at + SECOND
    ) {
      const { entry } = open
      entry.runs += leb128(first - open.last - 1) + part.runs
      if (part.count === 1 && at === open.until) open.page++
      else {
        entry.pages += leb128(open.page) + leb128(at - open.until)
        open.page = part.count
      }
      entry.count += part.count
      entry.last = part.last
      open.last = Number(part.last)
      entry.until = String(at)
      open.until = at
      continue
    }
    if (open) open.entry.pages += leb128(open.page)
    const { organization, country, audience, rule, marks_rule = 'unknown', count, last, runs } = part
    const entry: NewEntry = {
      delivery: String(id),
      organization,
      country,
      audience,
      rule,
      marks_rule,
      at: String(at),
      until: String(at),
      count,
      first: part.first,
      last,
      runs,
      pages: leb128(0),
    }
    entries.push(entry)
    open = { entry, at, until: at, last: Number(last), page: count }
  }
  if (open) open.entry.pages += leb128(open.page)
  return entries
}
