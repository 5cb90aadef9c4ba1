/** Release schedules: steps in order, early never, once, by any node, whatever crashes (policy.md §7, §13). */
import t, { test } from 'tap'
import { api } from '../support/api.ts'
import type { Answer } from '../support/client.ts'
import { asOwner } from '../support/in-process.ts'
import { ahead, bearer, CAPPED, PATH, READ_ONLY, releaseTopology, shown, until } from '../support/release.ts'
import { type Server, startServer } from '../support/server.ts'
import { forCountry, indicator, newId, TLP, version } from '../support/stix.ts'

const first = await startServer(t, { topology: releaseTopology() })
const { database } = first
const second = await startServer(t, { database })
const ann = first.as('ann')

const rel = forCountry('DE')
await ann.add(PATH, rel)

async function post(...refs: string[]) {
  const object = indicator({ name: 'to release', object_marking_refs: refs })
  await ann.add(PATH, object)
  return object
}

interface Step {
  at: string
  object_marking_refs: string[]
}

const step = (at: string, ...refs: string[]): Step => ({ at, object_marking_refs: refs })
const add = (id: string, steps: Step[], who = 'ann', more: object = {}) =>
  api(first, who).post('/api/v1/release-schedules', {
    root: 'one',
    collection: 'main',
    id,
    steps,
    reason: 'as agreed with DE',
    ...more,
  })
const get = (id: unknown, who = 'ann', server: Server = first) =>
  api(server, who).get(`/api/v1/release-schedules/${id}`)
const over = (id: unknown, server: Server = first) =>
  until(
    () => get(id, 'ann', server),
    (answer) => answer.json.state !== 'active',
  )
const state = (answer: Answer) => (answer.json.steps as { state: string }[]).map((s) => s.state)
const cancel = (id: unknown, who = 'ann') =>
  api(first, who).post(`/api/v1/release-schedules/${id}/cancel`, { reason: 'not now' })
const reads = async (who: string, id: string, server: Server = first) =>
  (await server.as(who).getObject(PATH, id)).status === 200

test('RED now, AMBER to DE, then CLEAR: early never, each once, in order, with two nodes', async (t) => {
  const { id } = await post(TLP.red)
  const [one, two] = [Date.now() + 4000, Date.now() + 6000]
  const at = (ms: number) => new Date(ms).toISOString()
  const made = await add(id, [step(at(one), TLP.amber, rel.id), step(at(two), TLP.clear)])
  t.equal(made.status, 201)
  t.match(made.json, { state: 'active', object: id, made_by: 'ann', collection: String, root: 'one' })
  t.strictSame(state(made), ['pending', 'pending'])
  t.strictSame((await get(made.json.id)).json, made.json)
  // Each read that ends before the time must not have it; the clock of this test is the nodes' clock.
  const seen = { dan: [] as number[], fay: [] as number[] }
  for (let done = false; !done; ) {
    for (const who of ['dan', 'fay'] as const) {
      for (const server of [first, second]) if (await reads(who, id, server)) seen[who].push(Date.now())
    }
    done = seen.fay.length > 3
  }
  t.ok((seen.dan[0] ?? 0) >= one, 'DE not before the first step')
  t.ok((seen.fay[0] ?? 0) >= two, 'FR not before the second')
  const after = await over(made.json.id)
  t.match(after.json, { state: 'done', steps: [{ change: 'widened' }, { change: 'widened' }] })
  const steps = after.json.steps as { at: string; done: string }[]
  for (const { at: due, done } of steps) t.ok(done >= due, `${done} is not before ${due}`)
  const records = (await ann.getManifest(PATH, { 'match[id]': id, 'match[version]': 'all' })).records
  t.equal(records.length, 1, 'nothing is there twice')
  t.ok((records[0]?.date_added ?? '') >= at(two).replace('Z', ''), 'a new date_added')
  t.match(await cancel(made.json.id), { status: 409 })
})

test('a node that is killed: another goes on', async (t) => {
  const doomed = await startServer(t, { database })
  const { id } = await post(TLP.red)
  const made = await add(id, [step(ahead(4000), TLP.amber), step(ahead(5000), TLP.clear)])
  await until(
    () => reads('sue', id),
    (yes) => yes,
  )
  await doomed.kill9()
  t.equal((await over(made.json.id)).json.state, 'done')
})

test('killed in the middle of a step: nothing of it is there; the next start takes it, once', async (t) => {
  const alone = await startServer(t, { topology: releaseTopology() })
  const object = indicator({ object_marking_refs: [TLP.red] })
  await alone.as('ann').add(PATH, object)
  const plan = await api(alone, 'ann').post('/api/v1/release-schedules', {
    ...{ root: 'one', collection: 'main', id: object.id, reason: 'x' },
    steps: [step(ahead(3000), TLP.clear)],
  })
  t.equal(plan.status, 201)
  // Each in a transaction of its own: within one, what others do is seen as of its first look.
  const count = (what: string) =>
    asOwner(alone.database.url, async (client) => {
      const found = await client.query(
        `select from pg_stat_activity where datname = current_database() and ${what}`,
      )
      return found.rowCount
    })
  await asOwner(alone.database.url, async (client) => {
    // The step has been taken and cannot write yet.
    await client.query('begin')
    await client.query('select from comity.item where object_id = $1 for update', [object.id])
    await until(
      () => count(`wait_event_type = 'Lock'`),
      (waiting) => waiting === 1,
    )
    await alone.kill9()
    await client.query('rollback')
    // The connection that waited may end its statement; without its client it commits nothing.
    await until(
      () => count(`application_name like 'comity%'`),
      (left) => left === 0,
    )
    const { rows } = await client.query('select state from comity.release_step')
    t.strictSame(
      rows.map((row) => row.state),
      ['pending'],
    )
  })
  const again = await startServer(t, { database: alone.database })
  t.equal((await over(plan.json.id, again)).json.state, 'done')
  t.ok(await reads('fay', object.id, again))
  const all = { 'match[id]': object.id, 'match[version]': 'all' }
  t.equal((await again.as('ann').getManifest(PATH, all)).records.length, 1)
})

test('a schedule only releases', async (t) => {
  const { id } = await post(TLP.amber)
  const refused = await add(id, [step(ahead(60_000), TLP.amber, rel.id)])
  t.equal(refused.status, 422)
  t.match(refused.json, {
    detail: /^Step 1 would take it away from sgcert, which may read it before\. A schedule only releases/,
    errors: [{ path: '/steps/0/object_marking_refs' }],
  })
  t.match(await add(id, [step(ahead(60_000), TLP.clear), step(ahead(90_000), TLP.green)]), {
    status: 422,
    json: { detail: /^Step 2 raises the level/ },
  })
  t.equal((await add(id, [step(ahead(-1000), TLP.clear)])).status, 422, 'in the past')
  t.equal((await add(id, [step(ahead(90_000), TLP.green), step(ahead(60_000), TLP.clear)])).status, 422)
  t.equal((await add(id, [step('2999-01-01T00:00:00Z', TLP.clear)])).status, 422)
  t.equal((await add(id, [step('tomorrow', TLP.clear)])).status, 400)
  t.equal((await add(id, [])).status, 400)
  t.equal((await add(id, [step(ahead(60_000), newId('marking-definition'))])).status, 422)
  t.equal((await add(rel.id, [step(ahead(60_000), TLP.clear)])).status, 409)
  const made = await add(id, [step(ahead(60_000), TLP.clear)])
  t.equal(made.status, 201)
  t.match(await add(id, [step(ahead(60_000), TLP.clear)]), { status: 409 }, 'one at a time')
  t.equal((await cancel(made.json.id)).json.state, 'cancelled')
  t.strictSame(state(await get(made.json.id)), ['cancelled'])
  t.match((await get(made.json.id)).json.note, /ann has cancelled it: not now/)
})

test('what happens meanwhile: a PATCH ends it, a delete fails it, a newer version leaves it alone', async (t) => {
  const patched = await post(TLP.red)
  const one = await add(patched.id, [step(ahead(60_000), TLP.clear)])
  const answer = await api(first, 'ann').patch(`/api/v1/roots/one/collections/main/objects/${patched.id}`, {
    object_marking_refs: [TLP.amber],
    reason: 'sooner',
  })
  t.match(answer.json, { change: 'widened', cancelled_schedules: [one.json.id] })
  t.match((await get(one.json.id)).json, { state: 'cancelled', note: /ann has relabelled/ })

  const deleted = await post(TLP.red)
  const two = await add(deleted.id, [step(ahead(4000), TLP.amber), step(ahead(60_000), TLP.clear)])
  await ann.delete(`${PATH}objects/${deleted.id}/`)
  const failed = await over(two.json.id)
  t.match(failed.json, { state: 'failed', steps: [{ problem: /not there any more/ }, {}] })
  t.strictSame(state(failed), ['failed', 'cancelled'])

  const old = await post(TLP.red)
  const three = await add(old.id, [step(ahead(4000), TLP.clear)])
  await ann.add(PATH, version(old, '2026-02-01T00:00:00.000Z', { object_marking_refs: [TLP.red] }))
  t.equal((await over(three.json.id)).json.state, 'done')
  t.notOk(await reads('dan', old.id), 'the latest version is RED still')

  const mark = { ...rel, id: newId('marking-definition') }
  await ann.add(PATH, mark)
  const { id } = await post(TLP.red)
  const four = await add(id, [step(ahead(4000), TLP.amber, mark.id), step(ahead(4500), TLP.clear)])
  await ann.delete(`${PATH}objects/${mark.id}/`)
  const stopped = await over(four.json.id)
  t.match(stopped.json, { state: 'failed', steps: [{ problem: /is not known here/ }, {}] })
  t.notOk(await reads('dan', id), 'and the rest is stopped')
})

test('who may make and who may know of it', async (t) => {
  const amber = await post(TLP.amber)
  const red = await post(TLP.red)
  const steps = [step(ahead(600_000), TLP.clear)]
  const unknown = await add(newId('indicator'), steps)
  t.equal(unknown.status, 404)
  t.strictSame(shown(await add(red.id, steps, 'bob')), shown(unknown), 'RED of a colleague')
  t.strictSame(shown(await add(red.id, steps, 'sue')), shown(unknown))
  t.match(await add(amber.id, steps, 'sue'), { status: 403 })
  t.match(await add(amber.id, steps, 'mia'), { status: 403 })
  const ask = { root: 'one', collection: 'main', steps, reason: 'x' }
  const capped = bearer(first, CAPPED)
  const above = await capped.post('/api/v1/release-schedules', { ...ask, id: amber.id })
  t.strictSame(shown(above), shown(unknown))
  const reading = bearer(first, READ_ONLY)
  t.match(await reading.post('/api/v1/release-schedules', { ...ask, id: amber.id }), { status: 403 })

  const open = (await add(amber.id, steps)).json.id
  const secret = (await add(red.id, steps)).json.id
  const nothing = await get('6d0f2b1c-52ab-4a2f-8e0b-0c6f1f1b7a11')
  t.equal(nothing.status, 404)
  for (const [who, sees] of [
    ['ann', [open, secret]],
    ['bob', [open]],
    ['mia', [open]],
    ['sue', []],
    ['dan', []],
  ] as const) {
    const list = await api(first, who).get('/api/v1/release-schedules')
    const ids = (list.json.items as { id: string }[]).map((s) => s.id)
    for (const id of [open, secret]) {
      const may = (sees as readonly unknown[]).includes(id)
      t.equal(ids.includes(id as string), may, `${who} lists ${id === open ? 'AMBER' : 'RED'}`)
      const one = await get(id, who)
      if (may) t.equal(one.status, 200)
      else t.strictSame(shown(one), shown(nothing))
      if (!may) t.strictSame(shown(await cancel(id, who)), shown(nothing))
    }
  }
  t.strictSame(shown(await capped.get(`/api/v1/release-schedules/${open}`)), shown(nothing), 'above the cap')
  t.match(await cancel(open, 'mia'), { status: 403 })
  t.match((await cancel(open, 'bob')).json, { state: 'cancelled', note: /^bob has cancelled/ })
})

test('pages', async (t) => {
  const pages: unknown[][] = []
  let next = ''
  do {
    const page = await api(first, 'ann').get(`/api/v1/release-schedules?limit=3${next}`)
    pages.push((page.json.items as { id: string }[]).map((s) => s.id))
    next = page.json.next ? `&next=${page.json.next}` : ''
  } while (next)
  const whole = (await api(first, 'ann').get('/api/v1/release-schedules?limit=1000')).json
  t.strictSame(
    pages.flat(),
    (whole.items as { id: string }[]).map((s) => s.id),
  )
  t.ok(pages.length > 2)
  t.equal((await api(first, 'bob').get(`/api/v1/release-schedules?limit=3${'&next=AAAA'}`)).status, 400)
})
