/** The command line: what reaches the commands, help, and exit codes. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import type { CliContext } from '../../src/cli/context.ts'
import { type ProgramDeps, runProgram } from '../../src/cli/program.ts'
import { Refusal } from '../../src/errors.ts'
import { packageRoot } from '../../src/package-root.ts'
import { SETTINGS } from '../../src/settings.ts'

async function run(argv: string[], deps: Partial<ProgramDeps> = {}) {
  const [out, err, calls]: [string[], string[], unknown[]] = [[], [], []]
  const context: CliContext = {
    env: {},
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    withOwner: () => Promise.reject(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })),
  }
  const note =
    (name: string) =>
    async (options?: unknown): Promise<number> => {
      calls.push(options === undefined ? [name] : [name, options])
      return 0
    }
  const all = {
    context,
    serve: note('serve'),
    migrate: note('migrate'),
    import: note('import'),
    export: note('export'),
    policy: note('policy'),
    openapi: note('openapi'),
    ...deps,
  }
  const code = await runProgram(all, ['node', 'comity', ...argv])
  return { code, out: out.join('\n'), err: err.join('\n'), calls }
}

test('commands get their options', async (t) => {
  const to = ['--root', 'global', '--collection', 'indicators', '--as', 'ana']
  const common = { root: 'global', collection: 'indicators', as: 'ana' }
  for (const [argv, call] of [
    [['serve'], ['serve']],
    [['openapi'], ['openapi']],
    [['migrate'], ['migrate', { dryRun: false }]],
    [
      ['migrate', '--dry-run'],
      ['migrate', { dryRun: true }],
    ],
    [
      ['import', ...to, 'a.json', '-'],
      ['import', { files: ['a.json', '-'], ...common }],
    ],
    [
      ['export', ...to],
      ['export', { ...common, format: 'bundle', version: 'last' }],
    ],
    [
      ['export', ...to, '--version', 'all', '--format', 'ndjson', '--out', 'f'],
      ['export', { ...common, format: 'ndjson', version: 'all', out: 'f' }],
    ],
    [
      ['policy', 'preview', ...to, '--tlp', 'amber', '--marking', 'a', 'b', '--json'],
      ['policy', { ask: 'preview', ...common, tlp: 'amber', marking: ['a', 'b'], json: true }],
    ],
    [
      ['policy', 'explain', ...to, '--id', 'x', '--version', 'v', '--reader', 'sgcert'],
      ['policy', { ask: 'explain', ...common, id: 'x', version: 'v', reader: 'sgcert', json: false }],
    ],
    [
      ['policy', 'view-as', ...to, '--reader', 'SG', '--limit', '5'],
      ['policy', { ask: 'view-as', ...common, reader: 'SG', limit: 5 }],
    ],
    [
      ['policy', 'simulate', '--as', 'ana', '--from', 'MY', '--to', 'SG', '--max-tlp', 'amber'],
      [
        'policy',
        { ask: 'simulate', as: 'ana', from: 'MY', to: 'SG', maxTlp: 'amber', recipients: 'all', end: false },
      ],
    ],
    [
      ['policy', 'reciprocity', '--as', 'ana'],
      ['policy', { ask: 'reciprocity', as: 'ana', json: false }],
    ],
  ] as const) {
    t.match(await run([...argv]), { code: 0, calls: [call], err: '' }, argv.join(' '))
  }
})

test('help names every command, variable and exit code; each command has an example', async (t) => {
  const { code, out } = await run(['--help'])
  t.equal(code, 0)
  for (const { name } of SETTINGS) t.ok(out.includes(`  ${name}\n`), name)
  t.match(out, /Exit codes:/)
  for (const command of [
    'serve',
    'migrate',
    'apply',
    'import',
    'export',
    'token',
    'password',
    'doctor',
    'openapi',
    'relabel',
    'schedule',
    'release-request',
  ]) {
    t.match(out, new RegExp(`^ {2}${command}`, 'm'))
    if (['token', 'password', 'schedule', 'release-request'].includes(command)) continue
    t.match((await run([command, '--help'])).out, /Examples:\n {2}\$ .*comity/, command)
  }
  for (const argv of [
    ['token', 'create'],
    ['token', 'list'],
    ['token', 'revoke'],
    ['password', 'set'],
    ['schedule', 'list'],
    ['schedule', 'add'],
    ['schedule', 'cancel'],
    ['release-request', 'list'],
    ['release-request', 'approve'],
    ['release-request', 'refuse'],
    ...['preview', 'explain', 'view-as', 'simulate', 'reciprocity'].map((ask) => ['policy', ask]),
  ]) {
    t.match((await run([...argv, '--help'])).out, /Examples:/, argv.join(' '))
  }
  t.match(await run(['--version']), { code: 0, out: /^\d+\.\d+\.\d+$/ })
})

test('wrong usage is 2 and says where help is', async (t) => {
  for (const argv of [
    [],
    ['serv'],
    ['apply'],
    ['serve', '--fast'],
    ['import', 'x'],
    ['token'],
    ['token', 'create'],
    ['password'],
    ['policy'],
    ['policy', 'preview', '--root', 'r', '--collection', 'c'],
    ['policy', 'view-as', '--root', 'r', '--collection', 'c', '--as', 'a', '--reader', 'b', '--limit', '0'],
    ['export', '--root', 'r', '--collection', 'c', '--as', 'a', '--format', 'csv'],
  ]) {
    const { code, err, calls } = await run(argv)
    t.equal(code, 2, argv.join(' '))
    t.match(err, /--help|Usage/, argv.join(' '))
    t.strictSame(calls, [])
  }
  t.match((await run(['serv'])).err, /Did you mean serve\?/)
})

test("README.md's table names every command", async (t) => {
  const { out } = await run(['--help'])
  const names = [...(out.split('Commands:')[1]?.split('Environment:')[0] ?? '').matchAll(/^ {2}([a-z-]+) /gm)]
  t.ok(names.length > 15)
  const readme = readFileSync(join(packageRoot, 'README.md'), 'utf8')
  for (const [, name = ''] of names) {
    if (name !== 'help') t.match(readme, new RegExp(`\\| .*\`comity ${name}[ \`].* \\|`), name)
  }
})

test('failures become exit codes', async (t) => {
  const fail = (error: unknown) => ({ serve: () => Promise.reject(error) })
  const coded = (code: string) => Object.assign(new Error('text of the database'), { code })
  t.match(await run(['serve'], { serve: async () => 1 }), { code: 1 })
  t.match(await run(['serve'], fail(new Refusal('Port 1 is in use.', 1))), {
    code: 1,
    err: 'comity: Port 1 is in use.',
  })
  t.match(await run(['serve'], fail(coded('ECONNREFUSED'))), { code: 3, err: /does not answer \(text/ })
  t.match(await run(['serve'], fail(coded('28P01'))), { code: 3, err: /refuses/ })
  t.match(await run(['serve'], fail(coded('42P01'))), { code: 3, err: /run comity migrate/ })
  t.match(await run(['token', 'list']), { code: 3, err: /does not answer \(refused\)/ })
  await t.rejects(run(['serve'], fail(new TypeError('a fault of ours'))), /a fault of ours/)
})
