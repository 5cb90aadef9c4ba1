/** From an object's markings to its labels: what the originator asked for, or why it is refused (policy.md §2, §5). */
import {
  granularRefs,
  kindOfDefinition,
  labelHints,
  objectRefs,
  RELEASE_EXTENSION,
  readRelease,
  TLP_BY_ID,
} from '../stix/index.ts'
import { type Micros, parseMicros } from '../time.ts'
import { type AudienceRecord, isTlp, type Label, type Level, rank, type Tlp } from './model.ts'

/** Finds the marking-definition that a reference names, as the writer may read it; undefined when there is none. */
export type Resolve = (id: string) => Record<string, unknown> | undefined

export type Labelled =
  | { ok: true; labels: Label[]; parts: LabelledPart[]; warnings: string[]; quarantined: boolean }
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
}

/** References to marking-definitions that are not known by their id alone and must be looked up. */
export function definitionsNeeded(value: Record<string, unknown>): string[] {
  return [...objectRefs(value), ...granularRefs(value).map((g) => g.ref)].filter((ref) => !TLP_BY_ID.has(ref))
}

interface Part {
  refs: string[]
  selectors: string[] | null
}

/**
 * Labels of one version: those of the object, and in `withhold` mode those of its parts, which must all admit. In
 * `redact` mode the parts come apart.
 * @param org the submitting organization, which is the originator
 */
export function labelsOf(
  value: Record<string, unknown>,
  org: string,
  rules: LabelRules,
  resolve: Resolve,
): Labelled {
  const object: Part = { refs: objectRefs(value), selectors: null }
  const parts: Part[] = granularRefs(value).map((g) => ({ refs: [g.ref], selectors: g.selectors }))
  const warnings: string[] = []

  const base = read(object, resolve)
  if ('problem' in base) return refuseOrHold(base.problem, org, rules, warnings)
  const hint = labelHints(value)
  const fallback = defaultLevel(rules.defaultMarking)
  let level: Level = base.tlp ?? fallback ?? 'unmarked'
  if (hint && rank(hint) > rank(level)) {
    if (base.tlp) warnings.push(`the label tlp:${hint} is stricter than the marking; the object is ${hint}`)
    level = hint
  } else if (hint && base.tlp && rank(hint) < rank(level)) {
    warnings.push(`the label tlp:${hint} is weaker than the marking and has no effect`)
  }
  const labels: Label[] = []
  const problem = add(labels, base.releases, base.tlp, level, org)
  if (problem) return { ok: false, problem }
  if (base.releases.length === 0) labels.push({ level, org })

  const granular = parts.map((part) => ({ part, found: read(part, resolve) }))
  const apart: LabelledPart[] = []
  for (const { part, found } of granular) {
    if ('problem' in found) return refuseOrHold(found.problem, org, rules, warnings)
    const own: Label[] = []
    if (found.tlp) {
      if (rank(found.tlp) > rank(level)) own.push({ level: found.tlp, org })
      else if (rank(found.tlp) < rank(level)) {
        warnings.push(
          `the granular marking on ${part.selectors?.join(', ')} is weaker than the object's and has no effect`,
        )
      }
    }
    if (found.releases.length > 0) {
      const beside = granular
        .filter((g) => covers(g.part.selectors ?? [], part.selectors ?? []))
        .flatMap((g) => ('problem' in g.found || !g.found.tlp ? [] : [g.found.tlp]))
      const marked = highest([...beside, ...(base.tlp ? [base.tlp] : [])])
      const partLevel = marked && rank(marked) > rank(level) ? marked : level
      const refused = add(own, found.releases, marked, partLevel, org)
      if (refused) return { ok: false, problem: refused }
    }
    if (rules.redaction === 'withhold') labels.push(...own)
    else if (own.length > 0) apart.push({ labels: own, selectors: part.selectors ?? [] })
  }
  if (value.type === 'marking-definition') {
    const own = readRelease(value)
    if (own && 'problem' in own) return { ok: false, problem: own.problem }
    if (own && !own.release.discloseRecipients) labels.push({ level: 'unmarked', org })
  }
  return { ok: true, labels, parts: apart, warnings, quarantined: false }
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

type Release = Omit<Label, 'level' | 'org'>

/** Reads the references of one part: its TLP level and its release markings. */
function read(part: Part, resolve: Resolve): { tlp: Tlp | null; releases: Release[] } | { problem: string } {
  const levels: Tlp[] = []
  const releases: Release[] = []
  for (const ref of part.refs) {
    const known = TLP_BY_ID.get(ref)
    if (known) {
      levels.push(known)
      continue
    }
    const definition = resolve(ref)
    if (!definition) {
      return {
        problem: `the marking ${ref} is not known here: send its marking-definition to this collection before the object, or earlier in the same envelope`,
      }
    }
    const release = readRelease(definition)
    if (release) {
      if ('problem' in release) return { problem: `the marking ${ref} cannot be applied: ${release.problem}` }
      releases.push(conditions(release.release))
    } else if (kindOfDefinition(definition) !== 'statement') {
      return {
        problem: `the marking ${ref} is of a kind that this server cannot enforce: use TLP, a statement or ${RELEASE_EXTENSION}`,
      }
    }
  }
  return { tlp: highest(levels), releases }
}

function conditions(
  release: Extract<ReturnType<typeof readRelease>, { release: unknown }>['release'],
): Release {
  const at = (text: string | undefined) => {
    const micros = text === undefined ? null : parseMicros(text)
    return micros === null ? undefined : Number(micros)
  }
  const notBefore = at(release.notBefore)
  const notAfter = at(release.notAfter)
  return {
    ...(release.releasableTo && { releasableTo: release.releasableTo }),
    ...(release.notReleasableTo && { notReleasableTo: release.notReleasableTo }),
    ...(release.clients && { clients: release.clients }),
    ...(notBefore !== undefined && { notBefore }),
    ...(notAfter !== undefined && { notAfter }),
  }
}

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
    labels.push({ level, org, ...release })
  }
  return null
}

function refuseOrHold(problem: string, org: string, rules: LabelRules, warnings: string[]): Labelled {
  if (!rules.quarantine) return { ok: false, problem }
  return {
    ok: true,
    labels: [{ level: 'unmarked', org }],
    parts: [],
    warnings: [...warnings, `kept for your organization only: ${problem}`],
    quarantined: true,
  }
}

function highest(levels: readonly Tlp[]): Tlp | null {
  return levels.reduce<Tlp | null>((a, b) => (a === null || rank(b) > rank(a) ? b : a), null)
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
