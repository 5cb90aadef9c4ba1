/** Processes that the cluster test starts, and ends by their own pid; programs of Debian that it needs. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const PG_BIN = '/usr/lib/postgresql/15/bin'
const NEEDED = {
  postgresql: `${PG_BIN}/postgres`,
  pgbouncer: '/usr/sbin/pgbouncer',
  haproxy: '/usr/sbin/haproxy',
}

/** Installs what is missing. @returns the packages that cannot be had */
export function missingPackages(): string[] {
  const missing = () =>
    Object.entries(NEEDED)
      .filter(([, file]) => !existsSync(file))
      .map(([name]) => name)
  const names = missing()
  if (names.length > 0 && process.getuid?.() === 0) {
    console.log(`installing ${names.join(', ')}`)
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    spawnSync('apt-get', ['update', '-q'], { env, stdio: 'ignore' })
    spawnSync('apt-get', ['install', '-y', '--no-install-recommends', ...names], { env, stdio: 'ignore' })
  }
  return missing()
}

/** PostgreSQL and PgBouncer refuse to run as root. */
export function unprivileged(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

export const user = unprivileged()

/** A folder of its own, which the unprivileged user owns; removed at the end. */
export const folder = mkdtempSync(join(tmpdir(), 'comity-cluster-'))
if (user.uid !== undefined && user.gid !== undefined) chownSync(folder, user.uid, user.gid)

const children = new Set<ChildProcess>()

export interface Process {
  pid: number
  running(): boolean
  /** Signals it and waits for its end. */
  end(signal: NodeJS.Signals): Promise<void>
}

/** Starts a program whose output goes to `name.log`. */
export function start(
  name: string,
  program: string,
  args: string[],
  options: { env?: Record<string, string>; weak?: boolean } = {},
): Process {
  const log = openSync(join(folder, `${name}.log`), 'a')
  const child = spawn(program, args, {
    cwd: folder,
    env: { PATH: process.env.PATH ?? '', LC_ALL: 'C', ...options.env },
    stdio: ['ignore', log, log],
    ...(options.weak && user),
  })
  children.add(child)
  const exited = new Promise<void>((done) => {
    child.once('error', () => done())
    child.once('exit', () => done())
  })
  void exited.then(() => children.delete(child))
  const running = () => child.exitCode === null && child.signalCode === null && child.pid !== undefined
  return {
    pid: child.pid ?? 0,
    running,
    async end(signal) {
      if (running()) child.kill(signal)
      await exited
    },
  }
}

export function tail(name: string, lines = 15): string {
  try {
    return readFileSync(join(folder, `${name}.log`), 'utf8')
      .trimEnd()
      .split('\n')
      .slice(-lines)
      .join('\n')
  } catch {
    return ''
  }
}

/** Ends what is left, each by its pid, and removes the folder. */
export async function cleanUp(): Promise<void> {
  await Promise.all(
    [...children].map(
      (child) =>
        new Promise<void>((done) => {
          child.once('exit', () => done())
          child.kill('SIGINT')
          setTimeout(() => child.kill('SIGKILL'), 5_000).unref()
        }),
    ),
  )
  if (process.env.COMITY_TEST_KEEP) console.log(`kept: ${folder}`)
  else rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
}
