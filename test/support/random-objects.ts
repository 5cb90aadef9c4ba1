/** Random objects of small worlds: few ids, so that copies, versions and references of them pile up. */
import type { StixObject } from './client.ts'
import type { Random } from './random.ts'
import { type RandomWorld, uuid4 } from './random-world.ts'
import { identity, indicator, indicator20, ipv4, malware, relationship, report, TLP } from './stix.ts'

const LEVELS = ['clear', 'green', 'amber', 'amber+strict', 'red'] as const

const VERSIONS = [
  '2026-02-01T00:00:00.000Z',
  '2026-03-01T00:00:00.000Z',
  '2026-03-01T00:00:00Z',
  '2026-04-01T00:00:00.123456Z',
  '2026-05-01T00:00:00.000Z',
] as const

const idOf = (type: string, n: number) => `${type}--${uuid4(`object ${n}`)}`
const addressId = (n: number) => ipv4(`192.0.2.${n + 1}`).id

const COUNTS = {
  indicator: 4,
  malware: 2,
  identity: 1,
  relationship: 3,
  sighting: 1,
  report: 2,
  note: 2,
  grouping: 1,
  opinion: 1,
  'observed-data': 1,
  'language-content': 1,
} as const
type Type = keyof typeof COUNTS

const idsOf = (...types: Type[]) =>
  types.flatMap((type) => Array.from({ length: COUNTS[type] }, (_, n) => idOf(type, n)))
const ADDRESSES = [0, 1, 2].map(addressId)

/** Ids that histories are about. */
export const OBJECT_IDS: readonly string[] = [...idsOf(...(Object.keys(COUNTS) as Type[])), ...ADDRESSES]

/** What a reference of a kind may name; the last one is never there. */
const THINGS = [...idsOf('indicator', 'malware', 'identity', 'report'), ...ADDRESSES, idOf('campaign', 0)]

/** More often the first of each kind, where a world is crowded. */
function reference(random: Random, world: RandomWorld, among: readonly string[]): string {
  const first = [...idsOf('indicator').slice(0, 1), ...idsOf('malware').slice(0, 1), addressId(0)]
  const crowd = first.filter((id) => among.includes(id))
  return crowd.length > 0 && random.chance(world.crowded ? 0.7 : 0.3)
    ? random.pick(crowd)
    : random.pick(among)
}

function references(random: Random, world: RandomWorld, among: readonly string[]): string[] {
  return [...new Set(Array.from({ length: 1 + random.below(3) }, () => reference(random, world, among)))]
}

type Extra = Record<string, unknown>

function make(random: Random, world: RandomWorld, type: Type, id: string, extra: Extra): StixObject {
  const one = (among: readonly string[] = THINGS) => reference(random, world, among)
  const many = (among: readonly string[] = OBJECT_IDS) => references(random, world, among)
  const plain = (more: Extra): StixObject => ({
    type,
    spec_version: '2.1',
    id,
    created: '2026-01-01T00:00:00.000Z',
    ...(more as { modified: string }),
    ...extra,
  })
  switch (type) {
    case 'indicator':
      return indicator({ id, ...extra })
    case 'malware':
      return malware({ id, ...extra })
    case 'identity':
      return identity({ id, sectors: ['energy'], ...extra })
    case 'relationship': {
      const { name: _, ...rest } = extra
      return relationship(one(), one(), { id, relationship_type: 'related-to', ...rest })
    }
    case 'sighting': {
      const { name: _, ...rest } = extra
      return {
        ...plain({ sighting_of_ref: one(idsOf('indicator', 'malware')) }),
        name: undefined,
        ...(random.chance(0.4) ? { observed_data_refs: idsOf('observed-data') } : {}),
        ...(random.chance(0.4) ? { where_sighted_refs: idsOf('identity') } : {}),
        ...rest,
      }
    }
    case 'report':
      return report(many(), { id, ...extra })
    case 'grouping':
      return plain({ context: 'unspecified', object_refs: many() })
    case 'note':
      return { ...plain({ content: 'a note', object_refs: many() }), name: undefined, abstract: extra.name }
    case 'opinion':
      return { ...plain({ opinion: 'agree', object_refs: many() }), name: undefined }
    case 'observed-data':
      return {
        ...plain({
          first_observed: '2026-01-01T00:00:00Z',
          last_observed: '2026-01-01T00:00:00Z',
          number_observed: 1,
          object_refs: many(ADDRESSES),
        }),
        name: undefined,
      }
    case 'language-content':
      return { ...plain({ object_ref: one(), contents: { de: { name: `${extra.name}` } } }), name: undefined }
  }
}

const KINDS: readonly Type[] = [
  ...(['indicator', 'indicator', 'indicator', 'malware', 'malware', 'identity'] as const),
  ...(['relationship', 'relationship', 'relationship', 'sighting', 'report', 'report', 'note'] as const),
  ...(['grouping', 'opinion', 'observed-data', 'language-content'] as const),
]

/** Selectors of parts that the object has. */
function partsOf(object: StixObject): string[] {
  const found: string[] = []
  for (const name of ['name', 'description', 'pattern', 'is_family', 'sectors', 'value', 'relationship_type'])
    if (object[name] !== undefined) found.push(name, name)
  for (const name of ['labels', 'object_refs', 'external_references'])
    for (const [i] of ((object[name] ?? []) as unknown[]).entries()) found.push(`${name}.[${i}]`)
  if (object.external_references) found.push('external_references.[0].description')
  if (object.abstract) found.push('abstract')
  return found
}

/** At most two, so that no more parts and references come apart than copies are kept for. */
function granular(random: Random, object: StixObject, definition: () => string): Extra {
  const parts = partsOf(object)
  if (parts.length === 0 || random.chance(0.65)) return {}
  const markings = Array.from({ length: 1 + random.below(2) }, () => {
    const selectors = [...new Set(Array.from({ length: 1 + random.below(2) }, () => random.pick(parts)))]
    return random.chance(0.8)
      ? { selectors, marking_ref: TLP[random.pick(LEVELS)] }
      : { selectors: selectors.slice(0, 1), marking_ref: definition() }
  })
  return { granular_markings: markings }
}

/** One object and the definitions that it refers to, which must come before it. */
export function randomObject(random: Random, world: RandomWorld): StixObject[] {
  const one = (count: number) => (world.crowded && random.chance(0.9) ? 0 : random.below(count))
  const used: StixObject[] = []
  const definition = () => {
    const found = random.pick(world.definitions)
    used.push(found)
    return found.id
  }
  const refs: string[] = []
  if (random.chance(0.9)) refs.push(TLP[random.pick(LEVELS)])
  if (random.chance(0.3)) refs.push(definition())
  const extra: Extra = { ...(refs.length > 0 ? { object_marking_refs: refs } : {}) }
  const label = random.chance(0.1) ? [`TLP:${random.pick(LEVELS)}`] : []
  if (random.chance(0.3) || label.length > 0)
    extra.labels = ['a', ...label, 'b'].slice(0, 1 + random.below(3))
  const name = `name ${random.below(2)}`
  let object: StixObject
  if (random.chance(0.15)) {
    const { labels: _, ...rest } = extra
    const tagged = random.chance(0.3) ? { x_note: name } : {}
    object = ipv4(`192.0.2.${1 + one(3)}`, { ...rest, ...tagged })
  } else if (random.chance(0.08)) {
    object = indicator20({ id: idOf('indicator', one(2)), modified: random.pick(VERSIONS), name, ...extra })
    object.labels = ['malicious-activity', ...label]
  } else {
    const type = random.pick(KINDS)
    if (random.chance(0.2)) extra.external_references = [{ source_name: 'a source', description: 'of it' }]
    const own = { modified: random.pick(VERSIONS), name, ...extra }
    object = make(random, world, type, idOf(type, one(COUNTS[type])), own)
  }
  object = JSON.parse(JSON.stringify(object))
  return [...used, { ...object, ...(object.spec_version ? granular(random, object, definition) : {}) }].sort(
    (a, b) => Number(b.type === 'marking-definition') - Number(a.type === 'marking-definition'),
  )
}

/** A random query on an id: which versions. */
export function randomVersions(random: Random): string {
  const one = () => random.pick(['first', 'last', random.pick(VERSIONS)])
  if (random.chance(0.3)) return 'all'
  return [...new Set(random.chance(0.7) ? [one()] : [one(), one()])].join(',')
}
