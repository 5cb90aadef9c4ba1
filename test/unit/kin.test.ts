/** Who stands for all: asking the representatives of random worlds is asking every active principal. */
import fc from 'fast-check'
import { test } from 'tap'
import { representatives } from '../../src/policy/kin.ts'
import type {
  AudienceRecord,
  Label,
  Organization,
  Principal,
  Subject,
  Topology,
} from '../../src/policy/model.ts'
import { permit } from '../../src/policy/permit.ts'
import { instant, randomAudience, randomWorld } from '../matrix/random.ts'

/** How two records answer these subjects, by organization; each answer once. */
function answers(
  topology: Topology,
  subjects: Iterable<Subject>,
  records: readonly AudienceRecord[],
  now: bigint,
): string[] {
  const found = new Set<string>()
  for (const subject of subjects) {
    const said = records.map((record) => permit(topology, subject, record, now))
    found.add(`${subject.organization.id} ${said.join()}`)
  }
  return [...found].sort()
}

function everybody({ principals, organizations }: Topology): Subject[] {
  return [...principals.values()].flatMap((principal) => {
    const organization = organizations.get(principal.organization)
    return principal.active && organization ? [{ principal, organization, cap: null }] : []
  })
}

test('representatives answer as all do', async (t) => {
  let fewer = 0
  fc.assert(
    fc.property(randomWorld, randomAudience, randomAudience, instant, (topology, before, after, at) => {
      const [all, some] = [everybody(topology), [...representatives(topology, [before, after])]]
      if (some.length < all.length) fewer++
      const records = [before, after]
      const told = [some, all].map((subjects) => answers(topology, subjects, records, BigInt(at)).join())
      return told[0] === told[1]
    }),
    { numRuns: 2000, seed: 7 },
  )
  t.ok(fewer > 100, `${fewer} times fewer are asked than there are`)
})

test('whom only a later version names stands alone', async (t) => {
  const person = (id: string): Principal => ({
    id,
    organization: 'b',
    kind: 'person',
    clearance: null,
    custodian: false,
    active: true,
    changed: 0n,
  })
  const organization = (id: string): Organization => ({
    id,
    name: id,
    country: 'SG',
    kind: 'organization',
    clearance: null,
    clients: new Set(),
  })
  const topology: Topology = {
    countries: new Map([['SG', { code: 'SG', clearance: null, adhocRelease: true }]]),
    organizations: new Map(['a', 'b'].map((id) => [id, organization(id)])),
    communities: new Map(),
    principals: new Map(['b1', 'b2'].map((id) => [id, person(id)])),
    agreements: [],
    vetoes: [],
    baseline: { maxTlp: 'green', members: null, optedOut: new Set() },
  }
  const before: AudienceRecord = { own: [{ level: 'green', org: 'a' }], origin: 'a', submitter: 'a1' }
  const named: Label = { level: 'red', org: 'a', releasableTo: { persons: ['b2'] } }
  const records = [before, { ...before, later: [{ labels: [named] }] }]
  const all = answers(topology, everybody(topology), records, 0n)
  t.strictSame(all, ['b true,false', 'b true,true'], 'the two differ')
  t.strictSame(answers(topology, representatives(topology, records), records, 0n), all)
})
