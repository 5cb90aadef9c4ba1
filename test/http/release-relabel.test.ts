/** PATCH of an object's markings: who may, what it does to readers, and that nothing else changes (policy.md §7, §9). */
import t, { test } from 'tap'
import { RELEASE_EXTENSION } from '../../src/stix/index.ts'
import { api } from '../support/api.ts'
import { bearer, CAPPED, MAIN, PATH, READ_ONLY, releaseTopology, shown } from '../support/release.ts'
import { startServer } from '../support/server.ts'
import { indicator, ipv4, malware, newId, statement, TLP, version } from '../support/stix.ts'

const server = await startServer(t, { topology: releaseTopology() })
const ann = server.as('ann')
const to = (id: string) => `/api/v1/roots/one/collections/main/objects/${id}`
const body = (refs: string[], more: object = {}) => ({
  object_marking_refs: refs,
  reason: 'as agreed',
  ...more,
})
const relabel = (who: string, id: string, refs: string[], more: object = {}) =>
  api(server, who).patch(`/api/v1/roots/one/collections/main/objects/${id}`, body(refs, more))

/** One object of ann's. */
async function post(...refs: string[]) {
  const object = indicator({ name: 'to relabel', ...(refs.length > 0 && { object_marking_refs: refs }) })
  await ann.add(PATH, object)
  return object
}

const reads = async (who: string, id: string) => (await server.as(who).getObject(PATH, id)).status === 200

test('tighter: who loses it gets the answer of an unknown id at the next read; the log does not move', async (t) => {
  const { id } = await post(TLP.amber)
  const sue = server.as('sue')
  const before = await sue.getManifest(PATH, { 'match[id]': id })
  t.equal(before.records.length, 1)
  const answer = await relabel('bob', id, [TLP['amber+strict']])
  t.equal(answer.status, 200)
  t.match(answer.json, { id, change: 'tightened', warnings: [], readers: { before: 2, after: 1 } })
  t.equal(answer.json.date_added, before.records[0]?.date_added, 'in place')
  const unknown = await sue.getObject(PATH, newId('indicator'))
  t.strictSame(shown(await sue.getObject(PATH, id)), shown(unknown))
  t.equal(unknown.status, 404)
  t.strictSame((await sue.getManifest(PATH, { 'match[id]': id })).records, [])
  t.ok(await reads('mia', id), 'its own organization reads on')
})

test('wider: an incremental poller gets it, with a new date_added; it is listed once', async (t) => {
  const { id } = await post(TLP['amber+strict'])
  await post(TLP.clear)
  const dan = server.as('dan')
  const last = (await dan.getObjects(PATH)).header('x-taxii-date-added-last') ?? ''
  const answer = await relabel('ann', id, [TLP.clear])
  t.match(answer.json, { change: 'widened', cancelled_schedules: [], readers: { before: 1, after: 4 } })
  const since = await dan.getObjects(PATH, { added_after: last })
  t.strictSame(since.ids, [id])
  t.equal(since.header('x-taxii-date-added-first'), answer.json.date_added)
  t.equal((await ann.getManifest(PATH, { 'match[id]': id, 'match[version]': 'all' })).records.length, 1)
  const again = await relabel('ann', id, [TLP.clear])
  t.match(again.json, { change: 'same', date_added: String(answer.json.date_added) })
})

test('not one byte but the markings', async (t) => {
  const { id } = indicator()
  const text = (marks: string, last: string) =>
    `{"type":"indicator","x_number":1.50e2,"spec_version":"2.1","id":"${id}",${marks}"created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","name":"\\u00e9 \\/ 😀","indicator_types":["malicious-activity"],"pattern":"[ipv4-addr:value = '198.51.100.1']","pattern_type":"stix","valid_from":"2026-01-01T00:00:00.00Z"${last}}`
  const marks = (level: string) => `"object_marking_refs":["${level}"],`
  await ann.send(`${PATH}objects/`, `{"objects":[${text(marks(TLP.amber), '')}]}`)
  const stored = async () => (await ann.getObject(PATH, id)).text
  t.equal(await stored(), `{"objects":[${text(marks(TLP.amber), '')}]}`)
  await relabel('ann', id, [TLP.green])
  t.equal(await stored(), `{"objects":[${text(marks(TLP.green), '')}]}`)
  const part = { selectors: ['name'], marking_ref: TLP.red }
  await relabel('ann', id, [TLP.green], { granular_markings: [part] })
  const inside = `,"granular_markings":[${JSON.stringify(part)}]`
  t.equal(await stored(), `{"objects":[${text(marks(TLP.green), inside)}]}`)
  t.notOk(await reads('bob', id), 'a part is RED')
  t.equal((await relabel('bob', id, [TLP.green])).status, 404, 'and so it is not there for bob')
  t.equal((await relabel('ann', id, [], { granular_markings: null })).status, 200)
  t.equal(await stored(), `{"objects":[${text('', '')}]}`)
  t.notOk(await reads('sue', id), 'unmarked: its own organization only')
  const same = (await ann.post(PATH, [JSON.parse(text('', ''))])).taxiiStatus
  t.match(same.successes?.[0]?.message, /already present/, 'its content is what it is now')
  const other = (await ann.post(PATH, [JSON.parse(text(marks(TLP.amber), ''))])).taxiiStatus
  t.equal(other.failure_count, 1)
})

test('a version by name; the latest by default; older ones stay behind it', async (t) => {
  const first = await post(TLP.green)
  const second = version(first, '2026-02-01T00:00:00.000Z', { object_marking_refs: [TLP.amber] })
  await ann.add(PATH, second)
  t.match((await relabel('ann', first.id, [TLP.clear])).json, { version: '2026-02-01T00:00:00.000Z' })
  const dan = server.as('dan')
  const all = { 'match[version]': 'all' }
  t.equal((await dan.getObject(PATH, first.id, all)).objects.length, 1, 'v1 is GREEN still')
  const older = await relabel('ann', first.id, [TLP.clear], { version: '2026-01-01T00:00:00Z' })
  t.match(older.json, { version: '2026-01-01T00:00:00.000Z', change: 'widened' })
  t.equal((await dan.getObject(PATH, first.id, all)).objects.length, 2)
  await relabel('ann', first.id, [TLP.red])
  t.equal((await dan.getObject(PATH, first.id, all)).status, 404, 'restriction is retroactive')
  const never = await relabel('ann', first.id, [TLP.red], { version: '2026-03-01T00:00:00.000Z' })
  t.equal(never.status, 404)
  t.equal((await relabel('ann', first.id, [TLP.red], { version: 'last' })).status, 400)
})

test('an address: its version is its date_added', async (t) => {
  const address = ipv4('198.51.100.77', { object_marking_refs: [TLP.amber] })
  await ann.add(PATH, address)
  const { json } = await relabel('ann', address.id, [TLP.clear])
  t.match(json, { change: 'widened' })
  t.equal(json.version, json.date_added)
  t.ok(await reads('dan', address.id))
})

test('release markings resolve as on a POST; unknown ones and those that widen by mistake are refused', async (t) => {
  const { id } = await post(TLP.red)
  const rel = {
    ...statement('x'),
    definition: undefined,
    definition_type: undefined,
    name: 'REL TO DE',
    object_marking_refs: [TLP.clear],
    extensions: {
      [RELEASE_EXTENSION]: {
        extension_type: 'property-extension',
        releasable_to: { countries: ['DE'] },
      },
    },
  }
  const unknown = await relabel('ann', id, [TLP.amber, rel.id])
  t.equal(unknown.status, 422)
  t.match(unknown.json.detail, /^The marking marking-definition--.* is not known here/)
  await ann.add(PATH, rel)
  t.equal((await relabel('ann', id, [TLP.green, rel.id])).status, 422, 'GREEN with a list')
  t.equal((await relabel('ann', id, [rel.id])).status, 422, 'a list alone')
  t.notOk(await reads('dan', id))
  t.match((await relabel('ann', id, [TLP.amber, rel.id])).json, { change: 'widened' })
  t.ok(await reads('dan', id))
  t.notOk(await reads('sue', id), 'nobody but those on the list')
  t.equal((await relabel('ann', rel.id, [TLP.green])).status, 409, 'a definition never changes')
  const hinted = malware({ labels: ['tlp:amber'], object_marking_refs: [TLP.red] })
  await ann.add(PATH, hinted)
  const warned = await relabel('ann', hinted.id, [TLP.green])
  t.match(warned.json.warnings, [/stricter than the marking/])
  const selector = { granular_markings: [{ selectors: ['nothing'], marking_ref: TLP.red }] }
  t.match(await relabel('ann', id, [TLP.amber], selector), { status: 422 })
})

test('rights', async (t) => {
  const amber = await post(TLP.amber)
  const red = await post(TLP.red)
  const unknown = await relabel('ann', newId('indicator'), [TLP.clear])
  t.equal(unknown.status, 404)
  t.match(await relabel('sue', amber.id, [TLP.clear]), { status: 403 }, 'visible, of another organization')
  t.match(await relabel('mia', amber.id, [TLP.clear]), { status: 403 }, 'a colleague who may not write')
  t.match(await relabel('mia', newId('indicator'), [TLP.clear]), { status: 403 }, 'whatever it is')
  t.match(await relabel('dan', amber.id, [TLP.clear]), { status: 403 })
  t.strictSame(shown(await relabel('bob', red.id, [TLP.clear])), shown(unknown), 'RED of a colleague')
  t.strictSame(shown(await relabel('sue', red.id, [TLP.clear])), shown(unknown), 'hidden, of another')
  t.match(await relabel('ann', TLP.green, [TLP.clear]), { status: 403 }, 'a standard definition')
  const capped = bearer(server, CAPPED)
  t.strictSame(shown(await capped.patch(to(amber.id), body([TLP.clear]))), shown(unknown), 'above the cap')
  t.match(await bearer(server, READ_ONLY).patch(to(amber.id), body([TLP.clear])), { status: 403 })
  const green = await post(TLP.green)
  const up = await capped.patch(to(green.id), body([TLP.red]))
  t.match(up.json, { change: 'tightened', date_added: null, readers: { after: null } }, 'write-up')
  t.match(await api(server, 'ann').patch(to('nothing'), body([TLP.red])), { status: 404 })
  const closed = `/api/v1/roots/one/collections/closed/objects/${amber.id}`
  t.match(await api(server, 'dan').patch(closed, body([TLP.red])), { status: 404 }, 'unknown collection')
  for (const [id, name] of [
    [amber.id, 'amber'],
    [red.id, 'red'],
  ] as const) {
    t.match((await ann.getObject(PATH, id)).objects[0]?.object_marking_refs, [TLP[name]], 'nothing was done')
  }
  t.equal((await relabel('ann', amber.id, [TLP.red], { reason: '' })).status, 400)
  t.equal((await relabel('ann', amber.id, [TLP.red], { reason: 'a\u0000b' })).status, 400)
  t.equal((await relabel('ann', amber.id, [TLP.red], { reason: 'a\ud800b' })).status, 400)
  t.equal(MAIN.length, 36)
})

test("one's own copy among several", async (t) => {
  const object = ipv4('198.51.100.99', { object_marking_refs: [TLP.green] })
  await ann.add(PATH, object)
  await server.as('sue').add(PATH, { ...object, object_marking_refs: [TLP.clear] })
  t.match((await relabel('sue', object.id, [TLP.red])).json, { change: 'tightened' })
  t.notOk(await reads('fay', object.id))
  t.ok(await reads('mia', object.id), "ann's copy is as it was")
})
