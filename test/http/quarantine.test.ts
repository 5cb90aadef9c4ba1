/** Quarantine (policy.md §2): what an unknown marking keeps with its originator, until an operator decides or it comes. */
import { test } from 'tap'
import { ACS_EXTENSION } from '../../src/stix/index.ts'
import { asOwner } from '../support/in-process.ts'
import { sleep } from '../support/run-lock.ts'
import { comity, commands, startServer } from '../support/server.ts'
import { indicator, ipv4, newId, statement, TLP } from '../support/stix.ts'
import { policyWorld } from '../support/two-countries.ts'

const acs = (id: string, controls: object = {}, policy = 'sharedefault=permit') => ({
  type: 'marking-definition',
  spec_version: '2.1',
  id,
  created: '2026-01-01T00:00:00.000Z',
  object_marking_refs: [TLP.green],
  extensions: {
    [ACS_EXTENSION]: {
      extension_type: 'property-extension',
      identifier: 'isa:guide.19001.ACS3-1',
      create_date_time: '2026-01-01T00:00:00Z',
      responsible_entity_custodian: 'USA.DHS',
      policy_reference: `urn:isa:policy:acs:ns:v3.0?privdefault=deny&${policy}`,
      control_set: { classification: 'U', ...controls },
    },
  },
})

test('quarantine', async (t) => {
  const { topology, path, held, heldAlias, redacting } = policyWorld()
  const server = await startServer(t, { topology })
  const [author, colleague, sg, de] = ['author', 'colleague', 'sg', 'de'].map((id) => server.as(id)) as [
    ReturnType<typeof server.as>,
    ReturnType<typeof server.as>,
    ReturnType<typeof server.as>,
    ReturnType<typeof server.as>,
  ]
  const env = { DATABASE_URL: server.database.url }
  let run = commands(t)
  const quarantine = (...args: string[]) => run(['quarantine', ...args], env)
  const map = (marking: string, as: string) => quarantine('map', marking, '--as', as, '--reason', 'agreed')
  const unmap = (marking: string) => quarantine('unmap', marking, '--reason', 'a mistake')
  /** Which of the four see an object. */
  const sees = async (id: string, where = held) => {
    const found: string[] = []
    for (const [name, reader] of Object.entries({ author, colleague, sg, de }))
      if ((await reader.getObject(where, id)).status === 200) found.push(name)
    return found
  }
  const line = async (marking: string) =>
    (await quarantine('list')).stdout.split('\n').find((l) => l.startsWith(marking)) ?? ''
  const own = ['author', 'colleague']

  await t.test('an unknown marking holds the object, or refuses it', async (t) => {
    const object = indicator({ object_marking_refs: [TLP.green, newId('marking-definition')] })
    const status = (await author.post(held, [object])).taxiiStatus
    t.equal(status.success_count, 1)
    t.match(
      status.successes?.[0]?.message,
      /^kept for your organization only: the marking .* is not known here/,
    )
    t.same(await sees(object.id), own)
    t.match(
      (await author.post(path, [indicator({ object_marking_refs: object.object_marking_refs })])).taxiiStatus,
      {
        failures: [{ message: /is not known here/ }],
      },
    )
  })

  await t.test('a decision releases, tightens, and is taken back', async (t) => {
    const marking = newId('marking-definition')
    const one = indicator({ name: 'never shown to operators', object_marking_refs: [marking] })
    const two = ipv4('198.51.100.77', { object_marking_refs: [marking] })
    await author.add(held, one, two)
    t.match(await line(marking), new RegExp(`^${marking} +- +${heldAlias} +mycert +2 +0$`))
    t.notMatch((await quarantine('list')).stdout, /never shown|198\.51/)

    const before = (await sg.getObjects(held)).last
    const mapped = await map(marking, 'tlp:amber')
    t.equal(mapped.code, 0, mapped.stderr)
    t.match(mapped.stderr, /counts as tlp:amber: 2 objects to label anew\ndone/)
    t.same(await sees(one.id), [...own, 'sg'])
    const poll = await sg.getObjects(held, before ? { added_after: before } : {})
    t.ok(poll.ids.includes(one.id) && poll.ids.includes(two.id), 'appended again for who polls')
    t.match(await line(marking), new RegExp(`^${marking} +tlp:amber +${heldAlias} +mycert +0 +2$`))

    const late = indicator({ object_marking_refs: [marking] })
    t.equal((await author.add(held, late)).successes?.[0]?.message, undefined)
    t.same(await sees(late.id), [...own, 'sg'], 'new objects are labelled by it')
    t.equal((await author.add(path, indicator({ object_marking_refs: [marking] }))).success_count, 1)

    t.equal((await map(marking, 'TLP:RED')).code, 0)
    t.same(await sees(one.id), ['author'])
    t.equal((await map(marking, 'statement')).code, 0)
    t.same(await sees(one.id), own, 'nothing else marks it')
    t.equal((await map(marking, 'tlp:clear')).code, 0)
    t.same(await sees(one.id), [...own, 'sg', 'de'])
    t.equal((await unmap(marking)).code, 0)
    t.same(await sees(one.id), own)
    t.same(await sees(late.id), own)
    t.match(await line(marking), / 3 +0$| {2}1 +0$/)
    t.match(await unmap(marking), { code: 1, stderr: /is not mapped/ })

    const audit = await asOwner(
      server.database.url,
      async (client) =>
        (
          await client.query(
            `select action, actor, detail from audit where detail ->> 'marking' = $1 order by id`,
            [marking],
          )
        ).rows,
    )
    t.same(
      audit.map((row) => row.action),
      [...Array(4).fill('marking-mapped'), 'marking-unmapped'],
    )
    t.match(audit[0], { actor: /^operator /, detail: { decided: 'amber', reason: 'agreed', objects: 2 } })
  })

  await t.test(
    'beside TLP a statement leaves what is there; two markings are decided one by one',
    async (t) => {
      const [a, b] = [newId('marking-definition'), newId('marking-definition')]
      const object = indicator({ object_marking_refs: [TLP.green, a, b] })
      await author.add(held, object)
      await map(a, 'statement')
      t.same(await sees(object.id), own, 'the other one holds it')
      await map(b, 'statement')
      t.same(await sees(object.id), [...own, 'sg'])
    },
  )

  await t.test('when the originator sends the marking itself, what waits is labelled by it', async (t) => {
    const marking = newId('marking-definition')
    const object = indicator({ object_marking_refs: [TLP.amber, marking] })
    await author.add(held, object)
    const stranger = indicator({ object_marking_refs: [TLP.amber, marking] })
    await sg.add(held, stranger)
    await colleague.add(held, acs(marking, { permitted_nationalities: ['SGP', 'DEU'] }))
    await until(async () => (await sees(object.id)).includes('sg'))
    t.same(await sees(object.id), [...own, 'sg'], 'permitted nationalities are no agreement with DE')
    t.match((await line(marking)).includes('mycert'), false)
    t.same(await sees(stranger.id), ['sg'], "another organization's waits on")
  })

  await t.test('a marking that cannot be applied, and one that has no TLP beside it', async (t) => {
    const secret = newId('marking-definition')
    const sent = (await author.post(held, [acs(secret, { classification: 'S' })])).taxiiStatus
    t.match(sent.successes?.[0]?.message, /will be refused or held: it is classified/)
    const object = indicator({ object_marking_refs: [TLP.green, secret] })
    t.match(
      (await author.post(held, [object])).taxiiStatus.successes?.[0]?.message,
      /cannot be applied: it is classified/,
    )
    t.same(await sees(object.id), own)
    await map(secret, 'statement')
    t.same(await sees(object.id), [...own, 'sg'], 'the operator has the last word')

    const marking = newId('marking-definition')
    const alone = indicator({ object_marking_refs: [marking] })
    await author.add(held, alone)
    await author.add(held, acs(marking))
    await sleep(1500)
    t.same(await sees(alone.id), own, 'it would have been refused, so it stays')
    t.match(await line(marking), / 1 +0$/)
  })

  await t.test('a statement that comes late', async (t) => {
    const marking = statement('Copyright')
    const object = indicator({ object_marking_refs: [TLP.green, marking.id] })
    await author.add(held, object)
    t.same(await sees(object.id), own)
    await author.add(held, marking)
    await until(async () => (await sees(object.id)).includes('sg'))
    t.same(await sees(object.id), [...own, 'sg'])
  })

  await t.test('what is deleted waits no more', async (t) => {
    const marking = newId('marking-definition')
    const object = indicator({ object_marking_refs: [marking] })
    await author.add(held, object)
    t.match(await line(marking), / 1 +0$/)
    t.equal((await author.delete(`${held}objects/${object.id}/`)).status, 200)
    t.equal(await line(marking), '')
  })

  await t.test('where parts are taken out, a part may hold the object', async (t) => {
    const marking = newId('marking-definition')
    const object = indicator({
      description: 'for few',
      object_marking_refs: [TLP.green],
      granular_markings: [{ marking_ref: marking, selectors: ['description'] }],
    })
    await author.add(redacting, object)
    t.same(await sees(object.id, redacting), own)
    await map(marking, 'tlp:red')
    const copy = (await sg.getObject(redacting, object.id)).objects[0]
    t.equal(copy?.name, object.name)
    t.equal(copy?.description, undefined, 'without the part that is RED')
    await map(marking, 'tlp:green')
    t.equal((await sg.getObject(redacting, object.id)).objects[0]?.description, 'for few')
    await map(marking, 'tlp:red')
    await unmap(marking)
    t.same(await sees(object.id, redacting), own)
    t.equal((await author.getObject(redacting, object.id)).objects[0]?.description, 'for few')
    t.match(await line(marking), / 1 +0$/)
  })

  // The rest as processes of their own, as an operator starts them.
  run = comity
  await t.test('taking back binds the objects of who has left', async (t) => {
    const marking = newId('marking-definition')
    const object = indicator({ object_marking_refs: [marking] })
    await author.add(held, object)
    await map(marking, 'tlp:green')
    t.ok((await sees(object.id)).includes('sg'))
    await asOwner(server.database.url, (c) =>
      c.query(`update principal set active = false where id = 'author'`),
    )
    await unmap(marking)
    t.equal((await sg.getObject(held, object.id)).status, 404)
    t.equal((await colleague.getObject(held, object.id)).status, 200)
    t.match(await line(marking), / 1 +0$/)
  })

  await t.test('wrong usage', async (t) => {
    t.match(await map('indicator--x', 'tlp:red'), { code: 2, stderr: /is no id of a marking-definition/ })
    t.match(await map(TLP.green, 'tlp:red'), { code: 2, stderr: /its level is fixed/ })
    t.match(await map(newId('marking-definition'), 'blue'), { code: 2, stderr: /--as takes tlp:clear/ })
    t.match(await quarantine('map', newId('marking-definition'), '--as', 'tlp:red', '--reason', ' '), {
      code: 2,
      stderr: /--reason takes/,
    })
  })
})

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 200 && !(await holds()); i++) await sleep(50)
}
