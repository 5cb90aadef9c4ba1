/** Agreements, vetoes and opt-outs of a topology file beside those that parties and commands made (policy.md §4, §12). */
import { type Test, test } from 'tap'
import { readTopologyFile } from '../../src/cli/topology-file.ts'
import { endAgreement, proposeAgreement, readAgreements, signAgreement } from '../../src/store/agreements.ts'
import { Pool } from '../../src/store/pool.ts'
import { sql } from '../../src/store/sql.ts'
import { applyTopology } from '../../src/store/topology.ts'
import { addOptOut, addVeto, endOptOut, endVeto, readVetoes } from '../../src/store/vetoes.ts'
import { readWorld } from '../../src/store/world.ts'
import { database } from '../support/cluster.ts'

const NOW = 1_800_000_000_000_000n
const act = { by: 'sg', reason: 'because', now: NOW + 5n }
const MARKING = 'marking-definition--5c0d6a0e-3f5b-4c39-9a51-5b8f7d0c2e14'

const world = (more: object = {}) => ({
  countries: [{ code: 'MY' }, { code: 'SG' }, { code: 'DE' }],
  organizations: [
    { id: 'mycert', name: 'MyCERT', country: 'MY', kind: 'national-cert' },
    { id: 'sgcert', name: 'SingCERT', country: 'SG', kind: 'national-cert' },
  ],
  ...more,
})
const agreed = (more: object = {}) => ({
  agreements: [{ from: 'MY', to: 'SG', max_tlp: 'amber', signed: ['MY'], ...more }],
})

async function open(t: Test) {
  const { url } = await database(t)
  const pool = new Pool({ url, role: 'comity_owner', max: 4, statementSeconds: 60, name: 'test' })
  t.teardown(() => pool.close())
  const apply = async (declared: object, options: { prune?: boolean; now?: bigint } = {}) => {
    const file = readTopologyFile(JSON.stringify(declared), { env: {}, baseDir: '/' })
    if (!file.ok) throw new Error(JSON.stringify(file.problems))
    const notes: string[] = []
    const client = await pool.pool.connect()
    try {
      const changes = await applyTopology(client, file.declared, {
        prune: false,
        dryRun: false,
        now: NOW,
        hashToken: () => Buffer.alloc(32),
        note: (sentence) => notes.push(sentence),
        ...options,
      })
      const lines = changes.map(({ action, kind, name, detail }) =>
        [action, kind, name, detail].filter(Boolean).join(' '),
      )
      return { lines, notes }
    } finally {
      client.release()
    }
  }
  const agreements = async () => (await readWorld(pool)).topology.agreements
  return { pool, apply, agreements }
}

test('a party signs what the file drafts, for those terms and no others', async (t) => {
  const { pool, apply, agreements } = await open(t)
  await apply(world(agreed()))
  const [draft] = await readAgreements(pool, ['SG'], 0n, 10)
  t.match(draft, { signed: ['MY'], declared: true, proposedBy: 'comity apply', changed: NOW })
  t.ok(await signAgreement(pool, draft?.id ?? '', ['SG'], act))
  t.notOk(await signAgreement(pool, draft?.id ?? '', ['SG'], act), 'once')
  t.strictSame((await apply(world(agreed()), { prune: true })).lines, [], 'the signature stays')
  t.strictSame((await agreements())[0]?.signed, ['MY', 'SG'])

  const { lines } = await apply(world(agreed({ max_tlp: 'red' })))
  t.strictSame(lines, ['change agreement MY -> SG max_tlp: amber -> red, signed: -SG'])
  t.strictSame((await agreements())[0]?.signed, ['MY'], 'nobody has signed RED')
})

test('what a party has ended stays ended', async (t) => {
  const { pool, apply, agreements } = await open(t)
  const full = world(agreed({ signed: ['MY', 'SG'] }))
  await apply(full)
  const [one] = await readAgreements(pool, null, 0n, 10)
  t.ok(await endAgreement(pool, one?.id ?? '', act))
  t.strictSame(await agreements(), [])
  const again = await apply(full, { prune: true, now: NOW + 10n })
  t.strictSame(again.lines, [])
  t.match(again.notes, [
    /^agreement MY -> SG stays ended: sg ended it on 2027-01-15; take it out of the file/,
  ])
  t.strictSame((await apply(world(agreed({ signed: ['MY', 'SG'], max_tlp: 'green' })))).lines, [
    'add agreement MY -> SG max_tlp: green',
  ])
  t.equal((await agreements()).length, 1)
})

test('what parties and commands made is left by --prune, and told', async (t) => {
  const { pool, apply, agreements } = await open(t)
  const declared = world({
    ...agreed(),
    vetoes: [{ country: 'MY', by: 'mycert', to: ['DE'], level: 'amber', reason: 'order' }],
    opt_outs: ['DE'],
  })
  t.strictSame((await apply(declared)).lines.slice(-3), [
    'add agreement MY -> SG max_tlp: amber',
    'add veto MY to DE from amber order',
    'add opt-out DE',
  ])
  t.strictSame(await apply(declared, { prune: true }), { lines: [], notes: [] })
  const terms = {
    source: 'SG',
    target: 'MY',
    maxTlp: 'green' as const,
    recipients: 'all' as const,
    clients: false,
    validFrom: null,
    validUntil: null,
  }
  await proposeAgreement(pool, terms, ['SG'], act)
  const veto = {
    country: 'SG',
    by: 'sgcert',
    to: null,
    level: null,
    named: MARKING,
    validFrom: null,
    validUntil: null,
  }
  const id = await addVeto(pool, veto, act)
  await addOptOut(pool, 'SG', act)
  const { topology } = await readWorld(pool)
  t.strictSame([...topology.baseline.optedOut].sort(), ['DE', 'SG'])
  t.match(topology.vetoes, [
    { country: 'MY', by: 'mycert', to: ['DE'], level: 'amber', named: null },
    { ...veto, id },
  ])
  const pruned = await apply(world({ opt_outs: ['SG'] }), { prune: true })
  t.strictSame(pruned.lines, [
    'remove agreement MY -> SG max_tlp: amber',
    'remove veto MY to DE from amber',
    'remove opt-out DE',
  ])
  t.strictSame(pruned.notes, [
    'beside the file, made by parties or commands, and left as they are: 1 agreement, 1 veto, 1 opt-out',
  ])
  t.equal((await agreements()).length, 1)
  t.ok(await endOptOut(pool, 'SG', act))
  t.ok(await endVeto(pool, id, act))
  t.notOk(await endVeto(pool, id, act))
  t.match((await readVetoes(pool, id, 1))[0], { ended: { by: 'sg', reason: 'because' }, validUntil: act.now })
  t.strictSame(
    (await apply(world({ opt_outs: ['SG'] }))).lines,
    ['add opt-out SG'],
    'the file had not declared it',
  )
  await endOptOut(pool, 'SG', act)
  t.match((await apply(world({ opt_outs: ['SG'] }))).notes, [/^opt-out SG stays ended/, /1 agreement$/])
})

test('a veto of the file changes its reason and end; its name waits to be reached', async (t) => {
  const { pool, apply } = await open(t)
  const veto = { country: 'MY', by: 'mycert', marking: MARKING, reason: 'one' }
  await apply(world({ vetoes: [veto] }))
  t.strictSame(await pool.rows(sql`select reached, declared, spoken_by from veto`), [
    { reached: false, declared: true, spoken_by: 'comity apply' },
  ])
  t.strictSame(
    (await apply(world({ vetoes: [{ ...veto, reason: 'two', valid_until: '2028-01-01' }] }))).lines,
    [`change veto MY to all ${MARKING} valid_until: none -> 2028-01-01T00:00:00.000000Z, reason: one -> two`],
  )
  const [one] = await readVetoes(pool, null, 2)
  await endVeto(pool, one?.id ?? '', act)
  t.match(await apply(world({ vetoes: [veto] })), { lines: [], notes: [/stays ended: sg ended it/] })
})

test('what a side has signed is over when the side is removed', async (t) => {
  const { pool, apply, agreements } = await open(t)
  const more = { id: 'decert', name: 'DeCERT', country: 'DE', kind: 'national-cert' }
  const full = world()
  await apply({ ...full, organizations: [...full.organizations, more] })
  const terms = {
    source: 'decert',
    target: 'mycert',
    maxTlp: 'red' as const,
    recipients: 'all' as const,
    clients: false,
    validFrom: null,
    validUntil: null,
  }
  await proposeAgreement(pool, terms, ['decert', 'mycert'], act)
  await addOptOut(pool, 'decert', act)
  t.equal((await agreements()).length, 1)
  t.strictSame((await apply(full, { prune: true })).lines, [
    'remove organization decert',
    'change agreement decert -> mycert ended: a side of it was removed',
    'change opt-out decert ended: a side of it was removed',
  ])
  await apply({ ...full, organizations: [...full.organizations, more] })
  t.strictSame(await agreements(), [], 'a new decert has signed nothing')
})

test('organizations and communities know when they changed in what their members may read', async (t) => {
  const { pool, apply } = await open(t)
  const org = (id: string, more: object = {}) => ({ id, name: id, country: 'MY', ...more })
  const full = (a: object, b: object, members: string[]) => ({
    countries: [{ code: 'MY' }],
    organizations: [org('a', a), org('b', b)],
    communities: [{ id: 'c', title: 'C', members }],
  })
  const changed = async () =>
    await pool.rows(
      sql`select id, changed from organization union all select id, changed from community order by id`,
    )
  const at = (a: bigint, b: bigint, c: bigint) => [
    { id: 'a', changed: a },
    { id: 'b', changed: b },
    { id: 'c', changed: c },
  ]
  await apply(full({}, {}, ['a']), { now: 1n })
  t.strictSame(await changed(), at(0n, 0n, 1n))
  await apply(full({ name: 'A' }, {}, ['a']), { now: 2n })
  t.strictSame(await changed(), at(0n, 0n, 1n), 'a name says nothing')
  await apply(full({ name: 'A' }, { kind: 'national-cert' }, ['a', 'b']), { now: 3n })
  t.strictSame(await changed(), at(0n, 3n, 3n))
  await apply(full({ name: 'A', clients: ['b'] }, { kind: 'national-cert' }, ['a', 'b']), { now: 4n })
  t.strictSame(await changed(), at(4n, 4n, 3n), 'a roster matters to who is on it')
})
