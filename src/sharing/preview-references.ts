/** What references add to a preview: as far as the caller sees what they point at (policy.md §6). */
import { type Joined, join, type Referenced } from '../policy/closure.ts'
import type { AudienceRecord } from '../policy/model.ts'
import { besideLeftOut, knownTo } from '../policy/readers.ts'
import { disclosedRefs, isContainer } from '../stix/index.ts'
import { type CopyRow, readAllCopies } from '../store/references.ts'
import type { Reader } from '../store/session.ts'
import { knownLabelsOf } from '../taxii/author-view.ts'
import { Book } from '../taxii/book.ts'
import type { Exchange } from '../taxii/exchange.ts'
import { ownOnly, type Writer } from '../taxii/prepare-objects.ts'
import { toldLabels } from '../taxii/told-labels.ts'
import type { Micros } from '../time.ts'
import { hidingOf } from './known.ts'

const MOST_REFERENCES = 5_000

/**
 * The conditions on an object joined with those on what it refers to, which a POST would join too. A POST may find
 * more: hidden newer versions count there, and must not be told of here.
 */
export async function withReferences(
  exchange: Exchange,
  reader: Reader,
  writer: Writer,
  value: Record<string, unknown>,
  marks: Joined,
  now: Micros,
): Promise<Joined> {
  const { collection, subject } = writer
  const targets = [...disclosedRefs(value).keys()].slice(0, MOST_REFERENCES)
  const stripped = collection.redaction === 'redact' && isContainer(String(value.type))
  if (collection.refs === 'own' || stripped || targets.length === 0) return marks
  const copies = await readAllCopies(exchange.pool, collection.seq, targets, reader.bits, ownOnly(writer))
  const byTarget = new Map<string, Known[]>()
  // A copy that the caller sent itself is tightened, and held, also by what it does not see.
  const own = copies.filter(
    ({ seen, label, marks }) =>
      seen && label !== marks && exchange.audience(label).submitter === subject.principal.id,
  )
  const { pool: db } = exchange
  const at = { exchange, db, collection, book: new Book(exchange, db), now }
  const hiding = new Set(hidingOf(exchange, { subject }, [collection], now).labels)
  const names = (list: readonly CopyRow[]) => list.map((copy) => copy.accepted)
  const told =
    collection.redaction === 'redact'
      ? await toldLabels(at, names(own.filter((copy) => hiding.has(copy.label))), subject)
      : await knownLabelsOf(at, names(own), true)
  for (const copy of copies) {
    if (!copy.seen) continue
    const { own: marked } = exchange.audience(copy.marks)
    const label = told.get(copy.accepted)
    const record =
      label && collection.redaction === 'withhold'
        ? label
        : knownTo(
            exchange.world.topology,
            subject,
            label ?? besideLeftOut(exchange.audience(copy.label)),
            marked,
            now,
          )
    if (record.own.some(({ notBefore }) => notBefore !== undefined && BigInt(notBefore) > now)) continue
    byTarget.set(copy.object_id, [...(byTarget.get(copy.object_id) ?? []), { copy, record }])
  }
  const referenced: Referenced[] = targets.flatMap((target) => {
    const record = latestOf(byTarget.get(target) ?? [], subject.organization.id)
    return record === null ? [] : [{ record }]
  })
  return join(marks.record, referenced, now)
}

interface Known {
  copy: CopyRow
  /** What is on it as far as the caller may know. */
  record: AudienceRecord
}

/** Of its own organization's copies, else of those of the first accepted one, what is on the latest. */
function latestOf(seen: readonly Known[], own: string): AudienceRecord | null {
  const first = seen.reduce<Known | null>(
    (a, b) => (a === null || b.copy.accepted < a.copy.accepted ? b : a),
    null,
  )
  const organization = seen.some(({ copy }) => copy.organization === own) ? own : first?.copy.organization
  const chain = seen.filter(({ copy }) => copy.organization === organization)
  const latest = chain.reduce<Known | null>(
    (a, b) => (a === null || b.copy.version_key > a.copy.version_key ? b : a),
    null,
  )
  return latest?.record ?? null
}
