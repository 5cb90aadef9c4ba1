/** Every operation of the REST interface refuses alike: credentials, methods, token scopes, bodies; and each has a test. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { test } from 'tap'
import { describe } from '../../src/http/api/describe.ts'
import { OPERATIONS } from '../../src/http/api/operations.ts'
import { api, holds } from '../support/api.ts'
import { basic } from '../support/client.ts'
import { root } from '../support/paths.ts'
import { startServer } from '../support/server.ts'
import { TOKENS, topology } from '../support/world.ts'

const server = await startServer(t, { topology: topology() })
const authorization = basic('analyst', 'pw-analyst')
const filled = (path: string) => path.replace(/\{\w+\}/g, '6d0f2b1c-52ab-4a2f-8e0b-0c6f1f1b7a11')

for (const { method, path, id, body, scope } of OPERATIONS) {
  test(`${method} ${path}`, async (t) => {
    const at = filled(path)
    const send = async (headers: Record<string, string>, text?: string) => {
      const answer = await server.request({
        method,
        path: at,
        headers,
        ...(text !== undefined && { body: text }),
      })
      holds(method, at, answer)
      return answer
    }
    const nobody = await send({})
    t.equal(nobody.status, 401, 'without credentials')
    t.match(nobody.header('www-authenticate'), /Basic/)
    t.equal((await send({ authorization: 'Basic eDp5' })).status, 401, 'with wrong ones')
    const put = await server.request({ method: 'PUT', path: at, headers: { authorization } })
    t.equal(put.status, 405, 'another method')
    t.match(put.header('allow'), new RegExp(`${method}.*OPTIONS`))
    t.equal(put.header('content-type'), 'application/problem+json')
    if (scope === 'write') {
      const answer = await send(
        { authorization: `Bearer ${TOKENS.readOnly}`, 'content-type': 'application/json' },
        '{}',
      )
      t.equal(answer.status, 403, 'with a token that may only read')
    }
    const odd = await send({ authorization, 'content-type': 'application/json' }, body ? '{' : undefined)
    if (body) {
      t.equal(odd.status, 400, 'half a body')
      t.equal((await send({ authorization, 'content-type': 'text/plain' }, '{}')).status, 415, 'another type')
      const list = await send({ authorization, 'content-type': 'application/json' }, '[[]]')
      t.equal(list.status, 400, 'a body of another shape')
      t.type(list.json.errors, Array)
      t.equal(
        (await send({ authorization, 'content-type': 'application/json' }, `"${'x'.repeat(5_000_000)}"`))
          .status,
        413,
      )
    }
    if (method === 'GET') {
      const head = await server.request({ method: 'HEAD', path: at, headers: { authorization } })
      const get = await send({ authorization })
      t.equal(head.status, get.status, 'HEAD')
      t.equal(head.text, '', 'HEAD has no body')
      t.equal(head.header('content-type'), get.header('content-type'))
      t.equal(head.header('content-length'), get.header('content-length'))
      t.equal((await server.request({ method: 'HEAD', path: at })).status, 401, 'HEAD without credentials')
    }
    t.ok(tested(method, path), `${id} is called by a test of its own`)
  })
}

test('an unknown path is a problem as well', async (t) => {
  const answer = await server.request({ path: '/api/v1/no-such-thing', headers: { authorization } })
  t.equal(answer.status, 404)
  t.equal(answer.header('content-type'), 'application/problem+json')
  t.match(answer.json, { type: 'about:blank', status: 404, code: 'notFound' })
  t.equal((await server.request({ path: '/api/v1/no-such-thing' })).status, 401)
  t.equal((await api(server, 'analyst').get('/api/v1/me/clearance')).status, 200)
})

test('a whole number is digits, everywhere', async (t) => {
  for (const { path, query } of OPERATIONS.filter((o) => 'limit' in o.query.properties)) {
    const needed = (query.required ?? []).map((name) => `&${name}=x`).join('')
    for (const limit of ['1e1', '0x10', '1.0', '%2B1', '-1', '', '%201', '1&limit=2']) {
      const answer = await server.request({
        path: `${filled(path)}?limit=${limit}${needed}`,
        headers: { authorization },
      })
      t.equal(answer.status, 400, `${path} limit=${limit}`)
      t.match(answer.json.detail, /^\/limit of the query must be a whole number/)
    }
    const bad = await server.request({ path: `${filled(path)}?limit=1&next=%zz`, headers: { authorization } })
    t.equal(bad.status, 400, 'bad percent-encoding')
  }
})

test('bodies with a key twice are refused, however deep', async (t) => {
  const send = async (body: string) => {
    const headers = { authorization, 'content-type': 'application/json' }
    return await server.request({ method: 'POST', path: '/api/v1/policy/simulate', headers, body })
  }
  const twice = await send('{"draft":{"from":"MY","to":"SG","max_tlp":"red","max_tlp":"clear"}}')
  t.equal(twice.status, 400)
  t.match(twice.json, { detail: '/draft/max_tlp of the body occurs twice in its object: send it once.' })
  t.equal((await send('{"end":{"from":"A","\\u0066rom":"B","to":"C"}}')).status, 400, 'in another spelling')
  t.equal((await send(`${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`)).status, 400, 'very deep')
})

test('problems say in words what is wrong', async (t) => {
  const send = async (body: string) => {
    const headers = { authorization, 'content-type': 'application/json' }
    return (await server.request({ method: 'POST', path: '/api/v1/agreements', headers, body })).json
  }
  const terms = { from: 'SG', to: 'MY', max_tlp: 'green' }
  t.match(await send(''), { detail: 'The body is empty; send JSON.' })
  t.match(await send('{'), { detail: 'The body is not JSON in UTF-8.' })
  t.match(await send('{}'), { detail: 'The body must have the property "from".' })
  t.match(await send('[]'), { detail: 'The body must be an object.' })
  t.match(await send(JSON.stringify({ ...terms, reason: '' })), {
    detail: '/reason of the body must not be empty.',
  })
  t.match(await send(JSON.stringify({ ...terms, reason: '  ' })), {
    detail: '/reason of the body must be one line with more than white space in it.',
  })
  t.match(await send(JSON.stringify({ ...terms, reason: 'x', other: 1 })), {
    detail:
      'The body has the unknown property "other"; it may have from, to, max_tlp, recipients, clients, valid_from, valid_until, reason.',
  })
  t.strictSame((await send(JSON.stringify({ ...terms, reason: 'x', valid_from: 5 }))).errors, [
    { path: '/valid_from', message: 'must be a string' },
  ])
  const patterns = new Set<string>()
  const walk = (schema: unknown): void => {
    if (typeof schema !== 'object' || schema === null) return
    const { pattern } = schema as { pattern?: unknown }
    if (typeof pattern === 'string') patterns.add(pattern)
    for (const part of Object.values(schema)) walk(part)
  }
  for (const { query, body } of OPERATIONS) walk([query, body])
  t.ok(patterns.size > 5)
  for (const pattern of patterns) {
    const text = describe({ keyword: 'pattern', params: { pattern } })
    t.notMatch(text, /openapi|\\u|\^|\$/, pattern)
  }
})

/** Does the text of some other test name this path, up to its parameters? */
function tested(method: string, path: string): boolean {
  const folder = join(root, 'test', 'http')
  const call = new RegExp(
    `\\.${method.toLowerCase()}\\([^\\n]{0,60}${path.replace(/\{\w+\}/g, '[^\\s]+').replaceAll('/', '\\/')}`,
  )
  return readdirSync(folder)
    .filter((name) => name.endsWith('.test.ts') && name !== 'api-problems.test.ts')
    .some((name) => call.test(readFileSync(join(folder, name), 'utf8').replace(/\(\n\s*/g, '(')))
}
