/** Published data with real histories: six releases each of ATT&CK for ICS and Mobile, imported in their order. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { type Test, test } from 'tap'
import { contentHash, timestampKey } from '../../src/stix/index.ts'
import type { StixObject } from '../support/client.ts'
import { databaseWith } from '../support/cluster.ts'
import { exportFrom, importInto, onExchange } from '../support/exchange.ts'
import { root } from '../support/paths.ts'
import { apply, startServer } from '../support/server.ts'
import { scratches, topology } from '../support/world.ts'

const data = process.env.COMITY_TEST_DATA ?? join(root, '..', 'shared', 'data')
const next = scratches()

/** Why the tests cannot run, or false. */
function missing(folder: string): string | false {
  if (existsSync(join(data, folder))) return false
  return `NOT TESTED: no ${folder} in ${data}; set COMITY_TEST_DATA to the folder of the published data`
}

interface Release {
  path: string
  objects: StixObject[]
}

function releases(folder: string): Release[] {
  return readdirSync(join(data, folder))
    .filter((name) => name.endsWith('.json.gz'))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .map((name) => {
      const path = join(data, folder, name)
      return { path, objects: JSON.parse(gunzipSync(readFileSync(path)).toString('utf8')).objects }
    })
}

const versionOf = (object: StixObject) => object.modified ?? object.created ?? ''
const keyOf = (object: StixObject) => timestampKey(versionOf(object)) ?? ''

/** What a server must make of a history, by rules of its own: first accepted content per version, nothing invalid. */
class Model {
  readonly versions = new Map<string, Map<string, string>>()

  /** @returns counts of one file */
  add(objects: readonly StixObject[]): { stored: number; present: number; failed: number } {
    const count = { stored: 0, present: 0, failed: 0 }
    // Marking-definitions first, and never changed.
    const isMarking = (o: StixObject) => o.type === 'marking-definition'
    for (const object of [...objects.filter(isMarking), ...objects.filter((o) => !isMarking(o))]) {
      const known = this.versions.get(object.id) ?? new Map<string, string>()
      const hash = contentHash(object)
      const key = keyOf(object)
      const same = isMarking(object) ? [...known.values()][0] : known.get(key)
      if (invalid(object) || (same !== undefined && same !== hash)) count.failed++
      else if (same !== undefined) count.present++
      else {
        count.stored++
        known.set(key, hash)
        this.versions.set(object.id, known)
      }
    }
    return count
  }
}

/** The one kind of invalid object in these releases: modified before created. */
const invalid = (object: StixObject) =>
  object.modified !== undefined && keyOf(object) < (timestampKey(object.created ?? '') ?? '')

async function world(t: Test): Promise<string> {
  const text = topology()
  return (await databaseWith(t, text, (u) => apply(u, text))).url
}

for (const folder of ['attack-ics', 'attack-mobile']) {
  test(`${folder}: every release in its order`, { skip: missing(folder) }, async (t) => {
    const url = await world(t)
    const collection = next()
    const target = { root: 'global', collection: collection.alias, as: 'analyst' }
    const model = new Model()
    await onExchange(url, async (exchange) => {
      for (const { path, objects } of releases(folder)) {
        const expected = model.add(objects)
        const options = { ...target, files: [path] }
        const first = await importInto(exchange, options)
        t.comment(`${first.out.at(-1)}`)
        t.match(first, { read: objects.length, ...expected }, `${path}: ${first.err.join('\n')}`)
        t.equal(first.code, expected.failed > 0 ? 1 : 0)
        const again = await importInto(exchange, options)
        t.match(
          again,
          { stored: 0, present: expected.stored + expected.present, failed: expected.failed },
          'again',
        )
      }
      await matches(t, model, async (version) => {
        const { text } = await exportFrom(exchange, { ...target, format: 'ndjson', version })
        return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as StixObject]))
      })
    })
    const server = await startServer(t, { database: { url } })
    await matches(t, model, (version) => walk(server.as('analyst'), collection.path, version))
    const [id, known] = [...model.versions].reduce((a, b) => (b[1].size > a[1].size ? b : a))
    const listed = await server.as('analyst').get(`${collection.path}objects/${id}/versions/`)
    t.strictSame(
      listed.versions.map((v) => timestampKey(v)).sort(),
      [...known.keys()].sort(),
      `versions of ${id}`,
    )
  })
}

async function walk(
  client: ReturnType<Awaited<ReturnType<typeof startServer>>['as']>,
  path: string,
  which: string,
): Promise<StixObject[]> {
  const found: StixObject[] = []
  const query: Record<string, string> = { limit: '1000', 'match[version]': which }
  for (;;) {
    const page = await client.getObjects(path, query)
    if (page.status !== 200) throw new Error(page.text)
    found.push(...page.objects)
    if (!page.more) return found
    query.next = page.next
  }
}

/** Every version of every id, once, with the content that came first; and the first and last of each. */
async function matches(
  t: Test,
  model: Model,
  read: (version: 'all' | 'last') => Promise<StixObject[]>,
): Promise<void> {
  const wanted = (pick: (keys: string[]) => string[]) =>
    [...model.versions].flatMap(([id, known]) =>
      pick([...known.keys()].sort()).map((k) => `${id} ${k} ${known.get(k)}`),
    )
  const found = (objects: StixObject[]) => objects.map((o) => `${o.id} ${keyOf(o)} ${contentHash(o)}`).sort()
  t.ok(
    same(
      found(await read('all')),
      wanted((keys) => keys),
    ),
    'all versions',
  )
  t.ok(
    same(
      found(await read('last')),
      wanted((keys) => keys.slice(-1)),
    ),
    'last versions',
  )
}

/** Thousands of lines are compared without showing them. */
function same(found: string[], wanted: string[]): boolean {
  const sorted = wanted.sort()
  return found.length === sorted.length && found.every((line, i) => line === sorted[i])
}
