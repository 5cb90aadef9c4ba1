/** What references add to a preview: as far as the caller sees what they point at (policy.md §6). */
import { type Joined, join, type Referenced } from '../policy/closure.ts'
import { disclosedRefs, isContainer } from '../stix/index.ts'
import { type CopyRow, readAllCopies } from '../store/references.ts'
import type { Reader } from '../store/session.ts'
import type { Exchange } from '../taxii/exchange.ts'
import { ownOnly, type Writer } from '../taxii/prepare-objects.ts'
import type { Micros } from '../time.ts'

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
  const seen = copies.filter((copy) => copy.seen && copy.held_until === null)
  const byTarget = new Map<string, CopyRow[]>()
  for (const copy of seen) byTarget.set(copy.object_id, [...(byTarget.get(copy.object_id) ?? []), copy])
  const referenced: Referenced[] = targets.flatMap((target) => {
    const label = latestOf(byTarget.get(target) ?? [], subject.organization.id)
    return label === null ? [] : [{ record: exchange.audience(label) }]
  })
  return join(marks.record, referenced, now)
}

/** Of its own organization's copies, else of those of the first accepted one, the label of the latest. */
function latestOf(copies: readonly CopyRow[], own: string): number | null {
  const first = copies.reduce<CopyRow | null>((a, b) => (a === null || b.accepted < a.accepted ? b : a), null)
  const organization = copies.some((copy) => copy.organization === own) ? own : first?.organization
  const chain = copies.filter((copy) => copy.organization === organization)
  const latest = chain.reduce<CopyRow | null>(
    (a, b) => (a === null || b.version_key > a.version_key ? b : a),
    null,
  )
  return latest?.label ?? null
}
