/** Manifest, objects, object by id, versions (TAXII 2.1 §5.3, §5.4, §5.6, §5.8). */

import { randomUUID } from 'node:crypto'
import t, { test } from 'tap'
import { isEmpty, isError, isResource, STAMP } from '../../support/checks.ts'
import type { Answer } from '../../support/client.ts'
import { startServer } from '../../support/server.ts'
import {
  indicator,
  indicator20,
  ipv4,
  malware,
  newId,
  statement,
  TLP_DEFINITIONS,
  uuid5,
  version,
} from '../../support/stix.ts'
import { EMPTY, NO_OBJECT, PUBLIC, READ_WRITE, scratches, topology } from '../../support/world.ts'

const server = await startServer(t, { topology: topology() })
const analyst = server.as('analyst')
const keeper = server.as('keeper')
const scratch = scratches()
const at = (month: number) => `2026-0${month}-01T00:00:00.000Z`
const modified = (answer: Answer) => answer.objects.map((o) => o.modified)

test('T-5.3-02 a manifest record has id, date_added, version, and a media type of the collection', async (t) => {
  const { path } = scratch()
  const objects = [indicator(), indicator20(), ipv4('198.51.100.50'), statement('x')]
  await analyst.add(path, ...objects)
  const allowed = (await analyst.get(path)).json.media_types as string[]
  const answer = await analyst.getManifest(path)
  isResource(t, answer, 200, 'manifest')
  t.strictSame(
    answer.records.map((r) => r.id),
    objects.map((o) => o.id),
  )
  for (const record of answer.records) {
    t.match(record.date_added, STAMP)
    t.type(record.version, 'string')
    for (const name of Object.keys(record))
      t.ok(['id', 'date_added', 'version', 'media_type'].includes(name), name)
    if (record.media_type) t.ok(allowed.includes(record.media_type), record.media_type)
  }
  const [, old] = answer.records
  if (old?.media_type) t.equal(old.media_type, 'application/stix+json;version=2.0')
})

test('T-5.3-03 version is modified, else created, byte for byte', async (t) => {
  const { path } = scratch()
  const spellings = [
    '2026-03-01T00:00:00.000Z',
    '2026-03-01T00:00:00.000000Z',
    '2026-03-01T00:00:00.120Z',
    '2026-03-01T00:00:00.123456789Z',
  ]
  for (const modified of spellings) {
    const object = indicator({ modified })
    await analyst.add(path, object)
    t.equal((await analyst.getManifest(path, { 'match[id]': object.id })).records[0]?.version, modified)
    t.strictSame((await analyst.getVersions(path, object.id)).versions, [modified])
  }
  const marking = statement('x', { created: '2026-03-01T00:00:00.1234Z' })
  await analyst.add(path, marking)
  t.equal((await analyst.getManifest(path, { 'match[id]': marking.id })).records[0]?.version, marking.created)
})

test('T-5.3-04 one record per object and version, each with its own date_added', async (t) => {
  const { path } = scratch()
  const object = indicator({ modified: at(1) })
  await analyst.add(path, object, version(object, at(2)))
  const { records } = await analyst.getManifest(path, { 'match[version]': 'all' })
  t.strictSame(
    records.map((r) => [r.id, r.version]),
    [
      [object.id, at(1)],
      [object.id, at(2)],
    ],
  )
  t.ok((records[0]?.date_added ?? '') < (records[1]?.date_added ?? ''))
})

test('T-5.3-05 filters act on the source object', async (t) => {
  const { path } = scratch()
  const [i, o, m] = [indicator(), indicator20(), malware()]
  await analyst.add(path, i, o, m)
  t.strictSame((await analyst.getManifest(path, { 'match[type]': 'malware' })).ids, [m.id])
  t.strictSame((await analyst.getManifest(path, { 'match[spec_version]': '2.0' })).ids, [o.id])
  t.strictSame((await analyst.getManifest(path, { 'match[spec_version]': '2.1' })).ids, [i.id, m.id])
})

test('T-5.3-06 an empty manifest is {}, a long one has more and next', async (t) => {
  isEmpty(t, await analyst.getManifest(EMPTY.path), 'empty')
  const { path } = scratch()
  await analyst.add(path, indicator(), indicator(), indicator())
  const page = await analyst.getManifest(path, { limit: '2' })
  t.equal(page.json.more, true)
  t.type(page.json.next, 'string')
  const rest = await analyst.getManifest(path, { limit: '2', next: page.next })
  t.equal(rest.records.length, 1)
  t.notOk('more' in rest.json && rest.json.more !== false)
  t.notOk('next' in rest.json)
})

test('T-5.4-01 an empty collection answers {} with both headers', async (t) => {
  isEmpty(t, await analyst.getObjects(EMPTY.path), 'objects')
})

test('T-5.6-01 an object by id: latest, all, first, exact, lists, pages', async (t) => {
  const { path } = scratch()
  const object = indicator({ modified: at(1) })
  await analyst.add(path, ...[2, 1, 4, 3].map((month) => version(object, at(month))), malware())
  const get = (query: Record<string, string> = {}) => analyst.getObject(path, object.id, query)
  t.strictSame(modified(await get()), [at(4)])
  t.strictSame(modified(await get({ 'match[version]': 'all' })), [at(2), at(1), at(4), at(3)])
  t.strictSame(modified(await get({ 'match[version]': 'first' })), [at(1)])
  t.strictSame(modified(await get({ 'match[version]': at(3) })), [at(3)])
  t.strictSame(modified(await get({ 'match[version]': `${at(3)},first` })), [at(1), at(3)])
  const pages = await analyst.pages(`${path}objects/${object.id}/`, { 'match[version]': 'all', limit: '3' })
  t.strictSame(
    pages.map((p) => p.objects.length),
    [3, 1],
  )
  t.strictSame(pages.flatMap(modified), [at(2), at(1), at(4), at(3)])
  for (const page of pages) for (const o of page.objects) t.equal(o.id, object.id)
})

test('T-5.6-02 an object of another collection is 404', async (t) => {
  const [a, b] = [scratch(), scratch()]
  const object = indicator()
  await analyst.add(a.path, object)
  t.equal((await analyst.getObject(a.path, object.id)).status, 200)
  isError(t, await analyst.getObject(b.path, object.id), 404, 'object')
  isError(t, await analyst.getVersions(b.path, object.id), 404, 'versions')
  isError(t, await analyst.delete(`${b.path}objects/${object.id}/`), 404, 'DELETE')
  isEmpty(t, await analyst.getObjects(b.path, { 'match[id]': object.id }), 'match[id]')
})

test('T-5.6-02 the nine TLP definitions answer in every collection, and none lists them', async (t) => {
  const { path } = scratch()
  const other = scratch()
  await analyst.add(other.path, indicator())
  for (const id of TLP_DEFINITIONS) {
    const answer = await analyst.getObject(path, id)
    isResource(t, answer, 200, id)
    t.strictSame(answer.ids, [id])
    t.match(answer.first, STAMP)
    t.equal(answer.first, answer.last)
    t.ok(Date.parse(answer.first) > Date.now() - 3_600_000, 'the collection was made in this run')
    t.ok(answer.first < (await analyst.getObjects(other.path)).first, 'as old as the collection')
    t.strictSame((await analyst.getVersions(path, id)).versions, [answer.objects[0]?.created])
    t.strictSame((await analyst.getObjects(path, { 'match[id]': id })).ids, [id])
    t.strictSame((await analyst.getManifest(path, { 'match[id]': id })).ids, [id])
    const refused = await analyst.delete(`${path}objects/${id}/`)
    isError(t, refused, 403, `DELETE ${id}`)
    t.match(refused.json.description, /^Nobody can delete/)
    const again = await analyst.post(path, answer.objects)
    t.equal(again.taxiiStatus.success_count, 1, 'posting one is a success')
    const forged = await analyst.post(path, [{ ...answer.objects[0], name: 'TLP:MINE' }])
    t.equal(forged.taxiiStatus.failure_count, 1, 'with other content it is refused')
    const created = String(answer.objects[0]?.created)
    const respelled = await analyst.post(path, [
      { ...answer.objects[0], created: created.replace('.000Z', 'Z') },
    ])
    t.match(respelled.taxiiStatus.successes, [{ id, version: created, message: 'already present' }])
    const older = await analyst.post(path, [{ ...answer.objects[0], spec_version: '2.0' }])
    t.equal(older.taxiiStatus.failure_count, 1, 'nor is it one in the other version of STIX')
  }
  isEmpty(t, await analyst.getObjects(path), 'not listed')
  isEmpty(t, await analyst.getManifest(path, { 'match[type]': 'marking-definition' }), 'not listed by type')
  const two = await analyst.getObject(path, 'marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487')
  t.equal(two.objects[0]?.created, '2022-10-01T00:00:00.000Z')
  t.notOk('definition_type' in (two.objects[0] ?? {}))
  const [one = ''] = TLP_DEFINITIONS
  t.equal(
    (await server.anonymous.getObject(PUBLIC.path, one)).status,
    200,
    'in a public collection, to everybody',
  )
})

test('T-5.6-03 the object exists but the filters leave nothing: {} with both headers', async (t) => {
  const { path } = scratch()
  const object = indicator()
  await analyst.add(path, object)
  const { last } = await analyst.getObject(path, object.id)
  for (const query of [{ added_after: last }, { 'match[spec_version]': '2.0' }] as Record<string, string>[]) {
    isEmpty(t, await analyst.getObject(path, object.id, query), JSON.stringify(query))
    isEmpty(t, await analyst.getVersions(path, object.id, query), `versions ${JSON.stringify(query)}`)
  }
  isError(
    t,
    await analyst.getObject(path, NO_OBJECT, { added_after: last }),
    404,
    'an unknown object, all the same',
  )
})

test('T-5.6-04 a version that never was is {}, one that was deleted is 404', async (t) => {
  const { path } = scratch()
  const object = indicator({ modified: at(1) })
  await analyst.add(path, object, version(object, at(2)), version(object, at(3)))
  const get = (value: string) => analyst.getObject(path, object.id, { 'match[version]': value })
  isEmpty(t, await get(at(9)), 'never was')
  const url = `${path}objects/${object.id}/`
  t.equal((await analyst.delete(url, { query: { 'match[version]': at(2) } })).status, 200)
  isError(t, await get(at(2)), 404, 'deleted')
  isEmpty(t, await get(at(9)), 'never was')
  t.strictSame(modified(await get(`${at(2)},${at(3)}`)), [at(3)], 'a list of which something is left')
  isError(t, await get(`${at(2)},${at(9)}`), 404, 'nothing left and one is deleted')
  isEmpty(t, await get(`${at(8)},${at(9)}`), 'nothing left and none was deleted')
})

test('T-5.6-04 a tombstone keeps the label of what was deleted', async (t) => {
  const { path } = scratch()
  const red = ['marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1']
  const object = indicator({ modified: at(2) })
  await keeper.add(path, object)
  await keeper.add(path, version(object, at(1), { object_marking_refs: red }))
  const url = `${path}objects/${object.id}/`
  const query = { 'match[version]': at(1) }
  isEmpty(t, await analyst.getObject(path, object.id, query), 'a hidden version never was')
  t.equal((await keeper.delete(url, { query })).status, 200)
  isError(t, await keeper.getObject(path, object.id, query), 404, 'to its owner it is deleted')
  isEmpty(t, await analyst.getObject(path, object.id, query), 'to others it still never was')
})

test('T-5.6-05 long ids and ids with other UUIDs are found, or 404', async (t) => {
  const { path } = scratch()
  for (const length of [60, 100, 150, 214, 250]) {
    const type = `x-${'abcdefghij'.repeat(25).slice(0, length - 2)}`
    const object = { ...malware(), type, id: newId(type) }
    const { name: _, is_family: __, ...custom } = object as Record<string, unknown>
    const posted = await analyst.post(path, [custom])
    t.equal(posted.status, 202)
    const answer = await analyst.getObject(path, object.id)
    t.equal(
      answer.status,
      posted.taxiiStatus.success_count === 1 ? 200 : 404,
      `type of ${length}: ${posted.text}`,
    )
    const missing = newId(type)
    isError(t, await analyst.getObject(path, missing), 404, `an unknown id of ${missing.length} characters`)
    isError(t, await analyst.getVersions(path, missing), 404, 'versions')
    isError(t, await analyst.delete(`${path}objects/${missing}/`), 404, 'DELETE')
  }
  const uuids = [
    '6ba7b810-9dad-11d1-80b4-00c04fd430c8',
    '6fa459ea-ee8a-3ca4-894e-db77e160355e',
    uuid5('x'),
    randomUUID(),
  ]
  for (const uuid of uuids) {
    const object = malware({ id: `malware--${uuid}` })
    const posted = await analyst.post(path, [object])
    const answer = await analyst.getObject(path, object.id)
    t.equal(answer.status, posted.taxiiStatus.success_count === 1 ? 200 : 404, uuid)
    isError(t, await analyst.getObject(path, `tool--${uuid}`), 404, `tool--${uuid}`)
  }
  for (const id of [
    'nope',
    'indicator--',
    '--',
    '%00',
    "indicator--'",
    'x'.repeat(300),
    '%F0%9F%92%A5',
    'a%2Fb',
  ]) {
    isError(t, await analyst.getObject(path, id), 404, id.slice(0, 30))
    isError(t, await analyst.delete(`${path}objects/${id}/`), 404, `DELETE ${id.slice(0, 30)}`)
  }
})

test('T-5.8-01 versions are a list of strings; {} if filters leave none; 404 if there is no object', async (t) => {
  const { path } = scratch()
  const object = indicator({ modified: at(1) })
  await analyst.add(path, object, version(object, at(2)), version(object, at(3)))
  const answer = await analyst.getVersions(path, object.id)
  isResource(t, answer, 200, 'versions')
  t.strictSame(answer.versions, [at(1), at(2), at(3)])
  isEmpty(t, await analyst.getVersions(path, object.id, { added_after: '2999-01-01T00:00:00Z' }), 'filtered')
  isError(t, await analyst.getVersions(path, NO_OBJECT), 404, 'missing')
  isError(t, await analyst.getVersions(READ_WRITE.path, object.id), 404, 'in another collection')
})

test('T-5.8-02 a marking-definition has its created, an SCO one stable value per version', async (t) => {
  const { path } = scratch()
  const [marking, sco] = [statement('x'), ipv4('198.51.100.51')]
  await analyst.add(path, marking, sco)
  t.strictSame((await analyst.getVersions(path, marking.id)).versions, [marking.created])
  const first = (await analyst.getVersions(path, sco.id)).versions
  t.equal(first.length, 1)
  t.strictSame(first, [(await analyst.getManifest(path, { 'match[id]': sco.id })).records[0]?.date_added])
  await analyst.add(path, sco)
  t.strictSame((await analyst.getVersions(path, sco.id)).versions, first, 'stable')
  await analyst.add(path, { ...sco, x_more: true })
  const second = (await analyst.getVersions(path, sco.id)).versions
  t.equal(second.length, 2)
  t.equal(second[0], first[0])
})

test('T-5.8-03 versions shows the latest spec version by default and ignores match[version]', async (t) => {
  const { path } = scratch()
  const object = indicator({ modified: at(1) })
  await analyst.add(path, object, version(object, at(2)))
  await analyst.add(path, indicator20({ id: object.id, modified: at(5) }))
  t.strictSame((await analyst.getVersions(path, object.id)).versions, [at(1), at(2)])
  t.strictSame((await analyst.getVersions(path, object.id, { 'match[spec_version]': '2.0' })).versions, [
    at(5),
  ])
  t.strictSame((await analyst.getVersions(path, object.id, { 'match[spec_version]': '2.0,2.1' })).versions, [
    at(1),
    at(2),
    at(5),
  ])
  for (const value of ['first', 'last', at(1), 'all,last', 'x']) {
    const answer = await analyst.getVersions(path, object.id, { 'match[version]': value })
    t.strictSame(answer.versions, [at(1), at(2)], `match[version]=${value}`)
  }
})
