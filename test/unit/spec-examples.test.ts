/** The examples that STIX 2.1 (with errata 01) itself prints: each has the verdict that the standard's rules give it. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import {
  deterministicId,
  META_TYPES,
  parsePattern,
  printPattern,
  type Report,
  SCO_TYPES,
  SDO_TYPES,
  SRO_TYPES,
  validateText,
} from '../../src/stix/index.ts'
import { EXTENSIONS } from '../../src/stix/tables/structs.ts'
import { root } from '../support/paths.ts'
import { file, indicator, observed, sdo, tool, traffic, type Value } from '../support/stix-builders.ts'

interface Example {
  section: string
  title?: string
  /** One of: an object or bundle, a list of objects, a fragment of an object, a pattern, or a part of one. */
  object?: Value
  objects?: Value[]
  part?: Value
  /** The object that the fragment goes into. */
  of?: string
  pattern?: string
  comparison?: string
  path?: string
  constant?: string
  /** Codes, each once and in order; none when absent. */
  errors?: string[]
  warnings?: string[]
  error?: string
  /** Why a rule of the standard is broken, or not followed. */
  why?: string
}

const folder = join(root, 'test', 'fixtures', 'spec-examples')
const EXAMPLES: readonly Example[] = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .flatMap((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')))

const HEARTBLEED = EXAMPLES.find(({ title }) => title === 'valid selectors')?.object

/** What the fragments are put into. */
const AROUND: Readonly<Record<string, (part: Value) => Value>> = {
  file: (part) => file(part),
  heartbleed: (part) => ({ ...HEARTBLEED, ...part }),
  indicator: (part) => indicator(part),
  'observed-data': (part) => observed(part),
  sighting: (part) =>
    sdo('sighting', { sighting_of_ref: 'tool--7c1d0b0e-3c1e-4d3e-9f51-6b0f4b7d2a10', ...part }),
  tcp: (part) => traffic({ src_port: 3372, dst_port: 80, extensions: { 'tcp-ext': part } }),
  'threat-actor': (part) => sdo('threat-actor', { name: 'T', ...part }),
  tool: (part) => tool(part),
}

function contentOf({ object, objects, part, of }: Example): Value | Value[] | null {
  if (object || objects) return object ?? objects ?? null
  return part && of ? (AROUND[of]?.(part) ?? null) : null
}

function patternOf({ pattern, comparison, path, constant }: Example): string | null {
  if (pattern !== undefined) return pattern
  if (comparison !== undefined) return `[${comparison}]`
  if (path !== undefined) return `[EXISTS ${path}]`
  return constant === undefined ? null : `[file:x_a = ${constant}]`
}

const codes = (list: readonly { code: string }[]): string[] => [...new Set(list.map((f) => f.code))].sort()
const errorsOf = (report: Report): string[] =>
  codes([...report.findings, ...report.objects.flatMap((object) => object.errors)])
const warningsOf = (report: Report): string[] => codes(report.objects.flatMap((object) => object.warnings))

test('objects have the verdict that the standard gives them', async (t) => {
  for (const example of EXAMPLES) {
    const value = contentOf(example)
    if (value === null) continue
    const name = `§${example.section} ${example.title}`
    const report = validateText(JSON.stringify(value))
    t.same(errorsOf(report), example.errors ?? [], name)
    t.same(warningsOf(report), example.warnings ?? [], `${name}: warnings`)
    t.equal(report.valid, example.errors === undefined, name)
  }
})

test('patterns have the verdict that the standard gives them', async (t) => {
  for (const example of EXAMPLES) {
    const text = patternOf(example)
    if (text === null) continue
    const result = parsePattern(text)
    t.equal(result.ok ? undefined : result.errors[0]?.code, example.error, `§${example.section} ${text}`)
    if (result.ok) t.match(parsePattern(printPattern(result.ast)), { ok: true }, `printed: ${text}`)
  }
})

test('each example is one of both, and says why when it is not simply valid', async (t) => {
  for (const example of EXAMPLES) {
    const name = `§${example.section} ${example.title ?? ''}`
    t.not(contentOf(example) === null, patternOf(example) === null, name)
    const plain = !example.errors && !example.warnings && !example.error
    t.equal(example.why === undefined, plain, `${name} says why`)
  }
})

const flat = EXAMPLES.flatMap((example) => {
  const value = contentOf(example)
  const list = Array.isArray(value) ? value : Array.isArray(value?.objects) ? value.objects : [value]
  return example.part ? [] : (list.filter((object) => object !== null) as Value[])
})

test('there is an example of every type and predefined extension', async (t) => {
  const types = new Set(flat.map((object) => object.type))
  for (const set of [SDO_TYPES, SRO_TYPES, SCO_TYPES, META_TYPES])
    for (const type of set) t.ok(types.has(type), type)
  const extensions = new Set(flat.flatMap((object) => Object.keys((object.extensions as Value) ?? {})))
  for (const name of Object.keys(EXTENSIONS)) t.ok(extensions.has(name), name)
})

test('ids of cyber-observables are those that the rules give, where no 901 says otherwise', async (t) => {
  const observables = flat.filter(({ type }) => SCO_TYPES.has(String(type)) && type !== 'process')
  const same = observables.filter((object) => deterministicId(object) === object.id)
  t.equal(same.length, 70, `of ${observables.length}`)
  const others = observables.filter((object) => !same.includes(object)).map(({ id }) => String(id))
  const told = EXAMPLES.filter(({ errors, warnings }) => errors || warnings?.includes('901'))
  for (const id of others) t.ok(JSON.stringify(told).includes(id) || id === 'undefined', id)
})

test('ids over references: errata 01 printed them as of the references of 2021', async (t) => {
  const [from, to] = [
    'ipv4-addr--4d22aae0-2bf9-5427-8819-e4f6abf20a53',
    'ipv4-addr--ff26c055-6336-5bc5-b98d-13d6226742dd',
  ]
  const old = (object: Value, printed: string): void => {
    t.equal(deterministicId(object), printed)
    t.ok(
      flat.some(({ id }) => id === printed),
      printed,
    )
  }
  old(
    { type: 'network-traffic', src_ref: from, dst_ref: to, protocols: ['tcp'] },
    'network-traffic--6e0cb830-0305-57d4-8536-7be874d42005',
  )
  old(
    {
      type: 'email-message',
      from_ref: 'email-addr--89f52ea8-d6ef-51e9-8fce-6a29236436ed',
      subject: 'Saying Hello',
    },
    'email-message--92fa1bfd-2c62-5a30-8b7c-5b91ea73cf29',
  )
  old(
    {
      type: 'file',
      name: 'qwerty.dll',
      hashes: { 'SHA-256': 'ceafbfd424be2ca4a5f0402cae090dda2fb0526cf521b60b60077c0f622b285a' },
      parent_directory_ref: 'directory--93c0a9b0-520d-545d-9094-1a08ddf46b05',
    },
    'file--39643577-13b7-5f21-9584-df7e7c33f357',
  )
})
