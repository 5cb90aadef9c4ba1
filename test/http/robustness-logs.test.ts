/** What the log holds at its most talkative: every line JSON, every request's id; no secret, no content of an object. */
import pg from 'pg'
import t, { test } from 'tap'
import { completed, isError } from '../support/checks.ts'
import { basic, T21 } from '../support/client.ts'
import { sleep } from '../support/run-lock.ts'
import { startServer } from '../support/server.ts'
import { indicator, malware, statement, version } from '../support/stix.ts'
import { Wire } from '../support/wire.ts'
import { PASSWORD_WITH_COLON, READ_WRITE, TOKENS, topology } from '../support/world.ts'

const CONTENT = 'zebra-content-7f31'
const WRONG = 'wrong-secret-19c4'
const server = await startServer(t, {
  topology: topology(),
  env: { LOG_LEVEL: 'trace', COMITY_SYNC_OBJECTS: '20' },
})
const analyst = server.as('analyst')
const secrets = [CONTENT, WRONG, 'pw-analyst', 'pw-guest', PASSWORD_WITH_COLON, ...Object.values(TOKENS)]

const sql = async (...statements: string[]) => {
  const client = new pg.Client({ connectionString: server.database.url })
  await client.connect()
  for (const text of statements) await client.query(text)
  await client.end()
}

const lines = () =>
  server
    .log()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>)

test('a session with every kind of credential and every kind of mistake', async (t) => {
  const object = indicator({ name: CONTENT, description: `${CONTENT} "'; drop table` })
  await analyst.add(READ_WRITE.path, object, statement(CONTENT))
  await analyst.post(READ_WRITE.path, [
    version(object, object.modified as string, { name: `${CONTENT} other` }),
    { ...malware({ name: CONTENT }), is_family: CONTENT },
    { type: CONTENT },
    { id: CONTENT, name: CONTENT },
  ])
  const large = await analyst.post(READ_WRITE.path, [
    ...Array.from({ length: 20 }, () => indicator({ name: CONTENT })),
    { type: 'indicator', id: `indicator--${CONTENT}` },
  ])
  await completed(analyst, 'global', large.taxiiStatus.id)
  for (const body of [
    `{"objects":[{"${CONTENT}`,
    CONTENT,
    `{"${CONTENT}":1}`,
    `{"objects":["${CONTENT}"]}`,
  ]) {
    await analyst.send(`${READ_WRITE.path}objects/`, body)
  }
  await analyst.getObjects(READ_WRITE.path)
  await analyst.getObject(READ_WRITE.path, object.id)
  await analyst.getObjects(READ_WRITE.path, { 'match[type]': CONTENT, next: WRONG })
  await analyst.getObjects(READ_WRITE.path, { next: WRONG })
  for (const token of Object.values(TOKENS)) await server.bearer(token).getObjects(READ_WRITE.path)
  const jwt = String((await analyst.request({ method: 'POST', path: '/auth/token' })).json.access_token)
  t.match(jwt, /^ey/)
  secrets.push(jwt, jwt.split('.')[2] ?? '')
  t.equal((await server.bearer(jwt).get('/taxii2/')).status, 200)
  await server.bearer(`${jwt}x`).get('/taxii2/')
  await server.as('colon', PASSWORD_WITH_COLON).get('/taxii2/')
  await server.as('guest').get('/global/')
  for (const header of [
    basic('analyst', WRONG),
    `Bearer ${WRONG}`,
    `Token ${WRONG}`,
    WRONG,
    `Basic ${WRONG}`,
  ]) {
    await server.request({ path: '/taxii2/', headers: { Authorization: header, Cookie: `session=${WRONG}` } })
  }
  secrets.push(basic('analyst', 'pw-analyst').slice(6), basic('analyst', WRONG).slice(6))
  // What the parser refuses, and what is broken off, with secrets in it.
  for (const text of [
    `GET /taxii2/ HTTP/1.1\r\nAuthorization: ${basic('analyst', WRONG)}\r\nbad header ${WRONG}\r\n\r\n`,
    `POST ${READ_WRITE.path}objects/ HTTP/1.1\r\nHost: a\r\nAccept: ${T21}\r\nContent-Type: ${T21}\r\nAuthorization: ${basic('analyst', 'pw-analyst')}\r\nContent-Length: 1000\r\n\r\n{"objects":[{"name":"${CONTENT}"`,
  ]) {
    const wire = new Wire(server.url)
    wire.write(text)
    await sleep(100)
    wire.destroy()
  }
})

test('a failure of the server: an id to ask about, and not a word of what failed', async (t) => {
  const failures = []
  await sql('alter function comity.append_items rename to append_items_gone')
  await sql('alter function comity.store_plain rename to store_plain_gone')
  failures.push(await analyst.post(READ_WRITE.path, [indicator({ name: CONTENT })]))
  const pending = await analyst.post(
    READ_WRITE.path,
    Array.from({ length: 30 }, () => indicator({ name: CONTENT })),
  )
  t.equal(pending.status, 202)
  await sleep(1500)
  t.equal((await analyst.get(`/global/status/${pending.taxiiStatus.id}/`)).taxiiStatus.status, 'pending')
  await sql('alter function comity.append_items_gone rename to append_items')
  await sql('alter function comity.store_plain_gone rename to store_plain')
  t.equal((await completed(analyst, 'global', pending.taxiiStatus.id)).success_count, 30, 'work goes on')

  await sql('alter table comity.item rename to item_gone')
  for (const path of ['objects/', 'manifest/', `objects/${indicator().id}/`]) {
    failures.push(await analyst.get(`${READ_WRITE.path}${path}`))
  }
  await sql('alter table comity.item_gone rename to item')

  // A trigger that puts the row into the text of its error, as constraints do.
  await sql(
    `create function comity.spill() returns trigger language plpgsql as
       $$ begin raise exception 'spilled' using detail = new.body, hint = new.body; end $$`,
    'create trigger spill before insert on comity.item for each row execute function comity.spill()',
  )
  failures.push(await analyst.post(READ_WRITE.path, [indicator({ name: CONTENT })]))
  await sql('drop trigger spill on comity.item')

  t.equal(failures.length, 5)
  const log = lines()
  for (const answer of failures) {
    isError(t, answer, 500, 'failure')
    t.strictSame(Object.keys(answer.json).sort(), ['error_code', 'error_id', 'http_status', 'title'])
    t.notMatch(
      answer.text,
      /append_items|store_plain|relation|item_gone|SQL|42P|42883|spill|comity|select|\bat /i,
    )
    const id = answer.json.error_id
    const own = log.filter((line) => line.reqId === id)
    t.ok(
      own.some((line) => line.level === 50 && line.err),
      'the log says what failed',
    )
    t.ok(
      own.some((line) => line.msg === 'request' && line.status === 500),
      'and which request it was',
    )
  }
  t.equal((await analyst.getObjects(READ_WRITE.path)).status, 200, 'all is well again')
})

test('the log', (t) => {
  const log = lines()
  t.ok(log.length > 60, `${log.length} lines, all of them JSON`)
  const text = server.log()
  for (const secret of secrets) t.notOk(text.includes(secret), `nothing of ${secret.slice(0, 12)}`)
  for (const word of ['authorization', 'password', 'cookie', '198.51.100.1']) {
    t.notOk(text.toLowerCase().includes(word), `no ${word}`)
  }
  const requests = log.filter((line) => line.msg === 'request')
  t.ok(requests.length > 40)
  for (const line of requests) {
    t.match(line, {
      level: 30,
      time: Number,
      reqId: /^[0-9a-f-]{36}$/,
      method: String,
      path: /^\//,
      status: Number,
      ms: Number,
    })
    t.notOk(String(line.path).includes('?'), 'no query')
  }
  t.equal(new Set(requests.map((line) => line.reqId)).size, requests.length, 'ids differ')
  t.ok(requests.some((line) => line.principal === 'analyst'))
  t.end()
})
