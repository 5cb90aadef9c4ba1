/** The demo's objects: some 350, all invented, always the same, by principal and collection as they are submitted. */
import { createHash } from 'node:crypto'
import { COMITY_IDENTITY, RELEASE_EXTENSION, RELEASE_EXTENSION_DEFINITION } from '../stix/index.ts'
import { Author, at, demoId, identityId, releaseDefinition, revise, type Stix, tlp } from './demo-builder.ts'
import { STORIES, type Story } from './demo-stories.ts'

export interface DemoBatch {
  principal: string
  /** Alias, in the root `global`. */
  collection: string
  objects: Stix[]
}

const NAMES: Record<string, [name: string, country: string | null, sector: string]> = {
  mycert: ['National CERT of Malaysia (demo)', 'MY', 'government-national'],
  sgcert: ['National CERT of Singapore (demo)', 'SG', 'government-national'],
  decert: ['National CERT of Germany (demo)', 'DE', 'government-national'],
  frcert: ['National CERT of France (demo)', 'FR', 'government-national'],
  petrobank: ['Petrobank (demo)', 'MY', 'financial-services'],
  rheinstrom: ['Rheinstrom Energie (demo)', 'DE', 'energy'],
  'csirt-forum': ['World Forum of Response Teams (demo)', null, 'non-profit'],
}

/** Everything, in the order in which it is submitted. */
export function demoBatches(): DemoBatch[] {
  const batches = new Map<string, DemoBatch>()
  const put = (principal: string, organization: string, collection: string, ...objects: Stix[]) => {
    const key = `${principal} ${collection}`
    const batch = batches.get(key) ?? { principal, collection, objects: [identity(organization)] }
    batches.set(key, batch)
    for (const object of objects) {
      if (object.type !== 'marking-definition' || !batch.objects.some((o) => o.id === object.id))
        batch.objects.push(object)
    }
  }
  put('forum-liaison', 'csirt-forum', 'reference', ...reference())
  for (const story of STORIES) {
    put(story.principal, story.organization, 'indicators', ...storyObjects(story))
    if (/cert$/.test(story.organization)) {
      const analyst = `${story.organization}-analyst`
      put(analyst, story.organization, 'reports', ...reportObjects(story))
    }
  }
  for (const [organization, collection, objects] of extras()) {
    put(`${organization}-analyst`, organization, collection, ...objects)
  }
  return [...batches.values()]
}

function identity(organization: string): Stix {
  const [name, , sector] = NAMES[organization] ?? [organization, null, '']
  return new Author(organization, 'clear2').make('identity', organization, at(1), {
    name,
    identity_class: 'organization',
    sectors: [sector],
    contact_information: `soc@${organization}.example`,
  })
}

/** Who takes part, and how to mark: CLEAR by the collection's default. */
function reference(): Stix[] {
  const author = new Author('csirt-forum', 'none')
  const organizations = Object.keys(NAMES).filter((o) => o !== 'csirt-forum')
  const countries = [...new Set(Object.values(NAMES).map(([, country]) => country))].filter((c) => c !== null)
  const locations = countries.map((country) => author.make('location', country, at(1), { country }))
  const residence = organizations.flatMap((organization) => {
    const there = locations.find((l) => l.country === NAMES[organization]?.[1])
    return there ? [author.relate(identity(organization), 'located-at', there, at(1))] : []
  })
  const comity = { ...author.make('identity', 'comity', at(1), {}), id: COMITY_IDENTITY }
  const advice = (name: string, description: string) =>
    author.make('course-of-action', name, at(2), { name, description })
  return [
    ...organizations.map(identity),
    {
      ...comity,
      name: 'Comity',
      identity_class: 'organization',
      description: 'The makers of this exchange.',
    },
    // Every collection answers to its id already, so that this is accepted without being listed again.
    JSON.parse(RELEASE_EXTENSION_DEFINITION) as Stix,
    ...locations,
    ...residence,
    author.make('note', 'how to mark', at(3), {
      abstract: 'How to release an object to some countries only',
      content:
        'Make a marking-definition with the extension that this note is about, and refer to it beside TLP:AMBER or a stricter marking. Who does not know the extension still sees a TLP marking that is safe alone.',
      object_refs: [RELEASE_EXTENSION],
    }),
    advice(
      'Filter at the border',
      'Drop traffic from and to the addresses of a GREEN indicator at the border.',
    ),
    advice(
      'Look back ninety days',
      'Search the logs of the last ninety days for what a new indicator names.',
    ),
    advice(
      'Call before you publish',
      'Ask the originator before an AMBER object becomes part of a publication.',
    ),
  ]
}

/** One intrusion: who, with what, how, against whom, what to look for, and where it was seen. */
function storyObjects(story: Story): Stix[] {
  const { key, organization, day, network, host } = story
  const release = story.release && releaseDefinition(organization, story.release)
  const author = new Author(organization, story.marking, release)
  const [address, domain] = [`${network}.${host}`, `${key}.example`]
  const [address6, second] = [`2001:db8:${host.toString(16)}::${day.toString(16)}`, `${network}.${host + 1}`]
  const sha256 = createHash('sha256').update(`demo file of ${key}`).digest('hex')
  const named = (type: string, name: string, extra: object) =>
    author.make(type, `${key} ${type}`, at(day, 5), { name, ...extra })

  const actor = named('threat-actor', story.actor.name, {
    threat_actor_types: story.actor.types,
    aliases: [story.actor.alias, `${story.actor.alias} Group`],
    primary_motivation: story.actor.motivation,
    ...(key === 'tin-badger' && granular('aliases.[1]', 'amber2')),
  })
  const campaign = named('campaign', story.campaign, { description: story.summary, first_seen: at(day - 20) })
  const malware = named('malware', story.malware.name, {
    malware_types: story.malware.types,
    is_family: true,
    description: `Used in ${story.campaign}.`,
    ...(key === 'copper-swarm' && granular('description', 'green1')),
  })
  const technique = named('attack-pattern', story.technique.name, {
    description: story.technique.how,
    kill_chain_phases: [{ kill_chain_name: 'demo-kill-chain', phase_name: story.technique.phase }],
  })
  const infrastructure = named('infrastructure', story.infrastructure.name, {
    infrastructure_types: story.infrastructure.types,
    first_seen: at(day - 18),
  })
  const victims = named('identity', story.target.name, {
    identity_class: 'class',
    sectors: [story.target.sector],
  })
  const spot = (name: string, pattern: string, title: string) =>
    author.indicator(`${key} ${name}`, at(day, 10), pattern, title)
  const indicators = [
    spot(
      'hosts',
      `[ipv4-addr:value IN ('${address}', '${second}')] OR [ipv6-addr:value = '${address6}']`,
      `Hosts of ${story.infrastructure.name}`,
    ),
    spot('domain', `[domain-name:value = '${domain}']`, `Domain of ${story.campaign}`),
    spot('url', `[url:value = 'https://${domain}/${day}/update']`, `Where ${story.malware.name} comes from`),
    spot(
      'file',
      `[file:hashes.'SHA-256' = '${sha256}'] FOLLOWEDBY [network-traffic:dst_ref.value = '${address}' AND network-traffic:dst_port = 443] WITHIN 600 SECONDS`,
      `${story.malware.name} calls home`,
    ),
  ] as const
  const [hosts, byDomain, byUrl, byFile] = indicators
  if (key === 'parcel-fox')
    Object.assign(byUrl, { description: 'Seen in one pilot.' }, granular('description', 'amber1'))

  const ip = author.observable('ipv4-addr', { value: address })
  const ip6 = author.observable('ipv6-addr', { value: address6 })
  const name = author.observable('domain-name', { value: domain }, { resolves_to_refs: [ip.id, ip6.id] })
  const file = author.observable(
    'file',
    { hashes: { 'SHA-256': sha256 }, name: `${key}.bin` },
    { size: 4096 + day },
  )
  const observed = author.make('observed-data', key, at(day, 30), {
    first_observed: at(day - 1),
    last_observed: at(day, 20),
    number_observed: 3 + (day % 40),
    object_refs: [ip.id, name.id],
  })
  const relate = (source: Stix, kind: string, target: Stix) =>
    author.relate(source, kind, target, at(day, 15))
  return [
    ...(release ? [release] : []),
    ...[actor, campaign, malware, technique, infrastructure, victims],
    ...indicators,
    ...[ip, ip6, name, file],
    relate(campaign, 'attributed-to', actor),
    relate(campaign, 'uses', malware),
    relate(actor, 'uses', technique),
    relate(actor, 'targets', victims),
    relate(malware, 'beacons-to', infrastructure),
    relate(infrastructure, 'consists-of', ip),
    relate(hosts, 'indicates', infrastructure),
    relate(byDomain, 'indicates', campaign),
    relate(byFile, 'indicates', malware),
    observed,
    author.make('sighting', key, at(day, 35), {
      sighting_of_ref: hosts.id,
      observed_data_refs: [observed.id],
      where_sighted_refs: [identityId(organization)],
      count: observed.number_observed,
      first_seen: at(day - 1),
      last_seen: at(day, 20),
    }),
    author.make('note', key, at(day, 40), {
      abstract: 'First assessment',
      content: `${story.summary} Confidence is moderate until a second team confirms it.`,
      object_refs: [campaign.id],
    }),
    revise(hosts, at(day + 3), { valid_until: at(day + 93), description: `${second} has gone silent.` }),
    revise(actor, at(day + 5), { description: `Behind ${story.campaign}, and perhaps others.` }),
    ...(day % 2 === 0 ? [revise(hosts, at(day + 40), { revoked: true })] : []),
  ]
}

/** Marks one part more strictly than the object: the object is then withheld from who may not read that part. */
function granular(selector: string, marking: 'green1' | 'amber1' | 'amber2'): object {
  return { granular_markings: [{ marking_ref: tlp(marking), selectors: [selector] }] }
}

/** A finished report on a story, and an opinion about it. */
function reportObjects(story: Story): Stix[] {
  const { key, organization, day } = story
  const release = story.release && releaseDefinition(organization, story.release)
  const author = new Author(organization, story.marking, release)
  const about = (type: string) => demoId(type, `${key} ${type}`)
  const report = author.make('report', key, at(day + 10), {
    name: `${story.campaign}: ${story.technique.name}`,
    description: story.summary,
    report_types: ['campaign', 'threat-actor'],
    published: at(day + 10),
    object_refs: [about('campaign'), about('threat-actor'), about('malware'), about('attack-pattern')],
  })
  const opinion = author.make('opinion', key, at(day + 12), {
    opinion: day % 3 === 0 ? 'agree' : 'strongly-agree',
    explanation: 'A second team came to the same result.',
    object_refs: [report.id],
  })
  return [...(release ? [release] : []), report, opinion]
}

/** What the stories do not show: unmarked, RED without names, embargo, mixed TLP, somebody else's sighting. */
function extras(): [organization: string, collection: string, objects: Stix[]][] {
  const draft = new Author('frcert', 'none')
  const drafts = ['one', 'two', 'three'].map((n, i) =>
    draft.indicator(
      `draft ${n}`,
      at(270 + i),
      `[domain-name:value = 'draft-${n}.example']`,
      `Draft ${n}, not reviewed`,
    ),
  )
  const red = new Author('decert', 'red1')
  const source = red.make('threat-actor', 'inside', at(205), {
    name: 'GRID LARK, handler',
    roles: ['director'],
  })
  const note = red.make('note', 'inside', at(206), { content: 'From a source.', object_refs: [source.id] })
  const embargo = releaseDefinition('frcert', {
    name: 'FROM 1 JUNE 2025',
    not_before: '2025-06-01T00:00:00.000Z',
  })
  const embargoed = new Author('frcert', 'green2', embargo).make('report', 'embargo', at(140), {
    name: 'A flaw in file managers, held back until there was a fix',
    published: '2025-06-01T00:00:00.000Z',
    report_types: ['vulnerability'],
    object_refs: [demoId('attack-pattern', 'blue-orchard attack-pattern')],
  })
  const unmarked = new Author('sgcert', 'none').make('report', 'weekly', at(190), {
    name: 'The week in one page',
    published: at(190),
    object_refs: [demoId('campaign', 'copper-swarm campaign')],
  })
  const seen = (organization: string, story: string, day: number) =>
    new Author(organization, 'amber2').make('sighting', `${organization} ${story}`, at(day), {
      sighting_of_ref: demoId('indicator', `${story} hosts`),
      where_sighted_refs: [identityId(organization)],
      count: 1 + (day % 5),
    })
  const mixed = new Author('decert', 'green1').make('note', 'mixed', at(220), {
    content: 'Marked under both TLP 1 and TLP 2: the stricter one counts.',
    object_refs: [demoId('malware', 'tin-badger malware')],
    object_marking_refs: [tlp('green1'), tlp('amber2')],
  })
  // The address that Singapore publishes, under Germany's own marking: two copies, each with its own readers.
  const known = new Author('decert', 'amber2').observable('ipv4-addr', { value: '198.51.100.10' })
  return [
    ['frcert', 'indicators', drafts],
    ['decert', 'indicators', [source, note, mixed, known]],
    ['frcert', 'reports', [embargo, embargoed]],
    ['sgcert', 'reports', [unmarked]],
    ['sgcert', 'indicators', [seen('sgcert', 'silk-kite', 80), seen('sgcert', 'parcel-fox', 101)]],
    ['mycert', 'indicators', [seen('mycert', 'copper-swarm', 131)]],
    ['frcert', 'indicators', [seen('frcert', 'grid-lark', 206)]],
  ]
}
