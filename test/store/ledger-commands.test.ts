/** comity ledger on a real database: it names what was changed, taken out, put in another order or signed by another. */
import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import type pg from 'pg'
import t, { test } from 'tap'
import type { CliContext } from '../../src/cli/context.ts'
import { runProgram } from '../../src/cli/program.ts'
import type { Clock } from '../../src/time.ts'
import { basic } from '../support/client.ts'
import { database } from '../support/cluster.ts'
import {
  applyInProcess,
  asOwner,
  copyDatabase,
  dropDatabase,
  openNode,
  sibling,
  TestClock,
} from '../support/in-process.ts'
import { type LedgerItem, type Proof, proves } from '../support/ledger.ts'
import { AT, policyWorld } from '../support/policy-world.ts'
import { indicator, TLP } from '../support/stix.ts'

const DAY = 86_400_000_000n
const { url } = await database(t)
const clock = new TestClock(BigInt(Date.parse('2026-11-25T23:00:00Z')) * 1000n)
await applyInProcess(url, JSON.stringify(policyWorld()), clock.now())
const json = { accept: 'application/json' }
const as = (id: string) => basic(id, `pw-${id}`)

/** Three days with deliveries of two organizations, and one that is not over. */
async function history(at: TestClock): Promise<{ proofs: Proof[]; pem: string; items: LedgerItem[] }> {
  const node = await openNode(url, at as Clock)
  const post = (who: string, objects: object[]) =>
    node.call({
      method: 'POST',
      path: `${AT.closed}objects/`,
      as: as(who),
      body: JSON.stringify({ objects }),
    })
  for (let day = 0; day < 3; day++) {
    for (const who of ['my', 'sg'])
      await post(
        who,
        [0, 1, 2].map(() => indicator({ object_marking_refs: [TLP.green] })),
      )
    for (const who of ['sg', 'de', 'my2', 'bank']) {
      const answer = await node.call({ path: `${AT.closed}objects/`, as: as(who) })
      if (answer.objects.length !== 6 * (day + 1)) throw new Error(answer.text)
    }
    await node.work()
    at.at += DAY
  }
  await node.work()
  for (const who of ['sg', 'de']) await node.call({ path: `${AT.closed}objects/`, as: as(who) })
  await node.work()
  const get = async (path: string) => (await node.call({ path, as: as('my'), headers: json })).json
  const { pem } = await get('/api/v1/ledger/key')
  const items = (await get('/api/v1/ledger?order=oldest&limit=100')).items as LedgerItem[]
  const proofs: Proof[] = []
  for (const item of items)
    proofs.push((await get(`/api/v1/ledger/${item.chain?.seq}/proof`)) as unknown as Proof)
  await node.close()
  return { proofs, pem: String(pem), items }
}
const { proofs, pem, items } = await history(clock)

async function comity(at: string, ...argv: string[]) {
  const [out, err]: [string[], string[]] = [[], []]
  const context: CliContext = {
    env: { DATABASE_URL: at },
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    withOwner: (work) =>
      asOwner(at, async (client) => {
        await client.query('set role comity_owner')
        return await work(client as unknown as pg.PoolClient)
      }),
  }
  const never = async () => 9
  const deps = {
    context,
    serve: never,
    migrate: never,
    import: never,
    export: never,
    openapi: never,
    policy: never,
  }
  const code = await runProgram(deps, ['node', 'comity', ...argv])
  return { code, out, err }
}

test('a ledger as it was written', async (t) => {
  const done = await comity(url, 'ledger', 'verify')
  t.match(done, { code: 0, err: [] })
  t.match(done.out, [
    /ORGANIZATION\s+ENTRIES\s+HEADS\s+UNSIGNED/,
    /mycert\s+14\s+3\s+2\s+ok/,
    /sgcert\s+14\s+3\s+2\s+ok/,
  ])
  const { code, out } = await comity(url, 'ledger', 'verify', '--json', '--organization', 'mycert')
  t.equal(code, 0)
  t.strictSame(JSON.parse(out.join('')), {
    ok: true,
    unsealed: 0,
    chains: [{ organization: 'mycert', entries: 14, heads: 3, unsigned: 2, broken: null }],
  })
  t.match(await comity(url, 'ledger', 'verify', '--organization', 'mycret'), {
    code: 2,
    err: [/"mycret".*mycert/],
  })
})

test('proofs hold for an outsider, for each entry of its own', async (t) => {
  t.equal(proofs.length, 14)
  for (const [i, proof] of proofs.entries()) {
    t.equal(proof.entry.hash, items[i]?.chain?.hash)
    if (i >= 12) {
      t.strictSame([proof.head, proof.path], [null, []], 'the day is not over')
      continue
    }
    t.ok(proves(proof, pem), `entry ${proof.entry.seq}`)
    const another = proofs[(i + 1) % 12] as Proof
    t.notOk(proves({ ...proof, entry: another.entry }, pem), 'of another entry')
    t.notOk(proves({ ...proof, path: [...proof.path].reverse() }, pem) && proof.path.length > 1)
    const { publicKey } = generateKeyPairSync('ed25519')
    t.notOk(proves(proof, String(publicKey.export({ format: 'pem', type: 'spki' }))), 'with another key')
  }
})

test('export and key', async (t) => {
  const { out, err, code } = await comity(url, 'ledger', 'export', '--organization', 'mycert')
  t.equal(code, 0)
  t.strictSame(err, ['14 entries and 3 signed heads'])
  const lines = out.map((line) => JSON.parse(line))
  t.equal(lines.length, 17)
  for (const { text, hash } of lines.slice(0, 14)) {
    t.equal(createHash('sha256').update(text).digest('hex'), hash)
  }
  t.strictSame((await comity(url, 'ledger', 'key')).out, [pem.trimEnd()])
})

const OFF =
  'alter table ledger_entry disable trigger append_only; alter table ledger_head disable trigger append_only;'
const resealed = (seq: number) =>
  `update ledger_entry e set hash = sha256(convert_to(entry_text(e), 'UTF8')) where organization = 'mycert' and seq = ${seq}`

/** What was done to a copy, and what verify says. */
const DAMAGE: [string, string, RegExp][] = [
  [
    'another reader',
    `update ledger_entry set principal = 'de' where organization = 'mycert' and seq = 5`,
    /entry 5 has been changed/,
  ],
  [
    'another time',
    `update ledger_entry set at = at + 1 where organization = 'mycert' and seq = 1`,
    /entry 1 has been changed/,
  ],
  [
    'other objects',
    `update ledger_entry set runs = '\\x08' where organization = 'mycert' and seq = 3`,
    /entry 3 has been changed/,
  ],
  ['another name of the collection', `update ledger_place set root = 'two'`, /entry 1 has been changed/],
  [
    'changed, with its hash',
    `update ledger_entry set rule = 'clear' where organization = 'mycert' and seq = 7; ${resealed(7)}`,
    /entry 8 does not follow/,
  ],
  [
    'the last of a day changed, with its hash and what follows',
    `update ledger_entry set rule = 'clear' where organization = 'mycert' and seq = 12; ${resealed(12)}; update ledger_entry set previous = (select hash from ledger_entry where organization = 'mycert' and seq = 12) where organization = 'mycert' and seq = 13; ${resealed(13)}`,
    /the head of 2026-11-27 ends in another entry/,
  ],
  ['taken out', `delete from ledger_entry where organization = 'mycert' and seq = 6`, /entry 6 is missing/],
  [
    'taken out, and the rest moved up',
    `delete from ledger_entry where organization = 'mycert' and seq = 6; update ledger_entry set seq = -seq where organization = 'mycert' and seq > 6; update ledger_entry set seq = -seq - 1 where organization = 'mycert' and seq < 0`,
    /entry 6 does not follow/,
  ],
  [
    'the last taken out',
    `delete from ledger_entry where organization = 'mycert' and seq = 14`,
    /entry 14 is missing at the end/,
  ],
  [
    'all since a head taken out',
    `delete from ledger_entry where organization = 'mycert' and seq > 11`,
    /entry 12 is missing, and a head has signed it/,
  ],
  [
    'two swapped',
    `update ledger_entry set seq = case seq when 2 then -3 else -2 end where organization = 'mycert' and seq in (2, 3); update ledger_entry set seq = -seq where organization = 'mycert' and seq < 0`,
    /entry 2 does not follow/,
  ],
  [
    'another root',
    `update ledger_head set root = hash where organization = 'mycert' and day = (select min(day) from ledger_head)`,
    /the head of 2026-11-25 has another root/,
  ],
  [
    'a head taken out',
    `delete from ledger_head where organization = 'mycert' and day = (select min(day) from ledger_head)`,
    /entry 1 is not of 2026-11-26/,
  ],
]

for (const [i, [what, statements, says]] of DAMAGE.entries()) {
  test(what, async (t) => {
    const copy = sibling(url, `damage${i}`)
    await copyDatabase(url, copy)
    t.teardown(() => dropDatabase(copy))
    await asOwner(copy, (client) => client.query(`${OFF} ${statements}`))
    const { code, out } = await comity(copy, 'ledger', 'verify')
    t.equal(code, 1)
    t.match(
      out.find((line) => line.startsWith('mycert')),
      says,
    )
    if (!what.includes('name of'))
      t.match(
        out.find((line) => line.startsWith('sgcert')),
        /ok$/,
        'the other chain stands',
      )
  })
}

test('signed by another', async (t) => {
  const copy = sibling(url, 'signed')
  await copyDatabase(url, copy)
  t.teardown(() => dropDatabase(copy))
  const { privateKey } = generateKeyPairSync('ed25519')
  const text = proofs[0]?.head?.text ?? ''
  await asOwner(copy, async (client) => {
    await client.query(OFF)
    await client.query(
      `update ledger_head set signature = $1 where organization = 'mycert' and day = (select min(day) from ledger_head)`,
      [sign(null, Buffer.from(text), privateKey)],
    )
  })
  const { code, out } = await comity(copy, 'ledger', 'verify')
  t.equal(code, 1)
  t.match(
    out.find((line) => line.startsWith('mycert')),
    /the head of 2026-11-25 has a wrong signature/,
  )
})

test('nobody changes it, not even its owner; the application only reads of it', async (t) => {
  await asOwner(url, async (client) => {
    await client.query('set role comity_owner')
    for (const table of ['ledger_entry', 'ledger_head']) {
      for (const statement of [
        `update ${table} set organization = 'x'`,
        `delete from ${table}`,
        `truncate ${table}`,
      ]) {
        await t.rejects(client.query(statement), /append-only/, statement)
      }
    }
    await client.query('set role comity_app')
    for (const statement of [
      `insert into ledger_chain (organization) values ('x')`,
      'select from ledger_chain',
      'select from delivery',
      'delete from ledger_entry',
      'update recall set spread = false',
      'insert into former values (1, 1, 1, 1, 1, 1, 1, 1)',
    ]) {
      await t.rejects(client.query(statement), /permission denied/, statement)
    }
    for (const table of ['ledger_entry', 'ledger_head', 'former', 'recall', 'recall_notice']) {
      const { rows } = await client.query(`select count(*)::int as n from ${table}`)
      t.equal(rows[0].n, 0, `${table} shows nothing to nobody`)
    }
    await client.query(`select set_config('comity.principal', 'sg', false)`)
    const { rows } = await client.query('select distinct organization from ledger_entry')
    t.strictSame(rows, [{ organization: 'sgcert' }], 'a custodian has its own chain and no other')
    await client.query(`select set_config('comity.principal', 'my2', false)`)
    t.strictSame((await client.query('select from ledger_entry')).rowCount, 0, 'without a scope, nothing')
  })
})
