/** What stands before the servers: PgBouncer and HAProxy, with the files of docs/cluster; and the nodes. */
import { chownSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { raw } from '../support/client.ts'
import { program, root } from '../support/paths.ts'
import { freePort } from '../support/postgres.ts'
import { sleep } from '../support/run-lock.ts'
import type { Database } from './database.ts'
import { folder, type Process, start, tail, user } from './processes.ts'

const WEB = 'a password of the weak role'
const OPS = 'a password of the operator'

/** A file of docs/cluster with other addresses; each that is named must be in it. */
function configured(name: string, changes: Record<string, string>): string {
  let text = readFileSync(join(root, 'docs', 'cluster', name), 'utf8')
  for (const [from, to] of Object.entries(changes)) {
    if (!text.includes(from)) throw new Error(`${name} does not say ${from}`)
    text = text.replaceAll(from, to)
  }
  const file = join(folder, name)
  writeFileSync(file, text)
  if (user.uid !== undefined) chownSync(file, user.uid, user.gid ?? user.uid)
  return file
}

export const CREATE_WEB = `create role comity_web login password '${WEB}' in role comity_app`

export class Pooler {
  readonly port: number

  private constructor(port: number) {
    this.port = port
  }

  static async start(primary: Database, standby: Database): Promise<Pooler> {
    const pooler = new Pooler(await freePort())
    const users = join(folder, 'userlist.txt')
    writeFileSync(users, `"comity_web" "${WEB}"\n"comity_ops" "${OPS}"\n`, { mode: 0o600 })
    if (user.uid !== undefined) chownSync(users, user.uid, user.gid ?? user.uid)
    start('pgbouncer', '/usr/sbin/pgbouncer', [pooler.#configure(primary, standby)], { weak: true })
    await pooler.#admin('show version')
    return pooler
  }

  url(database: 'comity' | 'comity_read'): string {
    return `postgres://comity_web:${encodeURIComponent(WEB)}@127.0.0.1:${this.port}/${database}`
  }

  /** After a failover: other servers, the same clients. */
  async pointTo(primary: Database, standby: Database): Promise<void> {
    this.#configure(primary, standby)
    await this.#admin('reload')
  }

  /** The same role, past the pooler. */
  direct(database: Database): string {
    return `postgres://comity_web:${encodeURIComponent(WEB)}@127.0.0.1:${database.port}/comity`
  }

  async version(): Promise<string> {
    return String((await this.#admin('show version'))[0]?.version)
  }

  #configure(primary: Database, standby: Database): string {
    return configured('pgbouncer.ini', {
      'host=db1.example port=5432': `host=127.0.0.1 port=${primary.port}`,
      'host=db2.example port=5432': `host=127.0.0.1 port=${standby.port}`,
      'listen_port = 6432': `listen_port = ${this.port}`,
      '/etc/pgbouncer/userlist.txt': join(folder, 'userlist.txt'),
    })
  }

  async #admin(command: string): Promise<Record<string, unknown>[]> {
    for (let i = 0; ; i++) {
      const client = new pg.Client({
        connectionString: `postgres://comity_ops:${encodeURIComponent(OPS)}@127.0.0.1:${this.port}/pgbouncer`,
      })
      client.on('error', () => {})
      try {
        await client.connect()
        return (await client.query(command)).rows
      } catch (error) {
        if (i > 50) throw new Error(`pgbouncer: ${error}\n${tail('pgbouncer')}`)
        await sleep(100)
      } finally {
        await client.end().catch(() => {})
      }
    }
  }
}

export class Node {
  readonly name: string
  readonly port: number
  readonly #env: Record<string, string>
  #process: Process | null = null

  /** @param env other settings; '' unsets one */
  constructor(name: string, port: number, pooler: Pooler, env: Record<string, string> = {}) {
    this.name = name
    this.port = port
    this.#env = {
      HOST: '127.0.0.1',
      PORT: String(port),
      COMITY_MODE: 'production',
      DATABASE_URL: pooler.url('comity'),
      DATABASE_READ_URL: pooler.url('comity_read'),
      COMITY_POOLED: 'transaction',
      COMITY_TRUST_PROXY: '127.0.0.1',
      COMITY_REQUEST_LIMIT: 'off',
      COMITY_REQUEST_SECONDS: '10',
      LOG_LEVEL: 'warn',
      ...env,
    }
  }

  get pid(): number {
    return this.#process?.pid ?? 0
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  async start(): Promise<void> {
    this.#process = start(this.name, process.execPath, [program, 'serve'], { env: this.#env })
    for (let i = 0; i < 300; i++) {
      if ((await this.ready()) === 200) return
      if (!this.#process.running()) break
      await sleep(100)
    }
    throw new Error(`${this.name} does not become ready\n${tail(this.name)}`)
  }

  async ready(): Promise<number> {
    return await raw(this.url, { path: '/readyz' }).then(
      (answer) => answer.status,
      () => 0,
    )
  }

  async kill9(): Promise<void> {
    await this.#process?.end('SIGKILL')
  }

  /** SIGTERM; the node finishes what runs. */
  async stop(): Promise<void> {
    await this.#process?.end('SIGTERM')
  }

  get running(): boolean {
    return this.#process?.running() ?? false
  }

  /** Pages that the replica could have read, by what became of them. */
  async replicaPages(): Promise<Record<string, number>> {
    const { text } = await raw(this.url, { path: '/metrics' })
    const lines = text.matchAll(/^comity_replica_pages_total\{outcome="(\w+)"\} (\d+)/gm)
    return Object.fromEntries([...lines].map((m) => [m[1], Number(m[2])]))
  }
}

/** @returns the address that clients use */
export async function startBalancer(nodes: readonly Node[]): Promise<string> {
  const port = await freePort()
  const [a, b] = nodes
  const file = configured('haproxy.cfg', {
    '127.0.0.1:8443': `127.0.0.1:${port}`,
    '127.0.0.1:8081': `127.0.0.1:${a?.port}`,
    '127.0.0.1:8082': `127.0.0.1:${b?.port}`,
  })
  start('haproxy', '/usr/sbin/haproxy', ['-db', '-f', file], { weak: true })
  const url = `http://127.0.0.1:${port}`
  for (let i = 0; i < 100; i++) {
    const status = await raw(url, { path: '/readyz' }).then(
      (answer) => answer.status,
      () => 0,
    )
    if (status === 200) return url
    await sleep(100)
  }
  throw new Error(`haproxy does not answer\n${tail('haproxy')}`)
}
