/** comity relabel, schedule and release-request on a real database: what they print, return and refuse. */
import { Readable } from 'node:stream'
import t, { test } from 'tap'
import type { CliContext } from '../../src/cli/context.ts'
import { runProgram } from '../../src/cli/program.ts'
import { fileReleaseRequest } from '../../src/sharing/release-requests.ts'
import { routeRequests } from '../../src/store/release-requests.ts'
import { continueSchedule } from '../../src/taxii/release-step.ts'
import { systemClock } from '../../src/time.ts'
import { database } from '../support/cluster.ts'
import { importInto, onExchange } from '../support/exchange.ts'
import { asOwner } from '../support/in-process.ts'
import { releaseTopology, until } from '../support/release.ts'
import { apply } from '../support/server.ts'
import { indicator, newId, TLP } from '../support/stix.ts'

const { url } = await database(t)
await apply(url, releaseTopology())

async function comity(...argv: string[]) {
  const [out, err]: [string[], string[]] = [[], []]
  const context: CliContext = {
    env: { DATABASE_URL: url },
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    withOwner: () => Promise.reject(new Error('unused')),
  }
  const never = async () => 9
  const deps = {
    context,
    serve: never,
    migrate: never,
    import: never,
    export: never,
    openapi: never,
    policy: never,
  }
  const code = await runProgram(deps, ['node', 'comity', ...argv])
  return { code, out, err }
}

const at = ['--root', 'one', '--collection', 'main']

async function post(level: keyof typeof TLP): Promise<string> {
  const object = indicator({ object_marking_refs: [TLP[level]] })
  await onExchange(url, (exchange) =>
    importInto(
      exchange,
      { files: ['-'], root: 'one', collection: 'main', as: 'ann' },
      Readable.from([JSON.stringify({ objects: [object] })]),
    ),
  )
  return object.id
}

const audited = async (action: string) =>
  await asOwner(url, async (client) =>
    (
      await client.query('select actor, detail from comity.audit where action = $1 order by id', [action])
    ).rows.map((row) => ({ actor: String(row.actor), detail: JSON.stringify(row.detail) })),
  )

test('relabel', async (t) => {
  const id = await post('red')
  const why = ['--reason', 'agreed']
  t.match(await comity('relabel', ...at, '--as', 'bob', '--marking', 'tlp:green', ...why, id), {
    code: 1,
    out: [],
    err: [/no such thing that bob may know of/],
  })
  t.match(await comity('relabel', ...at, '--as', 'mia', '--marking', 'tlp:green', ...why, id), {
    code: 1,
    err: [/may not write/],
  })
  t.match(await comity('relabel', ...at, '--as', 'anne', '--marking', 'tlp:green', ...why, id), {
    code: 2,
    err: [/no active principal "anne"/],
  })
  t.match(await comity('relabel', ...at, '--as', 'ann', '--marking', 'green', ...why, id), {
    code: 2,
    err: [/"green" is no marking/],
  })
  t.match(await comity('relabel', ...at, '--as', 'ann', '--marking', 'tlp:GREEN', '--reason', ' ', id), {
    code: 2,
    err: [/--reason/],
  })
  const done = await comity('relabel', ...at, '--as', 'ann', '--marking', 'tlp:GREEN', ...why, id)
  t.strictSame(done, {
    code: 0,
    out: [`${id} 2026-01-01T00:00:00.000Z widened: 1 organizations could read it, 2 can now`],
    err: [],
  })
  const [entry] = await audited('relabel')
  t.match(entry, { actor: 'ann', detail: /agreed/ })
  t.notMatch(entry?.detail, /an indicator/, 'no content')
})

test('schedule', async (t) => {
  const id = await post('red')
  t.match(await comity('schedule', 'list', '--as', 'ann'), {
    code: 0,
    out: [],
    err: ['no release schedules'],
  })
  const add = (...steps: string[]) =>
    comity('schedule', 'add', ...at, '--as', 'ann', '--reason', 'later', '--step', ...steps, '--', id)
  t.match(await add('2026-12-01'), { code: 2, err: [/is not TIME=MARKING/] })
  t.match(await add('tomorrow=tlp:green'), { code: 2, err: [/is not a time/] })
  t.match(await add('2020-01-01T00:00:00Z=tlp:green'), { code: 1, err: [/is not after now/] })
  const soon = new Date(Date.now() + 5000).toISOString()
  const year = new Date().getUTCFullYear() + 1
  const made = await add(`${soon}=tlp:green`, `${year}-12-01T00:00:00Z=tlp:clear`)
  t.match(made, { code: 0, out: [/^[0-9a-f-]{36}$/], err: [] })
  const [schedule = ''] = made.out
  await onExchange(url, async (exchange) => {
    await until(
      () => continueSchedule(exchange),
      (done) => done,
    )
    t.ok(systemClock.now() >= BigInt(Date.parse(soon)) * 1000n, 'early never')
  })
  const list = await comity('schedule', 'list', '--as', 'bob')
  t.equal(list.out.length, 3)
  t.match(list.out[1], new RegExp(`^${schedule} +${id} +active +\\S+ +done +widened$`))
  t.match(list.out[2], new RegExp(`^${schedule} +${id} +active +${year}-12-01\\S+ +pending +${TLP.clear}$`))
  const cancel = (name: string) => comity('schedule', 'cancel', '--as', 'bob', '--reason', 'no', name)
  t.match(await cancel('x'), { code: 2, err: [/is no id/] })
  t.match(await cancel(schedule), { code: 0, err: [`release schedule ${schedule} is cancelled`] })
  t.match(await cancel(schedule), { code: 1, err: [/is over/] })
  t.match(await audited('schedule'), [{ actor: 'ann', detail: /later/ }])
  t.match(await audited('schedule-step'), [{ actor: 'ann', detail: /widened/ }])
  t.match(await audited('schedule-cancel'), [{ actor: 'bob', detail: /"no"/ }])
})

test('release-request', async (t) => {
  const id = await post('amber')
  const ids = await onExchange(url, async (exchange) => {
    const dan = exchange.subject(exchange.world.topology.principals.get('dan'))
    if (!dan) throw new Error('dan is there')
    const made = []
    for (const object of [id, id, newId('indicator')]) {
      const to = { countries: ['DE'] }
      const asked = { root: 'one', collection: 'main', id: object, to, justification: 'same case' }
      made.push((await fileReleaseRequest(exchange, { id: 'dan', subject: dan, token: null }, asked)).id)
    }
    t.equal(await routeRequests(exchange.pool), 3)
    t.equal(await routeRequests(exchange.pool), 0)
    return made
  })
  const [one = '', two = '', none = ''] = ids
  const list = await comity('release-request', 'list', '--as', 'ann')
  t.equal(list.out.length, 3)
  t.match(
    list.out[1],
    new RegExp(`^${two} +${id} +open +dan \\(decert\\) +{"countries":\\["DE"\\]} +same case$`),
  )
  const decide = (verb: string, request: string, ...more: string[]) =>
    comity('release-request', verb, '--as', 'ann', '--reason', 'so be it', ...more, request)
  t.match(await decide('refuse', none), { code: 1, err: [/no such thing/] })
  t.match(await decide('refuse', one), { code: 0, err: [`request ${one} is declined`] })
  t.match(await decide('approve', one, '--marking', 'tlp:clear', '--'), { code: 1, err: [/already/] })
  t.match(await decide('approve', two, '--marking', 'tlp:clear', '--'), { code: 0, out: [/widened/] })
  const mine = await comity('release-request', 'list', '--mine', '--as', 'dan')
  t.match(mine.out.slice(1), [/ open +dan /, / approved +dan .* so be it$/, / declined +dan .* so be it$/])
  t.match(await comity('release-request', 'list', '--as', 'sue'), {
    code: 0,
    err: ['no requests for release'],
  })
  t.match(await audited('release-request'), { length: 3 })
  t.match(await audited('release-approval'), [{ actor: 'ann', detail: /so be it/ }])
  t.match(await audited('release-refusal'), [{ actor: 'ann', detail: /so be it/ }])
})

test('a maker without its right releases nothing; a collection that goes takes its schedules along', async (t) => {
  const id = await post('amber')
  const soon = new Date(Date.now() + 5000).toISOString()
  const step = ['--reason', 'later', '--step', `${soon}=tlp:clear`, '--', id]
  t.equal((await comity('schedule', 'add', ...at, '--as', 'bob', ...step)).code, 0)
  const sql = (text: string) =>
    asOwner(url, async (client) => {
      await client.query('set role comity_owner')
      return (await client.query(text)).rows
    })
  await sql(`update principal set active = false where id = 'bob'`)
  await onExchange(url, (exchange) =>
    until(
      () => continueSchedule(exchange),
      (done) => done,
    ),
  )
  const list = await comity('schedule', 'list', '--as', 'ann')
  t.match(
    list.out[1],
    /failed +\S+ +failed +bob, who made this schedule, is not active in mycert any more\.$/,
  )
  t.match(await audited('schedule-step'), [{}, { actor: 'bob', detail: /is not active/ }])
  await sql(`delete from collection where alias = 'main'`)
  t.strictSame(await sql('select from release_step'), [])
  t.strictSame(await sql('select from release_request_to'), [])
})
