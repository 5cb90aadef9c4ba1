/** ETag, If-None-Match and HEAD per reader view: what hidden things do is not told, and what is not sent is not written down. */
import { spawnSync } from 'node:child_process'
import { gunzipSync } from 'node:zlib'
import t, { test } from 'tap'
import { api } from '../support/api.ts'
import type { Answer, Client } from '../support/client.ts'
import { database } from '../support/cluster.ts'
import { asOwner } from '../support/in-process.ts'
import { all, held, type LedgerItem, told } from '../support/ledger.ts'
import { AT, policyWorld } from '../support/policy-world.ts'
import { until } from '../support/release.ts'
import { apply, startServer } from '../support/server.ts'
import { indicator, TLP } from '../support/stix.ts'

const own = await database(t)
await apply(own.url, JSON.stringify(policyWorld()))
const server = await startServer(t, { database: own })
const other = await startServer(t, { database: own, env: { COMITY_CACHE_BYTES: '0' } })
const [my, sg, de] = [server.as('my'), server.as('sg'), server.as('de')]
const objects = Array.from({ length: 8 }, () => indicator({ object_marking_refs: [TLP.amber] }))
await my.add(AT.closed, ...objects)

const ROOT = AT.closed.replace(/collections\/.*/, '')
const PATHS = [
  '/taxii2/',
  ROOT,
  `${ROOT}collections/`,
  AT.closed,
  `${AT.closed}objects/`,
  `${AT.closed}objects/?limit=3`,
  `${AT.closed}objects/?added_after=2100-01-01T00:00:00Z`,
  `${AT.closed}manifest/`,
  `${AT.closed}manifest/?limit=3`,
  `${AT.closed}objects/${objects[0]?.id}/`,
  `${AT.closed}objects/${objects[0]?.id}/versions/`,
]
const ask = (client: Client, path: string, tag: string, method = 'GET', more: Record<string, string> = {}) =>
  client.request({ method, path, headers: { 'If-None-Match': tag, ...more } })
const tagOf = (answer: Answer) => answer.header('etag') ?? 'no tag'
const names = (answer: Answer) => answer.rawHeaders.map(([name]) => name.toLowerCase()).sort()

/** What the ledger of MyCERT says of sg, when nothing waits. */
async function ledger(): Promise<LedgerItem[]> {
  await until(
    () => asOwner(own.url, async (c) => (await c.query('select count(*)::int as n from delivery')).rows[0].n),
    (n) => n === 0,
  )
  return await all<LedgerItem>(api(server, 'my'), '/api/v1/ledger?organization=sgcert')
}

test('every resource has a tag; who sends it gets 304', async (t) => {
  for (const path of PATHS) {
    const get = await sg.get(path)
    t.equal(get.status, 200, path)
    const tag = tagOf(get)
    t.match(tag, /^W\/"[\w-]{24}"$/, path)
    t.equal(get.header('cache-control'), 'private, no-cache')
    t.equal(tagOf(await sg.get(path)), tag, `${path}: the same again`)
    t.equal(tagOf(await other.as('sg').get(path)), tag, `${path}: the same on every node, from memory or not`)
    const zipped = await sg.get(path, { headers: { 'Accept-Encoding': 'gzip' } })
    t.equal(tagOf(zipped), tag, `${path}: weak, so the same when compressed`)
    for (const client of [sg, other.as('sg')]) {
      for (const sent of [tag, tag.slice(2), '*', `"x", W/"y" ,${tag}`]) {
        for (const method of ['GET', 'HEAD']) {
          const answer = await ask(client, path, sent, method)
          t.equal(answer.status, 304, `${method} ${path} ${sent}`)
          t.equal(answer.body.length, 0)
          for (const name of [
            'etag',
            'cache-control',
            'vary',
            'x-taxii-date-added-first',
            'x-taxii-date-added-last',
          ])
            t.equal(answer.header(name), get.header(name), `${path}: ${name}`)
          t.strictSame(
            names(answer),
            names(get).filter((name) => !/^content-(type|length)$/.test(name)),
            'and no other headers',
          )
        }
      }
      for (const sent of ['"x"', 'x', '', `${tag.slice(0, -2)}"`, '"*"']) {
        const answer = await ask(client, path, sent)
        t.equal(answer.status, 200, `${path} ${sent}`)
        t.equal(answer.text, get.text)
      }
    }
  }
})

test('a tag opens nothing, and is of one reader', async (t) => {
  const path = `${AT.closed}objects/?limit=3`
  const tag = tagOf(await sg.get(path))
  t.not(tagOf(await de.get(path)), tag)
  t.equal((await ask(de, path, tag)).status, 200)
  t.equal((await ask(server.anonymous, path, tag)).status, 401)
  t.equal((await ask(server.anonymous, path, '*')).status, 401)
  const hidden = await de.get(`${AT.closed}objects/${objects[0]?.id}/`)
  const asked = await ask(de, `${AT.closed}objects/${objects[0]?.id}/`, '*')
  t.strictSame([asked.status, asked.text], [404, hidden.text], 'an object that is not there, not even for *')
  t.equal(hidden.header('etag'), undefined)
  t.equal(hidden.header('cache-control'), 'private, no-store')
  t.equal((await ask(sg, `${path}&next=A`, '*')).status, 400)
  t.equal((await sg.get(path, { headers: { 'If-None-Match': '*', Accept: 'text/html' } })).status, 406)
})

test('what one may not see moves no tag; what one sees does', async (t) => {
  const before = await Promise.all(PATHS.map(async (path) => [path, tagOf(await sg.get(path))] as const))
  const red = indicator({ object_marking_refs: [TLP.red] })
  await my.add(AT.closed, red)
  t.equal((await my.delete(`${AT.closed}objects/${red.id}/`)).status, 200, 'which raises `rewritten`')
  await apply(
    own.url,
    JSON.stringify(policyWorld()).replace(
      '"organizations":[',
      '"organizations":[{"id":"newcert","name":"New","country":"DE","kind":"organization"},',
    ),
  )
  for (const [path, tag] of before) t.equal((await ask(sg, path, tag)).status, 304, path)
  await my.add(AT.closed, indicator({ object_marking_refs: [TLP.amber] }))
  const moved = ['objects/', 'manifest/']
  for (const path of moved) {
    const tag = before.find(([p]) => p === AT.closed + path)?.[1] ?? ''
    const answer = await ask(sg, AT.closed + path, tag)
    t.equal(answer.status, 200, path)
    t.not(tagOf(answer), tag)
  }
  for (const path of moved.map((path) => `${AT.closed}${path}?limit=3`)) {
    t.equal(
      (await ask(sg, path, before.find(([p]) => p === path)?.[1] ?? '')).status,
      304,
      `${path}: a full page`,
    )
  }
})

test('a stricter label is obeyed by the next 304', async (t) => {
  const id = objects[1]?.id
  const tags = new Map<string, string>()
  const paths = [
    `${AT.closed}objects/?limit=3`,
    `${AT.closed}manifest/?limit=3`,
    `${AT.closed}objects/${id}/`,
  ]
  for (const path of paths) tags.set(path, tagOf(await sg.get(path)))
  t.equal((await my.delete(`${AT.closed}objects/${id}/`)).status, 200)
  for (const [path, tag] of tags) {
    const answer = await ask(sg, path, tag)
    t.equal(answer.status, path.endsWith(`${id}/`) ? 404 : 200, path)
    t.notOk(answer.text.includes(String(id)))
  }
})

test('HEAD and 304 are not deliveries; an answer to another tag is one', async (t) => {
  for (const node of [server, other]) {
    const client = node.as('sg')
    for (const path of [
      `${AT.closed}objects/`,
      `${AT.closed}objects/?limit=3`,
      `${AT.closed}objects/${objects[0]?.id}/`,
    ]) {
      const get = await client.get(path)
      const before = await ledger()
      const count = (list: LedgerItem[]) => list.reduce((sum, item) => sum + item.count, 0)
      for (let i = 0; i < 2; i++) {
        t.equal((await client.request({ method: 'HEAD', path })).status, 200)
        t.equal((await ask(client, path, tagOf(get))).status, 304)
        t.equal((await ask(client, path, tagOf(get), 'HEAD')).status, 304)
      }
      t.strictSame(await ledger(), before, `${path}: nothing was sent`)
      const answer = await ask(client, path, '"other"')
      t.equal(answer.text, get.text)
      const after = await ledger()
      t.equal(count(after) - count(before), get.objects.length, path)
      t.strictSame(told(after.slice(0, after.length - before.length)), held(get))
    }
  }
})

test('compressed answers hold the plain ones, on every way to them', async (t) => {
  await my.add(
    AT.closed,
    ...Array.from({ length: 40 }, () =>
      indicator({ object_marking_refs: [TLP.green], description: 'ü'.repeat(60) }),
    ),
  )
  for (const path of [
    `${AT.closed}objects/?limit=20`,
    `${AT.closed}objects/`,
    `${AT.closed}manifest/?limit=40`,
  ]) {
    for (const node of [server, other]) {
      const client = node.as('sg')
      const plain = await client.get(path)
      for (let i = 0; i < 3; i++) {
        const zipped = await client.get(path, { headers: { 'Accept-Encoding': 'gzip' } })
        t.equal(zipped.header('content-encoding'), 'gzip')
        t.equal(gunzipSync(zipped.body).toString(), plain.text)
        t.ok(zipped.body.length < plain.body.length / 2)
      }
    }
    const curl = spawnSync('curl', ['-s', '--compressed', '-u', 'sg:pw-sg', `${server.url}${path}`])
    if (curl.error) t.comment('curl is not here')
    else t.equal(curl.stdout.toString(), (await sg.get(path)).text, 'curl --compressed')
  }
})
