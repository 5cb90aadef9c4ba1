/** Discovery for a client that may know of no API root. */
import t, { test } from 'tap'
import { isError, isResource } from '../../support/checks.ts'
import { startServer } from '../../support/server.ts'
import { topology } from '../../support/world.ts'

const server = await startServer(t, {
  topology: topology({ open: false }),
  env: { COMITY_OPEN_DISCOVERY: 'on' },
})

test('T-4.1-02 no api_roots and no default for whom there is none', async (t) => {
  for (const client of [server.as('nobody'), server.as('outsider'), server.anonymous]) {
    const answer = await client.get('/taxii2/')
    isResource(t, answer, 200, 'discovery')
    t.notOk('api_roots' in answer.json, 'no api_roots')
    t.notOk('default' in answer.json, 'no default')
  }
  t.strictSame((await server.as('analyst').get('/taxii2/')).json.api_roots, ['/global/'])
})

test('D-3a with no public root everything but open discovery needs credentials', async (t) => {
  for (const path of ['/global/', '/global/collections/', '/nope/'])
    isError(t, await server.anonymous.get(path), 401, path)
})
