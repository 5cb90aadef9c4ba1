/** match[id], match[type], match[spec_version], match[version] (TAXII 2.1 §3.4.1). */
import t, { test } from 'tap'
import { isEmpty, isError } from '../../support/checks.ts'
import type { Answer, Client } from '../../support/client.ts'
import { startServer } from '../../support/server.ts'
import {
  campaign,
  indicator,
  indicator20,
  ipv4,
  malware,
  newId,
  relationship,
  STIX_TYPES,
  statement,
  version,
} from '../../support/stix.ts'
import { NO_OBJECT, scratches, topology } from '../../support/world.ts'

const server = await startServer(t, { topology: topology() })
const analyst: Client = server.as('analyst')
const scratch = scratches()

const at = (month: number) => `2026-${String(month).padStart(2, '0')}-01T00:00:00.000Z`
const modified = (answer: Answer) => answer.objects.map((o) => o.modified)

test('T-3.4-19 different fields AND, comma values OR, filters AND added_after', async (t) => {
  const { path } = scratch()
  const [i1, i2, m1, c1] = [indicator(), indicator(), malware(), campaign()]
  await analyst.add(path, i1, m1)
  const { last } = await analyst.getObjects(path)
  await analyst.add(path, i2, c1)
  const ids = async (query: Record<string, string>) => {
    const objects = await analyst.getObjects(path, query)
    t.strictSame(
      (await analyst.getManifest(path, query)).ids,
      objects.ids,
      `manifest: ${JSON.stringify(query)}`,
    )
    return objects.ids
  }
  t.strictSame(await ids({ 'match[type]': 'indicator,malware' }), [i1.id, m1.id, i2.id], 'OR')
  t.strictSame(await ids({ 'match[type]': 'indicator', 'match[id]': `${i2.id},${m1.id}` }), [i2.id], 'AND')
  t.strictSame(
    await ids({ 'match[type]': 'indicator,malware', added_after: last }),
    [i2.id],
    'AND added_after',
  )
  t.strictSame(await ids({ 'match[type]': 'malware', 'match[spec_version]': '2.0' }), [], 'nothing in common')
  const three = {
    'match[type]': 'indicator,campaign',
    'match[id]': `${i1.id},${c1.id}`,
    'match[version]': 'first',
  }
  t.strictSame(await ids(three), [i1.id, c1.id])
})

test('T-3.4-20 one match parameter twice gives 400', async (t) => {
  const { path } = scratch()
  const object = indicator()
  await analyst.add(path, object)
  const twice = [
    'match[type]=indicator&match[type]=malware',
    'match[type]=indicator&match[type]=indicator',
    'match[type]=indicator&match%5Btype%5D=malware',
    `match[id]=${object.id}&match[id]=${object.id}`,
    'match[version]=last&match[version]=first',
    'match[spec_version]=2.1&match[spec_version]=2.0',
  ]
  for (const query of twice) {
    for (const url of [`${path}objects/`, `${path}manifest/`])
      isError(t, await analyst.get(`${url}?${query}`), 400, query)
  }
  const url = `${path}objects/${object.id}/`
  isError(t, await analyst.get(`${url}?match[version]=last&match[version]=first`), 400, 'by id')
  isError(t, await analyst.delete(`${url}?match[version]=last&match[version]=first`), 400, 'DELETE')
  isError(
    t,
    await analyst.get(`${url}versions/?match[spec_version]=2.1&match[spec_version]=2.1`),
    400,
    'versions',
  )
  t.equal((await analyst.get(url)).status, 200, 'nothing was deleted')
})

test('T-3.4-21 unknown parameters and unknown match fields are ignored', async (t) => {
  const { path } = scratch()
  const object = indicator()
  await analyst.add(path, object)
  const queries = [
    'match[foo]=bar',
    'foo=bar',
    'foo',
    'match[x_y]=',
    'match=indicator',
    'match[]=x',
    'Limit=0',
    '_=1&_=2',
  ]
  for (const query of queries) {
    for (const url of [`${path}objects/`, `${path}manifest/`, `${path}objects/${object.id}/`]) {
      const answer = await analyst.get(`${url}?${query}`)
      t.equal(answer.status, 200, `${url}?${query}`)
      t.strictSame(answer.ids, [object.id], `${url}?${query}`)
    }
    for (const url of ['/taxii2/', '/global/', '/global/collections/', path]) {
      t.equal((await analyst.get(`${url}?${query}`)).status, 200, `${url}?${query}`)
    }
  }
  const url = `${path}objects/${object.id}/`
  t.strictSame((await analyst.get(`${url}?match[type]=malware`)).ids, [object.id], 'match[type] by id')
  t.strictSame((await analyst.get(`${url}?match[id]=${NO_OBJECT}`)).ids, [object.id], 'match[id] by id')
  t.equal(
    (await analyst.get(`${url}versions/?match[type]=malware&match[id]=x`)).versions.length,
    1,
    'versions',
  )
  t.equal((await analyst.delete(`${url}?match[type]=malware&foo=bar`)).status, 200, 'DELETE')
  t.equal((await analyst.get(url)).status, 404)
})

test('T-3.4-22 empty values, stray commas and blanks give 400', async (t) => {
  const { path } = scratch()
  const object = indicator()
  await analyst.add(path, object)
  const fields = { id: object.id, type: 'indicator', spec_version: '2.1', version: 'last' }
  for (const [field, good] of Object.entries(fields)) {
    for (const value of [
      '',
      ',',
      `,${good}`,
      `${good},`,
      `${good},,${good}`,
      ` ${good}`,
      `${good} `,
      `${good}, x`,
      ' ',
    ]) {
      const answer = await analyst.getObjects(path, { [`match[${field}]`]: value })
      isError(t, answer, 400, `match[${field}]="${value}"`)
    }
  }
})

test('T-3.4-23 match[id] takes one, many and absent ids', async (t) => {
  const { path } = scratch()
  const objects = [indicator(), malware(), campaign()]
  await analyst.add(path, ...objects)
  const [a, b, c] = objects.map((o) => o.id) as [string, string, string]
  const ids = async (list: string[]) => (await analyst.getObjects(path, { 'match[id]': list.join(',') })).ids
  t.strictSame(await ids([b]), [b])
  t.strictSame(await ids([c, a]), [a, c], 'in the order of the collection')
  t.strictSame(await ids([NO_OBJECT, b]), [b])
  t.strictSame(await ids([b, b]), [b], 'each once')
  isEmpty(t, await analyst.getObjects(path, { 'match[id]': NO_OBJECT }), 'absent')
  isEmpty(t, await analyst.getManifest(path, { 'match[id]': NO_OBJECT }), 'absent')
})

test('T-3.4.1-01 match[type] lists only those types, and no STIX type is an error', async (t) => {
  const { path } = scratch()
  const [i, m, s, k] = [indicator(), malware(), ipv4('198.51.100.20'), statement('x')]
  const r = relationship(i.id, m.id)
  await analyst.add(path, i, m, s, k, r)
  const stored = new Map([i, m, s, k, r].map((o) => [o.type, o.id]))
  t.equal(STIX_TYPES.length, 42)
  for (const type of STIX_TYPES) {
    for (const answer of [
      await analyst.getObjects(path, { 'match[type]': type }),
      await analyst.getManifest(path, { 'match[type]': type }),
    ]) {
      t.equal(answer.status, 200, type)
      const id = stored.get(type)
      t.strictSame(answer.ids, id ? [id] : [], type)
    }
  }
  const all = await analyst.getObjects(path, { 'match[type]': STIX_TYPES.join(',') })
  t.equal(all.objects.length, 5, 'the list of all of them')
  for (const type of ['x-acme-thing', 'Indicator', 'bundle', 'indicator2']) {
    isEmpty(t, await analyst.getObjects(path, { 'match[type]': type }), type)
  }
})

/** One id as 2.1 (two versions) and as 2.0 (later), one object of 2.0 only, one of 2.1 only. */
async function mixed() {
  const { path } = scratch()
  const v1 = indicator({ modified: at(1) })
  const v2 = version(v1, at(2))
  const old = indicator20({ id: v1.id, modified: at(5) })
  const only20 = indicator20()
  const only21 = malware()
  await analyst.add(path, v1)
  await analyst.add(path, v2)
  await analyst.add(path, old, only20, only21)
  return { path, v1, v2, old, only20, only21 }
}

test('T-3.4.1-02 match[spec_version] shows nothing of another version', async (t) => {
  const w = await mixed()
  const get = (value: string) =>
    analyst.getObjects(w.path, { 'match[spec_version]': value, 'match[version]': 'all' })
  const of = (answer: Answer) => answer.objects.map((o) => o.spec_version ?? '2.0')
  const v20 = await get('2.0')
  t.strictSame(v20.ids, [w.old.id, w.only20.id])
  t.strictSame(of(v20), ['2.0', '2.0'])
  const v21 = await get('2.1')
  t.strictSame(v21.ids, [w.v1.id, w.v2.id, w.only21.id])
  t.strictSame(of(v21), ['2.1', '2.1', '2.1'])
  t.equal((await get('2.0,2.1')).objects.length, 5)
  t.equal((await get('2.1,2.0')).objects.length, 5)
  const latest = await analyst.getObjects(w.path, { 'match[spec_version]': '2.1' })
  t.strictSame(latest.keys, [`${w.v2.id} ${at(2)}`, `${w.only21.id} ${w.only21.modified}`])
  const manifest = await analyst.getManifest(w.path, { 'match[spec_version]': '2.0' })
  t.strictSame(manifest.keys, [`${w.old.id} ${at(5)}`, `${w.only20.id} ${w.only20.modified}`])
})

test('T-3.4.1-03 by default only the latest spec version of each id, even if 2.0 was modified later', async (t) => {
  const w = await mixed()
  const expected = [
    `${w.v2.id} ${at(2)}`,
    `${w.only20.id} ${w.only20.modified}`,
    `${w.only21.id} ${w.only21.modified}`,
  ]
  t.strictSame((await analyst.getObjects(w.path)).keys, expected)
  t.strictSame((await analyst.getManifest(w.path)).keys, expected)
  t.strictSame(modified(await analyst.getObject(w.path, w.v1.id)), [at(2)])
  const all = await analyst.getObject(w.path, w.v1.id, { 'match[version]': 'all' })
  t.strictSame(modified(all), [at(1), at(2)], 'all: every version of 2.1')
  const exact = await analyst.getObject(w.path, w.v1.id, { 'match[version]': at(5) })
  t.strictSame(modified(exact), [at(5)], 'the latest spec version that matches the rest')
})

test('T-3.4.1-04 without spec_version an SDO is 2.0 and an SCO is 2.1', async (t) => {
  const { path } = scratch()
  const old = indicator20()
  const { spec_version: _, ...bare } = ipv4('198.51.100.21')
  await analyst.add(path, old, bare)
  t.strictSame((await analyst.getObjects(path, { 'match[spec_version]': '2.0' })).ids, [old.id])
  t.strictSame((await analyst.getObjects(path, { 'match[spec_version]': '2.1' })).ids, [bare.id])
  const served = (await analyst.getObjects(path)).objects
  for (const object of served)
    t.notOk('spec_version' in object, `${object.type} comes back without spec_version`)
})

test('T-3.4.1-05 an unknown spec version finds nothing, a malformed one gives 400', async (t) => {
  const { path } = scratch()
  const object = indicator()
  await analyst.add(path, object)
  for (const url of [
    `${path}objects/`,
    `${path}manifest/`,
    `${path}objects/${object.id}/`,
    `${path}objects/${object.id}/versions/`,
  ]) {
    for (const value of ['2.9', '3.0', '1.0']) {
      isEmpty(t, await analyst.get(url, { query: { 'match[spec_version]': value } }), value)
    }
    for (const value of ['abc', '2', '2.1.', 'v2.1', '2.x', '2.1;', '-2.1']) {
      isError(t, await analyst.get(url, { query: { 'match[spec_version]': value } }), 400, value)
    }
  }
})

/** v3, v1, v2 in this order of arrival. */
async function threeVersions() {
  const { path } = scratch()
  const object = indicator({ modified: at(1) })
  for (const month of [3, 1, 2]) await analyst.add(path, version(object, at(month)))
  return { path, object }
}

test('T-3.4.1-06 no match[version] is the same as last', async (t) => {
  const w = await threeVersions()
  await analyst.add(w.path, malware(), ipv4('198.51.100.22'))
  for (const url of [`${w.path}objects/`, `${w.path}manifest/`, `${w.path}objects/${w.object.id}/`]) {
    const [none, last] = [
      await analyst.get(url),
      await analyst.get(url, { query: { 'match[version]': 'last' } }),
    ]
    t.equal(none.status, 200)
    t.equal(none.text, last.text, url)
  }
})

test('T-3.4.1-07 first and last go by version, not by arrival', async (t) => {
  const w = await threeVersions()
  for (const url of [`${w.path}objects/`, `${w.path}objects/${w.object.id}/`]) {
    t.strictSame(modified(await analyst.get(url, { query: { 'match[version]': 'first' } })), [at(1)], url)
    t.strictSame(modified(await analyst.get(url, { query: { 'match[version]': 'last' } })), [at(3)], url)
  }
  t.strictSame((await analyst.getManifest(w.path, { 'match[version]': 'first' })).records[0]?.version, at(1))
  t.strictSame((await analyst.getManifest(w.path)).records[0]?.version, at(3))
})

test('T-3.4.1-08 all, exact timestamps and lists', async (t) => {
  const w = await threeVersions()
  const single = malware({ created: at(2), modified: at(2) })
  await analyst.add(w.path, single)
  const cases: [string, number[]][] = [
    ['all', [3, 1, 2]],
    [at(2), [2]],
    [`first,${at(2)},last`, [3, 1, 2]],
    ['last,first', [3, 1]],
    ['first,last', [3, 1]],
    [`${at(1)},${at(3)}`, [3, 1]],
    [`last,${at(3)}`, [3]],
    [`first,${at(7)}`, [1]],
  ]
  for (const [value, months] of cases) {
    const query = { 'match[version]': value }
    t.strictSame(
      modified(await analyst.getObject(w.path, w.object.id, query)),
      months.map(at),
      `by id: ${value}`,
    )
    const found = (await analyst.getObjects(w.path, { ...query, 'match[id]': w.object.id })).objects
    t.strictSame(
      found.map((o) => o.modified),
      months.map(at),
      `objects: ${value}`,
    )
    const { records } = await analyst.getManifest(w.path, { ...query, 'match[id]': w.object.id })
    t.strictSame(
      records.map((r) => r.version),
      months.map(at),
      `manifest: ${value}`,
    )
  }
  const both = await analyst.getObjects(w.path, { 'match[version]': 'first,last', 'match[type]': 'malware' })
  t.strictSame(both.ids, [single.id], 'a single version appears once for first,last')
  const exact = await analyst.getObjects(w.path, { 'match[version]': at(2) })
  t.strictSame(exact.ids, [w.object.id, single.id], 'every object with that version')
  isEmpty(t, await analyst.getObjects(w.path, { 'match[version]': at(9) }), 'none has it')
})

test('T-3.4.1-09 contradictory or malformed match[version] gives 400', async (t) => {
  const w = await threeVersions()
  const bad = [
    'all,last',
    'all,first',
    'last,all',
    `all,${at(1)}`,
    'last,last',
    'first,first',
    'all,all',
    `${at(1)},${at(1)}`,
    'latest',
    'ALL',
    'Last',
    '2026-01-01',
    '2026-13-01T00:00:00Z',
    '2026-02-30T00:00:00.000Z',
    '2026-01-01T00:00:00+00:00',
    'last;first',
    '1',
  ]
  for (const url of [`${w.path}objects/`, `${w.path}manifest/`, `${w.path}objects/${w.object.id}/`]) {
    for (const value of bad) {
      isError(
        t,
        await analyst.get(url, { query: { 'match[version]': value } }),
        400,
        `${url.slice(-12)} ${value}`,
      )
    }
  }
  for (const value of bad) {
    const url = `${w.path}objects/${w.object.id}/`
    isError(t, await analyst.delete(url, { query: { 'match[version]': value } }), 400, `DELETE ${value}`)
  }
  t.equal((await analyst.getVersions(w.path, w.object.id)).versions.length, 3, 'nothing was deleted')
  const offset = await analyst.getObjects(w.path, { 'match[version]': '2026-01-01T00:00:00.000+00:00' })
  t.match(offset.json.description, /end with Z/, 'what it takes is said')
})

test('T-3.4.1-10 the version is chosen after added_after and before limit', async (t) => {
  const { path } = scratch()
  const object = indicator({ modified: at(1) })
  await analyst.add(path, version(object, at(2)))
  const { last } = await analyst.getObjects(path)
  await analyst.add(path, object)
  t.strictSame(modified(await analyst.getObjects(path)), [at(2)])
  t.strictSame(modified(await analyst.getObjects(path, { added_after: last })), [at(1)], 'v1 came after T')
  t.strictSame(modified(await analyst.getObject(path, object.id, { added_after: last })), [at(1)], 'by id')
  t.strictSame(
    (await analyst.getManifest(path, { added_after: last })).records[0]?.version,
    at(1),
    'manifest',
  )

  const w = scratch()
  const many = Array.from({ length: 4 }, () => indicator({ modified: at(1) }))
  for (const month of [3, 1, 2]) await analyst.add(w.path, ...many.map((o) => version(o, at(month))))
  const pages = await analyst.pages(`${w.path}objects/`, { limit: '1' })
  t.equal(pages.length, 4)
  for (const page of pages) t.strictSame(modified(page), [at(3)], 'no page shows an older version as last')
  const first = await analyst.pages(`${w.path}objects/`, { limit: '1', 'match[version]': 'first' })
  t.strictSame(
    first.flatMap(modified),
    many.map(() => at(1)),
  )

  const u = scratch()
  const v = indicator({ modified: at(1) })
  await analyst.add(u.path, v)
  const start = (await analyst.getObjects(u.path)).last
  await analyst.add(u.path, version(v, at(2)))
  await analyst.add(u.path, version(v, at(3)))
  const firsts = await analyst.getObjects(u.path, { added_after: start, 'match[version]': 'first' })
  t.strictSame(modified(firsts), [at(2)], 'first among those after T')
})

test('T-3.4.1-11 marking-definitions go by created, SCOs by date_added', async (t) => {
  const { path } = scratch()
  const marking = statement('a statement')
  const sco = ipv4('198.51.100.23')
  await analyst.add(path, marking, sco)
  const { records } = await analyst.getManifest(path)
  const [m, s] = records
  t.equal(m?.version, marking.created)
  t.equal(s?.version, s?.date_added)
  for (const [id, value] of [
    [marking.id, m?.version ?? ''],
    [sco.id, s?.version ?? ''],
  ] as const) {
    for (const selector of [value, 'first', 'last', 'all', 'first,last', `first,${value}`]) {
      const query = { 'match[version]': selector }
      t.strictSame((await analyst.getObject(path, id, query)).ids, [id], `${id} ${selector}`)
      t.strictSame(
        (await analyst.getObjects(path, { ...query, 'match[id]': id })).ids,
        [id],
        `${id} ${selector}`,
      )
      t.strictSame(
        (await analyst.getManifest(path, { ...query, 'match[id]': id })).ids,
        [id],
        `${id} ${selector}`,
      )
    }
    t.strictSame((await analyst.getVersions(path, id)).versions, [value])
  }
})

test('T-3.4.1-11 an SCO posted again with other content is a new version', async (t) => {
  const { path } = scratch()
  const sco = ipv4('198.51.100.24')
  await analyst.add(path, sco)
  const v1 = (await analyst.getManifest(path)).records[0]?.version ?? ''
  await analyst.add(path, { ...sco, x_note: 'more' })
  const { versions } = await analyst.getVersions(path, sco.id)
  t.equal(versions.length, 2)
  t.equal(versions[0], v1)
  const latest = await analyst.getObject(path, sco.id)
  t.equal(latest.objects[0]?.x_note, 'more')
  t.equal((await analyst.getManifest(path)).records[0]?.version, versions[1])
  const old = await analyst.getObject(path, sco.id, { 'match[version]': v1 })
  t.equal(old.objects.length, 1)
  t.notOk('x_note' in (old.objects[0] ?? {}))
  t.equal((await analyst.getObject(path, sco.id, { 'match[version]': 'all' })).objects.length, 2)
})

test('T-3.4.1-12 versions compare as instants and keep their spelling', async (t) => {
  const { path } = scratch()
  const object = indicator({ modified: '2026-03-01T00:00:00.100Z' })
  await analyst.add(path, object)
  for (const value of ['2026-03-01T00:00:00.1Z', '2026-03-01T00:00:00.100Z', '2026-03-01T00:00:00.100000Z']) {
    const answer = await analyst.getObject(path, object.id, { 'match[version]': value })
    t.strictSame(modified(answer), ['2026-03-01T00:00:00.100Z'], value)
  }
  isEmpty(
    t,
    await analyst.getObject(path, object.id, { 'match[version]': '2026-03-01T00:00:00.101Z' }),
    'other',
  )
  isEmpty(
    t,
    await analyst.getObject(path, object.id, { 'match[version]': '2026-03-01T00:00:00.1000001Z' }),
    'finer',
  )
  isError(
    t,
    await analyst.getObject(path, object.id, {
      'match[version]': '2026-03-01T00:00:00.1Z,2026-03-01T00:00:00.10Z',
    }),
    400,
    'one instant twice',
  )
  const again = await analyst.add(path, { ...object, modified: '2026-03-01T00:00:00.100000Z' })
  t.equal(again.successes?.[0]?.version, '2026-03-01T00:00:00.100Z', 'the status shows the stored spelling')
  t.strictSame((await analyst.getVersions(path, object.id)).versions, ['2026-03-01T00:00:00.100Z'])

  const fine = indicator({ modified: '2026-03-01T00:00:00.1234567Z' })
  await analyst.add(path, fine)
  await analyst.add(path, version(fine, '2026-03-01T00:00:00.1234568Z'))
  t.strictSame(
    (await analyst.getVersions(path, fine.id)).versions,
    ['2026-03-01T00:00:00.1234567Z', '2026-03-01T00:00:00.1234568Z'],
    'full stated precision',
  )
  t.strictSame(modified(await analyst.getObject(path, fine.id)), ['2026-03-01T00:00:00.1234568Z'])
  const whole = indicator({ modified: '2026-03-01T00:00:00.000Z' })
  await analyst.add(path, whole)
  t.equal(
    (await analyst.getObject(path, whole.id, { 'match[version]': '2026-03-01T00:00:00Z' })).objects.length,
    1,
  )
})

test('T-3.4-21 match fields of the interoperability document that are not advertised are ignored', async (t) => {
  const { path } = scratch()
  await analyst.add(path, indicator(), malware())
  const root = (await analyst.get('/global/')).json
  const key = Object.keys(root).find((name) => /^x_.*_match_fields$/.test(name))
  const advertised = (key ? root[key] : []) as string[]
  for (const field of ['no_such_field', 'x_foo', 'Name', newId('x')]) {
    t.notOk(advertised.includes(field))
    t.equal((await analyst.getObjects(path, { [`match[${field}]`]: 'zzz' })).objects.length, 2, field)
  }
})
