/**
 * What sharing by parts costs: ingest of an ATT&CK-like feed (2,000 objects, then 20,000 relationships) with
 * references closed against references off, and pages of which 1 % are redacted copies against pages without any.
 */
import { randomUUID } from 'node:crypto'
import { call, startBench } from './server.ts'

const RUNS = Number(process.env.BENCH_RUNS ?? 3)
const OBJECTS = Number(process.env.BENCH_OBJECTS ?? 2_000)
const RELATIONSHIPS = Number(process.env.BENCH_RELATIONSHIPS ?? 20_000)
const TOKEN = { feed: 'bench-feed-token-0123456789abcdef', reader: 'bench-reader-token-0123456789abcdef' }
const id = (kind: string, run: number) =>
  `7c1d0b0e-3c1e-4d3e-9f51-0000000${{ closed: 1, own: 2, redact: 3, plain: 4 }[kind]}${String(run).padStart(4, '0')}`
const names = ['closed', 'own', 'redact', 'plain']
const collections = Array.from({ length: RUNS }, (_, run) => run).flatMap((run) =>
  names.map(
    (kind) =>
      `      - {id: ${id(kind, run)}, title: ${kind} ${run}, references: ${kind === 'closed' ? 'closed' : 'own'}, redaction: ${kind === 'redact' ? 'redact' : 'withhold'}, grants: [{to: "*", read: true, write: true}]}`,
  ),
)
const TOPOLOGY = `
countries: [{code: MY}, {code: DE}]
organizations:
  - {id: mycert, name: MyCERT, country: MY, kind: national-cert}
  - {id: decert, name: DE CERT, country: DE, kind: national-cert}
principals:
  - {id: feed, organization: mycert, kind: service, tokens: [{name: t, value: ${TOKEN.feed}}]}
  - {id: reader, organization: decert, kind: service, tokens: [{name: t, value: ${TOKEN.reader}}]}
api_roots:
  - path: bench
    title: Benchmark
    collections:
${collections.join('\n')}
`
const GREEN = 'marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb'
const AMBER = 'marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421'
const AT = { created: '2026-01-01T00:00:00.000Z', modified: '2026-01-01T00:00:00.000Z' }

type Value = Record<string, unknown>

const sdo = (type: string, more: Value): Value => ({
  type,
  spec_version: '2.1',
  id: `${type}--${randomUUID()}`,
  ...AT,
  object_marking_refs: [GREEN],
  ...more,
})

function feed(): Value[] {
  const objects = Array.from({ length: OBJECTS }, (_, i) =>
    i % 2 === 0
      ? sdo('attack-pattern', { name: `technique ${i}`, description: 'Made by the benchmark. '.repeat(30) })
      : sdo('malware', {
          name: `software ${i}`,
          is_family: false,
          description: 'Made by the benchmark. '.repeat(20),
        }),
  )
  const of = (type: string) => objects.filter((o) => o.type === type)
  const [techniques, software] = [of('attack-pattern'), of('malware')]
  const any = (list: Value[]) => (list[Math.floor(Math.random() * list.length)] as Value).id
  const relationships = Array.from({ length: RELATIONSHIPS }, () =>
    sdo('relationship', {
      relationship_type: 'uses',
      source_ref: any(software),
      target_ref: any(techniques),
      description: 'Made by the benchmark. '.repeat(10),
    }),
  )
  return [...objects, ...relationships]
}

function parted(i: number, every: number): Value {
  const hidden = every > 0 && i % every === 0
  return sdo('malware', {
    name: `software ${i}`,
    is_family: false,
    description: 'Made by the benchmark. '.repeat(20),
    ...(hidden && { granular_markings: [{ marking_ref: AMBER, selectors: ['description'] }] }),
  })
}

const median = (list: number[]) => [...list].sort((a, b) => a - b)[list.length >> 1] as number

const bench = await startBench(TOPOLOGY, process.env.DATABASE_URL)
try {
  const send = async (kind: string, run: number, objects: readonly Value[]) => {
    let ms = 0
    for (let i = 0; i < objects.length; i += 1000) {
      const body = JSON.stringify({ objects: objects.slice(i, i + 1000) })
      const start = performance.now()
      const answer = await call(
        'POST',
        `${bench.base}/bench/collections/${id(kind, run)}/objects/`,
        TOKEN.feed,
        body,
      )
      ms += performance.now() - start
      const status = JSON.parse(answer.body.toString())
      if (status.failure_count !== 0) throw new Error(answer.body.toString().slice(0, 500))
    }
    return ms
  }
  const times: Record<string, number[]> = { closed: [], own: [] }
  for (let run = 0; run < RUNS; run++) {
    const objects = feed()
    for (const kind of run % 2 === 0 ? ['closed', 'own'] : ['own', 'closed']) {
      times[kind]?.push(await send(kind, run, objects))
    }
  }
  const [closed, own] = [median(times.closed ?? []), median(times.own ?? [])]
  const total = OBJECTS + RELATIONSHIPS
  const rate = (ms: number) => `${Math.round((total / ms) * 1000)} objects/s`
  process.stdout.write(
    `ingest, references closed  ${rate(closed)}\ningest, references own     ${rate(own)}\n`,
  )
  process.stdout.write(`closed takes ${(closed / own).toFixed(2)} times as long (goal 1.5)\n`)

  await send(
    'redact',
    0,
    Array.from({ length: 5000 }, (_, i) => parted(i, 100)),
  )
  await send(
    'plain',
    0,
    Array.from({ length: 5000 }, (_, i) => parted(i, 0)),
  )
  const page = async (kind: string, turn: number) => {
    // A limit of its own each time, so that no page comes from memory.
    const url = `${bench.base}/bench/collections/${id(kind, 0)}/objects/?limit=${1000 - (turn % 40)}`
    const start = performance.now()
    const answer = await call('GET', url, TOKEN.reader)
    if (answer.status !== 200) throw new Error(answer.body.toString().slice(0, 500))
    return performance.now() - start
  }
  const pages: Record<string, number[]> = { redact: [], plain: [] }
  for (let turn = 0; turn < 80; turn++)
    for (const kind of ['redact', 'plain']) pages[kind]?.push(await page(kind, turn))
  const [redacted, plain] = [median(pages.redact?.slice(20) ?? []), median(pages.plain?.slice(20) ?? [])]
  process.stdout.write(
    `page of 1000, 1 % redacted  ${redacted.toFixed(1)} ms\npage of 1000, none         ${plain.toFixed(1)} ms\n`,
  )
  process.stdout.write(`${(redacted / plain).toFixed(2)} times (goal 1.3)\n`)
} finally {
  await bench.stop()
}
