/** The label lint: what an object says about its own sharing that does not agree with its markings (policy.md §9). */
import { quote } from './finding.ts'
import { granularRefs, labelHints, objectRefs, TLP_BY_ID, type Tlp, tlpGenerations } from './markings.ts'
import { readRelease } from './release.ts'

export interface LintFinding {
  /** A warning's number, see codes.ts. */
  code: '912' | '913' | '914' | '915' | '916'
  /** JSON Pointer inside the object. */
  path: string
  message: string
}

/** What is known of an object's level besides its own text. */
export interface KnownLevel {
  /** The level of its TLP markings; null = it has none. */
  marked: Tlp | null
  /** The level that it is judged by: with text labels, a default of the collection, and other markings. */
  effective: Tlp | 'unmarked'
}

const RANK: Record<Tlp | 'unmarked', number> = {
  clear: 0,
  green: 1,
  amber: 2,
  'amber+strict': 3,
  unmarked: 3,
  red: 4,
}

/** Texts that people write a level into. */
const TEXTS = ['name', 'description', 'abstract', 'content', 'explanation', 'comment', 'comments']

/** Every quantifier is bounded, so that hostile text costs time in proportion to its length. */
const MENTION = /\btlp\s{0,3}[:_-]?\s{0,3}(red|amber\s?\+\s?strict|amber|green|white|clear)(?![a-z0-9])/gi

function levelOf(word: string): Tlp {
  const level = word.toLowerCase().replace(/\s/g, '')
  return level === 'white' ? 'clear' : (level as Tlp)
}

/** The strictest level that a text mentions. */
function mentioned(text: string): Tlp | null {
  let strictest: Tlp | null = null
  for (const [, word = ''] of text.matchAll(MENTION)) {
    const level = levelOf(word)
    if (strictest === null || RANK[level] > RANK[strictest]) strictest = level
    if (strictest === 'red') break
  }
  return strictest
}

const highest = (levels: readonly Tlp[]): Tlp | null =>
  levels.reduce<Tlp | null>((a, b) => (a === null || RANK[b] > RANK[a] ? b : a), null)

const tlp = (level: Tlp | 'unmarked') => (level === 'unmarked' ? 'unmarked' : `TLP:${level.toUpperCase()}`)

/** What the object itself tells of its level: its TLP markings by id, and its text labels. */
function ownLevel(value: Record<string, unknown>): KnownLevel {
  const marked = highest(objectRefs(value).flatMap((ref) => TLP_BY_ID.get(ref) ?? []))
  const effective = highest([marked, labelHints(value)].flatMap((level) => level ?? []))
  return { marked, effective: marked === null ? 'unmarked' : (effective ?? 'unmarked') }
}

/**
 * Warnings about one object, in time proportional to its size.
 * @param known its level as the server judges it; without it, what the object alone tells
 */
export function labelLint(value: Record<string, unknown>, known = ownLevel(value)): LintFinding[] {
  return [
    ...hintFindings(value, known),
    ...textFindings(value, known),
    ...granularFindings(value, known),
    ...generationFindings(value),
    ...releaseFindings(value),
  ]
}

function hintFindings(value: Record<string, unknown>, { marked }: KnownLevel): LintFinding[] {
  const hint = labelHints(value)
  if (hint === null || marked === null || RANK[hint] === RANK[marked]) return []
  const message =
    RANK[hint] > RANK[marked]
      ? `the label tlp:${hint} is stricter than the marking; the object is ${tlp(hint)}`
      : `the label tlp:${hint} is weaker than the marking and has no effect`
  return [{ code: '912', path: '/labels', message }]
}

function textFindings(value: Record<string, unknown>, { effective }: KnownLevel): LintFinding[] {
  // The name of a marking-definition is about what it marks.
  if (value.type === 'marking-definition') return []
  return TEXTS.flatMap((name): LintFinding[] => {
    const text = Object.hasOwn(value, name) ? value[name] : undefined
    const level = typeof text === 'string' ? mentioned(text) : null
    if (level === null || RANK[level] <= RANK[effective]) return []
    const message = `the ${name} says ${tlp(level)} but the object is ${tlp(effective)}: mark it ${tlp(level)}, or change the text`
    return [{ code: '913', path: `/${name}`, message }]
  })
}

function granularFindings(value: Record<string, unknown>, { effective }: KnownLevel): LintFinding[] {
  if (effective === 'unmarked') return []
  return granularRefs(value)
    .flatMap(({ ref, selectors }): LintFinding[] => {
      const level = TLP_BY_ID.get(ref)
      if (level === undefined || RANK[level] >= RANK[effective]) return []
      const parts = quote(selectors.slice(0, 5).join(', ')).slice(1, -1)
      const message = `the granular marking on ${parts} is weaker than the object's and has no effect`
      return [{ code: '914', path: '/granular_markings', message }]
    })
    .slice(0, 5)
}

function generationFindings(value: Record<string, unknown>): LintFinding[] {
  const { first, second } = tlpGenerations(objectRefs(value))
  if (first === null || second === null || first === second) return []
  const message = `the TLP 1 marking says ${tlp(first)} and the TLP 2 marking ${tlp(second)}; the stricter one counts: send one of them`
  return [{ code: '915', path: '/object_marking_refs', message }]
}

/** Conditions of a release marking that nobody needs, and markings that this server refuses. */
function releaseFindings(value: Record<string, unknown>): LintFinding[] {
  if (value.type !== 'marking-definition') return []
  const read = readRelease(value)
  if (read === null) return []
  const found = (message: string): LintFinding => ({ code: '916', path: '/extensions', message })
  if ('problem' in read) return [found(`the release marking is refused here: ${read.problem}`)]
  const { releasableTo, notReleasableTo, clients, notBefore, notAfter } = read.release
  const findings: LintFinding[] = []
  const to = new Set(releasableTo?.countries)
  const both = (notReleasableTo?.countries ?? []).filter((country) => to.has(country))
  if (both.length > 0)
    findings.push(
      found(`releasable_to lists ${both.slice(0, 5).join(', ')}, which not_releasable_to takes back`),
    )
  else if (to.size > 0 && notReleasableTo && Object.keys(releasableTo ?? {}).length === 1)
    findings.push(
      found('not_releasable_to has no effect: releasable_to lists countries alone, and none of these'),
    )
  const lists = { ...releasableTo, not_releasable_to: notReleasableTo?.countries ?? [] }
  for (const [name, list] of Object.entries(lists))
    if (new Set(list).size < list.length) findings.push(found(`${name} names the same twice`))
  if (clients === 'allowed' && !releasableTo && !notReleasableTo && !notBefore && !notAfter)
    findings.push(found('clients "allowed" is what holds without it: the marking has no effect'))
  return findings
}
