/** Starts a database and a Comity for a benchmark, and talks to it on kept connections. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { packageRoot } from '../src/package-root.ts'
import { startEmbedded } from '../src/store/embedded.ts'

const PROGRAM = join(packageRoot, 'build', 'src', 'main.js')

/** A running server and the URL of its database as superuser. */
export interface Bench {
  base: string
  databaseUrl: string
  /** Of the server's process. */
  pid: number
  stop(): Promise<void>
}

export async function freePort(): Promise<number> {
  return await new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}

async function run(args: string[], env: NodeJS.ProcessEnv, input = ''): Promise<void> {
  const child = spawn(process.execPath, [PROGRAM, ...args], { env, stdio: ['pipe', 'ignore', 'inherit'] })
  child.stdin?.end(input)
  const code = await new Promise((resolve) => child.once('exit', resolve))
  if (code !== 0) throw new Error(`comity ${args.join(' ')} ended with ${code}`)
}

/**
 * @param topology YAML for `comity apply`; null: another node on a database that has one
 * @param url an empty database to use; an embedded one in /var/tmp without it
 * @param settings of this node; BENCH_SERVER_FLAGS of the environment go to its Node (such as --cpu-prof)
 */
export async function startBench(
  topology: string | null,
  url: string | undefined,
  settings: Record<string, string> = {},
): Promise<Bench> {
  const folder = join('/var/tmp', `comity-bench-${process.pid}`)
  const embedded = url === undefined ? await startEmbedded(folder) : null
  const tidy = async () => {
    await embedded?.stop()
    if (embedded) rmSync(folder, { recursive: true, force: true })
  }
  try {
    return await startOn(url ?? (embedded?.url as string), topology, settings, tidy)
  } catch (cause) {
    await tidy()
    throw cause
  }
}

async function startOn(
  databaseUrl: string,
  topology: string | null,
  settings: Record<string, string>,
  tidy: () => Promise<void>,
): Promise<Bench> {
  const port = await freePort()
  const env = {
    ...process.env,
    DATABASE_URL: databaseUrl,
    HOST: '127.0.0.1',
    PORT: String(port),
    LOG_LEVEL: 'warn',
    COMITY_LOGIN_THROTTLE: 'off',
    COMITY_REQUEST_LIMIT: 'off',
    ...settings,
  }
  if (topology !== null) {
    await run(['migrate'], env)
    await run(['apply', '-'], env, topology)
  }
  const flags = process.env.BENCH_SERVER_FLAGS?.split(' ') ?? []
  // As it is started by its name.
  const [, own = ''] = /^#!.* node (.*)/.exec(readFileSync(PROGRAM, 'utf8')) ?? []
  const server: ChildProcess = spawn(
    process.execPath,
    [...own.split(' ').filter((flag) => flag !== ''), ...flags, PROGRAM, 'serve'],
    {
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  )
  const base = `http://127.0.0.1:${port}`
  for (let i = 0; ; i++) {
    const answer = await fetch(`${base}/readyz`).catch(() => null)
    if (answer?.status === 200) break
    if (i > 200 || server.exitCode !== null) {
      server.kill('SIGKILL')
      throw new Error('the server did not become ready')
    }
    await new Promise((done) => setTimeout(done, 50))
  }
  return {
    base,
    databaseUrl,
    pid: server.pid as number,
    async stop() {
      server.kill('SIGTERM')
      await new Promise((resolve) => server.once('exit', resolve))
      await tidy()
    },
  }
}

export interface Answer {
  status: number
  headers: NodeJS.Dict<string | string[]>
  body: Buffer
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 })
const TAXII = 'application/taxii+json;version=2.1'

/** One request with a bearer token. */
export async function call(method: string, url: string, token: string, body?: string): Promise<Answer> {
  return await new Promise((resolve, reject) => {
    const headers: Record<string, string | number> = { authorization: `Bearer ${token}`, accept: TAXII }
    if (body !== undefined) {
      headers['content-type'] = TAXII
      headers['content-length'] = Buffer.byteLength(body)
    }
    const r = request(url, { method, agent, headers }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) }),
      )
    })
    r.on('error', reject)
    r.end(body)
  })
}
