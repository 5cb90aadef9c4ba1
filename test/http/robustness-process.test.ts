/** Starting and stopping: one sentence and an exit code for what is in the way; signals drain; kill -9 hinders nothing. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import t, { type Test, test } from 'tap'
import { basic, raw, T21 } from '../support/client.ts'
import { database, registerServer } from '../support/cluster.ts'
import { program, root } from '../support/paths.ts'
import { freePort } from '../support/postgres.ts'
import { alive, sleep } from '../support/run-lock.ts'
import { startServer } from '../support/server.ts'
import { indicator } from '../support/stix.ts'
import { Wire } from '../support/wire.ts'
import { READ_WRITE, topology } from '../support/world.ts'

const server = await startServer(t, { topology: topology(), env: { COMITY_REQUEST_SECONDS: '5' } })

interface Run {
  child: ChildProcess
  exited: Promise<number | null>
  stdout(): string
  stderr(): string
}

/** `comity serve` with these settings and nothing else. */
function serve(t: Test, env: Record<string, string>): Run {
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(process.execPath, [program, 'serve'], {
    cwd: root,
    env: { PATH, HOME, HOST: '127.0.0.1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const forget = registerServer(child.pid ?? 0)
  const out = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      out[name] += text
    })
  }
  const exited = new Promise<number | null>((done) => {
    child.once('close', (code) => {
      forget()
      done(code)
    })
  })
  t.teardown(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await exited
  })
  return { child, exited, stdout: () => out.stdout, stderr: () => out.stderr }
}

async function refuses(t: Test, env: Record<string, string>, code: number, sentence: RegExp): Promise<void> {
  const run = serve(t, { PORT: String(await freePort()), ...env })
  const started = Date.now()
  t.equal(await run.exited, code, `exit code; ${run.stderr()}`)
  t.match(run.stderr(), sentence)
  t.equal(run.stderr().trim().split('\n').length, 1, 'one line')
  t.notMatch(run.stderr() + run.stdout(), /\n\s+at |node:|"stack"/, 'no stack')
  t.ok(Date.now() - started < 30_000, `after ${Date.now() - started} ms`)
}

async function admin(url: string, ...statements: string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  for (const statement of statements) await client.query(statement)
  await client.end()
}

async function ready(port: number, run: Run): Promise<void> {
  for (let i = 0; i < 600; i++) {
    const ok = await raw(`http://127.0.0.1:${port}`, { path: '/readyz' }).then(
      (a) => a.status === 200,
      () => false,
    )
    if (ok) return
    if (run.child.exitCode !== null || run.child.signalCode !== null) break
    await sleep(50)
  }
  throw new Error(`not ready: ${run.stdout()}${run.stderr()}`)
}

test('what is in the way of a start', { timeout: 60_000 }, async (t) => {
  const DATABASE_URL = server.database.url
  const taken = createServer().listen(0, '127.0.0.1')
  t.teardown(() => taken.close())
  await new Promise((done) => taken.once('listening', done))
  const { port } = taken.address() as { port: number }
  const closed = await freePort()
  await Promise.all([
    refuses(t, { DATABASE_URL, PORT: String(port) }, 1, new RegExp(`^comity: Port ${port} .*in use: .*PORT`)),
    refuses(t, { DATABASE_URL, HOST: '192.0.2.1' }, 1, /^comity: HOST=192\.0\.2\.1 is not an address/),
    refuses(
      t,
      { DATABASE_URL: `postgres://u:hidden@127.0.0.1:${closed}/x` },
      3,
      /^comity: .*(database|server)/i,
    ),
    refuses(
      t,
      { DATABASE_URL: 'postgres://u:hidden@no-such-host.invalid/x' },
      3,
      /^comity: .*(database|server)/i,
    ),
    refuses(t, { DATABASE_URL: DATABASE_URL.replace(/[^/]*$/, 'no_such_db') }, 3, /^comity: /),
    refuses(t, { DATABASE_URL: DATABASE_URL.replace(/:[^:@]*@/, ':hidden@') }, 3, /^comity: /),
    refuses(t, { DATABASE_URL: 'mysql://hidden@localhost/x' }, 2, /^comity: DATABASE_URL/),
  ])
  await Promise.all([
    refuses(t, { DATABASE_URL, PORT: 'eighty' }, 2, /^comity: PORT=eighty/),
    refuses(t, { DATABASE_URL, COMITY_POOL_SIZE: '1' }, 2, /^comity: COMITY_POOL_SIZE=1/),
    refuses(t, { DATABASE_URL, LOG_LEVEL: 'loud' }, 2, /^comity: LOG_LEVEL=loud/),
    refuses(t, { DATABASE_URL, COMITY_LOGIN_THROTTLE: 'often' }, 2, /^comity: COMITY_LOGIN_THROTTLE/),
    refuses(t, { DATABASE_URL, COMITY_TLS_CERT: '/nowhere.pem' }, 2, /^comity: COMITY_TLS/),
    refuses(
      t,
      { DATABASE_URL, COMITY_TLS_CERT: program, COMITY_TLS_KEY: program },
      2,
      /^comity: .*(TLS|certificate)/,
    ),
    refuses(t, { DATABASE_URL, COMITY_TRUST_PROXY: 'nonsense' }, 2, /^comity: .*COMITY_TRUST_PROXY/),
  ])
})

test('a schema that is not ours to serve', { timeout: 60_000 }, async (t) => {
  const newer = await database(t)
  await admin(
    newer.url,
    `insert into comity.migration (number, name, checksum) values (9999, '9999_later.sql', 'x')`,
  )
  const changed = await database(t)
  await admin(changed.url, `update comity.migration set checksum = 'other' where number = 1`)
  const empty = new URL(newer.url)
  const name = `${empty.pathname.slice(1)}_empty`
  await admin(newer.url, `create database ${name}`)
  t.teardown(async () =>
    admin(
      server.database.url,
      `drop database if exists ${name} with (force)`,
      `drop role if exists weak_${process.pid}`,
    ),
  )
  await admin(newer.url, `create role weak_${process.pid} login password 'weak-secret' in role comity_app`)
  empty.pathname = `/${name}`
  empty.username = `weak_${process.pid}`
  empty.password = 'weak-secret'
  await Promise.all([
    refuses(t, { DATABASE_URL: newer.url }, 3, /^comity: The database schema \(9999\) is newer/),
    refuses(t, { DATABASE_URL: changed.url }, 3, /^comity: Migration 0001_core\.sql differs/),
    refuses(t, { DATABASE_URL: empty.toString() }, 3, /^comity: The database is not migrated/),
  ])
})

test('production refuses', { timeout: 60_000 }, async (t) => {
  const DATABASE_URL = server.database.url
  const production = { COMITY_MODE: 'production', DATABASE_URL }
  const demo = await database(t)
  await admin(demo.url, `insert into comity.setting (key, value) values ('demo', 'on')`)
  await Promise.all([
    refuses(
      t,
      { COMITY_MODE: 'production' },
      2,
      /^comity: Production mode does not use the embedded database/,
    ),
    refuses(t, { NODE_ENV: 'production' }, 2, /^comity: Production mode does not use the embedded database/),
    refuses(
      t,
      { ...production, HOST: '0.0.0.0' },
      2,
      /^comity: Production mode does not send credentials in the clear/,
    ),
    refuses(t, { ...production, COMITY_PUBLIC_URL: 'http://x.example' }, 2, /^comity: .*https:/),
    refuses(t, { ...production, DATABASE_URL: demo.url }, 2, /^comity: This database holds the demo/),
    refuses(
      t,
      { ...production, HOST: '0.0.0.0', COMITY_TRUST_PROXY: '10.0.0.1', COMITY_LOGIN_THROTTLE: 'off' },
      2,
      /^comity: .*COMITY_LOGIN_THROTTLE/,
    ),
  ])
  const port = await freePort()
  const run = serve(t, { ...production, PORT: String(port) })
  await ready(port, run)
  run.child.kill('SIGTERM')
  t.equal(await run.exited, 0, 'on this machine it starts')
})

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} lets the requests that run finish`, { timeout: 60_000 }, async (t) => {
    const port = await freePort()
    const run = serve(t, {
      DATABASE_URL: server.database.url,
      PORT: String(port),
      COMITY_REQUEST_SECONDS: '5',
    })
    await ready(port, run)
    const url = `http://127.0.0.1:${port}`
    const body = JSON.stringify({ objects: [indicator()] })
    const head = `POST ${READ_WRITE.path}objects/ HTTP/1.1\r\nHost: a\r\nAccept: ${T21}\r\nContent-Type: ${T21}\r\nAuthorization: ${basic('analyst', 'pw-analyst')}\r\nContent-Length: ${body.length}\r\n\r\n`
    const upload = new Wire(url)
    upload.write(head + body.slice(0, 50))
    const idle = new Wire(url)
    idle.write('GET /livez HTTP/1.1\r\nHost: a\r\n\r\n')
    t.equal((await idle.answer())?.status, 200)
    await sleep(300)
    const started = Date.now()
    run.child.kill(signal)
    await sleep(300)
    t.equal(
      await raw(url, { path: '/livez' }).then(
        (a) => a.status,
        () => 'refused',
      ),
      'refused',
      'nobody new is let in',
    )
    t.ok(await idle.closed(2), 'idle connections are closed')
    upload.write(body.slice(50))
    const answer = await upload.answer(5)
    t.equal(answer?.status, 202, 'the upload is finished')
    t.equal(answer?.header('connection'), 'close')
    t.equal(await run.exited, 0, 'exit code')
    t.ok(Date.now() - started < 5000, `after ${Date.now() - started} ms`)
    t.equal(run.stderr(), '')
  })
}

test('SIGTERM with an upload that never ends and a lock that is held', { timeout: 60_000 }, async (t) => {
  const port = await freePort()
  const run = serve(t, {
    DATABASE_URL: server.database.url,
    PORT: String(port),
    COMITY_SYNC_OBJECTS: '1',
    COMITY_REQUEST_SECONDS: '3',
  })
  await ready(port, run)
  const url = `http://127.0.0.1:${port}`
  const locker = new pg.Client({ connectionString: server.database.url })
  await locker.connect()
  t.teardown(() => locker.end())
  await locker.query('begin')
  await locker.query('select from comity.collection_head for update')
  const wire = new Wire(url)
  const authorization = basic('analyst', 'pw-analyst')
  wire.write(
    `POST ${READ_WRITE.path}objects/ HTTP/1.1\r\nHost: a\r\nAccept: ${T21}\r\nContent-Type: ${T21}\r\nAuthorization: ${authorization}\r\nContent-Length: 1000\r\n\r\n{`,
  )
  const headers = { Accept: T21, 'Content-Type': T21, Authorization: authorization }
  const post = (objects: object[]) =>
    raw(url, {
      method: 'POST',
      path: `${READ_WRITE.path}objects/`,
      headers,
      body: JSON.stringify({ objects }),
    })
  const pending = await post([indicator(), indicator()])
  t.equal(pending.taxiiStatus.status, 'pending')
  void post([indicator()]).catch(() => {})
  await sleep(800)
  const started = Date.now()
  run.child.kill('SIGTERM')
  t.equal(await run.exited, 0)
  t.ok(Date.now() - started < 9_000, `stopped after ${Date.now() - started} ms`)
  t.notMatch(run.stdout() + run.stderr(), /\n\s+at /)
  wire.destroy()
})

test('the embedded database', { timeout: 90_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'comity-embedded-'))
  const home = () =>
    existsSync(join(folder, 'data', 'postgres'))
      ? join(folder, 'data')
      : join(
          '/var/tmp',
          `comity-${join(folder, 'data')
            .replace(/[^A-Za-z0-9]+/g, '-')
            .replace(/^-/, '')}`,
        )
  const postmaster = () =>
    Number(readFileSync(join(home(), 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0])
  t.teardown(() => {
    for (const path of [folder, home()]) rmSync(path, { recursive: true, force: true, maxRetries: 10 })
  })
  const start = async (env: Record<string, string> = {}) => {
    const port = await freePort()
    const run = serve(t, {
      COMITY_DATA_DIR: join(folder, 'data'),
      COMITY_DEMO: 'off',
      PORT: String(port),
      ...env,
    })
    return { run, port }
  }
  const first = await start()
  await ready(first.port, first.run)
  const firstPostmaster = postmaster()

  const second = await start()
  t.equal(await second.run.exited, 3, 'a second one on the same directory')
  t.match(second.run.stderr(), /^comity: Another Comity \(process \d+\) uses .*COMITY_DATA_DIR[^\n]*\n$/)
  t.equal(
    (await raw(`http://127.0.0.1:${first.port}`, { path: '/readyz' })).status,
    200,
    'does the first no harm',
  )

  const started = Date.now()
  first.run.child.kill('SIGINT')
  t.equal(await first.run.exited, 0, 'Ctrl-C')
  t.ok(Date.now() - started < 8000, `after ${Date.now() - started} ms`)
  t.notOk(alive(firstPostmaster), 'the database has stopped too')
  t.strictSame(
    readdirSync(home()).filter((name) => !/^(native|postgres|postgres\.password)$/.test(name)),
    [],
  )

  for (const moment of [undefined, 500]) {
    const { run, port } = await start()
    if (moment === undefined) await ready(port, run)
    else await sleep(moment)
    run.child.kill('SIGKILL')
    await run.exited
    const next = await start()
    await ready(next.port, next.run)
    next.run.child.kill('SIGTERM')
    t.equal(await next.run.exited, 0, `killed ${moment ?? 'when it was ready'}: the next start works`)
  }
  // Remains whose pids belong to somebody else by now: to this very test, or another node.
  writeFileSync(join(home(), 'comity.pid'), `${process.pid} another-boot-1`)
  const pidFile = join(home(), 'postgres', 'postmaster.pid')
  writeFileSync(
    pidFile,
    `${process.pid}\n${join(home(), 'postgres')}\n1700000000\n5432\n\n127.0.0.1\n        0         0\nready   \n`,
  )
  const last = await start()
  await ready(last.port, last.run)
  last.run.child.kill('SIGTERM')
  t.equal(await last.run.exited, 0)
})

test('the embedded database, killed while it is made for the first time', { timeout: 90_000 }, async (t) => {
  for (const moment of [350, 800]) {
    const folder = mkdtempSync(join(tmpdir(), 'comity-embedded-'))
    const port = await freePort()
    const env = { COMITY_DATA_DIR: join(folder, 'data'), COMITY_DEMO: 'off', PORT: String(port) }
    const other = join(
      '/var/tmp',
      `comity-${env.COMITY_DATA_DIR.replace(/[^A-Za-z0-9]+/g, '-').replace(/^-/, '')}`,
    )
    t.teardown(() => {
      for (const path of [folder, other]) rmSync(path, { recursive: true, force: true, maxRetries: 10 })
    })
    const run = serve(t, env)
    await sleep(moment)
    run.child.kill('SIGKILL')
    await run.exited
    const next = serve(t, env)
    await ready(port, next)
    next.child.kill('SIGTERM')
    t.equal(await next.exited, 0, `killed after ${moment} ms: the next start works`)
  }
})

test('two starts at the same moment on one directory', { timeout: 60_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'comity-embedded-'))
  const data = join(folder, 'data')
  const other = join('/var/tmp', `comity-${data.replace(/[^A-Za-z0-9]+/g, '-').replace(/^-/, '')}`)
  t.teardown(() => {
    for (const path of [folder, other]) rmSync(path, { recursive: true, force: true, maxRetries: 10 })
  })
  const ports = [await freePort(), await freePort()]
  const runs = ports.map((port) =>
    serve(t, { COMITY_DATA_DIR: data, COMITY_DEMO: 'off', PORT: String(port) }),
  )
  const outcomes = await Promise.all(
    runs.map((run, i) =>
      ready(ports[i] as number, run).then(
        () => true,
        () => false,
      ),
    ),
  )
  t.strictSame([...outcomes].sort(), [false, true], 'one starts')
  const loser = runs[outcomes.indexOf(false)] as Run
  t.equal(await loser.exited, 3)
  t.match(loser.stderr(), /^comity: Another Comity [^\n]*\n$/)
  const winner = runs[outcomes.indexOf(true)] as Run
  winner.child.kill('SIGTERM')
  t.equal(await winner.exited, 0)
})
