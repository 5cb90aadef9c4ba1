/** Random small worlds, labels and audiences for fast-check: six organizations in three countries and in none. */
import fc from 'fast-check'
import {
  type AudienceRecord,
  type Label,
  type Level,
  type Principal,
  TLPS,
  type Topology,
  type Veto,
} from '../../src/policy/model.ts'

export const COUNTRIES = ['MY', 'SG', 'FR', 'ZZ'] as const
export const ORGS = ['a', 'b', 'c', 'd', 'e', 'f'] as const
export const COMMUNITIES = ['x', 'y'] as const
export const PERSONS = ORGS.flatMap((o) => [`${o}1`, `${o}2`])

export const tlp = fc.constantFrom(...TLPS)
/** The value, or null `absent` times as often. */
export const maybe = <T>(value: fc.Arbitrary<T>, absent = 1): fc.Arbitrary<T | null> =>
  fc.oneof({ weight: absent, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: value })
export const some = <T>(values: readonly T[], maxLength = 3) =>
  fc.subarray([...values], { maxLength: Math.min(maxLength, values.length) })
/** Times of the random worlds: 0 to 6 microseconds after the epoch. */
export const instant = fc.integer({ min: 0, max: 6 })

/** Ids that vetoes and labels of the random worlds name. */
export const NAMES = ['indicator--1', 'marking-definition--2'] as const

export const randomVeto: fc.Arbitrary<Veto> = fc
  .record({
    country: fc.constantFrom(...COUNTRIES),
    to: maybe(some(COUNTRIES, 2), 1),
    level: maybe(tlp, 1),
    named: maybe(fc.constantFrom(...NAMES), 1),
    validFrom: maybe(instant, 2),
    validUntil: maybe(instant, 2),
  })
  .map((v) => ({
    ...v,
    id: 'veto',
    by: 'a',
    validFrom: v.validFrom === null ? null : BigInt(v.validFrom),
    validUntil: v.validUntil === null ? null : BigInt(v.validUntil),
  }))

export const randomWorld: fc.Arbitrary<Topology> = fc
  .record({
    countries: fc.tuple(
      ...COUNTRIES.map(() => fc.record({ clearance: maybe(tlp, 3), adhocRelease: fc.boolean() })),
    ),
    organizations: fc.tuple(
      ...ORGS.map(() =>
        fc.record({
          country: fc.constantFrom(...COUNTRIES),
          kind: fc.constantFrom('national-cert', 'organization', 'international'),
          clearance: maybe(tlp, 4),
          clients: some(ORGS),
        }),
      ),
    ),
    communities: fc.tuple(...COMMUNITIES.map(() => some(ORGS, 4))),
    principals: fc.tuple(
      ...PERSONS.map(() =>
        fc.record({
          kind: fc.constantFrom('person', 'person', 'service'),
          clearance: maybe(tlp, 4),
          custodian: fc.boolean(),
          active: fc.constantFrom(true, true, true, false),
        }),
      ),
    ),
    agreements: fc.array(
      fc.record({
        source: fc.constantFrom(...ORGS, ...COUNTRIES),
        target: fc.constantFrom(...ORGS, ...COUNTRIES, ...COMMUNITIES),
        maxTlp: tlp,
        recipients: fc.constantFrom('national-cert', 'all'),
        clients: fc.boolean(),
        validFrom: maybe(instant, 2),
        validUntil: maybe(instant, 2),
        unsigned: fc.constantFrom('none', 'none', 'none', 'source', 'target'),
      }),
      { maxLength: 6 },
    ),
    vetoes: fc.array(randomVeto, { maxLength: 2 }),
    baseline: fc.record({
      maxTlp: tlp,
      members: maybe(some([...ORGS, ...COUNTRIES], 5)),
      optedOut: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, some([...ORGS, ...COUNTRIES], 2)),
    }),
  })
  .map((w) => ({
    countries: new Map(
      w.countries.map((c, i) => [COUNTRIES[i] as string, { code: COUNTRIES[i] as string, ...c }]),
    ),
    organizations: new Map(
      w.organizations.map((o, i) => {
        const id = ORGS[i] as string
        return [
          id,
          {
            ...o,
            id,
            name: id,
            kind: o.kind as 'organization',
            clients: new Set(o.clients.filter((c) => c !== id)),
          },
        ]
      }),
    ),
    communities: new Map(
      w.communities.map((m, i) => {
        const id = COMMUNITIES[i] as string
        return [id, { id, title: id, members: new Set<string>(m) }]
      }),
    ),
    principals: new Map(
      w.principals.map((p, i) => {
        const id = PERSONS[i] as string
        return [
          id,
          { ...p, id, organization: id.slice(0, 1), kind: p.kind as Principal['kind'], changed: 0n },
        ]
      }),
    ),
    agreements: w.agreements.map(({ unsigned, ...a }) => ({
      ...a,
      recipients: a.recipients as 'all',
      validFrom: a.validFrom === null ? null : BigInt(a.validFrom),
      validUntil: a.validUntil === null ? null : BigInt(a.validUntil),
      signed: [...(unsigned === 'source' ? [] : [a.source]), ...(unsigned === 'target' ? [] : [a.target])],
    })),
    vetoes: w.vetoes,
    baseline: {
      optedOut: new Set<string>(w.baseline.optedOut),
      maxTlp: w.baseline.maxTlp,
      members: w.baseline.members === null ? null : new Set<string>(w.baseline.members),
    },
  }))

export const randomLabel: fc.Arbitrary<Label> = fc
  .record({
    level: fc.constantFrom<Level>('clear', 'green', 'amber', 'amber', 'amber+strict', 'red', 'unmarked'),
    org: fc.constantFrom(...ORGS, ''),
    releasableTo: maybe(
      fc.record(
        {
          countries: some(COUNTRIES),
          communities: some(COMMUNITIES),
          organizations: some(ORGS),
          persons: some(PERSONS, 5),
        },
        { requiredKeys: [] },
      ),
    ),
    notReleasableTo: maybe(fc.record({ countries: some(COUNTRIES) }), 3),
    clients: maybe(fc.constantFrom<'denied' | 'allowed'>('denied', 'allowed'), 2),
    notBefore: maybe(instant, 4),
    notAfter: maybe(instant, 4),
    named: maybe(some(NAMES), 2),
  })
  .map((l) => Object.fromEntries(Object.entries(l).filter(([, value]) => value !== null)) as unknown as Label)

/** A list of lists, of which one must admit whole: parts and references that may be taken out (§5, §6). */
export const randomClause: fc.Arbitrary<Label[][]> = fc.array(
  fc.array(randomLabel, { minLength: 1, maxLength: 2 }),
  { minLength: 1, maxLength: 3 },
)

const randomClauses = maybe(fc.array(randomClause, { minLength: 1, maxLength: 2 }), 2)

/**
 * Labels of one originator in most audiences, as most objects have; of several as references join them (§6), where
 * the record says who sent it. Without that the labels tell.
 */
export const randomAudience: fc.Arbitrary<AudienceRecord> = fc
  .record({
    own: fc.array(randomLabel, { minLength: 1, maxLength: 3 }),
    any: randomClauses,
    later: maybe(
      fc.array(
        fc.record({
          labels: fc.array(randomLabel, { maxLength: 2 }),
          any: randomClauses,
          at: maybe(instant),
        }),
        { minLength: 1, maxLength: 2 },
      ),
      1,
    ),
    held: fc.constantFrom(false, false, false, true),
    submitter: fc.constantFrom(...PERSONS),
    single: fc.constantFrom(true, true, false),
    origin: maybe(fc.constantFrom('its own', 'its own', ...ORGS)),
  })
  .map(({ own, any, later, held, submitter, single, origin }) => {
    const org = own[0]?.org ?? ''
    const one = (labels: Label[]) => (single ? labels.map((l) => ({ ...l, org })) : labels)
    const each = (clauses: Label[][][]) => clauses.map((clause) => clause.map(one))
    return {
      own: one(own),
      ...(any ? { any: each(any) } : {}),
      submitter,
      ...(origin ? { origin: origin === 'its own' ? org : origin } : {}),
      ...(later
        ? {
            later: later.map((l) => ({
              labels: one(l.labels),
              ...(l.any ? { any: each(l.any) } : {}),
              ...(l.at === null ? {} : { at: l.at }),
            })),
          }
        : {}),
      ...(held ? { held } : {}),
    }
  })
