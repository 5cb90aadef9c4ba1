/** Runs the missing migrations on a large database while readers poll and a writer writes: prints the longest that each waited. By hand. */
import pg from 'pg'
import { migrate } from '../src/store/migrate.ts'

/**
 * BENCH_DATABASE_URL: a database that is behind, with rows, such as the bench of an earlier release leaves in its own
 * BENCH_DATABASE_URL. Readers do what a page does: a walk of 100 rows from a random position; the writer appends one row per
 * transaction under the collection's lock.
 */
const url = process.env.BENCH_DATABASE_URL
const READERS = Number(process.env.BENCH_READERS ?? 4)
if (!url) throw new Error('set BENCH_DATABASE_URL')

interface Waits {
  count: number
  longest: number
  /** Those over 100 ms: when (since the start, in ms), and how long. */
  long: string[]
}

const started = performance.now()
let stopped = false

async function open(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, options: '-c search_path=comity,pg_temp' })
  await client.connect()
  return client
}

/** Does the same again and again until the migration is over. */
async function repeat(pause: number, work: (client: pg.Client) => Promise<unknown>): Promise<Waits> {
  const client = await open()
  const waits: Waits = { count: 0, longest: 0, long: [] }
  while (!stopped) {
    const at = performance.now()
    await work(client)
    const took = performance.now() - at
    waits.count++
    waits.longest = Math.max(waits.longest, took)
    if (took > 100) waits.long.push(`${Math.round(at - started)}: ${Math.round(took)}`)
    await new Promise((done) => setTimeout(done, pause))
  }
  await client.end()
  return waits
}

async function main(): Promise<void> {
  const client = await open()
  const { rows } =
    await client.query(`select min(collection) as collection, min(position)::text as first, max(position)::text as last
    from item where not standard`)
  const [{ collection, first, last }] = rows
  const { rows: size } = await client.query(`select sum(reltuples)::bigint::text as rows from pg_class
    where relnamespace = 'comity'::regnamespace and relname like 'item%' and relkind = 'r'`)
  const span = BigInt(last) - BigInt(first)
  const somewhere = () =>
    (BigInt(first) + (span * BigInt(Math.floor(Math.random() * 1000))) / 1000n).toString()
  const page = (reader: pg.Client) =>
    reader.query({
      name: 'page',
      text: `select string_agg(body, ',') from (select body from item where collection = $1 and position > $2 and not standard
        order by position limit 100) x`,
      values: [collection, somewhere()],
    })
  let n = 0
  const append = async (writer: pg.Client) => {
    await writer.query('begin')
    await writer.query('select last_added from collection_head where collection = $1 for update', [
      collection,
    ])
    await writer.query(
      `insert into item (collection, position, accepted, audience, label, bytes, spec, sco, object_id, type, version_key, version, organization, principal, hash, body)
       select $1, h.last_added + 1, h.last_added + 1, i.audience, i.label, i.bytes, i.spec, i.sco, 'tool--' || gen_random_uuid(), 'tool', i.version_key,
         i.version, i.organization, i.principal, i.hash, i.body
       from collection_head h cross join (select * from item where collection = $1 and position = $2) i where h.collection = $1`,
      [collection, last],
    )
    await writer.query('update collection_head set last_added = last_added + 1 where collection = $1', [
      collection,
    ])
    await writer.query('commit')
    n++
  }
  const readers = Array.from({ length: READERS }, () => repeat(10, page))
  const writer = repeat(10, append)
  await new Promise((done) => setTimeout(done, 3000))
  const before = performance.now()
  const applied = await migrate(url as string)
  const took = performance.now() - before
  await new Promise((done) => setTimeout(done, 3000))
  stopped = true
  const reads = await Promise.all(readers)
  const write = await writer
  const { rows: rewritten } = await client.query('select count(*)::int as count from partitions()')
  await client.end()
  const say = (what: string, all: Waits[]) =>
    process.stdout.write(
      `${what}: ${all.reduce((sum, w) => sum + w.count, 0)} statements, longest wait ${Math.round(Math.max(...all.map((w) => w.longest)))} ms; over 100 ms, as "at: ms": ${all.flatMap((w) => w.long).join(', ') || 'none'}\n`,
    )
  process.stdout.write(
    `${applied.join(', ') || 'nothing'} in ${(took / 1000).toFixed(1)} s, from ${Math.round(before - started)} ms on, over ${size[0].rows} rows, ${n} of them written meanwhile; ${rewritten[0].count} partitions\n`,
  )
  say('readers', reads)
  say('writer', [write])
}

await main()
