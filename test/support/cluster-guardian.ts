/**
 * The process that owns the run's Postgres: spawned detached by the first test process, it stops the server and
 * deletes everything once no test process has been alive for five seconds.
 */
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import pg from 'pg'
import { memoryFolder } from './memory-folder.ts'
import { type Postgres, startPostgres } from './postgres.ts'
import { alive, locked, sleep } from './run-lock.ts'

const IDLE_MS = 5_000

const [folder = '', external = ''] = process.argv.slice(2)
let stopping = false

/** Test processes that are alive; the files of dead ones go. */
function testers(): number {
  let count = 0
  for (const name of list('pids')) {
    if (alive(Number(name))) count++
    else rmSync(join(folder, 'pids', name), { force: true })
  }
  return count
}

/** Servers that outlived the test process that started them (a crash, a time-out) are ended by their pid. */
function reapServers(): void {
  for (const name of list('servers')) {
    const file = join(folder, 'servers', name)
    let owner = 0
    try {
      owner = Number(readFileSync(file, 'utf8'))
    } catch {
      continue
    }
    if (alive(owner)) continue
    if (alive(Number(name))) process.kill(Number(name), 'SIGKILL')
    rmSync(file, { force: true })
  }
}

function list(name: string): string[] {
  try {
    return readdirSync(join(folder, name))
  } catch {
    return []
  }
}

/** On a server that is not ours, our databases go and the server stays. */
async function dropDatabases(url: string): Promise<void> {
  const prefix = readFileSync(join(folder, 'prefix'), 'utf8')
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const found = await client.query('select datname from pg_database where starts_with(datname, $1)', [prefix])
  for (const { datname } of found.rows)
    await client.query(`drop database if exists "${datname}" with (force)`)
  await client.end()
}

/** Postgres may run as another user than we, which must find its data. */
async function startIn(place: string): Promise<Postgres> {
  mkdirSync(place, { recursive: true })
  chmodSync(place, 0o711)
  return await startPostgres(place, process.env.COMITY_TEST_PG_BIN || undefined)
}

async function main(): Promise<void> {
  const place = join(memoryFolder(), basename(folder))
  const postgres: Postgres = external
    ? { url: external, stop: () => dropDatabases(external) }
    : await startIn(place)
  const stop = async () => {
    if (stopping) return
    stopping = true
    await postgres.stop().catch(() => {})
    for (const path of [place, folder]) rmSync(path, { recursive: true, force: true, maxRetries: 5 })
  }
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => void stop().finally(() => process.exit(0)))
  }
  writeFileSync(join(folder, 'cluster.json'), JSON.stringify({ url: postgres.url, guardian: process.pid }), {
    mode: 0o600,
  })
  let idle = 0
  while (!stopping) {
    await sleep(250)
    reapServers()
    idle = testers() > 0 ? 0 : idle + 250
    if (idle < IDLE_MS) continue
    await locked(`${folder}.lock`, async () => {
      if (testers() === 0) await stop()
    })
  }
  process.exit(0)
}

main().catch((error: unknown) => {
  writeFileSync(join(folder, 'failed'), String(error))
  process.exit(1)
})
