/** The world of the tests on releases: an originator with colleagues, a partner, and two countries without a way. */
import { type Api, api } from './api.ts'
import type { Answer } from './client.ts'
import { sleep } from './run-lock.ts'
import type { Server } from './server.ts'
import { uuid5 } from './stix.ts'

const id = (name: string) => {
  const u = uuid5(`release ${name}`)
  return `${u.slice(0, 14)}4${u.slice(15)}`
}

export const MAIN = id('main')
export const PATH = `/one/collections/${MAIN}/`
export const CAPPED = 'tk-release-ann-capped-0123456789abcdef'
export const READ_ONLY = 'tk-release-ann-reads-0123456789abcdef'

const person = (name: string, organization: string, more: object = {}) => ({
  id: name,
  organization,
  kind: 'person',
  password: `pw-${name}`,
  ...more,
})

/**
 * `ann` and `bob` (mycert) read and write, `mia` (mycert) reads, `feed` (mycert) is a service that reads and writes;
 * `sue` (sgcert, SG) reads under an agreement up to AMBER and may write; `dan` (decert, DE) and `fay` (frcert, FR)
 * only read; nothing is shared with them but CLEAR.
 */
export function releaseTopology(): string {
  return JSON.stringify({
    countries: [{ code: 'MY' }, { code: 'SG' }, { code: 'DE' }, { code: 'FR' }],
    organizations: ['my', 'sg', 'de', 'fr'].map((code) => ({
      id: `${code}cert`,
      name: `${code} CERT`,
      country: code.toUpperCase(),
      kind: 'national-cert',
    })),
    communities: [],
    principals: [
      person('ann', 'mycert', {
        tokens: [
          { name: 'capped', value: CAPPED, max_tlp: 'green' },
          { name: 'reads', value: READ_ONLY, scopes: ['read'] },
        ],
      }),
      person('bob', 'mycert'),
      person('mia', 'mycert'),
      person('feed', 'mycert', { kind: 'service' }),
      person('sue', 'sgcert'),
      person('dan', 'decert'),
      person('fay', 'frcert'),
    ],
    agreements: [{ from: 'MY', to: 'SG', max_tlp: 'amber', recipients: 'all', signed: ['MY', 'SG'] }],
    baseline: { max_tlp: 'green', members: [] },
    api_roots: [
      {
        path: 'one',
        title: 'One',
        collections: [
          {
            id: MAIN,
            alias: 'main',
            title: 'Main',
            grants: [
              { to: '*', read: true, write: false },
              ...['ann', 'bob', 'feed', 'sue'].map((to) => ({ to, read: true, write: true })),
            ],
          },
          {
            id: id('closed'),
            alias: 'closed',
            title: 'Closed',
            grants: [{ to: 'mycert', read: true, write: true }],
          },
        ],
      },
    ],
  })
}

/** By a token instead of the password. */
export const bearer = (server: Server, token: string): Api => api(server, 'ann', `Bearer ${token}`)

/** Asks again until it is so: what a node does in its own time has no deadline here but the test's. */
export async function until<T>(ask: () => Promise<T>, done: (found: T) => boolean): Promise<T> {
  for (;;) {
    const found = await ask()
    if (done(found)) return found
    await sleep(50)
  }
}

/** A time some milliseconds ahead, as a step takes it. */
export const ahead = (milliseconds: number) => new Date(Date.now() + milliseconds).toISOString()

/** Status and body, without what names the moment. */
export const shown = (answer: Answer) => [answer.status, answer.text]
