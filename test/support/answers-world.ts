/** The world of the tests of the policy's answers: MY shares with SG, both are in the baseline, DE is a stranger. */
import { uuid5 } from './stix.ts'

export interface Place {
  id: string
  alias: string
  path: string
}

const place = (alias: string): Place => {
  const u = uuid5(`policy ${alias}`)
  const id = `${u.slice(0, 14)}4${u.slice(15)}`
  return { id, alias, path: `/x/collections/${id}/` }
}

export const SHARED = place('shared')
export const NARROW = place('narrow')
export const OPEN = place('open')
export const REDACT = place('redact')
export const CLOSED = place('closed')
export const DROP = place('drop')
export const FOREIGN = place('foreign')

interface Declared {
  id: string
  organization: string
  kind: 'person' | 'service'
  custodian?: boolean
  clearance?: string
}

export const PRINCIPALS: readonly Declared[] = [
  { id: 'my-ann', organization: 'mycert', kind: 'person', custodian: true },
  { id: 'my-bob', organization: 'mycert', kind: 'person' },
  { id: 'my-feed', organization: 'mycert', kind: 'service' },
  { id: 'bank-ann', organization: 'mybank', kind: 'person' },
  { id: 'lab-ann', organization: 'mylab', kind: 'person' },
  { id: 'sg-ann', organization: 'sgcert', kind: 'person', custodian: true },
  { id: 'sg-bob', organization: 'sgcert', kind: 'person' },
  { id: 'sg-low', organization: 'sgcert', kind: 'person', clearance: 'green' },
  { id: 'sg-feed', organization: 'sgcert', kind: 'service' },
  { id: 'sgbank-ann', organization: 'sgbank', kind: 'person' },
  { id: 'sglab-feed', organization: 'sglab', kind: 'service' },
  { id: 'de-ann', organization: 'decert', kind: 'person', custodian: true },
  { id: 'zz-ann', organization: 'interpol', kind: 'person' },
]

export const AGREEMENT = {
  from: 'MY',
  to: 'SG',
  max_tlp: 'amber',
  recipients: 'national-cert',
  clients: true,
  signed: ['MY', 'SG'],
  valid_from: '2026-01-01T00:00:00Z',
}

const BACK = { from: 'SG', to: 'MY', max_tlp: 'amber+strict', recipients: 'all', signed: ['SG', 'MY'] }
const DOMESTIC = {
  from: 'mylab',
  to: 'mycert',
  max_tlp: 'amber+strict',
  recipients: 'all',
  signed: ['mylab', 'mycert'],
}

const grant = (to: string, rights: string) => ({
  to,
  read: rights.includes('r'),
  write: rights.includes('w'),
})

/** The topology file; each principal has the password `pw-<id>`. */
export function policyTopology(agreements: object[] = [AGREEMENT, BACK, DOMESTIC]): string {
  const collection = (p: Place, grants: object[], more: object = {}) => ({
    id: p.id,
    alias: p.alias,
    title: p.alias,
    grants,
    ...more,
  })
  return JSON.stringify({
    countries: [{ code: 'MY' }, { code: 'SG' }, { code: 'DE' }],
    organizations: [
      { id: 'mycert', name: 'MyCERT', country: 'MY', kind: 'national-cert', clients: ['mybank'] },
      { id: 'mybank', name: 'MyBank', country: 'MY', kind: 'organization' },
      { id: 'mylab', name: 'MyLab', country: 'MY', kind: 'organization' },
      { id: 'sgcert', name: 'SingCERT', country: 'SG', kind: 'national-cert', clients: ['sgbank'] },
      { id: 'sgbank', name: 'SgBank', country: 'SG', kind: 'organization' },
      { id: 'sglab', name: 'SgLab', country: 'SG', kind: 'organization' },
      { id: 'decert', name: 'DeCERT', country: 'DE', kind: 'national-cert' },
      { id: 'interpol', name: 'Interpol', country: 'ZZ', kind: 'international' },
    ],
    communities: [{ id: 'pair', title: 'A pair', members: ['mycert', 'decert'] }],
    principals: PRINCIPALS.map((p) => ({
      ...p,
      password: `pw-${p.id}`,
      ...(p.id === 'my-ann' && {
        tokens: [{ name: 'capped', value: 'tk-my-ann-capped-0123456789abcdef', max_tlp: 'green' }],
      }),
    })),
    agreements,
    baseline: { max_tlp: 'green', members: ['MY', 'SG'] },
    api_roots: [
      {
        path: 'x',
        title: 'X',
        collections: [
          collection(SHARED, [grant('*', 'rw')]),
          collection(NARROW, [grant('mycert', 'rw'), grant('sg-bob', 'r'), grant('DE', 'r')]),
          collection(OPEN, [grant('*', 'rw')], { public: true }),
          collection(REDACT, [grant('*', 'rw')], { redaction: 'redact' }),
          collection(CLOSED, [grant('mycert', 'rw')]),
          collection(DROP, [grant('mycert', 'w'), grant('SG', 'r')]),
          collection(FOREIGN, [grant('SG', 'rw'), grant('DE', 'r')]),
        ],
      },
    ],
  })
}
