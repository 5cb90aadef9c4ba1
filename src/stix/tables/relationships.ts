/** The suggested relationships: [type, targets] by source (STIX 2.1 §4, §6 and Appendix B, with errata 01). */

const SCO_ALL =
  'artifact autonomous-system directory domain-name email-addr email-message file ipv4-addr ipv6-addr mac-addr mutex ' +
  'network-traffic process software url user-account windows-registry-key x509-certificate'

const TABLE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'attack-pattern': {
    delivers: 'malware',
    targets: 'identity location vulnerability',
    uses: 'malware tool',
  },
  campaign: {
    'attributed-to': 'intrusion-set threat-actor',
    compromises: 'infrastructure',
    'originates-from': 'location',
    targets: 'identity location vulnerability',
    uses: 'attack-pattern infrastructure malware tool',
  },
  'course-of-action': {
    investigates: 'indicator',
    mitigates: 'attack-pattern indicator malware tool vulnerability',
    remediates: 'malware vulnerability',
  },
  'domain-name': {
    'resolves-to': 'domain-name ipv4-addr ipv6-addr',
  },
  identity: {
    'located-at': 'location',
  },
  indicator: {
    'based-on': 'observed-data',
    indicates: 'attack-pattern campaign infrastructure intrusion-set malware threat-actor tool',
  },
  infrastructure: {
    'communicates-with': 'domain-name infrastructure ipv4-addr ipv6-addr url',
    'consists-of': `infrastructure observed-data ${SCO_ALL}`,
    controls: 'infrastructure malware',
    delivers: 'malware',
    has: 'vulnerability',
    hosts: 'malware tool',
    'located-at': 'location',
    uses: 'infrastructure',
  },
  'intrusion-set': {
    'attributed-to': 'threat-actor',
    compromises: 'infrastructure',
    hosts: 'infrastructure',
    'originates-from': 'location',
    owns: 'infrastructure',
    targets: 'identity location vulnerability',
    uses: 'attack-pattern infrastructure malware tool',
  },
  'ipv4-addr': {
    'belongs-to': 'autonomous-system',
    'resolves-to': 'mac-addr',
  },
  'ipv6-addr': {
    'belongs-to': 'autonomous-system',
    'resolves-to': 'mac-addr',
  },
  malware: {
    'authored-by': 'intrusion-set threat-actor',
    'beacons-to': 'infrastructure',
    'communicates-with': 'domain-name ipv4-addr ipv6-addr url',
    controls: 'malware',
    downloads: 'file malware tool',
    drops: 'file malware tool',
    'exfiltrates-to': 'infrastructure',
    exploits: 'vulnerability',
    'originates-from': 'location',
    targets: 'identity infrastructure location vulnerability',
    uses: 'attack-pattern infrastructure malware tool',
    'variant-of': 'malware',
  },
  'malware-analysis': {
    // As §4.12.2 was printed in 2021; errata 01 corrects it to the next.
    'analysis-of': 'malware',
    'av-analysis-of': 'malware',
    characterizes: 'malware',
    'dynamic-analysis-of': 'malware',
    'static-analysis-of': 'malware',
  },
  'threat-actor': {
    'attributed-to': 'identity',
    compromises: 'infrastructure',
    hosts: 'infrastructure',
    impersonates: 'identity',
    'located-at': 'location',
    owns: 'infrastructure',
    targets: 'identity location vulnerability',
    uses: 'attack-pattern infrastructure malware tool',
  },
  tool: {
    delivers: 'malware',
    drops: 'malware',
    has: 'vulnerability',
    targets: 'identity infrastructure location vulnerability',
    uses: 'infrastructure',
  },
}

/** Relationships between any two objects. */
export const ANYWHERE: ReadonlySet<string> = new Set(['derived-from', 'duplicate-of', 'related-to'])

const SUGGESTED: ReadonlySet<string> = new Set(
  Object.entries(TABLE).flatMap(([source, types]) =>
    Object.entries(types).flatMap(([type, targets]) =>
      targets.split(' ').map((target) => `${source} ${type} ${target}`),
    ),
  ),
)

/** Is the triple one that the standard suggests? */
export function isSuggested(source: string, type: string, target: string): boolean {
  return ANYWHERE.has(type) || SUGGESTED.has(`${source} ${type} ${target}`)
}
