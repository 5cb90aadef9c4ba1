/** The labels of one version, read anew from its text (policy.md §2, §5), plainly. */
import { type Label, type Level, rank, type Tlp } from '../../src/policy/model.ts'
import { RELEASE_EXTENSION } from '../../src/stix/index.ts'
import { parseMicros } from '../../src/time.ts'
import type { StixObject } from './client.ts'
import { TLP } from './stix.ts'

const LEVEL_OF = new Map<string, Tlp>(Object.entries(TLP).map(([level, id]) => [id, level as Tlp]))

const higher = (a: Level, b: Level): Level => (rank(b) > rank(a) ? b : a)

interface Condition {
  releasable_to?: Label['releasableTo']
  not_releasable_to?: { countries: string[] }
  clients?: 'denied' | 'allowed'
  not_before?: string
  not_after?: string
  disclose_recipients?: boolean
}

function condition(definition: StixObject | undefined): Condition | null {
  const extensions = definition?.extensions as Record<string, Condition> | undefined
  return extensions?.[RELEASE_EXTENSION] ?? null
}

function labelled(level: Level, org: string, c: Condition | null): Label {
  const time = (text: string | undefined) => (text === undefined ? undefined : Number(parseMicros(text)))
  const [from, until] = [time(c?.not_before), time(c?.not_after)]
  return {
    level,
    org,
    ...(c?.releasable_to && { releasableTo: c.releasable_to }),
    ...(c?.not_releasable_to && { notReleasableTo: c.not_releasable_to }),
    ...(c?.clients && { clients: c.clients }),
    ...(from !== undefined && { notBefore: from }),
    ...(until !== undefined && { notAfter: until }),
  }
}

interface Marked {
  object_marking_refs?: string[]
  granular_markings?: { selectors: string[]; marking_ref: string }[]
  labels?: string[]
}

/** What is marked on its own, and with what. */
export interface MarkedPart {
  labels: Label[]
  selector: string
}

const isWithin = (inner: string, outer: string) => inner === outer || inner.startsWith(`${outer}.`)

/**
 * The labels of one version: those of the object, and those of its parts, which only tighten (§5): a weaker one has no
 * effect.
 */
export function labelsIn(
  body: StixObject,
  org: string,
  fallback: string | null,
  definitions: ReadonlyMap<string, StixObject>,
): { labels: Label[]; parts: MarkedPart[] } {
  const { object_marking_refs: refs = [], granular_markings: granular = [], labels = [] } = body as Marked
  const stated = refs.flatMap((ref) => LEVEL_OF.get(ref) ?? [])
  const first: Level = (fallback?.slice(4) as Tlp | undefined) ?? 'unmarked'
  let level: Level = stated.length > 0 ? stated.reduce<Level>(higher, 'clear') : first
  for (const label of labels) {
    const hint = /^tlp:(.*)$/i.exec(label)?.[1]?.toLowerCase()
    if (hint && hint in TLP && (level === 'unmarked' ? hint === 'red' : true))
      level = higher(level, hint as Tlp)
  }
  const found: Label[] = [labelled(level, org, null)]
  const conditions = refs.flatMap((ref) => condition(definitions.get(ref)) ?? [])
  // A release list is a limit and a way at once: it stands in the label of its level, not beside a bare one.
  if (conditions.length > 0) found.length = 0
  for (const c of conditions) found.push(labelled(level, org, c))
  const parts: MarkedPart[] = []
  const each = granular.flatMap(({ selectors, marking_ref: ref }) =>
    selectors.map((selector) => ({ selector, ref })),
  )
  for (const { selector, ref } of each) {
    const marked = LEVEL_OF.get(ref)
    if (marked && rank(marked) > rank(level)) parts.push({ selector, labels: [labelled(marked, org, null)] })
    const c = condition(definitions.get(ref))
    if (!c) continue
    const beside = each.flatMap((o) => (isWithin(selector, o.selector) ? (LEVEL_OF.get(o.ref) ?? []) : []))
    parts.push({ selector, labels: [labelled(beside.reduce<Level>(higher, level), org, c)] })
  }
  if (condition(body)?.disclose_recipients === false) found.push(labelled('unmarked', org, null))
  // What a veto may name it by (§4).
  const named = [body.id, ...refs, ...granular.map((g) => g.marking_ref)]
  const byName = (list: Label[]) => list.map((label) => ({ ...label, named }))
  return { labels: byName(found), parts: parts.map((part) => ({ ...part, labels: byName(part.labels) })) }
}
