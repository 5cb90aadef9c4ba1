/** `permit()` against the policy's cases and, over an enumerated and a random small world, against the reference. */
import fc from 'fast-check'
import { test } from 'tap'
import type { AudienceRecord, Label, Level, Subject, Tlp, Topology } from '../../src/policy/model.ts'
import { permit } from '../../src/policy/permit.ts'
import type { Micros } from '../../src/time.ts'
import { instant, maybe, randomAudience, randomWorld, tlp } from '../matrix/random.ts'
import { columnsOf, mayRead } from '../matrix/reference.ts'
import {
  audienceOf,
  type CaseFile,
  labelOf,
  matrixFile,
  type Overrides,
  readersOf,
  subjectOf,
  time,
  topologyOf,
  vetoOf,
  type WorldFile,
} from '../matrix/world.ts'

interface Enumeration {
  labels: {
    level: Level[]
    org: string[]
    releasable_to: (Label['releasableTo'] | null)[]
    not_releasable_to: ({ countries: string[] } | null)[]
    clients: ('denied' | null)[]
    window: [string | null, string | null][]
  }
  submitters: string[]
  caps: (Tlp | null)[]
  times: string[]
  agreement_sweep: {
    from: string[]
    to: string[]
    max_tlp: Tlp[]
    recipients: ('national-cert' | 'all')[]
    clients: boolean[]
    validity: [string | null, string | null][]
    signed: ('both' | 'from' | 'to' | 'none')[]
    originators: string[]
    levels: Level[]
    persons: string[]
    readers: string[]
    now: string
    adhoc_release: boolean[]
  }
  veto_sweep: {
    country: string[]
    to: (string[] | null)[]
    level: (Tlp | null)[]
    named: (string | null)[]
    validity: [string | null, string | null][]
    originators: string[]
    names: (string[] | null)[]
    persons: string[]
    readers: string[]
    times: string[]
    opted_out: string[][]
  }
}

const world = matrixFile<WorldFile>('world.json')
const cases = matrixFile<CaseFile[]>('cases.json')
const topologies = matrixFile<({ name: string } & Overrides)[]>('topologies.json')
const enumeration = matrixFile<Enumeration>('enumeration.json')

const DEFAULT_NOW = '2026-05-01T00:00:00Z'
const SHOWN = 20

/** Compares the two on every question put to it and keeps the first disagreements in full. */
class Comparison {
  decisions = 0
  yes = 0
  disagreements = 0
  readonly shown: unknown[] = []

  ask(
    where: string,
    topology: Topology,
    reader: Subject | null,
    audience: AudienceRecord,
    now: Micros,
  ): void {
    this.decisions += 1
    const expected = mayRead(topology, reader, audience, now)
    if (expected) this.yes += 1
    const got = permit(topology, reader, audience, now)
    if (got === expected) return
    this.disagreements += 1
    if (this.shown.length < SHOWN) this.shown.push(describe(where, topology, reader, audience, now, expected))
  }
}

function describe(
  where: string,
  topology: Topology,
  reader: Subject | null,
  audience: AudienceRecord,
  now: Micros,
  expected: boolean,
): unknown {
  return {
    where,
    reader: reader && {
      id: reader.principal.id,
      organization: reader.organization.id,
      country: reader.organization.country,
      cap: reader.cap,
    },
    audience,
    now: now.toString(),
    columns:
      reader && audience.own.map((label) => [...columnsOf({ topology, reader, label, now })].join(' ')),
    policy: expected,
    permit: !expected,
  }
}

function* labelsOf(e: Enumeration['labels']): Generator<Label> {
  for (const level of e.level)
    for (const org of e.org)
      for (const releasable_to of e.releasable_to)
        for (const not_releasable_to of e.not_releasable_to)
          for (const clients of e.clients)
            for (const [not_before, not_after] of e.window)
              yield labelOf({ level, org, releasable_to, not_releasable_to, clients, not_before, not_after })
}

function summary(comparison: Comparison, started: number): string {
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  const { decisions, yes, disagreements } = comparison
  return `${decisions} decisions (${yes} yes), ${disagreements} disagreements, ${seconds} s`
}

test('the cases of the policy, by permit() and by the reference', async (t) => {
  let decisions = 0
  for (const c of cases) {
    const topology = topologyOf(world, c.world)
    const audience = audienceOf(c)
    const now = time(c.now ?? DEFAULT_NOW)
    const expectations = [...c.yes.map((r) => [r, true] as const), ...c.no.map((r) => [r, false] as const)]
    const wrong: string[] = []
    for (const [reader, expected] of expectations) {
      decisions += 1
      const subject = subjectOf(topology, reader)
      if (permit(topology, subject, audience, now) !== expected)
        wrong.push(`permit(${reader}) is ${!expected}`)
      if (mayRead(topology, subject, audience, now) !== expected)
        wrong.push(`the reference for ${reader} is ${!expected}`)
    }
    t.strictSame(wrong, [], `${c.name} [${c.clause}]`)
  }
  t.comment(`${cases.length} cases, ${decisions} decisions`)
})

test('every label, reader, cap and time of the small world', async (t) => {
  const started = performance.now()
  const comparison = new Comparison()
  const labels = [...labelsOf(enumeration.labels)]
  const times = enumeration.times.map(time)
  for (const { name, ...overrides } of topologies) {
    const topology = topologyOf(world, overrides)
    const readers = readersOf(topology, enumeration.caps)
    labels.forEach((label, index) => {
      // Submitter, latest version and hold rotate along the labels, with periods that share no factor.
      const submitter = enumeration.submitters[index % enumeration.submitters.length] as string
      const other = labels[(index * 7919 + 11) % labels.length] as Label
      const audience: AudienceRecord = { own: [label], submitter }
      if (index % 7 === 3) audience.later = [{ labels: [other] }]
      if (index % 7 === 5) audience.later = [{ labels: [other], at: Number(times[1]) }]
      if (index % 11 === 4) audience.held = true
      for (const reader of readers) {
        // A window or an agreement changes with time; without either one time says it all.
        for (const now of label.notBefore === undefined && index % 3 ? times.slice(0, 1) : times) {
          comparison.ask(name, topology, reader, audience, now)
        }
      }
    })
  }
  t.strictSame(comparison.shown, [])
  t.ok(comparison.decisions >= 200_000, 'a world worth the name')
  t.comment(summary(comparison, started))
})

test('every pair of labels, joined', async (t) => {
  const started = performance.now()
  const comparison = new Comparison()
  const { labels: dimensions } = enumeration
  const bare = {
    ...dimensions,
    not_releasable_to: [null],
    clients: [null],
    window: [dimensions.window[0] as [null, null]],
  }
  const labels = [...labelsOf(bare)]
  const topology = topologyOf(world)
  const readers = readersOf(topology, [null])
  for (const a of labels)
    for (const b of labels) {
      const submitter = a.org === 'mycert' ? 'mycert-ann' : 'frcert-ann'
      for (const reader of readers)
        comparison.ask('pairs', topology, reader, { own: [a, b], submitter }, time(DEFAULT_NOW))
    }
  t.strictSame(comparison.shown, [])
  t.comment(summary(comparison, started))
})

test('every agreement: from, to, level, recipients, clients, validity, signatures', async (t) => {
  const started = performance.now()
  const comparison = new Comparison()
  const sweep = enumeration.agreement_sweep
  const now = time(sweep.now)
  const signatures = { both: [true, true], from: [true, false], to: [false, true], none: [false, false] }
  const audiences: AudienceRecord[] = sweep.originators.flatMap((org) =>
    sweep.levels.map((level) => ({
      own: [{ level, org, ...(level === 'red' ? { releasableTo: { persons: sweep.persons } } : {}) }],
      submitter: 'nobody',
    })),
  )
  const base = topologyOf(world, { agreements: [], baseline: { max_tlp: 'green', members: [] } })
  const noAdhoc = topologyOf(world, {
    countries: world.countries.map((c) => ({ ...c, adhoc_release: false })),
  }).countries
  const readers = sweep.readers.map((r) => subjectOf(base, r))
  for (const from of sweep.from)
    for (const to of sweep.to)
      for (const maxTlp of sweep.max_tlp)
        for (const recipients of sweep.recipients)
          for (const clients of sweep.clients)
            for (const [validFrom, validUntil] of sweep.validity)
              for (const signed of sweep.signed) {
                if (signed !== 'both' && validFrom) continue
                const [giver, taker] = signatures[signed]
                const agreement = {
                  source: from,
                  target: to,
                  maxTlp,
                  recipients,
                  clients,
                  validFrom: validFrom ? time(validFrom) : null,
                  validUntil: validUntil ? time(validUntil) : null,
                  signed: [...(giver ? [from] : []), ...(taker ? [to] : [])],
                }
                for (const adhoc of sweep.adhoc_release) {
                  const topology: Topology = {
                    ...base,
                    countries: adhoc ? base.countries : noAdhoc,
                    agreements: [agreement],
                  }
                  for (const audience of audiences)
                    for (const reader of readers)
                      comparison.ask(`${from} to ${to}`, topology, reader, audience, now)
                }
              }
  t.strictSame(comparison.shown, [])
  t.comment(summary(comparison, started))
})

test('every veto and opt-out: country, level, name, time, over every label, relation and reader', async (t) => {
  const started = performance.now()
  const comparison = new Comparison()
  const sweep = enumeration.veto_sweep
  const times = sweep.times.map(time)
  const vetoes = sweep.country.flatMap((country) =>
    sweep.to.flatMap((to) =>
      sweep.level.flatMap((level) =>
        sweep.named.flatMap((named) =>
          sweep.validity.map(([from, until]) =>
            vetoOf({
              country,
              ...(to && { to }),
              ...(level && { level }),
              ...(named && { named }),
              ...(from && { valid_from: from }),
              ...(until && { valid_until: until }),
            }),
          ),
        ),
      ),
    ),
  )
  const audiences: AudienceRecord[] = sweep.originators.flatMap((org) =>
    enumeration.labels.level.flatMap((level) =>
      sweep.names.map((named) => ({
        own: [
          labelOf({
            level,
            org,
            named,
            ...(level === 'red' && { releasable_to: { persons: sweep.persons } }),
          }),
        ],
        submitter: 'nobody',
      })),
    ),
  )
  const base = topologyOf(world)
  const readers = [null, ...sweep.readers.map((r) => subjectOf(base, r))]
  let taken = 0
  for (const veto of vetoes) {
    const topology: Topology = { ...base, vetoes: [veto] }
    for (const audience of audiences)
      for (const reader of readers)
        for (const now of veto.validFrom === null && veto.validUntil === null ? times.slice(0, 1) : times) {
          comparison.ask(`veto of ${veto.country}`, topology, reader, audience, now)
          const [before, after] = [
            permit(base, reader, audience, now),
            permit(topology, reader, audience, now),
          ]
          if (after && !before) throw new Error('a veto let somebody in')
          if (before && !after) taken += 1
        }
  }
  for (const optedOut of sweep.opted_out) {
    const topology: Topology = { ...base, baseline: { ...base.baseline, optedOut: new Set(optedOut) } }
    for (const audience of audiences)
      for (const reader of readers)
        comparison.ask('opted out', topology, reader, audience, times[0] as Micros)
  }
  t.strictSame(comparison.shown, [])
  t.ok(taken > 1000, `${taken} readers lost by a veto`)
  t.comment(summary(comparison, started))
})

test('random worlds and labels', async (t) => {
  const started = performance.now()
  const comparison = new Comparison()
  let worlds = 0
  fc.assert(
    fc.property(
      randomWorld,
      fc.array(randomAudience, { minLength: 4, maxLength: 8 }),
      maybe(tlp),
      instant,
      (topology, audiences, cap, now) => {
        worlds += 1
        const readers = readersOf(topology, [cap])
        for (const audience of audiences)
          for (const reader of readers) comparison.ask('random', topology, reader, audience, BigInt(now))
      },
    ),
    { numRuns: 3000 },
  )
  t.strictSame(comparison.shown, [])
  t.ok(worlds >= 2000)
  t.comment(`${worlds} worlds, ${summary(comparison, started)}`)
})
