/**
 * Every scenario against a server that it starts: medians, and ratios beside the machine's own limits in the same run.
 * BENCH_OBJECTS (100000), BENCH_SECONDS (3), BENCH_OUT (a file for JSON), BENCH_ONLY (names, comma-separated).
 */

import { compressed, places, requests, syncs } from './reads.ts'
import { Report } from './report.ts'
import { prepare, type Setting } from './setting.ts'
import { mixed, writes } from './writes.ts'

const SCENARIOS: Record<string, (setting: Setting) => Promise<void>> = {
  syncs,
  places,
  requests,
  writes,
  mixed,
  compressed,
}

async function main(): Promise<void> {
  const { BENCH_OBJECTS = '100000', BENCH_SECONDS = '3', BENCH_OUT, BENCH_ONLY } = process.env
  const wanted = BENCH_ONLY?.split(',') ?? Object.keys(SCENARIOS)
  const unknown = wanted.filter((name) => !(name in SCENARIOS))
  if (unknown.length > 0)
    throw new Error(`BENCH_ONLY: ${unknown.join(', ')} is none of ${Object.keys(SCENARIOS).join(', ')}`)
  const objects = Number(BENCH_OBJECTS)
  const report = new Report((line) => process.stdout.write(`${line}\n`))
  const [setting, stop] = await prepare(report, objects, Number(BENCH_SECONDS))
  try {
    for (const name of wanted) await SCENARIOS[name]?.(setting)
    const { rows } = await setting.db.query('show server_version')
    if (BENCH_OUT) report.write(BENCH_OUT, { postgres: rows[0].server_version, objects })
  } finally {
    await stop()
  }
}

await main()
