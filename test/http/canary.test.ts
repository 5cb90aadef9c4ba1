/** The canary crawl (policy.md §11): no string of an object reaches a profile outside its audience, by any GET. */
import t, { test } from 'tap'
import { canaryTopology, clientOf, type Planted, PROFILES, pathTo, plant } from '../support/canary.ts'
import { database } from '../support/cluster.ts'
import { crawl, declaredRoutes, fill } from '../support/crawl.ts'
import { weakLogin } from '../support/roles.ts'
import { apply, startServer } from '../support/server.ts'
import { indicator, TLP } from '../support/stix.ts'

const own = await database(t)
await apply(own.url, canaryTopology())
const server = await startServer(t, {
  database: { url: await weakLogin(t, own.url) },
  env: { COMITY_REQUEST_LIMIT: 'off' },
})
const planted: Planted = await plant(server)

test('every GET that openapi.yaml declares is one that the crawl fills in', async (t) => {
  const fills = { collection: ['/one/collections/x/'], id: ['y'], status: ['z'] }
  const routes = declaredRoutes()
  t.ok(routes.length >= 9, `${routes.length} routes`)
  for (const route of routes) {
    t.doesNotThrow(() => fill(route, fills), route)
    for (const path of fill(route, fills)) t.notMatch(path, /[{}]/, path)
  }
  t.throws(() => fill('/{root}/secrets/{secret}/', fills), 'a new parameter must be taught to the crawl')
})

for (const profile of PROFILES) {
  test(`as ${profile}`, async (t) => {
    const { leaks, seen, requests } = await crawl(server.url, profile, planted)
    t.strictSame(leaks.slice(0, 10), [], `no canary in ${requests} answers`)
    const due = planted.canaries.filter((c) => c.audience.includes(profile)).map((c) => c.name)
    t.strictSame(
      due.filter((name) => !seen.has(name)),
      [],
      `it gets all of the ${due.length} that it may have`,
    )
  })
}

test('what strangers ask, write and delete tells nothing either', async (t) => {
  const stranger = clientOf(server.url, 'stranger')
  const needles = planted.canaries.filter((c) => !c.audience.includes('stranger')).flatMap((c) => c.strings)
  for (const { id } of planted.ids) {
    const gone = await stranger.delete(`${pathTo('open')}objects/${id}/`)
    t.ok([403, 404].includes(gone.status), `DELETE ${id}: ${gone.status}`)
    const posted = await stranger.post(pathTo('open'), [
      indicator({
        name: 'probe',
        object_marking_refs: [TLP.clear],
        created_by_ref: `identity--${id.split('--')[1]}`,
      }),
    ])
    const answers = [gone.text, posted.text.replaceAll(String(posted.objects[0]?.id), '')]
    t.notOk(
      needles.some((needle) => answers.some((text) => text.includes(needle))),
      `about ${id}`,
    )
  }
})

test('/metrics and the log have no canary and nothing per level, country or organization', async (t) => {
  const metrics = (await server.request({ path: '/metrics' })).text
  t.match(metrics, /comity_requests_total/)
  for (const { name, strings } of planted.canaries) {
    for (const text of strings) {
      t.notOk(metrics.includes(text), `metrics: ${name}`)
      t.notOk(server.log().includes(text), `log: ${name}`)
    }
  }
  const labels = new Set([...metrics.matchAll(/[{,]([a-z_]+)="/g)].map((m) => m[1]))
  const allowed = [
    'method',
    'route',
    'status',
    'outcome',
    'state',
    'le',
    'kind',
    'type',
    'space',
    'version',
    'major',
    'minor',
    'patch',
    'quantile',
  ]
  t.strictSame(
    [...labels].filter((l) => !allowed.includes(String(l))),
    [],
    'labels of figures',
  )
  t.notMatch(metrics, /mycert|sgcert|decert|"(MY|SG|DE)"|amber|tlp/i)
})
