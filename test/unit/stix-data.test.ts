/** Published data, object by object: what the validator refuses of it is known, and is wrong by the standard. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { test } from 'tap'
import { STANDARD_DEFINITIONS, validateText } from '../../src/stix/index.ts'
import { root } from '../support/paths.ts'

const data = process.env.COMITY_TEST_DATA ?? join(root, '..', 'shared', 'data')

/**
 * Objects that are invalid as published: wrong URLs, modified before created, one UUID for two types, nulls,
 * empty lists, texts for numbers. */
const REFUSED: Readonly<Record<string, Record<string, number>>> = {
  'attack-flow': {
    'CO-07/shared-uuid': 25,
    'SC-12/url': 5,
    'TY-01/null': 4,
    'TY-02/empty-list': 5,
    'TY-05/type': 10,
  },
  'attack-ics': {},
  'attack-mobile': { 'CO-10/modified-before-created': 4 },
  capec: { 'TY-12/url': 3 },
  disarm: {},
  'oasis-examples': {},
  'opencti-datasets': {},
  'spyware-indicators': {},
  'stix2.0': {},
  tlp: {},
}

for (const [folder, refused] of Object.entries(REFUSED)) {
  const path = join(data, folder)
  const skip = existsSync(path) ? false : `NOT TESTED: no ${folder} in ${data}; set COMITY_TEST_DATA`
  test(`${folder}: every file`, { skip }, async (t) => {
    const found: Record<string, number> = {}
    let objects = 0
    for (const name of readdirSync(path)) {
      if (!name.endsWith('.json.gz')) continue
      const report = validateText(gunzipSync(readFileSync(join(path, name))))
      t.same(
        report.findings.filter((f) => f.severity === 'error'),
        [],
        name,
      )
      objects += report.objects.length
      for (const { code } of report.objects.flatMap((o) => o.errors)) found[code] = (found[code] ?? 0) + 1
    }
    t.ok(objects > 0)
    t.strictSame(Object.fromEntries(Object.entries(found).sort()), refused)
  })
}

test('the standard TLP definitions are valid and draw no warning', async (t) => {
  for (const { text } of STANDARD_DEFINITIONS) {
    const [object] = validateText(text).objects
    t.match(object, { valid: true, errors: [], warnings: [] })
  }
})
