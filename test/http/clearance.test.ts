/** GET /api/v1/me/clearance: a caller learns what the policy takes it for, and by which rules it receives. */
import { test } from 'tap'
import { CLOSED, NARROW, policyTopology, SHARED } from '../support/answers-world.ts'
import { api } from '../support/api.ts'
import { startServer } from '../support/server.ts'
import { topology } from '../support/world.ts'

test('the caller as the policy sees it', async (t) => {
  const server = await startServer(t, { topology: topology() })
  const mine = await api(server, 'analyst').get('/api/v1/me/clearance')
  t.match(mine.json, { principal: 'analyst', organization: 'mycert', country: 'MY', max_tlp: null })
})

test('collections and rules', async (t) => {
  const server = await startServer(t, { topology: policyTopology() })
  const of = async (principal: string) => (await api(server, principal).get('/api/v1/me/clearance')).json
  interface Collection {
    id: string
  }
  const sg = await of('sg-bob')
  const ids = (sg.collections as Collection[]).map((c) => c.id)
  t.ok(ids.includes(SHARED.id) && ids.includes(NARROW.id))
  t.notOk(ids.includes(CLOSED.id), 'what it may not know is not listed')
  t.match(
    (sg.collections as Collection[]).find((c) => c.id === NARROW.id),
    { root: 'x', alias: 'narrow', read: true, write: false, redaction: 'withhold', references: 'closed' },
  )
  const agreement = { by: 'agreement', from: 'MY', to: 'SG', client_of: null, max_tlp: 'amber', until: null }
  const baseline = { by: 'baseline', from: null, to: null, client_of: null, max_tlp: 'green', until: null }
  t.strictSame(sg.receives, [agreement, baseline])
  t.ok(
    String(sg.full_pull_since) > '2026-01-01T00:00:00Z',
    'the agreement began then, and was made when it was applied',
  )
  t.strictSame(
    (await of('sgbank-ann')).receives,
    [
      { ...agreement, max_tlp: 'green' },
      { ...agreement, client_of: 'sgcert' },
      { by: 'roster', from: 'sgcert', to: null, client_of: 'sgcert', max_tlp: 'amber', until: null },
      baseline,
    ],
    'one of many, a client of the recipient, on a roster, in the baseline',
  )
  t.strictSame((await of('my-ann')).receives, [
    { ...agreement, from: 'SG', to: 'MY', max_tlp: 'amber+strict' },
    { ...agreement, by: 'domestic-rule', from: 'mylab', to: 'mycert', max_tlp: 'amber+strict' },
    baseline,
  ])
  const de = await of('de-ann')
  t.strictSame(de.receives, [])
})
