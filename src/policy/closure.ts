/** Labels joined over references, and what is left of an object whose parts may be taken out (policy.md §5, §6). Pure. */
import type { Micros } from '../time.ts'
import { distinct, type LabelledPart } from './label.ts'
import type { AudienceRecord, Label } from './model.ts'

/** What a version of a referenced object says; `at` for one under embargo, which binds from its time on. */
export interface Referenced {
  record: AudienceRecord
  at?: Micros
  /** Beside what is out: it binds readers, and is not in the label. */
  beside?: true
}

/**
 * What a version demands while it is held by an embargo of what it refers to: all but the time, once its own embargo has ended.
 * Otherwise whoever embargoes that would open what the version hides (policy.md §6, §7).
 * @returns null where its own markings hold it as long
 */
export function bindingOf(
  label: AudienceRecord,
  marks: AudienceRecord,
  heldUntil: Micros,
): Referenced | null {
  const own = BigInt(Math.max(0, ...marks.own.map(({ notBefore }) => notBefore ?? 0)))
  if (own >= heldUntil) return null
  const { own: labels, any, ...rest } = label
  const record = {
    ...rest,
    own: labels.map(timeless),
    ...(any && { any: any.map((clause) => clause.map((list) => list.map(timeless))) }),
  }
  return { record, beside: true, ...(own > 0n && { at: own }) }
}

function timeless({ notBefore: _, ...rest }: Label): Label {
  return rest
}

type Clauses = NonNullable<AudienceRecord['any']>
type Demands = NonNullable<AudienceRecord['later']>

export interface Joined {
  record: AudienceRecord
  heldUntil: Micros | null
}

/** Labels of a version joined with those of what it refers to: all must admit. */
export function join(marks: AudienceRecord, referenced: readonly Referenced[], now: Micros): Joined {
  const isDue = ({ at }: Referenced) => at === undefined || at <= now
  const open = referenced.filter((r) => !r.beside && isDue(r)).map((r) => r.record)
  const waiting = referenced.filter((r) => !isDue(r))
  const beside = referenced.filter((r) => r.beside && isDue(r)).map((r) => r.record)
  const own = distinct([...marks.own, ...open.flatMap((r) => r.own)], now)
  const any = clauses([...(marks.any ?? []), ...open.flatMap((r) => r.any ?? [])], now)
  const later = demands([
    ...open.flatMap((r) => r.later ?? []),
    ...beside.flatMap(({ own, any, later = [] }) => [{ labels: own, ...(any && { any }) }, ...later]),
    ...waiting.map(({ record, at }) => ({
      labels: record.own,
      ...(record.any && { any: record.any }),
      at: Number(at),
    })),
  ])
  let heldUntil: Micros | null = null
  for (const { notBefore } of own) {
    if (notBefore !== undefined && BigInt(notBefore) > (heldUntil ?? now)) heldUntil = BigInt(notBefore)
  }
  const { submitter, origin } = marks
  return {
    record: {
      own,
      ...(any.length > 0 && { any }),
      submitter,
      ...(origin !== undefined && { origin }),
      ...(later.length > 0 && { later }),
      ...(heldUntil !== null && { held: true }),
    },
    heldUntil,
  }
}

/** Something that is in a reader's copy only if all of these labels admit it. */
export interface Group {
  labels: Label[]
  any: Clauses
  later: Demands
  selectors: string[]
  refs: string[]
}

/** More groups than this are taken out together: a copy is kept for each set of them. */
export const MOST_GROUPS = 5

/**
 * Groups of an object's parts by who may see them. Parts whose labels the object has already are in every copy.
 * @param refs references that may be taken out, each with what its object says
 */
export function groupsOf(
  marks: AudienceRecord,
  parts: readonly LabelledPart[],
  refs: readonly { target: string; referenced: readonly Referenced[] }[],
  now: Micros,
): Group[] {
  const always = new Set(distinct(marks.own, now).map((label) => JSON.stringify(label)))
  const found = new Map<string, Group>()
  const add = (labels: readonly Label[], any: Clauses, later: Demands, selectors: string[], ref?: string) => {
    const rest = distinct(labels, now).filter((label) => !always.has(JSON.stringify(label)))
    if (rest.length === 0 && any.length === 0 && later.length === 0) return
    const key = JSON.stringify([rest, any, later])
    const group = found.get(key) ?? { labels: rest, any, later, selectors: [], refs: [] }
    found.set(key, group)
    group.selectors.push(...selectors)
    if (ref !== undefined) group.refs.push(ref)
  }
  for (const part of parts) add(part.labels, [], [], part.selectors)
  for (const { target, referenced } of refs) {
    if (referenced.length === 0) continue
    const nothing: AudienceRecord = { own: [], submitter: '' }
    const { record } = join(nothing, referenced, now)
    add(record.own, record.any ?? [], record.later ?? [], [], target)
  }
  const groups = [...found.keys()].sort().map((key) => found.get(key) as Group)
  if (groups.length <= MOST_GROUPS) return groups
  const rest = groups.splice(MOST_GROUPS - 1)
  return [...groups, rest.reduce(together)]
}

function together(a: Group, b: Group): Group {
  return {
    labels: [...a.labels, ...b.labels],
    any: [...a.any, ...b.any],
    later: [...a.later, ...b.later],
    selectors: [...a.selectors, ...b.selectors],
    refs: [...a.refs, ...b.refs],
  }
}

/** Who gets a copy with these groups in it. */
export function copyAudience(base: AudienceRecord, groups: readonly Group[], now: Micros): AudienceRecord {
  const any = clauses([...(base.any ?? []), ...groups.flatMap((g) => g.any)], now)
  const later = demands([...(base.later ?? []), ...groups.flatMap((g) => g.later)])
  const { any: _, later: __, ...rest } = base
  return {
    ...rest,
    own: distinct([...base.own, ...groups.flatMap((g) => g.labels)], now),
    ...(any.length > 0 && { any }),
    ...(later.length > 0 && { later }),
  }
}

/**
 * Who gets some copy: now, and from each moment on at which an embargo on something that it refers to ends.
 * @param valid the sets of groups, as bits, with which the copy is a STIX object
 */
export function visibleAudience(
  base: AudienceRecord,
  groups: readonly Group[],
  valid: readonly number[],
  now: Micros,
): AudienceRecord {
  const least = valid.filter((set) => !valid.some((other) => other !== set && (other & set) === other))
  if (least.includes(0)) return base
  const clauseAt = (moment: Micros): Clauses => {
    const lists = least.flatMap((set) =>
      met(
        groups.filter((_, i) => set & (1 << i)),
        moment,
      ),
    )
    return lists.some((labels) => labels.length === 0) ? [] : [lists]
  }
  const any = clauses([...(base.any ?? []), ...clauseAt(now)], now)
  const moments = groups.flatMap((g) => g.later.flatMap(({ at }) => (at === undefined ? [] : [BigInt(at)])))
  const ahead = [...new Set(moments)].filter((at) => at > now)
  const later = demands([
    ...(base.later ?? []),
    ...ahead.flatMap((at) => {
      const then = clauses(clauseAt(at), now)
      return then.length === 0 ? [] : [{ labels: [], any: then, at: Number(at) }]
    }),
  ])
  return { ...base, ...(any.length > 0 && { any }), ...(later.length > 0 && { later }) }
}

/** More alternatives than this are asked for all at once: tighter, never wider. */
const MOST_ALTERNATIVES = 64

/** What admits to all of these groups at a moment: lists of labels, of which one must admit as a whole. */
function met(groups: readonly Group[], moment: Micros): Label[][] {
  const due = groups.flatMap((g) => g.later.filter(({ at }) => at === undefined || BigInt(at) <= moment))
  const always = [...groups.flatMap((g) => g.labels), ...due.flatMap((l) => l.labels)]
  const choices = [...groups.flatMap((g) => g.any), ...due.flatMap((l) => l.any ?? [])]
  const count = choices.reduce((n, clause) => n * clause.length, 1)
  if (count > MOST_ALTERNATIVES) return [[...always, ...choices.flat(2)]]
  return choices.reduce<Label[][]>(
    (lists, clause) => lists.flatMap((labels) => clause.map((more) => [...labels, ...more])),
    [always],
  )
}

/** What a version demands of readers of older ones: all of its parts, so that no older copy tells of them. */
export function demandOf(
  visible: AudienceRecord,
  parts: readonly LabelledPart[],
  now: Micros,
): AudienceRecord {
  return { ...visible, own: distinct([...visible.own, ...parts.flatMap((p) => p.labels)], now) }
}

/**
 * What each marked part demands before and after its markings change, the object's own label in it: every part by
 * itself, as one that is stricter still hides what happens to the others.
 * @param was parts of the object with the label `before`, `is` of the same object with the label `after`
 * @returns each pair once; none where nothing was or is marked
 */
export function demandsOfParts(
  was: readonly LabelledPart[],
  is: readonly LabelledPart[],
  before: AudienceRecord,
  after: AudienceRecord,
  now: Micros,
): { before: AudienceRecord; after: AudienceRecord }[] {
  const [former, latter] = [bySelector(was), bySelector(is)]
  const found = new Map<string, { before: AudienceRecord; after: AudienceRecord }>()
  for (const selector of new Set([...former.keys(), ...latter.keys()])) {
    const pair = {
      before: demandOf(before, covering(former, selector), now),
      after: demandOf(after, covering(latter, selector), now),
    }
    found.set(JSON.stringify(pair), pair)
  }
  return [...found.values()]
}

function bySelector(parts: readonly LabelledPart[]): Map<string, LabelledPart[]> {
  const found = new Map<string, LabelledPart[]>()
  for (const part of parts) {
    for (const selector of part.selectors) found.set(selector, [...(found.get(selector) ?? []), part])
  }
  return found
}

/** Parts that mark it, or something that it lies in. */
function covering(parts: ReadonlyMap<string, LabelledPart[]>, selector: string): LabelledPart[] {
  const steps = selector.split('.')
  return steps.flatMap((_, i) => parts.get(steps.slice(0, i + 1).join('.')) ?? [])
}

function clauses(list: Clauses, now: Micros): Clauses {
  const found = new Map<string, Label[][]>()
  for (const clause of list) {
    const lists = new Map<string, Label[]>()
    for (const labels of clause) {
      const one = distinct(labels, now)
      lists.set(JSON.stringify(one), one)
    }
    const sorted = [...lists.keys()].sort().map((key) => lists.get(key) as Label[])
    found.set(JSON.stringify(sorted), sorted)
  }
  return [...found.keys()].sort().map((key) => found.get(key) as Label[][])
}

function demands(list: Demands): Demands {
  const found = new Map<string, Demands[number]>()
  for (const demand of list) found.set(JSON.stringify(demand), demand)
  return [...found.keys()].sort().map((key) => found.get(key) as Demands[number])
}

/** The same record with its labels in the order of keys that this program gives them: one spelling per condition. */
export function spelled(record: AudienceRecord): AudienceRecord {
  const { own, any, submitter, origin, later, held } = record
  const clause = (list: Clauses) => clauses(list, NEVER)
  return {
    own: distinct(own, NEVER),
    ...(any && { any: clause(any) }),
    submitter,
    ...(origin !== undefined && { origin }),
    ...(later && {
      later: later.map(({ labels, any: also, at }) => ({
        labels: distinct(labels, NEVER),
        ...(also && { any: clause(also) }),
        ...(at !== undefined && { at }),
      })),
    }),
    ...(held && { held }),
  }
}

/** Before any window: none has begun. */
export const NEVER = -1n
