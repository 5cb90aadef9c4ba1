/** GET /api/v1/me/clearance: a caller learns what the policy takes it for. */
import { test } from 'tap'
import { api } from '../support/api.ts'
import { startServer } from '../support/server.ts'
import { topology } from '../support/world.ts'

test('the caller as the policy sees it', async (t) => {
  const server = await startServer(t, { topology: topology() })
  const mine = await api(server, 'analyst').get('/api/v1/me/clearance')
  t.match(mine.json, { principal: 'analyst', organization: 'mycert', country: 'MY', max_tlp: null })
})
