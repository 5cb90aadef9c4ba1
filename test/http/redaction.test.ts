/** Redacted copies over HTTP (policy.md §5): hidden parts leave no trace but the mark, and what would not be STIX is withheld. */
import t, { test } from 'tap'
import { REDACTION_EXTENSION, validateObject } from '../../src/stix/index.ts'
import { api } from '../support/api.ts'
import type { StixObject } from '../support/client.ts'
import { AT, policyWorld, readers } from '../support/policy-world.ts'
import { startServer } from '../support/server.ts'
import { identity, indicator, malware, relationship, report, TLP, version } from '../support/stix.ts'

const server = await startServer(t, { topology: JSON.stringify(policyWorld()) })
const path = AT.redact
const my = server.as('my')
const STRICT = TLP['amber+strict']
const GREEN = { object_marking_refs: [TLP.green] }
const granular = (...list: [ref: string, ...selectors: string[]][]) => ({
  granular_markings: list.map(([marking_ref, ...selectors]) => ({ marking_ref, selectors })),
})

async function seen(who: string, id: string): Promise<StixObject | undefined> {
  const client = server.as(who)
  const [listed, single] = [
    await client.getObjects(path, { 'match[id]': id }),
    await client.getObject(path, id),
  ]
  t.strictSame(listed.objects[0], single.objects[0], 'the list and the object say the same')
  return single.objects[0]
}

test('parts are taken out, indices and markings follow, nothing tells what is gone', async (t) => {
  const object = malware({
    ...GREEN,
    name: 'secret-name-is-open',
    description: 'SECRET-DESCRIPTION',
    labels: ['one', 'SECRET-LABEL', 'three'],
    aliases: ['SECRET-ALIAS'],
    ...granular([STRICT, 'description', 'labels.[1]', 'aliases.[0]'], [TLP.clear, 'labels.[2]']),
  })
  await my.add(path, object)
  t.strictSame(await seen('my', object.id), object, 'whole for its author')
  t.strictSame(await seen('sg', object.id), object, 'and for those whom every part admits')
  for (const who of ['bank', 'de']) {
    const copy = (await seen(who, object.id)) as StixObject
    t.notMatch(JSON.stringify(copy), /SECRET/, who)
    t.strictSame(copy.labels, ['one', 'three'])
    t.notOk('description' in copy || 'aliases' in copy)
    t.strictSame(copy.granular_markings, [{ marking_ref: TLP.clear, selectors: ['labels.[1]'] }])
    t.strictSame(copy.extensions, {
      [REDACTION_EXTENSION]: { extension_type: 'property-extension', redacted: true },
    })
    t.ok(validateObject(copy).valid, 'a valid object')
    const definition = (await server.as(who).getObject(path, REDACTION_EXTENSION)).objects[0]
    t.equal(definition?.type, 'extension-definition')
  }
  const manifest = await server.as('de').getManifest(path, { 'match[id]': object.id })
  t.strictSame(
    manifest.records.map((r) => [r.id, r.version]),
    [[object.id, object.modified]],
  )
})

test('what would lose itself is withheld', async (t) => {
  const cases: [string, StixObject][] = [
    ['a required property', malware({ ...GREEN, ...granular([TLP.red, 'is_family']) })],
    ['the pattern', indicator({ ...GREEN, ...granular([TLP.red, 'pattern']) })],
    ['the time of its version', malware({ ...GREEN, ...granular([TLP.red, 'modified']) })],
    ['its marking', malware({ ...GREEN, ...granular([TLP.red, 'object_marking_refs.[0]']) })],
  ]
  for (const [what, object] of cases) {
    await my.add(path, object)
    t.strictSame(await readers(server, path, object.id), ['my'], what)
  }
  const either = report([malware().id], {
    ...GREEN,
    report_types: ['a'],
    ...granular([TLP.red, 'report_types.[0]']),
  })
  await my.add(path, either)
  t.equal((await seen('de', either.id))?.report_types, undefined, 'an empty list goes')
})

test('what is no STIX without a hidden part goes with it, and who may see more never gets less', async (t) => {
  const object = malware({
    ...GREEN,
    labels: ['open', 'for AMBER'],
    aliases: ['for AMBER+STRICT'],
    external_references: [{ source_name: 'for AMBER', description: 'for RED' }],
    ...granular(
      [TLP.red, 'external_references.[0].description'],
      [TLP.amber, 'external_references.[0]', 'labels.[1]'],
      [STRICT, 'aliases'],
    ),
  })
  await my.add(path, object)
  t.strictSame(await readers(server, path, object.id), ['my', 'my2', 'bank', 'sg', 'de'])
  t.strictSame(await seen('my', object.id), object)
  for (const who of ['my2', 'bank', 'sg', 'de']) {
    const copy = (await seen(who, object.id)) as StixObject
    t.ok(validateObject(copy).valid, who)
    t.notOk('external_references' in copy, 'nothing but a source_name is no reference')
    t.strictSame(copy.labels, ['open'], 'what is marked alike goes together')
    t.strictSame(
      copy.aliases,
      who === 'my2' || who === 'sg' ? object.aliases : undefined,
      'no more than that',
    )
  }
  t.strictSame(await seen('bank', object.id), await seen('de', object.id), 'AMBER gets what GREEN gets')
})

test('of two copies with as many parts a reader gets one by what they ask for, whatever was stored before', async (t) => {
  const sent = async (who: string, ...before: string[]) => {
    for (const ref of before) {
      // Of what is gone, the number of its audience stays.
      const object = malware({ ...GREEN, description: 'a part', ...granular([ref, 'description']) })
      await server.as(who).add(path, object)
      t.equal((await server.as(who).delete(`${path}objects/${object.id}/`)).status, 200)
    }
    const object = malware({
      ...GREEN,
      labels: ['for AMBER', 'for AMBER+STRICT', 'open'],
      external_references: [{ source_name: 'for AMBER+STRICT', description: 'for RED' }],
      ...granular(
        [TLP.red, 'external_references.[0].description'],
        [TLP.amber, 'external_references.[0]', 'labels.[0]'],
        [STRICT, 'external_references.[0].source_name', 'labels.[1]'],
      ),
    })
    await server.as(who).add(path, object)
    return (await seen('sg', object.id)) as StixObject
  }
  for (const copy of [await sent('my2', TLP.amber, STRICT), await sent('bank', STRICT, TLP.amber)]) {
    t.notOk('external_references' in copy)
    t.strictSame(copy.labels, ['for AMBER+STRICT', 'open'])
  }
})

test('of several parts each reader gets its own', async (t) => {
  const object = identity({
    ...GREEN,
    description: 'for SG',
    contact_information: 'for me',
    sectors: ['energy'],
    ...granular([STRICT, 'description'], [TLP.red, 'contact_information'], [TLP.amber, 'sectors']),
  })
  await my.add(path, object)
  const parts = async (who: string) => {
    const copy = await seen(who, object.id)
    return ['description', 'contact_information', 'sectors'].filter((name) => copy && name in copy)
  }
  t.strictSame(await parts('my'), ['description', 'contact_information', 'sectors'])
  t.strictSame(await parts('sg'), ['description', 'sectors'])
  t.strictSame(await parts('bank'), ['sectors'])
  t.strictSame(await parts('de'), [])
  await my.add(path, {
    ...version(object, '2026-02-01T00:00:00.000Z'),
    description: 'open now',
    granular_markings: [{ marking_ref: TLP.red, selectors: ['contact_information'] }],
  })
  t.strictSame(await parts('de'), ['description', 'sectors'])
  const old = await server
    .as('sg')
    .getObject(path, object.id, { 'match[version]': object.modified as string })
  t.equal(old.objects.length, 0, 'an older version needs every part of the latest')
})

test('references that a reader may not see are taken out of containers', async (t) => {
  const [open, strict] = [malware(GREEN), malware({ object_marking_refs: [STRICT] })]
  const both = report([open.id, strict.id], GREEN)
  const only = report([strict.id], GREEN)
  await my.add(path, open, strict, both, only)
  t.strictSame((await seen('sg', both.id))?.object_refs, [open.id, strict.id])
  t.strictSame((await seen('de', both.id))?.object_refs, [open.id])
  t.strictSame(await readers(server, path, only.id), ['my', 'my2', 'sg'], 'withheld when none is left')
  await my.add(path, { ...version(open, '2026-02-01T00:00:00.000Z'), object_marking_refs: [TLP.red] })
  t.strictSame(await readers(server, path, both.id), ['my', 'my2', 'sg'], 'none is left now')
  t.strictSame((await seen('sg', both.id))?.object_refs, [strict.id])
  await my.add(path, { ...version(strict, '2026-02-01T00:00:00.000Z'), ...GREEN })
  t.strictSame((await seen('de', both.id))?.object_refs, [strict.id], 'and back')
  t.strictSame((await seen('de', only.id))?.object_refs, [strict.id])
  t.equal((await seen('de', only.id))?.extensions, undefined, 'nothing is taken out of it any more')
})

test('a report about a relation and its ends: one end asks for less than the relation does', async (t) => {
  const [strict, red] = [
    malware({ object_marking_refs: [STRICT] }),
    malware({ object_marking_refs: [TLP.red] }),
  ]
  const [open, relation] = [malware(GREEN), relationship(strict.id, red.id, GREEN)]
  const about = report([open.id, strict.id, red.id, relation.id], GREEN)
  const status = await my.add(path, open, strict, red, relation, about)
  t.equal(status.failure_count, 0)
  const refs = async (who: string) => (await seen(who, about.id))?.object_refs
  t.strictSame(await refs('my'), [open.id, strict.id, red.id, relation.id])
  t.strictSame(await refs('sg'), [open.id, strict.id])
  t.strictSame(await refs('de'), [open.id])
})

test('a part that was no stricter than its object is one again when the object is released', async (t) => {
  const target = malware({ object_marking_refs: [STRICT] })
  const relation = relationship(target.id, malware().id, {
    ...GREEN,
    description: 'SECRET',
    ...granular([STRICT, 'description']),
  })
  await my.add(path, target, relation)
  t.strictSame(await seen('sg', relation.id), relation)
  t.equal(await seen('de', relation.id), undefined)
  await my.add(path, { ...version(target, '2026-02-01T00:00:00.000Z'), ...GREEN })
  t.equal((await seen('de', relation.id))?.description, undefined)
  t.ok(await seen('de', relation.id), 'and the rest is released')
  await my.add(path, { ...version(target, '2026-03-01T00:00:00.000Z'), object_marking_refs: [STRICT] })
  await my.add(path, { ...version(target, '2026-04-01T00:00:00.000Z'), ...GREEN })
  t.equal((await seen('de', relation.id))?.description, undefined, 'however often')
  t.strictSame(await seen('sg', relation.id), relation)
})

test('no page that was kept shows a reference after it has become stricter', async (t) => {
  const [open, other] = [malware(GREEN), malware(GREEN)]
  const about = report([open.id, other.id], GREEN)
  await my.add(path, about, open, other)
  const de = server.as('de')
  const page = async () => {
    const first = await de.getObjects(path, { 'match[type]': 'report', limit: '1' })
    let answer = first
    while (answer.objects[0]?.id !== about.id)
      answer = await de.getObjects(path, { 'match[type]': 'report', limit: '1', next: answer.next as string })
    return answer.objects[0]?.object_refs
  }
  await my.add(path, report([open.id], GREEN))
  t.strictSame(await page(), [open.id, other.id])
  t.strictSame(await page(), [open.id, other.id])
  await my.add(path, { ...version(open, '2026-02-01T00:00:00.000Z'), object_marking_refs: [TLP.red] })
  t.strictSame(await page(), [other.id], 'the same page, asked again')
  await my.add(path, { ...version(open, '2026-03-01T00:00:00.000Z'), ...GREEN })
  t.strictSame(await page(), [open.id, other.id], 'and when nothing is taken out any more')
})

test('a writer collides with what it sees', async (t) => {
  const object = malware({ ...GREEN, description: 'SECRET', ...granular([STRICT, 'description']) })
  await my.add(path, object)
  const de = server.as('de')
  const copy = (await seen('de', object.id)) as StixObject
  const same = await de.post(path, [copy])
  t.match(same.taxiiStatus.successes?.[0]?.message, 'already present')
  const guess = await de.post(path, [object])
  const wrong = await de.post(path, [{ ...object, description: 'GUESS' }])
  t.equal(
    guess.taxiiStatus.failures?.[0]?.message,
    wrong.taxiiStatus.failures?.[0]?.message,
    'a right guess is as wrong',
  )
  t.equal(guess.taxiiStatus.failure_count, 1)
})

test('a version that is labelled anew still demands its parts of readers of older ones', async (t) => {
  const first = malware({ ...GREEN, description: 'older' })
  const second = { ...version(first, '2026-02-01T00:00:00.000Z'), ...granular([STRICT, 'description']) }
  await my.add(path, first, second)
  const older = async (who: string) =>
    (await server.as(who).getObject(path, first.id, { 'match[version]': String(first.modified) })).ids.length
  t.strictSame([await older('sg'), await older('de')], [1, 0])
  const answer = await api(server, 'my').patch(`/api/v1/roots/one/collections/redact/objects/${first.id}`, {
    object_marking_refs: [TLP.clear],
    reason: 'all but its source',
  })
  t.equal(answer.status, 200)
  t.strictSame([await older('sg'), await older('de')], [1, 0])
})
