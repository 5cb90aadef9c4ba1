/** docs/settings.md lists what config.ts reads, and the exit codes that commands have. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { EXIT } from '../../src/cli/context.ts'
import { packageRoot } from '../../src/package-root.ts'
import { SETTINGS } from '../../src/settings.ts'

const file = join(packageRoot, 'docs', 'settings.md')
const BLOCK = /(<!-- settings:[^\n]*-->\n).*?(<!-- \/settings -->)/s

/** The table between the marks. */
function table(): string {
  const cell = (text: string) => text.replaceAll('|', '\\|').replace(/\s+/g, ' ')
  const rows = SETTINGS.map(
    ({ name, fallback, about }) =>
      `| \`${name}\` | ${fallback ? cell(fallback) : '(unset)'} | ${cell(about)} |`,
  )
  return ['| variable | default | meaning |', '|---|---|---|', ...rows, ''].join('\n')
}

test('docs/settings.md is made from SETTINGS (UPDATE=1 writes it)', async (t) => {
  const before = readFileSync(file, 'utf8')
  t.match(before, BLOCK, 'the marks are there')
  const after = before.replace(BLOCK, (_all, start: string, end: string) => `${start}\n${table()}\n${end}`)
  if (process.env.UPDATE === '1') writeFileSync(file, after)
  t.ok(readFileSync(file, 'utf8') === after, 'no drift')
})

test('every variable that config.ts reads is a setting, and the other way round', async (t) => {
  const source = readFileSync(join(packageRoot, 'src', 'config.ts'), 'utf8')
  const body = source.slice(source.indexOf('export function readConfig'))
  const read = new Set(
    [...body.matchAll(/\('((?:COMITY_|DATABASE_)\w+|HOST|PORT|LOG_LEVEL)'/g)].map((m) => m[1]),
  )
  t.strictSame([...read].sort(), SETTINGS.map((s) => s.name).sort())
})

test('docs/settings.md says every exit code', async (t) => {
  const text = readFileSync(file, 'utf8')
  const codes = [...text.matchAll(/^\| (\d) \|/gm)].map((m) => Number(m[1]))
  t.strictSame(codes, Object.values(EXIT).sort())
})
