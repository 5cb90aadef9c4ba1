/** Every requirement row has a test that names it or a reason why not, and docs/conformance.md says which. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { test } from 'tap'
import { root } from '../support/paths.ts'

interface Row {
  id: string
  level: string
  text: string
}

const here = join(root, 'test', 'conformance')
const page = join(root, 'docs', 'conformance.md')
const rows: Row[] = JSON.parse(readFileSync(join(here, 'rows.json'), 'utf8'))
const reasons: Record<string, string> = JSON.parse(readFileSync(join(here, 'not-tested.json'), 'utf8'))

/** Test files by the row ids that the names of their tests start with. */
function named(): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>()
  const folders = [here, join(root, 'test', 'http')]
  const files = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
  )
  for (const path of files.filter((name) => name.endsWith('.test.ts')).sort()) {
    const text = readFileSync(path, 'utf8')
    for (const [, id = ''] of text.matchAll(/\btest\(\s*['"`]([A-Z]-[\w.]+(?:-\d+)?)[ ,:]/g))
      note(found, id, path)
    // endpoints.test.ts makes its tests in a loop over contracts.
    if (/test\(`\$\{c\.id\} /.test(text)) {
      for (const [, id = ''] of text.matchAll(/\bid: '(C-\d+)'/g)) note(found, id, path)
    }
  }
  return found
}

function note(found: Map<string, Set<string>>, id: string, path: string): void {
  const files = found.get(id) ?? new Set<string>()
  files.add(relative(root, path))
  found.set(id, files)
}

const tests = named()

test('every row has a test that names it, or a reason in not-tested.json', async (t) => {
  t.equal(new Set(rows.map((row) => row.id)).size, rows.length, 'ids are unique')
  for (const { id } of rows) {
    const tested = tests.has(id)
    t.ok(tested || id in reasons, `${id} is tested or has a reason`)
    t.notOk(tested && id in reasons, `${id} is not both`)
  }
  const known = new Set(rows.map((row) => row.id))
  const inTests = [...tests].filter(([, files]) => [...files].some((file) => file.includes('conformance')))
  for (const id of [...inTests.map(([id]) => id), ...Object.keys(reasons)])
    t.ok(known.has(id), `${id} is a row`)
})

const LEVELS = `Levels: M = MUST, S = SHOULD, O = MAY of TAXII 2.1 (OASIS Standard, 10 June 2021); I = the TAXII 2.1
Interoperability Test Document (CSD01, rebuilt from public quotations); J = our decision where the standard is silent;
K = what a real client sends or assumes.`

function written(): string {
  const lines = rows.map(({ id, level, text }) => {
    const where = [...(tests.get(id) ?? [])]
      .map((file) => `[${file.replace(/^test\/(conformance\/)?|\.test\.ts$/g, '')}](../${file})`)
      .join(', ')
    return `| ${id} | ${level} | ${text.replaceAll('|', '\\|')} | ${where || `not tested: ${reasons[id] ?? ''}`} |`
  })
  return [
    '# Conformance',
    '',
    'Each requirement of TAXII 2.1 that binds a server, and the test that proves it. This page is written by',
    '`UPDATE=1 npx tap run build/test/conformance/coverage.test.js`; the suite runs with',
    '`npx tap run build/test/conformance`, against a server and a PostgreSQL of its own.',
    '',
    LEVELS,
    '',
    '| ID | Level | Requirement | Test |',
    '|---|---|---|---|',
    ...lines,
    '',
  ].join('\n')
}

test('docs/conformance.md is up to date (UPDATE=1 rewrites it)', async (t) => {
  const text = written()
  if (process.env.UPDATE) writeFileSync(page, text)
  t.equal(existsSync(page) ? readFileSync(page, 'utf8') : '', text, 'run with UPDATE=1')
})
