/** PostgreSQL servers of Debian: a primary and its streaming standby, on 127.0.0.1 with throw-away data. */
import { execFileSync } from 'node:child_process'
import { appendFileSync, chownSync, copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { root } from '../support/paths.ts'
import { sleep } from '../support/run-lock.ts'
import { folder, PG_BIN, type Process, start, tail, user } from './processes.ts'

const SHARED = join(root, 'docs', 'cluster', 'postgresql.conf')

export class Database {
  readonly name: string
  readonly port: number
  readonly directory: string
  #process: Process | null = null

  constructor(name: string, port: number) {
    this.name = name
    this.port = port
    this.directory = join(folder, name)
  }

  /** Of the superuser, who needs no password here. */
  url(database = 'comity'): string {
    return `postgres://postgres@127.0.0.1:${this.port}/${database}`
  }

  /** Makes a new, empty server; commits wait for a standby only after `synchronous`. */
  initialise(): void {
    this.#run('initdb', [
      '-D',
      this.directory,
      '-U',
      'postgres',
      '--auth=trust',
      '--encoding=UTF8',
      '--locale=C',
    ])
    const hba = ['host all postgres 127.0.0.1/32 trust', 'host replication postgres 127.0.0.1/32 trust']
    writeFileSync(
      join(this.directory, 'pg_hba.conf'),
      [...hba, 'host all all 127.0.0.1/32 scram-sha-256', ''].join('\n'),
    )
    copyFileSync(SHARED, join(this.directory, 'comity.conf'))
    if (user.uid !== undefined) chownSync(join(this.directory, 'comity.conf'), user.uid, user.gid ?? user.uid)
    appendFileSync(join(this.directory, 'postgresql.conf'), "\ninclude 'comity.conf'\n")
    this.#alone("''")
  }

  /** Copies another server, to follow it. */
  follow(primary: Database): void {
    rmSync(this.directory, { recursive: true, force: true })
    const source = `host=127.0.0.1 port=${primary.port} user=postgres application_name=standby`
    this.#run('pg_basebackup', ['-D', this.directory, '-d', source, '-R', '-X', 'stream', '-c', 'fast'])
  }

  async start(): Promise<void> {
    this.#process = start(
      this.name,
      join(PG_BIN, 'postgres'),
      [
        ...['-D', this.directory, '-p', String(this.port)],
        ...['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
      ],
      { weak: true },
    )
    for (let i = 0; ; i++) {
      try {
        await this.sql('select 1', 'postgres')
        return
      } catch (error) {
        if (i > 300 || !this.#process.running()) throw new Error(`${this.name}: ${error}\n${tail(this.name)}`)
        await sleep(100)
      }
    }
  }

  /** A fast shutdown, as an operator does it. */
  async stop(): Promise<void> {
    await this.#process?.end('SIGINT')
  }

  async kill9(): Promise<void> {
    await this.#process?.end('SIGKILL')
  }

  async sql<T = Record<string, unknown>>(text: string, database = 'comity'): Promise<T[]> {
    const client = new pg.Client({ connectionString: this.url(database), connectionTimeoutMillis: 2_000 })
    client.on('error', () => {})
    await client.connect()
    try {
      const result = (await client.query(text)) as unknown as pg.QueryResult | pg.QueryResult[]
      return (Array.isArray(result) ? result.at(-1) : result)?.rows as T[]
    } finally {
      await client.end()
    }
  }

  /** From now on a commit is acknowledged when the standby has it. */
  async synchronous(): Promise<void> {
    await this.sql('alter system reset synchronous_standby_names', 'postgres')
    await this.sql('select pg_reload_conf()', 'postgres')
    for (let i = 0; ; i++) {
      const [row] = await this.sql('select sync_state from pg_stat_replication', 'postgres')
      if (row?.sync_state === 'sync') return
      if (i > 100) throw new Error(`${this.name}: no synchronous standby\n${tail(this.name)}`)
      await sleep(100)
    }
  }

  /** Makes the standby the primary; there is no standby for it yet. */
  async promote(): Promise<void> {
    await this.sql("alter system set synchronous_standby_names = ''", 'postgres')
    await this.sql('select pg_reload_conf()', 'postgres')
    await this.sql('select pg_promote()', 'postgres')
  }

  /** Waits until this standby has replayed what the primary has now. */
  async replayed(primary: Database): Promise<void> {
    const [at] = await primary.sql<{ lsn: string }>('select pg_current_wal_lsn()::text as lsn')
    for (let i = 0; ; i++) {
      const [row] = await this.sql<{ done: boolean }>(
        `select pg_last_wal_replay_lsn() >= '${at?.lsn}'::pg_lsn as done`,
      )
      if (row?.done) return
      if (i > 200) throw new Error('the standby does not catch up')
      await sleep(50)
    }
  }

  #alone(names: string): void {
    const auto = join(this.directory, 'postgresql.auto.conf')
    writeFileSync(auto, `${readFileSync(auto, 'utf8')}synchronous_standby_names = ${names}\n`)
  }

  #run(program: string, args: string[]): void {
    try {
      execFileSync(join(PG_BIN, program), args, {
        ...user,
        cwd: folder,
        stdio: 'pipe',
        env: { PATH: process.env.PATH ?? '', LC_ALL: 'C' },
      })
    } catch (error) {
      throw new Error(`${program}: ${(error as { stderr?: Buffer }).stderr?.toString() ?? error}`)
    }
  }
}
