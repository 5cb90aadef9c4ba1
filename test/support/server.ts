/** Runs the program under test as its own process: `comity apply`, then `comity serve`. */
import { type ChildProcess, execFile, fork, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import { type Answer, basic, Client, type RawRequest, raw } from './client.ts'
import { database, databaseWith, registerServer } from './cluster.ts'
import { program, root, runner } from './paths.ts'
import { freePort } from './postgres.ts'
import { sleep } from './run-lock.ts'

const run = promisify(execFile)

export interface Server {
  url: string
  pid: number
  database: { url: string }
  request(options: RawRequest): Promise<Answer>
  /** A client with the principal's password, `pw-<id>` unless another is given. */
  as(principal: string, password?: string): Client
  bearer(token: string): Client
  anonymous: Client
  /** SIGTERM, and the exit code. */
  stop(): Promise<number | null>
  /** SIGKILL: as if the machine had lost power. */
  kill9(): Promise<void>
  log(): string
}

export interface ServerOptions {
  /** A topology file's text; none: nothing is applied (for a second node on a database). */
  topology?: string
  env?: Record<string, string>
  database?: { url: string }
  /** main.js of another build than the one under test. */
  program?: string
}

export interface Outcome {
  code: number
  stdout: string
  stderr: string
}

/** Runs one command of the program to its end. */
export async function comity(args: string[], env: Record<string, string> = {}): Promise<Outcome> {
  try {
    const { stdout, stderr } = await run(process.execPath, [program, ...args], {
      env: environment(env),
      cwd: root,
      maxBuffer: 64 * 1024 * 1024,
    })
    return { code: 0, stdout, stderr }
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code?: unknown; stdout?: string; stderr?: string }
    return { code: typeof code === 'number' ? code : 1, stdout, stderr: stderr || String(error) }
  }
}

type Comity = typeof comity

/**
 * As `comity`, for tests that run dozens: one process for all of them, since a start of Node takes longer than what most
 * commands do. That the commands work as processes of their own is for `comity` to show.
 */
export function commands(t: Test): Comity {
  const end = `<end ${randomUUID()}>`
  const child = fork(runner, [end], {
    cwd: root,
    env: environment({}),
    execArgv: [],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const gone = new Promise<never>((_, fail) => {
    child.once('close', (code, signal) => fail(new Error(`the commands' process is gone: ${code ?? signal}`)))
  })
  gone.catch(() => {})
  /** What one stream has, up to the end that the command is followed by. */
  const listen = (name: 'stdout' | 'stderr') => {
    let text = ''
    let heard = () => {}
    child[name]?.setEncoding('utf8').on('data', (more: string) => {
      text += more
      if (text.endsWith(end)) heard()
    })
    return async () => {
      if (!text.endsWith(end)) await new Promise<void>((done) => (heard = done))
      const whole = text.slice(0, -end.length)
      text = ''
      return whole
    }
  }
  const [stdout, stderr] = [listen('stdout'), listen('stderr')]
  const one: Comity = async (args, env = {}) => {
    const code = new Promise<number>((done) => child.once('message', done))
    child.send({ args, env: environment(env) })
    return { code: await code, stdout: await stdout(), stderr: await stderr() }
  }
  let last: Promise<unknown> = Promise.resolve()
  return (args, env) => {
    const next = last.then(() => Promise.race([one(args, env), gone]))
    last = next.catch(() => {})
    return next
  }
}

/** The surroundings of the program: none of our own settings leak in. */
function environment(env: Record<string, string>): NodeJS.ProcessEnv {
  const clean = Object.entries(process.env).filter(
    ([name]) =>
      !/^(COMITY_|DATABASE_|PG|TAP|NODE_OPTIONS|NODE_V8|HOST$|PORT$|LOG_LEVEL$|NODE_ENV$)/.test(name),
  )
  return { ...Object.fromEntries(clean), LOG_LEVEL: 'warn', ...env }
}

/** Brings a database to a topology. */
export async function apply(url: string, topology: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'comity-topology-'))
  try {
    const file = join(folder, 'topology.yaml')
    writeFileSync(file, topology, { mode: 0o600 })
    const outcome = await comity(['apply', file], { DATABASE_URL: url })
    if (outcome.code !== 0)
      throw new Error(`comity apply: ${outcome.code}\n${outcome.stderr}${outcome.stdout}`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Starts a server that the end of the test stops; its exit code must then be 0. */
export async function startServer(t: Test, options: ServerOptions): Promise<Server> {
  const own = await databaseOf(t, options)
  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    const launched = await launch(own, port, options.env ?? {}, options.program ?? program)
    if (launched instanceof Error) {
      if (attempt < 3 && launched.message.includes('EADDRINUSE')) continue
      throw launched
    }
    t.teardown(async () => {
      if (launched.killed()) return
      const code = await launched.server.stop()
      if (code !== 0) throw new Error(`the server exited with ${code}\n${launched.server.log()}`)
    })
    return launched.server
  }
}

async function databaseOf(t: Test, { topology, database: given }: ServerOptions): Promise<{ url: string }> {
  if (topology === undefined) return given ?? database(t)
  if (given === undefined) return databaseWith(t, topology, (url) => apply(url, topology))
  await apply(given.url, topology)
  return given
}

interface Launched {
  server: Server
  killed(): boolean
}

async function launch(
  own: { url: string },
  port: number,
  env: Record<string, string>,
  main: string,
): Promise<Launched | Error> {
  const child: ChildProcess = spawn(process.execPath, [main, 'serve'], {
    cwd: root,
    env: environment({
      HOST: '127.0.0.1',
      PORT: String(port),
      DATABASE_URL: own.url,
      COMITY_LOGIN_THROTTLE: 'off',
      ...(process.env.COMITY_TEST_POOLED && { COMITY_POOLED: process.env.COMITY_TEST_POOLED }),
      ...env,
    }),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  let killed = false
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const forget = registerServer(child.pid ?? 0)
  const exited = new Promise<number | null>((done) => {
    child.once('close', (code) => {
      forget()
      done(code)
    })
  })
  const url = `${env.COMITY_TLS_CERT ? 'https' : 'http'}://127.0.0.1:${port}`
  const deadline = Date.now() + 30_000
  for (;;) {
    const ready = await raw(url, { path: '/readyz' }).then(
      (answer) => answer.status === 200,
      () => false,
    )
    if (ready) break
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) {
      child.kill('SIGKILL')
      await exited
      return new Error(`the server did not become ready (exit ${child.exitCode})\n${output}`)
    }
    await sleep(25)
  }
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    return exited
  }
  const server: Server = {
    url,
    pid: child.pid ?? 0,
    database: own,
    request: (request) => raw(url, request),
    as: (principal, password = `pw-${principal}`) => new Client(url, basic(principal, password)),
    bearer: (token) => new Client(url, `Bearer ${token}`),
    anonymous: new Client(url, null),
    async stop() {
      return end('SIGTERM')
    },
    async kill9() {
      killed = true
      await end('SIGKILL')
    },
    log: () => output,
  }
  return { server, killed: () => killed }
}
