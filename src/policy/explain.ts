/** Why a reader may or may not read a row: every condition with its verdict (policy.md §3, §13). Pure. */
import { formatMicros, type Micros } from '../time.ts'
import type { AudienceRecord, Label, Subject, Topology } from './model.ts'
import { rank } from './model.ts'
import { ceiling, decide, hop, inCountries, inWindow, isReleasedTo, ways } from './permit.ts'
import { vetoed } from './veto.ts'
import { labelInWords } from './words.ts'

export type ConditionName =
  | 'active'
  | 'right'
  | 'embargo'
  | 'cap'
  | 'clearance'
  | 'own-organization'
  | 'window'
  | 'not_releasable_to'
  | 'veto'
  | 'releasable_to'
  | 'channel'
  | 'hop'
  | 'parts'
  | 'later-version'

export interface Condition {
  condition: ConditionName
  /** `not-asked`: something before it has decided, or it does not apply. */
  verdict: 'met' | 'failed' | 'not-asked'
  detail: string
}

export interface Explanation {
  decision: boolean
  rule: string
  /** The label that decided, in words; null when none did. */
  label: string | null
  conditions: Condition[]
}

/**
 * Explains the decision on one reader, without a token's cap.
 * @param mayRead has it the right to read from the collection?
 */
export function explain(
  topology: Topology,
  subject: Subject,
  mayRead: boolean,
  record: AudienceRecord,
  now: Micros,
): Explanation {
  const decision = decide(topology, subject, record, now)
  const { principal, organization } = subject
  const conditions: Condition[] = []
  const say = (condition: ConditionName, verdict: Condition['verdict'], detail: string) =>
    conditions.push({ condition, verdict, detail })
  say(
    'active',
    principal.active ? 'met' : 'failed',
    `the principal is ${principal.active ? '' : 'not '}active`,
  )
  say('right', mayRead ? 'met' : 'failed', `${mayRead ? 'a' : 'no'} grant of the collection lets it read`)
  say('cap', 'not-asked', 'a token may set a lower ceiling of its own')
  const submitter = decision.rule === 'submitter'
  const origin = record.origin ?? record.own[0]?.org ?? ''
  const embargoed = record.held === true
  const home = organization.id === origin
  say(
    'embargo',
    !embargoed || submitter ? 'not-asked' : home ? 'met' : 'failed',
    embargoed ? `only ${origin} reads it before its time` : 'there is none',
  )
  const deciding = decision.label ?? strictest(record.own)
  if (submitter || !deciding) say('own-organization', 'met', 'it reads back what it submitted itself')
  else conditions.push(...judge(topology, subject, deciding, now))
  conditions.push(...rest(topology, subject, record, now, submitter))
  return {
    decision: decision.yes && mayRead,
    rule: decision.yes && !mayRead ? 'no-right' : decision.rule,
    label: decision.label ? labelInWords(decision.label) : null,
    conditions,
  }
}

const strictest = (labels: readonly Label[]) =>
  labels.reduce<Label | null>((a, b) => (a === null || rank(b.level) > rank(a.level) ? b : a), null)

/** The conditions of one label, in the order of policy.md §3; after the first that decides, none is asked. */
function judge(topology: Topology, subject: Subject, label: Label, now: Micros): Condition[] {
  const found: Condition[] = []
  let decided = false
  const ask = (
    condition: ConditionName,
    applies: boolean,
    met: () => boolean,
    detail: string,
    ends = false,
  ) => {
    if (decided || !applies) found.push({ condition, verdict: 'not-asked', detail })
    else {
      const yes = met()
      found.push({ condition, verdict: yes ? 'met' : 'failed', detail })
      decided = !yes || ends
    }
  }
  const { principal, organization } = subject
  const { level, releasableTo, notReleasableTo } = label
  const red = level === 'red'
  const named = red && (releasableTo?.persons ?? []).includes(principal.id)
  const own = label.org === organization.id
  const top = ceiling(topology, subject, named)
  ask('clearance', level !== 'clear', () => rank(level) <= rank(top), `it may read up to ${top}`)
  ask(
    'own-organization',
    own,
    () => !red || named || principal.custodian,
    red
      ? `RED of ${label.org} is for its custodians and for persons that the label names`
      : `it is of ${label.org}`,
    true,
  )
  const window = label.notBefore !== undefined || label.notAfter !== undefined
  ask('window', window, () => inWindow(label, now), windowInWords(label))
  ask(
    'not_releasable_to',
    notReleasableTo !== undefined,
    () => !inCountries(notReleasableTo?.countries, organization),
    notReleasableTo ? `not for ${notReleasableTo.countries.join(', ')}` : 'no country is excluded',
  )
  const veto = vetoed(topology, label, organization, now)
  ask('veto', true, () => !veto, `${veto ? 'a' : 'no'} veto in force keeps it away`)
  ask(
    'releasable_to',
    releasableTo !== undefined,
    () => isReleasedTo(topology, label, subject, named),
    releasableTo ? labelInWords({ level, org: label.org, releasableTo }) : 'there is no release list',
  )
  const source = topology.organizations.get(label.org)
  const asked = level !== 'clear'
  if (!asked || !source || level === 'unmarked') {
    const detail = asked ? `it stays with ${label.org}` : 'CLEAR is for everybody'
    ask('channel', true, () => !asked, detail)
    ask('hop', false, () => true, detail)
    return found
  }
  const released = releasableTo !== undefined && isReleasedTo(topology, label, subject, named)
  const adhoc = released && (topology.countries.get(source.country)?.adhocRelease ?? true)
  const way = ways(topology, source, organization, level, now)
  if (adhoc) way.recipient ??= named ? 'named-person' : 'release-list'
  const open = [way.recipient, way.client, way.recipientClient, way.channel].filter((w) => w !== null)
  const any = open.length > 0
  ask(
    'channel',
    true,
    () => any,
    any ? `${[...new Set(open)].join('; ')}` : `nothing leads from ${label.org} to it`,
  )
  const rule = hop(label, way, named)
  ask(
    'hop',
    true,
    () => rule !== null,
    rule ?? `what leads to it does not carry ${level.toUpperCase()} this far`,
  )
  return found
}

function windowInWords({ notBefore, notAfter }: Label): string {
  const at = (time: number) => formatMicros(BigInt(time))
  const words = [
    ...(notBefore === undefined ? [] : [`from ${at(notBefore)}`]),
    ...(notAfter === undefined ? [] : [`until ${at(notAfter)}`]),
  ]
  return words.join(' ') || 'at any time'
}

/** What else must admit: parts and references that may be taken out, and later versions. */
function rest(
  topology: Topology,
  subject: Subject,
  record: AudienceRecord,
  now: Micros,
  submitter: boolean,
): Condition[] {
  const { any = [], later = [] } = record
  const on = (own: Label[], parts?: Label[][][]) =>
    decide(topology, subject, { own, ...(parts && { any: parts }), submitter: '' }, now)
  const stuck = submitter
    ? undefined
    : any.find((clause) => !clause.some((labels) => labels.length === 0 || on(labels).yes))
  const due = later.filter((need) => need.at === undefined || BigInt(need.at) <= now)
  const shut = submitter ? undefined : due.find((need) => !on(need.labels, need.any).yes)
  const shutBy = shut && (on(shut.labels, shut.any).label ?? strictest(shut.labels))
  return [
    {
      condition: 'parts',
      verdict: any.length === 0 || submitter ? 'not-asked' : stuck ? 'failed' : 'met',
      detail: any.length === 0 ? 'no part stands apart' : 'of what may be taken out, enough must be left',
    },
    {
      condition: 'later-version',
      verdict: due.length === 0 || submitter ? 'not-asked' : shut ? 'failed' : 'met',
      detail: shutBy
        ? `a later version has ${labelInWords(shutBy)}`
        : due.length === 0
          ? 'no later version has another label'
          : 'the later version admits it too',
    },
  ]
}
