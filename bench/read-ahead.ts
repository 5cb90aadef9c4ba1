/** Full sync of cold pages with pages read ahead and without, beside COPY out: prints the median ratios. */

import { startBench } from './server.ts'
import { walk } from './suite/clients.ts'
import { copyOut } from './suite/limits.ts'
import { median, Report } from './suite/report.ts'
import { prepare } from './suite/setting.ts'
import { bearer } from './suite/world.ts'

const OBJECTS = Number(process.env.BENCH_OBJECTS ?? 40_000)
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 9)
const PAGES = [0, 1, 2, 3]

const [{ server }, stop] = await prepare(new Report(() => {}), OBJECTS, 1)
const nodes = await Promise.all(
  PAGES.map((pages) =>
    startBench(null, server.databaseUrl, { COMITY_CACHE_BYTES: '0', COMITY_READ_AHEAD: `${pages}` }),
  ),
)
try {
  for (const limit of [1000, 500]) {
    const rates: number[][] = PAGES.map(() => [])
    const copies: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      for (const [i, node] of nodes.entries()) {
        const { bytes, ms } = await walk(node.base, bearer('broad'), limit)
        rates[i]?.push(bytes / ms / 1000)
      }
      const { bytes, ms } = await copyOut(server.databaseUrl)
      copies.push(bytes / ms / 1000)
    }
    const copy = median(copies)
    const without = median(rates[0] as number[])
    for (const [i, pages] of PAGES.entries()) {
      const rate = median(rates[i] as number[])
      process.stdout.write(
        `pages of ${limit}, ${pages} read ahead: ${rate.toFixed(1)} MB/s, ${(rate / copy).toFixed(2)} x COPY out (${copy.toFixed(0)}), ${(rate / without).toFixed(2)} x without\n`,
      )
    }
  }
} finally {
  for (const node of nodes) await node.stop()
  await stop()
}
