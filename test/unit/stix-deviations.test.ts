/** docs/stix-deviations.md: each row has its input, and our verdict on it is the one that the page states. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import {
  type Report,
  type ValidateOptions,
  validateObject,
  validateText,
  WARNING_CODES,
} from '../../src/stix/index.ts'
import { DEPARTURES } from '../../src/stix/profile.ts'
import { root } from '../support/paths.ts'
import {
  AT,
  file,
  id,
  malware,
  marking,
  observed,
  relationship,
  sco,
  sdo,
  tool,
  traffic,
  without,
} from '../support/stix-builders.ts'
import { DEVIATIONS } from '../support/stix-deviation-cases.ts'

const page = readFileSync(join(root, 'docs', 'stix-deviations.md'), 'utf8')
const rows = new Map(
  [...page.matchAll(/^\| (DV-\d+) \|(.*)\|$/gm)].map(([, id, rest]) => {
    const cells = (rest as string).split(' | ').map((cell) => cell.trim())
    const [, reference = '', ours = '', , , profile = ''] = cells
    return [id as string, { reference, ours, profile, cells: cells.length }]
  }),
)

const judged = (input: unknown, options: ValidateOptions = {}): Report =>
  typeof input === 'string' ? validateText(input, options) : validateObject(input, options)

test('rows and inputs are the same', async (t) => {
  t.same([...rows.keys()].sort(), DEVIATIONS.map(([row]) => row).sort())
  t.equal(new Set(DEVIATIONS.map(([row]) => row)).size, DEVIATIONS.length)
  for (const [id, { cells }] of rows) t.equal(cells, 6, id)
})

test('our verdicts are those of the page', async (t) => {
  for (const [row, input, ours] of DEVIATIONS) {
    const report = judged(input)
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

/** Is the verdict that of the reference? Of rows that both accept: do our own warnings say nothing? */
function agrees({ valid, objects }: Report, reference: string): boolean {
  if (/^(rejects|crashes)/.test(reference)) return !valid
  const told = objects.flatMap((object) => object.warnings).map(({ code }) => code)
  if (reference === 'accepts') return valid
  return valid && !told.some((code) => code > '900' || (code === '111' && reference === '{225}'))
}

test('the profile `reference` takes the verdicts that the page says, and no others', async (t) => {
  for (const [row, input] of DEVIATIONS) {
    const { reference = '', profile } = rows.get(row) ?? {}
    const before = agrees(judged(input), reference)
    const after = agrees(judged(input, { profile: 'reference' }), reference)
    t.same(judged(input, { profile: 'spec' }), judged(input), `${row}: spec is the default`)
    if (profile === 'follows') t.same([before, after], [false, true], `${row} follows`)
    else if (profile === 'same') t.same([before, after], [true, true], `${row} is the same`)
    else {
      t.match(profile, /^no \([abcd]\)$/, row)
      t.same([before, after], [false, false], `${row} does not follow`)
    }
  }
  for (const { row } of DEPARTURES) t.equal(rows.get(row)?.profile, 'follows', row)
})

test('the profile leaves a check in where the reference has it too', async (t) => {
  const codes = (input: unknown, options: ValidateOptions = {}): string[] =>
    judged(input, { profile: 'reference', ...options }).objects.flatMap(({ errors }) =>
      errors.map((f) => f.code),
    )
  t.same(codes(tool({ id: id('malware') })), ['CO-01/id-type'], 'the id of a standard type')
  t.same(codes(malware({ operating_system_refs: [id('tool')] })), ['SD-02/target'])
  t.same(codes(traffic({ end: AT, is_active: true })), ['SC-09/still-active'])
  t.same(codes(marking({ definition_type: 'tlp', definition: { tlp: 'red' } })), ['ME-03/tlp'])
  t.same(codes(tool({ extensions: { foo: { bar: 1 } } })), ['ME-08/key'])
  t.same(codes(relationship({ source_ref: id('bundle') })), ['ME-11/bundle'])
  t.same(codes(relationship({ relationship_type: 'Uses' })), ['SD-09/relationship-type'])
  t.same(codes(without(tool(), 'name')), ['TY-01/required'])
  const inside = { 0: { type: 'file', name: 'a', parent_directory_ref: '1' }, 1: { type: 'file', name: 'b' } }
  t.same(codes(observed({ objects: inside })), ['SC-01/target'], 'in the container')
  t.same(codes(sdo('x-acme-thing', { id: id('tool'), value: 1, created: 'x' })), ['TY-13/timestamp'])
  const picture = sco('artifact', { mime_type: 'text/nothing', payload_bin: 'YQ==' })
  t.same(codes(picture), ['271'], 'a warning that is an error')
  t.same(codes(picture, { disable: [271] }), [], 'unless it is disabled')
  t.same(codes(file({ mime_type: 'text/nothing' })), [])
  const twice = `{"type":"bundle","id":"${id('bundle')}","id":"${id('bundle')}","objects":[${JSON.stringify(tool())}]}`
  t.notOk(validateText(twice).valid)
  t.ok(validateText(twice, { profile: 'reference' }).valid)
  // Fifty errors that are left out hide none that is not.
  const refs = Array.from({ length: 60 }, () => id('url'))
  t.same(codes(malware({ sample_refs: refs, is_family: 'no' })), ['TY-05/type'])
})

test('docs/stix-validator.md lists every warning', async (t) => {
  const manual = readFileSync(join(root, 'docs', 'stix-validator.md'), 'utf8')
  const listed = [...manual.matchAll(/^\| (\d{3}) \| (.*) \|$/gm)].map(([, code, text]) => [code, text])
  t.strictSame(listed, [...WARNING_CODES])
})
