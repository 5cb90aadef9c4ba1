/** Random worlds: any stored topology, pruned to any declared one, is what a fresh database would hold. */
import fc from 'fast-check'
import { test } from 'tap'
import { readTopologyFile } from '../../src/cli/topology-file.ts'
import { Refusal } from '../../src/errors.ts'
import { keyedHash } from '../../src/policy/credentials.ts'
import { Pool } from '../../src/store/pool.ts'
import { applyTopology } from '../../src/store/topology.ts'
import { readWorld } from '../../src/store/world.ts'
import { database } from '../support/cluster.ts'

const LEVELS = ['clear', 'white', 'green', 'amber', 'amber+strict', 'red']
const COUNTRIES = ['MY', 'SG', 'NO']
const ORGANIZATIONS = ['o1', 'o2', 'o3', 'o4']
const IDS = [1, 2, 3, 4].map((n) => `7c1d0b0e-3c1e-4d3e-9f51-6b0f4b7d2a1${n}`)
const TOKENS = ['value of a token, one', 'value of a token, two', 'value of a token, three']

const level = fc.constantFrom(...LEVELS)
const maybe = <T>(arb: fc.Arbitrary<T>) => fc.option(arb, { nil: undefined })
const some = <T>(values: readonly T[]) => fc.subarray([...values])
const distinct = <T extends object>(record: fc.Arbitrary<T>, ...by: (keyof T)[]) =>
  fc
    .array(record, { maxLength: 4 })
    .map((list) => by.reduce((l, k) => l.filter((x, i) => l.findIndex((y) => y[k] === x[k]) === i), list))

/** Shaped as policy.md §12 says; references may dangle here and are repaired below. */
const worlds = fc
  .record({
    countries: distinct(
      fc.record({
        code: fc.constantFrom(...COUNTRIES),
        clearance: maybe(level),
        adhoc_release: maybe(fc.boolean()),
      }),
      'code',
    ),
    organizations: distinct(
      fc.record({
        id: fc.constantFrom(...ORGANIZATIONS),
        name: fc.constantFrom('A', 'B'),
        country: fc.constantFrom(...COUNTRIES, 'ZZ'),
        kind: maybe(fc.constantFrom('national-cert', 'organization', 'international')),
        clearance: maybe(level),
        clients: maybe(some(ORGANIZATIONS)),
      }),
      'id',
    ),
    communities: distinct(
      fc.record({ id: fc.constantFrom('c1', 'c2'), title: fc.constant('C'), members: some(ORGANIZATIONS) }),
      'id',
    ),
    principals: distinct(
      fc.record({
        id: fc.constantFrom('p1', 'p2', 'p3'),
        organization: fc.constantFrom(...ORGANIZATIONS),
        kind: fc.constantFrom('person', 'service'),
        active: maybe(fc.boolean()),
        tokens: distinct(
          fc.record({
            name: fc.constantFrom('t1', 't2', 't3'),
            value: fc.constantFrom(...TOKENS),
            max_tlp: maybe(level),
            scopes: maybe(some(['read', 'write'])),
            expires: maybe(fc.constantFrom('2027-01-01', '2028-02-29T12:00:00.5Z')),
          }),
          'name',
          'value',
        ),
      }),
      'id',
    ),
    agreements: fc.array(
      fc.record({
        from: fc.constantFrom(...COUNTRIES, ...ORGANIZATIONS),
        to: fc.constantFrom(...COUNTRIES, ...ORGANIZATIONS, 'c1', 'c2', 'ZZ'),
        max_tlp: level,
        recipients: maybe(fc.constantFrom('national-cert', 'all')),
        clients: maybe(fc.boolean()),
        valid_until: maybe(fc.constant('2028-01-01')),
      }),
      { maxLength: 4 },
    ),
    vetoes: fc.uniqueArray(
      fc.record({
        country: fc.constantFrom(...COUNTRIES),
        to: maybe(fc.subarray([...COUNTRIES], { minLength: 1 })),
        level: maybe(level),
        object: maybe(fc.constant('indicator--6d0f2b1c-52ab-4a2f-8e0b-0c6f1f1b7a11')),
        valid_until: maybe(fc.constantFrom('2028-01-01', '2029-01-01')),
        reason: fc.constantFrom('x', 'y'),
      }),
      {
        maxLength: 3,
        selector: ({ country, to, level, object }) =>
          JSON.stringify([country, to?.slice().sort(), level?.replace('white', 'clear'), object]),
      },
    ),
    opt_outs: maybe(some([...COUNTRIES, ...ORGANIZATIONS])),
    baseline: maybe(
      fc.record({ max_tlp: level, members: fc.oneof(fc.constant('all'), some(ORGANIZATIONS)) }),
    ),
    api_roots: distinct(
      fc.record({
        path: fc.constantFrom('r1', 'r2'),
        title: fc.constantFrom('R', 'S'),
        collections: distinct(
          fc.record({
            id: fc.constantFrom(...IDS),
            alias: fc.constantFrom('a1', 'a2', 'a3'),
            title: fc.constantFrom('T1', 'T2', 'T3'),
            default_marking: maybe(level.map((l) => `tlp:${l}`)),
            redaction: maybe(fc.constantFrom('withhold', 'redact')),
            grants: maybe(
              fc.array(
                fc.record({
                  to: fc.constantFrom('*', ...ORGANIZATIONS, ...COUNTRIES, 'c1', 'p1'),
                  read: fc.boolean(),
                  write: fc.boolean(),
                }),
                { maxLength: 3 },
              ),
            ),
          }),
          'id',
          'alias',
          'title',
        ),
      }),
      'path',
    ),
  })
  .map((world) => {
    const countries = new Set(world.countries.map((c) => c.code))
    const organizations = world.organizations.filter((o) => o.country === 'ZZ' || countries.has(o.country))
    const known = new Set(organizations.map((o) => o.id))
    const principals = world.principals.filter((p) => known.has(p.organization))
    const used = new Set<string>()
    const names = new Set([...countries, ...known])
    const targets = new Set([...names, ...world.communities.map((c) => c.id), 'ZZ'])
    const grantees = new Set([...targets, ...principals.map((p) => p.id), '*'])
    const only = (list: readonly string[] | undefined) => list?.filter((id) => known.has(id))
    const free = ({ value }: { value: string }) => !used.has(value) && used.add(value)
    const { baseline } = world
    return {
      ...world,
      organizations: organizations.map((o) => ({ ...o, clients: only(o.clients) })),
      communities: world.communities.map((c) => ({ ...c, members: only(c.members) })),
      principals: principals.map((p) => ({ ...p, tokens: p.tokens.filter(free) })),
      vetoes: world.vetoes.flatMap((v) => {
        const cert = organizations.find((o) => o.kind === 'national-cert' && o.country === v.country)
        return cert && (v.to ?? []).every((code) => countries.has(code)) ? [{ ...v, by: cert.id }] : []
      }),
      opt_outs: world.opt_outs?.filter((name) => names.has(name)),
      agreements: world.agreements.filter((a) => names.has(a.from) && targets.has(a.to)),
      baseline: baseline && {
        ...baseline,
        members: typeof baseline.members === 'string' ? baseline.members : only(baseline.members),
      },
      api_roots: world.api_roots.map((r) => ({
        ...r,
        collections: r.collections.map((c) => ({
          ...c,
          grants: c.grants?.filter((g) => grantees.has(g.to)),
        })),
      })),
    }
  })

test('a pruned apply of B after A equals a fresh apply of B; without prune it is done or refused', async (t) => {
  const pools = await Promise.all(
    [1, 2].map(async () => {
      const { url } = await database(t)
      const pool = new Pool({ url, role: 'comity_owner', max: 2, statementSeconds: 60, name: 'test' })
      t.teardown(() => pool.close())
      return pool
    }),
  )
  const [walked, fresh] = pools as [Pool, Pool]
  const apply = async (pool: Pool, world: object, prune: boolean) => {
    const file = readTopologyFile(JSON.stringify(world), { env: {}, baseDir: '/' })
    if (!file.ok) throw new Error(JSON.stringify({ problems: file.problems, world }, null, 1))
    const client = await pool.pool.connect()
    try {
      const key = Buffer.alloc(32)
      const hashToken = (sha256: string) => keyedHash(key, sha256)
      return await applyTopology(client, file.declared, { prune, dryRun: false, now: 1n, hashToken })
    } finally {
      client.release()
    }
  }
  /** All that means something; numbers that the database gives are left out. */
  const meaning = async (pool: Pool) => {
    const { topology, roots, tokens } = await readWorld(pool)
    const plain = (key: string, value: unknown): unknown => {
      if (key === 'changed') return undefined
      if (typeof value === 'bigint') return value.toString()
      if (value instanceof Map) return Object.fromEntries([...value].sort(([a], [b]) => (a < b ? -1 : 1)))
      return value instanceof Set ? [...value].sort() : value
    }
    const world = {
      ...topology,
      agreements: topology.agreements.map((a) => JSON.stringify(a, plain)).sort(),
      vetoes: topology.vetoes.map(({ id: _, ...v }) => JSON.stringify(v, plain)).sort(),
      roots: [...roots.values()].map(({ byKey: _, ...root }) => ({
        ...root,
        collections: root.collections.map(({ seq: __, ...c }) => ({
          ...c,
          grants: c.grants.map((g) => JSON.stringify(g)).sort(),
        })),
      })),
      tokens: [...tokens.values()].map(({ id: _, ...token }) => JSON.stringify(token, plain)).sort(),
    }
    return JSON.parse(JSON.stringify(world, plain))
  }
  const numRuns = Number(process.env.COMITY_TEST_RUNS ?? 40)
  await fc.assert(
    fc.asyncProperty(worlds, async (world) => {
      await apply(walked, world, true)
      await apply(fresh, {}, true)
      await apply(fresh, world, false)
      const [got, wanted] = [await meaning(walked), await meaning(fresh)]
      const again = await apply(walked, world, true)
      return JSON.stringify(got) === JSON.stringify(wanted) && again.length === 0
    }),
    { numRuns },
  )
  await fc.assert(
    fc.asyncProperty(worlds, async (world) => {
      const before = await meaning(walked)
      try {
        await apply(walked, world, false)
      } catch (error) {
        // Stored and declared cannot stand together: said in a sentence, and nothing has changed.
        if (!(error instanceof Refusal)) throw error
        return JSON.stringify(await meaning(walked)) === JSON.stringify(before)
      }
      return (await apply(walked, world, false)).length === 0
    }),
    { numRuns },
  )
  t.pass('all worlds')
})
