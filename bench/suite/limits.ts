/** The database's own limits on this machine: COPY out, COPY in, durable inserts of one row. */
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'

/** Reads all bodies of the log by COPY. */
export async function copyOut(url: string): Promise<{ objects: number; bytes: number; ms: number }> {
  const db = await open(url)
  try {
    const start = performance.now()
    let bytes = 0
    const text = `copy (select body from item where collection = (select seq from collection where alias = 'log')
      and not standard order by position) to stdout`
    const stream = db.query(copyTo(text))
    await pipeline(
      stream,
      new Writable({
        write(chunk: Buffer, _, done) {
          bytes += chunk.length
          done()
        },
      }),
    )
    return {
      objects: (stream as unknown as { rowCount: number }).rowCount,
      bytes,
      ms: performance.now() - start,
    }
  } finally {
    await db.end()
  }
}

/**
 * Writes rows of the log into a table with the same columns and indexes by COPY, 1,000 a statement, each committed:
 * what one sender of envelopes could reach at most.
 * @returns rows per second
 */
export async function copyIn(url: string, batches: number): Promise<number> {
  const db = await open(url)
  try {
    await db.query('drop table if exists bench_copy')
    await db.query('create table bench_copy (like item including all)')
    const texts: string[] = []
    for (let i = 0; i < batches; i++) {
      const stream = db.query(
        copyTo(`copy (select * from item where collection = (select seq from collection where alias = 'log')
          order by position limit 1000 offset ${i * 1000}) to stdout`),
      )
      let text = ''
      for await (const chunk of stream) text += chunk
      texts.push(text)
    }
    const start = performance.now()
    for (const text of texts) {
      await pipeline(Readable.from([Buffer.from(text)]), db.query(copyFrom('copy bench_copy from stdin')))
    }
    const ms = performance.now() - start
    await db.query('drop table bench_copy')
    return Math.round((batches * 1000 * 1000) / ms)
  } finally {
    await db.end()
  }
}

/** One-row inserts of a text, each committed, by a pool. @returns rows per second */
export async function insertOnes(
  url: string,
  body: string,
  connections: number,
  seconds: number,
): Promise<number> {
  const pool = new pg.Pool({
    connectionString: url,
    max: 10,
    options: '-c role=comity_owner -c search_path=comity',
  })
  try {
    await pool.query('drop table if exists bench_one')
    await pool.query('create table bench_one (id bigint generated always as identity primary key, body text)')
    let count = 0
    const start = performance.now()
    const end = start + seconds * 1000
    await Promise.all(
      Array.from({ length: connections }, async () => {
        while (performance.now() < end) {
          await pool.query({ name: 'one', text: 'insert into bench_one (body) values ($1)', values: [body] })
          count++
        }
      }),
    )
    const ms = performance.now() - start
    await pool.query('drop table bench_one')
    return Math.round((count * 1000) / ms)
  } finally {
    await pool.end()
  }
}

async function open(url: string): Promise<pg.Client> {
  const db = new pg.Client({ connectionString: url, options: '-c role=comity_owner -c search_path=comity' })
  await db.connect()
  return db
}
