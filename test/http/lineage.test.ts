/** What may follow a version (STIX 2.1 §3.2, §3.5, §3.6): nothing open after a revoked one; creation never changes. */
import { test } from 'tap'
import { startServer } from '../support/server.ts'
import { indicator, version } from '../support/stix.ts'
import { READ_WRITE, topology } from '../support/world.ts'

const at = (month: number) => `2026-0${month}-01T00:00:00.000Z`

test('versions of one object', async (t) => {
  const strict = '5a1d0b0e-3c1e-4d3e-9f51-6b0f4b7d2a77'
  const world = JSON.parse(topology())
  const grants = [{ to: '*', read: true, write: true }]
  world.api_roots[0].collections.push({ id: strict, title: 'Strict', strict: true, grants })
  const server = await startServer(t, { topology: JSON.stringify(world) })
  const analyst = server.as('analyst')
  const { path } = READ_WRITE
  const one = indicator({ created: at(1), modified: at(1) })

  await t.test('a revoked version is followed by no open one', async (t) => {
    const revoked = { ...version(one, at(2)), revoked: true }
    t.equal((await analyst.add(path, one, revoked)).success_count, 2)
    const open = (await analyst.post(path, [version(one, at(3))])).taxiiStatus
    t.equal(open.failure_count, 1)
    t.match(open.failures?.[0]?.message, /revoked since version 2026-02-01T00:00:00.000Z/)
    t.same(
      (await analyst.getObject(path, String(one.id))).objects.map((o) => o.modified),
      [at(2)],
    )
  })

  await t.test(
    'sent once more, still revoked: stored with a warning; an older one arriving late: stored',
    async (t) => {
      const again = (await analyst.post(path, [{ ...version(one, at(4)), revoked: true }])).taxiiStatus
      t.equal(again.success_count, 1)
      t.match(again.successes?.[0]?.message, /should take no later one/)
      const late = indicator({ id: one.id, created: at(1), modified: '2026-01-15T00:00:00.000Z' })
      t.equal((await analyst.post(path, [late])).taxiiStatus.success_count, 1)
    },
  )

  await t.test('in one envelope the same holds', async (t) => {
    const other = indicator({ created: at(1), modified: at(1) })
    const { taxiiStatus: status } = await analyst.post(path, [
      { ...other, revoked: true },
      version(other, at(2)),
    ])
    t.equal(status.success_count, 1)
    t.equal(status.failure_count, 1)
  })

  await t.test('another created or creator warns, and a strict collection refuses', async (t) => {
    const other = indicator({ created: at(1), modified: at(1) })
    const moved = { ...version(other, at(3)), created: at(2) }
    await analyst.add(path, other)
    const { taxiiStatus: status } = await analyst.post(path, [moved])
    t.equal(status.success_count, 1)
    t.match(status.successes?.[0]?.message, /created differs/)
    const there = `/global/collections/${strict}/`
    const before = (await analyst.post(there, [other])).taxiiStatus
    const refused = (await analyst.post(there, [moved])).taxiiStatus
    t.equal(refused.failure_count, 1, JSON.stringify(before))
  })
})
