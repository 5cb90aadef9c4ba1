/** From an object's markings to its labels: what the originator asked for, or why it is refused (policy.md §2, §5). */
import { granularRefs, labelHints, labelLint, objectRefs, readRelease, TLP_BY_ID } from '../stix/index.ts'
import type { Micros } from '../time.ts'
import {
  type AudienceRecord,
  type Decisions,
  isTlp,
  type Label,
  type Level,
  NO_DECISIONS,
  rank,
  type Tlp,
} from './model.ts'
import {
  caveatsOf,
  highest,
  type Judged,
  type Part,
  type Release,
  type Resolve,
  read,
} from './read-markings.ts'

export type Labelled =
  | {
      ok: true
      labels: Label[]
      parts: LabelledPart[]
      warnings: string[]
      /** Kept for its originator only, because of a marking. */
      quarantined: boolean
      /** Markings that hold it, and those that an operator decided on. */
      judged: Judged[]
    }
  | { ok: false; problem: string }

/** Parts that may be taken out of the object for readers whom these labels do not admit (`redact`). */
export interface LabelledPart {
  labels: Label[]
  selectors: string[]
}

/** What of a collection's declaration concerns labels. */
export interface LabelRules {
  defaultMarking: string | null
  quarantine: boolean
  redaction: 'withhold' | 'redact'
  /** Ids that some veto on the originator's country names (policy.md §4): labels of what has them say so. */
  named?: ReadonlySet<string>
}

/** References to marking-definitions that are not known by their id alone and must be looked up. */
export function definitionsNeeded(value: Record<string, unknown>): string[] {
  return [...objectRefs(value), ...granularRefs(value).map((g) => g.ref)].filter((ref) => !TLP_BY_ID.has(ref))
}

/**
 * Labels of one version: those of the object, and in `withhold` mode those of its parts, which must all admit. In
 * `redact` mode the parts come apart.
 * @param org the submitting organization, which is the originator
 * @param decisions what an operator says of markings that are unknown or cannot be enforced
 */
export function labelsOf(
  value: Record<string, unknown>,
  org: string,
  rules: LabelRules,
  resolve: Resolve,
  decisions: Decisions = NO_DECISIONS,
): Labelled {
  const base = read({ refs: objectRefs(value), selectors: null }, resolve, decisions)
  const granular = granularRefs(value).map((g) => {
    const part: Part = { refs: [g.ref], selectors: g.selectors }
    return { part, found: read(part, resolve, decisions) }
  })
  const readings = [base, ...granular.map((g) => g.found)]
  const judged = [
    ...new Map(readings.flatMap((reading) => reading.judged.map((j) => [j.marking, j]))).values(),
  ]
  const problem = readings.find((reading) => reading.problem !== null)?.problem
  if (problem) return refuseOrHold(problem, org, rules, judged)

  const warnings = [...new Set(readings.flatMap((reading) => reading.warnings))]
  const hint = labelHints(value)
  let level: Level = base.tlp ?? defaultLevel(rules.defaultMarking) ?? 'unmarked'
  if (hint && rank(hint) > rank(level)) level = hint
  if (base.raised && rank(base.raised) > rank(level)) {
    warnings.push(`an IEP marking raises the object to TLP:${base.raised.toUpperCase()}`)
    level = base.raised
  }
  const labels: Label[] = []
  const refused = add(labels, base.releases, base.tlp, level, org)
  if (refused) return { ok: false, problem: refused }
  // A limit lets nobody in: what stands beside it must admit as well, by an agreement of its own.
  if (base.releases.every((release) => release.limit)) labels.push({ level, org })
  for (const window of base.windows) labels.push({ level, org, ...window })

  const apart: LabelledPart[] = []
  for (const { part, found } of granular) {
    const own: Label[] = []
    for (const said of [found.tlp, found.raised])
      if (said && rank(said) > rank(level)) own.push({ level: said, org })
    if (found.releases.length + found.windows.length > 0) {
      const beside = granular
        .filter((g) => covers(g.part.selectors ?? [], part.selectors ?? []))
        .flatMap((g) => g.found.tlp ?? [])
      const marked = highest([...beside, ...(base.tlp ? [base.tlp] : [])])
      const partLevel = marked && rank(marked) > rank(level) ? marked : level
      const refused = add(own, found.releases, marked, partLevel, org)
      if (refused) return { ok: false, problem: refused }
      if (found.releases.length > 0 && found.releases.every((release) => release.limit))
        own.push({ level: partLevel, org })
      for (const window of found.windows) own.push({ level: partLevel, org, ...window })
    }
    if (rules.redaction === 'withhold') labels.push(...own)
    else if (own.length > 0) apart.push({ labels: own, selectors: part.selectors ?? [] })
  }
  if (value.type === 'marking-definition') {
    const own = readRelease(value)
    if (own && 'problem' in own) return { ok: false, problem: own.problem }
    if (own && !own.release.discloseRecipients) labels.push({ level: 'unmarked', org })
    warnings.push(...caveatsOf(value))
  }
  for (const { message } of labelLint(value, { marked: base.tlp, effective: level })) warnings.push(message)
  const labelled: Labelled = { ok: true, labels, parts: apart, warnings, quarantined: false, judged }
  return withNames(labelled, rules.named ? namesOn(value).filter((id) => rules.named?.has(id)) : [])
}

/** What a veto may name an object by: its id, and its markings. */
export function namesOn(value: Record<string, unknown>): string[] {
  return [String(value.id), ...objectRefs(value), ...granularRefs(value).map((g) => g.ref)]
}

/** The same labels, which say that vetoes name these ids on what they are on. */
export function withNames<T extends { labels: Label[]; parts: LabelledPart[] }>(
  labelled: T,
  names: readonly string[],
): T {
  if (names.length === 0) return labelled
  const name = (label: Label): Label => ({ ...label, named: [...(label.named ?? []), ...names] })
  const parts = labelled.parts.map((part) => ({ ...part, labels: part.labels.map(name) }))
  return { ...labelled, labels: labelled.labels.map(name), parts }
}

/** Joins labels with what else an audience needs; equal conditions give equal records, whatever their order. */
export function audienceOf(
  labels: readonly Label[],
  submitter: string,
  origin: string,
  now: Micros,
): { record: AudienceRecord; heldUntil: Micros | null } {
  let heldUntil: Micros | null = null
  for (const { notBefore } of labels) {
    if (notBefore !== undefined && BigInt(notBefore) > (heldUntil ?? now)) heldUntil = BigInt(notBefore)
  }
  const own = distinct(labels, now)
  return { record: { own, submitter, origin, ...(heldUntil === null ? {} : { held: true }) }, heldUntil }
}

/** Each label once, in one order, without windows that have begun. */
export function distinct(labels: readonly Label[], now: Micros): Label[] {
  const seen = new Map<string, Label>()
  for (const label of labels) {
    const copy = canonical(label)
    if (copy.notBefore !== undefined && BigInt(copy.notBefore) <= now) delete copy.notBefore
    seen.set(JSON.stringify(copy), copy)
  }
  return [...seen.keys()].sort().map((key) => seen.get(key) as Label)
}

function canonical(label: Label): Label {
  const list = label.releasableTo
  return {
    level: label.level,
    org: label.org,
    ...(list && {
      releasableTo: {
        ...(list.communities && { communities: sorted(list.communities) }),
        ...(list.countries && { countries: sorted(list.countries) }),
        ...(list.organizations && { organizations: sorted(list.organizations) }),
        ...(list.persons && { persons: sorted(list.persons) }),
      },
    }),
    ...(label.notReleasableTo && { notReleasableTo: { countries: sorted(label.notReleasableTo.countries) } }),
    ...(label.clients === 'denied' && { clients: label.clients }),
    ...(label.notBefore !== undefined && { notBefore: label.notBefore }),
    ...(label.notAfter !== undefined && { notAfter: label.notAfter }),
    ...(label.named && { named: sorted(label.named) }),
  }
}

const sorted = (list: readonly string[]) => [...new Set(list)].sort()

/** Adds one label per release marking. @returns why they cannot stand beside this TLP, if so */
function add(
  labels: Label[],
  releases: readonly Release[],
  marked: Tlp | null,
  level: Level,
  org: string,
): string | null {
  for (const release of releases) {
    if (marked === null) {
      return 'a release marking stands without a TLP marking beside it: add a TLP marking that is safe alone, AMBER or stricter'
    }
    const narrows = release.releasableTo || release.notReleasableTo || release.clients
    if (narrows && rank(marked) < rank('amber')) {
      return `releasable_to, not_releasable_to and clients need TLP:AMBER or stricter beside them, not TLP:${marked.toUpperCase()}: who ignores the extension would share too widely`
    }
    const { limit: _, ...conditions } = release
    labels.push({ level, org, ...conditions })
  }
  return null
}

function refuseOrHold(problem: string, org: string, rules: LabelRules, judged: Judged[]): Labelled {
  if (!rules.quarantine) return { ok: false, problem }
  return {
    ok: true,
    labels: [{ level: 'unmarked', org }],
    parts: [],
    warnings: [`kept for your organization only: ${problem}`],
    quarantined: true,
    judged,
  }
}

function defaultLevel(marking: string | null): Tlp | null {
  if (marking === null) return null
  const level = marking.toLowerCase().replace(/^tlp:/, '').replace('white', 'clear')
  return isTlp(level) ? level : null
}

/** Does one of the outer selectors name one of the inner parts or an ancestor of it? By component, not by prefix. */
function covers(outer: readonly string[], inner: readonly string[]): boolean {
  return inner.some((i) => outer.some((o) => i === o || i.startsWith(`${o}.`)))
}
