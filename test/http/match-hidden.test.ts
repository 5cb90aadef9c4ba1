/** Match fields and what a reader may not see (policy.md §5, "Filters, search and match never see a part that the reader may not see"). */
import t, { test } from 'tap'
import { api } from '../support/api.ts'
import { asOwner } from '../support/in-process.ts'
import { wrongMatches } from '../support/match-index.ts'
import { AT, policyWorld } from '../support/policy-world.ts'
import { startServer } from '../support/server.ts'
import { indicator, malware, relationship, report, TLP, version } from '../support/stix.ts'

const server = await startServer(t, { topology: JSON.stringify(policyWorld()) })
const my = server.as('my')
const GREEN = { object_marking_refs: [TLP.green] }
const RED = { object_marking_refs: [TLP.red] }

/** What a reader gets for a query on the list and on the manifest: all that it can observe. */
async function observe(who: string, path: string, query: Record<string, string>) {
  const [objects, manifest] = [
    await server.as(who).getObjects(path, query),
    await server.as(who).getManifest(path, query),
  ]
  t.strictSame(manifest.ids, objects.ids, 'the manifest says the same')
  return { ids: objects.ids, objects: objects.fingerprint, manifest: manifest.fingerprint }
}

test('nobody finds an object by a part that it does not see', async (t) => {
  const path = AT.redact
  const object = malware({
    ...GREEN,
    name: 'open name',
    aliases: ['open alias', 'hidden alias'],
    labels: ['hidden label'],
    external_references: [
      { source_name: 'hidden source', external_id: 'H-1' },
      { source_name: 'open source', url: 'https://example.com/' },
    ],
    granular_markings: [
      { marking_ref: TLP['amber+strict'], selectors: ['aliases.[1]', 'labels', 'external_references.[0]'] },
    ],
  })
  await my.add(path, object)
  const hidden: Record<string, string>[] = [
    { 'match[aliases]': 'hidden alias' },
    { 'match[labels]': 'hidden label' },
    { 'match[source_name]': 'hidden source' },
    { 'match[external_id]': 'H-1' },
    { 'match[name]': 'open name', 'match[aliases]': 'hidden alias' },
    { 'match[id]': object.id, 'match[labels]': 'hidden label' },
  ]
  const open: Record<string, string>[] = [
    { 'match[name]': 'open name' },
    { 'match[aliases]': 'open alias,hidden alias' },
    { 'match[source_name]': 'open source' },
    { 'match[id]': object.id, 'match[aliases]': 'open alias' },
  ]
  for (const query of hidden) {
    for (const who of ['my', 'sg'])
      t.strictSame((await observe(who, path, query)).ids, [object.id], `${who}: ${JSON.stringify(query)}`)
    for (const who of ['bank', 'de']) {
      const got = await observe(who, path, query)
      t.strictSame(got.ids, [], `${who}: ${JSON.stringify(query)}`)
      const nothing = Object.fromEntries(
        Object.entries(query).map(([name, value]) => [name, name === 'match[id]' ? value : `${value}?`]),
      )
      t.strictSame(await observe(who, path, nothing), got, 'as for a value that nothing has, byte for byte')
    }
  }
  for (const query of open)
    for (const who of ['my', 'sg', 'bank', 'de'])
      t.strictSame((await observe(who, path, query)).ids, [object.id], `${who}: ${JSON.stringify(query)}`)
})

test('a container is not found by a reference that is taken out of it', async (t) => {
  const path = AT.redact
  const [seen, unseen] = [indicator(GREEN), indicator(RED)]
  await my.add(path, seen, unseen)
  const about = report([seen.id, unseen.id], { ...GREEN, name: 'about both' })
  await my.add(path, about)
  t.strictSame((await observe('my', path, { 'match[relationships-all]': unseen.id })).ids, [about.id])
  for (const who of ['sg', 'de']) {
    t.strictSame((await observe(who, path, { 'match[name]': 'about both' })).ids, [about.id])
    t.strictSame((await observe(who, path, { 'match[relationships-all]': seen.id })).ids, [about.id])
    t.strictSame((await observe(who, path, { 'match[relationships-all]': unseen.id })).ids, [])
  }
})

test('hidden objects with the value change no byte: lists, pages, more, next, dates', async (t) => {
  const path = AT.closed
  const list = Array.from({ length: 5 }, () => indicator({ ...GREEN, labels: ['common'] }))
  await my.add(path, ...list)
  const ask = async () => [
    await observe('de', path, { 'match[labels]': 'common' }),
    await observe('de', path, { 'match[labels]': 'common', limit: '2' }),
    await observe('de', path, { 'match[labels]': 'common', limit: '5' }),
    await observe('de', path, { 'match[labels]': 'secret' }),
    await observe('de', path, {
      'match[labels]': 'common,secret',
      'match[pattern_type]': 'stix',
      limit: '4',
    }),
  ]
  const before = await ask()
  await my.add(path, ...Array.from({ length: 20 }, () => indicator({ ...RED, labels: ['common', 'secret'] })))
  t.strictSame(await ask(), before)
})

test('labels that change: found by those who see it now, where it lies now', async (t) => {
  const path = AT.closed
  const [object, other] = [indicator({ ...RED, name: 'moves' }), indicator({ ...GREEN, name: 'moves' })]
  await my.add(path, object, other)
  const link = relationship(object.id, other.id, { ...GREEN, description: 'closed' })
  await my.add(path, link)
  const find = async (who: string) => (await observe(who, path, { 'match[name]': 'moves' })).ids
  const linked = async (who: string) =>
    (await observe(who, path, { 'match[relationships-all]': object.id })).ids
  t.strictSame(await find('de'), [other.id])
  t.strictSame(await linked('de'), [])
  await api(server, 'my').patch(`/api/v1/roots/one/collections/closed/objects/${object.id}`, {
    ...GREEN,
    reason: 'a test',
  })
  t.strictSame(await find('de'), [other.id, object.id], 'appended again')
  t.strictSame(await linked('de'), [link.id])
  const levelled = { 'match[tlp]': 'green', 'match[name]': 'moves' }
  t.strictSame((await observe('de', path, levelled)).ids, [other.id, object.id])
  await my.add(path, version(object, '2026-02-01T00:00:00.000Z', RED))
  t.strictSame(await find('de'), [other.id], 'a stricter version closes the former one')
  t.strictSame(await linked('de'), [])
})

test('the index is what the texts say', async (t) => {
  t.strictSame(await asOwner(server.database.url, wrongMatches), [])
})
