/** A reader's scope is that of its own world, also when the request found the reader in the one before. */
import { test } from 'tap'
import { Scopes } from '../../src/policy/compile.ts'
import type { Subject, World } from '../../src/policy/model.ts'
import { matrixFile, topologyOf, type WorldFile } from '../matrix/world.ts'

test('a subject of an older world is judged as it is in this one', async (t) => {
  const topology = topologyOf(matrixFile<WorldFile>('world.json'))
  const principal = [...topology.principals.values()].find((p) => p.active && p.kind === 'person')
  const organization = principal && topology.organizations.get(principal.organization)
  if (!principal || !organization) throw new Error('the world has a person')
  const audience = {
    own: [{ level: 'green' as const, org: organization.id }],
    submitter: 'x',
    origin: organization.id,
  }
  const scopesOf = (principals: World['topology']['principals']) =>
    new Scopes({
      topology: { ...topology, principals },
      audiences: [undefined, audience],
      audienceCount: 1,
    } as unknown as World)
  const before: Subject = { principal, organization, cap: null }
  t.strictSame(scopesOf(topology.principals).of(before, 0n).ids, [1])
  const changed = (change: object) =>
    new Map(topology.principals).set(principal.id, { ...principal, ...change })
  const later = scopesOf(changed({ active: false }))
  t.strictSame(later.of(before, 0n).ids, [], 'switched off meanwhile')
  t.strictSame(scopesOf(changed({ clearance: 'clear' })).of(before, 0n).ids, [], 'lowered meanwhile')
  const gone = new Map(topology.principals)
  gone.delete(principal.id)
  t.strictSame(scopesOf(gone).of(before, 0n).ids, [], 'removed meanwhile')
})
