/** Plans of the short way of a write are made once, on an empty log: they must be right for a full one as well. */
import t, { test } from 'tap'
import { asOwner } from '../support/in-process.ts'
import { startServer } from '../support/server.ts'
import { indicator } from '../support/stix.ts'
import { READ_WRITE, topology } from '../support/world.ts'

const ENVELOPES = 60
const SIZE = 20

const server = await startServer(t, {
  topology: topology(),
  env: { COMITY_REQUEST_LIMIT: 'off', COMITY_POOL_SIZE: '2' },
})

test('what is written looks at the rows of its ids only, however many others there are by now', async (t) => {
  const client = server.as('analyst')
  for (let i = 0; i < ENVELOPES; i++) {
    const answer = await client.post(
      READ_WRITE.path,
      Array.from({ length: SIZE }, () => indicator()),
    )
    t.equal(answer.status, 202)
    t.equal(answer.taxiiStatus.success_count, SIZE)
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
    t.ok(other[0].scans < ENVELOPES, `${other[0].scans} looks into others`)
  })
})
