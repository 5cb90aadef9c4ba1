/** The demo: every object is valid without a warning, invented, and together they show every kind of marking. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { describeDemo } from '../../src/cli/demo.ts'
import { demoBatches } from '../../src/cli/demo-objects.ts'
import { readTopologyFile } from '../../src/cli/topology-file.ts'
import {
  checkObject,
  DEFAULT_LIMITS,
  granularRefs,
  objectRefs,
  readObject,
  readRelease,
  TLP_BY_ID,
} from '../../src/stix/index.ts'
import { root } from '../support/paths.ts'

const batches = demoBatches()
const all = batches.flatMap((batch) => batch.objects)

function topology() {
  const read = readTopologyFile(readFileSync(join(root, 'demo', 'topology.yaml'), 'utf8'), {
    env: {},
    baseDir: root,
  })
  if (!read.ok) throw new Error(JSON.stringify(read.problems))
  return read
}

test('objects are valid, and the same every time', (t) => {
  t.ok(all.length > 250 && all.length < 450, `${all.length} objects`)
  for (const object of all) {
    const member = readObject(JSON.stringify(object), DEFAULT_LIMITS)
    if ('detail' in member) {
      t.fail(`${object.id}: ${member.detail}`)
      continue
    }
    const { findings } = checkObject(member, { specs: [21], limits: DEFAULT_LIMITS })
    t.strictSame(findings, [], `${object.id} has no findings`)
  }
  t.strictSame(demoBatches(), batches)
  t.end()
})

test('versions are distinct within a batch, and some objects have several', (t) => {
  let several = 0
  for (const { principal, collection, objects } of batches) {
    const seen = new Set<string>()
    for (const { id, modified = '' } of objects) {
      t.notOk(seen.has(`${id} ${modified}`), `${principal} ${collection}: ${id} ${modified} once`)
      seen.add(`${id} ${modified}`)
    }
    several += seen.size - new Set(objects.map((o) => o.id)).size
  }
  t.ok(several >= 20, `${several} later versions`)
  t.end()
})

test('references within a story resolve', (t) => {
  const ids = new Set(all.map((o) => o.id))
  const dangling = all.flatMap((object) =>
    Object.entries(object)
      .filter(([key]) => /_refs?$/.test(key) && key !== 'object_marking_refs')
      .flatMap(([, value]) => value as string | string[])
      .filter((ref) => !ids.has(ref)),
  )
  t.strictSame(dangling, [])
  t.end()
})

test('every level in TLP 1 and 2, unmarked ones, parts, and every kind of release', (t) => {
  const used = new Set(all.flatMap((object) => objectRefs(object)))
  for (const [id, level] of TLP_BY_ID) t.ok(used.has(id), `${level}: ${id}`)
  t.ok(
    all.some((o) => o.type === 'indicator' && objectRefs(o).length === 0),
    'unmarked',
  )
  t.ok(all.filter((o) => granularRefs(o).length > 0).length >= 3, 'granular markings')
  const releases = all.flatMap((object) => {
    const read = readRelease(object)
    if (!read || 'problem' in read) return []
    t.ok(used.has(object.id), `${object.name} is used`)
    return [read.release]
  })
  const some = (what: string, has: (release: (typeof releases)[number]) => unknown) =>
    t.ok(releases.some(has), what)
  for (const key of ['countries', 'communities', 'organizations', 'persons'] as const) {
    some(`releasable_to ${key}`, (r) => r.releasableTo?.[key])
  }
  some('not_releasable_to', (r) => r.notReleasableTo)
  some('clients', (r) => r.clients === 'denied')
  some('a hidden list', (r) => !r.discloseRecipients)
  some('not_after, far off', (r) => (r.notAfter ?? '') > '2090')
  some('not_before, past', (r) => r.notBefore !== undefined && r.notBefore < '2026')
  t.end()
})

test('addresses and names are those for documentation', (t) => {
  const text = JSON.stringify(all)
  for (const [address] of text.matchAll(/\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b/g)) {
    t.match(address, /^(192\.0\.2|198\.51\.100|203\.0\.113)\.\d+$/)
  }
  for (const { value } of all.filter((o) => o.type === 'domain-name')) t.match(value, /\.example$/)
  for (const { value } of all.filter((o) => o.type === 'ipv6-addr')) t.match(value, /^2001:db8:/)
  for (const [, host] of text.matchAll(/https?:\/\/([^/"']+)/g))
    t.match(host, /\.example$|^(json-schema\.org)$/)
  t.end()
})

test('the topology file has no problem and no warning, and is what the objects and the printed block need', (t) => {
  const { declared, warnings } = topology()
  t.strictSame(warnings, [])
  const aliases = declared.roots.flatMap((r) => r.collections.map((c) => c.alias))
  for (const { principal, collection } of batches) {
    t.ok(
      declared.principals.some((p) => p.id === principal),
      principal,
    )
    t.ok(aliases.includes(collection), collection)
  }
  const printed = describeDemo({ tls: null, publicUrl: null }, 'http://0.0.0.0:8080').join('\n')
  for (const { id, password } of declared.principals) {
    t.strictSame(password, { clear: `demo-${id}` })
    t.match(printed, `demo-${id} `)
  }
  const token = /cmty_demo\S+/.exec(printed)?.[0]
  t.match(readFileSync(join(root, 'demo', 'topology.yaml'), 'utf8'), `value: ${token}\n`)
  t.equal(
    printed.match(/^ {2}curl .*'http:\/\/127\.0\.0\.1:8080\/global\/collections\/indicators\/objects\//gm)
      ?.length,
    3,
  )
  t.match(describeDemo({ tls: null, publicUrl: null }, 'http://[::]:80').join('\n'), 'http://[::1]:80/')
  t.end()
})
