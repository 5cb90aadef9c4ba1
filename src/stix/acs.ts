/** ACS 3.0 markings (ISA Access Control Specification) as conditions on readers; what is not understood fails closed. */
import { quote } from './finding.ts'
import {
  closedRecord,
  fail,
  instantOf,
  isRecord,
  knownWords,
  oneOf,
  reading,
  required,
  words,
} from './strict-reading.ts'
import { ALPHA2 } from './tables/countries.ts'

export const ACS_EXTENSION = 'extension-definition--3a65884d-005a-4290-8335-cb2d778a83ce'

/** What an ACS marking asks of a reader. It only ever narrows: nobody reads because of it. */
export interface AcsConditions {
  /** Nobody else than organizations of these countries (alpha-2, ascending); null = it names none. */
  countries: string[] | null
  clients: 'denied' | null
  /** End of the window, as spelled. */
  notAfter: string | null
  /** What binds the reader and cannot be enforced here, in a few words each. */
  obligations: string[]
}

const PROPERTIES = [
  'extension_type',
  'identifier',
  'name',
  'create_date_time',
  'responsible_entity_custodian',
  'responsible_entity_originator',
  'authority_reference',
  'policy_reference',
  'original_classification',
  'derivative_classification',
  'declassification',
  'resource_disposition',
  'public_release',
  'access_privilege',
  'further_sharing',
  'control_set',
]

const CONTROLS = [
  'classification',
  'sci_controls',
  'logical_authority_category',
  'formal_determination',
  'caveat',
  'sensitivity',
  'shareability',
  'entity',
  'permitted_nationalities',
  'permitted_organizations',
]

/** Circles of persons that this server knows nothing of: whoever asks for one of them is not understood. */
const UNKNOWN_CIRCLES = [
  'sci_controls',
  'logical_authority_category',
  'sensitivity',
  'shareability',
  'entity',
  'permitted_organizations',
]

const DETERMINATIONS = [
  'PUBREL',
  'NF',
  'AIS',
  'PII-NECESSARY-TO-UNDERSTAND-THREAT',
  'NO-PII-PRESENT',
  'FOUO',
  'INFORMATION-DIRECTLY-RELATED-TO-CYBERSECURITY-THREAT',
]

const ACTIONS = [
  'DSPLY',
  'IDSRC',
  'TENOT',
  'NETDEF',
  'LEGAL',
  'INTEL',
  'TEARLINE',
  'OPACTION',
  'REQUEST',
  'ANONYMOUSACCESS',
  'CISAUSES',
  'ALL',
]

const POLICY = /^urn:isa:policy:acs:ns:v3\.0\?privdefault=(?:permit|deny)&sharedefault=(permit|deny)$/

/** Collects conditions; two lists of countries leave those that are on both. */
class Narrowing {
  countries: Set<string> | null = null
  clients: 'denied' | null = null
  notAfter: string | null = null
  readonly obligations = new Set<string>()

  to(countries: readonly string[]): void {
    const { countries: before } = this
    this.countries = new Set(before === null ? countries : countries.filter((c) => before.has(c)))
  }
}

function nationalities(list: readonly string[], where: string): string[] {
  return list.map((code) => {
    const alpha2 = ALPHA2.get(code)
    if (alpha2 === undefined)
      fail(`${where} holds ${quote(code)}, which is no country that this server knows`)
    return alpha2
  })
}

function controlSet(value: unknown, narrowing: Narrowing): void {
  const set = closedRecord(value, 'control_set', CONTROLS)
  const classification = required(oneOf(set, 'classification', ['U', 'C', 'S', 'TS']), 'classification')
  if (classification !== 'U')
    fail(`it is classified (${classification}): this server is no place for classified information`)
  for (const key of UNKNOWN_CIRCLES) {
    const [first] = words(set, key) ?? []
    if (first !== undefined)
      fail(`${key} asks for ${quote(first)}, which this server cannot tell of a reader`)
  }
  const determined = knownWords(set, 'formal_determination', DETERMINATIONS)
  if (determined.includes('NF')) narrowing.to(['US'])
  if (determined.includes('FOUO')) {
    narrowing.clients = 'denied'
    narrowing.obligations.add('for official use only (FOUO)')
  }
  // FISA asks for permission of an authority, so it is not among the known ones.
  for (const caveat of knownWords(set, 'caveat', ['POSSIBLEPII', 'CISAPROPRIETARY']))
    narrowing.obligations.add(`caveat ${caveat}`)
  const permitted = words(set, 'permitted_nationalities')
  if (permitted) narrowing.to(nationalities(permitted, 'permitted_nationalities'))
}

/**
 * Rules on what may be done with it. Whoever is outside the scope of a permit may not do that; the tightest reading
 * is that it may not read either. A ban on showing it (DSPLY, ALL) contradicts reading; other bans bind the reader.
 */
function accessPrivilege(value: unknown, narrowing: Narrowing): void {
  if (!Array.isArray(value) || value.length === 0 || value.length > 100) {
    fail('access_privilege must be a list of 1 to 100 rules')
  }
  for (const item of value as unknown[]) {
    const rule = closedRecord(item, 'access_privilege', [
      'privilege_action',
      'privilege_scope',
      'rule_effect',
    ])
    const action = required(oneOf(rule, 'privilege_action', ACTIONS), 'privilege_action')
    const effect = required(oneOf(rule, 'rule_effect', ['permit', 'deny']), 'rule_effect')
    const scope = closedRecord(rule.privilege_scope, 'privilege_scope', [
      'permitted_nationalities',
      'permitted_organizations',
      'shareability',
      'entity',
    ])
    if (Object.keys(scope).length === 0) fail('privilege_scope is empty')
    if (effect === 'deny') {
      if (action === 'DSPLY' || action === 'ALL')
        fail(`access_privilege denies ${action}: nobody could read it`)
      if (action !== 'ANONYMOUSACCESS') narrowing.obligations.add(`${action} denied to some or all`)
      continue
    }
    for (const key of ['permitted_organizations', 'shareability', 'entity']) {
      const list = words(scope, key)
      if (list && !isAll(list))
        fail(
          `access_privilege permits ${action} to ${quote(list[0])}, which this server cannot tell of a reader`,
        )
    }
    const countries = words(scope, 'permitted_nationalities')
    if (countries && !isAll(countries)) narrowing.to(nationalities(countries, 'privilege_scope'))
    if (action !== 'ANONYMOUSACCESS' && action !== 'ALL') narrowing.obligations.add(`permitted use ${action}`)
  }
}

const isAll = (list: readonly string[]) => list.length === 1 && list[0] === 'ALL'

/**
 * May it be passed on, which is what this server does? By default: all rules of the scope FOREIGNGOV that deny keep it
 * in the country of the specification. Not by default: only if both its government and its private sector may have it,
 * and then it stays in that country as well.
 */
function furtherSharing(value: unknown, byDefault: boolean, narrowing: Narrowing): void {
  if (value !== undefined && (!Array.isArray(value) || value.length === 0 || value.length > 100)) {
    fail('further_sharing must be a list of 1 to 100 rules')
  }
  const permitted = new Set<string>()
  for (const item of (value ?? []) as unknown[]) {
    const rule = closedRecord(item, 'further_sharing', ['sharing_scope', 'rule_effect'])
    const effect = required(oneOf(rule, 'rule_effect', ['permit', 'deny']), 'rule_effect')
    for (const scope of required(words(rule, 'sharing_scope'), 'sharing_scope')) {
      if (effect === 'permit') permitted.add(scope)
      else if (scope === 'FOREIGNGOV') narrowing.to(['US'])
      else
        fail(
          `further_sharing denies passing it on to ${quote(scope)}, which this server cannot tell of a reader`,
        )
    }
  }
  if (byDefault) return
  if (!permitted.has('USA.USG') || !permitted.has('SECTOR')) {
    fail('its policy forbids passing it on (sharedefault=deny), which is what this server would do')
  }
  narrowing.to(['US'])
}

/** Properties that say where it comes from, and narrow nothing. */
function provenance(content: Record<string, unknown>): void {
  for (const key of ['identifier', 'responsible_entity_custodian'])
    if (typeof content[key] !== 'string') fail(`${key} must be a string`)
  for (const key of ['name', 'responsible_entity_originator'])
    if (Object.hasOwn(content, key) && typeof content[key] !== 'string') fail(`${key} must be a string`)
  words(content, 'authority_reference')
  required(instantOf(content, 'create_date_time'), 'create_date_time')
  if (Object.hasOwn(content, 'public_release')) {
    const release = closedRecord(content.public_release, 'public_release', ['released_by', 'released_on'])
    instantOf(release, 'released_on')
  }
}

function read(content: unknown): AcsConditions {
  const acs = closedRecord(content, 'the ACS extension', PROPERTIES)
  if (acs.extension_type !== 'property-extension') fail('extension_type must be "property-extension"')
  provenance(acs)
  for (const key of ['original_classification', 'derivative_classification', 'declassification']) {
    if (Object.hasOwn(acs, key)) fail(`${key} belongs to classified information`)
  }
  const policies = typeof acs.policy_reference === 'string' ? acs.policy_reference : ''
  if (policies.length > 2000) fail('policy_reference is too long')
  const found = policies.split(/\s/).flatMap((policy) => (policy === '' ? [] : [POLICY.exec(policy)]))
  if (found.length === 0 || found.includes(null)) fail('policy_reference names no policy of ACS 3.0')
  const narrowing = new Narrowing()
  controlSet(acs.control_set, narrowing)
  if (Object.hasOwn(acs, 'access_privilege')) accessPrivilege(acs.access_privilege, narrowing)
  furtherSharing(
    Object.hasOwn(acs, 'further_sharing') ? acs.further_sharing : undefined,
    found.every((policy) => policy?.[1] === 'permit'),
    narrowing,
  )
  if (Object.hasOwn(acs, 'resource_disposition')) {
    const end = closedRecord(acs.resource_disposition, 'resource_disposition', [
      'disposition_date',
      'disposition_process',
    ])
    narrowing.notAfter = required(instantOf(end, 'disposition_date'), 'disposition_date')
    if (typeof end.disposition_process !== 'string') fail('disposition_process must be a string')
    narrowing.obligations.add(`disposition at ${narrowing.notAfter}`)
  }
  if (narrowing.countries?.size === 0) fail('its conditions together leave no country')
  return {
    countries: narrowing.countries === null ? null : [...narrowing.countries].sort(),
    clients: narrowing.clients,
    notAfter: narrowing.notAfter,
    obligations: [...narrowing.obligations],
  }
}

/** The conditions of an ACS marking-definition, or why they cannot be applied; null when it is no ACS marking. */
export function readAcs(definition: Record<string, unknown>): AcsConditions | { problem: string } | null {
  const { extensions } = definition
  if (!isRecord(extensions) || !Object.hasOwn(extensions, ACS_EXTENSION)) return null
  return reading(() => read(extensions[ACS_EXTENSION]))
}
