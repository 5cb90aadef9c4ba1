/** `npm run test:cluster`: two nodes, one primary, one standby, PgBouncer and HAProxy, and what may happen to them. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from './build.ts'
import { cleanUp, folder, missingPackages, PG_BIN, tail } from './processes.ts'
import { SCENARIOS } from './scenarios.ts'

async function main(): Promise<number> {
  const missing = missingPackages()
  if (missing.length > 0) {
    console.log(
      `SKIPPED npm run test:cluster: ${missing.join(', ')} is not installed and cannot be (Debian, as root)`,
    )
    return 0
  }
  const only = process.argv[2]
  let failed = 0
  const cluster = await build()
  const version = await cluster.pooler.version()
  console.log(`PostgreSQL ${PG_BIN.split('/')[4]}, ${version}, HAProxy, ${cluster.nodes.length} nodes`)
  for (const [name, scenario] of Object.entries(SCENARIOS)) {
    if (only && !name.startsWith(only)) continue
    const wrong: string[] = []
    let figures = ''
    try {
      figures = await scenario(cluster, wrong)
    } catch (error) {
      wrong.push(String((error as Error).stack ?? error))
    }
    console.log(`${wrong.length === 0 ? 'ok    ' : 'FAILED'}  ${name}: ${figures}`)
    for (const line of [...new Set(wrong)].slice(0, 8)) console.log(`        ${line}`)
    if (wrong.length > 0) failed++
  }
  if (failed > 0)
    for (const name of ['db1', 'db2', 'pgbouncer', 'node1', 'node2']) console.log(`-- ${name}\n${tail(name)}`)
  return failed > 0 ? 1 : 0
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void cleanUp().finally(() => process.exit(130)))
}
writeFileSync(join(folder, 'pid'), String(process.pid))
try {
  process.exitCode = await main()
} catch (error) {
  console.error(error)
  for (const name of ['db1', 'db2', 'pgbouncer', 'haproxy', 'node1', 'node2'])
    console.error(`-- ${name}\n${tail(name)}`)
  process.exitCode = 1
} finally {
  await cleanUp()
}
