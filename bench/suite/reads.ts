/** Full syncs, pages at different places, polls, objects by id, manifests. */
import { readFileSync } from 'node:fs'
import { repeat, repeatEach, walk } from './clients.ts'
import { copyOut } from './limits.ts'
import { median } from './report.ts'
import { lastPosition, type Setting } from './setting.ts'
import { requestOf } from './wire.ts'
import { basic, bearer, type Reader } from './world.ts'

const ROUNDS = 3

/** Both in turn, so that what else the machine does meets both alike; medians. */
async function inTurn(
  a: () => Promise<number>,
  b: () => Promise<number>,
  rounds = ROUNDS,
): Promise<[number, number]> {
  const figures: [number[], number[]] = [[], []]
  for (let i = 0; i < rounds; i++) {
    figures[0].push(await a())
    figures[1].push(await b())
  }
  return [median(figures[0]), median(figures[1])]
}

const perSecond = (count: number, ms: number) => (count * 1000) / ms

/** Objects per second, while some clients walk the log once, all at the same time. */
async function syncRate(base: string, clients: number, gzip: boolean): Promise<number> {
  const start = performance.now()
  const walks = await Promise.all(
    Array.from({ length: clients }, () => walk(base, bearer('broad'), 1000, gzip)),
  )
  return perSecond(
    walks.reduce((sum, { objects }) => sum + objects, 0),
    performance.now() - start,
  )
}

export async function syncs({ report, server, cold, seconds }: Setting): Promise<void> {
  const url = server.databaseUrl
  let coldObjects = 0
  const [bytes, copied] = await inTurn(
    async () => {
      const { bytes, objects, ms } = await walk(cold.base, bearer('broad'), 1000)
      coldObjects = perSecond(objects, ms)
      return perSecond(bytes, ms) / 1e6
    },
    async () => {
      const { bytes, ms } = await copyOut(url)
      return perSecond(bytes, ms) / 1e6
    },
  )
  report.add({
    name: 'full sync, cold pages of 1,000',
    value: bytes,
    unit: 'MB/s',
    yardstick: { name: 'COPY out', value: copied },
    ratio: bytes / copied,
    goal: { least: 0.6 },
  })
  report.add({ name: 'the same, objects', value: coldObjects, unit: 'objects/s' })
  await walk(server.base, bearer('broad'), 1000)
  const [sealed, again] = await inTurn(
    async () => {
      const { objects, ms } = await walk(server.base, bearer('broad'), 1000)
      return perSecond(objects, ms)
    },
    async () => {
      const { objects, ms } = await walk(cold.base, bearer('broad'), 1000)
      return perSecond(objects, ms)
    },
  )
  report.add({
    name: 'full sync, sealed pages of 1,000, 1 client',
    value: sealed,
    unit: 'objects/s',
    yardstick: { name: 'cold', value: again },
    ratio: sealed / again,
    goal: { least: 5 },
  })
  report.add({
    name: 'full sync, sealed pages of 1,000, 8 clients',
    value: await syncRate(server.base, 8, false),
    unit: 'objects/s',
    goal: { least: 757_000 },
  })
  await memory(server.pid, seconds, async (until) => {
    while (performance.now() < until) await walk(server.base, bearer('broad'), 1000)
  }).then(({ most, first, second }) => {
    report.add({ name: 'memory while 8 clients sync', value: most, unit: 'MB resident', goal: { most: 400 } })
    report.add({
      name: 'memory, second half of that time against the first',
      value: second,
      unit: 'MB',
      yardstick: { name: 'the first half', value: first },
      ratio: second / first,
      goal: { most: 1.1 },
    })
  })
}

/** As most clients ask: last, because the node then has both forms of pages in its memory. */
export async function compressed({ report, server, cold }: Setting): Promise<void> {
  await syncRate(server.base, 1, true)
  const [sealed, again] = await inTurn(
    () => syncRate(server.base, 1, true),
    () => syncRate(cold.base, 1, true),
  )
  report.add({
    name: 'full sync with gzip, sealed pages of 1,000, 1 client',
    value: sealed,
    unit: 'objects/s',
    yardstick: { name: 'cold, with gzip', value: again },
    ratio: sealed / again,
    goal: { least: 5 },
  })
  report.add({ name: 'the same, 8 clients', value: await syncRate(server.base, 8, true), unit: 'objects/s' })
}

async function memory(pid: number, seconds: number, client: (until: number) => Promise<void>) {
  const samples: number[] = []
  const timer = setInterval(() => {
    const resident = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
    samples.push(Number(resident?.[1]) / 1024)
  }, 100)
  const until = performance.now() + Math.max(4, seconds * 2) * 1000
  await Promise.all(Array.from({ length: 8 }, () => client(until)))
  clearInterval(timer)
  const half = samples.length >> 1
  return {
    most: Math.max(...samples),
    first: Math.max(...samples.slice(0, half)),
    second: Math.max(...samples.slice(half)),
  }
}

/** Milliseconds of one page after a place, asked for again and again. */
async function page(base: string, path: string, credential: string, seconds: number): Promise<number> {
  const { times } = await repeat(base, requestOf('GET', path, credential), 1, seconds)
  return median(times)
}

const timestamp = (micros: string) => {
  const at = BigInt(micros)
  return `${new Date(Number(at / 1000n)).toISOString().slice(0, 19)}.${String(at % 1_000_000n).padStart(6, '0')}Z`
}

export async function places({
  report,
  cold,
  bare,
  seconds,
  db,
  burst,
  hidden,
  objects,
}: Setting): Promise<void> {
  const at = async (offset: number) => {
    const { rows } = await db.query(
      `select position::text as at from item where collection = (select seq from collection where alias = 'log')
       order by position offset $1 limit 1`,
      [offset],
    )
    return rows[0].at as string
  }
  const path = (micros: string) =>
    `/bench/collections/log/objects/?limit=100&added_after=${timestamp(micros)}`
  const total = objects + hidden
  const [first, late] = [await at(0), await at(total - 1000)]
  const short = Math.max(0.5, seconds / 4)
  const [end, begin] = await inTurn(
    () => page(cold.base, path(late), bearer('broad'), short),
    () => page(cold.base, path(first), bearer('broad'), short),
  )
  report.add({
    name: 'page of 100 at the end of the log',
    value: end,
    unit: 'ms',
    yardstick: { name: 'at its start', value: begin },
    ratio: end / begin,
    goal: { most: 1.2 },
  })
  const middle = await at(Math.floor(objects / 4))
  for (const reader of ['broad', 'middle', 'narrow'] as Reader[]) {
    for (const [where, position, most] of [
      ['', middle, 1.5],
      [`, beside ${hidden.toLocaleString('en-US')} hidden rows`, burst, 3],
    ] as const) {
      const [ours, plain] = await inTurn(
        () => page(cold.base, path(position), bearer(reader), short),
        () => page(bare, `/page?limit=100&after=${position}`, '-', short),
      )
      report.add({
        name: `page of 100, ${reader} reader${where}`,
        value: ours,
        unit: 'ms',
        yardstick: { name: 'no policy, same place', value: plain },
        ratio: ours / plain,
        goal: { most },
      })
    }
  }
  const manifest = await page(
    cold.base,
    `/bench/collections/log/manifest/?limit=1000`,
    bearer('broad'),
    short,
  )
  report.add({ name: 'manifest page of 1,000, cold', value: manifest, unit: 'ms', goal: { most: 3 } })
}

export async function requests({ report, server, bare, seconds, db }: Setting): Promise<void> {
  const after = timestamp(await lastPosition(db))
  const poll = requestOf('GET', `/bench/collections/log/objects/?added_after=${after}`, bearer('broad'))
  const select = requestOf('GET', '/select', '-')
  const [bareRate] = [(await repeat(bare, requestOf('GET', '/bare', '-'), 16, seconds)).rate]
  report.add({ name: 'bare Fastify route, 16 connections', value: bareRate, unit: '/s' })
  const [polls, selects] = await inTurn(
    async () => (await repeat(server.base, poll, 16, seconds)).rate,
    async () => (await repeat(bare, select, 16, seconds)).rate,
  )
  const yardstick = { name: 'bare route with select 1', value: selects }
  report.add({
    name: 'empty poll, 16 connections',
    value: polls,
    unit: '/s',
    yardstick,
    ratio: polls / selects,
    goal: { least: 0.5 },
  })
  const { rows } = await db.query(
    `select object_id as id from item where collection = (select seq from collection where alias = 'log')
       and object_id like 'indicator%' and audience = (select audience from item order by position limit 1 offset 100)
     order by random() limit 2000`,
  )
  const byId = rows.map(({ id }) =>
    requestOf('GET', `/bench/collections/log/objects/${id}/`, bearer('broad')),
  )
  const one = (n: number) => byId[n % byId.length] as Buffer
  for (const connections of [16, 4]) {
    const [objects, plain] = await inTurn(
      async () => (await repeatEach(server.base, one, connections, seconds)).rate,
      async () => (await repeat(bare, select, connections, seconds)).rate,
    )
    report.add({
      name: `object by id, ${connections} connections`,
      value: objects,
      unit: '/s',
      yardstick: { name: 'bare route with select 1', value: plain },
      ratio: objects / plain,
      goal: { least: 0.4 },
    })
  }
  const { times } = await repeat(server.base, requestOf('GET', '/bench/collections/', basic()), 1, 1)
  report.add({ name: 'first request with Basic credentials', value: times[0] as number, unit: 'ms' })
  report.add({ name: 'the next ones', value: median(times.slice(1)), unit: 'ms', goal: { most: 1 } })
}
