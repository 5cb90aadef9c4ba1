/** Who stands for all: asking the representatives of random worlds is asking every active principal. */
import fc from 'fast-check'
import { test } from 'tap'
import { representatives } from '../../src/policy/kin.ts'
import type { AudienceRecord, Subject, Topology } from '../../src/policy/model.ts'
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
