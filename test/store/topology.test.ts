/** Applying a topology: the difference is named, made in one transaction, and made once (policy.md §12). */
import { randomUUID } from 'node:crypto'
import { type Test, test } from 'tap'
import { readTopologyFile } from '../../src/cli/topology-file.ts'
import { keyedHash, newToken, tokenDigest, verifyPassword } from '../../src/policy/credentials.ts'
import { overClient } from '../../src/store/client.ts'
import { addToken, listTokens } from '../../src/store/manage-credentials.ts'
import { Pool } from '../../src/store/pool.ts'
import { Sql, sql } from '../../src/store/sql.ts'
import { applyTopology } from '../../src/store/topology.ts'
import { readWorld } from '../../src/store/world.ts'
import { database } from '../support/cluster.ts'

const NOW = 1_800_000_000_000_000n
const key = Buffer.alloc(32, 7)
const hashToken = (sha256: string) => keyedHash(key, sha256)
const [ONE, TWO, THREE] = [1, 2, 3].map((n) => `7c1d0b0e-3c1e-4d3e-9f51-6b0f4b7d2a1${n}`) as [
  string,
  string,
  string,
]

/** A topology with everything in it, as a value to vary. */
const world = () => ({
  countries: [{ code: 'MY', clearance: 'red' }, { code: 'SG' }] as object[],
  organizations: [
    { id: 'mycert', name: 'MyCERT', country: 'MY', kind: 'national-cert', clients: ['bank'] },
    { id: 'bank', name: 'Bank', country: 'MY', clearance: 'amber' },
    { id: 'sgcert', name: 'SingCERT', country: 'SG', kind: 'national-cert' },
  ] as object[],
  communities: [{ id: 'asean', title: 'ASEAN', members: ['mycert', 'sgcert'] }] as object[],
  principals: [
    { id: 'ana', organization: 'mycert', kind: 'person', custodian: true, password: 'pw-ana' },
    {
      id: 'siem',
      organization: 'mycert',
      kind: 'service',
      password: 'pw-siem',
      tokens: [
        { name: 'one', value: 'a declared token, number one', max_tlp: 'green', expires: '2027-01-01' },
      ],
    },
  ] as object[],
  agreements: [{ from: 'MY', to: 'SG', max_tlp: 'amber', signed: ['MY', 'SG'] }] as object[],
  baseline: { max_tlp: 'green', members: 'all' } as object,
  api_roots: [
    {
      path: 'global',
      title: 'Global',
      default: true,
      collections: [
        { id: ONE, alias: 'one', title: 'One', grants: [{ to: '*', read: true }] },
        { id: TWO, alias: 'two', title: 'Two' },
      ],
    },
  ] as object[],
})
type World = ReturnType<typeof world>

async function open(t: Test) {
  const { url } = await database(t)
  const pool = new Pool({ url, role: 'comity_owner', max: 4, statementSeconds: 60, name: 'test' })
  t.teardown(() => pool.close())
  const lines = async (
    declared: Partial<World>,
    options: { prune?: boolean; dryRun?: boolean; now?: bigint } = {},
  ) => {
    const file = readTopologyFile(JSON.stringify(declared), { env: {}, baseDir: '/' })
    if (!file.ok) throw new Error(JSON.stringify(file.problems))
    const client = await pool.pool.connect()
    try {
      const changes = await applyTopology(client, file.declared, {
        prune: false,
        dryRun: false,
        now: NOW,
        hashToken,
        ...options,
      })
      return changes.map(({ action, kind, name, detail }) =>
        [action, kind, name, detail].filter(Boolean).join(' '),
      )
    } finally {
      client.release()
    }
  }
  const rows = <T = Record<string, unknown>>(statement: Sql) => pool.rows<T>(statement)
  const epoch = async () => (await rows<{ epoch: bigint }>(sql`select epoch from state`))[0]?.epoch
  return { pool, apply: lines, rows, epoch }
}

test('the first apply adds, the second finds nothing and writes nothing', async (t) => {
  const { apply, rows, epoch, pool } = await open(t)
  const first = await apply(world())
  t.strictSame(first, [
    'add country MY',
    'add country SG',
    'add organization mycert',
    'add organization bank',
    'add organization sgcert',
    'add community asean',
    'add principal ana password: set',
    'add principal siem password: set',
    'add token siem/one',
    'add agreement MY -> SG max_tlp: amber',
    'add api_root global',
    `add collection global/${ONE}`,
    `add collection global/${TWO}`,
  ])
  const at = await epoch()
  const versions = async () => {
    const found = []
    for (const table of [
      'state',
      'country',
      'organization',
      'principal',
      'token',
      'collection',
      'item',
      'audit',
    ]) {
      found.push(await rows(new Sql([`select ctid::text, xmin::text from ${table} order by ctid`], [])))
    }
    return found
  }
  const written = await versions()
  t.strictSame(await apply(world(), { now: NOW + 1n }), [])
  t.strictSame(await apply(world(), { prune: true }), [])
  t.equal(await epoch(), at)
  t.strictSame(await versions(), written, 'no row was written')

  const stored = await readWorld(pool)
  t.match(stored.topology.organizations.get('mycert'), {
    kind: 'national-cert',
    country: 'MY',
    clearance: null,
  })
  t.ok(stored.topology.organizations.get('mycert')?.clients.has('bank'))
  t.match(stored.topology.agreements, [{ source: 'MY', target: 'SG', maxTlp: 'amber', signed: ['MY', 'SG'] }])
  t.match(stored.roots.get('global'), { isDefault: true, title: 'Global' })
  t.match(stored.roots.get('global')?.byKey.get('one'), {
    id: ONE,
    grants: [{ to: '*', read: true, write: false }],
  })
  t.match([...stored.tokens.values()], [{ principal: 'siem', maxTlp: 'green', collections: null }])
  const [ana] = await rows<{ hash: string; changed: bigint }>(
    sql`select password_hash as hash, changed from principal where id = 'ana'`,
  )
  t.ok(await verifyPassword('pw-ana', ana?.hash ?? ''))
  t.equal(ana?.changed, NOW)
  const [token] = await rows<{ hash: Buffer; prefix: string }>(
    sql`select value_hash as hash, prefix from token`,
  )
  t.same(token?.hash, hashToken(tokenDigest('a declared token, number one')))
  t.match(token?.prefix, /^hash:[0-9a-f]{8}$/)
})

test('each change is named with what it was and is', async (t) => {
  const { apply, epoch } = await open(t)
  await apply(world())
  const at = await epoch()
  const changed = world()
  changed.countries = [{ code: 'MY', clearance: 'amber', adhoc_release: false }, { code: 'SG' }]
  changed.organizations[1] = { id: 'bank', name: 'The Bank', country: 'SG' }
  changed.communities = [{ id: 'asean', title: 'ASEAN', members: ['bank', 'mycert'] }]
  changed.principals[0] = {
    id: 'ana',
    organization: 'bank',
    kind: 'person',
    active: false,
    password: 'pw-ana',
  }
  changed.agreements = [
    { from: 'MY', to: 'SG', max_tlp: 'green', valid_until: '2027-01-01', signed: ['SG', 'MY'] },
  ]
  changed.baseline = { max_tlp: 'clear', members: ['MY'] }
  changed.api_roots = [
    {
      path: 'global',
      title: 'Global',
      description: 'Now with words',
      collections: [
        {
          id: ONE,
          alias: 'first',
          title: 'One',
          default_marking: 'tlp:green',
          stix: ['2.1'],
          grants: [{ to: 'SG', read: true }],
        },
        { id: TWO, alias: 'two', title: 'Two' },
      ],
    },
  ]
  const expected = [
    'change country MY clearance: red -> amber, adhoc_release: true -> false',
    'change organization bank name: Bank -> The Bank, country: MY -> SG, clearance: amber -> none',
    'change community asean members: +bank -sgcert',
    'change principal ana organization: mycert -> bank, custodian: true -> false, active: true -> false',
    'change agreement MY -> SG max_tlp: amber -> green, valid_until: none -> 2027-01-01T00:00:00.000000Z',
    'change baseline baseline max_tlp: green -> clear, members: all -> [MY]',
    'change api_root global description: none -> Now with words, default: true -> false',
    `change collection global/${ONE} alias: one -> first, default_marking: none -> tlp:green, stix: -2.0, grants: +{"to":"SG","read":true,"write":false} -{"to":"*","read":true,"write":false}`,
  ]
  t.strictSame(await apply(changed, { dryRun: true }), expected, 'told')
  t.equal(await epoch(), at, 'a dry run changes nothing')
  t.strictSame(await apply(changed), expected, 'done')
  t.not(await epoch(), at)
  t.strictSame(await apply(changed), [])
})

test('passwords: kept while they verify, changed with a new time, never unset', async (t) => {
  const { apply, rows } = await open(t)
  await apply(world())
  const read = () => rows(sql`select id, password_hash, changed::text from principal order by id`)
  const before = await read()
  const changed = world()
  changed.principals[0] = {
    id: 'ana',
    organization: 'mycert',
    kind: 'person',
    custodian: true,
    password: 'new',
  }
  const { password: _, ...silent } = changed.principals[1] as { password: string }
  changed.principals[1] = silent
  t.strictSame(await apply(changed, { now: NOW - 5n }), ['change principal ana password: changed'])
  const after = await read()
  t.same(after[1], before[1], 'a password that is not stated stays')
  t.equal(after[0]?.changed, String(NOW + 1n), 'its time grows even if the clock went back')
  const hash = String(after[0]?.password_hash)
  const hashed = (password_hash: string) => [
    { id: 'ana', organization: 'mycert', kind: 'person', custodian: true, password_hash },
  ]
  t.strictSame(await apply({ ...changed, principals: hashed(hash) }), [])
  t.strictSame(await apply({ ...changed, principals: hashed(String(before[0]?.password_hash)) }), [
    'change principal ana password: changed',
  ])
})

test('without prune nothing goes; with it all that is not declared goes, objects counted', async (t) => {
  const { apply, rows, epoch } = await open(t)
  await apply(world())
  const [collection] = await rows<{ seq: number }>(sql`select seq from collection where id = ${TWO}::uuid`)
  const seq = collection?.seq ?? 0
  await rows(sql`select append_items(${seq}, ${NOW}::bigint, 'mycert', 'ana',
    ${['indicator--1', 'indicator--2']}::text[], ${['indicator', 'indicator']}::text[], ${[21, 21]}::smallint[],
    ${[false, false]}::boolean[], ${['v', 'v']}::text[], ${['k', 'k']}::text[], ${[1, 1]}::int[],
    ${[null, null]}::int[], ${[null, null]}::int[], ${[null, null]}::bigint[], ${['\\x01', '\\x02']}::bytea[],
    ${['{}', '{}']}::text[], ${[false, false]}::boolean[], ${[null, null]}::bigint[])`)
  await rows(
    sql`select open_status(${randomUUID()}::uuid, 'global', ${seq}, 'ana', null, 1, 2, '\\x00'::bytea)`,
  )
  const at = await epoch()
  const less = {
    countries: [{ code: 'MY', clearance: 'red' }],
    organizations: [{ id: 'bank', name: 'Bank', country: 'MY', clearance: 'amber' }],
    principals: [{ id: 'ana', organization: 'bank', kind: 'person', custodian: true }],
    api_roots: [
      {
        path: 'global',
        title: 'Global',
        default: true,
        collections: [{ id: ONE, alias: 'one', title: 'One', grants: [{ to: '*', read: true }] }],
      },
    ],
  }
  const move = 'change principal ana organization: mycert -> bank'
  const kept = await apply(less, { dryRun: true })
  t.strictSame(kept, [move])
  const gone = await apply(less, { prune: true, dryRun: true })
  t.equal(await epoch(), at)
  t.strictSame(await apply(less, { prune: true }), gone)
  t.strictSame(gone.toSorted(), [
    move,
    'remove agreement MY -> SG max_tlp: amber',
    `remove collection global/${TWO} two, with 2 objects`,
    'remove community asean',
    'remove country SG',
    'remove organization mycert',
    'remove organization sgcert',
    'remove principal siem',
  ])
  for (const table of ['item', 'status', 'collection_head']) {
    const from = new Sql([`select 1 from ${table} where collection = `, ''], [seq])
    t.strictSame(await rows(from), [], table)
  }
  t.strictSame(await rows(sql`select from upload`), [])
  t.strictSame(await rows(sql`select from token`), [])
  t.strictSame(await apply(less, { prune: true }), [])
  const all = await apply({}, { prune: true })
  t.ok(all.includes(`remove collection global/${ONE} one, with 0 objects`))
  t.ok(all.includes('remove api_root global'))
  t.strictSame(await apply({}, { prune: true }), [])
})

test('a new collection answers to the standard definitions, before everything that comes', async (t) => {
  const { apply, rows } = await open(t)
  await apply(world())
  const found = await rows<Record<string, unknown>>(sql`select c.seq, h.last_added, count(i.*)::int as items,
      count(distinct i.position)::int as positions, max(i.position) as last, bool_and(i.standard and i.audience = i.label) as ok,
      bool_and(i.body::json ->> 'id' = i.object_id and octet_length(i.body) = i.bytes and octet_length(i.hash) = 32) as body
    from collection c join collection_head h on h.collection = c.seq join item i on i.collection = c.seq group by 1, 2 order by 1`)
  t.equal(found.length, 2)
  for (const row of found) {
    t.match(row, { items: 11, positions: 11, ok: true, body: true })
    t.equal(row.last_added, row.last)
  }
  const kinds =
    await rows(sql`select type, count(*)::int, min(version_key) as first, bool_and(organization = '') as nobody
    from item where collection = ${found[0]?.seq as number} group by type order by type`)
  t.match(kinds, [
    { type: 'extension-definition', count: 2, nobody: true },
    { type: 'marking-definition', count: 9, first: '2017-01-20T00:00:00', nobody: true },
  ])
  t.strictSame(await rows(sql`select record from audience`), [
    { record: { own: [{ level: 'clear', org: '' }], submitter: '' } },
  ])
})

test('tokens: made by hand stay, declared ones are kept, limited, replaced, renamed and pruned', async (t) => {
  const { apply, rows, pool } = await open(t)
  await apply(world())
  const made = newToken()
  const hand = {
    principal: 'siem',
    name: 'by hand',
    prefix: made.prefix,
    hash: hashToken(tokenDigest(made.value)),
  }
  const free = { maxTlp: null, scopes: ['read'], collections: null, expires: null, cidrs: null }
  const client = await pool.pool.connect()
  t.ok(await addToken(overClient(client), { ...hand, ...free }, NOW))
  t.notOk(await addToken(overClient(client), { ...hand, ...free }, NOW), 'the name is taken')
  client.release()
  t.strictSame(await apply(world(), { prune: true }), [])
  const siem = (tokens: object[]) => {
    const changed = world()
    changed.principals[1] = { ...changed.principals[1], tokens }
    return changed
  }
  const value = 'a declared token, number one'
  const id = async () =>
    (await rows(sql`select id::text from token where declared order by name`)).map((r) => r.id)
  const before = await id()
  t.strictSame(
    await apply(siem([{ name: 'one', value, max_tlp: 'amber', collections: ['one'], scopes: ['read'] }])),
    [
      'change token siem/one max_tlp: green -> amber, scopes: -write, collections: none -> [one], expires: 2027-01-01T00:00:00.000000Z -> none',
    ],
  )
  t.same(await id(), before, 'the same token')
  t.strictSame(
    await apply(siem([{ name: 'one', value_hash: `sha256:${tokenDigest('another value for it')}` }])),
    ['change token siem/one value: changed'],
  )
  t.notSame(await id(), before, 'a new one')
  t.strictSame(await apply(siem([{ name: 'uno', value: 'another value for it' }])), [
    'remove token siem/one value is now that of siem/uno',
    'add token siem/uno',
  ])
  const a = { name: 'a', value: 'another value for it' }
  const b = { name: 'b', value: made.value }
  t.strictSame(await apply(siem([a, b])), [
    'remove token siem/by hand value is now that of siem/b',
    'remove token siem/uno value is now that of siem/a',
    'add token siem/a',
    'add token siem/b',
  ])
  t.strictSame((await rows(sql`select prefix from token where name = 'b'`))[0]?.prefix, made.prefix)
  t.strictSame(
    await apply(
      siem([
        { ...a, value: b.value },
        { ...b, value: a.value },
      ]),
    ),
    ['change token siem/a value: changed', 'change token siem/b value: changed'],
  )
  t.strictSame(await apply(siem([])), [])
  t.strictSame(await apply(siem([]), { prune: true }), ['remove token siem/a', 'remove token siem/b'])
  const again = await pool.pool.connect()
  t.strictSame(await listTokens(overClient(again), null), [])
  again.release()
})

test('agreements between the same two sides keep their places', async (t) => {
  const { apply, rows } = await open(t)
  const two = (...levels: string[]) => ({
    ...world(),
    agreements: levels.map((max_tlp) => ({ from: 'MY', to: 'SG', max_tlp, signed: ['MY', 'SG'] })),
  })
  await apply(two('green', 'amber'))
  const ids = async () => await rows(sql`select id::text, max_tlp from agreement order by id`)
  const before = await ids()
  t.strictSame(await apply(two('amber', 'green')), [])
  t.strictSame(await apply(two('amber')), [])
  t.same(await ids(), before, 'nothing goes without prune')
  t.strictSame(await apply(two('amber', 'red')), ['change agreement MY -> SG max_tlp: green -> red'])
  t.strictSame(await apply(two('amber', 'red', 'red')), ['add agreement MY -> SG max_tlp: red'])
  t.strictSame(await apply(two('red'), { prune: true }), [
    'remove agreement MY -> SG max_tlp: amber',
    'remove agreement MY -> SG max_tlp: red',
  ])
})

test('aliases and the default root change hands', async (t) => {
  const { apply } = await open(t)
  await apply(world())
  const roots = (one: string, two: string) => ({
    ...world(),
    api_roots: [
      {
        path: 'global',
        title: 'Global',
        collections: [
          { id: ONE, alias: one, title: 'One', grants: [{ to: '*', read: true }] },
          { id: TWO, alias: two, title: 'Two' },
        ],
      },
      { path: 'second', title: 'Second', default: true },
    ],
  })
  t.strictSame(await apply(roots('two', 'one')), [
    'change api_root global default: true -> false',
    'add api_root second',
    `change collection global/${ONE} alias: one -> two`,
    `change collection global/${TWO} alias: two -> one`,
  ])
  t.strictSame(await apply({ ...world(), api_roots: [{ path: 'third', title: 'Third', default: true }] }), [
    'add api_root third',
    'change api_root second default: true -> false',
  ])
})

test('what cannot stand beside the stored is refused as a whole', async (t) => {
  const { apply, epoch } = await open(t)
  await apply(world())
  const at = await epoch()
  const other = (collection: object) => ({
    api_roots: [{ path: 'global', title: 'G', collections: [{ id: THREE, title: 'Three', ...collection }] }],
  })
  await t.rejects(apply(other({ alias: 'one' })), /the alias "one" .* belongs to collection global\/7c1d/)
  await t.rejects(apply(other({ title: 'One' })), /two collections of global would have the title "One"/)
  const asean = { organizations: [{ id: 'asean', name: 'Asean Inc', country: 'ZZ' }] }
  await t.rejects(
    apply({ ...asean, ...other({ grants: [{ to: 'asean', read: true }] }) }),
    /"asean" in a grant .* is ambiguous/,
  )
  const people = ['b', 'c', 'd'].map((id) => ({
    id,
    organization: 'mycert',
    kind: 'person',
    custodian: true,
  }))
  await t.rejects(
    apply({ organizations: [{ id: 'mycert', name: 'MyCERT', country: 'ZZ' }], principals: people }),
    /mycert would have 4 custodians/,
  )
  t.equal(await epoch(), at)
  t.ok(
    (await apply(other({ alias: 'one', title: 'One' }), { prune: true })).length > 0,
    'with prune they are gone',
  )
})

test('applies at the same time follow each other', async (t) => {
  const { apply, rows } = await open(t)
  const results = await Promise.all([apply(world()), apply(world()), apply(world())])
  t.strictSame(results.map((r) => r.length > 0).sort(), [false, false, true])
  t.match(await rows(sql`select actor, action, jsonb_array_length(detail -> 'changes') as n from audit`), [
    { actor: 'comity apply', action: 'topology', n: 13 },
  ])
  t.notMatch(JSON.stringify(await rows(sql`select detail from audit`)), /pw-|declared token/)
})
