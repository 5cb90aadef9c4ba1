/** Answers of a running server are what openapi.yaml declares: status, media type, headers, body, for every operation. */
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import t, { type Test, test } from 'tap'
import { parse } from 'yaml'
import { completed } from '../support/checks.ts'
import { Answer, basic, type RawRequest, T21 } from '../support/client.ts'
import { root } from '../support/paths.ts'
import { startServer } from '../support/server.ts'
import { indicator, indicator20, ipv4, version } from '../support/stix.ts'
import {
  NO_COLLECTION,
  NO_STATUS,
  READ_ONLY,
  READ_WRITE,
  TOKENS,
  topology,
  WRITE_ONLY,
} from '../support/world.ts'

interface Response {
  $ref?: string
  headers?: Record<string, { $ref: string }>
  content?: Record<string, unknown>
}

interface Operation {
  description?: string
  requestBody?: { content: Record<string, unknown> }
  responses: Record<string, Response>
}

interface Document {
  paths: Record<string, Record<string, Operation>>
  components: Record<
    'responses' | 'headers' | 'schemas' | 'securitySchemes',
    Record<string, Record<string, unknown>>
  >
}

const openapi: Document = parse(readFileSync(join(root, 'openapi.yaml'), 'utf8'))
const everyPath = { ...openapi.paths }
// Operations under /api/v1 are held by test/support/api.ts and api-problems.test.ts.
for (const path of Object.keys(openapi.paths)) {
  if (path.startsWith('/api/v1/') && path !== '/api/v1/validate') delete openapi.paths[path]
}
const METHODS = ['get', 'head', 'post', 'patch', 'delete', 'options']

// As a client should read them the schemas are open; here, what is sent must be declared.
const strict = structuredClone(openapi)
for (const [name, schema] of Object.entries(strict.components.schemas)) {
  if (name !== 'StixObject' && name !== 'NewEnvelope') schema.additionalProperties = false
}
const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false })
ajv.addSchema({ $id: 'openapi', ...strict })

/** Escapes one step of a JSON pointer in a URI fragment. */
const step = (text: string) => encodeURIComponent(text.replaceAll('~', '~0').replaceAll('/', '~1'))

const env = { COMITY_MAX_CONTENT_LENGTH: '65536', COMITY_SYNC_OBJECTS: '3' }
const server = await startServer(t, { topology: topology(), env })
// A second node that has had enough of everybody after one request, behind a proxy.
const busy = await startServer(t, {
  database: server.database,
  env: { ...env, COMITY_REQUEST_LIMIT: '1/86400', COMITY_TRUST_PROXY: '127.0.0.1' },
})
const signed = { Authorization: basic('analyst', 'pw-analyst') }
const analyst = server.as('analyst')
const object = indicator()
const status = await analyst.add(
  READ_WRITE.path,
  object,
  version(object, '2026-02-01T00:00:00.000Z'),
  indicator20(),
)
await server.as('keeper').add(READ_ONLY.path, object)
await server.as('keeper').add(WRITE_ONLY.path, object)

const nowhere = `/global/collections/${NO_COLLECTION}/`
const one = `objects/${object.id}/`

/** For each declared path: one that is there, one that is not, one that may not be used. */
const SAMPLES: Record<string, { good: string; unknown?: string; forbidden?: string }> = {
  '/taxii2/': { good: '/taxii2/' },
  '/{root}/': { good: '/global/', unknown: '/no-such-root/' },
  '/{root}/status/{status}/': {
    good: `/global/status/${status.id}/`,
    unknown: `/global/status/${NO_STATUS}/`,
  },
  '/{root}/collections/': { good: '/global/collections/', unknown: '/no-such-root/collections/' },
  '/{root}/collections/{collection}/': { good: READ_WRITE.path, unknown: nowhere },
  '/{root}/collections/{collection}/manifest/': sample('manifest/'),
  '/{root}/collections/{collection}/objects/': sample('objects/'),
  '/{root}/collections/{collection}/objects/{id}/': sample(one),
  '/{root}/collections/{collection}/objects/{id}/versions/': sample(`${one}versions/`),
  '/api/v1/validate': { good: '/api/v1/validate' },
  '/auth/token': { good: '/auth/token' },
  '/livez': { good: '/livez' },
  '/readyz': { good: '/readyz' },
  '/metrics': { good: '/metrics' },
}

function sample(rest: string) {
  return {
    good: READ_WRITE.path + rest,
    unknown: nowhere + rest,
    forbidden: WRITE_ONLY.path + rest,
  }
}

/** What the tests do not bring about: a slow upload, a fault of ours, a database that is gone. */
const UNPROVOKED = ['408', '500', '503']

function responseOf(
  path: string,
  method: string,
  code: string,
): { response: Response; pointer: string } | null {
  const response = openapi.paths[path]?.[method]?.responses[code]
  if (!response) return null
  if (response.$ref === undefined) {
    return { response, pointer: `#/paths/${step(path)}/${method}/responses/${code}` }
  }
  const name = response.$ref.split('/').at(-1) ?? ''
  return {
    response: openapi.components.responses[name] as Response,
    pointer: `#/components/responses/${name}`,
  }
}

/** Compares an answer with what is declared for it. */
function matches(
  t: Test,
  path: string,
  method: string,
  answer: Answer,
  what: string,
  bodyless = method === 'head',
) {
  const found = responseOf(path, method, String(answer.status))
  if (!found) return t.fail(`${what}: ${answer.status} is not declared: ${answer.text.slice(0, 200)}`)
  for (const name of Object.keys(found.response.headers ?? {})) {
    const valid = ajv.getSchema(`openapi#/components/headers/${step(name)}/schema`)
    t.ok(valid?.(answer.header(name)), `${what}: header ${name}: ${answer.header(name)}`)
  }
  if (bodyless || !found.response.content) return t.equal(answer.text, '', `${what}: no body`)
  const sent = answer.header('Content-Type') ?? ''
  const types = Object.keys(found.response.content)
  const type = types.find((name) => name === sent) ?? types[0] ?? ''
  t.equal(type === 'text/plain' ? sent.split(';')[0] : sent, type, `${what}: Content-Type`)
  const valid = ajv.getSchema(`openapi${found.pointer}/content/${step(type)}/schema`)
  t.ok(
    valid?.(type === 'text/plain' ? answer.text : answer.json),
    `${what}: body: ${ajv.errorsText(valid?.errors)}`,
  )
}

/** Sends text over a socket, for what an HTTP client would not send. */
async function wire(lines: string[]): Promise<Answer> {
  const { hostname, port } = new URL(server.url)
  const bytes = await new Promise<Buffer>((done, fail) => {
    const parts: Buffer[] = []
    const socket = connect(Number(port), hostname, () => socket.write(`${lines.join('\r\n')}\r\n\r\n`))
    socket.on('data', (part: Buffer) => parts.push(part))
    socket.on('end', () => done(Buffer.concat(parts)))
    socket.on('error', fail)
  })
  const [head = '', ...rest] = bytes.toString('latin1').split('\r\n\r\n')
  const [line = '', ...headers] = head.split('\r\n')
  const flat = headers.flatMap((h) => [h.slice(0, h.indexOf(':')), h.slice(h.indexOf(':') + 1).trim()])
  return new Answer(Number(line.split(' ')[1]), flat, Buffer.from(rest.join('\r\n\r\n'), 'latin1'), false)
}

const envelope = () => JSON.stringify({ objects: [indicator()] })

function requestOf(path: string, method: string): RawRequest & { headers: Record<string, string> } {
  const { good } = SAMPLES[path] ?? { good: path }
  const post = method === 'post' && /objects\/$|validate$/.test(path)
  return {
    method: method.toUpperCase(),
    path: good,
    headers: { Accept: T21, ...signed, ...(post && { 'Content-Type': T21 }) },
    ...(post && { body: envelope() }),
  }
}

/** Brings one declared answer about; null when that is beyond this test. */
async function provoke(path: string, method: string, code: string): Promise<Answer | null> {
  const request = requestOf(path, method)
  const { good, unknown, forbidden } = SAMPLES[path] ?? { good: path }
  const { headers } = request
  const line = (url: string) => [`${request.method} ${url} HTTP/1.1`, 'Host: test', 'Connection: close']
  const at = (url: string | undefined) =>
    url === undefined ? null : server.request({ ...request, path: url })
  switch (code) {
    case '200':
    case '202':
    case '204':
      return at(good)
    case '304':
      return server.request({ ...request, path: good, headers: { ...headers, 'If-None-Match': '*' } })
    case '400':
      return wire([...line(good), 'no header: this is'])
    case '401':
      return server.request({ ...request, headers: { Accept: T21 } })
    case '403':
      if (path === '/metrics')
        return busy.request({ ...request, headers: { 'X-Forwarded-For': '192.0.2.1' } })
      if (path === '/auth/token') {
        const { access_token: jwt } = (await server.request(request)).json
        return server.request({ ...request, headers: { Authorization: `Bearer ${jwt}` } })
      }
      return at(
        method === 'post' || method === 'delete'
          ? `${READ_ONLY.path}${good.slice(READ_WRITE.path.length)}`
          : forbidden,
      )
    case '404':
      // OPTIONS is answered before the id of a status or an object is looked at.
      return at(method === 'options' ? unknown?.replace('/global/', '/no-such-root/') : unknown)
    case '405':
      return server.request({ ...request, method: 'PUT' })
    case '406':
      return server.request({ ...request, headers: { ...headers, Accept: 'text/html' } })
    case '413':
      return server.request({ ...request, body: ' '.repeat(65_537) })
    case '414':
      return wire(line(`${good}?${'x'.repeat(33_000)}`))
    case '415':
      return server.request({ ...request, headers: { ...headers, 'Content-Type': 'text/plain' } })
    case '417':
      return wire([...line(good), 'Expect: 200-maybe'])
    case '422':
      return server.request({ ...request, body: '{"objects":[]}' })
    case '429':
      await busy.request(request)
      return busy.request(request)
    case '431':
      return wire([...line(good), `X-Long: ${'x'.repeat(70_000)}`])
    default:
      return null
  }
}

test('every declared path has a sample here', async (t) => {
  t.strictSame(Object.keys(openapi.paths).sort(), Object.keys(SAMPLES).sort())
})

for (const [path, item] of Object.entries(openapi.paths)) {
  for (const method of METHODS.filter((m) => m in item && m !== 'delete')) operation(path, method)
}
for (const [path, item] of Object.entries(openapi.paths)) if ('delete' in item) operation(path, 'delete')

function operation(path: string, method: string): void {
  test(`${method.toUpperCase()} ${path}: every declared answer`, async (t) => {
    const declared = Object.keys(openapi.paths[path]?.[method]?.responses ?? {})
    for (const code of declared) {
      const answer = await provoke(path, method, code)
      if (!answer) {
        t.ok(UNPROVOKED.includes(code), `${code} is not brought about by this test`)
        continue
      }
      const what = `${method.toUpperCase()} ${path} ${code}`
      t.equal(String(answer.status), code, what)
      // The parser refuses before it knows the method, and PUT is no HEAD: their errors have bodies.
      matches(t, path, method, answer, what, method === 'head' && !['400', '405', '431'].includes(code))
    }
  })
}

test('Allow names exactly the declared methods, and no other is answered', async (t) => {
  for (const [path, item] of Object.entries(everyPath)) {
    const declared = METHODS.filter((m) => m in item).map((m) => m.toUpperCase())
    const at = SAMPLES[path]?.good ?? path.replace(/\{\w+\}/g, NO_STATUS)
    const ask = (method: string) => server.request({ method, path: at, headers: signed })
    const options = await ask('OPTIONS')
    t.equal(options.status, 204, `OPTIONS ${path}`)
    t.strictSame((options.header('Allow') ?? '').split(', ').sort(), declared.sort(), path)
    for (const method of ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE', 'PUT', 'TRACE', 'QUERY']) {
      // What a DELETE of a good path would remove is needed by others.
      if (declared.includes(method) && method === 'DELETE') continue
      const { status } = await ask(method)
      t.equal(status === 405, !declared.includes(method), `${method} ${path}: ${status}`)
      const known = everyPath[path]?.[method.toLowerCase()]?.responses[String(status)] !== undefined
      t.ok(known || status === 405, `${method} ${path}: ${status} is declared`)
    }
  }
})

test('/metrics says where it may be asked for, whatever the credentials', async (t) => {
  const answer = await server.request({
    path: '/metrics',
    headers: { ...signed, 'X-Forwarded-For': '192.0.2.1' },
  })
  t.equal(answer.status, 403)
  t.match(answer.json.description, /loopback/)
})

test('requests are taken as they are declared', async (t) => {
  const { parameters } = openapi.components as unknown as {
    parameters: Record<string, { name: string; schema: { pattern: string } }>
  }
  const pattern = new RegExp(parameters.added_after?.schema.pattern ?? '')
  const objects = `${READ_WRITE.path}objects/`
  for (const fraction of ['', '.1', '.123456', '.123456789', '.', '.1234567890', '+00:00']) {
    const added_after = `2026-01-01T00:00:00${fraction}Z`
    const { status } = await analyst.get(objects, { query: { added_after } })
    t.equal(pattern.test(added_after), status === 200, `${added_after}: ${status}`)
  }
  const validate = everyPath['/api/v1/validate']?.post
  for (const type of ['application/json', 'application/stix+json', 'application/taxii+json', 'text/plain']) {
    const answer = await server.request({
      ...requestOf('/api/v1/validate', 'post'),
      headers: { ...signed, 'Content-Type': type },
    })
    t.equal(type in (validate?.requestBody?.content ?? {}), answer.status === 200, `validate: ${type}`)
  }
  for (const path of ['/taxii2/', '/global/', objects, '/livez', '/readyz', '/metrics']) {
    t.equal((await analyst.get(`${path}?foo=bar`)).status, 200, `${path} ignores what it does not know`)
  }
  t.equal((await analyst.get('/api/v1/agreements?foo=bar')).status, 400, '/api/v1 does not')
  const named = (await analyst.get('/global/')).json.x_comity_match_fields as string[]
  const text = everyPath['/{root}/collections/{collection}/objects/']?.get?.description ?? ''
  for (const name of named) t.ok(text.includes(name), `match[${name}] is described`)
})

test('bodies in all their forms: pages, empty ones, pending, failures', async (t) => {
  const base = '/{root}/collections/{collection}/'
  const two = indicator()
  await analyst.add(READ_WRITE.path, two, version(two, '2026-02-01T00:00:00.000Z'))
  const one = `objects/${two.id}/`
  const paged = {
    manifest: 'manifest/',
    objects: 'objects/',
    'objects/{id}': one,
    'objects/{id}/versions': `${one}versions/`,
  }
  for (const [name, rest] of Object.entries(paged)) {
    const path = `${base}${name}/`
    const query: Record<string, string> = name.endsWith('versions') ? {} : { 'match[version]': 'all' }
    const first = await analyst.get(READ_WRITE.path + rest, { query: { ...query, limit: '1' } })
    t.equal(first.more, true, `${name}: there is more`)
    matches(t, path, 'get', first, `${name}, a page`)
    const last = await analyst.get(READ_WRITE.path + rest, { query: { ...query, next: first.next } })
    matches(t, path, 'get', last, `${name}, the next page`)
    const empty = await analyst.get(READ_WRITE.path + rest, {
      query: { added_after: '2999-01-01T00:00:00Z' },
    })
    t.equal(empty.text, '{}')
    matches(t, path, 'get', empty, `${name}, nothing left`)
    matches(
      t,
      path,
      'get',
      await analyst.get(`${READ_WRITE.path}${rest}?limit=0`),
      `${name}, a bad parameter`,
    )
  }
  const mixed = await analyst.post(READ_WRITE.path, [
    ipv4('198.51.100.7'),
    {},
    { type: 'indicator', id: 'x' },
  ])
  t.equal(mixed.taxiiStatus.failure_count, 2)
  matches(t, `${base}objects/`, 'post', mixed, 'some objects fail')
  const many = await analyst.post(
    READ_WRITE.path,
    [1, 2, 3, 4].map(() => indicator()),
  )
  t.equal(many.taxiiStatus.status, 'pending')
  matches(t, `${base}objects/`, 'post', many, 'pending')
  await completed(analyst, 'global', many.taxiiStatus.id)
  const done = await analyst.get(`/global/status/${many.taxiiStatus.id}/`)
  matches(t, '/{root}/status/{status}/', 'get', done, 'pending, then complete')
  const public_ = await server.anonymous.get('/open/')
  matches(t, '/{root}/', 'get', public_, 'a public root without credentials')
  t.equal(public_.status, 200)
})

test('the declared security schemes are those that open a resource', async (t) => {
  const { access_token: jwt } = (await server.request(requestOf('/auth/token', 'post'))).json
  const opens = async (authorization: string) =>
    (await server.request({ path: '/global/', headers: { Authorization: authorization } })).status
  t.equal(await opens(signed.Authorization), 200, 'basic')
  t.equal(await opens(`Bearer ${jwt}`), 200, 'bearer, a JWT')
  t.equal(await opens(`Bearer ${TOKENS.full}`), 200, 'bearer, an API token')
  t.equal(await opens(`Token ${TOKENS.full}`), 200, 'Token')
  t.equal(await opens(`Bearer ${jwt}x`), 401, 'a JWT that was changed')
  t.strictSame(Object.keys(openapi.components.securitySchemes), ['basic', 'bearer', 'token'])
})
