/** ACS 3.0 markings: what they narrow, and that whatever is not understood fails closed (policy.md §2). */
import { test } from 'tap'
import { audienceOf, labelsOf } from '../../src/policy/label.ts'
import { ACS_EXTENSION, kindOfDefinition, readAcs } from '../../src/stix/index.ts'
import { TLP } from '../support/stix.ts'

type Value = Record<string, unknown>

const POLICY = 'urn:isa:policy:acs:ns:v3.0?privdefault=deny&sharedefault=permit'
const CLOSED = 'urn:isa:policy:acs:ns:v3.0?privdefault=deny&sharedefault=deny'
const ID = 'marking-definition--6010b3f4-a603-4d3b-9098-8708cdbe151b'

const acs = (controls: Value = {}, more: Value = {}): Value => ({
  type: 'marking-definition',
  spec_version: '2.1',
  id: ID,
  created: '2020-06-18T00:00:00.000Z',
  extensions: {
    [ACS_EXTENSION]: {
      extension_type: 'property-extension',
      identifier: 'isa:guide.19001.ACS3-76342cc9-1440-4031-84a3-d498c404cab3',
      name: 'a marking',
      create_date_time: '2018-05-27T14:10:26.723Z',
      responsible_entity_custodian: 'USA.DHS',
      policy_reference: POLICY,
      control_set: { classification: 'U', ...controls },
      ...more,
    },
  },
})
const ALL = {
  permitted_nationalities: ['ALL'],
  permitted_organizations: ['ALL'],
  shareability: ['ALL'],
  entity: ['ALL'],
}
const rule = (privilege_action: string, rule_effect: string, scope: Value = ALL): Value => ({
  privilege_action,
  rule_effect,
  privilege_scope: scope,
})
const sharing = (rule_effect: string, ...sharing_scope: string[]): Value => ({ sharing_scope, rule_effect })

/** Name, marking, and what it comes to. */
const ACCEPTED: readonly [string, Value, Value][] = [
  [
    'nothing but its classification',
    acs(),
    { countries: null, clients: null, notAfter: null, obligations: [] },
  ],
  ['public release', acs({ formal_determination: ['PUBREL'] }), { countries: null, clients: null }],
  [
    'trigraphs become alpha-2',
    acs({ permitted_nationalities: ['USA', 'GBR', 'AUS', 'CAN', 'NZL'] }),
    { countries: ['AU', 'CA', 'GB', 'NZ', 'US'] },
  ],
  ['a code of GENC', acs({ permitted_nationalities: ['XKS'] }), { countries: ['XK'] }],
  ['no foreigners', acs({ formal_determination: ['NF'] }), { countries: ['US'] }],
  [
    'no foreigners, though other nationalities are permitted',
    acs({ formal_determination: ['NF'], permitted_nationalities: ['USA', 'GBR'] }),
    { countries: ['US'] },
  ],
  [
    'for official use only',
    acs({ formal_determination: ['FOUO', 'AIS'] }),
    { countries: null, clients: 'denied' },
  ],
  [
    'permitted to all',
    acs({}, { access_privilege: [rule('DSPLY', 'permit'), rule('INTEL', 'permit')] }),
    { countries: null, obligations: ['permitted use DSPLY', 'permitted use INTEL'] },
  ],
  [
    'a use permitted to some countries',
    acs(
      {},
      { access_privilege: [rule('CISAUSES', 'permit', { ...ALL, permitted_nationalities: ['USA', 'GBR'] })] },
    ),
    { countries: ['GB', 'US'] },
  ],
  [
    'two scopes: who is in both',
    acs(
      { permitted_nationalities: ['USA', 'GBR', 'DEU'] },
      { access_privilege: [rule('ALL', 'permit', { permitted_nationalities: ['GBR', 'DEU', 'FRA'] })] },
    ),
    { countries: ['DE', 'GB'] },
  ],
  [
    'a use that is denied binds the reader',
    acs({}, { access_privilege: [rule('LEGAL', 'deny'), rule('ANONYMOUSACCESS', 'deny')] }),
    { countries: null, obligations: ['LEGAL denied to some or all'] },
  ],
  [
    'a date of disposition ends the window',
    acs(
      {},
      { resource_disposition: { disposition_date: '2027-01-01T00:00:00Z', disposition_process: 'destroy' } },
    ),
    { notAfter: '2027-01-01T00:00:00Z' },
  ],
  [
    'foreign governments denied',
    acs({}, { further_sharing: [sharing('deny', 'FOREIGNGOV')] }),
    { countries: ['US'] },
  ],
  [
    'closed, but open to the government and the sectors of its country',
    acs(
      {},
      { policy_reference: CLOSED, further_sharing: [sharing('permit', 'USA.USG', 'SECTOR', 'FOREIGNGOV')] },
    ),
    { countries: ['US'] },
  ],
  [
    'provenance',
    acs({}, { authority_reference: ['urn:isa:authority:misa'], public_release: { released_by: 'A' } }),
    {},
  ],
  ['caveats', acs({ caveat: ['POSSIBLEPII'] }), { obligations: ['caveat POSSIBLEPII'] }],
]

test('what is understood', async (t) => {
  for (const [name, marking, wanted] of ACCEPTED) {
    t.match(readAcs(marking), wanted, name)
    t.equal(kindOfDefinition(marking), 'acs')
  }
  t.equal(readAcs({ type: 'marking-definition' }), null)
  t.equal(readAcs({ extensions: [] }), null)
})

const REFUSED: readonly [string, Value, RegExp][] = [
  ['classified', acs({ classification: 'S' }), /classified \(S\)/],
  ['of unknown classification', acs({ classification: 'R' }), /classification must be one of/],
  ['no classification', acs({ classification: undefined }), /classification/],
  ['an unmapped trigraph', acs({ permitted_nationalities: ['USA', 'XXA'] }), /"XXA", which is no country/],
  ['a tetragraph', acs({ permitted_nationalities: ['FVEY'] }), /"FVEY"/],
  ['lower case', acs({ permitted_nationalities: ['usa'] }), /"usa"/],
  ['alpha-2', acs({ permitted_nationalities: ['US'] }), /"US"/],
  ['no nationality', acs({ permitted_nationalities: [] }), /list of 1 to 300/],
  ['a nationality that is no word', acs({ permitted_nationalities: [1] }), /is no word/],
  [
    'nobody is left',
    acs({ formal_determination: ['NF'], permitted_nationalities: ['GBR'] }),
    /leave no country/,
  ],
  [
    'an unknown determination',
    acs({ formal_determination: ['FOUO', 'NEW'] }),
    /"NEW", which this server cannot enforce/,
  ],
  ['FISA', acs({ caveat: ['FISA'] }), /"FISA"/],
  ['an unknown control', acs({ new_control: ['A'] }), /"new_control", which may be a restriction/],
  ['an unknown property', acs({}, { handling: 'strict' }), /"handling", which may be a restriction/],
  ['no control set', acs({}, { control_set: undefined }), /control_set is no object/],
  [
    'classified in words',
    acs({}, { derivative_classification: { classified_by: 'A', derived_from: 'B' } }),
    /classified/,
  ],
  ['another policy', acs({}, { policy_reference: POLICY.replace('v3.0', 'v4.0') }), /names no policy/],
  ['two policies, one unknown', acs({}, { policy_reference: `${POLICY} urn:x` }), /names no policy/],
  ['two policies, one closed', acs({}, { policy_reference: `${POLICY} ${CLOSED}` }), /forbids passing it on/],
  ['may not be passed on', acs({}, { policy_reference: CLOSED }), /forbids passing it on/],
  [
    'may be passed on to the government only',
    acs({}, { policy_reference: CLOSED, further_sharing: [sharing('permit', 'USA.USG')] }),
    /forbids passing it on/,
  ],
  ['an organization is denied', acs({}, { further_sharing: [sharing('deny', 'ISAC')] }), /"ISAC"/],
  ['a display that is denied', acs({}, { access_privilege: [rule('DSPLY', 'deny')] }), /denies DSPLY/],
  [
    'all that is denied',
    acs({}, { access_privilege: [rule('ALL', 'deny', { entity: ['CTR'] })] }),
    /denies ALL/,
  ],
  [
    'an unknown action',
    acs({}, { access_privilege: [rule('PRINT', 'permit')] }),
    /privilege_action must be one of/,
  ],
  [
    'an unknown effect',
    acs({}, { access_privilege: [rule('DSPLY', 'maybe')] }),
    /rule_effect must be one of/,
  ],
  [
    'a use permitted to an organization',
    acs({}, { access_privilege: [rule('INTEL', 'permit', { permitted_organizations: ['USA.NSA'] })] }),
    /INTEL to "USA.NSA"/,
  ],
  [
    'a rule without scope',
    acs({}, { access_privilege: [{ privilege_action: 'ALL', rule_effect: 'permit' }] }),
    /scope/,
  ],
  ['no rules', acs({}, { access_privilege: [] }), /1 to 100 rules/],
  ['a rule that is none', acs({}, { further_sharing: ['permit'] }), /no object/],
  [
    'a disposition without date',
    acs({}, { resource_disposition: { disposition_process: 'destroy' } }),
    /disposition_date/,
  ],
  ['an unreadable date', acs({}, { create_date_time: 'yesterday' }), /timestamp/],
  ['another kind of extension', acs({}, { extension_type: 'new-sdo' }), /property-extension/],
  ['no content', { extensions: { [ACS_EXTENSION]: null } }, /no object/],
  ...['sci_controls', 'logical_authority_category', 'sensitivity', 'shareability', 'entity'].map(
    (key): [string, Value, RegExp] => [key, acs({ [key]: ['A'] }), new RegExp(`${key} asks for "A"`)],
  ),
  [
    'permitted organizations',
    acs({ permitted_organizations: ['USA.USG'] }),
    /permitted_organizations asks for/,
  ],
]

test('what is not understood fails closed', async (t) => {
  for (const [name, marking, problem] of REFUSED)
    t.match(readAcs(JSON.parse(JSON.stringify(marking))), { problem }, name)
})

const RULES = { defaultMarking: null, quarantine: false, redaction: 'withhold' as const }
const indicator = (...refs: string[]): Value => ({ type: 'indicator', object_marking_refs: refs })

test('beside a TLP marking it narrows; it lets nobody in; alone it is refused', async (t) => {
  const label = (marking: Value, ...refs: string[]) =>
    labelsOf(indicator(...refs, ID), 'o', RULES, () => marking)
  const five = acs({ permitted_nationalities: ['USA', 'GBR'] })
  const amber = label(five, TLP.amber)
  t.match(amber, { ok: true, judged: [] })
  t.same(amber.ok && amber.labels, [
    { level: 'amber', org: 'o', releasableTo: { countries: ['GB', 'US'] } },
    // Without this one the list would be an agreement with these countries.
    { level: 'amber', org: 'o' },
  ])
  t.match(label(five, TLP.green), { ok: false, problem: /AMBER or stricter/ })
  t.match(label(five), { ok: false, problem: /without a TLP marking/ })
  t.match(label(acs(), TLP.clear), { ok: true, labels: [{ level: 'clear', org: 'o' }] })
  t.match(label(acs()), { ok: false })
  t.match(label(acs({ classification: 'S' }), TLP.red), {
    ok: false,
    problem: /cannot be applied: it is classified/,
  })
  const fouo = label(acs({ formal_determination: ['FOUO'] }), TLP.amber)
  t.match(fouo, { ok: true, warnings: [/cannot enforce: for official use only/] })
})

test('on a part it narrows the object (withhold)', async (t) => {
  const value = {
    ...indicator(TLP.amber),
    granular_markings: [{ marking_ref: ID, selectors: ['name'] }],
  }
  const labelled = labelsOf(value, 'o', RULES, () => acs({ permitted_nationalities: ['USA'] }))
  t.ok(labelled.ok)
  if (!labelled.ok) return
  const { record } = audienceOf(labelled.labels, 'p', 'o', 0n)
  t.same(record.own, [
    { level: 'amber', org: 'o', releasableTo: { countries: ['US'] } },
    { level: 'amber', org: 'o' },
  ])
})

test('several kinds in one definition: all of them count', async (t) => {
  const both = acs({ permitted_nationalities: ['USA'] })
  Object.assign(both.extensions as object, {
    'extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a': {
      extension_type: 'property-extension',
      iep_version: 2,
      tlp: 'red',
    },
  })
  const labelled = labelsOf(indicator(TLP.amber, ID), 'o', RULES, () => both)
  t.ok(labelled.ok)
  t.ok(labelled.ok && labelled.labels.every((label) => label.level === 'red'))
})
