/**
 * By which rule the markings alone admit a reader: what those may know of a delivery who see its objects, and not all that
 * these refer to (policy.md §6, §13). Found while deliveries are sealed, from the rules that were noted as they were read.
 */
import { type AudienceRecord, type Label, rank } from '../policy/model.ts'
import { marksAt, type Part, readRewritten } from '../store/deliveries.ts'
import type { Database } from '../store/pool.ts'
import { decodeRuns, stretchOf } from '../store/runs.ts'
import type { Exchange } from './exchange.ts'

/** A delivery on its way into the ledger. */
export interface Sealable {
  id: bigint
  at: bigint
  collection: number
  /** The collection's `rewritten` as the page was read. */
  revision: bigint
  parts: readonly Part[]
}

/** What cannot be said any more: the markings were changed before the delivery was sealed. */
const UNKNOWN = 'unknown'

/**
 * Names the rule of the markings in each part, and splits parts whose markings differ. Where all labels of an audience
 * admit by one rule the markings need no look, as long as nothing in the collection has changed since.
 * @returns new parts by delivery, of those that are not as they were
 */
export async function nameMarksRules(
  exchange: Exchange,
  db: Database,
  pages: readonly Sealable[],
): Promise<Map<bigint, Part[]>> {
  const marks = new Map<bigint, Map<number, number>>()
  for (const page of pages) {
    const split = page.parts.filter(({ each }) => each)
    if (split.length > 0) marks.set(page.id, await marksOf(db, page, split))
  }
  // After that look: what has changed since it makes this number another one, and is looked at again, all of it alike.
  const rewritten = await readRewritten(db, [...new Set(pages.map(({ collection }) => collection))])
  const changed = new Set<bigint>()
  for (const page of pages) {
    if (rewritten.get(page.collection) === page.revision) continue
    changed.add(page.id)
    marks.set(page.id, await marksOf(db, page, page.parts))
  }
  const found = new Map<bigint, Part[]>()
  for (const { id, parts } of pages) {
    const at = marks.get(id) ?? new Map<number, number>()
    const looks = (part: Part) => changed.has(id) || part.each !== undefined
    if (!parts.some((part) => looks(part) || part.marks_rule === undefined)) continue
    found.set(
      id,
      parts.flatMap((part) => (looks(part) ? splitPart(exchange, part, at) : [named(part, part.rule)])),
    )
  }
  return found
}

async function marksOf(db: Database, page: Sealable, parts: readonly Part[]): Promise<Map<number, number>> {
  return await marksAt(db, page.collection, parts.flatMap(placesOf))
}

const placesOf = ({ first, runs }: Part) => decodeRuns(Number(first), Buffer.from(runs, 'hex'))

function named({ each: _, ...part }: Part, rule: string): Part {
  return { ...part, marks_rule: rule }
}

/** @param marks numbers of the audiences of the markings, by position */
function splitPart(exchange: Exchange, part: Part, marks: ReadonlyMap<number, number>): Part[] {
  const record = exchange.audience(part.audience)
  const rules = new Map<number | undefined, string>()
  const groups = new Map<string, number[]>()
  for (const place of placesOf(part)) {
    const id = marks.get(place)
    const known = id !== undefined && exchange.world.audiences[id] !== undefined
    const rule = rules.get(id) ?? ruleOf(part, record, known ? exchange.audience(id) : undefined)
    rules.set(id, rule)
    const group = groups.get(rule)
    if (group) group.push(place)
    else groups.set(rule, [place])
  }
  return [...groups].map(([rule, places]) => ({ ...named(part, rule), ...stretchOf(places) }))
}

/** As decide() does of all labels: the rule of the strictest one, here of those that the markings give. */
function ruleOf({ rule, each }: Part, record: AudienceRecord, marks: AudienceRecord | undefined): string {
  if (!marks) return UNKNOWN
  const said = new Set(marks.own.map(nameOf))
  const met = new Set<string>()
  let found: { rule: string; label: Label } | null = null
  for (const [i, label] of record.own.entries()) {
    const name = nameOf(label)
    if (!said.has(name)) continue
    met.add(name)
    const one = { rule: each?.[i] ?? rule, label }
    if (!found || rank(label.level) > rank(found.label.level)) found = one
  }
  return found && met.size === said.size ? found.rule : UNKNOWN
}

/** Windows that have begun, and names that a veto looks for, come and go while a label stays what it is. */
function nameOf({ notBefore: _, named: __, ...label }: Label): string {
  return JSON.stringify(label)
}
