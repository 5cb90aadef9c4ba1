/** Hidden lists of recipients (policy.md §2): nobody but the originator learns of the marking or what it says. */
import { test } from 'tap'
import { RELEASE_EXTENSION } from '../../src/stix/index.ts'
import type { Answer, Client } from '../support/client.ts'
import { startServer } from '../support/server.ts'
import { indicator, newId, TLP, uuid5 } from '../support/stix.ts'
import { policyWorld } from '../support/two-countries.ts'

/** All that can be told of an answer, apart from the id that was asked for. */
const seen = (answer: Answer, id: string) => answer.fingerprint.replaceAll(id, 'ID')

const SECRET = 'a list that nobody sees'

const hidden = (id: string, more: object = {}) => ({
  type: 'marking-definition',
  spec_version: '2.1',
  id,
  created: '2026-11-21T00:00:00.000Z',
  name: SECRET,
  object_marking_refs: [TLP.amber],
  extensions: {
    [RELEASE_EXTENSION]: {
      extension_type: 'property-extension',
      releasable_to: { countries: ['SG', 'FR'] },
      disclose_recipients: false,
    },
  },
  ...more,
})

test('a hidden list of recipients', async (t) => {
  const { topology, path, held } = policyWorld()
  const server = await startServer(t, { topology })
  const [author, colleague] = [server.as('author'), server.as('colleague')]
  const id = newId('marking-definition')
  const marked = indicator({ object_marking_refs: [TLP.amber, id] })
  t.equal((await author.add(path, hidden(id), marked)).success_count, 2)

  await t.test('its id must be random', async (t) => {
    for (const guessable of [
      `marking-definition--${uuid5('a list')}`,
      'marking-definition--5c0d6a0e-3f5b-1c39-9a51-5b8f7d0c2e14',
    ]) {
      const status = (await author.post(path, [hidden(guessable)])).taxiiStatus
      t.equal(status.failure_count, 1)
      t.match(status.failures?.[0]?.message, /needs a random id \(UUIDv4\)/)
    }
  })

  await t.test('its originator reads it', async (t) => {
    for (const own of [author, colleague]) t.equal((await own.getObject(path, id)).objects.length, 1)
  })

  const readers: [string, Client][] = [
    ['recipient', server.as('sg')],
    ['stranger', server.as('de')],
    ['anonymous', server.anonymous],
  ]
  await t.test('a recipient gets the object with an opaque reference', async (t) => {
    const got = await server.as('sg').getObject(path, String(marked.id))
    t.same(got.objects[0]?.object_marking_refs, [TLP.amber, id])
    t.notMatch(got.text, SECRET)
  })

  await t.test('every question answers as for an id that never was', async (t) => {
    const never = newId('marking-definition')
    const questions = (ref: string) => [
      `objects/${ref}/`,
      `objects/${ref}/versions/`,
      `objects/?match[id]=${ref}`,
      `manifest/?match[id]=${ref}`,
      `objects/${ref}/?match[version]=all`,
      `objects/${ref}/?match[version]=2026-11-21T00:00:00.000Z`,
    ]
    for (const [name, reader] of readers) {
      const told = async (ref: string) =>
        await Promise.all(questions(ref).map(async (q) => seen(await reader.get(`${path}${q}`), ref)))
      t.same(await told(id), await told(never), name)
      const gone = async (ref: string) => seen(await reader.delete(`${path}objects/${ref}/`), ref)
      t.same(await gone(id), await gone(never), `${name}: delete`)
    }
    const lists = [
      'objects/',
      'manifest/',
      'objects/?match[type]=marking-definition',
      'objects/?match[version]=all',
    ]
    for (const [name, reader] of readers) {
      for (const list of lists) {
        const answer = await reader.get(`${path}${list}`)
        t.notMatch(answer.text, SECRET, `${name}: ${list}`)
        t.notOk(answer.status === 200 && answer.ids.includes(id), `${name}: ${list}`)
      }
    }
  })

  await t.test('what others send meets nothing', async (t) => {
    const said = (status: { successes?: unknown; failures?: unknown }, ref: string) =>
      JSON.stringify([status.successes, status.failures]).replaceAll(ref, 'ID')
    for (const name of ['sg', 'de']) {
      const reader = server.as(name)
      const never = newId('marking-definition')
      const referring = async (where: string, ref: string) => {
        const object = indicator({ object_marking_refs: [TLP.green, ref] })
        const { taxiiStatus } = await reader.post(where, [object])
        return said(taxiiStatus, ref).replaceAll(String(object.id), 'OBJECT')
      }
      t.equal(await referring(path, id), await referring(path, never), `${name} refers to it`)
      t.match(await referring(path, id), /is not known here/)
      t.equal(await referring(held, id), await referring(held, never), `${name}: quarantine`)
      const other = (ref: string) => hidden(ref, { name: 'mine', object_marking_refs: [TLP.clear] })
      const collide = async (ref: string) => said((await reader.post(path, [other(ref)])).taxiiStatus, ref)
      t.equal(await collide(id), await collide(never), `${name} sends the same id`)
      const validate = async (ref: string) =>
        (
          await reader.request({
            method: 'POST',
            path: '/api/v1/validate',
            headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
            body: JSON.stringify(other(ref)),
          })
        ).text.replaceAll(ref, 'ID')
      t.equal(await validate(id), await validate(never), `${name} validates`)
    }
  })
})
