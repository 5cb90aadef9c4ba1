/** A public collection is open to anybody for what is CLEAR; who has a grant reads by labels (policy.md §1, §8). */
import { test } from 'tap'
import { api } from '../support/api.ts'
import { startServer } from '../support/server.ts'
import { indicator, TLP } from '../support/stix.ts'
import { policyWorld } from '../support/two-countries.ts'

const WRITES_ONLY = 'a-token-that-only-writes-0000001'

/** `author` (MY) reads and writes, `colleague` writes, `sg` (an agreement with MY) reads; `de` has no grant. */
function world() {
  const { topology, path } = policyWorld()
  const declared = JSON.parse(topology)
  const [collection] = declared.api_roots[0].collections
  declared.api_roots[0].collections = [collection]
  collection.public = true
  collection.grants = [
    { to: 'author', read: true, write: true },
    { to: 'colleague', read: false, write: true },
    { to: 'sg', read: true, write: false },
  ]
  declared.principals[3].tokens = [{ name: 'w', value: WRITES_ONLY, scopes: ['write'] }]
  return { topology: JSON.stringify(declared), path, id: String(collection.id) }
}

test('who has no grant reads what is CLEAR there, as anybody does', async (t) => {
  const { topology, path, id } = world()
  const server = await startServer(t, { topology })
  const marked = (ref: string) => indicator({ object_marking_refs: [ref] })
  const [clear, green, amber] = [marked(TLP.clear), marked(TLP.green), marked(TLP.amber)]
  await server.as('author').add(path, clear, green, amber)
  const theirs = indicator({ object_marking_refs: [TLP.green] })
  await server.as('colleague').add(path, theirs)
  const seen = async (who: string | null) => {
    const answer = await (who ? server.as(who) : server.anonymous).getObjects(path)
    t.equal(answer.status, 200, answer.text)
    return ((answer.json as { objects?: { id: string }[] }).objects ?? []).map((o) => o.id)
  }
  t.same(await seen(null), [clear.id])
  t.same(await seen('de'), [clear.id], 'no grant')
  t.same(await seen('colleague'), [clear.id], 'who may only write does not read its organization’s')
  t.same(await seen('sg'), [clear.id, green.id, amber.id, theirs.id], 'by its agreement')
  for (const hidden of [green, amber]) {
    t.equal((await server.as('de').get(`${path}objects/${hidden.id}/`)).status, 404)
    t.equal((await server.as('colleague').get(`${path}objects/${hidden.id}/versions/`)).status, 404)
  }

  const listed = await server.as('de').get(path)
  t.match(listed.json, { can_read: true, can_write: false })
  t.match((await server.as('colleague').get(path)).json, { can_read: true, can_write: true })
  t.equal((await server.bearer(WRITES_ONLY).getObjects(path)).status, 403, 'a token that may not read')
  const gone = (who: string) => server.as(who).delete(`${path}objects/${clear.id}/`)
  t.equal((await gone('colleague')).status, 403, 'to delete is for who reads by a grant')
  t.equal((await gone('de')).status, 403)

  const cleared = await api(server, 'de').get('/api/v1/me/clearance')
  t.match(cleared.json, { collections: [{ id, read: true, write: false }] })
  const asked = async (level: string) => {
    const answer = await api(server, 'author').post('/api/v1/policy/preview', {
      collection: { root: 'one', id },
      object_marking_refs: [level],
    })
    const { organizations } = answer.json as { organizations: { id: string; people: number }[] }
    return organizations.map((o) => [o.id, o.people])
  }
  const everybody = [
    ['decert', 1],
    ['mycert', 2],
    ['sgcert', 1],
  ]
  t.same(await asked(TLP.clear), everybody)
  t.same(
    await asked(TLP.green),
    [
      ['mycert', 1],
      ['sgcert', 1],
    ],
    'whoever reads by a grant',
  )
  const why = async (object: string, principal: string) => {
    const answer = await api(server, 'author').post('/api/v1/policy/explain', {
      collection: { root: 'one', id },
      id: object,
      reader: { principal },
    })
    t.equal(answer.status, 200, answer.text)
    return (answer.json as { readers: { decision: boolean }[] }).readers.map((r) => r.decision)
  }
  t.same(await why(clear.id, 'de'), [true])
  t.same(await why(green.id, 'colleague'), [false])
  t.same(await why(green.id, 'sg'), [true])

  await server.as('author').delete(`${path}objects/${clear.id}/`)
  const recalled = await api(server, 'de').get('/api/v1/recalls')
  const { items } = recalled.json as { items: { object: string; kind: string }[] }
  t.match(items, [{ object: clear.id, kind: 'delete' }], 'whoever got it by name is told')
})
