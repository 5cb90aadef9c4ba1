/** The command stix2-validate: inputs, options, output, exit status. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { test } from 'tap'
import { id, tool } from '../support/stix-builders.ts'

const command = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'src', 'stix', 'stix2-validate.js')
const run = (args: string[], input = '') => {
  const done = spawnSync(process.execPath, [command, ...args], { input, encoding: 'utf8' })
  return { status: done.status, out: done.stdout, err: done.stderr }
}
const good = JSON.stringify(tool())
const bad = JSON.stringify(tool({ name: 7 }))
const warned = JSON.stringify(tool({ x_acme: 1 }))

test('standard input, files, gzip, NDJSON', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'stix2-validate-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const put = (name: string, content: string | Buffer): string => {
    const file = join(folder, name)
    writeFileSync(file, content)
    return file
  }
  t.match(run([], good), { status: 0, out: /-: valid\n1 file\(s\), 1 object\(s\), 0 invalid/ })
  t.match(run(['-'], bad), {
    status: 1,
    out: /\{TY-05\/type\} \/name must be a string\. \[STIX 2\.1 §2\.15\]/,
  })
  const files = [
    put('a.json', good),
    put('b.json.gz', gzipSync(`{"type":"bundle","id":"${id('bundle')}","objects":[${good}]}`)),
  ]
  t.match(run(files), { status: 0, out: /2 file\(s\), 2 object\(s\), 0 invalid/ })
  t.match(run([...files, put('c.ndjson', `${good}\n\n${bad}\n${warned}\n`)]), {
    status: 1,
    out: /3 file\(s\), 5 object\(s\), 1 invalid/,
  })
  t.match(run([put('d.ndjson', `${good}\n{nonsense\n`)]), {
    status: 1,
    out: /Line 2: The text is not valid JSON/,
  })
  t.match(run([join(folder, 'absent.json')]), { status: 2, err: /absent\.json/ })
  t.match(run([put('e.gz', Buffer.from([0x1f, 0x8b, 1, 2]))]), { status: 2 })
})

test('options', async (t) => {
  t.match(run([], warned), { status: 0, out: /warning \{401\}/ })
  t.match(run(['--strict'], warned), { status: 1 })
  t.match(run(['--strict', '--disable', '401'], warned), { status: 1, out: /\{101\}/ })
  t.match(run(['--strict', '--disable', '401,1'], warned), { status: 0 })
  t.notMatch(run(['--quiet'], warned).out, /401/)
  t.match(run(['--custom-properties', 'deny'], warned), { status: 1 })
  const defanged = JSON.stringify(tool({ defanged: true }))
  t.match(run([], defanged), { status: 1, out: /CO-14/ })
  t.match(run(['--profile', 'spec'], defanged), { status: 1 })
  t.match(run(['--profile', 'reference'], defanged), { status: 0 })
  t.match(run(['--accept', '2.0'], good), { status: 1, out: /2\.0 only/ })
  for (const args of [
    ['--nonsense'],
    ['--disable', '999'],
    ['--version', '3'],
    ['--custom-types', 'perhaps'],
    ['--profile', 'other'],
  ]) {
    t.match(
      run(args, good),
      { status: 2, out: '', err: /stix2-validate: .*\nTry --help\.\n/ },
      args.join(' '),
    )
  }
  t.match(run(['--help']), { status: 0, out: /^Usage: stix2-validate/ })
})

test('--json is one document', async (t) => {
  const { status, out } = run(['--json'], bad)
  t.equal(status, 1)
  t.match(JSON.parse(out), {
    valid: false,
    files: [
      {
        file: '-',
        valid: false,
        findings: [],
        objects: [
          { index: 0, version: '2.1', valid: false, errors: [{ code: 'TY-05/type', path: '/name' }] },
        ],
      },
    ],
  })
})
