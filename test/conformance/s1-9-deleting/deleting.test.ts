/** Deleting objects (TAXII 2.1 §5.7). */
import t, { type Test, test } from 'tap'
import { hasTaxiiType, isEmpty, isError } from '../../support/checks.ts'
import type { Answer, StixObject } from '../../support/client.ts'
import { startServer } from '../../support/server.ts'
import { indicator, indicator20, ipv4, malware, statement, version } from '../../support/stix.ts'
import {
  HIDDEN,
  LISTED_ONLY,
  NO_OBJECT,
  READ_ONLY,
  READ_WRITE,
  scratches,
  TWIN,
  topology,
  WRITE_ONLY,
} from '../../support/world.ts'

const server = await startServer(t, { topology: topology() })
const analyst = server.as('analyst')
const keeper = server.as('keeper')
const scratch = scratches()
const at = (month: number) => `2026-0${month}-01T00:00:00.000Z`

function isDeleted(t: Test, answer: Answer, what: string) {
  t.equal(answer.status, 200, `${what}: ${answer.text.slice(0, 200)}`)
  t.equal(answer.body.length, 0, `${what}: no body`)
  hasTaxiiType(t, answer, what)
}

/** An object in versions 1 to 4, beside another object. */
async function filled() {
  const { path } = scratch()
  const object = indicator({ modified: at(1) })
  const other = malware()
  await analyst.add(path, ...[1, 2, 3, 4].map((month) => version(object, at(month))), other)
  const url = `${path}objects/${object.id}/`
  const versions = async () => (await analyst.getVersions(path, object.id)).versions
  const remove = (value?: string) =>
    analyst.delete(url, value === undefined ? {} : { query: { 'match[version]': value } })
  return { path, object, other, url, versions, remove }
}

test('T-5.7-01 with read and write: 200, empty body, the exact Content-Type', async (t) => {
  const w = await filled()
  const answer = await w.remove()
  isDeleted(t, answer, 'DELETE')
  t.ok(['0', undefined].includes(answer.header('Content-Length')), 'Content-Length 0')
})

test('T-5.7-02 the code follows the rights: F/F 404, T/F 403, F/T 403', async (t) => {
  const object = indicator()
  for (const c of [LISTED_ONLY, READ_ONLY, WRITE_ONLY, HIDDEN]) await keeper.add(c.path, object)
  const rows = [
    [LISTED_ONLY, 404],
    [READ_ONLY, 403],
    [WRITE_ONLY, 403],
    [HIDDEN, 404],
  ] as const
  for (const [c, status] of rows) {
    for (const id of [object.id, NO_OBJECT]) {
      isError(
        t,
        await analyst.delete(`${c.path}objects/${id}/`),
        status,
        `${c.alias} ${id === NO_OBJECT ? 'unknown' : ''}`,
      )
    }
    t.equal((await keeper.getObject(c.path, object.id)).status, 200, `${c.alias}: still there`)
  }
  isError(t, await server.as('guest').delete(`${READ_WRITE.path}objects/${NO_OBJECT}/`), 403, 'guest: T/F')
  const mine = indicator()
  await analyst.add(WRITE_ONLY.path, mine)
  isError(t, await analyst.delete(`${WRITE_ONLY.path}objects/${mine.id}/`), 403, 'its own, but F/T')
})

test('T-5.7-02 with only copies of other organizations visible: 403', async (t) => {
  const { path } = scratch()
  const [theirs, hidden] = [indicator(), indicator()]
  const red = { object_marking_refs: ['marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1'] }
  await keeper.add(path, theirs, { ...hidden, ...red })
  isError(t, await analyst.delete(`${path}objects/${theirs.id}/`), 403, 'visible, of another organization')
  isError(t, await analyst.delete(`${path}objects/${hidden.id}/`), 404, 'invisible')
  t.equal((await keeper.getObject(path, theirs.id)).status, 200, 'still there')
  t.equal((await keeper.getObject(path, hidden.id)).status, 200, 'still there')
  isDeleted(t, await keeper.delete(`${path}objects/${theirs.id}/`), 'its own organization')
  const own = indicator()
  await analyst.add(path, own)
  isDeleted(t, await server.as('colleague').delete(`${path}objects/${own.id}/`), 'a colleague')
})

test('T-5.7-03 without match the whole object goes, in every endpoint', async (t) => {
  const w = await filled()
  isDeleted(t, await w.remove(), 'DELETE')
  isError(t, await analyst.get(w.url), 404, 'object')
  isError(t, await analyst.get(`${w.url}versions/`), 404, 'versions')
  isError(t, await analyst.get(w.url, { query: { 'match[version]': 'all' } }), 404, 'all versions')
  for (const query of [{}, { 'match[version]': 'all' }] as Record<string, string>[]) {
    t.strictSame((await analyst.getObjects(w.path, query)).ids, [w.other.id], 'objects')
    t.strictSame((await analyst.getManifest(w.path, query)).ids, [w.other.id], 'manifest')
  }
})

test('T-5.7-03 unless another organization has a copy that the reader may see', async (t) => {
  const { path } = scratch()
  const sco = ipv4('198.51.100.90')
  await analyst.add(path, sco)
  await keeper.add(path, sco)
  isDeleted(t, await analyst.delete(`${path}objects/${sco.id}/`), 'DELETE')
  t.equal((await analyst.getObject(path, sco.id)).status, 200, 'the copy of the other organization')
  isError(t, await analyst.delete(`${path}objects/${sco.id}/`), 403, 'which is not ours')
})

test('T-5.7-04 match[version] removes just those; last promotes the one before', async (t) => {
  const cases: [string, number[]][] = [
    [at(2), [1, 3, 4]],
    ['first', [2, 3, 4]],
    ['last', [1, 2, 3]],
    ['first,last', [2, 3]],
    [`${at(2)},${at(3)}`, [1, 4]],
    [`first,${at(3)}`, [2, 4]],
    [`${at(2)},${at(9)}`, [1, 3, 4]],
    ['2026-02-01T00:00:00Z', [1, 3, 4]],
  ]
  for (const [value, left] of cases) {
    const w = await filled()
    const before = (await analyst.getManifest(w.path, { 'match[version]': 'all' })).records
    isDeleted(t, await w.remove(value), value)
    t.strictSame(await w.versions(), left.map(at), value)
    const after = (await analyst.getManifest(w.path, { 'match[version]': 'all' })).records
    t.strictSame(
      after,
      before.filter((r) => r.id === w.other.id || left.map(at).includes(r.version)),
      `${value}: date_added`,
    )
    const last = at(Math.max(...left))
    t.strictSame(
      (await analyst.get(w.url)).objects.map((o) => o.modified),
      [last],
      `${value}: last`,
    )
    t.ok(
      (await analyst.getObjects(w.path)).keys.includes(`${w.object.id} ${last}`),
      `${value}: last in objects`,
    )
  }
  const w = await filled()
  isDeleted(t, await w.remove('all'), 'all')
  isError(t, await analyst.get(w.url), 404, 'all are gone')
  const sco = ipv4('198.51.100.91')
  const marking = statement('x')
  await analyst.add(w.path, sco, marking)
  for (const { id } of [sco, marking]) {
    const [value = ''] = (await analyst.getVersions(w.path, id)).versions
    isDeleted(t, await analyst.delete(`${w.path}objects/${id}/`, { query: { 'match[version]': value } }), id)
    isError(t, await analyst.getObject(w.path, id), 404, id)
  }
})

/** An id with two versions of 2.1 and two of 2.0. */
async function mixed() {
  const { path } = scratch()
  const object = indicator({ modified: at(1) })
  const old = indicator20({ id: object.id, modified: at(3) })
  await analyst.add(path, object, version(object, at(2)), old as StixObject, version(old, at(4)))
  const versions = async () =>
    (await analyst.getVersions(path, object.id, { 'match[spec_version]': '2.0,2.1' })).versions
  return { path, url: `${path}objects/${object.id}/`, versions }
}

test('T-5.7-04 DELETE has no latest-spec default', async (t) => {
  const w = await mixed()
  t.equal((await w.versions()).length, 4)
  isDeleted(t, await analyst.delete(w.url), 'DELETE')
  isError(t, await analyst.get(w.url), 404, '2.0 and 2.1 are gone')
  isError(t, await analyst.get(w.url, { query: { 'match[spec_version]': '2.0' } }), 404, '2.0 is gone')
})

test('T-5.7-05 match[spec_version] removes only those copies; with version: AND', async (t) => {
  const a = await mixed()
  isDeleted(t, await analyst.delete(a.url, { query: { 'match[spec_version]': '2.0' } }), '2.0')
  t.strictSame(await a.versions(), [at(1), at(2)])
  const b = await mixed()
  isDeleted(
    t,
    await analyst.delete(b.url, { query: { 'match[spec_version]': '2.0', 'match[version]': 'last' } }),
    'last of 2.0',
  )
  t.strictSame(await b.versions(), [at(1), at(2), at(3)])
  isDeleted(
    t,
    await analyst.delete(b.url, { query: { 'match[spec_version]': '2.1', 'match[version]': 'first' } }),
    'first of 2.1',
  )
  t.strictSame(await b.versions(), [at(2), at(3)])
  const none = { 'match[spec_version]': '2.1', 'match[version]': at(3) }
  isError(t, await analyst.delete(b.url, { query: none }), 404, 'nothing is both')
  t.strictSame(await b.versions(), [at(2), at(3)])
})

test('T-5.7-06 nothing matched: 404', async (t) => {
  const w = await filled()
  isError(t, await analyst.delete(`${w.path}objects/${NO_OBJECT}/`), 404, 'unknown object')
  isError(t, await w.remove(at(9)), 404, 'absent version')
  isError(
    t,
    await analyst.delete(w.url, { query: { 'match[spec_version]': '2.0' } }),
    404,
    'absent spec version',
  )
  isDeleted(t, await w.remove(at(2)), 'a version')
  isError(t, await w.remove(at(2)), 404, 'the same version again')
  isDeleted(t, await w.remove(), 'the rest')
  isError(t, await w.remove(), 404, 'the second DELETE')
})

test('T-5.7-07 malformed match: 400 and nothing is deleted', async (t) => {
  const w = await filled()
  for (const value of [
    '',
    'x',
    'all,last',
    `all,${at(1)}`,
    'last,last',
    'ALL',
    '2026-02-30T00:00:00Z',
    ',last',
    'last,',
  ]) {
    isError(t, await w.remove(value), 400, `match[version]=${value}`)
  }
  for (const value of ['', 'abc', '2.1,']) {
    isError(
      t,
      await analyst.delete(w.url, { query: { 'match[spec_version]': value } }),
      400,
      `match[spec_version]=${value}`,
    )
  }
  t.equal((await w.versions()).length, 4)
})

test('T-5.7-08 other collections keep the object', async (t) => {
  const [a, b] = [scratch(), scratch()]
  const object = indicator()
  for (const path of [a.path, b.path, READ_WRITE.path, TWIN.path]) await analyst.add(path, object)
  isDeleted(t, await analyst.delete(`${a.path}objects/${object.id}/`), 'DELETE')
  t.equal((await analyst.getObject(b.path, object.id)).status, 200)
  isDeleted(t, await analyst.delete(`${READ_WRITE.path}objects/${object.id}/`), 'DELETE')
  t.equal((await analyst.getObject(TWIN.path, object.id)).status, 200, 'the twin in another root')
})

test('T-5.7-09 posted again after DELETE: accepted, new date_added, no tombstone', async (t) => {
  const w = await filled()
  const manifest = async () => (await analyst.getManifest(w.path, { 'match[version]': 'all' })).records
  const last = (await manifest()).at(-1)?.date_added ?? ''
  isDeleted(t, await w.remove(at(2)), 'one version')
  isError(t, await analyst.get(w.url, { query: { 'match[version]': at(2) } }), 404, 'its tombstone')
  await analyst.add(w.path, version(w.object, at(2)))
  t.strictSame((await analyst.getObjects(w.path, { added_after: last, 'match[version]': 'all' })).keys, [
    `${w.object.id} ${at(2)}`,
  ])
  t.equal(
    (await analyst.get(w.url, { query: { 'match[version]': at(2) } })).objects.length,
    1,
    'no tombstone',
  )
  isDeleted(t, await w.remove(), 'the whole')
  await analyst.add(w.path, w.object)
  const again = (await manifest()).filter((r) => r.id === w.object.id)
  t.equal(again.length, 1)
  t.ok((again[0]?.date_added ?? '') > last, 'pollers see it')
  isDeleted(t, await w.remove(), 'again')
  isError(t, await analyst.get(w.url), 404, 'gone')
})

test('T-5.7-10 a cursor stays valid when items of its page are deleted', async (t) => {
  const { path } = scratch()
  const objects = Array.from({ length: 6 }, () => indicator())
  await analyst.add(path, ...objects)
  const page = await analyst.getObjects(path, { limit: '2' })
  for (const { id } of objects.slice(0, 3)) isDeleted(t, await analyst.delete(`${path}objects/${id}/`), id)
  const rest = await analyst.getObjects(path, { limit: '2', next: page.next })
  t.strictSame(
    rest.ids,
    objects.slice(3, 5).map((o) => o.id),
  )
  const end = await analyst.getObjects(path, { limit: '2', next: rest.next })
  t.strictSame(end.ids, [objects[5]?.id])
  for (const { id } of objects.slice(3)) await analyst.delete(`${path}objects/${id}/`)
  isEmpty(t, await analyst.getObjects(path, { limit: '2', next: page.next }), 'all are gone')
})
