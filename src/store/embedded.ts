/** The zero-install database: real PostgreSQL from the npm package's binaries, for trying out and for tests. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { platform } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { Refusal } from '../errors.ts'
import { type Binaries, findBinaries, postgresUser, traversable, type User } from './embedded-binaries.ts'

const run = promisify(execFile)

export interface Embedded {
  /** Of its superuser, on 127.0.0.1. */
  url: string
  directory: string
  stop(): Promise<void>
}

/**
 * Starts the embedded database, making it on first use. What a killed process left running is stopped first.
 * @throws Refusal in one sentence: another process uses it, no binaries for this platform, it does not start
 */
export async function startEmbedded(dataDir: string): Promise<Embedded> {
  const user = postgresUser()
  const home = user ? traversable(dataDir) : dataDir
  const directory = join(home, 'postgres')
  mkdirSync(home, { recursive: true, mode: user ? 0o711 : 0o700 })
  const owner = claim(join(home, 'comity.pid'), home)
  try {
    await stopStale(directory)
    const binaries = await findBinaries(home, user)
    const secret = join(home, 'postgres.password')
    if (!existsSync(join(directory, 'PG_VERSION'))) await initialise(binaries, directory, secret, user)
    if (!existsSync(secret)) {
      throw new Refusal(
        `The password of the embedded database, ${secret}, is gone: restore it, or remove ${directory} and lose its data.`,
        3,
      )
    }
    const password = readFileSync(secret, 'utf8').trim()
    const port = await freePort()
    const child = await start(binaries, directory, port, user)
    const url = `postgres://postgres:${password}@127.0.0.1:${port}/comity`
    try {
      await ensureDatabase(url)
    } catch (error) {
      await end(child)
      throw error
    }
    return {
      url,
      directory,
      async stop() {
        await end(child)
        owner.release()
      },
    }
  } catch (error) {
    owner.release()
    throw error
  }
}

/** One process per directory. The file says which, and when it began: a pid may belong to another one since. */
function claim(file: string, home: string): { release(): void } {
  const mine = `${file}.${process.pid}`
  for (let attempt = 1; ; attempt++) {
    writeFileSync(mine, `${process.pid} ${began(process.pid)}`)
    try {
      linkSync(mine, file)
      return { release: () => rmSync(file, { force: true }) }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    } finally {
      rmSync(mine, { force: true })
    }
    const [pid = '', since = ''] = readPidFile(file).split(' ')
    const other = Number(pid)
    if (other > 0 && other !== process.pid && alive(other) && (since === '' || since === began(other))) {
      throw new Refusal(
        `Another Comity (process ${other}) uses ${home}: stop it, or set COMITY_DATA_DIR to another directory.`,
        3,
      )
    }
    if (attempt > 10) throw new Refusal(`${file} cannot be taken over: remove it.`, 3)
    rmSync(file, { force: true })
  }
}

function readPidFile(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return ''
  }
}

/** When a process began, in the kernel's own count; '' where that cannot be known. */
function began(pid: number): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8)
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '')
    return `${boot}-${fields.split(' ')[19]}`
  } catch {
    return ''
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** A postmaster that outlived its Node (kill -9) is asked to stop, fast but clean. */
async function stopStale(directory: string): Promise<void> {
  const file = join(directory, 'postmaster.pid')
  if (!existsSync(file)) return
  const text = readFileSync(file, 'utf8')
  const pid = Number(text.split('\n', 1)[0])
  if (!(pid > 1) || !alive(pid)) return
  if (!isPostmaster(pid, directory)) {
    // The pid belongs to somebody else since. Postgres would take him for a postmaster and refuse to start; of its
    // parent, us, it knows better, and the rest of the file lets it find out whether its shared memory is in use.
    writeFileSync(file, text.replace(/^\d+/, String(process.pid)))
    return
  }
  process.kill(pid, 'SIGINT')
  for (let i = 0; i < 200 && alive(pid); i++) await sleep(50)
  if (alive(pid)) process.kill(pid, 'SIGQUIT')
  for (let i = 0; i < 100 && alive(pid); i++) await sleep(50)
}

/** Is this process the postmaster of this very directory? */
function isPostmaster(pid: number, directory: string): boolean {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
    return words.includes(directory) && Boolean(words[0]?.includes('postgres'))
  } catch {
    return platform() !== 'linux'
  }
}

const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms))

/** Makes the database beside its place and moves it there when all is written, so that nothing half made is ever used. */
async function initialise(
  binaries: Binaries,
  directory: string,
  secret: string,
  user: User | null,
): Promise<void> {
  const making = `${directory}.making-`
  for (const name of readdirSync(dirname(directory))) {
    const path = join(dirname(directory), name)
    if (path.startsWith(making)) rmSync(path, { recursive: true, force: true, maxRetries: 5 })
  }
  rmSync(directory, { recursive: true, force: true })
  const fresh = `${making}${randomBytes(4).toString('hex')}`
  mkdirSync(fresh, { recursive: true, mode: 0o700 })
  const password = randomBytes(24).toString('hex')
  const file = `${fresh}.initial`
  writeFileSync(file, `${password}\n`, { mode: 0o600 })
  if (user) {
    chownSync(fresh, user.uid, user.gid)
    chownSync(file, user.uid, user.gid)
  }
  try {
    await run(
      binaries.initdb,
      [
        '-D',
        fresh,
        '-U',
        'postgres',
        '--auth=scram-sha-256',
        `--pwfile=${file}`,
        '--encoding=UTF8',
        '--locale=C',
      ],
      { ...user, cwd: '/', env: { PATH: process.env.PATH ?? '', LC_ALL: 'C' } },
    )
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true })
    const reason = String((error as { stderr?: string }).stderr ?? error)
      .trim()
      .split('\n')
      .at(-1)
    throw new Refusal(`The embedded database cannot be made in ${directory}: ${reason}`, 3)
  } finally {
    rmSync(file, { force: true })
  }
  writeFileSync(secret, `${password}\n`, { mode: 0o600 })
  renameSync(fresh, directory)
}

async function start(
  binaries: Binaries,
  directory: string,
  port: number,
  user: User | null,
): Promise<ChildProcess> {
  // A process group of its own: Ctrl-C goes to Comity, which drains first and stops the database last.
  const child = spawn(
    binaries.postgres,
    [
      '-D',
      directory,
      '-p',
      String(port),
      '-c',
      'listen_addresses=127.0.0.1',
      '-c',
      'unix_socket_directories=',
      '-c',
      'max_connections=200',
      '-c',
      'shared_buffers=256MB',
      '-c',
      'timezone=UTC',
      '-c',
      'max_wal_size=2GB',
    ],
    { ...user, cwd: '/', detached: true, stdio: ['ignore', 'ignore', 'pipe'], env: { LC_ALL: 'C' } },
  )
  const lines: string[] = []
  await new Promise<void>((resolve, reject) => {
    const fail = () =>
      reject(
        new Refusal(
          `The embedded database does not start: ${lines.join('').trim().split('\n').at(-1) ?? ''}`,
          3,
        ),
      )
    child.stderr?.on('data', (chunk: Buffer) => {
      if (lines.length < 200) lines.push(chunk.toString())
      if (lines.join('').includes('ready to accept connections')) resolve()
    })
    child.once('error', fail)
    child.once('exit', fail)
  })
  const stderr = child.stderr as (typeof child.stderr & { unref?(): void }) | null
  stderr?.unref?.()
  child.unref()
  return child
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  await new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.ref()
    child.kill('SIGINT')
    setTimeout(() => child.kill('SIGQUIT'), 10_000).unref()
  })
}

async function ensureDatabase(url: string): Promise<void> {
  const admin = new URL(url)
  admin.pathname = '/postgres'
  const client = new pg.Client({ connectionString: admin.toString() })
  await client.connect()
  try {
    const { rowCount } = await client.query("select from pg_database where datname = 'comity'")
    if (rowCount === 0) await client.query('create database comity')
  } finally {
    await client.end()
  }
}

async function freePort(): Promise<number> {
  return await new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
