/** Two nodes on one database, one of them killed again and again: every answer that arrived is in the ledger, once. */

import { createPrivateKey, createPublicKey } from 'node:crypto'
import t, { test } from 'tap'
import { verifyLedger } from '../../src/sharing/verify-ledger.ts'
import { overClient } from '../../src/store/client.ts'
import { database } from '../support/cluster.ts'
import { asOwner } from '../support/in-process.ts'
import { versionOf } from '../support/ledger.ts'
import { AT, policyWorld } from '../support/policy-world.ts'
import { until } from '../support/release.ts'
import { sleep } from '../support/run-lock.ts'
import { apply, type Server, startServer } from '../support/server.ts'
import { indicator, TLP } from '../support/stix.ts'

const ROUNDS = 4
const READERS = ['sg', 'de', 'my2']
const own = await database(t)
await apply(own.url, JSON.stringify(policyWorld()))
const steady = await startServer(t, { database: own })
for (let i = 0; i < 6; i++) {
  const marking = [TLP.clear, TLP.green][i % 2]
  await steady
    .as('my')
    .add(AT.closed, ...Array.from({ length: 20 }, () => indicator({ object_marking_refs: [marking] })))
}

/** How often each reader got each object, for certain. */
const arrived = new Map<string, number>()
let answers = 0

/** Reads page by page until the node is gone. */
async function reading(server: Server, who: string, stopped: () => boolean): Promise<void> {
  const client = server.as(who)
  while (!stopped()) {
    let next = ''
    do {
      const answer = await client.get(`${AT.closed}objects/?limit=17${next && `&next=${next}`}`)
      if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.text}`)
      answers++
      for (const object of answer.objects) {
        const key = `${who} ${object.id} ${versionOf(object)}`
        arrived.set(key, (arrived.get(key) ?? 0) + 1)
      }
      next = answer.more ? answer.next : ''
    } while (next !== '')
  }
}

test('killed while it delivers and seals', { timeout: 120_000 }, async (t) => {
  let over = false
  const calm = Promise.all(READERS.map((who) => reading(steady, who, () => over)))
  for (let round = 0; round < ROUNDS; round++) {
    const doomed = await startServer(t, { database: own })
    const readers = READERS.map((who) => reading(doomed, who, () => false).catch(() => {}))
    await sleep(300 + Math.random() * 500)
    await doomed.kill9()
    await Promise.all(readers)
  }
  over = true
  await calm
  await until(
    () => asOwner(own.url, async (c) => (await c.query('select count(*)::int as n from delivery')).rows[0].n),
    (n) => n === 0,
  )
  await asOwner(own.url, async (client) => {
    const { rows } = await client.query(`
      select e.principal || ' ' || i.object_id || ' ' || i.version as key, count(*)::int as n
      from ledger_entry e cross join lateral runs_of(e.first, e.runs) r
      join item i on i.collection = e.collection and i.position between r.low and r.high and (i.position - r.low) % r.step = 0
      group by 1`)
    const written = new Map(rows.map((r) => [String(r.key), Number(r.n)]))
    const lost = [...arrived].filter(([key, n]) => (written.get(key) ?? 0) < n)
    t.strictSame(lost, [], `each of ${answers} answers is written down`)
    // Of each reader one answer a round may have been written down and never have left.
    const spare = [...written].filter(([key, n]) => n > (arrived.get(key) ?? 0) + ROUNDS)
    t.strictSame(spare, [], 'and none twice')
    const { rows: keys } = await client.query(`select value from setting where key = 'ledger_key'`)
    const key = createPrivateKey({ key: Buffer.from(keys[0].value, 'hex'), format: 'der', type: 'pkcs8' })
    const pem = String(createPublicKey(key).export({ format: 'pem', type: 'spki' }))
    const verdicts = await verifyLedger(overClient(client), pem, null)
    t.match(verdicts, [{ organization: 'mycert', broken: null }])
    t.ok((verdicts[0]?.entries ?? 0) > 10, 'the chain is whole')
  })
})
