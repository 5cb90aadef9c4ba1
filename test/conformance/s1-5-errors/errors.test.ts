/** Error bodies, the envelope and names (TAXII 2.1 §3.6 to §3.9). */
import t, { test } from 'tap'
import { isEmpty, isError } from '../../support/checks.ts'
import { type Answer, T21 } from '../../support/client.ts'
import { startServer } from '../../support/server.ts'
import { indicator, ipv4, malware, statement } from '../../support/stix.ts'
import {
  EMPTY,
  HIDDEN,
  NO_COLLECTION,
  NO_OBJECT,
  NO_STATUS,
  READ_ONLY,
  READ_WRITE,
  scratches,
  topology,
  WRITE_ONLY,
} from '../../support/world.ts'

const server = await startServer(t, { topology: topology(), env: { COMITY_MAX_CONTENT_LENGTH: '65536' } })
const analyst = server.as('analyst')
const scratch = scratches()
const rw = READ_WRITE.path
const objects = `${rw}objects/`

/** One answer per kind of error. */
async function errors(): Promise<[number, string, Answer][]> {
  return [
    [400, 'limit', await analyst.get(`${objects}?limit=0`)],
    [400, 'encoding', await analyst.get('/%zz')],
    [401, 'none', await server.anonymous.get(objects)],
    [401, 'wrong', await server.as('analyst', 'wrong').get(objects)],
    [403, 'read', await analyst.getObjects(WRITE_ONLY.path)],
    [403, 'write', await analyst.post(READ_ONLY.path, [indicator()])],
    [404, 'root', await analyst.get('/nope/')],
    [404, 'collection', await analyst.get(`/global/collections/${NO_COLLECTION}/objects/`)],
    [404, 'object', await analyst.getObject(rw, NO_OBJECT)],
    [404, 'versions', await analyst.getVersions(rw, NO_OBJECT)],
    [404, 'delete', await analyst.delete(`${objects}${NO_OBJECT}/`)],
    [404, 'status', await analyst.get(`/global/status/${NO_STATUS}/`)],
    [405, 'method', await analyst.request({ method: 'PUT', path: objects })],
    [406, 'accept', await analyst.get(objects, { headers: { Accept: 'text/html' } })],
    [413, 'length', await analyst.send(objects, ' '.repeat(65_537))],
    [415, 'type', await analyst.send(objects, '{}', { 'Content-Type': 'text/plain' })],
    [422, 'body', await analyst.send(objects, '{"objects":[]}')],
  ]
}

test('T-3.6-01 an error has a title, and nothing that the standard does not know', async (t) => {
  for (const [status, what, answer] of await errors()) {
    isError(t, answer, status, `${status} ${what}`)
    t.ok(String(answer.json.title).length > 3, `${what}: a title that says something`)
  }
})

test('T-3.6-02 http_status is a string equal to the code of the status line', async (t) => {
  for (const [status, what, answer] of await errors()) {
    t.equal(answer.status, status, what)
    t.equal(answer.json.http_status, String(status), what)
  }
})

test('T-3.6-03 every failure of every endpoint has an error body', async (t) => {
  const paths: [string, string][] = [
    ['GET', '/taxii2/'],
    ['GET', '/global/'],
    ['GET', `/global/status/${NO_STATUS}/`],
    ['GET', '/global/collections/'],
    ['GET', rw],
    ['GET', `${rw}manifest/`],
    ['GET', objects],
    ['POST', objects],
    ['GET', `${objects}${NO_OBJECT}/`],
    ['DELETE', `${objects}${NO_OBJECT}/`],
    ['GET', `${objects}${NO_OBJECT}/versions/`],
  ]
  for (const [method, path] of paths) {
    isError(t, await server.anonymous.request({ method, path }), 401, `${method} ${path}`)
    isError(t, await server.bearer('x').request({ method, path }), 401, `${method} ${path}`)
    const html = {
      method,
      path,
      headers: { Accept: 'text/html', ...(method === 'POST' && { 'Content-Type': T21 }) },
    }
    isError(
      t,
      await analyst.request({ ...html, ...(method === 'POST' && { body: '{}' }) }),
      406,
      `${method} ${path}`,
    )
    isError(t, await analyst.request({ method: 'PUT', path, body: 'x' }), 405, `PUT ${path}`)
  }
})

test('T-3.6-04 error texts show no hidden thing, no stack, no SQL', async (t) => {
  const secret = indicator({ name: 'a-hidden-canary' })
  await server.as('keeper').add(HIDDEN.path, secret)
  const answers: Answer[] = (await errors()).map(([, , answer]) => answer)
  answers.push(
    await analyst.getObject(HIDDEN.path, secret.id),
    await analyst.getObjects(HIDDEN.path, { limit: 'x' }),
    await analyst.post(HIDDEN.path, [secret]),
    await analyst.getObject(rw, secret.id),
    await analyst.getObjects(rw, { 'match[version]': "'; drop table comity.item; --" }),
    await analyst.get(`${objects}?added_after=\\`),
    await analyst.get(`${objects}?next=AAAA`),
    await analyst.send(objects, '{"objects":[{"type":"indicator","id":"\\u0000"}]}'),
    await analyst.send(objects, '{"objects":[{"__proto__":{"x":1}}]}'),
  )
  for (const answer of answers) {
    t.not(answer.status, 500)
    const word =
      /hidden|canary|node_modules|\.js:|\.ts:|at Object\.|pg_|sqlstate|\bselect .* from\b|insert into|violates|relation "/i
    t.notMatch(answer.text, word, `${answer.status} ${answer.text.slice(0, 60)}`)
  }
})

test('T-3.7-01 STIX answers are an envelope, never a bundle', async (t) => {
  const { path } = scratch()
  const object = indicator()
  await analyst.add(path, object, malware(), malware())
  for (const answer of [
    await analyst.getObjects(path),
    await analyst.getObjects(path, { limit: '1' }),
    await analyst.getObject(path, object.id),
  ]) {
    for (const name of Object.keys(answer.json)) t.ok(['more', 'next', 'objects'].includes(name), name)
    t.ok(Array.isArray(answer.json.objects))
    t.notOk('type' in answer.json, 'no bundle')
  }
  const page = await analyst.getObjects(path, { limit: '1' })
  t.equal(page.json.more, true)
  t.type(page.json.next, 'string')
})

test('T-3.7-02 nothing to return is exactly {}', async (t) => {
  const { path } = scratch()
  const object = indicator()
  await analyst.add(path, object)
  isEmpty(t, await analyst.getObjects(EMPTY.path), 'objects')
  isEmpty(t, await analyst.getManifest(EMPTY.path), 'manifest')
  isEmpty(t, await analyst.getObjects(path, { 'match[type]': 'tool' }), 'filtered objects')
  isEmpty(t, await analyst.getObject(path, object.id, { 'match[spec_version]': '2.0' }), 'object')
  isEmpty(t, await analyst.getVersions(path, object.id, { 'match[spec_version]': '2.0' }), 'versions')
})

test('T-3.7-03 stored objects come back unaltered', async (t) => {
  const { path } = scratch()
  const marking = statement('copyright')
  const base = malware({ created: '2026-01-01T00:00:00.000Z', modified: '2026-01-01T00:00:00.123456Z' })
  const extension = 'extension-definition--d83fce45-ef58-4c6c-a3f4-1fbc32e98c6e'
  const full = {
    ...base,
    name: 'emoji 🦊, astral 𝒳, RTL ‏א, NFD é, NFC é',
    description: 'line\nbreak \t tab \\ backslash / slash " quote \u007f \u2028',
    x_custom: { b: [1, 2, { z: true, a: false }], a: -0.5, '': 'empty key', '10': 1, '9': 2 },
    x_timestamps: ['2026-01-01T00:00:00Z', '2026-01-01T00:00:00.100000Z'],
    labels: ['b', 'a', 'ä'],
    granular_markings: [{ marking_ref: marking.id, selectors: ['name', 'labels.[1]'] }],
    extensions: { [extension]: { extension_type: 'property-extension', rank: 5, toxicity: 8.25 } },
    external_references: [{ source_name: 'x', url: 'https://example.org/%C3%BC?q=%20' }],
    object_marking_refs: [marking.id],
  }
  await analyst.add(path, marking, full)
  const [, served] = (await analyst.getObjects(path)).objects
  t.strictSame(served, full)
  t.strictSame(Object.keys(served ?? {}), Object.keys(full), 'properties in their order')
  t.strictSame(Object.keys((served?.x_custom ?? {}) as object), Object.keys(full.x_custom))
  t.equal(served?.modified, full.modified, 'spelling of timestamps')

  const numbers = malware({ x_numbers: [] })
  const spelled = '[1.0,1e3,1E2,-0.0,0.1,1e-7,1e20,123456789.123456789,5e-324,1.7976931348623157e308]'
  const text = JSON.stringify({ objects: [numbers] }).replace('"x_numbers":[]', `"x_numbers":${spelled}`)
  t.equal((await analyst.send(`${path}objects/`, text)).taxiiStatus.success_count, 1)
  const back = (await analyst.getObject(path, numbers.id)).objects[0]
  t.strictSame(back?.x_numbers, JSON.parse(spelled), 'numerically equal')
})

test('T-3.8-01 names and literals are case-exact, required ones present', async (t) => {
  const { path } = scratch()
  const status = await analyst.add(path, indicator(), ipv4('198.51.100.30'))
  const required: [Answer, string[]][] = [
    [await analyst.get('/taxii2/'), ['title', 'api_roots']],
    [await analyst.get('/global/'), ['title', 'versions', 'max_content_length']],
    [await analyst.get('/global/collections/'), ['collections']],
    [await analyst.get(path), ['id', 'title', 'can_read', 'can_write']],
    [await analyst.getManifest(path), ['objects']],
    [
      await analyst.get(`/global/status/${status.id}/`),
      ['id', 'status', 'total_count', 'success_count', 'failure_count', 'pending_count'],
    ],
    [await analyst.get('/nope/'), ['title']],
  ]
  for (const [answer, names] of required) for (const name of names) t.ok(name in answer.json, name)
  for (const record of (await analyst.getManifest(path)).records) {
    for (const name of ['id', 'date_added', 'version']) t.ok(name in record, name)
  }
  t.equal(status.status, 'complete')
  const upper = await analyst.send(`${path}objects/`, JSON.stringify({ Objects: [indicator()] }))
  isError(t, upper, 422, 'Objects is not objects')
  isError(t, await analyst.get('/TAXII2/'), 404, 'paths are case-exact')
  isError(t, await analyst.get('/Global/'), 404, 'roots are case-exact')
  t.equal((await analyst.get(`${path}objects/?Limit=0`)).status, 200, 'Limit is not limit')
})
