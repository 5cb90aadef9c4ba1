/** Requests without an Accept header, as the default settings have it. */
import t, { test } from 'tap'
import { isResource } from '../../support/checks.ts'
import { raw, T21 } from '../../support/client.ts'
import { startServer } from '../../support/server.ts'
import { indicator } from '../../support/stix.ts'
import { READ_WRITE, topology } from '../../support/world.ts'

const server = await startServer(t, { topology: topology() })
const headers = { Authorization: server.as('analyst').authorization ?? '' }

test('T-3.1-08 a request without Accept is answered by default', async (t) => {
  const object = indicator()
  const path = `${READ_WRITE.path}objects/`
  const body = JSON.stringify({ objects: [object] })
  const posted = await raw(server.url, {
    method: 'POST',
    path,
    headers: { ...headers, 'Content-Type': T21 },
    body,
  })
  isResource(t, posted, 202, 'POST')
  for (const get of [
    '/taxii2/',
    '/global/',
    '/global/collections/',
    READ_WRITE.path,
    path,
    `${path}${object.id}/`,
  ]) {
    isResource(t, await raw(server.url, { path: get, headers }), 200, get)
  }
  t.equal((await raw(server.url, { method: 'DELETE', path: `${path}${object.id}/`, headers })).status, 200)
})
