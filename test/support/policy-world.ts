/** A small world for the tests of the sharing policy: MY and SG under an agreement up to AMBER+STRICT, DE with nobody. */
import type { Server } from './server.ts'

const grant = [{ to: '*', read: true, write: true }]

const ids: Record<string, string> = {
  closed: '7a000000-0000-4000-8000-000000000001',
  own: '7a000000-0000-4000-8000-000000000002',
  redact: '7a000000-0000-4000-8000-000000000003',
  redactown: '7a000000-0000-4000-8000-000000000004',
}

/** Paths of its collections. */
export const AT = Object.fromEntries(
  Object.entries(ids).map(([alias, id]) => [alias, `/one/collections/${id}/`]),
) as Record<'closed' | 'own' | 'redact' | 'redactown', string>

export const COLLECTION = ids as Record<keyof typeof AT, string>

const person = (id: string, organization: string, more: object = {}) => ({
  id,
  organization,
  kind: 'person',
  clearance: 'red',
  password: `pw-${id}`,
  ...more,
})

/** The topology as a value; a topology file may be JSON. */
export function policyWorld(): Record<string, unknown> {
  const collection = (alias: string, more: object = {}) => ({
    id: ids[alias],
    alias,
    title: alias,
    grants: grant,
    ...more,
  })
  return {
    countries: [{ code: 'MY' }, { code: 'SG' }, { code: 'DE' }],
    organizations: [
      {
        id: 'mycert',
        name: 'MyCERT',
        country: 'MY',
        kind: 'national-cert',
        clearance: 'red',
        clients: ['petrobank'],
      },
      { id: 'petrobank', name: 'Petrobank', country: 'MY', kind: 'organization', clearance: 'amber' },
      { id: 'sgcert', name: 'SingCERT', country: 'SG', kind: 'national-cert', clearance: 'red' },
      { id: 'decert', name: 'CERT-Bund', country: 'DE', kind: 'national-cert', clearance: 'red' },
    ],
    principals: [
      person('my', 'mycert', { custodian: true }),
      person('my2', 'mycert'),
      person('bank', 'petrobank'),
      person('sg', 'sgcert', { custodian: true }),
      person('de', 'decert', { custodian: true }),
    ],
    agreements: [
      {
        from: 'MY',
        to: 'SG',
        max_tlp: 'amber+strict',
        recipients: 'national-cert',
        clients: true,
        signed: ['MY', 'SG'],
      },
      {
        from: 'SG',
        to: 'MY',
        max_tlp: 'amber+strict',
        recipients: 'national-cert',
        clients: true,
        signed: ['MY', 'SG'],
      },
    ],
    baseline: { max_tlp: 'green', members: 'all' },
    api_roots: [
      {
        path: 'one',
        title: 'One',
        collections: [
          collection('closed'),
          collection('own', { references: 'own' }),
          collection('redact', { redaction: 'redact' }),
          collection('redactown', { redaction: 'redact', references: 'own' }),
        ],
      },
    ],
  }
}

/** Which of these principals see the object. */
export async function readers(
  server: Server,
  path: string,
  id: string,
  of = ['my', 'my2', 'bank', 'sg', 'de'],
) {
  const found: string[] = []
  for (const who of of) {
    const answer = await server.as(who).getObject(path, id)
    if (answer.status === 200 && answer.objects.length > 0) found.push(who)
  }
  return found
}
