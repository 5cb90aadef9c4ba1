/** POST /api/v1/validate: the findings of the door, for any authenticated subject, without storing. */
import { gzipSync } from 'node:zlib'
import { test } from 'tap'
import { startServer } from '../support/server.ts'
import { indicator } from '../support/stix.ts'
import { READ_WRITE, topology } from '../support/world.ts'

interface Report {
  valid: boolean
  findings: unknown[]
  objects: { valid: boolean; errors: { path: string }[] }[]
}

test('POST /api/v1/validate', async (t) => {
  const server = await startServer(t, { topology: topology() })
  const authorization = `Basic ${Buffer.from('analyst:pw-analyst').toString('base64')}`
  const validate = (body: string | Buffer, headers: Record<string, string> = {}) =>
    server.request({
      method: 'POST',
      path: '/api/v1/validate',
      headers: { authorization, 'content-type': 'application/json', ...headers },
      body,
    })
  const good = indicator()

  await t.test('a good object is valid, and nothing is stored', async (t) => {
    const answer = await validate(JSON.stringify(good))
    t.equal(answer.status, 200)
    t.match(answer.json, { valid: true, findings: [], objects: [{ id: good.id, valid: true, errors: [] }] })
    const stored = await server.as('analyst').getObject(READ_WRITE.path, String(good.id))
    t.equal(stored.status, 404)
  })

  await t.test('errors name their place and what to do', async (t) => {
    const bad = { ...good, pattern: '[nonsense', confidence: 101, created: 'yesterday' }
    const answer = await validate(JSON.stringify({ objects: [good, bad] }))
    const json = answer.json as unknown as Report
    t.equal(json.valid, false)
    t.equal(json.objects[0]?.valid, true)
    const paths = json.objects[1]?.errors.map((e) => e.path) ?? []
    for (const path of ['/pattern', '/confidence', '/created']) t.ok(paths.includes(path), path)
  })

  await t.test('what is no JSON, no UTF-8 or no STIX is a finding', async (t) => {
    for (const body of ['', '{', 'null', '"x"', Buffer.from([0xff, 0xfe])]) {
      const answer = await validate(body)
      t.equal(answer.status, 200)
      t.equal(answer.json.valid, false)
      t.ok((answer.json as unknown as Report).findings.length > 0, JSON.stringify(body))
    }
  })

  await t.test('gzip, limits, methods and credentials as everywhere', async (t) => {
    const zipped = await validate(gzipSync(JSON.stringify(good)), { 'content-encoding': 'gzip' })
    t.match(zipped.json, { valid: true })
    t.equal((await validate('{}', { 'content-type': 'text/plain' })).status, 415)
    t.equal((await validate('{}', { authorization: 'Basic eDp5' })).status, 401)
    const get = await server.request({ method: 'GET', path: '/api/v1/validate', headers: { authorization } })
    t.equal(get.status, 405)
    t.equal(get.header('Allow'), 'POST, OPTIONS')
  })
})
