/** The operator's commands on a real database: apply, token, password, doctor; what they print and return. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { type Test, test } from 'tap'
import { apply } from '../../src/cli/apply.ts'
import type { CliContext } from '../../src/cli/context.ts'
import { guarded } from '../../src/cli/context.ts'
import { doctor } from '../../src/cli/doctor.ts'
import { setPassword } from '../../src/cli/password.ts'
import { runProgram } from '../../src/cli/program.ts'
import { keyedHash, tokenDigest, verifyPassword } from '../../src/policy/credentials.ts'
import { Pool } from '../../src/store/pool.ts'
import { sql } from '../../src/store/sql.ts'
import { database } from '../support/cluster.ts'

const TOPOLOGY = `organizations: [{id: a, name: A, country: ZZ}]
principals:
  - {id: ana, organization: a, kind: person, password: first password}
  - {id: feed, organization: a, kind: service, tokens: [{name: file, value: a value from the file, long}]}
api_roots:
  - {path: r, title: R, collections: [{id: 7c1d0b0e-3c1e-4d3e-9f51-6b0f4b7d2a11, alias: one, title: One}]}
`.replace('a value from the file, long', '"a value from the file, long"')

interface Outcome {
  code: number
  out: string[]
  err: string[]
}

async function commands(t: Test, env: NodeJS.ProcessEnv = {}) {
  const { url } = await database(t)
  const pool = new Pool({ url, role: 'comity_owner', max: 2, statementSeconds: 60, name: 'test' })
  t.teardown(() => pool.close())
  const outcome = async (work: (context: CliContext) => Promise<number>): Promise<Outcome> => {
    const [out, err]: [string[], string[]] = [[], []]
    const context: CliContext = {
      env: { DATABASE_URL: url, ...env },
      out: (line) => out.push(line),
      err: (line) => err.push(line),
      async withOwner(job) {
        const client = await pool.pool.connect()
        try {
          return await job(client)
        } finally {
          client.release()
        }
      },
    }
    return { code: await guarded(context, () => work(context)), out, err }
  }
  const never = async () => 9
  const run = (...argv: string[]) =>
    outcome((context) =>
      runProgram(
        {
          context,
          serve: never,
          migrate: never,
          import: never,
          export: never,
          policy: never,
          openapi: never,
        },
        ['node', 'comity', ...argv],
      ),
    )
  const applyText = (text: string, flags: { prune?: boolean; dryRun?: boolean } = {}) =>
    outcome((context) =>
      apply(context, { file: '-', prune: false, dryRun: false, ...flags }, Readable.from([text])),
    )
  return { url, pool, run, outcome, applyText }
}

test('apply prints the difference, and problems as FILE:LINE', async (t) => {
  const { run, applyText } = await commands(t)
  const folder = mkdtempSync(join(tmpdir(), 'comity-apply-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'topology.yaml')
  writeFileSync(file, `\uFEFF${TOPOLOGY}`)
  t.match(await run('apply', '--dry-run', file), { code: 0, err: [/nothing was written/] })
  const first = await run('apply', file)
  t.equal(first.code, 0)
  t.equal(first.out.length, 6)
  t.match(first.out[0], '+ organization a')
  t.match(first.out.join('\n'), /\+ principal ana {2}password: set/)
  t.strictSame(await run('apply', file), { code: 0, out: [], err: ['no change'] })
  const bad = join(folder, 'bad.yaml')
  writeFileSync(bad, 'organisations: []\nbaseline: {max_tlp: blue}\n')
  t.match(await run('apply', bad), {
    code: 2,
    out: [],
    err: [
      `${bad}:1: the topology: unknown key "organisations"`,
      `${bad}:2: baseline: max_tlp`,
      /^2 problems in/,
    ],
  })
  t.match(await run('apply', join(folder, 'none.yaml')), {
    code: 2,
    err: [/none.yaml cannot be read \(ENOENT\)/],
  })
  t.match(await applyText('{}', { prune: true, dryRun: true }), { code: 0, out: { length: 5 } })
  t.match(await applyText('agreements: [{from: a}]'), { code: 2, err: [/^stdin:1: /] })
  const taken = TOPOLOGY.replace('7c1d0b0e', '7c1d0b0f')
  t.match(await applyText(taken), {
    code: 1,
    out: [],
    err: [/^comity: Nothing was applied: the alias "one"/],
  })
})

test('token create prints the token alone; list and revoke know it by prefix and name', async (t) => {
  const { run, applyText, pool } = await commands(t)
  await applyText(TOPOLOGY)
  const made = await run(
    ...['token', 'create', '--principal', 'feed', '--name', 'push', '--max-tlp', 'AMBER', '--scope', 'write'],
    ...[
      '--collection',
      'one',
      '7C1D0B0E-3c1e-4d3e-9f51-6b0f4b7d2a11',
      '--expires',
      '2099-01-01',
      '--cidr',
      '192.0.2.0/24',
    ],
  )
  t.equal(made.code, 0)
  t.equal(made.out.length, 1)
  const [value = ''] = made.out
  t.match(value, /^cmty_[A-Za-z0-9]{8}_[A-Za-z0-9]{43}$/)
  t.notMatch(made.err.join('\n'), value, 'on stdout only')
  const [row] = await pool.rows<{ hash: Buffer; key: string }>(
    sql`select value_hash as hash, (select value from setting where key = 'token_key') as key from token where name = 'push'`,
  )
  t.same(row?.hash, keyedHash(Buffer.from(row?.key ?? '', 'hex'), tokenDigest(value)))
  const list = await run('token', 'list')
  t.equal(list.out.length, 3)
  t.match(
    list.out[2],
    /^feed +push +cmty_\w{8} +write +amber +one,7c1d.* +192.0.2.0\/24 +2099-01-01T00:00Z +never +command$/,
  )
  t.match(list.out[1], /^feed +file +hash:\w{8} +read,write +- +all +any +never +never +file$/)
  t.match(await run('token', 'list', '--principal', 'ana'), { code: 0, out: [], err: ['no tokens'] })
  t.match(await run('token', 'create', '--principal', 'feed', '--name', 'push'), {
    code: 1,
    err: [/has a token push already/],
  })
  for (const [argv, sentence] of [
    [['--principal', 'fed', '--name', 'x'], /no principal fed \(did you mean "feed"\?\)/],
    [['--principal', 'feed', '--name', 'x', '--collection', 'two'], /no collection two/],
  ] as const) {
    t.match(await run('token', 'create', ...argv), { code: 1, out: [], err: [sentence] })
  }
  for (const argv of [
    ['--max-tlp', 'pink'],
    ['--scope', 'admin'],
    ['--expires', 'soon'],
    ['--expires', '2001-01-01'],
    ['--cidr', '1.2.3.4/40'],
  ]) {
    t.match(
      await run('token', 'create', '--principal', 'feed', '--name', 'x', ...argv),
      { code: 2, out: [] },
      argv.join(' '),
    )
  }
  await run('token', 'create', '--principal', 'ana', '--name', 'push')
  t.match(await run('token', 'revoke', 'push'), {
    code: 1,
    err: [/Several tokens are called that.*ana\/push.*feed\/push/],
  })
  t.match(await run('token', 'revoke', 'push', '--principal', 'ana'), { code: 0, err: [/of ana revoked/] })
  t.match(await run('token', 'revoke', value), { code: 0, err: [/of feed revoked/] })
  t.match(await run('token', 'revoke', 'push'), { code: 1, err: [/There is no token/] })
  t.match(await run('token', 'revoke', 'file'), { code: 0, err: [/revoked/, /topology file/] })
  t.match(await pool.rows(sql`select action from audit order by id`), [
    { action: 'topology' },
    { action: 'token created' },
    { action: 'token created' },
    { action: 'token revoked' },
  ])
})

test('password set reads standard input, or asks a terminal twice without echo', async (t) => {
  const { outcome, applyText, pool } = await commands(t)
  await applyText(TOPOLOGY)
  const stored = async () =>
    (
      await pool.rows<{ h: string; changed: bigint }>(
        sql`select password_hash as h, changed from principal where id = 'ana'`,
      )
    )[0]
  const before = await stored()
  const set = (principal: string, text: string) =>
    outcome((context) => setPassword(context, { principal }, Readable.from([text])))
  t.match(await set('anna', 'x'), { code: 1, err: [/no principal anna/] })
  t.match(await set('ana', 'short\n'), { code: 2, err: [/at least 8/] })
  t.same(await stored(), before)
  t.match(await set('ana', 'a new password\nsecond line'), { code: 0, out: [], err: ['password of ana set'] })
  const after = await stored()
  t.ok(await verifyPassword('a new password', after?.h ?? ''))
  t.ok((after?.changed ?? 0n) > (before?.changed ?? 0n))
  const typed = (...lines: string[]) => {
    const terminal = Object.assign(new PassThrough(), { isTTY: true })
    const answers = outcome((context) => setPassword(context, { principal: 'ana' }, terminal))
    for (const [i, line] of lines.entries()) setTimeout(() => terminal.write(line), 100 + 100 * i)
    return answers
  }
  t.match(await typed('typed in secret\r', 'typed in secrxt\r'), { code: 1, err: [/not the same/] })
  t.match(await typed('typed in secret\r', 'typed in secret\r'), { code: 0 })
  t.ok(await verifyPassword('typed in secret', (await stored())?.h ?? ''))
  t.match(await typed('typed\x03'), { code: 1, err: [/Interrupted/] })
})

test('doctor passes on a sound installation and names what is wrong', async (t) => {
  const { outcome, applyText, pool } = await commands(t)
  const bare = await outcome(doctor)
  t.equal(bare.code, 0)
  t.ok(bare.out.some((line) => /^warn {2}topology: 0 principals.* -> run comity apply/.test(line)))
  await applyText(TOPOLOGY)
  const sound = await outcome(doctor)
  t.equal(sound.code, 0)
  t.strictSame(
    sound.out.filter((line) => !line.startsWith('ok ')),
    [],
    'all is well',
  )
  for (const what of [
    'settings',
    'database',
    'migrations',
    'role comity_app',
    'row-level security',
    'clock',
    'topology',
    'TLS',
  ]) {
    t.ok(
      sound.out.some((line) => line.startsWith(`ok    ${what}: `)),
      what,
    )
  }
  await pool.rows(sql`alter table item no force row level security`)
  await pool.rows(sql`alter table token disable row level security`)
  await pool.rows(sql`create view leak as select * from item`)
  const holed = await outcome(doctor)
  t.equal(holed.code, 1)
  t.ok(
    holed.out.some((l) =>
      /^FAIL {2}row-level security: not forced on item, not forced on token, view leak/.test(l),
    ),
    '',
    holed,
  )
  for (const [number, earlier] of [
    [25, '768fec5c1697888ed6caf2d28499e7cb9de33aff38e238d6a68694cf5318ecde'],
    [26, 'fe5780082a1bae88cfe21d319ebb9b3d6ec2ba477155386436b0650c7a98718a'],
  ] as const) {
    await pool.rows(sql`update migration set checksum = ${earlier} where number = ${number}`)
    t.notMatch(
      (await outcome(doctor)).out.join('\n'),
      /not as applied/,
      `two texts of ${number} come to the same`,
    )
  }
  await pool.rows(sql`update migration set checksum = 'x' where number = 1`)
  t.match((await outcome(doctor)).out.join('\n'), /FAIL {2}migrations: 0001_core.sql is not as applied/)
})

test('doctor goes on without a database, and with bad settings', async (t) => {
  const out: string[] = []
  const context: CliContext = {
    env: { PORT: 'http', DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' },
    out: (line) => out.push(line),
    err: () => {},
    withOwner: () => Promise.reject(Object.assign(new Error(''), { code: 'ECONNREFUSED' })),
  }
  t.equal(await doctor(context), 1)
  t.match(out, [
    /^FAIL {2}settings: PORT=http is not a whole number/,
    /^FAIL {2}database: ECONNREFUSED -> check/,
  ])
  out.length = 0
  t.equal(await doctor({ ...context, env: { HOST: '0.0.0.0' } }), 1)
  t.match(out.join('\n'), /warn {2}TLS: credentials cross the network in the clear/)
})
