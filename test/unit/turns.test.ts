/** Long work on the one thread: in which order pieces are done, and who is served meanwhile. */
import { setImmediate } from 'node:timers/promises'
import { test } from 'tap'
import { inTurns, type Work, workOf } from '../../src/taxii/turn.ts'

/** Longer than a turn. */
const STEP = 6

function busy(): void {
  const until = performance.now() + STEP
  while (performance.now() < until);
}

/** @param log gets the name at each step */
async function run(name: string, work: Work, steps: number, log: string[]): Promise<void> {
  await inTurns(work, async (pause) => {
    for (let i = 0; i < steps; i++) {
      const wait = pause()
      if (wait) await wait
      log.push(name)
      busy()
    }
  })
}

test('of equals the first is finished before the next is begun', async (t) => {
  const log: string[] = []
  await Promise.all(['a', 'b', 'c'].map((name) => run(name, workOf(1000), 3, log)))
  t.equal(log.join(''), 'aaabbbccc')
})

test('the next piece of a request goes before the first one of a later request', async (t) => {
  const log: string[] = []
  const both = async (name: string) => {
    const work = workOf(1000)
    await run(name, work, 2, log)
    await run(name.toUpperCase(), work, 2, log)
  }
  await Promise.all([both('a'), both('b')])
  t.equal(log.join(''), 'aaAAbbBB')
})

test('the smaller goes first, between two turns of the larger', async (t) => {
  const log: string[] = []
  const large = run('L', workOf(1_000_000), 4, log)
  await Promise.all([large, run('s', workOf(700), 1, log), run('s', workOf(700), 1, log)])
  t.match(log.join(''), /^L+sL*sL+$/)
  t.equal(log.length, 6)
})

test('what is large is not kept waiting for ever by what is small', async (t) => {
  const log: string[] = []
  let over = false
  const small = async () => {
    while (!over && log.length < 200) await run('s', workOf(700), 1, log)
  }
  const smalls = [small(), small(), small()]
  await run('L', workOf(1_000_000), 5, log)
  over = true
  await Promise.all(smalls)
  t.equal(log.filter((name) => name === 'L').length, 5)
  t.ok(log.length < 60, `after ${log.length} turns`)
})

test('others are served between two turns, and before the next piece', async (t) => {
  const log: string[] = []
  const others = async () => {
    for (let i = 0; i < 6; i++) {
      await setImmediate()
      log.push('.')
    }
  }
  await Promise.all([others(), run('a', workOf(1000), 3, log), run('b', workOf(1000), 1, log)])
  t.match(log.join(''), /^a\.+a\.+a\.+b/)
})

test('what fails lets the next one go', async (t) => {
  const log: string[] = []
  const fails = inTurns(workOf(10), async (pause) => {
    busy()
    await pause()
    throw new Error('broken')
  })
  await Promise.all([t.rejects(fails, { message: 'broken' }), run('a', workOf(10), 1, log)])
  await run('b', workOf(10), 1, log)
  t.strictSame(log, ['a', 'b'])
})
