/**
 * Searches by match fields: a rare value, a frequent one, one that is nowhere and one that only hidden objects have,
 * against a page of the log without a filter; and what the index costs a write, beside a collection
 * without match fields.
 */
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { type Bench, call, startBench } from './server.ts'

const OBJECTS = Number(process.env.BENCH_OBJECTS ?? 100_000)
const RUNS = Number(process.env.BENCH_RUNS ?? 60)
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3)
const ID = '7c1d0b0e-3c1e-4d3e-9f51-6b0f4b7d2a10'
const WRITES = ['8c1d0b0e-3c1e-4d3e-9f51-6b0f4b7d2a10', '9c1d0b0e-3c1e-4d3e-9f51-6b0f4b7d2a10']
const TOKEN = { feed: 'bench-feed-token-0123456789abcdef', reader: 'bench-reader-token-0123456789abcdef' }
const TOPOLOGY = `
countries: [{code: MY}, {code: DE}]
organizations:
  - {id: mycert, name: MyCERT, country: MY, kind: national-cert}
  - {id: decert, name: DE CERT, country: DE, kind: national-cert}
principals:
  - {id: feed, organization: mycert, kind: person, custodian: true, tokens: [{name: t, value: ${TOKEN.feed}}]}
  - {id: reader, organization: decert, kind: service, tokens: [{name: t, value: ${TOKEN.reader}}]}
agreements: [{from: MY, to: DE, max_tlp: amber, recipients: all, signed: [MY, DE]}]
api_roots:
  - path: bench
    title: Benchmark
    collections:
${[ID, ...WRITES].map((id) => `      - {id: ${id}, title: ${id}, match: ${id !== WRITES[1]}, grants: [{to: "*", read: true, write: true}]}`).join('\n')}
`
const SEEN = [
  'marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487',
  'marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb',
  'marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421',
]
const RED = 'marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1'

/** Half of the objects are hidden; of the visible ones 9 of 10 have the frequent source, 1 in 10,000 a rare one. */
function indicator(i: number): object {
  const hidden = i % 2 === 1
  const source = hidden
    ? 'hidden source'
    : i % 10_000 === 0
      ? 'rare source'
      : i % 20
        ? 'common source'
        : 'other'
  return {
    type: 'indicator',
    spec_version: '2.1',
    id: `indicator--${randomUUID()}`,
    created: '2026-01-01T00:00:00.000Z',
    modified: '2026-01-01T00:00:00.000Z',
    name: `indicator ${i}`,
    description: 'Made by the benchmark. '.repeat(20),
    indicator_types: ['malicious-activity'],
    pattern: `[ipv4-addr:value = '198.51.${(i >> 8) % 256}.${i % 256}']`,
    pattern_type: 'stix',
    valid_from: '2026-01-01T00:00:00.000Z',
    confidence: i % 101,
    labels: ['bench', `campaign-${i % 50}`],
    external_references: [{ source_name: source, external_id: `B-${i}` }],
    object_marking_refs: [hidden ? RED : SEEN[(i >> 1) % 3]],
  }
}

const ms = async (work: () => Promise<unknown>): Promise<number> => {
  const start = performance.now()
  await work()
  return performance.now() - start
}
const median = (list: number[]): number => [...list].sort((a, b) => a - b)[list.length >> 1] as number

async function post(bench: Bench, collection: string, objects: object[]): Promise<void> {
  const url = `${bench.base}/bench/collections/${collection}/objects/`
  const { status, body } = await call('POST', url, TOKEN.feed, JSON.stringify({ objects }))
  if (status !== 202) throw new Error(`POST answered ${status}: ${body}`)
}

const LIMIT = 100
const QUESTIONS: Record<string, string> = {
  'no filter, first page': '',
  'rare value': 'match[source_name]=rare source',
  'unique value': 'match[external_id]=B-5000',
  'value of hidden objects only': 'match[source_name]=hidden source',
  'value of no object': 'match[source_name]=no source',
  'value of 95 % of what is seen': 'match[source_name]=common source',
  'value of all': 'match[pattern_type]=stix',
  'value of 2 % of what is seen': 'match[labels]=campaign-8',
  'frequent AND rare': 'match[pattern_type]=stix&match[source_name]=rare source',
  'frequent AND hidden': 'match[pattern_type]=stix&match[source_name]=hidden source',
  'confidence-gte 100, a fiftieth': 'match[confidence-gte]=100',
  'confidence-gte 0, all': 'match[confidence-gte]=0',
  'modified-gte, all': 'match[modified-gte]=2025-06-01T00:00:00Z',
  'modified-gte, none': 'match[modified-gte]=2026-06-01T00:00:00Z',
  '100 values, none there': `match[value]=${Array.from({ length: 100 }, (_, i) => `192.0.2.${i}`)}`,
}

/** In turns, so that a busy moment meets all of them. */
async function searches(bench: Bench): Promise<void> {
  const taken = new Map<string, number[]>(Object.keys(QUESTIONS).map((name) => [name, []]))
  const counts = new Map<string, number>()
  for (let run = 0; run < RUNS; run++) {
    for (const [name, query] of Object.entries(QUESTIONS)) {
      const url = `${bench.base}/bench/collections/${ID}/objects/?limit=${LIMIT}&${query.replaceAll(' ', '%20')}`
      taken.get(name)?.push(
        await ms(async () => {
          const { status, body } = await call('GET', url, TOKEN.reader)
          if (status !== 200) throw new Error(`GET answered ${status}: ${body}`)
          counts.set(name, body.toString().split('"spec_version"').length - 1)
        }),
      )
    }
  }
  const base = median(taken.get('no filter, first page') ?? [])
  for (const [name, list] of taken)
    console.log(
      `${name.padEnd(32)} ${median(list).toFixed(2).padStart(7)} ms  x ${(median(list) / base).toFixed(2)}  (${counts.get(name)} objects)`,
    )
}

/** The same envelopes into two collections, in turns; the second has no match fields. */
async function writes(bench: Bench, db: pg.Client): Promise<void> {
  for (const size of [1, 1000]) {
    const taken: number[][] = [[], []]
    for (let round = 0; round < (size === 1 ? 200 : 24); round++) {
      for (const side of round % 2 ? [0, 1] : [1, 0]) {
        const objects = Array.from({ length: size }, (_, i) => indicator(round * size + i))
        taken[side]?.push(await ms(() => post(bench, WRITES[side] as string, objects)))
      }
    }
    const [on, off] = taken.map(median) as [number, number]
    console.log(
      `envelope of ${size}: ${on.toFixed(1)} ms, ${off.toFixed(1)} ms without match fields: x ${(on / off).toFixed(2)}`,
    )
  }
  const size = await db.query(`select pg_total_relation_size('comity.match_posting')::float as postings,
    pg_total_relation_size('comity.match_row')::float as texts, (select sum(pg_total_relation_size(relid))::float from pg_partition_tree('comity.item')) as items`)
  const { postings, texts, items } = size.rows[0]
  console.log(
    `on disk, of the objects themselves: postings ${(postings / items).toFixed(2)}, texts ${(texts / items).toFixed(2)}`,
  )
}

const bench = await startBench(TOPOLOGY, process.env.BENCH_DATABASE_URL, { COMITY_CACHE_BYTES: '0' })
const db = new pg.Client(bench.databaseUrl)
try {
  await db.connect()
  for (let i = 0; i < OBJECTS; i += 1000)
    await post(
      bench,
      ID,
      Array.from({ length: 1000 }, (_, k) => indicator(i + k)),
    )
  // As after a while of running: statistics, and breadth of readers, which the background job takes.
  await db.query('vacuum analyze comity.item, comity.match_posting, comity.match_row, comity.match_audience')
  await new Promise((done) => setTimeout(done, 4000))
  for (let round = 0; round < ROUNDS; round++) await searches(bench)
  await writes(bench, db)
} finally {
  await db.end()
  await bench.stop()
}
