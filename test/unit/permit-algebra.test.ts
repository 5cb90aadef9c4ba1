/**
 * Algebra of `permit()` (policy.md §11, proof 3): what tightens never adds a reader, joining labels is union.
 *
 * What the table of §3 makes true, and what it does not:
 * - a level raised along CLEAR < GREEN < AMBER < AMBER+STRICT < RED adds nobody but persons named for RED, whose
 *   names count at no other level; `unmarked` admits nobody that AMBER+STRICT would not;
 * - a label, a later version, `not_releasable_to`, `clients: denied` and a window only take readers away;
 * - `releasable_to` written into a label is a limit and an ad-hoc agreement (§4): it adds whom it names and nobody
 *   else, and where ad-hoc release is disabled it adds nobody below RED.
 */
import fc from 'fast-check'
import { type Test, test } from 'tap'
import {
  type Agreement,
  type AudienceRecord,
  type Country,
  type Label,
  type Level,
  type Organization,
  type Principal,
  rank,
  type Subject,
  TLPS,
  type Tlp,
  type Topology,
  type Veto,
} from '../../src/policy/model.ts'
import { permit } from '../../src/policy/permit.ts'
import {
  COUNTRIES,
  instant,
  maybe,
  NAMES,
  ORGS,
  PERSONS,
  randomAudience,
  randomLabel,
  randomVeto,
  randomWorld,
  some,
  tlp,
} from '../matrix/random.ts'
import { subjectOf } from '../matrix/world.ts'

interface Scene {
  topology: Topology
  audience: AudienceRecord
  cap: Tlp | null
  now: number
}

const scene: fc.Arbitrary<Scene> = fc.record({
  topology: randomWorld,
  audience: randomAudience,
  cap: maybe(tlp, 4),
  now: instant,
})

/** One bare label, no baseline: where agreements decide. */
const bareScene: fc.Arbitrary<Scene> = fc
  .record({ scene, level: fc.constantFrom<Level>('green', 'amber', 'amber', 'amber+strict') })
  .map(({ scene: { topology, audience, now }, level }) => ({
    topology: { ...topology, baseline: { maxTlp: 'green', members: new Set(), optedOut: new Set() } },
    audience: { own: [{ level, org: audience.own[0]?.org || 'a' }], submitter: 'nobody' },
    cap: null,
    now,
  }))

/** One label of little strictness, much of it shared, and one veto of its originator's country. */
const vetoScene: fc.Arbitrary<Scene> = fc
  .record({ scene, veto: randomVeto, level: fc.constantFrom<Level>('clear', 'green'), named: some(NAMES) })
  .map(({ scene: { topology, audience, now }, veto, level, named }) => {
    const org = audience.own[0]?.org || 'a'
    const country = topology.organizations.get(org)?.country ?? 'MY'
    const baseline = { maxTlp: 'green' as const, members: null, optedOut: new Set<string>() }
    return {
      topology: { ...topology, baseline, vetoes: [{ ...veto, country }] },
      audience: { own: [{ level, org, named }], submitter: 'nobody' },
      cap: null,
      now,
    }
  })

const RUNS = 2000
const READERS = ['anonymous', ...PERSONS]

function reads(s: Scene, reader: string): boolean {
  return permit(s.topology, subject(s, reader), s.audience, BigInt(s.now))
}

function subject(s: Scene, reader: string): Subject | null {
  const found = subjectOf(s.topology, reader)
  return found && { ...found, cap: s.cap }
}

function show(s: Scene, reader: string): string {
  const text = (_: string, value: unknown) =>
    value instanceof Map || value instanceof Set ? [...value] : typeof value === 'bigint' ? `${value}` : value
  return `${reader} in ${JSON.stringify(s, text)}`
}

/**
 * Checks that a change adds no reader, save those `except` allows, and that it is not an idle one.
 * @param change from a scene and a random choice to the tighter scene; null when it does not apply
 */
function tightens<T>(
  t: Test,
  choice: fc.Arbitrary<T>,
  change: (s: Scene, c: T) => Scene | null,
  except: (s: Scene, reader: string, c: T) => boolean = () => false,
  scenes: fc.Arbitrary<Scene> = scene,
): void {
  let kept = 0
  let lost = 0
  fc.assert(
    fc.property(scenes, choice, (before, c) => {
      const after = change(before, c)
      if (!after) return
      for (const reader of READERS) {
        const was = reads(before, reader)
        const is = reads(after, reader)
        if (is && !was && !except(before, reader, c)) throw new Error(`added ${show(after, reader)}`)
        if (was && is) kept += 1
        if (was && !is) lost += 1
      }
    }),
    { numRuns: RUNS },
  )
  t.ok(kept > 0, `${kept} readers kept`)
  t.ok(lost > 0, `${lost} readers lost`)
}

/** Checks that a change is none to any reader. */
function changesNothing<T>(t: Test, choice: fc.Arbitrary<T>, change: (s: Scene, c: T) => Scene): void {
  let yes = 0
  fc.assert(
    fc.property(scene, choice, (before, c) => {
      const after = change(before, c)
      for (const reader of READERS) {
        const was = reads(before, reader)
        if (reads(after, reader) !== was) throw new Error(`changed for ${show(after, reader)}`)
        if (was) yes += 1
      }
    }),
    { numRuns: RUNS },
  )
  t.ok(yes > 0, `${yes} readers`)
}

const nothing = fc.constant(null)
const index = fc.nat({ max: 11 })

/** Changes one label of the version, or of a later one. */
function relabel(s: Scene, at: number, change: (label: Label) => Label): Scene {
  const slots = [s.audience.own, ...(s.audience.later ?? []).map((l) => l.labels)]
  const total = slots.reduce((n, labels) => n + labels.length, 0)
  let count = 0
  const apply = (labels: Label[]) => labels.map((l) => (count++ === at % total ? change(l) : l))
  const own = apply(s.audience.own)
  const later = s.audience.later?.map((l) => ({ ...l, labels: apply(l.labels) }))
  return { ...s, audience: { ...s.audience, own, ...(later ? { later } : {}) } }
}

function without<K extends keyof Label>(label: Label, key: K): Omit<Label, K> {
  const { [key]: _, ...rest } = label
  return rest
}

// --- labels ------------------------------------------------------------------------------------------------

test('a label joined to a version adds no reader', async (t) => {
  tightens(t, randomLabel, (s, label) => ({
    ...s,
    audience: { ...s.audience, own: [...s.audience.own, label] },
  }))
})

test('a label of the same originator joined to a version adds no reader', async (t) => {
  tightens(t, randomLabel, (s, l) => {
    const label = { ...l, org: s.audience.own[0]?.org ?? '' }
    return { ...s, audience: { ...s.audience, own: [label, ...s.audience.own] } }
  })
})

test('a later version adds no reader, nor does the end of its embargo', async (t) => {
  tightens(
    t,
    fc.record({ labels: fc.array(randomLabel, { minLength: 1, maxLength: 2 }), at: instant }),
    (s, l) => ({
      ...s,
      audience: { ...s.audience, later: [...(s.audience.later ?? []), l] },
    }),
  )
  tightens(t, nothing, (s) => {
    const later = s.audience.later?.map(({ at: _, ...demand }) => demand)
    return later ? { ...s, audience: { ...s.audience, later } } : null
  })
})

test('what is under embargo is for nobody without credentials, whoever its labels are of', async (t) => {
  const [{ topology }] = fc.sample(scene, 1) as [Scene]
  const own: Label[] = [
    { level: 'clear', org: 'a' },
    { level: 'clear', org: 'b' },
  ]
  t.notOk(permit(topology, null, { own, submitter: 'a1', held: true }, 0n))
  t.ok(permit(topology, null, { own, submitter: 'a1' }, 0n) || topology.vetoes.length > 0)
})

test('a version that is held has no other readers than before', async (t) => {
  tightens(t, nothing, (s) => (s.audience.held ? null : { ...s, audience: { ...s.audience, held: true } }))
})

test('order and duplicates of labels do not matter', async (t) => {
  changesNothing(t, fc.array(index, { minLength: 1, maxLength: 4 }), (s, picks) => {
    const shuffle = <T>(list: readonly T[]): T[] => {
      const doubled = [
        ...list,
        ...picks.flatMap((p) => (list.length > 0 ? [list[p % list.length] as T] : [])),
      ]
      return doubled.map((_, i) => doubled[(i + (picks[0] ?? 0)) % doubled.length] as T).reverse()
    }
    const later =
      s.audience.later && shuffle(s.audience.later).map((l) => ({ ...l, labels: shuffle(l.labels) }))
    const audience = { ...s.audience, own: shuffle(s.audience.own), ...(later ? { later } : {}) }
    return { ...s, audience }
  })
})

test('a version of several labels has the readers that each of them has', async (t) => {
  let yes = 0
  fc.assert(
    fc.property(scene, (s) => {
      for (const reader of READERS) {
        // The right to read back goes with the version as a whole, the hold with its one originator.
        if (reader === s.audience.submitter || s.audience.held) continue
        const { own, any = [], later = [] } = s.audience
        const alone = (labels: Label[]) =>
          labels.every((label) => reads({ ...s, audience: { own: [label], submitter: 'nobody' } }, reader))
        const due = later.filter((l) => l.at === undefined || l.at <= s.now)
        const left = (clauses: Label[][][]) => clauses.every((clause) => clause.some(alone))
        const each = alone(own) && left(any) && due.every((l) => alone(l.labels) && left(l.any ?? []))
        if (reads(s, reader) !== each) throw new Error(`not the join: ${show(s, reader)}`)
        if (each) yes += 1
      }
    }),
    { numRuns: RUNS },
  )
  t.ok(yes > 0, `${yes} readers`)
})

// --- levels ------------------------------------------------------------------------------------------------

test('a level raised by one adds nobody but persons named for RED', async (t) => {
  const raise = (level: Level): Level =>
    level === 'unmarked' ? 'unmarked' : (TLPS[rank(level) + 1] ?? 'red')
  tightens(
    t,
    index,
    (s, at) => relabel(s, at, (label) => ({ ...label, level: raise(label.level) })),
    (s, reader, at) => {
      let named = false
      relabel(s, at, (label) => {
        named = label.level === 'amber+strict' && (label.releasableTo?.persons ?? []).includes(reader)
        return label
      })
      return named
    },
  )
})

test('any two levels, the higher has no other reader than the lower, RED apart', async (t) => {
  tightens(
    t,
    fc.record({
      at: index,
      low: fc.constantFrom<Tlp>('clear', 'green', 'amber', 'amber+strict'),
      up: fc.nat({ max: 2 }),
    }),
    (s, { at, low, up }) => {
      const high = TLPS[Math.min(rank(low) + up, 3)] as Tlp
      // Only where the label is at `low`, so that before and after differ in the level alone.
      let met = false
      const after = relabel(s, at, (label) => {
        met = label.level === low
        return { ...label, level: high }
      })
      return met ? after : null
    },
  )
})

test('unmarked has no other reader than AMBER+STRICT', async (t) => {
  tightens(t, index, (s, at) => {
    let met = false
    const after = relabel(s, at, (label) => {
      met = label.level === 'amber+strict'
      return { ...label, level: 'unmarked' }
    })
    return met ? after : null
  })
})

// --- conditions --------------------------------------------------------------------------------------------

test('not_releasable_to adds no reader, and takes away that country only', async (t) => {
  const country = fc.constantFrom(...COUNTRIES)
  const ban = (s: Scene, { at, code }: { at: number; code: string }) =>
    relabel(s, at, (label) => ({
      ...label,
      notReleasableTo: { countries: [...(label.notReleasableTo?.countries ?? []), code] },
    }))
  tightens(t, fc.record({ at: index, code: country }), ban)
  fc.assert(
    fc.property(scene, fc.record({ at: index, code: country }), (before, c) => {
      const after = ban(before, c)
      for (const reader of PERSONS) {
        const own = before.topology.organizations.get(reader.slice(0, 1))?.country
        if (own === c.code && own !== 'ZZ') continue
        if (reads(before, reader) !== reads(after, reader))
          throw new Error(`changed for ${show(after, reader)}`)
      }
    }),
    { numRuns: RUNS },
  )
})

test('clients: denied adds no reader', async (t) => {
  tightens(t, index, (s, at) => relabel(s, at, (label) => ({ ...label, clients: 'denied' })))
})

test('a window adds no reader, narrower ones have fewer', async (t) => {
  tightens(t, fc.record({ at: index, from: instant, to: instant }), (s, { at, from, to }) =>
    relabel(s, at, (label) => ({
      ...label,
      notBefore: Math.max(from, label.notBefore ?? from),
      notAfter: Math.min(to, label.notAfter ?? to),
    })),
  )
})

test('a window that is open is as none', async (t) => {
  changesNothing(
    t,
    fc.record({ at: index, before: fc.nat({ max: 3 }), after: fc.integer({ min: 1, max: 4 }) }),
    (s, c) =>
      relabel(s, c.at, (label) => ({
        ...label,
        notBefore: label.notBefore ?? s.now - c.before,
        notAfter: label.notAfter ?? s.now + c.after,
      })),
  )
})

test('releasable_to adds only whom it names, and where ad-hoc release is disabled nobody below RED', async (t) => {
  const list = fc.record({
    countries: fc.subarray([...COUNTRIES], { maxLength: 2 }),
    organizations: fc.subarray([...ORGS], { maxLength: 2 }),
    persons: fc.subarray(PERSONS, { maxLength: 3 }),
  })
  tightens(
    t,
    fc.record({ at: index, list }),
    (s, { at, list }) => relabel(s, at, (label) => ({ ...label, releasableTo: label.releasableTo ?? list })),
    (s, reader, { at, list }) => {
      const organization = s.topology.organizations.get(reader.slice(0, 1))
      let level: Level = 'clear'
      let adhoc = true
      relabel(s, at, (label) => {
        level = label.level
        const origin = s.topology.organizations.get(label.org)
        adhoc =
          !origin ||
          origin.country === 'ZZ' ||
          s.topology.countries.get(origin.country)?.adhocRelease !== false
        return label
      })
      if ((level as Level) === 'red') return list.persons.includes(reader)
      if (!organization || !adhoc) return false
      const inCountry =
        organization.country !== 'ZZ' && (list.countries as string[]).includes(organization.country)
      return inCountry || (list.organizations as string[]).includes(organization.id)
    },
  )
})

test('a name struck from a release list adds no reader', async (t) => {
  tightens(t, fc.record({ at: index, keep: fc.nat({ max: 1 }) }), (s, { at, keep }) =>
    relabel(s, at, (label) => {
      if (!label.releasableTo) return label
      const strike = ([key, names]: [string, string[]]) => [
        key,
        names.slice(0, Math.min(keep, names.length - 1)),
      ]
      const lists = Object.entries(label.releasableTo).filter(([, names]) => names.length > 0)
      return { ...without(label, 'releasableTo'), releasableTo: Object.fromEntries(lists.map(strike)) }
    }),
  )
})

// --- readers -----------------------------------------------------------------------------------------------

test('a lower cap adds no reader, and a cap gives nothing that none has not', async (t) => {
  tightens(t, tlp, (s, cap) => (s.cap !== null && rank(cap) > rank(s.cap) ? null : { ...s, cap }))
})

test('a lower clearance of principal, organization or country adds no reader', async (t) => {
  const lower = (now: Tlp | null, to: Tlp): Tlp => (now !== null && rank(now) < rank(to) ? now : to)
  const every = <V extends { clearance: Tlp | null }>(map: ReadonlyMap<string, V>, to: Tlp) =>
    new Map([...map].map(([key, value]) => [key, { ...value, clearance: lower(value.clearance, to) }]))
  tightens(t, tlp, (s, to) => ({
    ...s,
    topology: { ...s.topology, principals: every(s.topology.principals, to) },
  }))
  tightens(t, tlp, (s, to) => ({
    ...s,
    topology: { ...s.topology, organizations: every(s.topology.organizations, to) },
  }))
  tightens(t, tlp, (s, to) => ({
    ...s,
    topology: { ...s.topology, countries: every(s.topology.countries, to) },
  }))
})

const principals = (s: Scene, change: (p: Principal) => Principal): Scene => ({
  ...s,
  topology: {
    ...s.topology,
    principals: new Map([...s.topology.principals].map(([id, p]) => [id, change(p)])),
  },
})

test('nobody gains by losing the custodian flag, by becoming a service or by being inactive', async (t) => {
  tightens(t, nothing, (s) => principals(s, (p) => ({ ...p, custodian: false })))
  tightens(t, nothing, (s) => principals(s, (p) => ({ ...p, kind: 'service' })))
  tightens(t, index, (s, at) => principals(s, (p) => ({ ...p, active: p.active && p.id !== PERSONS[at] })))
})

test('another submitter changes nothing for anybody but the two', async (t) => {
  fc.assert(
    fc.property(scene, index, (before, at) => {
      const submitter = PERSONS[at] as string
      const after = { ...before, audience: { ...before.audience, submitter } }
      for (const reader of READERS) {
        if (reader === submitter || reader === before.audience.submitter) continue
        if (reads(before, reader) !== reads(after, reader))
          throw new Error(`changed for ${show(after, reader)}`)
      }
    }),
    { numRuns: RUNS },
  )
  t.pass()
})

test('a submitter who leaves its organization has no right that its new colleagues have not', async (t) => {
  tightens(t, nothing, (s) => ({ ...s, audience: { ...s.audience, submitter: 'nobody' } }))
})

// --- agreements --------------------------------------------------------------------------------------------

function agreements(s: Scene, change: (a: Agreement, index: number) => Agreement | null): Scene {
  const changed = s.topology.agreements.map(change).filter((a): a is Agreement => a !== null)
  return { ...s, topology: { ...s.topology, agreements: changed } }
}

test('every modifier of an agreement only takes away', async (t) => {
  const only = <T>(
    choice: fc.Arbitrary<T>,
    change: (a: Agreement, c: T, index: number) => Agreement | null,
  ) => {
    const step = (s: Scene, c: T) => agreements(s, (a, i) => change(a, c, i))
    tightens(t, choice, step, undefined, bareScene)
  }
  only(fc.nat({ max: 1 }), (a, odd, i) => (i % 2 === odd ? null : a))
  only(nothing, (a) => ({ ...a, signed: a.signed.slice(1) }))
  only(nothing, (a) => ({ ...a, clients: false }))
  only(nothing, (a) => ({ ...a, recipients: 'national-cert' }))
  only(tlp, (a, to) => (rank(to) < rank(a.maxTlp) ? { ...a, maxTlp: to } : a))
  only(instant, (a, to) =>
    a.validUntil === null || BigInt(to) < a.validUntil ? { ...a, validUntil: BigInt(to) } : a,
  )
  only(instant, (a, from) =>
    a.validFrom === null || BigInt(from) > a.validFrom ? { ...a, validFrom: BigInt(from) } : a,
  )
})

test('ad-hoc release disabled, a smaller roster, a smaller baseline: nobody is added', async (t) => {
  const countries = (s: Scene, change: (c: Country) => Country) =>
    new Map([...s.topology.countries].map(([code, c]) => [code, change(c)]))
  const organizations = (s: Scene, change: (o: Organization) => Organization) =>
    new Map([...s.topology.organizations].map(([id, o]) => [id, change(o)]))
  tightens(t, nothing, (s) => ({
    ...s,
    topology: { ...s.topology, countries: countries(s, (c) => ({ ...c, adhocRelease: false })) },
  }))
  tightens(t, fc.constantFrom(...ORGS), (s, gone) => ({
    ...s,
    topology: {
      ...s.topology,
      organizations: organizations(s, (o) => ({
        ...o,
        clients: new Set([...o.clients].filter((c) => c !== gone)),
      })),
    },
  }))
  tightens(t, fc.subarray([...ORGS, ...COUNTRIES]), (s, keep) => {
    const now = s.topology.baseline.members
    const members = new Set<string>(keep.filter((name) => now === null || now.has(name)))
    return { ...s, topology: { ...s.topology, baseline: { ...s.topology.baseline, members } } }
  })
})

test('an agreement that somebody else gives changes nothing', async (t) => {
  const given = fc.record({
    source: fc.constantFrom(...ORGS),
    target: fc.constantFrom(...ORGS, ...COUNTRIES),
    clients: fc.boolean(),
  })
  changesNothing(t, given, (s, { source, target, clients }) => {
    const { own, any = [], later = [] } = s.audience
    const demands = later.flatMap((l) => [...l.labels, ...(l.any ?? []).flat(2)])
    const labels = [...own, ...any.flat(2), ...demands]
    if (labels.some((label) => label.org === source)) return s
    const agreement: Agreement = {
      source,
      target,
      clients,
      maxTlp: 'red',
      recipients: 'all',
      validFrom: null,
      validUntil: null,
      signed: [source, target],
    }
    return { ...s, topology: { ...s.topology, agreements: [...s.topology.agreements, agreement] } }
  })
})

test('a veto takes readers away and adds none, and so does each thing less that is said of it', async (t) => {
  const vetoes = (s: Scene, change: (v: Veto[]) => Veto[]): Scene => ({
    ...s,
    topology: { ...s.topology, vetoes: change([...s.topology.vetoes]) },
  })
  tightens(t, randomVeto, (s, veto) => vetoes(s, (list) => [...list, veto]))
  const wider = (change: (v: Veto) => Veto) =>
    tightens(t, nothing, (s) => vetoes(s, (list) => list.map(change)), undefined, vetoScene)
  wider((v) => ({ ...v, to: null }))
  wider((v) => ({ ...v, level: null }))
  wider((v) => ({ ...v, named: null }))
  wider((v) => ({ ...v, validFrom: null, validUntil: null }))
})

test('a label that says more names adds no reader', async (t) => {
  // Few random scenes have a veto that names anything.
  const scenes = fc.oneof(scene, vetoScene)
  const more = fc.record({ at: index, name: fc.constantFrom(...NAMES) })
  const step = (s: Scene, { at, name }: { at: number; name: string }) =>
    relabel(s, at, (label) => ({ ...label, named: [...(label.named ?? []), name] }))
  tightens(t, more, step, undefined, scenes)
})

test('an opt-out adds no reader', async (t) => {
  tightens(t, fc.constantFrom(...ORGS, ...COUNTRIES), (s, who) => {
    const { baseline } = s.topology
    const optedOut = new Set([...baseline.optedOut, who])
    return { ...s, topology: { ...s.topology, baseline: { ...baseline, optedOut } } }
  })
})
