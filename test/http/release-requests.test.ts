/** Requests for release: the requester learns the decision and nothing else; originators decide each for their copy. */
import t, { test } from 'tap'
import { api } from '../support/api.ts'
import type { Answer } from '../support/client.ts'
import { asOwner } from '../support/in-process.ts'
import { bearer, CAPPED, PATH, READ_ONLY, releaseTopology, shown, until } from '../support/release.ts'
import { startServer } from '../support/server.ts'
import { indicator, ipv4, newId, TLP, version } from '../support/stix.ts'

const server = await startServer(t, { topology: releaseTopology() })
const ann = server.as('ann')

type Item = Record<string, unknown>

async function post(...refs: string[]) {
  const object = indicator({ name: 'wanted', object_marking_refs: refs })
  await ann.add(PATH, object)
  return object
}

const ask = (who: string, id: string, more: object = {}) =>
  api(server, who).post('/api/v1/release-requests', {
    ...{ root: 'one', collection: 'main', id, to: { countries: ['DE'] }, justification: 'we see the same' },
    ...more,
  })
const items = (answer: Answer) => answer.json.items as Item[]
const mine = async (who: string, id: unknown) =>
  items(await api(server, who).get('/api/v1/release-requests')).find((item) => item.id === id)
const received = async (who: string) => items(await api(server, who).get('/api/v1/release-requests/received'))
const has = (id: unknown) => (list: Item[]) => list.some((item) => item.id === id)
const arrives = (who: string, id: unknown) => until(() => received(who), has(id))
const approve = (who: string, request: unknown, refs: string[]) =>
  api(server, who).post(`/api/v1/release-requests/${request}/approval`, {
    object_marking_refs: refs,
    reason: 'good reason',
  })
const refuse = (who: string, request: unknown) =>
  api(server, who).post(`/api/v1/release-requests/${request}/refusal`, { reason: 'too early' })
/** Without what differs between any two requests. */
const plain = ({ id: _, object: __, created: ___, expires: ____, ...rest }: Item) => rest

test('hidden, unknown and unanswered look alike to the requester, at once and later', async (t) => {
  const red = await post(TLP.red)
  const amber = await post(TLP.amber)
  const clear = await post(TLP.clear)
  const ids = [red.id, amber.id, clear.id, newId('indicator'), newId('campaign')]
  const answers: Answer[] = []
  for (const id of ids) answers.push(await ask('dan', id))
  for (const answer of answers) {
    t.equal(answer.status, 201)
    t.strictSame(plain(answer.json), plain(answers[0]?.json ?? {}))
    t.equal(answer.json.state, 'open')
    t.equal(
      answer.text.length - String(answer.json.object).length,
      (answers[0]?.text.length ?? 0) - red.id.length,
    )
  }
  await arrives('ann', answers[2]?.json.id)
  for (const answer of answers) t.strictSame(await mine('dan', answer.json.id), answer.json)
  const toAnn = await received('ann')
  t.strictSame(
    answers.map((answer) => has(answer.json.id)(toAnn)),
    [true, true, true, false, false],
  )
  const toBob = await received('bob')
  t.strictSame(
    answers.map((answer) => has(answer.json.id)(toBob)),
    [false, true, true, false, false],
    'a colleague does not know of RED',
  )
  t.match(
    toBob.find((item) => item.id === answers[1]?.json.id),
    {
      ...{ requester: 'dan', organization: 'decert', object: amber.id, state: 'open' },
      ...{ to: { countries: ['DE'] }, justification: 'we see the same' },
    },
  )
  for (const who of ['sue', 'dan', 'fay'])
    t.strictSame(await received(who), [], `${who} has received nothing`)
  t.match(await api(server, 'feed').get('/api/v1/release-requests/received'), { status: 403 }, 'a service')
  t.equal(await mine('fay', answers[0]?.json.id), undefined, "nobody else's list")
  const capped = items(await bearer(server, CAPPED).get('/api/v1/release-requests/received'))
  t.strictSame(
    answers.map((answer) => has(answer.json.id)(capped)),
    [false, false, true, false, false],
    'a capped token',
  )
})

test('an approval releases, and tells the requester the reason alone', async (t) => {
  const { id } = await post(TLP.red)
  const request = (await ask('dan', id, { to: { level: 'clear' } })).json
  await arrives('ann', request.id)
  const unknown = await approve('ann', '6d0f2b1c-52ab-4a2f-8e0b-0c6f1f1b7a11', [TLP.clear])
  t.equal(unknown.status, 404)
  for (const who of ['bob', 'sue', 'dan']) {
    t.strictSame(shown(await approve(who, request.id, [TLP.clear])), shown(unknown), who)
    t.strictSame(shown(await refuse(who, request.id)), shown(unknown), who)
  }
  const reading = bearer(server, READ_ONLY)
  const answer = { object_marking_refs: [TLP.clear], reason: 'x' }
  t.match(await reading.post(`/api/v1/release-requests/${request.id}/approval`, answer), { status: 403 })
  t.equal((await server.as('dan').getObject(PATH, id)).status, 404)
  const approved = await approve('ann', request.id, [TLP.clear])
  t.match(approved, { status: 200, json: { id, change: 'widened' } })
  t.equal((await server.as('dan').getObject(PATH, id)).status, 200)
  t.strictSame(await mine('dan', request.id), { ...request, state: 'approved', reason: 'good reason' })
  t.match(await approve('ann', request.id, [TLP.clear]), { status: 409 })
  t.match(await refuse('ann', request.id), { status: 409 })
  t.match(
    (await received('ann')).find((item) => item.id === request.id),
    { state: 'approved' },
  )
})

test('a refusal; who may decide; an approval never tightens', async (t) => {
  const { id } = await post(TLP.amber)
  const request = (await ask('dan', id)).json
  await arrives('mia', request.id)
  t.match(await approve('mia', request.id, [TLP.clear]), { status: 403 }, 'may not write')
  t.match(await refuse('mia', request.id), { status: 403 })
  t.match(await approve('ann', request.id, [TLP.red]), { status: 422, json: { detail: /take readers away/ } })
  t.match((await ann.getObject(PATH, id)).objects[0]?.object_marking_refs, [TLP.amber], 'nothing was done')
  t.match((await refuse('bob', request.id)).json, { state: 'declined', requester: 'dan' })
  t.strictSame(await mine('dan', request.id), { ...request, state: 'declined', reason: 'too early' })
  t.equal((await server.as('dan').getObject(PATH, id)).status, 404)
})

test('several originators: those whose copy one sees, else all; neither learns of the other', async (t) => {
  const address = ipv4('198.51.100.11', { object_marking_refs: [TLP.amber] })
  await ann.add(PATH, address)
  await server.as('sue').add(PATH, { ...address, object_marking_refs: [TLP['amber+strict']] })
  const seen = (await ask('sue', address.id)).json
  const blind = (await ask('dan', address.id)).json
  await arrives('ann', blind.id)
  const [toAnn, toSue] = [await received('ann'), await received('sue')]
  t.ok(has(seen.id)(toAnn), 'sue sees the copies of both')
  t.ok(has(seen.id)(toSue))
  t.strictSame(
    toAnn.find((item) => item.id === blind.id),
    toSue.find((item) => item.id === blind.id),
    'both get the same',
  )
  t.equal((await refuse('sue', blind.id)).status, 200)
  t.match(await mine('dan', blind.id), { state: 'declined', reason: 'too early' })
  t.match(
    (await received('ann')).find((item) => item.id === blind.id),
    { state: 'open' },
  )
  t.equal((await approve('ann', blind.id, [TLP.clear])).status, 200)
  t.match(await mine('dan', blind.id), { state: 'approved', reason: 'good reason' })
  t.match(
    (await received('sue')).find((item) => item.id === blind.id),
    { state: 'declined' },
  )

  const other = ipv4('198.51.100.12', { object_marking_refs: [TLP.clear] })
  await ann.add(PATH, other)
  await server.as('sue').add(PATH, { ...other, object_marking_refs: [TLP.amber] })
  const one = (await ask('dan', other.id)).json
  await arrives('ann', one.id)
  t.notOk(has(one.id)(await received('sue')), 'dan sees the copy of mycert')
})

test('after 30 days it has expired, answered by nobody or about nothing', async (t) => {
  const { id } = await post(TLP.amber)
  const asked = [(await ask('dan', id)).json, (await ask('dan', newId('indicator'))).json]
  await arrives('ann', asked[0]?.id)
  await asOwner(server.database.url, (client) =>
    client.query(`update comity.release_request set expires = 1 where id = any ($1::uuid[])`, [
      asked.map((request) => request.id),
    ]),
  )
  for (const request of asked) {
    t.strictSame(await mine('dan', request.id), {
      ...request,
      state: 'expired',
      expires: '1970-01-01T00:00:00.000001Z',
    })
  }
  t.match(await approve('ann', asked[0]?.id, [TLP.clear]), { status: 409, json: { detail: /expired/ } })
})

test('a version by name', async (t) => {
  const first = await post(TLP.amber)
  await ann.add(PATH, version(first, '2026-02-01T00:00:00.000Z', { object_marking_refs: [TLP.clear] }))
  const never = (await ask('dan', first.id, { version: '2026-03-01T00:00:00Z' })).json
  const old = (await ask('dan', first.id, { version: '2026-01-01T00:00:00Z' })).json
  await arrives('ann', old.id)
  t.notOk(has(never.id)(await received('ann')))
  t.match((await approve('ann', old.id, [TLP.clear])).json, { version: '2026-01-01T00:00:00.000Z' })
  t.equal((await server.as('dan').getObject(PATH, first.id, { 'match[version]': 'all' })).objects.length, 2)
})

test('at most 100 open ones; in collections that one may read; in pages', async (t) => {
  t.equal((await ask('fay', newId('indicator'), { collection: 'closed' })).status, 404)
  t.equal((await ask('fay', newId('indicator'), { to: {} })).status, 400)
  t.equal((await ask('fay', newId('indicator'), { to: { countries: ['Germany'] } })).status, 400)
  t.equal((await ask('fay', 'indicator')).status, 400)
  t.equal((await ask('fay', newId('indicator'), { version: 'last' })).status, 400)
  for (let i = 0; i < 100; i++) t.equal((await ask('fay', newId('indicator'))).status, 201)
  const more = await ask('fay', newId('indicator'))
  t.match(more, { status: 409, json: { detail: /^You have 100 open requests/ } })
  let next = ''
  const ids: unknown[] = []
  do {
    const page = await api(server, 'fay').get(`/api/v1/release-requests?limit=30${next}`)
    ids.push(...items(page).map((item) => item.id))
    next = page.json.next ? `&next=${page.json.next}` : ''
  } while (next)
  t.equal(new Set(ids).size, 100)
})
