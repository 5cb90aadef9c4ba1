/** Who loses by other labels: the same as asking permit() for every principal, in random worlds. */
import fc from 'fast-check'
import { test } from 'tap'
import { countReaders, losers } from '../../src/policy/losers.ts'
import type { Subject } from '../../src/policy/model.ts'
import { permit } from '../../src/policy/permit.ts'
import { instant, randomAudience, randomWorld } from '../matrix/random.ts'

test('losers and counts, against one question per principal', async (t) => {
  let lossy = 0
  fc.assert(
    fc.property(randomWorld, randomAudience, randomAudience, instant, (topology, before, after, at) => {
      const now = BigInt(at)
      const subjects: (Subject | null)[] = [null]
      for (const principal of topology.principals.values()) {
        const organization = topology.organizations.get(principal.organization)
        if (organization) subjects.push({ principal, organization, cap: null })
      }
      const of = (list: (Subject | null)[]) => [...new Set(list.map((s) => s?.organization.id ?? ''))].sort()
      const lost = subjects.filter(
        (s) => permit(topology, s, before, now) && !permit(topology, s, after, now),
      )
      if (lost.length > 0) lossy++
      const reading = subjects.filter((s) => s !== null && permit(topology, s, before, now))
      return (
        JSON.stringify(losers(topology, before, after, now)) === JSON.stringify(of(lost)) &&
        countReaders(topology, before, now, () => true) === of(reading).length
      )
    }),
    { numRuns: 2000 },
  )
  t.ok(lossy > 50, `${lossy} of 2000 took somebody away`)
})
