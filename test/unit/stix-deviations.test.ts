/** docs/stix-deviations.md: each row has its input, and our verdict on it is the one that the page states. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { validateObject, validateText, WARNING_CODES } from '../../src/stix/index.ts'
import { root } from '../support/paths.ts'
import { DEVIATIONS } from '../support/stix-deviation-cases.ts'

const page = readFileSync(join(root, 'docs', 'stix-deviations.md'), 'utf8')
const rows = new Map(
  [...page.matchAll(/^\| (DV-\d+) \|(.*)\|$/gm)].map(([, id, rest]) => {
    const cells = (rest as string).split(' | ').map((cell) => cell.trim())
    return [id as string, { reference: cells[1] ?? '', ours: cells[2] ?? '', cells: cells.length }]
  }),
)

test('rows and inputs are the same', async (t) => {
  t.same([...rows.keys()].sort(), DEVIATIONS.map(([row]) => row).sort())
  t.equal(new Set(DEVIATIONS.map(([row]) => row)).size, DEVIATIONS.length)
  for (const [id, { cells }] of rows) t.equal(cells, 5, id)
})

test('our verdicts are those of the page', async (t) => {
  for (const [row, input, ours] of DEVIATIONS) {
    const report = typeof input === 'string' ? validateText(input) : validateObject(input)
    const errors = [...report.findings, ...report.objects.flatMap((o) => o.errors)].map((f) => f.code)
    const warnings = report.objects.flatMap((o) => o.warnings).map((f) => f.code)
    const stated = rows.get(row)?.ours ?? ''
    if (ours === 'valid') {
      t.same(errors, [], row)
      for (const [, code] of stated.matchAll(/\{(\d+)\}/g))
        t.ok(warnings.includes(code as string), `${row} ${code}`)
      t.match(stated, /^(valid|\{)/, row)
    } else {
      t.ok(errors.includes(ours), `${row}: ${ours} in ${errors}`)
      t.equal(stated, ours.split('/')[0], row)
    }
    t.match(rows.get(row)?.reference, /^(accepts|rejects|crashes \(\w+\)|nothing|\{225\})$/, row)
  }
})

test('docs/stix-validator.md lists every warning', async (t) => {
  const manual = readFileSync(join(root, 'docs', 'stix-validator.md'), 'utf8')
  const listed = [...manual.matchAll(/^\| (\d{3}) \| (.*) \|$/gm)].map(([, code, text]) => [code, text])
  t.strictSame(listed, [...WARNING_CODES])
})
