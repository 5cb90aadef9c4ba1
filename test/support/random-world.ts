/** Random small worlds over HTTP: a topology with grants and tokens, and a history of POSTs and DELETEs. */
import { RELEASE_EXTENSION } from '../../src/stix/index.ts'
import type { Micros } from '../../src/time.ts'
import { stamp } from './checks.ts'
import type { StixObject } from './client.ts'
import type { Random } from './random.ts'
import { TLP, uuid5 } from './stix.ts'

export const START: Micros = BigInt(Date.parse('2026-12-01T00:00:00Z')) * 1000n
const SECOND = 1_000_000n
const COUNTRIES = ['MY', 'SG', 'FR', 'DE', 'ZZ'] as const
const LEVELS = ['clear', 'green', 'amber', 'amber+strict', 'red'] as const
const COMMUNITIES = ['x', 'y'] as const
/** How a collection makes labels of references and of parts (policy.md §5, §6). */
const WAYS = [
  { references: 'closed', redaction: 'withhold' },
  { references: 'closed', redaction: 'redact' },
  { references: 'own', redaction: 'redact' },
  { references: 'own', redaction: 'withhold' },
] as const

export interface RandomCollection {
  id: string
  root: string
  title: string
}

export interface RandomWorld {
  /** A topology file (JSON is YAML). */
  text: string
  principals: string[]
  collections: RandomCollection[]
  roots: string[]
  /** Marking-definitions of release conditions, each known by its number. */
  definitions: StixObject[]
  /** Histories turn about one object of each kind, so that copies and versions pile up. */
  crowded: boolean
}

/** A reader: a principal by its plain or its capped token, or anonymous. */
export interface Who {
  id: string
  capped: boolean
}

export const tokenOf = ({ id, capped }: Who): string =>
  `tk-${id}-${capped ? 'capped' : 'full'}-0123456789abcdef`
export const credential = (who: Who): string | null => (who.id === '' ? null : `Bearer ${tokenOf(who)}`)
export const nameOf = (who: Who): string =>
  who.id === '' ? 'anonymous' : `${who.id}${who.capped ? '@' : ''}`

export const uuid4 = (name: string): string => {
  const u = uuid5(`random world ${name}`)
  return `${u.slice(0, 14)}4${u.slice(15)}`
}

/** Everyone who may ask. */
export function readers(world: RandomWorld): Who[] {
  const found: Who[] = [{ id: '', capped: false }]
  for (const id of world.principals) found.push({ id, capped: false }, { id, capped: true })
  return found
}

export function randomWorld(random: Random): RandomWorld {
  const countries = [...new Set(Array.from({ length: 2 + random.below(3) }, () => random.pick(COUNTRIES)))]
  const orgs = Array.from({ length: 3 + random.below(3) }, (_, i) => `org${i}`)
  const maybe = (probability: number, level = random.pick(LEVELS)) =>
    random.chance(probability) ? { clearance: level } : {}
  const declaredCountries = countries.map((code) => ({
    code,
    adhoc_release: random.chance(0.8),
    ...maybe(0.1),
  }))
  const home = new Map(orgs.map((id) => [id, random.pick(countries)]))
  const organizations = orgs.map((id) => ({
    id,
    name: id,
    country: home.get(id),
    kind: random.pick(['national-cert', 'organization', 'organization']),
    clients: random.some(
      orgs.filter((o) => o !== id),
      0.2,
    ),
    ...maybe(0.1),
  }))
  const communities = COMMUNITIES.map((id) => ({ id, title: id, members: random.some(orgs, 0.4) }))
  const sides = [...orgs, ...countries.filter((c) => c !== 'ZZ')]
  const agreements = Array.from({ length: random.below(6) }, () => {
    const from = random.pick(sides)
    const to = random.pick([...sides, ...COMMUNITIES])
    return {
      from,
      to,
      max_tlp: random.pick(LEVELS),
      recipients: random.pick(['all', 'national-cert']),
      clients: random.chance(0.5),
      signed: random.chance(0.85) ? [from, to] : [from],
      ...(random.chance(0.1) ? { valid_until: '2026-12-01T00:00:10Z' } : {}),
      ...(random.chance(0.1) ? { valid_from: '2026-12-01T00:00:10Z' } : {}),
    }
  })
  const principals = orgs.flatMap((org) =>
    ['a', 'b'].map((letter) => ({ id: `${org}${letter}`, organization: org, letter })),
  )
  const declaredPrincipals = principals.map(({ id, organization, letter }) => ({
    id,
    organization,
    ...(letter === 'b' && random.chance(0.3)
      ? { kind: 'service' }
      : { kind: 'person', custodian: random.chance(0.3) }),
    ...maybe(0.15),
    tokens: [
      { name: 'full', value: tokenOf({ id, capped: false }) },
      { name: 'capped', value: tokenOf({ id, capped: true }), max_tlp: random.pick(LEVELS) },
    ],
  }))
  const persons = principals.map((p) => p.id)
  // Every world has all four ways in which labels are made; which of them the busiest collection has differs.
  const turn = random.below(4)
  const ways = [...WAYS.slice(turn), ...WAYS.slice(0, turn)]
  const collections = [
    collection(random, 'one', 'main', sides, persons, 1, ways[0]),
    collection(random, 'one', 'public', sides, persons, 0.6, { public: true, ...ways[1] }),
    collection(random, 'one', 'mixed', sides, persons, 0.3, ways[2]),
    collection(random, 'two', 'other', sides, persons, 0.2, ways[3]),
  ]
  const roots = ['one', 'two']
  const markings = definitions(random, countries, orgs, persons)
  const certs = organizations.filter((o) => o.kind === 'national-cert' && o.country !== 'ZZ')
  const vetoes = certs
    .filter(() => random.chance(0.3))
    .map((cert) => ({
      country: cert.country,
      by: cert.id,
      reason: 'because',
      ...(random.chance(0.5) && { to: [random.pick(countries.filter((c) => c !== 'ZZ'))] }),
      ...(random.chance(0.4) && { level: random.pick(LEVELS) }),
      ...(random.chance(0.5) && { marking: random.pick(markings).id }),
      ...(random.chance(0.2) && { valid_until: '2026-12-01T00:00:10Z' }),
    }))
  return {
    text: JSON.stringify({
      countries: declaredCountries,
      organizations,
      communities,
      principals: declaredPrincipals,
      agreements,
      vetoes,
      opt_outs: random.chance(0.3) ? [random.pick(sides)] : [],
      baseline: random.chance(0.7)
        ? { max_tlp: 'green', members: 'all' }
        : { max_tlp: 'green', members: random.some(sides) },
      api_roots: roots.map((path) => ({
        path,
        title: path,
        collections: collections.filter((c) => c.root === path).map(({ root: _, ...c }) => c),
      })),
    }),
    principals: persons,
    collections,
    roots,
    definitions: markings,
    crowded: random.chance(0.5),
  }
}

function collection(
  random: Random,
  root: string,
  title: string,
  sides: string[],
  persons: string[],
  everyone: number,
  more: object = {},
): RandomCollection & Record<string, unknown> {
  const grants: { to: string; read: boolean; write: boolean }[] = []
  if (random.chance(everyone)) grants.push({ to: '*', read: true, write: random.chance(0.7) })
  const named = random.some([...sides, ...COMMUNITIES], 0.4)
  for (const to of [...named, ...random.some(persons, 0.2)]) {
    const read = random.chance(0.6)
    // Who may only write to a public collection reads it by two rules, its own and that for anybody: the model knows one.
    grants.push({ to, read, write: random.chance(0.6) && (read || !('public' in more)) })
  }
  return {
    id: uuid4(`${root} ${title}`),
    root,
    title,
    ...(random.chance(0.3) ? { default_marking: `tlp:${random.pick(LEVELS)}` } : {}),
    ...(random.chance(0.3) ? { on_conflict: random.pick(['keep', 'replace']) } : {}),
    ...more,
    grants,
  }
}

/** Countries, communities, persons, clients, embargoes that end during the history or long after it, expiry. */
function definitions(random: Random, countries: string[], orgs: string[], persons: string[]): StixObject[] {
  const real = countries.filter((c) => c !== 'ZZ')
  const at = (seconds: number) => stamp(START + BigInt(seconds) * SECOND)
  const conditions: object[] = [
    { releasable_to: { communities: random.several(COMMUNITIES) } },
    { releasable_to: { organizations: random.several(orgs) }, clients: 'denied' },
    { releasable_to: { persons: random.several(persons), organizations: random.several(orgs, 0.2) } },
    { clients: 'denied' },
    { not_before: at(5 + random.below(30)) },
    { not_before: at(100_000) },
    { not_after: at(5 + random.below(30)) },
    { not_before: at(10 + random.below(20)), releasable_to: { organizations: random.several(orgs, 0.7) } },
    ...(real.length === 0
      ? []
      : [
          { releasable_to: { countries: random.several(real) } },
          { not_releasable_to: { countries: random.several(real) } },
          {
            releasable_to: { countries: random.several(real) },
            not_releasable_to: { countries: [random.pick(real)] },
          },
        ]),
  ]
  return conditions.map((condition, i) => ({
    type: 'marking-definition',
    spec_version: '2.1',
    id: `marking-definition--${uuid4(`definition ${i}`)}`,
    created: '2026-01-01T00:00:00.000Z',
    name: `release ${i}`,
    object_marking_refs: [TLP[random.chance(0.7) ? 'clear' : random.pick(LEVELS)]],
    extensions: {
      [RELEASE_EXTENSION]: {
        extension_type: 'property-extension',
        ...condition,
        ...(random.chance(0.15) ? { disclose_recipients: false } : {}),
      },
    },
  }))
}
