/** References of objects that may take the short way of a write: closed over before the log is held, and confirmed under it. */
import type { AudienceRecord } from '../policy/model.ts'
import { disclosesOthers } from '../stix/index.ts'
import { type CopyRow, readAllCopies } from '../store/references.ts'
import { copiesText } from '../store/store-new.ts'
import type { Micros } from '../time.ts'
import type { Exchange } from './exchange.ts'
import { type Candidate, ownOnly, uncapped, type Writer } from './prepare-objects.ts'
import { type Closed, closeAmong, refsOf, typeOf } from './references.ts'

export interface Ahead {
  closed: Closed[]
  /** What was found of each id that they refer to, for store_plain to compare; without those among them. */
  found: ReadonlyMap<string, string>
}

/**
 * The same as `closeOver` of objects of which there are no copies that their writer's organization has or sees. That,
 * and that what they refer to is as it was found, has to be asked once more under the lock.
 * @returns null where more has to be read, or where the moment counts
 */
export async function closeAhead(
  exchange: Exchange,
  writer: Writer,
  candidates: readonly Candidate[],
  now: Micros,
): Promise<Ahead | null> {
  const refs = refsOf(writer, candidates)
  if (!refs) return { closed: closeAmong(exchange, writer, candidates, null, now), found: new Map() }
  const { collection, subject } = writer
  const found = new Map<string, string>()
  for (const map of refs) for (const target of map.keys()) found.set(target, '')
  for (const { object } of candidates) found.delete(object.id)
  const { bits } = uncapped(exchange, writer)
  const { audienceCount } = exchange.world
  const copies =
    found.size > 0
      ? await readAllCopies(exchange.pool, collection.seq, [...found.keys()], bits, ownOnly(writer))
      : []
  const byId = new Map<string, CopyRow[]>()
  for (const copy of copies) {
    // A label that this node has not read yet would look like one that the writer does not see.
    if (copy.label > audienceCount) return null
    const record = exchange.audience(copy.label)
    if (isTimed(record)) return null
    // What its author knows of a version that refers to others itself, is read with those.
    const own = copy.seen && record.submitter === subject.principal.id
    if (own && disclosesOthers(typeOf(copy.object_id))) return null
    const list = byId.get(copy.object_id)
    if (list) list.push(copy)
    else byId.set(copy.object_id, [copy])
  }
  for (const [id, list] of byId) found.set(id, copiesText(list))
  const there = { refs, copies, replaced: new Set<bigint>(), ownLabels: new Map<bigint, AudienceRecord>() }
  return { closed: closeAmong(exchange, writer, candidates, there, now), found }
}

/** Does it say something else at another moment, as under an embargo, or to readers of parts? */
function isTimed({ own, any, later, held }: AudienceRecord): boolean {
  return Boolean(any || later || held) || own.some(({ notBefore }) => notBefore !== undefined)
}
