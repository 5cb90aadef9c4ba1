/** The door: which objects are let in, and what a refusal says (T-5.5-10, D-6, T-4.3-04). */
import { test } from 'tap'
import {
  checkObject,
  DEFAULT_LIMITS,
  isStixId,
  isTypeName,
  RELEASE_EXTENSION_DEFINITION,
  readObject,
  SCO_TYPES,
  SDO_TYPES,
  type Spec,
  SRO_TYPES,
  STANDARD_DEFINITIONS,
} from '../../src/stix/index.ts'

const UUID = '7c1d0b0e-3c1e-4d3e-9f51-6b0f4b7d2a10'
const AT = '2026-01-01T00:00:00.000Z'

function check(value: unknown, specs: readonly Spec[] = [20, 21], limits = DEFAULT_LIMITS) {
  const member = readObject(typeof value === 'string' ? value : JSON.stringify(value), limits)
  if ('detail' in member) throw new Error(member.detail)
  return checkObject(member, { specs, limits })
}

const codes = (value: unknown, specs?: readonly Spec[]) =>
  check(value, specs)
    .findings.filter((f) => f.severity === 'error')
    .map((f) => `${f.code} ${f.path}`)

const sdo = (type: string, more: Record<string, unknown> = {}) => ({
  type,
  spec_version: '2.1',
  id: `${type}--${UUID}`,
  created: AT,
  modified: AT,
  ...more,
})
const tool = (more: Record<string, unknown> = {}) => sdo('tool', { name: 'nmap', ...more })
const without = (value: Record<string, unknown>, ...keys: string[]) =>
  Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key)))

test('a valid object comes with what the store needs', async (t) => {
  const { object, findings, label } = check(tool({ modified: '2026-01-02T00:00:00.500Z' }))
  t.same(findings, [])
  t.match(object, {
    id: `tool--${UUID}`,
    type: 'tool',
    spec: 21,
    sco: false,
    version: '2026-01-02T00:00:00.500Z',
    versionKey: '2026-01-02T00:00:00.5',
    hash: /^[0-9a-f]{64}$/,
  })
  t.same(label, { id: `tool--${UUID}`, version: '2026-01-02T00:00:00.500Z' })
})

test('every type of the standard is judged without a fault', async (t) => {
  t.equal(SDO_TYPES.size + SRO_TYPES.size + SCO_TYPES.size, 39)
  for (const type of [
    ...SDO_TYPES,
    ...SRO_TYPES,
    ...SCO_TYPES,
    'marking-definition',
    'language-content',
    'extension-definition',
    'x-own',
  ]) {
    for (const spec_version of ['2.0', '2.1']) {
      const found = check(sdo(type, { spec_version })).findings
      t.notOk(
        found.some((f) => f.code === 'internal'),
        type,
      )
    }
  }
})

test('T-5.5-10: what hangs on id and type', async (t) => {
  t.same(codes(without(tool(), 'id')), ['CO-01/id /id'])
  t.same(codes(without(tool(), 'type')), ['TY-01/type /type'])
  t.same(codes(tool({ id: `malware--${UUID}` })), ['CO-01/id-type /id'])
  t.same(codes(tool({ id: 'tool--1' })), ['CO-01/id /id'])
  t.same(codes(tool({ id: 7 })), ['CO-01/id /id'])
  t.same(codes(tool({ type: 'Tool' })), ['TY-14/type-name /type'])
  t.same(codes(tool({ type: ['tool'] })), ['TY-14/type-name /type'])
  t.same(codes(sdo('bundle')), ['ME-11/bundle /type'])
  t.same(codes(sdo(`x-${'a'.repeat(240)}`, { x_a: 1 }), [21]), [])
  t.match(check(sdo(`x-${'a'.repeat(240)}`), [21], { ...DEFAULT_LIMITS, idLength: 200 }).findings, [
    { code: 'limit/id' },
  ])
})

test('ids and type names', async (t) => {
  for (const good of [`tool--${UUID}`, `x-a--${UUID.toUpperCase()}`, `abc---${UUID}`])
    t.ok(isStixId(good), good)
  for (const bad of [
    UUID,
    `--${UUID}`,
    `to--${UUID}`,
    `tool-${UUID}`,
    `Tool--${UUID}`,
    `tool--${UUID}\n`,
    ` tool--${UUID}`,
    'tool--00000000-0000-0000-0000-000000000000',
    'tool--7c1d0b0e-3c1e-9d3e-9f51-6b0f4b7d2a10',
    'tool--7c1d0b0e-3c1e-4d3e-cf51-6b0f4b7d2a10',
    `a--b--${UUID}`,
  ]) {
    t.notOk(isStixId(bad), bad)
  }
  t.ok(isTypeName('x-mitre-tactic'))
  t.notOk(isTypeName(`${'a-'.repeat(50_000)}!`))
})

test('D-6: which version judges', async (t) => {
  const old = without(tool(), 'spec_version')
  t.equal(check(old).object?.spec, 20)
  t.equal(check(tool({ spec_version: '2.0' })).object?.spec, 20)
  t.equal(check(tool()).object?.spec, 21)
  t.match(check(old, [21]).findings, [
    { severity: 'error', path: '/spec_version', message: /spec_version is missing.*2\.1 only/ },
  ])
  t.match(check(tool({ spec_version: '2.0' }), [21]).findings, [{ message: /2\.1 only/ }])
  t.match(check(tool(), [20]).findings, [{ message: /2\.0 only/ }])
  for (const spec_version of ['2.2', 2.1, '', null]) t.match(codes(tool({ spec_version })), [/spec-version/])
  t.match(codes(without(sdo('note', { content: 'x', object_refs: [`tool--${UUID}`] }), 'spec_version')), [
    /spec-version/,
  ])
  const sco = check({ type: 'url', id: `url--${UUID}`, value: 'https://example.org/' }, [21]).object
  t.match(sco, { spec: 21, sco: true, version: null, versionKey: null })
  t.match(check({ type: 'x-thing', id: `x-thing--${UUID}`, x_b: 1 }, [21]).object, {
    spec: 21,
    sco: true,
    version: null,
  })
  t.match(check(sdo('x-thing', { x_a: 1 })).object, { spec: 21, sco: false, version: AT })
})

test('T-3.4.1-11: a marking-definition has the version of its created', async (t) => {
  const statement = { definition_type: 'statement', definition: { statement: 'x' } }
  const marking = without(sdo('marking-definition', statement), 'modified')
  t.match(check(marking).object, { sco: false, version: AT })
  t.match(codes(without(marking, 'created')), ['TY-01/required /created'])
  t.same(codes(without(marking, 'definition')), ['ME-02/definition /definition'])
})

test('required properties and common properties', async (t) => {
  t.same(codes(without(tool(), 'name', 'modified')).sort(), [
    'TY-01/required /modified',
    'TY-01/required /name',
  ])
  t.match(check(without(tool(), 'name')).findings[0]?.message, /\/name is required/)
  t.same(codes(tool({ labels: [] })), ['TY-02/empty-list /labels'])
  t.same(codes(tool({ confidence: 101 })), ['TY-04/range /confidence'])
  t.same(codes(tool({ revoked: 'no' })), ['TY-05/type /revoked'])
  t.same(codes(tool({ lang: '?' })), ['CO-13/lang /lang'])
  t.same(codes(tool({ created_by_ref: `tool--${UUID}` })), ['CO-11/target /created_by_ref'])
  t.same(codes(tool({ object_marking_refs: [] })), ['TY-02/empty-list /object_marking_refs'])
  t.same(codes(tool({ object_marking_refs: [`tool--${UUID}`] })), ['CO-12/target /object_marking_refs/0'])
  t.same(codes(tool({ external_references: [{ source_name: 'x' }] })), [
    'TY-10/external-reference /external_references/0',
  ])
  t.same(codes(tool({ extensions: { nonsense: { a: 1 } } })), ['ME-08/key /extensions/nonsense'])
  t.same(codes(tool({ created: '2026-02-30T00:00:00Z' })), ['TY-13/timestamp /created'])
  t.same(codes(tool({ modified: '2025-12-31T23:59:59.999Z' })), ['CO-10/modified-before-created /modified'])
})

test('created and modified of whole seconds only warn at the door (T-3.4.1-12)', async (t) => {
  const whole = { created: '2026-01-01T00:00:00Z', modified: '2026-01-01T00:00:00Z' }
  const { object, findings } = check(tool(whole))
  t.equal(object?.version, whole.modified)
  t.same(
    findings.filter((f) => f.code === 'CO-09/precision').map((f) => f.severity),
    ['warning', 'warning'],
  )
  const old = { spec_version: '2.0', labels: ['x'] }
  t.ok(check(tool({ ...whole, ...old })).object, 'in STIX 2.0, too')
  const longer = { created: '2026-01-01T00:00:00.000000Z', modified: '2026-01-01T00:00:00.000001Z' }
  t.ok(check(tool(longer)).object)
  t.notOk(check(tool({ ...longer, ...old })).object, 'which has exactly three digits otherwise')
  t.notOk(check(tool({ ...old, id: `tool--${UUID.replace('-4', '-5')}` })).object, 'and ids with UUIDv4')
})

test('ME-04: the TLP 2.0 extension is no marking where it stands on anything else, at the door too', async (t) => {
  const key = 'extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d'
  const extensions = { [key]: { extension_type: 'property-extension', tlp_2_0: 'red' } }
  t.same(codes(tool({ extensions })), [`ME-04/tlp /extensions/${key}`])
  t.notOk(check(tool({ extensions, spec_version: '2.0', labels: ['x'] })).object)
})

test('nulls and references at any depth', async (t) => {
  t.same(codes(tool({ x_a: null })), ['TY-01/null /x_a'])
  t.same(codes(tool({ x_a: [{ b: [null] }] })), ['TY-01/null /x_a/0/b/0'])
  t.same(
    codes(sdo('relationship', { relationship_type: 'uses', source_ref: 'x', target_ref: `tool--${UUID}` })),
    ['CO-01/reference /source_ref'],
  )
  t.same(codes(tool({ x_list: [{ object_refs: [`bundle--${UUID}`] }] })), [
    'ME-11/bundle /x_list/0/object_refs/0',
  ])
  t.same(codes(tool({ x_a_refs: [] })), ['TY-02/empty-list /x_a_refs'])
  const custom = check(tool({ x_mitre_ref: '' }))
  t.ok(custom.object, 'custom references only warn')
  t.match(custom.findings, [{ severity: 'warning', path: '/x_mitre_ref' }])
  const crowd = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`x_${i}_ref`, '']))
  t.equal(check(tool({ ...crowd, x_z: null })).object, null, 'warnings do not crowd out an error')
  const seen = { first_observed: AT, last_observed: AT, number_observed: 1 }
  const objects = {
    0: { type: 'file', name: 'a', parent_directory_ref: '1' },
    1: { type: 'directory', path: '/' },
  }
  t.same(codes(sdo('observed-data', { ...seen, objects })), [])
  t.same(codes(sdo('observed-data', { ...seen, objects: { 0: { type: 'file', name: null } } })), [
    'TY-01/null /objects/0/name',
  ])
  const process = {
    type: 'process',
    spec_version: '2.1',
    id: `process--${UUID}`,
    environment_variables: { MY_ref: 'x' },
  }
  t.same(codes(process), [])
})

test('granular markings name a part that is there', async (t) => {
  const mark = (...selectors: string[]) =>
    tool({
      labels: ['a', 'b'],
      x_map: { 'SHA-256': { k: [1] } },
      granular_markings: [{ marking_ref: `marking-definition--${UUID}`, selectors }],
    })
  t.same(codes(mark('name', 'labels', 'labels.[1]', 'x_map.SHA-256.k.[0]', 'granular_markings.[0]')), [])
  for (const bad of [
    '',
    'nope',
    'labels.[2]',
    'labels.1',
    'labels.[01]',
    'labels[0]',
    'name.[0]',
    '[0]',
    'a..b',
    '__proto__',
    'labels.length',
    'name.length',
    'constructor',
  ]) {
    t.same(codes(mark(bad)), ['ME-06/selector /granular_markings/0/selectors/0'], bad)
  }
  t.same(codes(tool({ granular_markings: [{ selectors: ['name'] }] })), [
    'ME-05/lang-or-marking /granular_markings/0',
  ])
  t.same(codes(tool({ granular_markings: [{ lang: 'en', selectors: [] }] })), [
    'TY-02/empty-list /granular_markings/0/selectors',
  ])
})

test('T-4.3-04: a failure is labelled by what is usable', async (t) => {
  t.same(check({ a: 1 }).label, { id: null, version: null })
  t.same(check({ id: `tool--${UUID}`, created: 'x' }).label, { id: `tool--${UUID}`, version: null })
  t.same(check({ id: 'x', created: AT }).label, { id: null, version: AT })
  const deep = `{"id":"tool--${UUID}","modified":"${AT}","a":${'['.repeat(9_999)}${']'.repeat(9_999)}}`
  t.match(check(deep), {
    object: null,
    label: { id: `tool--${UUID}`, version: AT },
    findings: [{ code: 'limit/depth' }],
  })
})

test('D-2 findings refuse; nothing hostile throws or hides', async (t) => {
  t.same(codes(`{"type":"tool","type":"tool"}`), ['json/duplicate-key /type'])
  t.match(check('{"__proto__":{"type":"tool"}}').findings, [{ code: 'TY-01/type' }])
  t.equal(codes(tool({ labels: Array(40_000).fill(1) })).length, 50, 'findings are bounded')
  t.equal(
    codes(tool({ labels: Array(2_000).fill(1), aliases: [1], confidence: -1 })).length,
    50,
    'and so are all together',
  )
  t.match(check(tool({ x_a: [1, 2, 3] }), [21], { ...DEFAULT_LIMITS, listItems: 2 }).findings, [
    { code: 'limit/list', path: '/x_a' },
  ])
  t.match(check(tool({ name: 7, description: [], aliases: 'x' })).findings.length, 3)
})

test('the objects that we serve ourselves pass', async (t) => {
  for (const { text } of STANDARD_DEFINITIONS) t.same(check(text, [21]).findings, [])
  t.same(check(RELEASE_EXTENSION_DEFINITION, [21]).findings, [])
})
