/** Discovery and API roots (TAXII 2.1 §4.1, §4.2). */
import t, { test } from 'tap'
import { isError, isResource } from '../../support/checks.ts'
import { type Client, T21 } from '../../support/client.ts'
import { startServer } from '../../support/server.ts'
import { indicator } from '../../support/stix.ts'
import { NO_COLLECTION, NO_OBJECT, NO_STATUS, READ_WRITE, topology } from '../../support/world.ts'

const MAX = 40_000
const server = await startServer(t, {
  topology: topology(),
  env: {
    COMITY_MAX_CONTENT_LENGTH: String(MAX),
    COMITY_TITLE: 'The exchange',
    COMITY_CONTACT: 'ops@example.org',
  },
})
const analyst = server.as('analyst')

const roots = async (client: Client) => {
  const answer = await client.get('/taxii2/')
  isResource(t, answer, 200, 'discovery')
  return (answer.json.api_roots ?? []) as string[]
}

test('T-4.1-01 discovery is at /taxii2/', async (t) => {
  isResource(t, await analyst.get('/taxii2/'), 200, '/taxii2/')
})

test('T-4.1-02 title, description, contact and default are strings, api_roots a list or absent', async (t) => {
  const { json } = await analyst.get('/taxii2/')
  t.equal(json.title, 'The exchange')
  t.equal(json.contact, 'ops@example.org')
  for (const name of ['description', 'default']) if (name in json) t.type(json[name], 'string', name)
  t.equal((json.api_roots as string[]).length, 2)
  t.equal(json.default, '/global/')
})

test('T-4.1-03 default is one of api_roots, and visible to this client', async (t) => {
  for (const id of ['analyst', 'outsider', 'lister', 'guest', 'nobody']) {
    const { json } = await server.as(id).get('/taxii2/')
    if (!('default' in json)) continue
    t.ok((json.api_roots as string[]).includes(String(json.default)), id)
    t.equal((await server.as(id).get(String(json.default))).status, 200, `${id}: it resolves`)
  }
})

test('T-4.1-04 roots are relative with one leading slash, end in a slash, and resolve', async (t) => {
  const found = await roots(analyst)
  t.strictSame([...found].sort(), ['/global/', '/open/'])
  for (const root of found) {
    t.match(root, /^\/[^/.?#]+\/$/)
    isResource(t, await analyst.get(root), 200, root)
  }
  const headers = {
    Accept: T21,
    Authorization: analyst.authorization ?? '',
    'X-Forwarded-Host': 'evil.example',
  }
  const answer = await analyst.request({ path: '/taxii2/', headers })
  t.notMatch(answer.text, /evil/, 'no header of the request decides')
})

test('T-4.1-05 contents are per client; without credentials 401', async (t) => {
  t.strictSame(await roots(server.as('outsider')), ['/open/'])
  t.strictSame(await roots(server.as('lister')), ['/global/', '/open/'], 'listing is a right')
  t.strictSame(await roots(server.as('nobody')), ['/open/'], 'a public root is for everybody')
  isError(t, await server.anonymous.get('/taxii2/'), 401, 'anonymous')
})

test('T-4.2-01 an API root has title, versions, max_content_length', async (t) => {
  const global = await analyst.get('/global/')
  isResource(t, global, 200, '/global/')
  t.equal(global.json.title, 'Global exchange')
  t.equal(global.json.description, 'Where the countries meet')
  t.ok(Array.isArray(global.json.versions))
  t.type(global.json.max_content_length, 'number')
  const open = await analyst.get('/open/')
  t.equal(open.json.title, 'Open exchange')
  t.notOk('description' in open.json, 'no description declared, none shown')
})

test('T-4.2-02 versions names the media type of TAXII 2.1', async (t) => {
  for (const root of await roots(analyst)) {
    t.strictSame((await analyst.get(root)).json.versions, ['application/taxii+json;version=2.1'], root)
  }
})

test('T-4.2-03 max_content_length is a positive integer, and true', async (t) => {
  const most = (await analyst.get('/global/')).json.max_content_length as number
  t.equal(most, MAX)
  const body = JSON.stringify({ objects: [indicator()] })
  const path = `${READ_WRITE.path}objects/`
  t.equal((await analyst.send(path, body.padEnd(most, ' '))).status, 202, 'exactly that long')
  isError(t, await analyst.send(path, body.padEnd(most + 1, ' ')), 413, 'one byte more')
})

test('T-4.2-04 an unknown root is 404 with every sub-path', async (t) => {
  const subs = [
    '',
    'collections/',
    `collections/${READ_WRITE.id}/`,
    `collections/${READ_WRITE.id}/objects/`,
    `collections/${READ_WRITE.id}/manifest/`,
    `collections/${NO_COLLECTION}/objects/${NO_OBJECT}/versions/`,
    `status/${NO_STATUS}/`,
    'collections/not-a-uuid/objects/not-an-id/',
    'x/y/z/',
  ]
  for (const root of ['nope', 'globa1', NO_COLLECTION, '..%2F', '%20', 'global%2F', '%F0%9F%92%A5']) {
    for (const sub of subs) {
      const path = `/${root}/${sub}`
      isError(t, await analyst.get(path), 404, path)
    }
  }
})
