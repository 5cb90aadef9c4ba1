/** Every operation of the REST interface refuses alike: credentials, methods, token scopes, bodies; and each has a test. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { test } from 'tap'
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
