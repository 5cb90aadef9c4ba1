/** Two countries that share and one that does not, with a collection that quarantines: for the tests of labels. */
import { uuid5 } from './stix.ts'

const uuid4 = (name: string): string => {
  const u = uuid5(`labels ${name}`)
  return `${u.slice(0, 14)}4${u.slice(15)}`
}

/**
 * `author` and `colleague` (mycert, MY), `sg` (sgcert, SG; an agreement with MY up to AMBER), `de` (decert, DE; none);
 * the password is `pw-<id>`. All read and write all collections.
 */
export function policyWorld(): {
  topology: string
  path: string
  held: string
  heldAlias: string
  redacting: string
} {
  const person = (id: string, organization: string) => ({
    id,
    organization,
    kind: 'person',
    password: `pw-${id}`,
  })
  const collection = (alias: string, quarantine: boolean, more: object = {}) => ({
    id: uuid4(alias),
    alias,
    title: `Collection ${alias}`,
    quarantine,
    grants: [{ to: '*', read: true, write: true }],
    ...more,
  })
  const topology = JSON.stringify({
    countries: [{ code: 'MY' }, { code: 'SG' }, { code: 'DE' }],
    organizations: [
      { id: 'mycert', name: 'MyCERT', country: 'MY', kind: 'national-cert' },
      { id: 'sgcert', name: 'SingCERT', country: 'SG', kind: 'national-cert' },
      { id: 'decert', name: 'DeCERT', country: 'DE', kind: 'national-cert' },
    ],
    principals: [
      person('author', 'mycert'),
      person('colleague', 'mycert'),
      person('sg', 'sgcert'),
      person('de', 'decert'),
    ],
    agreements: [
      { from: 'MY', to: 'SG', max_tlp: 'amber', recipients: 'national-cert', signed: ['MY', 'SG'] },
    ],
    baseline: { max_tlp: 'green', members: ['MY', 'SG'] },
    api_roots: [
      {
        path: 'one',
        title: 'One',
        collections: [
          collection('plain', false),
          collection('held', true),
          collection('redacting', true, { redaction: 'redact' }),
        ],
      },
    ],
  })
  const path = (alias: string) => `/one/collections/${uuid4(alias)}/`
  return {
    topology,
    path: path('plain'),
    held: path('held'),
    heldAlias: 'one/held',
    redacting: path('redacting'),
  }
}
