/**
 * Recalls of objects whose readers get copies are told alike by a database without what a reader may not see: also once no
 * row has the copies any more that were recalled (policy.md, "The promise"; §5, §13).
 */
import { test } from 'tap'
import { basic } from '../support/client.ts'
import { database } from '../support/cluster.ts'
import { newClock, subjectOf, watch } from '../support/history.ts'
import { applyInProcess, asOwner, copyDatabase, openNode, sibling } from '../support/in-process.ts'
import { storedRows } from '../support/plain-store.ts'
import { AT, policyWorld } from '../support/policy-world.ts'
import { purge } from '../support/purge.ts'
import { ReferenceLog } from '../support/reference-log.ts'
import { forPerson, indicator, report, TLP } from '../support/stix.ts'

const forSg = forPerson('sg')

const marked = (...object_marking_refs: string[]) => indicator({ object_marking_refs })
const [shown, closed, named] = [marked(TLP.green), marked(TLP.green), marked(TLP.red, forSg.id)]
const lists = {
  /** Closed to `de` for a while; `sg` and `my2` have all of it at any time. */
  both: report([shown.id, closed.id], { object_marking_refs: [TLP.green] }),
  /** What it loses is known to `my` and `sg`. */
  secret: report([shown.id, named.id], { object_marking_refs: [TLP.green] }),
}

test('recalls of copies that nobody gets any more', async (t) => {
  const { url } = await database(t)
  const clock = newClock()
  const declared = await applyInProcess(url, JSON.stringify(policyWorld()), clock.now())
  const node = await openNode(url, clock)
  const log = new ReferenceLog(declared, [forSg], await asOwner(url, storedRows))
  const look = watch(log, declared, url, clock)
  const send = async (who: string, method: 'GET' | 'POST' | 'PATCH', path: string, body?: object) => {
    clock.at += 1_000_000n
    const json = { accept: 'application/json', 'content-type': 'application/json' }
    const answer = await node.call({
      method,
      path,
      as: basic(who, `pw-${who}`),
      ...(method === 'PATCH' && { headers: json }),
      ...(body && { body: JSON.stringify(body) }),
    })
    if (answer.status >= 300 || Number(answer.json.failure_count ?? 0) > 0) throw new Error(answer.text)
    await look(method === 'POST' ? who : null)
  }
  const relabel = (id: string, level: keyof typeof TLP) =>
    send('my', 'PATCH', `/api/v1/roots/one/collections/redact/objects/${id}`, {
      object_marking_refs: [TLP[level]],
      reason: 'because',
    })
  const objects = [forSg, shown, closed, named, lists.both, lists.secret]
  await send('my', 'POST', `${AT.redact}objects/`, { objects })
  for (const who of ['my2', 'sg', 'de']) await send(who, 'GET', `${AT.redact}objects/`)
  await relabel(closed.id, 'amber')
  await relabel(named.id, 'red')
  // One text for all again: no row has the copies and the audiences any more of which the recalls are.
  await relabel(closed.id, 'green')
  await node.work()
  await look(null)
  await node.close()

  const told: Record<string, string[]> = {}
  for (const who of ['my', 'my2', 'sg', 'de', 'bank']) {
    const [full, less] = [sibling(url, `full_${who}`), sibling(url, `less_${who}`)]
    const answers: string[][] = []
    for (const side of [full, less]) {
      await copyDatabase(url, side)
      const reader = subjectOf(declared, { id: who, capped: false })
      if (side === less)
        await asOwner(side, (client) => purge(client, declared, log.store, reader, clock.now()))
      const asked = await openNode(side, clock)
      const heard: string[] = []
      for (const path of ['/api/v1/recalls', '/api/v1/recalls/issued']) {
        const headers = { accept: 'application/json' }
        const answer = await asked.call({ path, as: basic(who, `pw-${who}`), headers })
        heard.push(answer.fingerprint)
        if (side === less) continue
        const items = answer.json.items as { object: string }[]
        const of = (id: string) => Object.entries(lists).find(([, list]) => list.id === id)?.[0]
        const names = items.flatMap(({ object }) => of(object) ?? [])
        told[`${who} ${path.split('/').at(-1)}`] = names.sort()
      }
      answers.push(heard)
      await asked.close()
    }
    t.strictSame(answers[0], answers[1], who)
  }
  t.strictSame(told, {
    'my recalls': [],
    'my issued': ['both', 'secret'],
    'my2 recalls': [],
    'my2 issued': ['both'],
    'sg recalls': ['secret'],
    'sg issued': [],
    'de recalls': ['both'],
    'de issued': [],
    'bank recalls': [],
    'bank issued': [],
  })
})
