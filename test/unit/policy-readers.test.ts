/** Who reads, in a large exchange: the same as asking permit() for each principal, and fast. */
import { test } from 'tap'
import { explain } from '../../src/policy/explain.ts'
import type { Collection, Label, Organization, Principal, Topology, World } from '../../src/policy/model.ts'
import { TLPS } from '../../src/policy/model.ts'
import { permit } from '../../src/policy/permit.ts'
import { knownTo, partyOf, readersOf, readersWithin } from '../../src/policy/readers.ts'
import { lastWidening } from '../../src/policy/receives.ts'
import { labelInWords, levelOf } from '../../src/policy/words.ts'

const COUNTRIES = Array.from({ length: 50 }, (_, i) => `${'ABCDE'[i % 5]}${'FGHIJKLMNO'[Math.floor(i / 5)]}`)
const organizations: Organization[] = Array.from({ length: 500 }, (_, i) => ({
  id: `org-${i}`,
  name: `Organization ${i}`,
  country: COUNTRIES[i % 50] as string,
  kind: i < 50 ? 'national-cert' : 'organization',
  clearance: null,
  clients: new Set(i < 50 ? [`org-${i + 50}`, `org-${i + 100}`] : []),
}))
const principals: Principal[] = Array.from({ length: 2000 }, (_, i) => ({
  id: `p-${i}`,
  organization: `org-${i % 500}`,
  kind: i % 3 === 0 ? 'service' : 'person',
  clearance: i % 7 === 0 ? 'green' : null,
  custodian: i % 11 === 0,
  active: i % 13 !== 0,
  changed: 0n,
}))
const topology: Topology = {
  countries: new Map(COUNTRIES.map((code) => [code, { code, clearance: null, adhocRelease: true }])),
  organizations: new Map(organizations.map((o) => [o.id, o])),
  communities: new Map([['c', { id: 'c', title: 'C', members: new Set(['org-1', 'org-2', 'org-60']) }]]),
  principals: new Map(principals.map((p) => [p.id, p])),
  agreements: COUNTRIES.flatMap((source, i) =>
    [1, 2, 3, 4].map((k) => ({
      source,
      target: COUNTRIES[(i + k) % 50] as string,
      maxTlp: TLPS[1 + (k % 4)] as Label['level'] as 'green',
      recipients: k % 2 === 0 ? ('all' as const) : ('national-cert' as const),
      clients: k > 2,
      validFrom: null,
      validUntil: null,
      signed: [source, COUNTRIES[(i + k) % 50] as string],
    })),
  ),
  vetoes: [],
  baseline: { maxTlp: 'green', members: null, optedOut: new Set() },
}
const collection: Collection = {
  seq: 1,
  root: 'x',
  id: '0d5e31c5-9b8d-4a7e-8f47-5f0b6a7c8d9e',
  alias: null,
  title: '',
  description: null,
  defaultMarking: null,
  redaction: 'withhold',
  refs: 'closed',
  onConflict: 'fail',
  strict: false,
  stix: ['2.1'],
  quarantine: false,
  public: false,
  grants: [
    { to: COUNTRIES[0] as string, read: true, write: false },
    { to: '*', read: true, write: false },
  ],
  created: 0n,
  match: true,
  matched: true,
}
const world: World = {
  epoch: 1n,
  topology,
  roots: new Map(),
  tokens: new Map(),
  settings: new Map(),
  decisions: new Map(),
  audiences: [],
  audienceCount: 0,
  rewritten: {},
}

const labels: Label[] = [
  ...[...TLPS, 'unmarked' as const].map((level): Label => ({ level, org: 'org-0' })),
  { level: 'amber', org: 'org-0', releasableTo: { communities: ['c'], persons: ['p-3'] } },
  { level: 'red', org: 'org-0', releasableTo: { persons: ['p-1', 'p-500'] } },
]

test('readersOf is permit() for each active principal', async (t) => {
  for (const label of labels) {
    const record = { own: [label], submitter: 'p-1000' }
    const found = readersOf(world, collection, record, 1n)
      .flatMap((r) => r.principals.map((p) => p.id))
      .sort()
    const due = principals
      .filter((principal) => {
        const organization = topology.organizations.get(principal.organization) as Organization
        return principal.active && permit(topology, { principal, organization, cap: null }, record, 1n)
      })
      .map((p) => p.id)
      .sort()
    t.strictSame(found, due, labelInWords(label))
    for (const name of [COUNTRIES[0], COUNTRIES[1], 'org-0', 'org-1', 'p-1', 'p-1000'] as string[]) {
      const party = partyOf(topology, name)
      if (!party) throw new Error(name)
      const within = readersWithin(world, party, collection, record, 1n).flatMap((r) => r.principals)
      const mine = within.every((p) => due.includes(p.id) && party.organizations.includes(p.organization))
      t.ok(mine, `${labelInWords(label)} within ${name}`)
    }
  }
})

test('2,000 principals of 500 organizations take well under a second', async (t) => {
  const started = performance.now()
  for (let i = 0; i < 5; i++) {
    readersOf({ ...world }, collection, { own: [{ level: 'amber', org: `org-${i}` }], submitter: 'p-0' }, 1n)
  }
  const each = (performance.now() - started) / 5
  t.comment(`${each.toFixed(1)} ms each`)
  t.ok(each < 500, `${each} ms`)
})

test('an explanation has a failed condition if and only if it is a no', async (t) => {
  for (const label of labels) {
    for (const later of [undefined, [{ labels: [{ level: 'amber+strict', org: 'org-0' } as Label] }]]) {
      const record = { own: [label], submitter: 'p-1000', ...(later && { later }) }
      for (const principal of principals.slice(0, 120)) {
        const organization = topology.organizations.get(principal.organization) as Organization
        const subject = { principal, organization, cap: null }
        const { decision, conditions } = explain(topology, subject, true, record, 1n)
        if (decision !== permit(topology, subject, record, 1n))
          t.fail(`${principal.id}: ${labelInWords(label)}`)
        if (decision === conditions.some((c) => c.verdict === 'failed')) {
          t.fail(`${principal.id}: ${labelInWords(label)}: ${JSON.stringify(conditions)}`)
        }
      }
    }
  }
  t.pass('all looked at')
})

test('what others added, and the caller may not see, is left out', async (t) => {
  const [one, two] = [principals[1], principals[2]] as [Principal, Principal]
  const subject = {
    principal: one,
    organization: topology.organizations.get('org-1') as Organization,
    cap: null,
  }
  const mine: Label = { level: 'green', org: 'org-1' }
  const hidden: Label = { level: 'red', org: 'org-2' }
  const open: Label = { level: 'clear', org: 'org-2' }
  const record = {
    own: [mine, hidden, open],
    any: [[[hidden], [open]], [[hidden]]],
    submitter: one.id,
    origin: 'org-1',
  }
  t.strictSame(knownTo(topology, subject, record, [mine], 1n), {
    ...record,
    own: [mine, open],
    any: [[[open]]],
  })
  const until: Label = { ...open, notAfter: 100 }
  const windowed = { own: [mine, open, until], submitter: one.id, origin: 'org-1', held: true as const }
  const { held: _, ...unheld } = windowed
  t.strictSame(knownTo(topology, subject, windowed, [mine], 1n), unheld, 'a window of what it sees stays')
  const both = { ...unheld, own: [hidden, ...unheld.own] }
  t.strictSame(knownTo(topology, subject, both, [mine], 1n).own, [mine, open], 'not beside what is hidden')
  t.strictSame(knownTo(topology, subject, both, [mine, until], 1n).own, [mine, open, until], 'but its own')
  const waiting = { ...unheld, own: [{ ...mine, notBefore: 100 }], held: true as const }
  t.strictSame(knownTo(topology, subject, waiting, waiting.own, 1n), waiting)
  t.not(two.organization, 'org-1')
})

test('words', async (t) => {
  t.equal(
    levelOf({
      own: [
        { level: 'amber+strict', org: 'a' },
        { level: 'unmarked', org: 'a' },
      ],
    }),
    'unmarked',
  )
  t.equal(
    labelInWords({
      level: 'amber',
      org: 'a',
      releasableTo: { countries: ['DE', 'SG'] },
      notReleasableTo: { countries: ['GB'] },
      clients: 'denied',
      notAfter: 0,
    }),
    'TLP:AMBER of a, released to DE and SG, not to GB, no clients, until 1970-01-01T00:00:00.000000Z',
  )
})

test('the last widening: of what is in force, the later of its beginning and its last change', async (t) => {
  const [sender, reader] = [organizations[0], organizations[1]] as [Organization, Organization]
  const agreement = {
    source: sender.country,
    target: reader.country,
    maxTlp: 'amber' as const,
    recipients: 'all' as const,
    clients: false,
    validFrom: 5n,
    validUntil: null,
    signed: [sender.country, reader.country],
  }
  const of = (agreements: Topology['agreements'], now = 100n) =>
    lastWidening({ ...topology, agreements }, reader, now)
  t.equal(of([agreement]), 5n)
  t.equal(of([{ ...agreement, changed: 9n } as never]), 9n, 'once the tables say when it changed')
  t.equal(of([agreement], 4n), null, 'not before it begins')
  t.equal(of([{ ...agreement, signed: [] }]), null, 'nor unsigned')
  t.equal(of([{ ...agreement, target: 'ZY' }]), null, 'nor to others')
})
