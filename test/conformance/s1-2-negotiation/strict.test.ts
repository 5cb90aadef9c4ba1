/** Content negotiation with the switches turned: strictAccept, CORS, and a server whose database is gone. */

import pg from 'pg'
import t, { test } from 'tap'
import { hasTaxiiType, isError, isResource } from '../../support/checks.ts'
import { raw, T21 } from '../../support/client.ts'
import { startServer } from '../../support/server.ts'
import { indicator } from '../../support/stix.ts'
import { HIDDEN, READ_WRITE, topology } from '../../support/world.ts'

const ORIGIN = 'https://console.example'
const server = await startServer(t, {
  topology: topology(),
  env: { COMITY_STRICT_ACCEPT: 'on', COMITY_CORS_ORIGINS: ORIGIN },
})
const analyst = server.as('analyst')
const rw = READ_WRITE.path
await analyst.add(rw, indicator())

test('T-3.1-08 a request without Accept: 406 with strictAccept', async (t) => {
  const headers = { Authorization: analyst.authorization ?? '' }
  for (const path of ['/taxii2/', '/global/', `${rw}objects/`, `${rw}manifest/`]) {
    isError(t, await raw(server.url, { path, headers }), 406, path)
    isResource(t, await raw(server.url, { path, headers: { ...headers, Accept: T21 } }), 200, path)
  }
})

test('T-3.2-04 CORS exposes the X-TAXII headers', async (t) => {
  const answer = await analyst.get(`${rw}objects/`, { headers: { Origin: ORIGIN } })
  t.equal(answer.status, 200)
  t.equal(answer.header('Access-Control-Allow-Origin'), ORIGIN)
  const exposed = (answer.header('Access-Control-Expose-Headers') ?? '').toLowerCase().split(/\s*,\s*/)
  t.ok(exposed.includes('x-taxii-date-added-first'), 'First is exposed')
  t.ok(exposed.includes('x-taxii-date-added-last'), 'Last is exposed')
  const foreign = await analyst.get(`${rw}objects/`, { headers: { Origin: 'https://evil.example' } })
  t.not(foreign.header('Access-Control-Allow-Origin'), 'https://evil.example', 'another origin is not let in')
  t.not(foreign.header('Access-Control-Allow-Origin'), '*')
})

test('CORS: every answer depends on Origin, and PATCH is a method', async (t) => {
  const paths = ['/taxii2/', `${rw}objects/`, '/no-such-root/', '/api/v1/me/clearance', '/livez']
  for (const path of paths) {
    for (const headers of [{}, { Origin: ORIGIN }, { Origin: 'https://evil.example' }]) {
      const answer = await analyst.get(path, { headers })
      t.match(answer.header('Vary'), /(^|, )Origin$/, path)
    }
  }
  const preflight = await raw(server.url, {
    method: 'OPTIONS',
    path: '/api/v1/roots/global/collections/x/objects/y',
    headers: { Origin: ORIGIN, 'Access-Control-Request-Method': 'PATCH' },
  })
  t.equal(preflight.status, 204)
  t.match(preflight.header('Access-Control-Allow-Methods'), /\bPATCH\b/)
})

test('D-3a a CORS preflight is answered alike for every path', async (t) => {
  const paths = [`${rw}objects/`, `${HIDDEN.path}objects/`, '/no-such-root/', '/taxii2/']
  const headers = { Origin: ORIGIN, 'Access-Control-Request-Method': 'GET' }
  const answers = await Promise.all(
    paths.map((path) => raw(server.url, { method: 'OPTIONS', path, headers })),
  )
  t.equal(answers[0]?.status, 204)
  for (const [i, answer] of answers.entries())
    t.equal(answer.fingerprint, answers[0]?.fingerprint, paths[i] ?? '')
})

test('T-3.1-01 even a failure of the server has the exact Content-Type', async (t) => {
  const url = new URL(server.database.url)
  const name = url.pathname.slice(1)
  url.pathname = '/postgres'
  const client = new pg.Client({ connectionString: url.toString() })
  await client.connect()
  await client.query(`drop database "${name}" with (force)`)
  await client.end()
  const paths = [`${rw}objects/`, `${rw}manifest/`]
  const answers = await Promise.all(paths.map((path) => analyst.get(path)))
  for (const [i, answer] of answers.entries()) {
    const path = paths[i] ?? ''
    t.ok([500, 503].includes(answer.status), `${path}: ${answer.status}`)
    hasTaxiiType(t, answer, path)
    isError(t, answer, answer.status, path)
    t.notMatch(answer.text, /database|select|postgres|ECONN|at .*\.js/i, 'and tells nothing')
  }
})
