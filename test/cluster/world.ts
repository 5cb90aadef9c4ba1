/** Who is who in the cluster test: writers of mycert, a partner that sees AMBER, strangers that see GREEN. */
import { basic, Client } from '../support/client.ts'
import { uuid5 } from '../support/stix.ts'

const id = uuid5('cluster collection')
export const COLLECTION = `${id.slice(0, 14)}4${id.slice(15)}`
export const PATH = `/main/collections/${COLLECTION}/`
export const WRITERS = ['writer-1', 'writer-2', 'writer-3'] as const

const password = (name: string) => `pw-${name}-of-the-cluster`
const person = (name: string, organization: string, more: object = {}) => ({
  id: name,
  organization,
  kind: 'person',
  password: password(name),
  ...more,
})

export function topology(): string {
  return JSON.stringify({
    countries: [{ code: 'MY' }, { code: 'SG' }, { code: 'DE' }, { code: 'FR' }],
    organizations: [
      { id: 'mycert', name: 'MyCERT', country: 'MY', kind: 'national-cert' },
      { id: 'sgcert', name: 'SingCERT', country: 'SG', kind: 'national-cert' },
      { id: 'bsi', name: 'BSI', country: 'DE', kind: 'national-cert' },
      { id: 'certfr', name: 'CERT-FR', country: 'FR', kind: 'national-cert' },
    ],
    communities: [],
    principals: [
      ...WRITERS.map((name) => person(name, 'mycert')),
      person('head', 'mycert', { custodian: true }),
      person('partner', 'sgcert'),
      person('paris', 'certfr', { custodian: true }),
      person('stranger', 'bsi'),
    ],
    agreements: [
      { from: 'MY', to: 'SG', max_tlp: 'amber', recipients: 'all', clients: false, signed: ['MY', 'SG'] },
    ],
    api_roots: [
      {
        path: 'main',
        title: 'Main',
        collections: [
          {
            id: COLLECTION,
            alias: 'main',
            title: 'Main',
            grants: [
              { to: '*', read: true, write: false },
              { to: 'mycert', read: true, write: true },
            ],
          },
        ],
      },
    ],
  })
}

export const as = (url: string, name: string): Client => new Client(url, basic(name, password(name)))
