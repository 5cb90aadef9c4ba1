/** The decisions that shape the rest: log position, bodies as text, no existence leak, public parts. */
import t, { type Test, test } from 'tap'
import { hasTaxiiType, isAscending, isError, isResource } from '../../support/checks.ts'
import { type Answer, type Client, T21 } from '../../support/client.ts'
import { startServer } from '../../support/server.ts'
import { indicator, malware, newId } from '../../support/stix.ts'
import {
  EMPTY,
  HIDDEN,
  LISTED_ONLY,
  NO_COLLECTION,
  NO_OBJECT,
  NO_STATUS,
  PRIVATE,
  PUBLIC,
  READ_WRITE,
  scratches,
  TWIN,
  topology,
} from '../../support/world.ts'

const server = await startServer(t, { topology: topology() })
const second = await startServer(t, { database: server.database })
const analyst = server.as('analyst')
const keeper = server.as('keeper')
const scratch = scratches()

test('D-1 date_added is unique and strictly increasing, whatever is deleted', async (t) => {
  const { path } = scratch()
  const added = async () => (await analyst.getManifest(path, { 'match[version]': 'all' })).records
  await analyst.add(path, ...Array.from({ length: 200 }, () => indicator()))
  isAscending(
    t,
    (await added()).map((r) => r.date_added),
    'one envelope',
  )
  let last = (await added()).at(-1)
  for (let i = 0; i < 5; i++) {
    await analyst.delete(`${path}objects/${last?.id}/`)
    const node = i % 2 === 0 ? second : server
    await node.as('analyst').add(path, malware())
    const now = (await added()).at(-1)
    t.ok((now?.date_added ?? '') > (last?.date_added ?? ''), 'a delete does not move it back')
    last = now
  }
  await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      (i % 2 === 0 ? server : second).as('analyst').add(path, indicator()),
    ),
  )
  isAscending(
    t,
    (await added()).map((r) => r.date_added),
    'two nodes at once',
  )
  t.equal((await added()).length, 200 + 20)
})

/** POSTs one object of which a property is given as JSON text. */
async function withText(path: string, text: string): Promise<{ answer: Answer; id: string }> {
  const object = malware({ x_value: 0 })
  const body = JSON.stringify({ objects: [object] }).replace('"x_value":0', text)
  return { answer: await analyst.send(`${path}objects/`, body), id: object.id }
}

test('D-2 duplicate keys, NUL, lone surrogates and long integers are refused, naming the place', async (t) => {
  const { path } = scratch()
  const refused: [string, string][] = [
    ['duplicate keys', '"x_value":1,"x_value":1'],
    ['duplicate keys below', '"x_value":{"a":1,"a":2}'],
    ['duplicate keys, one escaped', '"x_value":{"a":1,"\\u0061":2}'],
    ['duplicate keys in a list', '"x_value":[{"a":1,"a":2}]'],
    ['NUL', '"x_value":"a\\u0000b"'],
    ['NUL in a key', '"x_value":{"a\\u0000":1}'],
    ['a lone surrogate', '"x_value":"\\ud800"'],
    ['a lone low surrogate', '"x_value":"\\udc00x"'],
    ['surrogates in the wrong order', '"x_value":"\\udc00\\ud800"'],
    ['a lone surrogate in a key', '"x_value":{"\\ud83d":1}'],
    ['2^53', '"x_value":9007199254740992'],
    ['-2^53', '"x_value":[-9007199254740992]'],
    ['1e400', '"x_value":1e400'],
    ['-1e400', '"x_value":{"a":-1e400}'],
  ]
  for (const [what, text] of refused) {
    const { answer } = await withText(path, text)
    t.equal(answer.status, 202, what)
    t.equal(answer.taxiiStatus.failure_count, 1, `${what} is refused`)
    t.match(
      answer.taxiiStatus.failures?.[0]?.message ?? '',
      /x_value/,
      `${what}: the message names the place`,
    )
  }
  t.equal((await analyst.getObjects(path)).text, '{}')
  const taken: [string, string, unknown][] = [
    ['a pair of surrogates', '"x_value":"\\ud83e\\udd8a"', '🦊'],
    ['2^53-1', '"x_value":9007199254740991', 2 ** 53 - 1],
    ['1.0', '"x_value":1.0', 1],
    ['1e3', '"x_value":1e3', 1000],
    ['1e20', '"x_value":1e20', 1e20],
    [
      'a large one with a fraction',
      '"x_value":123456789012345678901234.5',
      Number('123456789012345678901234.5'),
    ],
    ['1e-400', '"x_value":1e-400', 0],
    ['-0.0', '"x_value":-0.0', -0],
    ['1.7976931348623157e308', '"x_value":1.7976931348623157e308', Number.MAX_VALUE],
  ]
  for (const [what, text, value] of taken) {
    const { answer, id } = await withText(path, text)
    t.equal(answer.taxiiStatus.success_count, 1, `${what}: ${answer.text.slice(0, 300)}`)
    const served = await analyst.getObject(path, id)
    t.strictSame(served.objects[0]?.x_value, value, what)
    const again = await analyst.send(`${path}objects/`, served.text)
    t.equal(again.status, 202, `${what}: what is served can be posted again`)
    t.equal(again.taxiiStatus.success_count, 1, `${what}: and is a duplicate`)
    t.equal((await analyst.getVersions(path, id)).versions.length, 1, what)
  }
})

/** Everything that `client` must not be able to tell from an unknown path. */
async function unknown(t: Test, client: Client, method: string, paths: string[]) {
  const nothing = await client.request({ method, path: '/no-such-root/' })
  isError(t, nothing, 404, 'the model')
  for (const path of paths) {
    const answer = await client.request({
      method,
      path,
      ...(method === 'POST' && { headers: { 'Content-Type': T21 }, body: '{}' }),
    })
    t.equal(answer.fingerprint, nothing.fingerprint, `${method} ${path}`)
  }
  for (const word of ['no-such-root', 'error_id']) t.notMatch(nothing.text, word)
}

test('D-3 unknown paths, roots and collections answer byte-identical 404s', async (t) => {
  const object = indicator()
  const status = await keeper.add(HIDDEN.path, object)
  const paths = [
    '/',
    '/x',
    '/no-such-root/collections/',
    `/no-such-root/status/${status.id}/`,
    '/global/x/',
    '/global/status/',
    HIDDEN.path,
    `${HIDDEN.path}objects/`,
    `${HIDDEN.path}manifest/`,
    `${HIDDEN.path}objects/${object.id}/`,
    `${HIDDEN.path}objects/${object.id}/versions/`,
    `/global/collections/${HIDDEN.alias}/`,
    `/global/collections/${NO_COLLECTION}/`,
    `/global/collections/${NO_COLLECTION}/objects/`,
    `/global/collections/${NO_COLLECTION}/objects/${object.id}/`,
    '/global/collections/x/objects/x/versions/',
    `${READ_WRITE.path}x/`,
  ]
  for (const method of ['GET', 'POST', 'DELETE', 'PUT', 'PATCH', 'OPTIONS'])
    await unknown(t, analyst, method, paths)
  const own = [
    `/global/status/${status.id}/`,
    `/global/status/${NO_STATUS}/`,
    '/global/status/x/',
    `${READ_WRITE.path}objects/${NO_OBJECT}/`,
    `${READ_WRITE.path}objects/${object.id}/`,
    `${READ_WRITE.path}objects/${NO_OBJECT}/versions/`,
    `${READ_WRITE.path}objects/x/`,
  ]
  await unknown(t, analyst, 'GET', own)
  await unknown(
    t,
    analyst,
    'DELETE',
    own.filter((path) => path.includes('/objects/') && !path.includes('versions')),
  )
})

test('D-3 a root is known to who has a right in it, listing included, and to nobody else', async (t) => {
  isResource(t, await server.as('lister').get('/global/'), 200, 'listing is a right')
  isResource(t, await server.as('guest').get('/global/'), 200, 'reading')
  const paths = [
    '/global/',
    '/global/collections/',
    READ_WRITE.path,
    `${READ_WRITE.path}objects/`,
    `/global/status/${NO_STATUS}/`,
  ]
  for (const id of ['outsider', 'nobody']) {
    for (const method of ['GET', 'POST', 'DELETE', 'PUT', 'OPTIONS'])
      await unknown(t, server.as(id), method, paths)
  }
  const lister = server.as('lister')
  await unknown(t, lister, 'GET', [READ_WRITE.path, `${EMPTY.path}objects/`])
  isError(t, await lister.getObjects(LISTED_ONLY.path), 403, 'it may know of this one')
  isError(t, await lister.request({ method: 'PUT', path: LISTED_ONLY.path }), 405, 'and gets its 405')
})

test('D-3a without credentials a public root and collection answer their GETs and HEADs', async (t) => {
  const object = indicator()
  await analyst.add(PUBLIC.path, object)
  const { anonymous } = server
  const open = [
    '/open/',
    '/open/collections/',
    PUBLIC.path,
    `${PUBLIC.path}manifest/`,
    `${PUBLIC.path}objects/`,
    `${PUBLIC.path}objects/${object.id}/`,
    `${PUBLIC.path}objects/${object.id}/versions/`,
    `/open/collections/${PUBLIC.alias}/objects/`,
  ]
  for (const path of open) {
    const get = await anonymous.get(path)
    isResource(t, get, 200, path)
    const head = await anonymous.request({ method: 'HEAD', path })
    t.equal(head.status, 200, `HEAD ${path}`)
    t.equal(head.header('Content-Length'), String(get.body.length), `HEAD ${path}`)
    hasTaxiiType(t, head, `HEAD ${path}`)
  }
  const listed = (await anonymous.get('/open/collections/')).json.collections as {
    id: string
    can_write: boolean
  }[]
  t.strictSame(
    listed.map((c) => c.id),
    [PUBLIC.id],
    'public collections only',
  )
  t.equal(listed[0]?.can_write, false)
  t.ok((await anonymous.getObjects(PUBLIC.path)).ids.includes(object.id))
})

test('D-3a anything else without credentials is the same 401, existing or not', async (t) => {
  const object = indicator()
  await analyst.add(PUBLIC.path, object)
  const status = await analyst.add(PUBLIC.path, indicator())
  const gets = [
    '/taxii2/',
    `/open/status/${status.id}/`,
    `/open/status/${NO_STATUS}/`,
    TWIN.path,
    `${TWIN.path}objects/`,
    PRIVATE.path,
    `/open/collections/${NO_COLLECTION}/`,
    `/open/collections/${NO_COLLECTION}/objects/`,
    '/global/',
    '/nope/',
    '/open/x/',
    READ_WRITE.path,
    HIDDEN.path,
    '/x',
  ]
  const model = await server.anonymous.get('/nope/')
  isError(t, model, 401, 'the model')
  const same = async (client: Client, method: string, path: string) => {
    const answer = await client.request({
      method,
      path,
      ...(method === 'POST' && { headers: { 'Content-Type': T21 }, body: '{}' }),
    })
    t.equal(answer.fingerprint, model.fingerprint, `${method} ${path}: ${answer.status}`)
  }
  for (const path of gets) await same(server.anonymous, 'GET', path)
  const one = `${PUBLIC.path}objects/${object.id}/`
  for (const method of ['POST', 'DELETE', 'PUT', 'PATCH']) {
    for (const path of [
      `${PUBLIC.path}objects/`,
      one,
      '/open/',
      '/open/collections/',
      PUBLIC.path,
      ...gets,
    ]) {
      await same(server.anonymous, method, path)
    }
  }
  for (const path of ['/open/', PUBLIC.path, `${PUBLIC.path}objects/`, one]) {
    isError(t, await server.as('analyst', 'wrong').get(path), 401, `wrong credentials: ${path}`)
    isError(t, await server.bearer('wrong').get(path), 401, `wrong token: ${path}`)
  }
  isError(
    t,
    await server.anonymous.getObject(PUBLIC.path, NO_OBJECT),
    404,
    'an unknown object of a public collection',
  )
})

test('D-5 every refusal of a request comes before anything is stored', async (t) => {
  const { path } = scratch()
  const good = JSON.stringify(indicator())
  const url = `${path}objects/`
  isError(
    t,
    await analyst.send(url, `{"objects":[${good},7]}`),
    422,
    'an item that is no object, after a good one',
  )
  isError(
    t,
    await analyst.send(url, `{"objects":[${good}],"objects":[]}`),
    422,
    'duplicate keys, after a good one',
  )
  isError(t, await analyst.send(url, `{"objects":[${good}]`), 422, 'cut off')
  t.equal((await analyst.getObjects(path)).text, '{}', 'nothing is stored')
  const answer = await analyst.post(path, [indicator(), { type: 'x' }])
  t.equal(answer.taxiiStatus.status, 'complete', 'the 202 says complete')
  t.equal((await second.as('analyst').getObjects(path)).objects.length, 1, 'and every node shows it')
  t.equal((await second.as('analyst').get(`/global/status/${answer.taxiiStatus.id}/`)).text, answer.text)
})

test('D-2 two spellings of one object are one object', async (t) => {
  const { path } = scratch()
  const object = malware({ id: newId('malware'), name: 'é', x_number: 1000 })
  await analyst.add(path, object)
  const text = JSON.stringify({ objects: [object] })
    .replace('"é"', '"\\u00e9"')
    .replace('1000', '1e3')
  const again = await analyst.send(`${path}objects/`, text)
  t.equal(again.taxiiStatus.success_count, 1, again.text)
  t.equal((await analyst.getVersions(path, object.id)).versions.length, 1)
})
