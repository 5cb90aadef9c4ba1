/** Collections and their resource (TAXII 2.1 §5.1, §5.2). */
import t, { test } from 'tap'
import { isError, isResource, UUID4 } from '../../support/checks.ts'
import type { Client, CollectionResource } from '../../support/client.ts'
import { apply, startServer } from '../../support/server.ts'
import { indicator } from '../../support/stix.ts'
import {
  EMPTY,
  HIDDEN,
  LISTED_ONLY,
  NO_COLLECTION,
  NO_OBJECT,
  PUBLIC,
  READ_ONLY,
  READ_WRITE,
  SCRATCHES,
  STIX21,
  TWIN,
  topology,
  WRITE_ONLY,
} from '../../support/world.ts'

const server = await startServer(t, { topology: topology() })
const analyst = server.as('analyst')

const list = async (client: Client, root = 'global') => {
  const answer = await client.get(`/${root}/collections/`)
  isResource(t, answer, 200, `collections of ${root}`)
  return (answer.json.collections ?? []) as CollectionResource[]
}

test('T-5.1-01 collections lists those that this client may know of', async (t) => {
  const ids = async (client: Client, root?: string) => (await list(client, root)).map((c) => c.id)
  const own = await ids(analyst)
  for (const c of [READ_WRITE, READ_ONLY, WRITE_ONLY, LISTED_ONLY, EMPTY, STIX21])
    t.ok(own.includes(c.id), c.alias)
  t.notOk(own.includes(HIDDEN.id), 'hidden')
  t.strictSame(await ids(server.as('lister')), [LISTED_ONLY.id])
  t.strictSame(await ids(server.as('outsider'), 'open'), [PUBLIC.id, TWIN.id].sort())
  t.ok((await ids(server.as('keeper'))).includes(HIDDEN.id))
  t.ok((await ids(server.as('guest'))).length >= SCRATCHES.length)
})

test('T-5.1-02 failed authentication is 401 everywhere in §5', async (t) => {
  const one = `${READ_WRITE.path}objects/${NO_OBJECT}/`
  const paths = [
    '/global/collections/',
    READ_WRITE.path,
    HIDDEN.path,
    `${READ_WRITE.path}manifest/`,
    `${READ_WRITE.path}objects/`,
    one,
    `${one}versions/`,
    `/global/collections/${NO_COLLECTION}/`,
    '/nope/collections/',
  ]
  const wrong = [server.as('analyst', 'wrong'), server.as('no-such-user')]
  for (const client of wrong) isError(t, await client.get(READ_WRITE.path), 401, 'wrong credentials')
  for (const client of [server.anonymous, server.bearer('x')]) {
    for (const path of paths) {
      for (const method of ['GET', 'POST', 'DELETE']) {
        isError(t, await client.request({ method, path }), 401, `${method} ${path}`)
      }
    }
  }
})

test('T-5.2-01 a collection has id, title and the flags of this requester', async (t) => {
  const flags = async (client: Client, path: string) => {
    const answer = await client.get(path)
    isResource(t, answer, 200, path)
    const c = answer.json as unknown as CollectionResource
    t.match(c.id, UUID4)
    t.type(c.title, 'string')
    return [c.can_read, c.can_write]
  }
  t.strictSame(await flags(analyst, READ_WRITE.path), [true, true])
  t.strictSame(await flags(server.as('guest'), READ_WRITE.path), [true, false])
  t.strictSame(await flags(analyst, READ_ONLY.path), [true, false])
  t.strictSame(await flags(analyst, WRITE_ONLY.path), [false, true])
  t.strictSame(await flags(server.as('keeper'), WRITE_ONLY.path), [true, true])
  t.strictSame(await flags(server.anonymous, PUBLIC.path), [true, false])
  const listed = await list(analyst)
  for (const c of listed) {
    t.strictSame(
      (await analyst.get(`/global/collections/${c.id}/`)).json,
      c,
      `${c.alias}: the list shows the same`,
    )
  }
})

test('T-5.2-02 the alias works in every URL and the id stays the UUID', async (t) => {
  const object = indicator()
  await analyst.add(READ_WRITE.path, object)
  const alias = `/global/collections/${READ_WRITE.alias}/`
  const resource = await analyst.get(alias)
  t.equal(resource.json.id, READ_WRITE.id)
  t.equal(resource.json.alias, READ_WRITE.alias)
  for (const rest of [
    '',
    'manifest/',
    'objects/',
    `objects/${object.id}/`,
    `objects/${object.id}/versions/`,
  ]) {
    const [byAlias, byId] = [await analyst.get(alias + rest), await analyst.get(READ_WRITE.path + rest)]
    t.equal(byAlias.status, 200, rest)
    t.equal(byAlias.text, byId.text, rest)
  }
  const mine = indicator()
  t.equal((await analyst.post(alias, [mine])).status, 202, 'POST')
  t.equal((await analyst.getObject(READ_WRITE.path, mine.id)).status, 200)
  t.equal((await analyst.delete(`${alias}objects/${mine.id}/`)).status, 200, 'DELETE')
  t.equal((await analyst.getObject(READ_WRITE.path, mine.id)).status, 404)
  const page = await analyst.get(`${READ_WRITE.path}objects/?limit=1`)
  if (page.more)
    t.equal((await analyst.get(`${alias}objects/?next=${page.next}`)).status, 200, 'next of the id works')
  const aliases = (await list(analyst)).map((c) => c.alias)
  t.equal(new Set(aliases).size, aliases.length, 'unique within a root')
  const twice = topology().replace(`"alias":"${EMPTY.alias}"`, `"alias":"${READ_WRITE.alias}"`)
  await t.rejects(apply(server.database.url, twice), 'a topology with an alias twice in a root is refused')
})

test('T-5.2-03 media_types are STIX types and cover what can be stored', async (t) => {
  for (const c of await list(analyst)) {
    const types = c.media_types ?? ['application/stix+json']
    for (const type of types) t.match(type, /^application\/stix\+json(;version=2\.[01])?$/, c.alias ?? c.id)
    const both = ['application/stix+json;version=2.1', 'application/stix+json;version=2.0']
    const expected = c.id === STIX21.id ? both.slice(0, 1) : both
    t.strictSame([...types].sort(), [...expected].sort(), c.alias ?? c.id)
  }
})

test('T-5.2-04 a collection that is only listed answers with its flags', async (t) => {
  for (const id of ['analyst', 'lister']) {
    const answer = await server.as(id).get(LISTED_ONLY.path)
    isResource(t, answer, 200, id)
    t.equal(answer.json.can_read, false)
    t.equal(answer.json.can_write, false)
  }
  isError(t, await server.as('guest').get(LISTED_ONLY.path), 404, 'without any right it is unknown')
  isError(t, await analyst.get(HIDDEN.path), 404, 'hidden')
})

test('T-5.2-05 unknown and malformed collections are 404 on every endpoint and method', async (t) => {
  const names = [
    NO_COLLECTION,
    HIDDEN.id,
    HIDDEN.alias,
    'nope',
    'a'.repeat(300),
    '%00',
    "'",
    '%F0%9F%92%A5',
    '..',
    '-1',
    '%2F',
    `${READ_WRITE.id}x`,
    READ_WRITE.id.slice(1),
    'INDICATORS',
  ].filter((name) => name !== '..')
  for (const name of names) {
    const base = `/global/collections/${name}/`
    for (const rest of [
      '',
      'manifest/',
      'objects/',
      `objects/${NO_OBJECT}/`,
      `objects/${NO_OBJECT}/versions/`,
    ]) {
      for (const method of ['GET', 'POST', 'DELETE', 'PUT']) {
        isError(
          t,
          await analyst.request({ method, path: base + rest }),
          404,
          `${method} ${name.slice(0, 20)} ${rest}`,
        )
      }
    }
  }
})

test('T-5.3-01 without the right to read: 403 if visible, 404 if hidden', async (t) => {
  const object = indicator()
  for (const c of [WRITE_ONLY, LISTED_ONLY, HIDDEN]) await server.as('keeper').add(c.path, object)
  for (const [c, status] of [
    [WRITE_ONLY, 403],
    [LISTED_ONLY, 403],
    [HIDDEN, 404],
  ] as const) {
    for (const id of [object.id, NO_OBJECT]) {
      for (const rest of ['manifest/', 'objects/', `objects/${id}/`, `objects/${id}/versions/`]) {
        isError(t, await analyst.get(c.path + rest), status, `${c.alias} ${rest}`)
      }
    }
  }
})

test('D-6 a collection takes the STIX versions that its media_types name', async (t) => {
  const bare = { ...indicator(), spec_version: '2.0' }
  const refused = await analyst.post(STIX21.path, [bare, indicator()])
  t.equal(refused.status, 202)
  t.equal(refused.taxiiStatus.failure_count, 1)
  t.equal(refused.taxiiStatus.success_count, 1)
  t.equal((await analyst.getObjects(STIX21.path)).objects.length, 1)
  const old = { ...bare, labels: ['malicious-activity'] }
  const taken = await analyst.post(EMPTY.path, [old])
  t.equal(taken.taxiiStatus.success_count, 1, taken.text)
  t.strictSame((await analyst.getObjects(EMPTY.path, { 'match[spec_version]': '2.0' })).ids, [old.id])
})
