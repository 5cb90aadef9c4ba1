/** One Postgres and one migrated template database per test run, shared by all test files; a clone per file. */
import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import type { Test } from 'tap'
import { SHARED_MEMORY } from './memory-folder.ts'
import { program, root } from './paths.ts'
import { alive, locked, sleep } from './run-lock.ts'

const run = promisify(execFile)

const hash = (...parts: string[]) => createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 8)
const external = process.env.COMITY_TEST_DATABASE_URL ?? ''
const key = hash(root, external, process.env.COMITY_TEST_PG_BIN ?? '')
const folder = join(tmpdir(), `comity-test-${userInfo().username}-${key}`)
const prefix = `comity_test_${key}_`

interface Cluster {
  url: string
  guardian: number
}

function readCluster(): Cluster | null {
  try {
    return JSON.parse(readFileSync(join(folder, 'cluster.json'), 'utf8'))
  } catch {
    return null
  }
}

/** What a guardian that was killed has left: its Postgres, by the pid that Postgres wrote down, and the files. */
function clearRemains(): void {
  for (const place of [join(SHARED_MEMORY, basename(folder)), folder]) {
    try {
      const pid = Number(readFileSync(join(place, 'data', 'postmaster.pid'), 'utf8').split('\n')[0])
      if (alive(pid)) process.kill(pid, 'SIGQUIT')
    } catch {
      // No Postgres was running there.
    }
    rmSync(place, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  }
}

/** Joins the run: registers this process, and starts the cluster if it is the first. */
function joinRun(): Promise<Cluster> {
  return locked(`${folder}.lock`, async () => {
    const found = readCluster()
    if (!found || !alive(found.guardian)) clearRemains()
    mkdirSync(join(folder, 'pids'), { recursive: true })
    mkdirSync(join(folder, 'servers'), { recursive: true })
    chmodSync(folder, 0o711)
    const mine = join(folder, 'pids', String(process.pid))
    writeFileSync(mine, '')
    process.once('exit', () => rmSync(mine, { force: true }))
    const cluster = readCluster() ?? (await spawnGuardian())
    await makeTemplate(cluster)
    return cluster
  })
}

async function spawnGuardian(): Promise<Cluster> {
  writeFileSync(join(folder, 'prefix'), prefix)
  const script = join(root, 'build', 'test', 'support', 'cluster-guardian.js')
  spawn(process.execPath, [script, folder, external], { detached: true, stdio: 'ignore', cwd: '/' }).unref()
  for (let i = 0; i < 600; i++) {
    const cluster = readCluster()
    if (cluster) return cluster
    if (existsSync(join(folder, 'failed'))) throw new Error(readFileSync(join(folder, 'failed'), 'utf8'))
    await sleep(50)
  }
  throw new Error('the test cluster did not start within 30 s')
}

/** The URL of another database on the same server. */
function onDatabase(url: string, name: string): string {
  const u = new URL(url)
  u.pathname = `/${name}`
  return u.toString()
}

async function admin<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

let template: string | undefined

/** Names the template after the migrations and the build, so that a changed one makes a new template. */
function templateName(): string {
  if (template !== undefined) return template
  const migrations = join(root, 'migrations')
  const texts = readdirSync(migrations)
    .sort()
    .map((name) => readFileSync(join(migrations, name), 'utf8'))
  const build = join(root, 'build', 'src')
  const times = readdirSync(build, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.js'))
    .map((name) => statSync(join(build, name)).mtimeMs)
  template = `${prefix}template_${hash(...texts, String(Math.max(...times)))}`
  return template
}

async function makeTemplate({ url }: Cluster): Promise<void> {
  const name = templateName()
  const marker = join(folder, name)
  if (existsSync(marker)) return
  await admin(url, async (client) => {
    await client.query(`drop database if exists "${name}" with (force)`)
    await client.query(`create database "${name}"`)
  })
  const env = { ...process.env, DATABASE_URL: onDatabase(url, name), LOG_LEVEL: 'warn' }
  try {
    await run(process.execPath, [program, 'migrate'], { env, cwd: root })
  } catch (error) {
    const { stderr = '', stdout = '' } = error as { stderr?: string; stdout?: string }
    throw new Error(`comity migrate failed: ${stderr}${stdout}`, { cause: error })
  }
  writeFileSync(marker, '')
}

let joined: Promise<Cluster> | undefined
let clones = 0

/** Notes a server of this process, so that the guardian can end it if this process dies first. */
export function registerServer(pid: number): () => void {
  const file = join(folder, 'servers', String(pid))
  writeFileSync(file, String(process.pid))
  return () => {
    try {
      unlinkSync(file)
    } catch {
      // The guardian was faster.
    }
  }
}

/** The server of this run, started if need be. */
function cluster(): Promise<Cluster> {
  joined ??= joinRun()
  return joined
}

async function clone(t: Test, template: string): Promise<{ url: string }> {
  const { url } = await cluster()
  const name = `${prefix}${process.pid}_${++clones}`
  // A copy of files: without fsync half the work of copying pages through the log, and a drop has fewer buffers to look for.
  await admin(url, (client) =>
    client.query(`create database "${name}" template "${template}" strategy file_copy`),
  )
  t.teardown(() => admin(url, (client) => client.query(`drop database if exists "${name}" with (force)`)))
  const own = onDatabase(url, name)
  if (process.env.COMITY_TEST_SQL) await mutate(own, readFileSync(process.env.COMITY_TEST_SQL, 'utf8'))
  return { url: own }
}

/** Puts functions of a mutant (test/mutants) in the place of the migrations'. */
async function mutate(url: string, text: string): Promise<void> {
  await admin(url, async (client) => {
    await client.query('set role comity_owner; set search_path = comity')
    // Those that the migration itself created are there already.
    await client.query(text.replaceAll(/^create function /gm, 'create or replace function '))
  })
}

/** A fresh, migrated database of its own, dropped when the test ends. `url` is the superuser's. */
export async function database(t: Test): Promise<{ url: string }> {
  await cluster()
  return clone(t, templateName())
}

/**
 * A fresh database to which a topology has been applied. The first test file that asks for a topology applies it to
 * a template of its own, the others clone that.
 */
export async function databaseWith(
  t: Test,
  topology: string,
  apply: (url: string) => Promise<void>,
): Promise<{ url: string }> {
  const { url } = await cluster()
  const base = templateName()
  const name = `${base}_${hash(topology)}`
  await locked(`${folder}.lock`, async () => {
    const marker = join(folder, name)
    if (existsSync(marker)) return
    await admin(url, async (client) => {
      await client.query(`drop database if exists "${name}" with (force)`)
      await client.query(`create database "${name}" template "${base}"`)
    })
    await apply(onDatabase(url, name))
    writeFileSync(marker, '')
  })
  return clone(t, name)
}
