/** `comity policy` on a real database: tables, JSON, and what it refuses. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { test } from 'tap'
import { type PolicyCommand, type PolicyQuestion, policyCommand } from '../../src/cli/policy.ts'
import { systemClock } from '../../src/time.ts'
import { policyTopology } from '../support/answers-world.ts'
import { database } from '../support/cluster.ts'
import { importInto, onExchange } from '../support/exchange.ts'
import { applyInProcess } from '../support/in-process.ts'
import { indicator, TLP } from '../support/stix.ts'

const object = indicator({ object_marking_refs: [TLP.amber] })
const place = { root: 'x', collection: 'shared', as: 'my-ann' }

test('what is asked is answered in tables, and by --json as REST does', async (t) => {
  const { url } = await database(t)
  await applyInProcess(url, policyTopology(), systemClock.now())
  const folder = mkdtempSync(join(tmpdir(), 'comity-policy-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'object.json')
  writeFileSync(file, JSON.stringify(object))
  await onExchange(url, async (exchange) => {
    const run = async (command: PolicyQuestion, json = false) => {
      const lines: string[] = []
      const code = await policyCommand(exchange, {
        command: { ...command, json } as PolicyCommand,
        out: (line) => lines.push(line),
      })
      return { code, text: lines.join('\n') }
    }
    const before = await run({ ask: 'preview', ...place, tlp: 'TLP:AMBER' })
    t.equal(before.code, 0)
    t.match(before.text, /^level: amber\norganization {2}country {2}people {2}feeds {2}by\n/)
    t.match(before.text, /\nsgcert +SG +2 +1 +agreement MY>SG\n/)
    t.match(before.text, '6 people and 2 feeds of 4 organizations in 2 countries')
    t.strictSame(await run({ ask: 'preview', ...place, object: file }), before, 'by an object')
    const json = JSON.parse((await run({ ask: 'preview', ...place, tlp: 'amber' }, true)).text)
    t.match(json, { level: 'amber', totals: { people: 6, feeds: 2 } })
    for (const level of ['clear', 'green', 'amber', 'amber+strict', 'red']) {
      t.match((await run({ ask: 'preview', ...place, tlp: level })).text, `level: ${level}\n`)
    }
    const refused = await run({ ask: 'preview', ...place, marking: ['marking-definition--x'] })
    t.match(refused, { code: 1, text: /^would be refused: .* is not known here/ })

    const { code } = await importInto(
      exchange,
      { ...place, files: ['-'] },
      Readable.from([JSON.stringify(object)]),
    )
    t.equal(code, 0)
    const why = await run({ ask: 'explain', ...place, id: object.id, reader: 'sgcert' })
    t.match(why.text, /2 people, 0 feeds: yes, agreement MY>SG \(TLP:AMBER of mycert\)/)
    t.match(why.text, /1 people, 0 feeds: no, above-clearance/)
    t.match(why.text, / {2}clearance +failed +it may read up to green/)
    t.match((await run({ ask: 'explain', ...place, id: object.id, reader: 'sg-bob' })).text, /: yes, /)
    const view = await run({ ask: 'view-as', ...place, reader: 'SG', limit: 10 })
    t.match(view.text, new RegExp(`${object.id} .* amber +sgbank, sgcert +agreement MY>SG`))
    t.match((await run({ ask: 'view-as', ...place, reader: 'DE', limit: 10 })).text, 'it sees nothing')
    const draft = {
      ask: 'simulate',
      as: 'my-ann',
      from: 'MY',
      to: 'DE',
      recipients: 'all',
      clients: false,
    } as const
    const signed = await run({ ...draft, maxTlp: 'amber', end: false })
    t.match(
      signed.text,
      /^ +who +gains +loses\ncountry +DE +amber 1 +-\norganization +decert +amber 1 +-\nof 1 versions/,
    )
    const ended = await run({ ...draft, to: 'SG', end: true })
    t.match(ended.text, /country +SG +- +amber 1/)
    t.match(
      (await run({ ...draft, maxTlp: 'green', end: false })).text,
      'nobody gains or loses, of 1 versions',
    )
    const balance = await run({ ask: 'reciprocity', as: 'my-ann' })
    t.match(balance.text, /^partner +given by MY +received\nDE +- +-\nSG +amber 1 +-\nZZ +- +-$/)

    for (const [what, command, sentence] of [
      ['an unknown principal', { ask: 'reciprocity', as: 'my-anne' }, /did you mean "my-ann"/],
      ['no right', { ask: 'preview', ...place, as: 'de-ann', collection: 'foreign' }, /may not write to/],
      ['an unknown reader', { ask: 'explain', ...place, id: object.id, reader: 'x' }, /no such thing/],
      ['no party', { ...draft, as: 'zz-ann', maxTlp: 'green', end: false }, /Only a party/],
      ['a draft without a level', { ...draft, end: false }, /needs --max-tlp/],
      ['no level', { ask: 'preview', ...place, tlp: 'pink' }, /"pink" is no level/],
      ['no file', { ask: 'preview', ...place, object: join(folder, 'none') }, /cannot be read \(ENOENT\)/],
    ] as [string, PolicyQuestion, RegExp][]) {
      await t.rejects(run(command), { message: sentence, exitCode: 2 }, what)
    }
  })
})
