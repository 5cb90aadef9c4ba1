/** What errata 01 of STIX 2.1 adds (its §1.2, Description of changes): terms where they belong, relationships. */
import { test } from 'tap'
import { isSuggested } from '../../src/stix/tables/relationships.ts'
import { VOCABULARIES } from '../../src/stix/tables/vocabularies.ts'

test('terms are in the vocabulary that errata 01 names, and in no other', async (t) => {
  const homes = (term: string): string[] =>
    [...VOCABULARIES].filter(([, vocabulary]) => vocabulary.terms.has(term)).map(([name]) => name)
  t.same(homes('rust'), ['implementation-language'], '§10.9')
  t.same(homes('legal'), ['industry-sector'], '§10.11')
  for (const term of ['control-system', 'firewall', 'routers-switches', 'workstation'])
    t.same(homes(term), ['infrastructure-type'], `§10.12 ${term}`)
  t.same(homes('incident'), ['report-type'], '§10.22')
  t.same(homes('private-sector'), ['threat-actor-type'], '§10.23')
  t.same(homes('kavi'), [], '§10.1 has no kavi; STIX 2.0 had')
})

test('relationships that errata 01 adds to Appendix B or corrects in §4.12.2', async (t) => {
  for (const triple of [
    'malware-analysis av-analysis-of malware',
    'malware exfiltrates-to infrastructure',
    'course-of-action remediates malware',
    'course-of-action remediates vulnerability',
    'tool uses infrastructure',
    'domain-name resolves-to domain-name',
    'domain-name resolves-to ipv4-addr',
    'domain-name resolves-to ipv6-addr',
    'ipv4-addr resolves-to mac-addr',
    'ipv6-addr belongs-to autonomous-system',
    'threat-actor located-at location',
  ]) {
    const [source, type, target] = triple.split(' ') as [string, string, string]
    t.ok(isSuggested(source, type, target), triple)
  }
  t.ok(isSuggested('malware-analysis', 'analysis-of', 'malware'), 'as printed in 2021')
  t.notOk(isSuggested('software', 'has', 'vulnerability'), 'in neither §6.14 nor Appendix B')
})
