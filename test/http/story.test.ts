/** One story from end to end (policy.md §13): preview, publish, pull, nothing for a stranger, recall, and the ledger's proof. */
import { createHash, createPublicKey } from 'node:crypto'
import t, { test } from 'tap'
import { api } from '../support/api.ts'
import { AT, COLLECTION, policyWorld } from '../support/policy-world.ts'
import { comity, startServer } from '../support/server.ts'
import { indicator, TLP } from '../support/stix.ts'

interface Entry {
  principal: string
  rule: string
  objects: { id: string; version: string }[]
  chain?: { seq: number; hash: string; previous: string }
}

const server = await startServer(t, { topology: JSON.stringify(policyWorld()) })
const object = indicator({ name: 'command and control of a bank trojan', object_marking_refs: [TLP.amber] })
const place = { root: 'one', id: COLLECTION.closed }
const my = api(server, 'my')
const sg = api(server, 'sg')
const de = api(server, 'de')

/** What Germany hears, whatever it asks. */
async function germany(): Promise<string[]> {
  const client = server.as('de')
  const asked = [
    await client.getObjects(AT.closed),
    await client.getObject(AT.closed, object.id),
    await client.getManifest(AT.closed),
    await client.get(`${AT.closed}objects/${object.id}/versions/`),
    await client.delete(`${AT.closed}objects/${object.id}/`),
    await de.get('/api/v1/recalls'),
    await de.get('/api/v1/ledger'),
    await de.get('/api/v1/policy/reciprocity'),
    await de.post('/api/v1/policy/explain', {
      collection: place,
      id: object.id,
      reader: { principal: 'de' },
    }),
    await de.patch(`/api/v1/roots/one/collections/${COLLECTION.closed}/objects/${object.id}`, {
      object_marking_refs: [TLP.clear],
      reason: 'mine now',
    }),
  ]
  return asked.map((a) => `${a.status} ${a.text} ${a.header('x-taxii-date-added-last') ?? ''}`)
}

test('Malaysia publishes AMBER to Singapore, and takes it back', async (t) => {
  const before = await germany()

  const preview = (await my.post('/api/v1/policy/preview', { collection: place, object })).json
  const organizations = (preview.organizations as { id: string }[]).map((o) => o.id).sort()
  t.strictSame(organizations, ['mycert', 'petrobank', 'sgcert'], 'previews it')

  await server.as('my').add(AT.closed, object)
  const pulled = await server.as('sg').getObjects(AT.closed)
  t.strictSame(pulled.objects, [object], 'Singapore pulls it')
  t.strictSame(await germany(), before, 'Germany cannot tell that it exists')
  t.strictSame((await sg.get('/api/v1/recalls')).json.items, [], 'nothing is recalled yet')

  const marks = { object_marking_refs: [TLP.red], reason: 'the source is in danger' }
  const relabelled = await my.patch(
    `/api/v1/roots/one/collections/${COLLECTION.closed}/objects/${object.id}`,
    marks,
  )
  t.equal(relabelled.json.change, 'tightened', 'Malaysia recalls it')
  const next = await server.as('sg').getObjects(AT.closed)
  t.strictSame(next.objects, [], 'it is gone from the next poll')
  t.equal((await server.as('sg').getObject(AT.closed, object.id)).status, 404)

  const recalls = (await sg.get('/api/v1/recalls')).json.items as {
    id: string
    object: string
    reason: string
  }[]
  t.match(recalls, [{ object: object.id, kind: 'relabel', reason: marks.reason, acknowledged_at: null }])
  t.equal((await sg.post(`/api/v1/recalls/${recalls[0]?.id}/acknowledgement`)).status, 200)
  const [issued] = (await my.get('/api/v1/recalls/issued')).json.items as object[]
  t.match(issued, {
    object: object.id,
    fetched: 1,
    acknowledged: 1,
    recipients: [{ principal: 'sg', organization: 'sgcert' }],
  })
  t.strictSame(await germany(), before, 'and Germany has heard nothing of it')

  // The ledger has an entry within about a second.
  let found: Entry | undefined
  for (let i = 0; i < 100 && !found; i++) {
    const entries = (await my.get(`/api/v1/ledger?object=${object.id}`)).json.items as Entry[]
    found = entries.find((e) => e.principal === 'sg')
    if (!found) await new Promise((resolve) => setTimeout(resolve, 100))
  }
  t.match(found, {
    principal: 'sg',
    organization: 'sgcert',
    rule: 'agreement MY>SG',
    objects: [{ id: object.id }],
  })
  const proof = (await my.get(`/api/v1/ledger/${found?.chain?.seq}/proof`)).json as {
    entry: { text: string; hash: string }
    head: null
  }
  const hash = createHash('sha256').update(proof.entry.text).digest('hex')
  t.equal(hash, proof.entry.hash, 'the ledger proves it')
  t.equal(hash, found?.chain?.hash)
  const { pem } = (await my.get('/api/v1/ledger/key')).json as { pem: string }
  t.equal(createPublicKey(pem).asymmetricKeyType, 'ed25519')
  t.strictSame((await my.get('/api/v1/ledger/heads')).json.items, [], 'heads are signed when a day is over')
  const checked = await comity(['ledger', 'verify'], { DATABASE_URL: server.database.url })
  t.equal(checked.code, 0, checked.stdout + checked.stderr)
})
