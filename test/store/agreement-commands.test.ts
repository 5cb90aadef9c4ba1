/** `comity agreement`, `comity veto`, `comity opt-out` and `comity audit` on a real database: what they print and change. */
import { Readable } from 'node:stream'
import pg from 'pg'
import { type Test, test } from 'tap'
import { apply } from '../../src/cli/apply.ts'
import { type CliContext, guarded } from '../../src/cli/context.ts'
import { asOwner } from '../../src/cli/exchange.ts'
import { runProgram } from '../../src/cli/program.ts'
import { database } from '../support/cluster.ts'
import { policyWorld } from '../support/policy-world.ts'

async function commands(t: Test) {
  const { url } = await database(t)
  const outcome = async (work: (context: CliContext) => Promise<number>) => {
    const [out, err]: [string[], string[]] = [[], []]
    const context: CliContext = {
      env: {},
      out: (line) => out.push(line),
      err: (line) => err.push(line),
      withOwner: async (job) => await asOwner(url, job),
    }
    return { code: await guarded(context, () => work(context)), out, err: err.join('\n') }
  }
  let labelled = 0
  const labelDue = async () => {
    labelled++
  }
  const never = async () => 9
  const deps = {
    serve: never,
    migrate: never,
    import: never,
    export: never,
    policy: never,
    openapi: never,
    labelDue,
  }
  const run = (line: string, ...more: string[]) =>
    outcome((context) => runProgram({ context, ...deps }, ['node', 'comity', ...line.split(' '), ...more]))
  const world = JSON.stringify({ ...policyWorld(), agreements: [] })
  const applied = await outcome((context) =>
    apply(context, { file: '-', prune: false, dryRun: false }, Readable.from([world])),
  )
  t.equal(applied.code, 0, applied.err)
  const row = async (text: string) => {
    const client = new pg.Client({ connectionString: url, options: '-c search_path=comity,pg_temp' })
    await client.connect()
    const { rows } = await client.query(text)
    await client.end()
    return rows[0] as Record<string, unknown>
  }
  return { run, row, labelled: () => labelled }
}

const why = ['--reason', 'exercise']

test('custodians and the operator propose, sign and end agreements', async (t) => {
  const { run, row } = await commands(t)
  const propose =
    'agreement propose --from MY --to SG --max-tlp tlp:amber --recipients national-cert --clients'
  t.match(await run(propose, '--as', 'my2', ...why), { code: 1, err: /Only a custodian may propose/ })
  t.match(await run(propose, '--as', 'nobody', ...why), { code: 2, err: /no principal "nobody"/ })
  t.match(await run(propose, '--as', 'my', '--for', 'MY', '--reason', 'x'), {
    code: 2,
    err: /--for is for the operator/,
  })
  t.match(await run(propose, '--as', 'my'), { code: 2, err: /--reason/ })
  const made = await run(propose, '--as', 'my', '--valid-until', '2099-01-01', ...why)
  t.match(made, {
    code: 0,
    err: 'A draft: nothing changes until SG has signed. Then the national CERTs of SG and their clients may read what organizations of MY share up to TLP:AMBER until 2099-01-01T00:00:00.000000Z.',
  })
  const [id = ''] = made.out
  t.match(
    (await run('agreement list')).out[1],
    new RegExp(`^${id} +MY +SG +amber +national-cert +yes +MY +- +2099-01-01T00:00Z +draft +my$`),
  )
  t.match(await run('agreement list --as de'), { code: 0, out: [], err: 'no agreements' })
  t.match(await run(`agreement sign ${id} --as de`, ...why), { code: 1, err: /no such thing/ })
  t.match(await run(`agreement sign ${id}`, ...why), { code: 1, err: /Say for whom you sign/ })
  t.match(await run('agreement sign 17 --as sg', ...why), { code: 2, err: /no id of an agreement/ })
  t.match(await run(`agreement sign ${id} --for SG`, ...why), {
    code: 0,
    err: /^Now the national CERTs of SG/,
  })
  t.match(await run(`agreement sign ${id} --as sg`, ...why), { code: 1, err: /SG has signed it already/ })
  t.match(JSON.parse((await run('agreement list --as sg --json')).out[0] ?? ''), {
    id,
    state: 'in force',
    signatures: [
      { side: 'MY', by: 'my' },
      { side: 'SG', by: /^operator / },
    ],
  })
  t.match(await row('select signed, max_tlp from agreement'), { signed: ['MY', 'SG'], max_tlp: 'amber' })
  t.match(await run(`agreement end ${id} --as sg`, ...why), {
    code: 0,
    err: /nobody reads what organizations of MY share any more; what .* fetched until now stays with them/,
  })
  t.match(await run(`agreement end ${id}`, ...why), { code: 1, err: /ended already/ })
  const odd = await run('agreement propose --from MY --to XX --max-tlp amber --for MY', ...why)
  t.match(odd, { code: 1, err: /\/to names no country or organization/ })

  const audit = await run('audit --json')
  const entries = audit.out.map((line) => JSON.parse(line))
  t.match(entries.map((e) => [e.action, e.actor, e.detail.reason]).slice(1), [
    ['agreement.propose', 'my', 'exercise'],
    ['agreement.sign', /^operator /, 'exercise'],
    ['agreement.end', 'sg', 'exercise'],
  ])
  t.match((await run('audit')).out.at(-1), /^\d{4}-.*Z {2}sg {2}agreement\.end {2}\{.*"reason":"exercise"/)
  t.match(await run('audit --since 2099-01-01'), { code: 0, out: [], err: 'no entries' })
})

test('vetoes and opt-outs', async (t) => {
  const { run, labelled } = await commands(t)
  t.match(await run('veto add --to DE', ...why), { code: 2, err: /--by names the national CERT/ })
  t.match(await run('veto add --by petrobank', ...why), { code: 1, err: /names no national CERT/ })
  t.match(await run('veto add --as bank', ...why), {
    code: 1,
    err: /Only a custodian of a national CERT may veto/,
  })
  t.match(await run('veto add --as my --named x', ...why), { code: 2, err: /--named takes/ })
  const made = await run('veto add --as my --to SG DE --level amber', ...why)
  t.match(made, {
    code: 0,
    err: 'Now organizations of DE, SG may not read what originates in MY at TLP:AMBER or stricter.',
  })
  t.equal(labelled(), 0)
  const named = 'indicator--6d0f2b1c-52ab-4a2f-8e0b-0c6f1f1b7a11'
  const second = await run(`veto add --by sgcert --named ${named}`, ...why)
  t.match(second.err, `Now nobody but the originating organization may read ${named} of SG.`)
  t.equal(labelled(), 1, 'stored objects are labelled anew')
  t.match((await run('veto list')).out.slice(1), [
    / MY +mycert +DE,SG +amber +- .* in force +my +exercise$/,
    new RegExp(` SG +sgcert +all +any +${named} .* in force +operator`),
  ])
  t.equal((await run('veto list --as bank')).out.length, 2, 'those of its country')
  t.match(await run(`veto end ${second.out[0]} --as my`, ...why), { code: 1, err: /no such thing/ })
  t.match(await run(`veto end ${made.out[0]} --as my`, ...why), { code: 0, err: /The veto is over/ })
  t.match(await run(`veto end ${made.out[0]} --as my`, ...why), { code: 1, err: /ended already/ })

  t.match(await run('opt-out add MY --as bank', ...why), { code: 1, err: /Only a custodian/ })
  t.match(await run('opt-out add XX', ...why), { code: 1, err: /names no country/ })
  t.match(await run('opt-out add MY --as my', ...why), { code: 0, err: /^Now MY neither gives nor receives/ })
  t.match(await run('opt-out add DE', ...why), { code: 0 })
  t.match((await run('opt-out list')).out, [/^WHO/, /^DE +.*operator/, /^MY +.* my +exercise/])
  t.match((await run('opt-out list --as my')).out, [/^WHO/, /^MY/])
  t.match(await run('opt-out end DE --as my', ...why), { code: 1, err: /no such thing/ })
  t.match(await run('opt-out end MY --as my', ...why), { code: 0, err: /takes part in the baseline again/ })
})
