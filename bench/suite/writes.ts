/** Envelopes of 1,000 and of 100, single objects; and everything at once. */
import { indicator } from '../indicator.ts'
import { push, repeat, repeatEach, walk } from './clients.ts'
import { copyIn, insertOnes } from './limits.ts'
import { median, quantile } from './report.ts'
import { lastPosition, type Setting } from './setting.ts'
import { requestOf } from './wire.ts'
import { bearer, markingOf } from './world.ts'

let made = 0
const objects = (count: number) => Array.from({ length: count }, () => indicator(made, markingOf(made++)))
const envelopes = (count: number, size: number) =>
  Array.from({ length: count }, () => JSON.stringify({ objects: objects(size) }))

export async function writes({ report, server, seconds }: Setting): Promise<void> {
  for (const [size, goals] of [
    [1000, [15_000, 24_000]],
    [100, [12_000, 23_000]],
  ] as const) {
    for (const senders of [1, 4]) {
      const ours: number[] = []
      const theirs: number[] = []
      for (let round = 0; round < 3; round++) {
        const list = envelopes(size === 1000 ? 12 : 60, size)
        ours.push(await push(server.base, 'writes', bearer('feed'), list, size, senders))
        if (size === 1000 && senders === 1) theirs.push(await copyIn(server.databaseUrl, 20))
      }
      const value = median(ours)
      if (theirs.length > 0) {
        const yardstick = { name: 'COPY into the same indexed table', value: median(theirs) }
        report.add({
          name: 'ingest, envelopes of 1,000, 1 sender',
          value,
          unit: 'objects/s',
          yardstick,
          ratio: value / yardstick.value,
          goal: { least: 0.3 },
        })
      }
      const goal = { least: goals[senders === 1 ? 0 : 1] }
      report.add({
        name: `ingest, envelopes of ${size}, ${senders} sender(s)`,
        value,
        unit: 'objects/s',
        goal,
      })
    }
  }
  const body = JSON.stringify(objects(1)[0])
  for (const [connections, least] of [
    [1, 1200],
    [4, 3200],
    [16, null],
  ] as const) {
    const path = '/bench/collections/writes/objects/'
    const ready = envelopes(Math.ceil(seconds * 6000), 1).map((one) =>
      requestOf('POST', path, bearer('feed'), one),
    )
    const { rate } = await repeatEach(
      server.base,
      (n) => ready[n % ready.length] as Buffer,
      connections,
      seconds,
    )
    const inserts = await insertOnes(server.databaseUrl, body, connections, seconds)
    report.add({
      name: `single objects, ${connections} connection(s)`,
      value: rate,
      unit: 'objects/s',
      yardstick: { name: 'durable inserts by a pool', value: inserts },
      ratio: rate / inserts,
      ...(connections === 16 && { goal: { least: 0.5 } }),
    })
    if (least)
      report.add({ name: `the same against the peers`, value: rate, unit: 'objects/s', goal: { least } })
  }
}

/** 16 pollers, 2 full syncs, 1 pusher. */
export async function mixed({ report, server, seconds, db }: Setting): Promise<void> {
  const at = await lastPosition(db)
  const micros = BigInt(at)
  const after = `${new Date(Number(micros / 1000n)).toISOString().slice(0, 19)}.${String(micros % 1_000_000n).padStart(6, '0')}Z`
  const poll = requestOf('GET', `/bench/collections/log/objects/?added_after=${after}`, bearer('broad'))
  const unloaded = await repeat(server.base, poll, 1, Math.max(1, seconds / 2))
  const until = performance.now() + seconds * 1000
  let synced = 0
  let pushed = 0
  const [polled] = await Promise.all([
    repeat(server.base, poll, 16, seconds),
    ...Array.from({ length: 2 }, async () => {
      while (performance.now() < until) synced += (await walk(server.base, bearer('broad'), 1000)).objects
    }),
    (async () => {
      while (performance.now() < until) {
        await push(server.base, 'writes', bearer('feed'), envelopes(1, 100), 100, 1)
        pushed += 100
      }
    })(),
  ])
  const ms = median(unloaded.times)
  const p99 = quantile(polled.times, 0.99)
  report.add({
    name: 'mixed load: p99 of a poll',
    value: p99,
    unit: 'ms',
    yardstick: { name: 'its unloaded median', value: ms },
    ratio: p99 / ms,
    goal: { most: 10 },
  })
  const took = (performance.now() - (until - seconds * 1000)) / 1000
  report.add({ name: 'mixed load: polls', value: polled.rate, unit: '/s', goal: { least: 9_500 } })
  report.add({
    name: 'mixed load: synced',
    value: synced / took,
    unit: 'objects/s',
    goal: { least: 205_000 },
  })
  report.add({ name: 'mixed load: pushed', value: pushed / took, unit: 'objects/s' })
}
