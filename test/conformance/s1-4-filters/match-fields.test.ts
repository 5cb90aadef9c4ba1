/** Match fields of the interop document (3.13.2): three tiers, references, comparisons; on objects and manifest. */
import t, { test } from 'tap'
import { isEmpty, isError } from '../../support/checks.ts'
import type { Client } from '../../support/client.ts'
import { asOwner } from '../../support/in-process.ts'
import { wrongMatches } from '../../support/match-index.ts'
import { startServer } from '../../support/server.ts'
import { indicator, indicator20, malware, newId, relationship, TLP, version } from '../../support/stix.ts'
import { KEEP, REPLACE, scratches, topology } from '../../support/world.ts'

const server = await startServer(t, { topology: topology() })
const analyst: Client = server.as('analyst')
const scratch = scratches()
t.teardown(async () => {
  const wrong = await asOwner(server.database.url, wrongMatches)
  if (wrong.length > 0) throw new Error(wrong.join('\n'))
})

const found = (path: string) => async (query: Record<string, string>) => {
  const objects = await analyst.getObjects(path, query)
  if (objects.status !== 200) throw new Error(`${objects.status}: ${objects.text}`)
  const records = await analyst.getManifest(path, query)
  t.strictSame(records.ids, objects.ids, `the manifest says the same of ${JSON.stringify(query)}`)
  return objects.ids
}

const sco = (type: string, more: Record<string, unknown>): { id: string; [name: string]: unknown } => ({
  type,
  spec_version: '2.1',
  id: newId(type),
  ...more,
})
const MD5 = 'A92D8D5D4EC2A5C2B3A9E1D0C1B2A3F4'

test('every tier, in STIX 2.1 and 2.0', async (t) => {
  const { path } = scratch()
  const objects = {
    named: malware({
      name: 'Poison, Ivy',
      aliases: ['pivy', 'darkmoon'],
      malware_types: ['remote-access-trojan'],
    }),
    sure: indicator({ confidence: 80, revoked: true, labels: ['l1'], valid_until: '9999-12-31T23:59:59Z' }),
    unsure: indicator({
      confidence: 15,
      revoked: false,
      kill_chain_phases: [{ kill_chain_name: 'k', phase_name: 'p1' }],
    }),
    sourced: indicator({
      external_references: [{ source_name: 'cve', external_id: 'CVE-2026-0001' }],
      object_marking_refs: [TLP.green],
    }),
    file: sco('file', {
      hashes: { MD5, 'SHA-256': 'b'.repeat(64), SSDEEP: '96:gS/mFkCpXTWLr' },
      name: 'x.exe',
    }),
    registry: sco('windows-registry-key', {
      key: 'HKEY_LOCAL_MACHINE\\x',
      values: [
        { name: 'a', data: '1', data_type: 'REG_DWORD' },
        { name: 'b', data: 'c', data_type: 'REG_SZ' },
      ],
    }),
    traffic: sco('network-traffic', {
      protocols: ['tcp'],
      src_port: 40000,
      dst_port: 443,
      src_ref: newId('ipv4-addr'),
      extensions: { 'socket-ext': { address_family: 'AF_INET', socket_type: 'SOCK_STREAM' } },
    }),
    system: sco('autonomous-system', { number: 4_200_000_000, name: 'an AS' }),
    old: indicator20({ labels: ['malicious-activity', 'l1'], name: 'of 2.0' }),
  }
  const link = relationship(objects.sure.id, objects.named.id)
  await analyst.add(path, ...Object.values(objects), link)
  const ask = found(path)
  const asked: [Record<string, string>, { id: string }[]][] = [
    [{ name: 'Poison, Ivy' }, [objects.named]],
    [{ name: 'of 2.0,x.exe' }, [objects.file, objects.old]],
    [{ name: 'poison, ivy' }, []],
    [{ pattern_type: 'stix', labels: 'l1' }, [objects.sure]],
    [{ labels: 'l1' }, [objects.sure, objects.old]],
    [{ aliases: 'darkmoon,none' }, [objects.named]],
    [{ malware_types: 'remote-access-trojan' }, [objects.named]],
    [{ revoked: 'true' }, [objects.sure]],
    [{ revoked: 'false' }, [objects.unsure]],
    [{ confidence: '80,15' }, [objects.sure, objects.unsure]],
    [{ 'confidence-gte': '16' }, [objects.sure]],
    [{ 'confidence-gte': '15', 'confidence-lte': '79' }, [objects.unsure]],
    [{ 'confidence-lte': '-1' }, []],
    [{ 'confidence-gte': '81' }, []],
    [{ phase_name: 'p1' }, [objects.unsure]],
    [{ data_type: 'REG_SZ' }, [objects.registry]],
    [{ data_type: 'REG_BINARY' }, []],
    [{ source_name: 'cve', external_id: 'CVE-2026-0001' }, [objects.sourced]],
    [{ MD5: MD5.toLowerCase() }, [objects.file]],
    [{ 'SHA-256': 'B'.repeat(64) }, [objects.file]],
    [{ SSDEEP: '96:gS/mFkCpXTWLr' }, [objects.file]],
    [{ address_family: 'AF_INET', socket_type: 'SOCK_STREAM' }, [objects.traffic]],
    [{ dst_port: '443' }, [objects.traffic]],
    [{ 'src_port-gte': '40000', 'src_port-lte': '40000' }, [objects.traffic]],
    [{ 'src_port-gte': '40001' }, []],
    [{ 'number-gte': '4199999999' }, [objects.system]],
    [{ 'number-lte': '4199999999' }, []],
    [{ relationship_type: 'indicates' }, [link]],
    [{ 'relationships-all': objects.named.id }, [link]],
    [{ 'relationships-all': objects.traffic.src_ref as string }, [objects.traffic]],
    [{ 'relationships-all': TLP.green }, [objects.sourced]],
    [{ tlp: 'green' }, [objects.sourced]],
    [{ tlp: 'white,red' }, []],
    [{ 'valid_until-gte': '2500-01-01T00:00:00Z' }, [objects.sure]],
    [{ 'valid_from-lte': '2025-01-01T00:00:00Z' }, []],
  ]
  for (const [fields, expected] of asked) {
    const query = Object.fromEntries(Object.entries(fields).map(([name, value]) => [`match[${name}]`, value]))
    t.strictSame(
      await ask(query),
      expected.map((o) => o.id),
      JSON.stringify(fields),
    )
  }
  const ids = await ask({
    'match[id]': `${objects.sure.id},${objects.named.id}`,
    'match[name]': 'Poison, Ivy',
  })
  t.strictSame(ids, [objects.named.id], 'AND match[id]')
  t.strictSame(await ask({ 'match[type]': 'malware', 'match[labels]': 'l1' }), [], 'AND match[type]')
  t.strictSame(await ask({ 'match[spec_version]': '2.0', 'match[labels]': 'l1' }), [objects.old.id])
})

test('T-3.4-19 fields AND, values OR, AND added_after; pages in the order of the log', async (t) => {
  const { path } = scratch()
  const list = Array.from({ length: 12 }, (_, i) =>
    indicator({ confidence: i % 3, labels: [`l${i % 2}`, 'all'] }),
  )
  await analyst.add(path, ...list.slice(0, 6))
  const { last } = await analyst.getObjects(path)
  await analyst.add(path, ...list.slice(6))
  const query = { 'match[confidence]': '0,2', 'match[labels]': 'l0,all', 'match[confidence-lte]': '1' }
  const expected = list.filter((o) => o.confidence === 0).map((o) => o.id)
  t.strictSame(await found(path)(query), expected)
  t.strictSame(await found(path)({ ...query, added_after: last }), expected.slice(2))
  for (const limit of ['1', '2', '3']) {
    const pages = await analyst.pages(`${path}objects/`, { ...query, limit })
    t.strictSame(
      pages.flatMap((p) => p.ids),
      expected,
      `by ${limit}`,
    )
    t.ok(
      pages.slice(0, -1).every((p) => p.ids.length === Number(limit)),
      'pages are full',
    )
  }
  const { next } = await analyst.getObjects(path, { ...query, limit: '1' })
  isError(t, await analyst.getObjects(path, { ...query, next, 'match[labels]': 'l1' }), 400, 'other values')
  isError(t, await analyst.getObjects(path, { next }), 400, 'none of them')
  t.strictSame((await analyst.getObjects(path, { ...query, next })).ids, expected.slice(1))
})

test('versions are chosen first, then the fields are held against them', async (t) => {
  const { path } = scratch()
  const first = indicator({ confidence: 10 })
  const second = version(first, '2026-02-01T00:00:00.000Z', { confidence: 20 })
  await analyst.add(path, first)
  await analyst.add(path, second)
  const ask = found(path)
  t.strictSame(await ask({ 'match[confidence]': '10' }), [], 'no longer')
  t.strictSame(await ask({ 'match[confidence]': '20' }), [first.id])
  t.strictSame(await ask({ 'match[confidence]': '10', 'match[version]': 'all' }), [first.id])
  const late = { 'match[modified-gte]': '2026-02-01T00:00:00Z', 'match[version]': 'all' }
  t.strictSame(await ask(late), [first.id], 'one of the two')
  await analyst.delete(`${path}objects/${first.id}/`, { query: { 'match[version]': 'last' } })
  t.strictSame(await ask({ 'match[confidence]': '10' }), [first.id], 'the former one again')
  t.strictSame(await ask({ 'match[confidence]': '20', 'match[version]': 'all' }), [])
})

test('what takes the place of a copy is found, and the copy is not', async (t) => {
  for (const { path } of [KEEP, REPLACE]) {
    const object = indicator({ name: 'before' })
    await analyst.add(path, object)
    await analyst.add(path, { ...object, name: 'after' })
    const replaced = path === REPLACE.path
    t.equal((await found(path)({ 'match[name]': 'after' })).length, replaced ? 1 : 0)
    t.equal((await found(path)({ 'match[name]': 'before' })).length, replaced ? 0 : 1)
  }
})

test('malformed values are refused', async (t) => {
  const { path } = scratch()
  await analyst.add(path, indicator())
  const bad = [
    'match[confidence]=abc',
    'match[confidence]=1.5',
    'match[confidence]=',
    'match[confidence]=1,,2',
    'match[confidence-gte]=1,2',
    'match[number]=99999999999999999',
    'match[revoked]=yes',
    'match[tlp]=purple',
    'match[name]=',
    'match[name]=a,',
    'match[name]=%00',
    'match[name]=a&match[name]=b',
    'match[modified-gte]=yesterday',
    'match[modified-gte]=2026-01-01T00:00:00Z,2026-02-01T00:00:00Z',
    `match[value]=${Array.from({ length: 101 }, (_, i) => i)}`,
    Array.from(
      'name value region labels aliases roles sectors context result opinion tlp'.split(' '),
      (f) => `match[${f}]=${f === 'tlp' ? 'red' : 'x'}`,
    ).join('&'),
  ]
  for (const query of bad) {
    isError(t, await analyst.get(`${path}objects/?${query}`), 400, query)
    isError(t, await analyst.get(`${path}manifest/?${query}`), 400, query)
  }
  isEmpty(t, await analyst.get(`${path}objects/?match[tlp]=AMBER+STRICT`), 'an unencoded plus sign')
})

test('T-3.4-21 the fields are named in the API root; others are ignored, as all are elsewhere', async (t) => {
  const { path } = scratch()
  const object = indicator()
  await analyst.add(path, object)
  const names = (await analyst.get('/global/')).json.x_comity_match_fields as string[]
  t.strictSame(names, [...names].sort())
  t.equal(names.length, 70)
  for (const name of names) {
    const value = /-gte|-lte/.test(name) && !/^(modified|valid)/.test(name) ? '1' : undefined
    const fits = /^(modified|valid)/.test(name)
      ? '2026-01-01T00:00:00Z'
      : (value ?? { revoked: 'true', tlp: 'red' }[name] ?? '1')
    t.equal((await analyst.getObjects(path, { [`match[${name}]`]: fits })).status, 200, name)
  }
  for (const name of ['x_other', 'description', 'NAME', 'sha-256'])
    t.strictSame((await analyst.getObjects(path, { [`match[${name}]`]: 'nothing' })).ids, [object.id], name)
  t.equal((await analyst.getObject(path, object.id, { 'match[name]': 'nothing' })).objects.length, 1)
  t.equal((await analyst.getVersions(path, object.id, { 'match[name]': 'nothing' })).versions.length, 1)
})
