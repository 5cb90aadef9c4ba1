/** `comity import` and `export`: every form of file, rights, repetition, failures with their place, and back again. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { type Test, test } from 'tap'
import { withExchange } from '../../src/cli/exchange.ts'
import { importFiles } from '../../src/cli/import.ts'
import { readConfig } from '../../src/config.ts'
import { Refusal } from '../../src/errors.ts'
import type { StixObject } from '../support/client.ts'
import { databaseWith } from '../support/cluster.ts'
import { exportFrom, importInto, onExchange } from '../support/exchange.ts'
import { apply, startServer } from '../support/server.ts'
import { indicator, indicator20, ipv4, malware, report, statement, TLP, version } from '../support/stix.ts'
import { HIDDEN, READ_WRITE, scratches, topology, WRITE_ONLY } from '../support/world.ts'

const next = scratches()

async function world(t: Test) {
  const text = topology()
  const { url } = await databaseWith(t, text, (u) => apply(u, text))
  const folder = mkdtempSync(join(tmpdir(), 'comity-import-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const file = (name: string, content: string | Buffer) => {
    writeFileSync(join(folder, name), content)
    return join(folder, name)
  }
  const target = (collection: { alias: string } = next()) => ({
    root: 'global',
    collection: collection.alias,
    as: 'analyst',
  })
  return { url, folder, file, target }
}

const bundle = (objects: unknown[], more: object = {}) =>
  JSON.stringify({ type: 'bundle', id: 'bundle--5d0092c5-5f74-4287-9642-33f4c354e56d', ...more, objects })
const lines = (objects: unknown[]) => objects.map((o) => `${JSON.stringify(o)}\n`).join('')
const ids = (text: string) => (JSON.parse(text).objects ?? []).map((o: StixObject) => o.id)

test('bundle, envelope, list and lines, plain or packed, from a file or standard input', async (t) => {
  const { url, file, target } = await world(t)
  const objects = [indicator(), malware(), ipv4('192.0.2.1'), indicator20()]
  const forms: [name: string, content: string][] = [
    ['bundle.json', bundle(objects)],
    ['bundle20.json', bundle(objects, { spec_version: '2.0' })],
    ['indented.json', JSON.stringify({ objects }, null, 2)],
    ['list.json', JSON.stringify(objects)],
    ['lines.ndjson', lines(objects)],
  ]
  await onExchange(url, async (exchange) => {
    for (const [name, content] of forms) {
      for (const packed of [false, true]) {
        const options = target()
        const body = packed ? gzipSync(content) : content
        const path = file(packed ? `${name}.gz` : name, body)
        const first = await importInto(exchange, { ...options, files: [path] })
        t.match(first, { code: 0, read: 4, stored: 4, present: 0, failed: 0, err: [] }, `${path}`)
        const again = await importInto(
          exchange,
          { ...options, files: ['-'] },
          Readable.from([Buffer.from(body)]),
        )
        t.match(
          again,
          { code: 0, read: 4, stored: 0, present: 4, failed: 0, err: [] },
          `${path} again, from stdin`,
        )
        const { text } = await exportFrom(exchange, { ...options, format: 'bundle', version: 'all' })
        t.strictSame(
          ids(text),
          objects.map((o) => o.id),
          `${path} in its order`,
        )
      }
    }
    for (const [i, empty] of [
      '',
      '\n',
      '{}',
      '{"objects":[]}',
      '{"type":"bundle","id":"bundle--x"}',
      '[]',
    ].entries()) {
      const outcome = await importInto(exchange, { ...target(READ_WRITE), files: [file(`empty${i}`, empty)] })
      t.match(outcome, { code: 0, read: 0, failed: 0 }, `nothing in ${empty}`)
    }
  })
})

test('a marking-definition may come after the objects that it marks', async (t) => {
  const { url, file, target } = await world(t)
  const marking = statement('Copyright of a test')
  const marked = Array.from({ length: 2100 }, () =>
    indicator({ object_marking_refs: [TLP.green, marking.id] }),
  )
  const path = file('late.json', bundle([...marked, marking]))
  const options = { ...target(), files: [path] }
  await onExchange(url, async (exchange) => {
    t.match(await importInto(exchange, options), { code: 0, read: 2101, stored: 2101, present: 0, failed: 0 })
    t.match(await importInto(exchange, options), { code: 0, read: 2101, stored: 0, present: 2101, failed: 0 })
  })
})

test('failures say file, place and reason; the rest is stored', async (t) => {
  const { url, file, target } = await world(t)
  const good = indicator()
  const other = { ...good, name: 'other content' }
  const big = malware({ description: 'x'.repeat(1_100_000) })
  const huge = malware({ description: 'x'.repeat(5_000_000) })
  const unnamed = { type: 'malware' }
  const first = file(
    'first.json',
    bundle([good, malware({ name: 7 }), unnamed, 'text', big, huge, other, ipv4('192.0.2.7')]),
  )
  const second = file(
    'second.ndjson',
    `${JSON.stringify(indicator())}\n{"broken\n${lines([malware()])}\ufffe\n`,
  )
  const third = file('third.json.gz', gzipSync(lines([indicator(), malware()])).subarray(0, -20))
  await onExchange(url, async (exchange) => {
    const outcome = await importInto(exchange, { ...target(), files: [first, second, third] })
    t.equal(outcome.code, 1)
    t.match(outcome, { stored: 4, failed: 9 })
    const said = outcome.err.join('\n')
    for (const [place, reason] of [
      [`${first}: objects[1]`, /malware--\S+: \/name must be a string/],
      [`${first}: objects[2]`, /has no id/],
      [`${first}: objects[3]`, /not a JSON object/],
      [`${first}: objects[4]`, /at most 1048576/],
      [`${first}: objects[5]`, /larger than an object may be/],
      [`${first}: objects[6]`, /later modified/],
      [`${second}: line 2`, /not a whole JSON object/],
      [`${second}: line 4`, /not a JSON object/],
      [third, /cannot be read to its end/],
    ] as const) {
      const line = outcome.err.find((l) => l.startsWith(`${place}: `))
      t.match(line ?? said, reason, place)
    }
    const many = file('many.ndjson', lines(Array.from({ length: 25 }, () => unnamed)))
    const all = await importInto(exchange, { ...target(), files: [many] })
    t.equal(all.err.length, 11, 'the first ten and a count')
    t.equal(all.err.at(-1), 'and 15 more')
  })
})

test('what cannot be is refused before anything is stored', async (t) => {
  const { url, file, folder, target } = await world(t)
  const good = file('good.json', bundle([indicator()]))
  await onExchange(url, async (exchange) => {
    const refused = async (options: Parameters<typeof importInto>[1], sentence: RegExp) => {
      const error: unknown = await importInto(exchange, options).catch((e: unknown) => e)
      t.ok(error instanceof Refusal && error.exitCode === 2, String(error))
      t.match(String(error), sentence)
    }
    const fine = { ...target(READ_WRITE), files: [good] }
    await refused({ ...fine, as: 'analist' }, /no principal "analist" \(did you mean "analyst"\?\)/)
    await refused({ ...fine, root: 'globl' }, /no API root "globl"/)
    await refused(
      { ...fine, collection: 'indicator' },
      /no collection "indicator" \(did you mean "indicators"\?\)/,
    )
    await refused({ ...fine, as: 'guest' }, /guest may not write to indicators of global/)
    await refused({ ...fine, collection: HIDDEN.alias }, /analyst may not write to hidden/)
    await refused(
      { ...fine, files: [good, join(folder, 'none.json')] },
      /none.json cannot be read \(ENOENT\)/,
    )
    await refused({ ...fine, files: [folder] }, /is a directory/)
    await t.rejects(
      exportFrom(exchange, { ...target(WRITE_ONLY), format: 'bundle', version: 'last' }),
      /analyst may not read from write-only of global/,
    )
    const { text } = await exportFrom(exchange, { ...target(READ_WRITE), format: 'envelope', version: 'all' })
    t.equal(text, '{}\n', 'nothing was stored')
    const written = await importInto(exchange, { ...target(WRITE_ONLY), files: [good] })
    t.match(written, { code: 0, stored: 1 }, 'writing needs no right to read')
    t.match(await importInto(exchange, { ...target(WRITE_ONLY), files: [good] }), { code: 0, present: 1 })
  })
})

test('an export has every version, or the last, in three forms, of what its principal may read', async (t) => {
  const { url, file, folder, target } = await world(t)
  const first = indicator({ name: 'Ünïcode, "quoted" ] } \\' })
  const second = version(first, '2026-02-01T00:00:00.000Z')
  const secret = malware({ object_marking_refs: [TLP.red] })
  const bodies = [first, second, report([first.id]), ...Array.from({ length: 2500 }, () => indicator())]
  const path = file('all.json', bundle([...bodies, secret]))
  await onExchange(url, async (exchange) => {
    const own = target()
    t.match(await importInto(exchange, { ...own, files: [path] }), { code: 0, stored: bodies.length + 1 })
    const guest = { ...own, as: 'guest' }
    const all = await exportFrom(exchange, { ...guest, format: 'ndjson', version: 'all' })
    t.equal(all.text, lines(bodies), 'ndjson: each text as it was sent')
    t.match(all.err, [`${bodies.length} objects of ${own.collection} in global, as guest may read them`])
    const last = await exportFrom(exchange, { ...guest, format: 'envelope', version: 'last' })
    t.strictSame(JSON.parse(last.text), { objects: bodies.slice(1) })
    const mine = JSON.parse((await exportFrom(exchange, { ...own, format: 'bundle', version: 'all' })).text)
    t.match(mine, { type: 'bundle', id: /^bundle--[0-9a-f-]{36}$/ })
    t.strictSame(mine.objects, [...bodies, secret], 'its author reads its own RED')

    const out = join(folder, 'export.json')
    t.equal((await exportFrom(exchange, { ...guest, format: 'bundle', version: 'all', out })).text, '')
    t.strictSame(JSON.parse(readFileSync(out, 'utf8')).objects, bodies)
    t.equal(statSync(out).mode & 0o777, 0o600)
    t.match(await importInto(exchange, { ...target(), files: [out] }), { code: 0, stored: bodies.length })
    const nowhere = join(folder, 'no', 'such', 'folder.json')
    await t.rejects(
      exportFrom(exchange, { ...guest, format: 'bundle', version: 'all', out: nowhere }),
      /ENOENT/,
    )
    t.throws(() => statSync(`${nowhere}.part`))
  })
})

test('a large bundle is read as a stream, with a bar on a terminal', async (t) => {
  const { url, file, target } = await world(t)
  const rows = Array.from({ length: 9000 }, (_, i) =>
    ipv4(`198.51.${i >> 8}.${i & 255}`, { x_note: 'n'.repeat(i % 900) }),
  )
  const path = file('large.json', bundle(rows))
  const written: string[] = []
  await onExchange(url, async (exchange) => {
    const terminal = { isTTY: true, columns: 80, write: (text: string) => written.push(text) }
    const quiet = { out: () => {}, err: (line: string) => t.fail(line) }
    t.equal(await importFiles(exchange, { ...target(), ...quiet, files: [path], terminal }), 0)
  })
  t.match(written[0], /^\r\[[#.]{24}\] .*large\.json/)
  t.equal(written.at(-1), '\r\u001b[K', 'and it is wiped')
  t.ok(written.every((line) => line.length < 90))
})

test('what was imported is served, beside a server that runs', async (t) => {
  const { url, file, target } = await world(t)
  const server = await startServer(t, { database: { url } })
  const objects = Array.from({ length: 50 }, () => indicator({ object_marking_refs: [TLP.green] }))
  const options = target(READ_WRITE)
  await onExchange(url, async (exchange) => {
    t.match(await importInto(exchange, { ...options, files: [file('fifty.json', bundle(objects))] }), {
      code: 0,
    })
  })
  const answer = await server.as('guest').getObjects(READ_WRITE.path)
  t.strictSame(
    answer.ids,
    objects.map((o) => o.id),
  )
  const none = readConfig({ DATABASE_URL: url.replace(/\/[^/]*$/, '/postgres') })
  await t.rejects(
    withExchange(none, async () => {}),
    /not migrated: run comity migrate/,
  )
})
