/** IEP 2.0 markings: they raise the level and bound the time; obligations pass through (policy.md §2). */
import { test } from 'tap'
import { audienceOf, type LabelRules, labelsOf } from '../../src/policy/label.ts'
import { IEP_EXTENSION, kindOfDefinition, readIep } from '../../src/stix/index.ts'
import { parseMicros } from '../../src/time.ts'
import { TLP } from '../support/stix.ts'

type Value = Record<string, unknown>

/** As in the examples of OASIS. */
const IEP = {
  extension_type: 'property-extension',
  encrypt_in_transit: 'may',
  permitted_actions: 'externally-visible-direct-actions',
  affected_party_notifications: 'may',
  tlp: 'amber',
  provider_attribution: 'must-not',
  unmodified_resale: 'must-not',
  iep_id: '0224bfdf-ea3a-49c3-96f6-66d908bb1845',
  iep_version: 2.0,
  description: 'This is a TLP-AMBER Information Exchange Policy',
  start_date: '2022-10-01T00:00:00Z',
}
/** As in the specification of FIRST. */
const LEGACY = {
  id: '01bc4353-4829-4d55-8d52-0ab7e0790df9',
  name: 'FIRST IEP-SIG TLP-AMBER',
  description: 'This is the FIRST IEP-SIG TLP-AMBER Information Exchange Policy.',
  iep_version: 2.0,
  start_date: '2017-01-01T00:00:00Z',
  end_date: null,
  encrypt_in_transit: 'may',
  permitted_actions: 'externally-visible-direct-actions',
  affected_party_notifications: 'may',
  tlp: 'amber',
  attribution: 'must-not',
  unmodified_resale: 'must-not',
  external_references: ['https://www.first.org/tlp', 'https://www.first.org/iep'],
}
const ID = 'marking-definition--da05d443-ad8d-46fc-abf5-31d3d00290f1'
const iep = (more: Value = {}): Value => ({
  type: 'marking-definition',
  id: ID,
  extensions: { [IEP_EXTENSION]: { ...IEP, ...more } },
})
const legacy = (definition: unknown, definition_type = 'iep'): Value => ({
  type: 'marking-definition',
  id: ID,
  definition_type,
  definition,
})

test('what is understood', async (t) => {
  t.same(readIep(iep()), {
    tlp: 'amber',
    notBefore: '2022-10-01T00:00:00Z',
    notAfter: null,
    obligations: ['provider_attribution must-not', 'unmodified_resale must-not'],
  })
  t.same(readIep(legacy(LEGACY)), {
    tlp: 'amber',
    notBefore: '2017-01-01T00:00:00Z',
    notAfter: null,
    obligations: ['attribution must-not', 'unmodified_resale must-not'],
  })
  t.match(readIep(legacy(LEGACY, 'IEP')), { tlp: 'amber' })
  for (const [word, tlp] of [
    ['white', 'clear'],
    ['clear', 'clear'],
    ['GREEN', 'green'],
    ['TLP:RED', 'red'],
    ['amber+strict', 'amber+strict'],
  ])
    t.match(readIep(iep({ tlp: word })), { tlp })
  t.match(readIep(iep({ end_date: '2030-01-01T00:00:00Z' })), { notAfter: '2030-01-01T00:00:00Z' })
  t.match(readIep(iep({ encrypt_in_transit: 'must', permitted_actions: 'none' })), {
    obligations: ['encrypt_in_transit must', 'permitted_actions none', String, String],
  })
  const reference = {
    id_ref: '5E607E88-ab70-4977-8c1b-ee3a16b0f68c',
    url: 'https://first.org/',
    iep_version: 2,
  }
  t.match(readIep(legacy(reference)), { tlp: 'red', notBefore: null })
  t.equal(kindOfDefinition(iep()), 'iep')
  t.equal(readIep({ definition_type: 'statement', definition: { statement: 'a' } }), null)
})

const REFUSED: readonly [string, Value, RegExp][] = [
  ['an older version', iep({ iep_version: 1 }), /iep_version must be 2.0/],
  ['no version', iep({ iep_version: undefined }), /iep_version/],
  ['no level', iep({ tlp: undefined }), /tlp is missing/],
  ['an unknown level', iep({ tlp: 'blue' }), /tlp must be/],
  ['an unknown property', iep({ recipients: ['a'] }), /"recipients", which may be a restriction/],
  ['an unknown value', iep({ encrypt_in_transit: 'should' }), /must be one of must, may/],
  ['a list of actions', iep({ permitted_actions: ['none'] }), /permitted_actions must be one of/],
  ['an unreadable date', iep({ start_date: 'soon' }), /start_date must be a timestamp/],
  ['an end before the start', iep({ end_date: '2022-10-01T00:00:00Z' }), /later than start_date/],
  ['another kind of extension', iep({ extension_type: 'new-sdo' }), /property-extension/],
  ['no content', { extensions: { [IEP_EXTENSION]: 1 } }, /no object/],
  [
    'a policy that stands elsewhere',
    legacy({ id_ref: 'a', url: 'https://a/', iep_version: 2 }),
    /stands elsewhere/,
  ],
  ['a definition that is none', legacy('amber'), /no object/],
]

test('what is not understood fails closed', async (t) => {
  for (const [name, marking, problem] of REFUSED)
    t.match(readIep(JSON.parse(JSON.stringify(marking))), { problem }, name)
})

const RULES = { defaultMarking: null, quarantine: false, redaction: 'withhold' as const }
const NOW = parseMicros('2026-01-01T00:00:00Z') as bigint

test('it raises, never lowers, and is no TLP marking', async (t) => {
  const levels = (marking: Value, refs: string[], rules: LabelRules = RULES) => {
    const labelled = labelsOf({ type: 'tool', object_marking_refs: [...refs, ID] }, 'o', rules, () => marking)
    if (!labelled.ok) return labelled.problem
    return audienceOf(labelled.labels, 'p', 'o', NOW).record.own.map((label) => label.level)
  }
  t.same(levels(iep(), [TLP.green]), ['amber'])
  t.same(levels(iep({ tlp: 'white' }), [TLP.red]), ['red'])
  t.same(levels(iep({ tlp: 'white' }), []), ['unmarked'], 'alone it makes nothing public')
  t.same(levels(iep({ tlp: 'red' }), []), ['red'])
  t.same(levels(iep(), [], { ...RULES, defaultMarking: 'tlp:green' }), ['amber'])
  t.match(levels(iep({ tlp: 'blue' }), [TLP.green]), /cannot be applied: tlp must be/)
})

test('its dates are a window; what it asks of readers is told to the sender', async (t) => {
  const marking = iep({ start_date: '2026-06-01T00:00:00Z', end_date: '2026-07-01T00:00:00Z' })
  const value = { type: 'tool', object_marking_refs: [TLP.amber, ID] }
  const labelled = labelsOf(value, 'o', RULES, () => marking)
  t.match(labelled, { ok: true, warnings: [/cannot enforce: provider_attribution must-not/] })
  if (!labelled.ok) return
  const { record, heldUntil } = audienceOf(labelled.labels, 'p', 'o', NOW)
  t.equal(heldUntil, parseMicros('2026-06-01T00:00:00Z'))
  t.ok(record.own.some((l) => l.notAfter === Number(parseMicros('2026-07-01T00:00:00Z'))))
  const definition = labelsOf(iep({ tlp: 'blue' }), 'o', RULES, () => undefined)
  t.match(definition, { ok: true, warnings: [/will be refused or held: tlp must be/] })
})
