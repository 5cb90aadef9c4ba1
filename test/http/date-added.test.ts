/** Every `date_added` has its six digits, also where they end in zeros (T-2-01). */
import { test } from 'tap'
import { formatMicros } from '../../src/time.ts'
import { database } from '../support/cluster.ts'
import { applyInProcess, openNode, TestClock } from '../support/in-process.ts'
import { AT, policyWorld } from '../support/policy-world.ts'
import { START } from '../support/random-world.ts'
import { malware } from '../support/stix.ts'

test('of whole seconds and of what follows them', async (t) => {
  const { url } = await database(t)
  const clock = new TestClock(START)
  await applyInProcess(url, JSON.stringify(policyWorld()), clock.now())
  const node = await openNode(url, clock)
  t.teardown(() => node.close())
  const as = `Basic ${Buffer.from('my:pw-my').toString('base64')}`
  const first = (START / 1_000_000n + 1n) * 1_000_000n
  clock.at = first
  const body = JSON.stringify({ objects: Array.from({ length: 111 }, () => malware()) })
  await node.call({ method: 'POST', path: `${AT.closed}objects/`, as, body })
  const answer = await node.call({ path: `${AT.closed}manifest/`, as })
  const { objects } = JSON.parse(answer.text) as { objects: { date_added: string }[] }
  t.strictSame(
    objects.map((record) => record.date_added),
    objects.map((_, i) => formatMicros(first + BigInt(i))),
  )
  t.match(objects[0]?.date_added, /:\d\d\.000000Z$/)
  t.equal(objects.length, 111)
})
