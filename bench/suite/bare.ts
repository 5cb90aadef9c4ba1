/** What this machine can do without Comity: Fastify routes that authenticate nobody. Run as a process of its own. */
import fastify from 'fastify'
import pg from 'pg'

const TAXII = 'application/taxii+json;version=2.1'

const pool = new pg.Pool({
  connectionString: process.env.DATABASE_URL as string,
  max: Number(process.env.COMITY_POOL_SIZE ?? 10),
  options: '-c search_path=comity',
})
const app = fastify({ logger: false })

app.get('/bare', async (_, reply) => {
  reply.header('content-type', TAXII)
  return reply.send(Buffer.from('{}'))
})

app.get('/select', async (_, reply) => {
  await pool.query({ name: 'one', text: 'select 1' })
  reply.header('content-type', TAXII)
  return reply.send(Buffer.from('{}'))
})

/** The same page without policy: the log from a position on, one statement. */
app.get('/page', async (request, reply) => {
  const { after, limit } = request.query as { after: string; limit: string }
  const { rows } = await pool.query({
    name: 'page',
    text: `select string_agg(body, ',' order by position) as text from (
      select position, body from item where collection = (select seq from collection where alias = 'log')
        and position > $1::bigint and not standard order by position limit $2::int) x`,
    values: [after, limit],
  })
  reply.header('content-type', TAXII)
  return reply.send(Buffer.from(`{"objects":[${rows[0].text}]}`))
})

await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) })
process.once('SIGTERM', () => {
  void app.close().then(() => pool.end())
})
process.stdout.write('ready\n')
