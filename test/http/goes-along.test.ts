/** What goes with a hidden part (policy.md §5): the program, the plain store and a database without the hidden say the same. */
import { test } from 'tap'
import { database } from '../support/cluster.ts'
import { newClock, subjectOf } from '../support/history.ts'
import { applyInProcess, asOwner, copyDatabase, openNode, sibling } from '../support/in-process.ts'
import { disagreements } from '../support/plain-disagreements.ts'
import { storedRows } from '../support/plain-store.ts'
import { AT, policyWorld } from '../support/policy-world.ts'
import { purge } from '../support/purge.ts'
import { ReferenceLog } from '../support/reference-log.ts'
import { identity, malware, report, TLP } from '../support/stix.ts'

const WHO = ['my', 'my2', 'bank', 'sg', 'de']
const as = (who: string) => `Basic ${Buffer.from(`${who}:pw-${who}`).toString('base64')}`
const references = (description: string) => [{ source_name: 'a source', description }]
const granular = (...list: [ref: string, ...selectors: string[]][]) => ({
  granular_markings: list.map(([marking_ref, ...selectors]) => ({ marking_ref, selectors })),
})

test('an external reference, marked, of which its description is stricter', async (t) => {
  const { url } = await database(t)
  const clock = newClock()
  const declared = await applyInProcess(url, JSON.stringify(policyWorld()), clock.now())
  const green = { object_marking_refs: [TLP.green] }
  const parted = (level: string, ...more: string[]) => ({
    ...green,
    external_references: references('for RED'),
    ...granular(
      [TLP.red, 'external_references.[0].description'],
      [level, 'external_references.[0]', ...more],
    ),
  })
  const [open, amber, strict] = [TLP.green, TLP.amber, TLP['amber+strict']].map((ref) =>
    malware({ object_marking_refs: [ref] }),
  )
  const objects = [
    ...[open, amber, strict],
    malware(parted(TLP.amber)),
    malware({ ...parted(TLP.amber, 'labels.[0]'), labels: ['a', 'b'] }),
    identity({ ...parted(TLP['amber+strict'], 'sectors'), sectors: ['energy'], description: 'open' }),
    // Without its description it may lack either of two others: one and the same for all who may see both.
    malware({
      ...green,
      labels: ['a', 'b'],
      external_references: references('for RED'),
      ...granular(
        [TLP.red, 'external_references.[0].description'],
        [TLP.amber, 'external_references.[0]', 'labels.[0]'],
        [TLP['amber+strict'], 'external_references.[0].source_name', 'labels.[1]'],
      ),
    }),
    // No stricter than the whole: it is in every copy, so that without its description there is none.
    malware(parted(TLP.green)),
    // References that say the same as a part go with it.
    report([open, amber, strict].map((o) => o?.id) as string[], parted(TLP.amber)),
    report([amber?.id as string], parted(TLP.amber)),
  ]
  const log = new ReferenceLog(declared, [], await asOwner(url, storedRows))
  const node = await openNode(url, clock)
  const subjects = new Map(WHO.map((id) => [id, subjectOf(declared, { id, capped: false })]))
  for (const path of [AT.redact, AT.redactown]) {
    clock.at += 1_000_000n
    const body = JSON.stringify({ objects })
    const answer = await node.call({ method: 'POST', path: `${path}objects/`, as: as('my'), body })
    t.equal(answer.taxiiStatus.failure_count, 0, answer.text)
    log.observe(await asOwner(url, storedRows), subjects.get('my') ?? null, clock.now())
  }
  await node.close()
  t.strictSame(await asOwner(url, (c) => disagreements(c, log.store, subjects, clock.now())), [])

  for (const who of WHO) {
    const less = sibling(url, who)
    await copyDatabase(url, less)
    const subject = subjects.get(who) ?? null
    await asOwner(less, (client) => purge(client, declared, log.store, subject, clock.now()))
    const [full, without] = [await openNode(url, clock), await openNode(less, clock)]
    for (const path of [AT.redact, AT.redactown]) {
      for (const what of [
        'objects/',
        'manifest/',
        'objects/?limit=2',
        ...objects.map((o) => `objects/${o?.id}/`),
      ]) {
        const call = { path: `${path}${what}`, as: as(who) }
        t.equal(
          (await without.call(call)).fingerprint,
          (await full.call(call)).fingerprint,
          `${who}: ${what}`,
        )
      }
    }
    await full.close()
    await without.close()
  }
})
