/**
 * What the author of rows may be told of their labels where parts and references are taken out of objects (policy.md §5, "The
 * promise"): which copies there are tells what each reference asks for. So the label is composed once more, from what the
 * author sees of each reference.
 */
import type { Referenced } from '../policy/closure.ts'
import type { AudienceRecord, Subject } from '../policy/model.ts'
import { type EdgeRow, type LabelledRow, readEdges, readLabelledRows } from '../store/references.ts'
import { sightOf } from './author-sight.ts'
import { bySource } from './author-view.ts'
import { Composer, type Composition } from './compose.ts'
import type { Transaction } from './settle.ts'
import { untilStable } from './until-stable.ts'

/** Of its own rows that these lead to no more are looked at: of what lies beyond counts what it last saw. */
const MOST_ROWS = 1_000

/** What lies above the cap of who asks is in no copy that it knows of: it admits nobody. */
const TAKEN_OUT: Referenced[] = [{ record: { own: [{ level: 'red', org: '' }], submitter: '' } }]

/**
 * @param accepted rows of one principal, by name: the author who asks
 * @param subject that author; what is above the cap of its token it does not see
 */
export async function toldLabels(
  at: Transaction,
  accepted: readonly bigint[],
  subject: Subject,
): Promise<Map<bigint, AudienceRecord>> {
  const { collection, book, now, exchange } = at
  const { rows, edges } = await readOwn(at, accepted)
  const [first] = rows
  if (!first) return new Map()
  const sight = sightOf(at, first)
  const admits = exchange.admits({ id: subject.principal.id, subject, token: null })
  const capped = (record: AudienceRecord) => subject.cap === null || admits(record)
  const sees = (record: AudienceRecord) => sight(record) && capped(record)
  /** Is what a copy with this reference asks for above the cap of its author's token? */
  const isAbove = ({ latest, label }: EdgeRow) =>
    latest !== null && label !== null && !capped({ ...book.record(label), submitter: first.principal })
  const references = bySource(edges)
  const composer = new Composer(collection, now)
  const compositions = new Map<bigint, Composition>()
  const says = (edge: EdgeRow): Referenced[] => {
    // What it sees no more does not exist for it; but what lies above the cap is in no copy that it gets either.
    if (edge.known === null || edge.known <= 0) return isAbove(edge) ? TAKEN_OUT : []
    if (!capped(book.record(edge.known))) return TAKEN_OUT
    const held = (edge.held ?? []).map((one) => ({ record: book.record(one.label), at: BigInt(one.at) }))
    const waiting = held.filter((one) => one.at > now && sees(one.record))
    const { latest, label, mine } = edge
    const open =
      latest !== null &&
      label !== null &&
      sees(compositions.get(latest)?.record ?? book.record(label)) &&
      held.every((one) => one.at > now || sees(one.record))
    const itsOwn = mine !== null && capped(book.record(edge.mine_label as number)) ? mine : null
    const decides = open ? latest : itsOwn
    const own = decides === null ? undefined : compositions.get(decides)
    const theirs = open && book.record(label).submitter !== first.principal
    const record = own?.record ?? book.record(theirs ? label : edge.known)
    return [{ record }, ...waiting]
  }
  const composeRow = (row: LabelledRow, list: readonly EdgeRow[]) =>
    composer.compose(
      {
        type: row.type,
        spec: row.spec,
        marks: book.record(row.marks ?? row.label),
        parts: row.parts ?? [],
        text: row.whole ?? '',
        hash: row.whole_hash?.toString('hex') ?? '',
      },
      list.map((edge) => ({ target: edge.target, referenced: edge.organization === null ? [] : says(edge) })),
    )
  for (const row of rows) compositions.set(row.accepted, composeRow(row, []))
  untilStable(rows, (row) => {
    const before = compositions.get(row.accepted)
    const after = composeRow(row, references.get(row.accepted) ?? [])
    compositions.set(row.accepted, after)
    return before !== after && JSON.stringify(before?.record) !== JSON.stringify(after.record)
  })
  return new Map(
    accepted.flatMap((name) => {
      const found = compositions.get(name)
      return found ? [[name, found.record] as const] : []
    }),
  )
}

/** These rows, and those of the same principal that they lead to, with what they refer to. */
async function readOwn(
  { db, collection, book }: Transaction,
  accepted: readonly bigint[],
): Promise<{ rows: LabelledRow[]; edges: EdgeRow[] }> {
  const rows: LabelledRow[] = []
  const edges: EdgeRow[] = []
  const met = new Set(accepted)
  for (let next = [...met]; next.length > 0; ) {
    const found = await readLabelledRows(db, collection.seq, next, true)
    const leads = await readEdges(db, collection.seq, found)
    rows.push(...found)
    edges.push(...leads)
    const principal = rows[0]?.principal
    next = []
    for (const { latest, label, mine } of leads) {
      const own = latest !== null && label !== null && book.record(label).submitter === principal
      const name = own ? latest : mine
      if (name === null || met.has(name) || met.size >= MOST_ROWS) continue
      met.add(name)
      next.push(name)
    }
  }
  return { rows, edges }
}
