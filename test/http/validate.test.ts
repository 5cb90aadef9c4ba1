/** POST /api/v1/validate: the findings of the door, for any authenticated subject, without storing. */
import { randomUUID } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { test } from 'tap'
import { startServer } from '../support/server.ts'
import { indicator, indicator20 } from '../support/stix.ts'
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

  await t.test('it says what a POST does', async (t) => {
    const { spec_version: _, ...unversioned } = indicator20()
    const url = {
      type: 'url',
      id: `url--${randomUUID()}`,
      value: 'https://example.com/',
      spec_version: '2.1',
    }
    const fresh = indicator()
    const cases: [string, string | Buffer][] = [
      ['an indicator', JSON.stringify({ objects: [fresh] })],
      ['U+0000', JSON.stringify({ objects: [{ ...indicator(), name: 'a\u0000b' }] })],
      [
        'a byte order mark',
        Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(JSON.stringify({ objects: [fresh] }))]),
      ],
      ['no object', '{"objects":[]}'],
      ['no objects', '{"type":"bundle","id":"bundle--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"}'],
      [
        'whole seconds',
        JSON.stringify({
          objects: [{ ...indicator(), created: '2026-01-01T00:00:00Z', modified: '2026-01-01T00:00:00Z' }],
        }),
      ],
      [
        'whole seconds, and an error',
        JSON.stringify({ objects: [{ ...indicator(), created: '2026-01-01T00:00:00Z', confidence: 101 }] }),
      ],
      ['a 2.0 object', JSON.stringify({ objects: [indicator20()] })],
      ['a key twice', `{"objects":[${JSON.stringify(url).replace('{', '{"type":"url",')}]}`],
      ['a key of the envelope twice', '{"objects":[],"objects":[{}]}'],
      ['no object in the list', '{"objects":[1]}'],
    ]
    for (const [what, body] of cases) {
      const report = (await validate(body)).json as unknown as Report
      const answer = await server.as('analyst').send(READ_WRITE.path.concat('objects/'), body)
      const stored = answer.status === 202 && answer.taxiiStatus.failure_count === 0
      t.equal(report.valid, stored, `${what}: ${answer.text}`)
    }
    const bare = (await validate(JSON.stringify(unversioned))).json as unknown as Report
    t.match(bare, { valid: true, objects: [{ version: '2.0' }] }, 'a 2.0 object by itself')
    const nul = (await validate(cases[1]?.[1] ?? '')).json as unknown as Report
    t.match(nul.objects[0]?.errors, [{ code: 'json/nul', path: '/name', severity: 'error' }])
    const seconds = (await validate(cases[5]?.[1] ?? '')).json as unknown as Report
    t.match(seconds.objects[0], { errors: [], warnings: [{ code: 'CO-09/precision', severity: 'warning' }] })
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
