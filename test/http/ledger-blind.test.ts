/**
 * Two histories that differ only in what a colleague may not see: hidden versions, hidden references, deliveries of what
 * is RED now. The ledger and the recalls tell her the same of both (policy.md, "The promise"; §13).
 */
import { test } from 'tap'
import { basic, type StixObject } from '../support/client.ts'
import { database } from '../support/cluster.ts'
import { applyInProcess, asOwner, type Node, openNode, TestClock } from '../support/in-process.ts'
import type { LedgerItem } from '../support/ledger.ts'
import { AT, policyWorld } from '../support/policy-world.ts'
import { forPerson, indicator, relationship, TLP } from '../support/stix.ts'

type Test = Parameters<typeof database>[0]

const green = (extra: object = {}) => indicator({ object_marking_refs: [TLP.green], ...extra })
const LATER = '2026-02-01T00:00:00.000Z'
const forSg = forPerson('sg')

// The colleague is my2. Of hers: an old version, something beside it, and what points at something hidden.
const [old, beside, secret, open, away, both] = [green(), green(), green(), green(), green(), green()] as [
  StixObject,
  StixObject,
  StixObject,
  StixObject,
  StixObject,
  StixObject,
]
const link = relationship(secret.id, beside.id, { object_marking_refs: [TLP.green] })
const amber = { ...both, modified: LATER, object_marking_refs: [TLP.amber] }
const second = { ...away, modified: LATER }
const gone = green()

interface World {
  node: Node
  clock: TestClock
  url: string
  list(who: string, path: string): Promise<LedgerItem[]>
  get(who: string, path: string): Promise<void>
  send(who: string, method: 'POST' | 'PATCH' | 'DELETE', path: string, body?: object): Promise<void>
}

async function open_(t: Test): Promise<World> {
  const { url } = await database(t)
  const clock = new TestClock(BigInt(Date.parse('2026-11-25T10:00:00Z')) * 1000n)
  await applyInProcess(url, JSON.stringify(policyWorld()), clock.now())
  const node = await openNode(url, clock)
  t.teardown(() => node.close())
  const as = (id: string) => basic(id, `pw-${id}`)
  const json = { accept: 'application/json' }
  return {
    node,
    clock,
    url,
    async list(who, path) {
      const found: LedgerItem[] = []
      for (let next = ''; ; ) {
        const at = `${path}${path.includes('?') ? '&' : '?'}limit=3${next && `&next=${next}`}`
        const answer = await node.call({ path: at, as: as(who), headers: json })
        if (answer.status !== 200) throw new Error(answer.text)
        found.push(...(answer.json.items as LedgerItem[]))
        if (answer.json.next === undefined) return found
        next = String(answer.json.next)
      }
    },
    async get(who, path) {
      clock.at += 100_000n
      const answer = await node.call({ path, as: as(who) })
      if (answer.status >= 500) throw new Error(answer.text)
    },
    async send(who, method, path, body) {
      clock.at += 1_000_000n
      const text = body && { body: JSON.stringify(body) }
      const headers = method === 'PATCH' ? { ...json, 'content-type': 'application/json' } : {}
      const answer = await node.call({ method, path, as: as(who), headers, ...text })
      if (answer.status >= 300) throw new Error(answer.text)
      if (method === 'POST' && answer.json.failure_count !== 0) throw new Error(answer.text)
    },
  }
}

/** @param hidden with all that my2 may not see */
async function history(t: Test, hidden: boolean): Promise<World> {
  const world = await open_(t)
  const { node, clock, get, send } = world
  const post = (who: string, path: string, ...objects: object[]) =>
    send(who, 'POST', `${path}objects/`, { objects })
  const unseen = async (work: () => Promise<void>) => {
    const { at } = clock
    if (hidden) await work()
    clock.at = at + 3_000_000n
  }
  await post('my2', AT.closed, old, beside, link, both)
  await post('my', AT.own, open)
  for (const who of ['my2', 'sg']) await get(who, `${AT.closed}objects/?match[version]=all`)
  // A page of a moment before, of the same label.
  await unseen(async () => {
    await post('my', AT.own, gone)
    await get('sg', `${AT.own}objects/${gone.id}/`)
  })
  await get('sg', `${AT.own}objects/${open.id}/`)
  await unseen(() => get('sg', `${AT.own}objects/${gone.id}/`))
  await node.work()
  await unseen(async () => {
    await send('my', 'PATCH', `/api/v1/roots/one/collections/own/objects/${gone.id}`, {
      object_marking_refs: [TLP.red],
      reason: 'hidden',
    })
    await post('my', AT.closed, { ...old, modified: LATER, object_marking_refs: [TLP.red] })
    await post('my', AT.closed, { ...secret, object_marking_refs: [TLP.red] })
    await post('my', AT.own, forSg, { ...away, object_marking_refs: [TLP.red, forSg.id] })
    await get('sg', `${AT.own}objects/${away.id}/`)
  })
  await post('my', AT.closed, amber)
  for (const who of ['my2', 'my']) await get(who, `${AT.closed}objects/?match[version]=all`)
  await post('my', AT.own, second)
  await get('sg', `${AT.own}objects/${away.id}/?match[version]=${LATER}`)
  await get('sg', `${AT.own}objects/${away.id}/`)
  await send('my', 'DELETE', `${AT.own}objects/${away.id}/`)
  clock.at += 1_000_000n
  await node.work()
  return world
}

/** What each world's server makes by itself. */
const plain = (items: readonly object[]) =>
  items.map((item) => {
    const { id: _, at, ...rest } = item as { id?: string; at: string }
    return 'id' in item ? rest : { at, ...rest }
  })

test('a colleague is told the same, whatever else there is', async (t) => {
  const [full, less] = [await history(t, true), await history(t, false)]
  for (const path of [
    '/api/v1/ledger',
    '/api/v1/ledger?order=oldest',
    `/api/v1/ledger?object=${old.id}`,
    '/api/v1/ledger?organization=sgcert',
    '/api/v1/ledger?since=2026-11-25T10:00:10Z',
    '/api/v1/recalls',
    '/api/v1/recalls/issued',
  ]) {
    const [a, b] = [await full.list('my2', path), await less.list('my2', path)]
    t.strictSame(plain(a), plain(b), path)
    if (!path.includes('recalls?') && path !== '/api/v1/recalls') t.ok(a.length > 0, 'and there is something')
  }
  const custodian = await full.list('my', '/api/v1/ledger')
  t.ok(custodian.length > (await less.list('my', '/api/v1/ledger')).length, 'the custodian sees more')
  t.ok(
    custodian.some((item) => item.objects.some((o) => o.id === link.id) && item.rule === 'custodian'),
    'and the rule of all demands',
  )
  const mine = await full.list('my2', `/api/v1/ledger?object=${link.id}`)
  t.strictSame([...new Set(mine.map((item) => item.rule))].sort(), [
    'agreement MY>SG',
    'own-organization',
    'submitter',
  ])
})

test('one answer is one item, whole, with its own time', async (t) => {
  const { list } = await history(t, true)
  const items = await list('my2', '/api/v1/ledger?order=oldest')
  t.ok(items.every((item) => item.at === item.until && item.chain === undefined))
  t.ok(items.every((item) => item.count === item.objects.length))
  const [first] = items
  t.strictSame(
    first?.objects.map((o) => o.id),
    [old.id, beside.id, link.id, both.id],
  )
  t.equal(items.filter((item) => item.objects.some((o) => o.id === open.id)).length, 1)
  const times = items.map((item) => item.at)
  t.strictSame(times, [...times].sort(), 'in the order of time')
  t.strictSame((await list('my2', '/api/v1/ledger')).map((item) => item.at).sort(), times, 'and back')
})

test('recalls whose cause is hidden are not for who reads back its own', async (t) => {
  const { list } = await history(t, true)
  type Recall = { object: string; kind: string; recipients: { principal: string; fetched_at: string }[] }
  const recalls = async (who: string, path = '') =>
    (await list(who, `/api/v1/recalls${path}`)) as unknown as Recall[]
  const of = (items: Recall[]) => items.map((item) => `${item.object} ${item.kind}`).sort()
  t.strictSame(
    of(await recalls('sg')),
    [
      `${away.id} delete`,
      `${both.id} newer-version`,
      `${gone.id} relabel`,
      `${link.id} reference`,
      `${old.id} newer-version`,
    ].sort(),
    'who received it has to know',
  )
  t.strictSame(of(await recalls('my2')), [`${both.id} newer-version`], 'she sees the newer version')
  t.strictSame(of(await recalls('my2', '/issued')), [`${away.id} delete`, `${both.id} newer-version`].sort())
  t.equal((await recalls('my', '/issued')).length, 5, 'the custodian sees all')
  const fetched = (items: Recall[]) => items.find((r) => r.object === away.id)?.recipients[0]?.fetched_at
  const [hers, his] = [await recalls('my2', '/issued'), await recalls('my', '/issued')].map(fetched)
  t.ok(String(hers) > String(his), 'what she may see was fetched later')
})

test('what is recalled at once is recalled at one time, in the order of ids', async (t) => {
  const { get, send, list } = await open_(t)
  const [target, other] = [green(), green()]
  const links = Array.from({ length: 12 }, () =>
    relationship(other.id, target.id, { object_marking_refs: [TLP.green] }),
  )
  await send('my', 'POST', `${AT.closed}objects/`, { objects: [target, other, ...links] })
  await get('sg', `${AT.closed}objects/?match[type]=relationship`)
  await send('my', 'PATCH', `/api/v1/roots/one/collections/closed/objects/${target.id}`, {
    object_marking_refs: [TLP.amber],
    reason: 'a test',
  })
  const expected = links
    .map(({ id }) => id)
    .sort()
    .reverse()
  for (const [who, path] of [
    ['sg', '/api/v1/recalls'],
    ['my', '/api/v1/recalls/issued'],
  ] as const) {
    const items = (await list(who, path)) as unknown as { object: string; at: string; kind: string }[]
    const found = items.filter(({ kind }) => kind === 'reference')
    t.strictSame(
      found.map(({ object }) => object),
      expected,
    )
    t.equal(new Set(found.map(({ at }) => at)).size, 1)
  }
})

test('entries of an earlier form: when they were sealed, and no rule', async (t) => {
  const { list, url, clock, node, get } = await history(t, true)
  const before = await list('my2', '/api/v1/ledger')
  await asOwner(url, (client) =>
    client.query(`alter table ledger_entry disable trigger append_only;
      update ledger_entry set pages = null, marks_rule = null;
      alter table ledger_entry enable trigger append_only`),
  )
  const after = await list('my2', '/api/v1/ledger')
  const held = (items: LedgerItem[]) =>
    items.flatMap((i) => i.objects.map((o) => `${i.principal} ${o.id} ${o.version}`)).sort()
  t.strictSame(held(after), held(before))
  t.ok(after.every((item) => item.rule === null && item.at === item.until))
  const chain = await list('my', '/api/v1/ledger')
  const sealed = new Set(chain.map((item) => (item.chain as unknown as { sealed: string }).sealed))
  t.ok(after.every((item) => sealed.has(item.at)))
  t.ok(chain.every((item) => (item.chain as unknown as { pages: null }).pages === null && item.rule !== null))
  clock.at += 5_000_000n
  await get('sg', `${AT.own}objects/${open.id}/`)
  await node.work()
  const [newest, ...rest] = await list('my2', '/api/v1/ledger')
  t.strictSame(rest, after)
  t.match(newest, { rule: 'agreement MY>SG', objects: [{ id: open.id }] })
})
