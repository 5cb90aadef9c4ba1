/** Adding objects (TAXII 2.1 §5.5). */

import { gzipSync } from 'node:zlib'
import t, { test } from 'tap'
import { isEmpty, isError, isResource, UUID4 } from '../../support/checks.ts'
import { type Answer, type StixObject, T21 } from '../../support/client.ts'
import { startServer } from '../../support/server.ts'
import {
  indicator,
  indicator20,
  ipv4,
  malware,
  newId,
  relationship,
  report,
  statement,
  version,
} from '../../support/stix.ts'
import {
  EMPTY,
  HIDDEN,
  KEEP,
  READ_ONLY,
  REPLACE,
  STIX21,
  scratches,
  topology,
  WRITE_ONLY,
} from '../../support/world.ts'

const MAX = 100_000
const server = await startServer(t, { topology: topology(), env: { COMITY_MAX_CONTENT_LENGTH: String(MAX) } })
const second = await startServer(t, {
  database: server.database,
  env: { COMITY_MAX_CONTENT_LENGTH: String(MAX) },
})
const analyst = server.as('analyst')
const keeper = server.as('keeper')
const scratch = scratches()
const at = (month: number) => `2026-0${month}-01T00:00:00.000Z`

test('T-5.5-01 a valid envelope gives 202 and a status', async (t) => {
  const { path } = scratch()
  const [i, m] = [indicator(), malware()]
  const answer = await analyst.post(path, [
    i,
    m,
    relationship(i.id, m.id),
    report([i.id]),
    ipv4('198.51.100.60'),
  ])
  isResource(t, answer, 202, 'POST')
  const status = answer.taxiiStatus
  t.match(status.id, UUID4)
  t.equal(status.status, 'complete')
  t.equal(status.total_count, 5)
  t.equal(status.success_count, 5)
  t.equal((await analyst.get(`/global/status/${status.id}/`)).status, 200, 'pollable')
})

test('T-5.5-02 without the right to write: 403 if visible, 404 if hidden; nothing is stored', async (t) => {
  const object = indicator()
  isError(t, await analyst.post(READ_ONLY.path, [object]), 403, 'read-only')
  isError(t, await server.as('guest').post(EMPTY.path, [object]), 403, 'read-only for this client')
  isError(t, await analyst.post(HIDDEN.path, [object]), 404, 'hidden')
  isError(t, await keeper.getObject(READ_ONLY.path, object.id), 404, 'nothing stored')
  isError(t, await keeper.getObject(HIDDEN.path, object.id), 404, 'nothing stored')
  isEmpty(t, await analyst.getObjects(EMPTY.path), 'nothing stored')
  t.equal((await analyst.post(WRITE_ONLY.path, [object])).status, 202, 'write-only takes it')
})

/** The one record of an object in the manifest, with all its versions. */
const records = async (path: string, id: string) =>
  (await analyst.getManifest(path, { 'match[id]': id, 'match[version]': 'all' })).records

test('T-5.5-03 an exact duplicate is a success and changes nothing', async (t) => {
  const { path } = scratch()
  const object = indicator({ x_nested: { a: 1, b: [1, { c: 2, d: 3 }] } })
  await analyst.add(path, object)
  const before = await records(path, object.id)
  await analyst.add(path, object)
  const reversed = Object.fromEntries(Object.entries(object).reverse())
  reversed.x_nested = { b: [1, { d: 3, c: 2 }], a: 1 }
  await analyst.add(path, reversed)
  const spaced = JSON.stringify({ objects: [object] }, null, 3)
  t.equal((await analyst.send(`${path}objects/`, spaced)).taxiiStatus.success_count, 1)
  t.strictSame(await records(path, object.id), before, 'same date_added, no second version')
  t.strictSame(Object.keys((await analyst.getObject(path, object.id)).objects[0] ?? {}), Object.keys(object))
})

test('T-5.5-04 the same object twice in one envelope: two successes, stored once', async (t) => {
  const { path } = scratch()
  const object = indicator()
  const { taxiiStatus: status } = await analyst.post(path, [object, malware(), object])
  t.equal(status.total_count, 3)
  t.equal(status.success_count, 3)
  t.equal((await records(path, object.id)).length, 1)
})

test('T-5.5-05 same version, other content: a failure, and the stored copy stays', async (t) => {
  const { path } = scratch()
  const object = indicator()
  await analyst.add(path, object)
  const before = await records(path, object.id)
  const changed = { ...object, name: 'changed' }
  const answer = await analyst.post(path, [changed, malware()])
  t.equal(answer.status, 202)
  const { failures = [], success_count } = answer.taxiiStatus
  t.equal(success_count, 1)
  t.equal(failures[0]?.id, object.id)
  t.equal(failures[0]?.version, object.modified)
  t.ok((failures[0]?.message ?? '').length > 5, 'with a message')
  t.equal((await analyst.getObject(path, object.id)).objects[0]?.name, object.name)
  t.strictSame(await records(path, object.id), before)
  const colleague = await server.as('colleague').post(path, [changed])
  t.equal(colleague.taxiiStatus.failure_count, 1, 'a colleague is the same originator')
})

test('T-5.5-05 on_conflict keep: success, "already present", nothing changes', async (t) => {
  const object = indicator()
  await analyst.add(KEEP.path, object)
  const before = await records(KEEP.path, object.id)
  const { taxiiStatus: status } = await analyst.post(KEEP.path, [{ ...object, name: 'changed' }])
  t.equal(status.success_count, 1)
  t.match(status.successes?.[0]?.message, /already present/i)
  t.equal((await analyst.getObject(KEEP.path, object.id)).objects[0]?.name, object.name)
  t.strictSame(await records(KEEP.path, object.id), before)
})

test('T-5.5-05 on_conflict replace: the newer content takes the place, with a new date_added', async (t) => {
  const object = indicator()
  await analyst.add(REPLACE.path, object)
  const before = await records(REPLACE.path, object.id)
  await analyst.add(REPLACE.path, { ...object, name: 'changed' })
  const after = await records(REPLACE.path, object.id)
  t.equal(after.length, 1)
  t.ok((after[0]?.date_added ?? '') > (before[0]?.date_added ?? ''), 'new date_added')
  t.equal((await analyst.getObject(REPLACE.path, object.id)).objects[0]?.name, 'changed')
  const poll = await analyst.getObjects(REPLACE.path, { added_after: before[0]?.date_added ?? '' })
  t.strictSame(poll.ids, [object.id], 'pollers see it')
  await analyst.add(REPLACE.path, { ...object, name: 'changed' })
  t.strictSame(await records(REPLACE.path, object.id), after, 'the same again changes nothing')
})

test('T-5.5-05 another organization may not change it either', async (t) => {
  const { path } = scratch()
  const object = indicator()
  await analyst.add(path, object)
  const same = await keeper.post(path, [object])
  t.equal(same.taxiiStatus.success_count, 1, 'identical content is a success')
  t.match(same.taxiiStatus.successes?.[0]?.message, /already present/i)
  const other = await keeper.post(path, [{ ...object, name: 'forged' }])
  t.equal(other.taxiiStatus.failure_count, 1)
  const later = await keeper.post(path, [version(object, at(5))])
  t.equal(later.taxiiStatus.failure_count, 1, 'only its creator may version it')
  t.equal((await records(path, object.id)).length, 1)
})

test('T-5.5-06 an SCO or marking-definition again: same content is a no-op', async (t) => {
  const { path } = scratch()
  const [sco, marking] = [ipv4('198.51.100.61'), statement('x')]
  await analyst.add(path, sco, marking)
  const before = (await analyst.getManifest(path, { 'match[version]': 'all' })).records
  await analyst.add(path, sco, marking)
  t.strictSame((await analyst.getManifest(path, { 'match[version]': 'all' })).records, before)
  const changed = { ...marking, definition: { statement: 'y' } }
  const refused = await analyst.post(path, [changed])
  t.equal(refused.taxiiStatus.failure_count, 1, 'a marking-definition never changes')
  await analyst.add(path, { ...sco, x_seen: 3 })
  const after = await records(path, sco.id)
  t.equal(after.length, 2, 'an SCO with other content is a new version')
  t.equal(after[1]?.version, after[1]?.date_added)
})

test('T-5.5-07 a new modified is a new version; an older one arriving late leaves last alone', async (t) => {
  const { path } = scratch()
  const object = indicator({ modified: at(1) })
  await analyst.add(path, version(object, at(2)))
  await analyst.add(path, version(object, at(3), { name: 'third' }))
  await analyst.add(path, version(object, at(1), { name: 'first, late' }))
  const all = await records(path, object.id)
  t.strictSame(
    all.map((r) => r.version),
    [at(2), at(3), at(1)],
  )
  t.equal(new Set(all.map((r) => r.date_added)).size, 3)
  t.equal((await analyst.getObject(path, object.id)).objects[0]?.name, 'third')
})

test('T-5.5-08 good and bad objects together: 202, each in its list', async (t) => {
  const { path } = scratch()
  const good = [indicator(), malware(), ipv4('198.51.100.62')]
  const bad = [{ ...indicator(), pattern: 7 }, { ...malware(), id: 'malware--x' }, { type: 'tool' }]
  const answer = await analyst.post(path, [good[0], bad[0], good[1], bad[1], bad[2], good[2]])
  isResource(t, answer, 202, 'POST')
  const { taxiiStatus: status } = answer
  t.strictSame(
    status.successes?.map((s) => s.id),
    good.map((o) => o.id),
  )
  t.equal(status.failure_count, 3)
  for (const failure of status.failures ?? []) t.ok((failure.message ?? '').length > 5)
  t.strictSame(
    (await analyst.getObjects(path)).ids,
    good.map((o) => o.id),
  )
})

test('T-5.5-09 what is no envelope of objects gives 422 and stores nothing', async (t) => {
  const { path } = scratch()
  const good = JSON.stringify(indicator())
  const url = `${path}objects/`
  const bodies: [string, string | Buffer][] = [
    ['empty', ''],
    ['blank', '  '],
    ['malformed', '{"objects":['],
    ['trailing text', `{"objects":[${good}]} x`],
    ['trailing comma', `{"objects":[${good},]}`],
    ['not UTF-8', Buffer.from(`{"objects":[${good}],"x_a":"\xff"}`, 'latin1')],
    ['duplicate keys', `{"objects":[${good}],"objects":[${good}]}`],
    ['duplicate keys, escaped', `{"objects":[${good}],"\\u006fbjects":[${good}]}`],
    ['an array', `[${good}]`],
    ['a string', '"objects"'],
    ['null', 'null'],
    ['a number', '1'],
    ['a bare object', good],
    ['no objects', '{}'],
    ['objects null', '{"objects":null}'],
    ['objects an object', `{"objects":${good}}`],
    ['objects a string', '{"objects":"x"}'],
    ['objects empty', '{"objects":[]}'],
    ['an item that is a string', `{"objects":[${good},"x"]}`],
    ['an item that is null', `{"objects":[${good},null]}`],
    ['an item that is a list', `{"objects":[${good},[]]}`],
    ['an item that is a number', `{"objects":[1,${good}]}`],
    ['single quotes', "{'objects':[]}"],
    ['NaN', '{"objects":[NaN]}'],
    [
      'all of an unsupported spec version',
      JSON.stringify({
        objects: [
          { ...indicator(), spec_version: '2.2' },
          { ...malware(), spec_version: '3.0' },
        ],
      }),
    ],
  ]
  for (const [what, body] of bodies) isError(t, await analyst.send(url, body), 422, what)
  isError(
    t,
    await analyst.request({ method: 'POST', path: url, headers: { 'Content-Type': T21 } }),
    422,
    'no body',
  )
  isEmpty(t, await analyst.getObjects(path), 'nothing is stored')
  const none = await analyst.send(
    url,
    JSON.stringify({ objects: [{ ...indicator(), spec_version: '2.2' }, indicator()] }),
  )
  t.equal(none.status, 202, 'one of a supported version: no 422')
  t.equal(none.taxiiStatus.failure_count, 1)
  const { spec_version: _, ...bare } = { ...indicator(), type: 'note' }
  const stated = await analyst.post(path, [{ ...bare, id: newId('note') }])
  t.equal(stated.status, 202, "one that states no version is that object's failure")
  t.equal(stated.taxiiStatus.failure_count, 1)
})

test('T-5.5-10 faults of an object are its own failure', async (t) => {
  const { path } = scratch()
  const object = indicator()
  const without = (name: string) => Object.fromEntries(Object.entries(object).filter(([key]) => key !== name))
  const bad: [string, unknown][] = [
    ['no id', without('id')],
    ['no type', without('type')],
    ['no created', without('created')],
    ['no modified', without('modified')],
    ['id of another type', { ...object, id: newId('malware') }],
    ['bad UUID', { ...object, id: 'indicator--1234' }],
    ['upper-case type', { ...object, type: 'Indicator' }],
    ['id a number', { ...object, id: 7 }],
    ['type a number', { ...object, type: 7 }],
    ['bad modified', { ...object, modified: 'yesterday' }],
    ['modified without Z', { ...object, modified: '2026-01-01T00:00:00.000' }],
    ['modified 30 Feb', { ...object, modified: '2026-02-30T00:00:00.000Z' }],
    ['modified before created', { ...object, modified: '2020-01-01T00:00:00.000Z' }],
    ['no pattern', without('pattern')],
    ['null', { ...object, name: null }],
    ['empty list', { ...object, labels: [] }],
    ['empty', {}],
  ]
  for (const [what, one] of bad) {
    const answer = await analyst.post(path, [one])
    t.equal(answer.status, 202, what)
    t.equal(answer.taxiiStatus.failure_count, 1, what)
    t.ok((answer.taxiiStatus.failures?.[0]?.message ?? '').length > 5, `${what}: message`)
  }
  const all = await analyst.post(
    path,
    bad.map(([, one]) => one),
  )
  t.equal(all.status, 202, '202 even if all fail')
  t.equal(all.taxiiStatus.failure_count, bad.length)
  isEmpty(t, await analyst.getObjects(path), 'nothing is stored')
  const old = await analyst.post(STIX21.path, [indicator20()])
  t.equal(old.taxiiStatus.failure_count, 1, 'no spec_version where 2.0 is not allowed')
})

const body = (fill: number) => JSON.stringify({ objects: [indicator()] }).padEnd(fill, ' ')

test('T-5.5-11 max_content_length to the byte, also chunked and gzipped', async (t) => {
  const { path } = scratch()
  const url = `${path}objects/`
  const post = (content: string | Buffer, headers = {}, chunked = false) =>
    analyst.request({
      method: 'POST',
      path: url,
      headers: { 'Content-Type': T21, ...headers },
      body: content,
      chunked,
    })
  t.equal((await post(body(MAX))).status, 202, 'exactly the maximum')
  t.equal((await post(body(MAX), {}, true)).status, 202, 'chunked, exactly the maximum')
  const gzip = { 'Content-Encoding': 'gzip' }
  t.equal((await post(gzipSync(body(MAX)), gzip)).status, 202, 'gzip that expands to exactly the maximum')
  const count = (await analyst.getObjects(path)).objects.length
  t.equal(count, 3)
  isError(t, await post(body(MAX + 1)), 413, 'one byte more')
  isError(t, await post(body(MAX + 1), {}, true), 413, 'chunked, one byte more')
  isError(t, await post(gzipSync(body(MAX + 1)), gzip), 413, 'gzip that expands past it')
  isError(t, await post(gzipSync(Buffer.alloc(50_000_000, 32)), gzip), 413, 'a gzip bomb')
  for (const encoding of ['br', 'deflate', 'zstd', 'gzip, gzip', 'x']) {
    isError(t, await post(body(0), { 'Content-Encoding': encoding }), 415, encoding)
  }
  const broken = await post('no gzip at all', gzip)
  t.ok([400, 422].includes(broken.status), `broken gzip: ${broken.status}`)
  t.equal((await analyst.getObjects(path)).objects.length, count, 'nothing more is stored')
})

test('T-5.5-12 a bundle is taken as an envelope', async (t) => {
  const { path } = scratch()
  const objects = [indicator(), malware()]
  const answer = await analyst.send(
    `${path}objects/`,
    JSON.stringify({ type: 'bundle', id: newId('bundle'), objects }),
  )
  isResource(t, answer, 202, 'bundle')
  t.equal(answer.taxiiStatus.success_count, 2)
  t.strictSame(
    (await analyst.getObjects(path)).ids,
    objects.map((o) => o.id),
  )
})

test('T-5.5-13 custom properties of the envelope are ignored', async (t) => {
  const { path } = scratch()
  const extra = { x_acme_note: 'hello', x_list: [1], x_null: null, more: true, next: 'x' }
  const answer = await analyst.send(`${path}objects/`, JSON.stringify({ ...extra, objects: [indicator()] }))
  isResource(t, answer, 202, 'custom properties')
  t.equal(answer.taxiiStatus.success_count, 1)
})

test('T-5.5-14 once complete, every endpoint of every worker shows it', async (t) => {
  const { path } = scratch()
  for (let i = 0; i < 10; i++) {
    const object = indicator()
    const writer = i % 2 === 0 ? server : second
    const { status } = await writer.as('analyst').add(path, object)
    t.equal(status, 'complete')
    for (const node of [server, second]) {
      const client = node.as('analyst')
      t.equal((await client.getObject(path, object.id)).status, 200, 'object')
      t.ok((await client.getObjects(path)).ids.includes(object.id), 'objects')
      t.ok((await client.getManifest(path)).ids.includes(object.id), 'manifest')
      t.strictSame((await client.getVersions(path, object.id)).versions, [object.modified], 'versions')
    }
  }
})

test('T-5.5-15 chunked bodies and Expect: 100-continue work', async (t) => {
  const { path } = scratch()
  const url = `${path}objects/`
  const headers = { 'Content-Type': T21 }
  const chunked = await analyst.request({ method: 'POST', path: url, headers, body: body(0), chunked: true })
  isResource(t, chunked, 202, 'chunked')
  const expected = await analyst.request({
    method: 'POST',
    path: url,
    headers,
    body: body(0),
    expectContinue: true,
  })
  isResource(t, expected, 202, 'Expect')
  t.ok(expected.continued, '100 Continue was sent')
  t.equal((await analyst.getObjects(path)).objects.length, 2)
})

test('T-5.5-16 nobody sees an object at or before a Last that it has received', async (t) => {
  const { path } = scratch()
  let writing = true
  const writers = Promise.all(
    Array.from({ length: 6 }, async (_, w) => {
      const client = (w % 2 === 0 ? server : second).as('analyst')
      for (let i = 0; i < 20; i++)
        await client.add(path, ...Array.from({ length: (i % 4) + 1 }, () => indicator()))
    }),
  ).finally(() => {
    writing = false
  })
  const seen: string[] = []
  let last = ''
  while (writing || last === '') {
    const page = await analyst.getManifest(path, last ? { added_after: last } : {})
    for (const record of page.records) {
      if (last) t.ok(record.date_added > last, 'after what was received')
      seen.push(`${record.id} ${record.date_added}`)
    }
    if (page.records.length > 0) last = page.last
  }
  await writers
  seen.push(
    ...(await analyst.getManifest(path, { added_after: last })).records.map((r) => `${r.id} ${r.date_added}`),
  )
  const all = (await analyst.pages(`${path}manifest/`)).flatMap((p) =>
    p.records.map((r) => `${r.id} ${r.date_added}`),
  )
  t.equal(all.length, 6 * 5 * (1 + 2 + 3 + 4))
  t.strictSame(seen, all, 'every object once, in order')
})

test('T-5.5-17 concurrent POSTs of the same objects: stored once, all succeed', async (t) => {
  const { path } = scratch()
  for (let round = 0; round < 8; round++) {
    const objects: StixObject[] = [
      indicator(),
      malware(),
      ipv4(`198.51.100.${100 + round}`),
      statement(`x ${round}`),
    ]
    const orders = [
      objects,
      [...objects].reverse(),
      objects,
      [...objects].reverse(),
      objects,
      [...objects].reverse(),
    ]
    const answers: Answer[] = await Promise.all(
      orders.map((order, i) => (i % 2 === 0 ? server : second).as('analyst').post(path, order)),
    )
    for (const answer of answers) {
      t.equal(answer.status, 202, answer.text.slice(0, 100))
      t.equal(answer.taxiiStatus.success_count, objects.length, answer.text.slice(0, 300))
    }
    for (const object of objects) t.equal((await records(path, object.id)).length, 1, object.type)
  }
})
