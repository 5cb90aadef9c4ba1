/** The canary world: one object per level and audience, each with strings that nothing else has; and who may see which. */
import { randomUUID } from 'node:crypto'
import { RELEASE_EXTENSION } from '../../src/stix/index.ts'
import { Client, type StixObject } from './client.ts'
import { sleep } from './run-lock.ts'
import type { Server } from './server.ts'
import { indicator, indicator20, malware, report, TLP, uuid5 } from './stix.ts'

const uuid4 = (name: string): string => {
  const u = uuid5(`canary ${name}`)
  return `${u.slice(0, 14)}4${u.slice(15)}`
}

/** Eight profiles of readers, as seen from the author's organization, mycert (policy.md §11). */
export const PROFILES = [
  'anonymous',
  'same organization',
  'same country',
  'roster client',
  'partner recipient',
  'partner other org',
  'stranger',
  'capped token',
] as const
export type Profile = (typeof PROFILES)[number]

const ID: Record<Profile, string> = {
  anonymous: '',
  'same organization': 'colleague',
  'same country': 'mylab-ann',
  'roster client': 'mybank-ann',
  'partner recipient': 'sgcert-ann',
  'partner other org': 'sgbank-ann',
  stranger: 'decert-ann',
  'capped token': 'author',
}

const token = (id: string) => `tk-canary-${id}-0123456789abcdef`
const CAPPED = token('author-capped')
const EVERYBODY = PROFILES.slice(1)

export function clientOf(url: string, profile: Profile): Client {
  if (profile === 'anonymous') return new Client(url, null)
  return new Client(url, `Bearer ${profile === 'capped token' ? CAPPED : token(ID[profile])}`)
}

const COLLECTION = (alias: string) => ({ id: uuid4(alias), alias, title: `Collection ${alias}` })
export const COLLECTIONS = {
  open: { root: 'one', ...COLLECTION('open') },
  common: { root: 'one', ...COLLECTION('common') },
  closed: { root: 'one', ...COLLECTION('closed') },
  drop: { root: 'one', ...COLLECTION('drop') },
  apart: { root: 'two', ...COLLECTION('apart') },
} as const
export type Where = keyof typeof COLLECTIONS
export const pathTo = (where: Where): string =>
  `/${COLLECTIONS[where].root}/collections/${COLLECTIONS[where].id}/`

const all = { to: '*', read: true, write: false }
const team = { to: 'mycert', read: true, write: true }
const GRANTS: Record<Where, object> = {
  open: { public: true, grants: [team, { to: '*', read: true, write: true }] },
  common: { grants: [all, team, { to: 'SG', read: true, write: true }] },
  closed: { grants: [team] },
  drop: { grants: [{ to: '*', read: false, write: true }, team] },
  apart: { grants: [team, { to: 'decert', read: true, write: false }] },
}

/** The topology file: MY shares with SG up to AMBER+STRICT and both are in the baseline; DE has nothing with anybody. */
export function canaryTopology(): string {
  const person = (id: string, organization: string, tokens: object[] = []) => ({
    id,
    organization,
    kind: 'person',
    tokens: [{ name: 'full', value: token(id) }, ...tokens],
  })
  return JSON.stringify({
    countries: [{ code: 'MY' }, { code: 'SG' }, { code: 'DE' }],
    organizations: [
      { id: 'mycert', name: 'MyCERT', country: 'MY', kind: 'national-cert', clients: ['mybank'] },
      { id: 'mylab', name: 'MyLab', country: 'MY', kind: 'organization' },
      { id: 'mybank', name: 'MyBank', country: 'MY', kind: 'organization' },
      { id: 'sgcert', name: 'SingCERT', country: 'SG', kind: 'national-cert' },
      { id: 'sgbank', name: 'SgBank', country: 'SG', kind: 'organization' },
      { id: 'decert', name: 'DeCERT', country: 'DE', kind: 'national-cert' },
    ],
    communities: [],
    principals: [
      person('author', 'mycert', [{ name: 'capped', value: CAPPED, max_tlp: 'green' }]),
      person('colleague', 'mycert'),
      person('mylab-ann', 'mylab'),
      person('mybank-ann', 'mybank'),
      person('sgcert-ann', 'sgcert'),
      person('sgbank-ann', 'sgbank'),
      person('decert-ann', 'decert'),
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
    ],
    baseline: { max_tlp: 'green', members: ['MY', 'SG'] },
    api_roots: ['one', 'two'].map((path) => ({
      path,
      title: path,
      collections: (Object.keys(COLLECTIONS) as Where[])
        .filter((where) => COLLECTIONS[where].root === path)
        .map((where) => {
          const { root: _, ...collection } = COLLECTIONS[where]
          return { ...collection, ...GRANTS[where] }
        }),
    })),
  })
}

/** Strings that tell one object, and who may get them. */
export interface Canary {
  name: string
  strings: string[]
  audience: readonly Profile[]
}

export interface Planted {
  canaries: Canary[]
  ids: { id: string; where: Where }[]
  statuses: string[]
  /** Release schedules. */
  schedules: string[]
}

/** Who may see what mycert marks so, wherever the collection may be read: policy.md §3, by hand. */
const OWN: Profile[] = ['same organization']
const LEVELS: Record<string, Profile[]> = {
  clear: [...PROFILES],
  green: [...OWN, 'same country', 'roster client', 'partner recipient', 'partner other org', 'capped token'],
  amber: [...OWN, 'roster client', 'partner recipient'],
  'amber+strict': [...OWN, 'partner recipient'],
  red: [],
  unmarked: OWN,
}
const READERS: Record<Where, readonly Profile[]> = {
  open: PROFILES,
  common: EVERYBODY,
  closed: ['same organization', 'capped token'],
  drop: ['same organization', 'capped token'],
  apart: ['same organization', 'capped token', 'stranger'],
}

const definition = (name: string, conditions: object, level: keyof typeof TLP = 'clear'): StixObject => ({
  type: 'marking-definition',
  spec_version: '2.1',
  id: `marking-definition--${uuid4(`definition ${name}`)}`,
  created: '2026-01-01T00:00:00.000Z',
  name: `canary-${name}`,
  object_marking_refs: [TLP[level]],
  extensions: { [RELEASE_EXTENSION]: { extension_type: 'property-extension', ...conditions } },
})

/** Release conditions beside AMBER (RED for a person), and whom they leave. */
const RELEASES: [string, object, keyof typeof TLP, Profile[]][] = [
  [
    'to SG',
    { releasable_to: { countries: ['SG'] } },
    'amber',
    [...OWN, 'partner recipient', 'partner other org'],
  ],
  [
    'to sgbank',
    { releasable_to: { organizations: ['sgbank'] } },
    'amber+strict',
    [...OWN, 'partner other org'],
  ],
  ['not to SG', { not_releasable_to: { countries: ['SG'] } }, 'amber', [...OWN, 'roster client']],
  ['no clients', { clients: 'denied' }, 'amber', [...OWN, 'partner recipient']],
  ['to a person', { releasable_to: { persons: ['decert-ann'] } }, 'red', ['stranger']],
  ['later', { not_before: '2099-01-01T00:00:00.000Z' }, 'clear', OWN],
  ['over', { not_after: '2020-01-01T00:00:00.000Z' }, 'clear', OWN],
]

/** An SCO, whose id is the hash of its value. */
function address(extra: object): StixObject {
  const value = `https://canary-${randomUUID()}.example/`
  return { type: 'url', spec_version: '2.1', id: `url--${uuid5(JSON.stringify({ value }))}`, value, ...extra }
}

interface Bird {
  object: StixObject
  name: string
  audience: Profile[]
  /** Who may see its id, where others' references show it. */
  shown?: Profile[]
}

/** Everything that mycert's author submits, with its audience. */
function objects(where: Where): Bird[] {
  const found: Bird[] = []
  const add = (name: string, object: StixObject, audience: Profile[], shown: Profile[] = audience) => {
    const here = (list: Profile[]) => list.filter((p) => READERS[where].includes(p))
    found.push({ object, name: `${name} in ${where}`, audience: here(audience), shown: here(shown) })
  }
  const text = () => `canary-${randomUUID()}`
  const marked = (...refs: string[]) => (refs.length > 0 ? { object_marking_refs: refs } : {})
  const capped = (level: string, audience: Profile[]): Profile[] =>
    level === 'clear' && !audience.includes('capped token') ? [...audience, 'capped token'] : audience
  for (const [level, audience] of Object.entries(LEVELS)) {
    const ref = level === 'unmarked' ? [] : [TLP[level as keyof typeof TLP]]
    add(level, indicator({ name: text(), ...marked(...ref) }), audience)
    const { name: _, ...old } = indicator20({ ...marked(...ref) })
    add(`${level} 2.0`, { ...old, name: text() } as StixObject, audience)
    add(`${level} SCO`, address({ ...marked(...ref), x_canary: text() }), audience)
    if (where !== 'open' && where !== 'common') continue
    if (ref.length > 0) {
      const part = { selectors: ['name'], marking_ref: ref[0] }
      add(
        `${level} in a part`,
        malware({ name: text(), ...marked(TLP.clear), granular_markings: [part] }),
        audience,
      )
      add(
        `${level} by a hint`,
        malware({ name: text(), ...marked(TLP.clear), labels: [`TLP:${level}`] }),
        audience,
      )
    }
  }
  if (where !== 'open' && where !== 'common') return found
  for (const [name, conditions, level, audience] of RELEASES) {
    const mark = definition(`${where} ${name}`, conditions)
    add(`definition of ${name}`, mark, LEVELS.clear as Profile[])
    add(
      `release ${name}`,
      indicator({ name: text(), ...marked(TLP[level], mark.id) }),
      capped(level, audience),
    )
  }
  const secret = definition(`${where} hidden list`, {
    releasable_to: { countries: ['SG'] },
    disclose_recipients: false,
  })
  const listed: Profile[] = [...OWN, 'partner recipient', 'partner other org']
  add('definition with a hidden list', secret, OWN, listed)
  add('release to a hidden list', indicator({ name: text(), ...marked(TLP.amber, secret.id) }), listed)
  // An older version is for those whom the latest admits as well (§7).
  const shut = indicator({ name: text(), ...marked(TLP.clear) })
  add('open, then RED', shut, ['capped token'])
  add('RED at last', { ...shut, name: text(), modified: '2026-02-01T00:00:00.000Z', ...marked(TLP.red) }, [])
  const opened = indicator({ name: text(), ...marked(TLP.red) })
  add('RED at first', opened, [])
  add(
    'opened',
    { ...opened, name: text(), modified: '2026-02-01T00:00:00.000Z', ...marked(TLP.green) },
    LEVELS.green as Profile[],
  )
  add('report on what is RED', report([shut.id], { name: text(), ...marked(TLP.red) }), [])
  return found
}

const stringsOf = (object: StixObject): string[] =>
  [...JSON.stringify(object).matchAll(/canary-[0-9a-z -]+/gi)].map((m) => m[0])

/** Plants everything through the API. Ids are canaries as well, unless versions of one id have several audiences. */
export async function plant(server: Pick<Server, 'url'>): Promise<Planted> {
  const author = new Client(server.url, `Bearer ${token('author')}`)
  const planted: Planted = { canaries: [], ids: [], statuses: [], schedules: [] }
  for (const where of Object.keys(COLLECTIONS) as Where[]) {
    const list = objects(where)
    const status = await author.add(pathTo(where), ...list.map(({ object }) => object))
    planted.statuses.push(status.id)
    const audiences = new Map<string, Profile[]>()
    for (const { object, name, audience, shown = audience } of list) {
      planted.canaries.push({ name, strings: stringsOf(object), audience })
      audiences.set(object.id, [...(audiences.get(object.id) ?? []), ...shown])
    }
    for (const [id, audience] of audiences) {
      planted.ids.push({ id, where })
      planted.canaries.push({
        name: `the id ${id} in ${where}`,
        strings: [id.split('--')[1] ?? id],
        audience,
      })
    }
    // Deleted and refused things are nobody's.
    const gone = indicator({ name: `canary-${randomUUID()}`, object_marking_refs: [TLP.clear] })
    await author.add(pathTo(where), gone)
    await author.delete(`${pathTo(where)}objects/${gone.id}/`)
    const bad = indicator({
      name: `canary-${randomUUID()}`,
      object_marking_refs: [`marking-definition--${randomUUID()}`],
    })
    planted.statuses.push((await author.post(pathTo(where), [bad])).taxiiStatus.id)
    for (const object of [gone, bad]) {
      planted.ids.push({ id: object.id, where })
      planted.canaries.push({ name: 'gone', strings: stringsOf(object), audience: [] })
      // That it was recalled, its organization sees.
      const audience: Profile[] = object === gone ? [...OWN, 'capped token'] : []
      planted.canaries.push({ name: `the id of what is gone from ${where}`, strings: [object.id], audience })
    }
  }
  await plantReleases(server.url, planted)
  return planted
}

/** Schedules and requests for release carry texts of their own, which go no further than the object. */
async function plantReleases(url: string, planted: Planted): Promise<void> {
  const author = new Client(url, `Bearer ${token('author')}`)
  const put = async (client: Client, path: string, body: object) => {
    const headers = { 'Content-Type': 'application/json', Accept: 'application/json' }
    const answer = await client.request({ method: 'POST', path, headers, body: JSON.stringify(body) })
    if (answer.status !== 201) throw new Error(`${path} answered ${answer.status}: ${answer.text}`)
    return String(answer.json.id)
  }
  const target = async (name: string, level: keyof typeof TLP, audience: Profile[]) => {
    const object = indicator({ name: `canary-${randomUUID()}`, object_marking_refs: [TLP[level]] })
    await author.add(pathTo('common'), object)
    planted.ids.push({ id: object.id, where: 'common' })
    const strings = [...stringsOf(object), object.id]
    planted.canaries.push({ name, strings, audience })
    return { root: 'one', collection: 'common', id: object.id }
  }
  const text = (name: string, audience: Profile[]) => {
    const canary = `canary-${randomUUID()}`
    planted.canaries.push({ name, strings: [canary], audience })
    return canary
  }
  const steps = [{ at: '2030-01-01T00:00:00Z', object_marking_refs: [TLP.clear] }]
  for (const [level, audience] of [
    ['amber', LEVELS.amber],
    ['red', LEVELS.red],
  ] as [keyof typeof TLP, Profile[]][]) {
    const object = await target(`${level} with a schedule`, level, audience)
    const reason = text(`the schedule of ${level}`, level === 'red' ? [] : OWN)
    planted.schedules.push(await put(author, '/api/v1/release-schedules', { ...object, steps, reason }))
  }
  const object = await target('clear that is asked for', 'clear', [...EVERYBODY])
  const justification = text('the request of a stranger', [...OWN, 'stranger', 'capped token'])
  const to = { countries: ['DE'] }
  const stranger = clientOf(url, 'stranger')
  await put(stranger, '/api/v1/release-requests', { ...object, to, justification })
  for (;;) {
    const answer = await author.get('/api/v1/release-requests/received', {
      headers: { Accept: 'application/json' },
    })
    if (answer.text.includes(justification)) break
    await sleep(50)
  }
}
