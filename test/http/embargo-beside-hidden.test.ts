/**
 * An embargo ends, and what refers to what was under it is appended again: whatever versions of a colleague's, which the
 * author does not see, bind meanwhile (policy.md §7, "The promise").
 */
import { type Test, test } from 'tap'
import type { StixObject } from '../support/client.ts'
import { database } from '../support/cluster.ts'
import { applyInProcess, openNode, TestClock } from '../support/in-process.ts'
import { AT, COLLECTION, policyWorld } from '../support/policy-world.ts'
import { START } from '../support/random-world.ts'
import { embargo, indicator20, malware, relationship, report, TLP, uuid5, version } from '../support/stix.ts'

const SECOND = 1_000_000n
const END = START + 60n * SECOND
const later = embargo(END)
const marked = (...refs: string[]) => ({ object_marking_refs: refs })
const as = (who: string) => `Basic ${Buffer.from(`${who}:pw-${who}`).toString('base64')}`
const at = (month: number) => `2026-0${month}-01T00:00:00.000Z`

interface Stage {
  clock: TestClock
  add(who: string, ...objects: StixObject[]): Promise<void>
  /** Whether the object was appended again since the last time, by what its author sees. */
  note(what: string): Promise<void>
  told: string[]
  work(): Promise<void>
  /** Versions that somebody sees. */
  sees(who: string, id: string): Promise<string[]>
  relabel(id: string, ...refs: string[]): Promise<void>
}

async function stage(t: Test, id: string, run: (stage: Stage) => Promise<void>): Promise<string[]> {
  const { url } = await database(t)
  const clock = new TestClock(START)
  await applyInProcess(url, JSON.stringify(policyWorld()), clock.now())
  const node = await openNode(url, clock)
  const told: string[] = []
  let before = 'undefined'
  try {
    await run({
      clock,
      told,
      async add(who, ...objects) {
        clock.at += SECOND
        const body = JSON.stringify({ objects })
        const answer = await node.call({ method: 'POST', path: `${AT.closed}objects/`, as: as(who), body })
        t.equal(answer.taxiiStatus.failure_count, 0, answer.text)
      },
      async note(what) {
        const path = `${AT.closed}manifest/?match[id]=${id}&match[version]=all`
        const answer = await node.call({ path, as: as('my2') })
        const { objects = [] } = JSON.parse(answer.text) as {
          objects?: { version: string; date_added: string }[]
        }
        const now = objects
          .sort((x, y) => (x.version < y.version ? -1 : 1))
          .map((record) => record.date_added)
          .join()
        told.push(`${what}: ${now === before ? 'as it was' : 'appended'}`)
        before = now
      },
      work: () => node.work(),
      async sees(who, id) {
        const answer = await node.call({ path: `${AT.closed}objects/${id}/?match[version]=all`, as: as(who) })
        return answer.objects.map(({ modified }) => String(modified))
      },
      async relabel(id, ...refs) {
        const answer = await node.call({
          method: 'PATCH',
          path: `/api/v1/roots/one/collections/${COLLECTION.closed}/objects/${id}`,
          as: as('my2'),
          body: JSON.stringify({ ...marked(...refs), reason: 'later' }),
          headers: { accept: 'application/json', 'content-type': 'application/json' },
        })
        t.equal(answer.status, 200, answer.text)
      },
    })
  } finally {
    await node.close()
  }
  return told
}

const LATER = END + 60n * SECOND
const longer = { ...embargo(LATER), id: `marking-definition--${uuid5('embargo beside hidden longer')}` }
const held = marked(TLP.green, later.id)

/** What refers to a version of one's own, under an embargo by itself or by what it refers to, beside a colleague's version. */
async function refers(
  t: Test,
  by: 'itself' | 'reference' | 'relabel',
  hidden: number | null,
): Promise<string[]> {
  const end = malware(marked(TLP.green))
  const own = relationship(end.id, malware().id, { modified: at(2), ...marked(TLP.green) })
  const touched = malware(marked(TLP.green))
  const container = report([own.id, touched.id], marked(TLP.green))
  const theirs = { ...own, modified: at(hidden ?? 1), source_ref: malware().id, ...marked(TLP.red) }
  return await stage(t, container.id, async ({ add, note, clock, work, relabel }) => {
    if (hidden !== null) await add('my', theirs)
    await add('my2', later, longer, touched, by === 'reference' ? own : { ...own, ...held }, container)
    await note('first')
    await add('my2', by === 'reference' ? { ...end, ...held } : end)
    if (by === 'relabel') await relabel(own.id, TLP.green, longer.id)
    await note('held')
    await add('my2', malware(marked(TLP.green)))
    for (const time of [END, LATER]) {
      clock.at = time
      await note('its time')
      await work()
      await note('the job')
      await add('my2', { ...version(touched, at(time === END ? 5 : 6)), ...marked(TLP.clear) })
      await note('its other end')
    }
    await add('my2', { ...version(own, at(4)), ...marked(TLP.green) })
    await note('a new version')
  })
}

/** What is under an embargo itself, and refers to what a colleague then sends under a longer one, or does not. */
async function awaits(t: Test, hidden: boolean): Promise<string[]> {
  const longer = {
    ...embargo(END + 60n * SECOND),
    id: 'marking-definition--5e1b3f57-6a0d-4d56-8f0b-3c1d9a7e2b10',
  }
  const subject = malware()
  const own = report([subject.id], held)
  return await stage(t, own.id, async ({ add, note, clock, work }) => {
    await add('my2', later, own)
    await note('first')
    if (hidden) await add('my', longer, { ...subject, ...marked(TLP.red, longer.id) })
    await note('held')
    for (const what of ['its time', 'another time']) {
      clock.at = what === 'its time' ? END : LATER
      await work()
      await note(what)
      await add('my2', malware(marked(TLP.green)))
      await work()
      await note('after it')
    }
  })
}

interface Unseen {
  /** Is the older version for more readers than the latest? */
  wider: boolean
  /** Sent after the colleague's. */
  after?: boolean
  /** Look at the versions themselves, and not at what refers to them. */
  itself?: boolean
  /** With one more version, and a hidden one that is newer still. */
  more?: boolean
}

/**
 * What refers to something of one's own that a colleague puts under an embargo unseen, by sending what its latest version
 * refers to; or does not. The older version would open it, or close it.
 */
async function unseen(t: Test, hidden: boolean, { wider, after, itself, more }: Unseen): Promise<string[]> {
  const [subject, touched] = [malware(), malware(marked(TLP.green))]
  const [first, second] = wider ? [TLP.green, TLP.amber] : [TLP.amber, TLP.green]
  const own = report([touched.id], marked(first))
  const latest = { ...version(own, at(2)), object_refs: [subject.id], ...marked(second) }
  const newest = { ...version(own, at(3)), ...marked(first) }
  const about = report([own.id, touched.id], marked(TLP.green))
  return await stage(t, itself ? own.id : about.id, async ({ add, note, clock, work }) => {
    await add('my2', later, touched, own, latest, ...(more ? [newest] : []), ...(after ? [] : [about]))
    if (hidden) await add('my', { ...subject, ...marked(TLP.red, later.id) })
    if (hidden && more)
      await add('my', { ...version(own, at(4)), object_refs: [touched.id], ...marked(TLP.red) })
    if (after) await add('my2', about)
    await note('first')
    for (const [i, level] of [TLP.clear, TLP.amber, TLP.green].entries()) {
      await add('my2', { ...version(touched, at(3 + i)), ...marked(level) })
      await note(level)
    }
    clock.at = END
    await work()
    await note('the job')
    await add('my2', { ...version(touched, at(6)), ...marked(TLP.clear) })
    await note('after it')
  })
}

test('by an embargo that it does not know of', async (t) => {
  const both = [true, false]
  const all = both.flatMap((wider) =>
    both.flatMap((itself) =>
      [{}, { after: true }, { more: true }].map((more) => ({ wider, itself, ...more })),
    ),
  )
  for (const one of all) {
    t.strictSame(await unseen(t, true, one), await unseen(t, false, one), JSON.stringify(one))
  }
})

test('what binds instead of an embargo binds older versions too', async (t) => {
  for (const hidden of [false, true]) {
    const own = relationship(malware().id, malware().id, { modified: at(2), ...held })
    const older = report([malware().id], marked(TLP.green))
    const container = { ...version(older, at(2)), object_refs: [own.id] }
    await stage(t, container.id, async ({ add, sees, clock, work }) => {
      if (hidden) await add('my', { ...own, modified: at(1), ...marked(TLP.red) })
      await add('my2', later, own, older, container)
      t.strictSame(await sees('my2', container.id), [at(1), at(2)])
      t.strictSame(await sees('sg', container.id), hidden ? [] : [at(1)], 'RED, or not yet')
      clock.at = END
      await work()
      t.strictSame(await sees('sg', container.id), [at(1), at(2)], 'open')
    })
  }
})

test('by what its author sees', async (t) => {
  for (const by of ['itself', 'reference', 'relabel'] as const) {
    const told = await refers(t, by, null)
    const jobs = told.filter((one) => one.startsWith('the job'))
    const [moved, stays] = ['the job: appended', 'the job: as it was']
    t.strictSame(jobs, by === 'relabel' ? [stays, moved] : [moved, stays], by)
    t.match(told, ['first: appended', 'held: as it was', 'its time: as it was'])
    t.strictSame(await refers(t, by, 1), told, `${by}, beside an older version`)
    t.strictSame(await refers(t, by, 3), told, `${by}, beside a newer version`)
  }
})

test('by its own embargo', async (t) => {
  const told = await awaits(t, false)
  t.match(told, ['first: appended', 'held: as it was', 'its time: appended', 'after it: as it was'])
  t.strictSame(await awaits(t, true), told, 'beside a longer one that is hidden')
})

/** What refers to an object of which a colleague sent one version in STIX 2.0, and in 2.1 where nobody else sees it. */
async function twice(t: Test, hidden: boolean, relabels: boolean): Promise<string[]> {
  const theirs = indicator20(marked(TLP.amber))
  const own = relationship(theirs.id, malware().id, marked(TLP.green))
  return await stage(t, own.id, async ({ add, note, clock, work, relabel }) => {
    await add('my', theirs)
    await add('my2', own)
    await note('first')
    const { labels: indicator_types, ...rest } = theirs
    const also = { ...rest, spec_version: '2.1', pattern_type: 'stix', indicator_types }
    if (hidden) await add('my', { ...also, ...marked(TLP.red) })
    await note('the colleague')
    await add('my2', later, { ...also, modified: at(3), ...held })
    await note('a newer one, held')
    if (relabels) await relabel(own.id, TLP.green)
    await note('relabelled')
    await relabel(own.id, TLP['amber+strict'])
    await relabel(own.id, TLP.green)
    await note('to and fro')
    clock.at = END
    await work()
    await note('its time')
  })
}

test('beside the same version in the other version of STIX', async (t) => {
  for (const relabels of [false, true]) {
    const told = await twice(t, false, relabels)
    t.match(told, ['first: appended', 'the colleague: as it was', 'a newer one, held: as it was'])
    t.strictSame(await twice(t, true, relabels), told, `${relabels}`)
  }
})
