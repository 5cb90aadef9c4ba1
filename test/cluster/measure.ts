/** What docs/scaling.md says in figures: `node build/test/cluster/measure.js OBJECTS.ndjson`, one object a line. */
import { createReadStream, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { freePort } from '../support/postgres.ts'
import { build } from './build.ts'
import type { Database } from './database.ts'
import { Node } from './front.ts'
import { cleanUp } from './processes.ts'
import { as, PATH } from './world.ts'

const ENVELOPE = 1_000
const SECONDS = 1
const ROUNDS = 9

async function ingest(url: string, file: string): Promise<{ count: number; bytes: number; seconds: number }> {
  const client = as(url, 'writer-1')
  let [batch, count, bytes]: [string[], number, number] = [[], 0, 0]
  const began = performance.now()
  const send = async () => {
    const answer = await client.send(`${PATH}objects/`, `{"objects":[${batch.join(',')}]}`)
    if (answer.status !== 202) throw new Error(`${answer.status}: ${answer.text.slice(0, 300)}`)
    count += answer.taxiiStatus.success_count
    batch = []
  }
  for await (const line of createInterface({ input: createReadStream(file) })) {
    bytes += line.length
    batch.push(line)
    if (batch.length === ENVELOPE) await send()
  }
  if (batch.length > 0) await send()
  return { count, bytes, seconds: (performance.now() - began) / 1000 }
}

/** Requests per second of so many clients, each waiting for its answer. */
async function rate(clients: number, request: () => Promise<{ status: number }>): Promise<number> {
  const end = performance.now() + SECONDS * 1000
  let done = 0
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (performance.now() < end) {
        const { status } = await request()
        if (status !== 200) throw new Error(String(status))
        done++
      }
    }),
  )
  return done / SECONDS
}

async function walk(url: string, objects: number): Promise<number> {
  const client = as(url, 'writer-1')
  const began = performance.now()
  let [seen, next] = [0, '']
  do {
    const page = await client.getObjects(PATH, { 'match[version]': 'all', ...(next && { next }) })
    seen += ENVELOPE
    next = /^\{"more":true,"next":"([^"]+)"/.exec(page.body.subarray(0, 1000).toString())?.[1] ?? ''
  } while (next && seen < objects)
  return seen / ((performance.now() - began) / 1000)
}

const wal = async (db: Database) =>
  Number((await db.sql<{ n: string }>("select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') as n"))[0]?.n)

async function sizes(db: Database, count: number): Promise<void> {
  await db.sql('vacuum analyze comity.item')
  const tables = await db.sql<{ name: string; heap: string; indexes: string; total: string }>(`
    select c.relname as name, pg_table_size(c.oid) as heap, pg_indexes_size(c.oid) as indexes, pg_total_relation_size(c.oid) as total
    from pg_class c where c.relnamespace = 'comity'::regnamespace and c.relkind in ('r', 'p')
    order by 4 desc limit 4`)
  for (const { name, heap, indexes, total } of tables) {
    const each = (n: string) => Math.round(Number(n) / count)
    console.log(
      `table ${name}: ${each(total)} bytes per object, ${each(heap)} heap and TOAST, ${each(indexes)} indexes`,
    )
  }
  for (const { name, size } of await db.sql<{ name: string; size: string }>(
    `select indexrelid::regclass::text as name, pg_relation_size(indexrelid) as size from pg_index
      where indrelid = 'comity.item'::regclass order by 2 desc`,
  ))
    console.log(`  index ${name}: ${Math.round(Number(size) / count)} bytes per object`)
}

const resident = (pid: number) =>
  Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024)

async function main(file: string): Promise<void> {
  const { primary, pooler, nodes } = await build()
  const before = await wal(primary)
  const { count, bytes, seconds } = await ingest(nodes[0]?.url ?? '', file)
  console.log(
    `${count} objects of ${Math.round(bytes / count)} bytes, ${Math.round(count / seconds)} a second by one sender with a synchronous standby; ${Math.round(((await wal(primary)) - before) / count)} bytes of WAL per object; node ${resident(nodes[0]?.pid ?? 0)} MB`,
  )
  await sizes(primary, count)
  await Promise.all(nodes.map((node) => node.stop()))
  const cold = { COMITY_CACHE_BYTES: '0' }
  const kinds: Record<string, Record<string, string>> = {
    direct: { ...cold, DATABASE_URL: pooler.direct(primary), DATABASE_READ_URL: '', COMITY_POOLED: '' },
    pooled: { ...cold, DATABASE_READ_URL: '' },
    'pooled, replica': cold,
  }
  const started = await Promise.all(
    Object.entries(kinds).map(async ([name, env]) => {
      const node = new Node(name.replace(', ', '-'), await freePort(), pooler, env)
      await node.start()
      return { name, node }
    }),
  )
  const first = started[0]?.node.url ?? ''
  const manifest = await as(first, 'writer-1').getManifest(PATH, { limit: '1000' })
  const [ids, last] = [manifest.ids, (await as(first, 'writer-1').getManifest(PATH, { limit: '1' })).last]
  const far = new Date(Date.parse(last) + 86_400_000).toISOString()
  // In turn, so that what else the machine does falls on all; medians of the ratios to the first.
  const figures = new Map<string, number[][]>(started.map(({ name }) => [name, []]))
  for (let round = 0; round < ROUNDS; round++) {
    for (const { name, node } of started) {
      const client = as(node.url, 'writer-1')
      let n = round
      const polls = await rate(8, () => client.getObjects(PATH, { added_after: far }))
      const byId = await rate(8, () => client.getObject(PATH, ids[n++ % ids.length] ?? ''))
      figures.get(name)?.push([polls, byId, await walk(node.url, 10_000)])
    }
  }
  const base = figures.get('direct') ?? []
  const median = (list: number[]) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0
  for (const { name, node } of started) {
    const own = figures.get(name) ?? []
    const said = ['empty polls/s', 'objects by id/s', 'objects/s in cold pages'].map((what, k) => {
      const ratio = median(own.map((row, round) => (row[k] ?? 0) / (base[round]?.[k] ?? 1)))
      return `${Math.round(median(own.map((row) => row[k] ?? 0)))} ${what} (${ratio.toFixed(2)} of direct)`
    })
    const pages = JSON.stringify(await node.replicaPages())
    console.log(`${name}: ${said.join(', ')}; ${resident(node.pid)} MB; ${pages}`)
  }
}

try {
  await main(process.argv[2] ?? '')
} finally {
  await cleanUp()
}
