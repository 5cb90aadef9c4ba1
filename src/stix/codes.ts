/** Numbers of warnings: those that a user of the OASIS stix2-validator knows, and ours from 901 on. */

/** What each warning is about, in a few words. */
export const WARNING_CODES: ReadonlyMap<string, string> = new Map([
  ['101', 'name of custom content without a prefix and a source'],
  ['102', 'name of custom content without a prefix'],
  ['103', 'version of a UUID'],
  ['111', 'spelling of a term of an open vocabulary'],
  ['121', 'spelling of a kill chain name or phase'],
  ['141', 'key of an observed-data container'],
  ['142', 'upper case in a dictionary key of a cyber-observable'],
  ['143', 'spelling of a malware-analysis product'],
  ['149', 'priority of a Windows process'],
  ['150', 'length of a hash name (never emitted)'],
  ['201', 'definition_type of a marking'],
  ['202', 'relationship that is not suggested'],
  ['203', 'id and modified twice in a bundle'],
  ['211', 'attack motivation'],
  ['212', 'attack resource level'],
  ['213', 'identity class'],
  ['214', 'indicator type'],
  ['215', 'industry sector'],
  ['216', 'malware type'],
  ['218', 'report type'],
  ['219', 'threat actor type'],
  ['220', 'threat actor role'],
  ['221', 'threat actor sophistication'],
  ['222', 'tool type'],
  ['223', 'region'],
  ['225', 'grouping context'],
  ['226', 'implementation language'],
  ['227', 'infrastructure type'],
  ['228', 'malware capability'],
  ['230', 'processor architecture'],
  ['231', 'malware analysis result'],
  ['241', 'hash algorithm'],
  ['243', 'Windows PE binary type'],
  ['244', 'account type'],
  ['245', 'pattern type'],
  ['271', 'media type'],
  ['272', 'network protocol'],
  ['273', 'IPFIX element'],
  ['274', 'HTTP request header'],
  ['275', 'socket option'],
  ['276', 'PDF document information key'],
  ['277', 'country'],
  ['301', 'network traffic without both ports'],
  ['302', 'external reference with a URL but no hashes'],
  ['303', 'indicator without name or description'],
  ['304', 'deprecated observed-data.objects'],
  ['305', 'extension-definition without description'],
  ['306', 'top-level extension without extension_properties'],
  ['401', 'custom content without an extension definition'],
  ['901', 'deterministic id that the rules do not give'],
  ['902', 'upper-case hexadecimal digits'],
  ['903', 'START and STOP outside of valid_from and valid_until'],
  ['904', 'upper-case digits in a UUID'],
  ['905', 'the character U+0000'],
  ['906', 'domain name that is an IPv4 address'],
  ['907', 'judged as STIX 2.0'],
  ['908', 'STIX 2.0 object without a required property'],
  ['909', 'custom reference that holds no id'],
  ['910', 'key of custom content with other characters than a dictionary key'],
  ['911', 'empty list or object in custom content'],
  ['912', 'text label such as tlp:red that does not agree with the marking'],
  ['913', 'TLP in a text that is stricter than the object'],
  ['914', 'granular marking that is weaker than that of the object'],
  ['915', 'TLP 1 and TLP 2 markings of different levels'],
  ['916', 'release marking with a condition that has no effect, or that Comity refuses'],
])

const GROUPS: ReadonlyMap<string, (code: number) => boolean> = new Map([
  ['1', (code) => code >= 100 && code < 200],
  ['2', (code) => code >= 200 && code < 300],
  ['210', (code) => code >= 211 && code <= 245],
  ['270', (code) => code >= 271 && code <= 277],
])

/** Is it a code or a group that can be disabled? */
export function isWarningCode(code: string): boolean {
  return WARNING_CODES.has(code) || GROUPS.has(code)
}

/** The codes that codes and groups stand for. */
export function expandCodes(codes: readonly (string | number)[]): ReadonlySet<string> {
  const all = new Set<string>()
  for (const code of codes) {
    const group = GROUPS.get(String(code))
    if (!group) all.add(String(code))
    else for (const known of WARNING_CODES.keys()) if (group(Number(known))) all.add(known)
  }
  return all
}
