/** Plans of the short way of a write are made once, on an empty log: they must be right for a full one as well. */
import t, { test } from 'tap'
import { asOwner } from '../support/in-process.ts'
import { startServer } from '../support/server.ts'
import { indicator, relationship } from '../support/stix.ts'
import { READ_WRITE, topology } from '../support/world.ts'

const ENVELOPES = 60
const SIZE = 20
/** Of these, relationships that refer to one of the envelope before. */
const REFERRING = 8
/** Of an index of so few entries: its root, and a leaf or two. */
const MOST_PAGES = 3

const server = await startServer(t, {
  topology: topology(),
  env: { COMITY_REQUEST_LIMIT: 'off', COMITY_POOL_SIZE: '2' },
})

test('what is written looks at the rows of its ids only, however many others there are by now', async (t) => {
  const client = server.as('analyst')
  const before: string[] = []
  for (let i = 0; i < ENVELOPES; i++) {
    const objects = Array.from({ length: SIZE }, () => indicator())
    const relations = before.slice(-REFERRING).map((id) => relationship(id, objects[0]?.id as string))
    const answer = await client.post(READ_WRITE.path, [...objects, ...relations])
    t.equal(answer.status, 202)
    t.equal(answer.taxiiStatus.success_count, SIZE + relations.length)
    before.push(...objects.map(({ id }) => id))
  }
  // Statistics come to the database when its sessions end.
  await server.stop()
  await asOwner(server.database.url, async (db) => {
    const { rows } = await db.query(`select sum(idx_scan)::int as scans, sum(idx_tup_read)::int as read
      from pg_stat_user_indexes where relname like 'item%' and indexrelname like '%object%'`)
    const { rows: other } = await db.query(`select sum(idx_scan)::int as scans
      from pg_stat_user_indexes where (relname like 'item%' and indexrelname not like '%object%') or indexrelname = 'reference_source'`)
    t.ok(rows[0].scans >= ENVELOPES * SIZE, `${rows[0].scans} looks into the index of ids`)
    t.ok(rows[0].read < ENVELOPES * SIZE, `${rows[0].read} rows read`)
    // Of a partition without rows any index looks as good, and next month it has rows.
    // What is looked up before the log is held is planned each time.
    t.ok(other[0].scans < 2 * ENVELOPES, `${other[0].scans} looks into others`)
    // PostgreSQL before 18 goes on to the end of the collection where the end of a scan is a comparison of rows: that
    // reads no more rows, but all pages of the index that come after.
    const { rows: pages } = await db.query<{ index: string; pages: number; looks: number }>(
      `select indexrelname as index, (idx_blks_hit + idx_blks_read)::int as pages, s.idx_scan::int as looks
       from pg_statio_user_indexes join pg_stat_user_indexes s using (indexrelid, indexrelname)
       where (s.relname like 'item%' and indexrelname like '%object%' or indexrelname = 'reference_target') and s.idx_scan > 0`,
    )
    t.ok(pages.length >= 2, pages.map(({ index }) => index).join())
    for (const { index, pages: read, looks } of pages)
      t.ok(
        read < (looks + ENVELOPES * (SIZE + REFERRING)) * MOST_PAGES,
        `${read} pages of ${index} in ${looks} looks`,
      )
  })
})
