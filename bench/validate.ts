/**
 * The STIX validator in objects per second on one core: parsed objects, and texts with their parsing. Corpora come
 * from COMITY_TEST_DATA (or ../shared/data); generated ones are always there. COMITY_BENCH_PYTHON names a Python that
 * has the OASIS stix2-validator: it is then timed on the same objects in the same run.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { deterministicId, validateObject, validateText } from '../src/stix/index.ts'

const DATA = process.env.COMITY_TEST_DATA ?? join(process.cwd(), '..', 'shared', 'data')
const PYTHON = process.env.COMITY_BENCH_PYTHON
const SECONDS = Number(process.env.BENCH_SECONDS ?? 3)
/** The reference does some hundred objects a second: a sample is enough. */
const SAMPLE = Number(process.env.BENCH_SAMPLE ?? 300)
const GENERATED = 20_000
const AT = '2026-01-01T00:00:00.000Z'

type Value = Record<string, unknown>

/** A UUIDv4 that is the same in every run. */
function uuid(seed: string): string {
  const hex = createHash('sha256').update(seed).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

const PATTERNS: ((i: number) => string)[] = [
  (i) => `[ipv4-addr:value = '198.51.${(i >> 8) & 255}.${i & 255}']`,
  (i) => `[domain-name:value = 'host-${i}.example.com' OR domain-name:value = 'h${i}.example.net']`,
  (i) =>
    `[file:hashes.'SHA-256' = '${createHash('sha256').update(String(i)).digest('hex')}' AND file:name = 'a${i}.exe']`,
  (i) =>
    `[url:value = 'https://example.com/${i}'] FOLLOWEDBY [ipv4-addr:value ISSUBSET '203.0.113.0/24'] WITHIN 600 SECONDS`,
]

function indicator(i: number): Value {
  return {
    type: 'indicator',
    spec_version: '2.1',
    id: `indicator--${uuid(`indicator ${i}`)}`,
    created_by_ref: `identity--${uuid('producer')}`,
    created: AT,
    modified: AT,
    name: `Indicator ${i}`,
    description: 'Made by the benchmark.',
    indicator_types: ['malicious-activity'],
    pattern: PATTERNS[i % PATTERNS.length]?.(i),
    pattern_type: 'stix',
    valid_from: AT,
    labels: ['bench'],
    kill_chain_phases: [{ kill_chain_name: 'a-chain', phase_name: 'delivery' }],
    object_marking_refs: ['marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb'],
  }
}

const OBSERVABLES: ((i: number) => Value)[] = [
  (i) => ({ type: 'ipv4-addr', value: `198.51.${(i >> 8) & 255}.${i & 255}` }),
  (i) => ({ type: 'domain-name', value: `host-${i}.example.com` }),
  (i) => ({ type: 'url', value: `https://example.com/a/${i}?b=c` }),
  (i) => ({ type: 'email-addr', value: `user${i}@example.com`, display_name: 'U' }),
  (i) => ({
    type: 'file',
    name: `a${i}.exe`,
    size: i,
    hashes: { MD5: createHash('md5').update(String(i)).digest('hex') },
  }),
  (i) => ({
    type: 'windows-registry-key',
    key: `HKEY_LOCAL_MACHINE\\a${i}`,
    values: [{ name: 'a', data: 'b', data_type: 'REG_SZ' }],
  }),
  (i) => ({
    type: 'network-traffic',
    src_ref: `ipv4-addr--${uuid('a')}`,
    src_port: i & 65_535,
    dst_port: 443,
    protocols: ['ipv4', 'tcp', 'https'],
  }),
]

function observable(i: number): Value {
  const object: Value = { spec_version: '2.1', ...OBSERVABLES[i % OBSERVABLES.length]?.(i) }
  object.id = deterministicId(object)
  return object
}

function generated(make: (i: number) => Value): Value[] {
  return Array.from({ length: GENERATED }, (_, i) => make(i))
}

function fromFile(...path: string[]): Value[] | null {
  const file = join(DATA, ...path)
  return existsSync(file) ? JSON.parse(gunzipSync(readFileSync(file)).toString()).objects : null
}

const corpora: [name: string, objects: Value[] | null][] = [
  ['indicators (generated)', generated(indicator)],
  ['SCOs (generated)', generated(observable)],
  ['indicators (Pegasus)', fromFile('spyware-indicators', 'amnesty-pegasus-2024-01.json.gz')],
  ['ATT&CK for ICS 18.1', fromFile('attack-ics', 'ics-attack-18.1.json.gz')],
  ['CAPEC 3.9', fromFile('capec', 'stix-capec-3.9-rewrapped.json.gz')],
]

/** Objects per second of whole rounds: the best of several stretches, as other work shares the machine. */
function rate(count: number, round: () => void): number {
  round()
  let best = 0
  for (let stretch = 0; stretch < 3; stretch++) {
    const start = performance.now()
    let rounds = 0
    while (performance.now() - start < (SECONDS * 1000) / 3) {
      round()
      rounds++
    }
    best = Math.max(best, (rounds * count * 1000) / (performance.now() - start))
  }
  return best
}

const REFERENCE = `
import json, sys, time
from stix2validator import ValidationOptions, validate_instance
objects = json.load(open(sys.argv[1]))
options = ValidationOptions(version='2.1')
def run():
    for o in objects:
        try:
            validate_instance(o, options)
        except Exception:
            pass
run()
start = time.perf_counter()
run()
print(len(objects) / (time.perf_counter() - start))
`

function reference(objects: readonly Value[]): number | null {
  if (!PYTHON) return null
  const folder = mkdtempSync(join(tmpdir(), 'bench-validate-'))
  try {
    const step = Math.max(1, Math.floor(objects.length / SAMPLE))
    const sample = objects.filter((_, i) => i % step === 0).slice(0, SAMPLE)
    writeFileSync(join(folder, 'objects.json'), JSON.stringify(sample))
    const run = spawnSync(PYTHON, ['-c', REFERENCE, join(folder, 'objects.json')], { encoding: 'utf8' })
    const figure = Number(run.stdout)
    return run.status === 0 && figure > 0 ? figure : null
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

console.log(`${cpus()[0]?.model ?? 'unknown processor'}, Node.js ${process.version}, one thread, warnings on`)
for (const [name, objects] of corpora) {
  if (!objects) {
    console.log(`${name}: no data in ${DATA}`)
    continue
  }
  let invalid = 0
  for (const value of objects) if (!validateObject(value).valid) invalid++
  const checked = rate(objects.length, () => {
    for (const value of objects) validateObject(value)
  })
  const bytes = Buffer.from(JSON.stringify({ type: 'bundle', id: `bundle--${uuid(name)}`, objects }))
  const whole = rate(objects.length, () => void validateText(bytes))
  const other = reference(objects)
  const ratio =
    other === null ? '' : `; reference ${other.toFixed(0)}/s: ${(checked / other).toFixed(0)} times`
  const counts = `${objects.length} objects, ${invalid} invalid`
  console.log(`${name}: ${counts}: ${checked.toFixed(0)}/s parsed, ${whole.toFixed(0)}/s from text${ratio}`)
}
