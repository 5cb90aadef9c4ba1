/** Walking by next and by added_after (TAXII 2.1 §3.4, §3.5, App. B). */
import t, { test } from 'tap'
import { isEmpty, isError } from '../../support/checks.ts'
import type { Answer, Client } from '../../support/client.ts'
import { apply, startServer } from '../../support/server.ts'
import { indicator, indicator20, malware, version } from '../../support/stix.ts'
import { PUBLIC, READ_WRITE, scratches, TWIN, topology } from '../../support/world.ts'

const server = await startServer(t, { topology: topology() })
const second = await startServer(t, { database: server.database })
const analyst: Client = server.as('analyst')
const scratch = scratches()

async function filled(count = 7) {
  const { path } = scratch()
  const object = indicator()
  const versions = Array.from({ length: count }, (_, i) => version(object, `2026-01-0${i + 1}T00:00:00.000Z`))
  await analyst.add(path, ...versions)
  await analyst.add(path, ...Array.from({ length: count - 1 }, () => malware()))
  return { path, object }
}

const urls = ({ path, object }: { path: string; object: { id: string } }) => [
  `${path}objects/`,
  `${path}manifest/`,
  `${path}objects/${object.id}/?match[version]=all`,
  `${path}objects/${object.id}/versions/`,
]
const items = (answer: Answer) => (answer.versions.length > 0 ? answer.versions : answer.keys)

test('T-3.4-13 walking next returns every match once, in order, and ends', async (t) => {
  const world = await filled()
  for (const url of urls(world)) {
    const whole = items(await analyst.get(url))
    t.equal(whole.length, 7)
    for (const limit of ['1', '2', '3', '6', '7']) {
      const pages = await analyst.pages(url, { limit })
      t.strictSame(pages.flatMap(items), whole, `${url} limit ${limit}`)
      t.equal(pages.length, Math.ceil(7 / Number(limit)), `${url} limit ${limit}: no page more than needed`)
      for (const [i, page] of pages.entries()) t.equal(page.more, i < pages.length - 1)
    }
    const filtered = { limit: '2', added_after: '2020-01-01T00:00:00Z', 'match[spec_version]': '2.1' }
    t.strictSame((await analyst.pages(url, filtered)).flatMap(items), whole, `${url}, filtered`)
  }
  const all = { 'match[version]': 'all', 'match[type]': 'indicator', limit: '2' }
  t.equal((await analyst.pages(`${world.path}objects/`, all)).flatMap(items).length, 7)
})

/** Pages by added_after = Last of the page before, until an empty page. */
async function byDate(client: Client, url: string, query: Record<string, string>): Promise<string[]> {
  const seen: string[] = []
  let after: Record<string, string> = {}
  for (let i = 0; i < 200; i++) {
    const page = await client.get(url, { query: { ...query, ...after } })
    if (page.text === '{}') return seen
    seen.push(...items(page))
    after = { added_after: page.last }
  }
  throw new Error('the walk does not end')
}

test('T-3.4-14 walking by X-TAXII-Date-Added-Last returns the same list', async (t) => {
  const world = await filled()
  for (const url of urls(world)) {
    for (const limit of ['1', '2', '3', '50']) {
      const byNext = (await analyst.pages(url, { limit })).flatMap(items)
      t.strictSame(await byDate(analyst, url, { limit }), byNext, `${url} limit ${limit}`)
    }
  }
  for (const query of [{ 'match[version]': 'all' }, { 'match[type]': 'malware' }] as Record<
    string,
    string
  >[]) {
    const url = `${world.path}objects/`
    const byNext = (await analyst.pages(url, { ...query, limit: '2' })).flatMap(items)
    t.strictSame(await byDate(analyst, url, { ...query, limit: '2' }), byNext, JSON.stringify(query))
  }
})

test('T-3.4-14 exceptions: an older version or a 2.0 copy stored after the newer one; first', async (t) => {
  const { path } = scratch()
  const object = indicator()
  const v2 = version(object, '2026-02-01T00:00:00.000Z')
  await analyst.add(path, v2)
  await analyst.add(path, object)
  const old = indicator20({ id: object.id, modified: '2026-01-15T00:00:00.000Z' })
  await analyst.add(path, old)
  const key = (o: { id: string; modified?: string }) => `${o.id} ${o.modified}`
  t.strictSame((await analyst.pages(`${path}objects/`, { limit: '1' })).flatMap(items), [key(v2)])
  t.strictSame(await byDate(analyst, `${path}objects/`, { limit: '1' }), [key(v2), key(object), key(old)])
  const other = scratch()
  await analyst.add(other.path, object)
  await analyst.add(other.path, v2)
  const first = { 'match[version]': 'first', limit: '1' }
  t.strictSame((await analyst.pages(`${other.path}objects/`, first)).flatMap(items), [key(object)])
  t.strictSame(await byDate(analyst, `${other.path}objects/`, first), [key(object), key(v2)])
  const all = { 'match[version]': 'all', 'match[spec_version]': '2.0,2.1', limit: '1' }
  for (const url of [`${path}objects/`, `${other.path}objects/`]) {
    t.strictSame(
      await byDate(analyst, url, all),
      (await analyst.pages(url, all)).flatMap(items),
      'none with all',
    )
  }
})

test('T-3.4-15 next is a URL-safe string, and there is none without more', async (t) => {
  const world = await filled()
  for (const url of urls(world)) {
    for (const page of await analyst.pages(url, { limit: '2' })) {
      if (page.more) {
        t.type(page.json.next, 'string')
        t.match(page.next, /^[A-Za-z0-9_.~-]+$/, 'URL-safe')
      } else {
        t.notOk('next' in page.json, 'no next on the last page')
      }
    }
  }
})

test('T-3.4-16 next without limit, with another limit, with and without added_after; repeatable', async (t) => {
  const world = await filled()
  for (const url of urls(world)) {
    const whole = items(await analyst.get(url))
    const { next } = await analyst.get(url, { query: { limit: '2' } })
    const more = (query: Record<string, string>) => analyst.get(url, { query: { next, ...query } })
    t.strictSame(items(await more({})), whole.slice(2), 'without limit')
    for (const limit of [1, 2, 3, 5, 100]) {
      t.strictSame(items(await more({ limit: String(limit) })), whole.slice(2, 2 + limit), `limit ${limit}`)
    }
    t.equal((await more({ limit: '2' })).text, (await more({ limit: '2' })).text, 'again: the same page')
    const late = await more({ added_after: '2020-01-01T00:00:00Z' })
    t.strictSame(items(late), whole.slice(2), 'an added_after that came later is no fault')
  }
})

test('T-3.4-16 next and added_after are both bounds; the walk keeps its added_after', async (t) => {
  const world = await filled()
  const url = `${world.path}objects/`
  const { records } = await analyst.getManifest(world.path)
  const whole = records.map((r) => `${r.id} ${r.version}`)
  const start = records[1]?.date_added ?? ''
  const page = await analyst.get(url, { query: { added_after: start, limit: '2' } })
  t.strictSame(items(page), whole.slice(2, 4))
  const next = page.next
  t.strictSame(items(await analyst.get(url, { query: { next } })), whole.slice(4), 'added_after dropped')
  const same = await analyst.get(url, { query: { next, added_after: start } })
  t.strictSame(items(same), whole.slice(4), 'added_after kept')
  const later = records[5]?.date_added ?? ''
  t.strictSame(
    items(await analyst.get(url, { query: { next, added_after: later } })),
    whole.slice(6),
    'a later one',
  )

  const { path } = scratch()
  const object = indicator()
  const v2 = version(object, '2026-02-01T00:00:00.000Z')
  await analyst.add(path, v2)
  const { last } = await analyst.getObjects(path)
  const others = [malware(), malware()]
  await analyst.add(path, ...others)
  await analyst.add(path, object)
  const walk = await analyst.getObjects(path, { added_after: last, limit: '2' })
  const rest = await analyst.getObjects(path, { next: walk.next })
  t.strictSame(
    rest.keys,
    [`${object.id} ${object.modified}`],
    "v1 is the last version after the walk's added_after",
  )
})

test('T-3.4-16 next is good on another node and after a restart', async (t) => {
  const world = await filled()
  const url = `${world.path}objects/`
  const whole = items(await analyst.get(url))
  const { next } = await analyst.get(url, { query: { limit: '2' } })
  t.strictSame(
    items(await second.as('analyst').get(url, { query: { next } })),
    whole.slice(2),
    'another node',
  )
  const third = await startServer(t, { database: server.database })
  t.strictSame(
    items(await third.as('analyst').get(url, { query: { next } })),
    whole.slice(2),
    'a node started since',
  )
})

test('T-3.4-17 next that was not made for this request gives 400', async (t) => {
  const world = await filled()
  const other = await filled()
  const [objects = '', manifest = '', byId = '', versions = ''] = urls(world)
  const next = (await analyst.get(objects, { query: { limit: '2' } })).next
  const middle = Math.floor(next.length / 2)
  const flip = (at: number) => next.slice(0, at) + (next[at] === 'A' ? 'B' : 'A') + next.slice(at + 1)
  const forged = [
    '',
    'x',
    '0',
    '1',
    '2',
    next.slice(0, -1),
    next.slice(1),
    next.slice(0, 10),
    `${next}A`,
    flip(0),
    flip(middle),
    flip(5),
    next.toUpperCase(),
    next + next,
    '../../etc/passwd',
    "' or 1=1 --",
    Buffer.from('{"after":0}').toString('base64url'),
    `${next}%00`,
    ` ${next}`,
  ]
  for (const value of forged)
    isError(t, await analyst.get(objects, { query: { next: value } }), 400, `next=${value.slice(0, 30)}`)
  isError(t, await analyst.get(`${objects}?next=${next}&next=${next}`), 400, 'repeated')
  const [otherObjects = '', , , otherVersions = ''] = urls(other)
  isError(t, await analyst.get(otherObjects, { query: { next } }), 400, 'from another collection')
  isError(t, await analyst.get(manifest, { query: { next } }), 400, 'from another endpoint')
  isError(t, await analyst.get(byId, { query: { next } }), 400, 'from another endpoint, by id')
  isError(t, await analyst.get(versions, { query: { next } }), 400, 'from another endpoint, versions')
  isError(t, await server.as('keeper').get(objects, { query: { next } }), 400, 'from another subject')
  isError(t, await server.as('colleague').get(objects, { query: { next } }), 400, 'from a colleague')
  const changed: Record<string, string>[] = [
    { 'match[type]': 'malware' },
    { 'match[version]': 'all' },
    { 'match[spec_version]': '2.1' },
    { 'match[id]': world.object.id },
  ]
  for (const match of changed) {
    isError(
      t,
      await analyst.get(objects, { query: { next, ...match } }),
      400,
      `with ${JSON.stringify(match)}`,
    )
  }
  const filtered = (await analyst.get(objects, { query: { 'match[type]': 'malware', limit: '2' } })).next
  isError(t, await analyst.get(objects, { query: { next: filtered } }), 400, 'match dropped')
  const ofVersions = (await analyst.get(versions, { query: { limit: '2' } })).next
  isError(t, await analyst.get(otherVersions, { query: { next: ofVersions } }), 400, 'of another object')
  t.equal((await analyst.get(objects, { query: { next } })).status, 200, 'the true one still works')
})

test('T-3.4-17 next of one root or of a signed-in reader is worth nothing elsewhere', async (t) => {
  await analyst.add(READ_WRITE.path, indicator(), indicator(), indicator())
  await analyst.add(TWIN.path, indicator(), indicator(), indicator())
  const { next } = await analyst.getObjects(READ_WRITE.path, { limit: '1' })
  isError(t, await analyst.getObjects(TWIN.path, { next }), 400, 'the same collection id in another root')
  await analyst.add(PUBLIC.path, indicator(), indicator(), indicator())
  const signed = (await analyst.getObjects(PUBLIC.path, { limit: '1' })).next
  const anonymous = (await server.anonymous.getObjects(PUBLIC.path, { limit: '1' })).next
  isError(
    t,
    await server.anonymous.getObjects(PUBLIC.path, { next: signed }),
    400,
    'signed in, then anonymous',
  )
  isError(t, await analyst.getObjects(PUBLIC.path, { next: anonymous }), 400, 'anonymous, then signed in')
  t.equal((await server.anonymous.getObjects(PUBLIC.path, { next: anonymous })).objects.length, 2)
})

test('T-3.4-18 inserts during a walk come at its end, deletes do no harm', async (t) => {
  const { path } = scratch()
  const objects = Array.from({ length: 6 }, () => indicator())
  await analyst.add(path, ...objects)
  const ids = objects.map((o) => o.id)
  const page1 = await analyst.getObjects(path, { limit: '2' })
  const late = indicator()
  await analyst.add(path, late)
  const page2 = await analyst.getObjects(path, { limit: '2', next: page1.next })
  await analyst.delete(`${path}objects/${ids[1]}/`)
  await analyst.delete(`${path}objects/${ids[4]}/`)
  const page3 = await analyst.getObjects(path, { limit: '10', next: page2.next })
  t.strictSame(page1.ids, ids.slice(0, 2))
  t.strictSame(page2.ids, ids.slice(2, 4))
  t.strictSame(page3.ids, [ids[5], late.id])
  const poll = await analyst.getObjects(path, { added_after: page3.last })
  isEmpty(t, poll, 'the next poll')
  const page = await analyst.getObjects(path, { limit: '1' })
  for (const id of (await analyst.getObjects(path)).ids) await analyst.delete(`${path}objects/${id}/`)
  isEmpty(t, await analyst.getObjects(path, { next: page.next }), 'all that followed is gone')
})

test('D-4 next outlives an apply of the same topology', async (t) => {
  const world = await filled()
  const url = `${world.path}objects/`
  const { next } = await analyst.get(url, { query: { limit: '2' } })
  await apply(server.database.url, topology())
  t.equal(items(await analyst.get(url, { query: { next } })).length, 5)
})

test('D-4 next tells nothing: it is opaque and holds no readable position', async (t) => {
  const world = await filled()
  const page = await analyst.get(`${world.path}objects/`, { query: { limit: '2' } })
  const bytes = Buffer.from(page.next, 'base64url').toString('latin1')
  for (const part of [page.last, world.path.split('/')[3] ?? '', 'analyst', 'limit']) {
    t.notOk(bytes.includes(part) || page.next.includes(part), `does not spell out ${part}`)
  }
})
