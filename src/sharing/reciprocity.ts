/** What a country gives to each partner, and what it gets (policy.md §13). */
import {
  type AudienceRecord,
  type Collection,
  NO_COUNTRY,
  type Organization,
  type World,
} from '../policy/model.ts'
import { readersOf } from '../policy/readers.ts'
import { levelOf } from '../policy/words.ts'
import type { Exchange } from '../taxii/exchange.ts'
import type { Micros } from '../time.ts'
import { type Asker, countOwn, readableCollections } from './known.ts'
import { count, type PerLevel } from './levels.ts'

export interface Partner {
  country: string
  /** Versions of the caller's country that the caller sees and that somebody of the partner may read. */
  given: PerLevel
  /** Versions of the partner that the caller sees. */
  received: PerLevel
}

export interface Reciprocity {
  country: string
  partners: Partner[]
}

/** Counts over what the caller itself sees, of every collection that it may read. */
export async function reciprocity(exchange: Exchange, caller: Asker): Promise<Reciprocity> {
  const { world } = exchange
  const { organizations } = world.topology
  const now = exchange.clock.now()
  const home = caller.subject.organization
  // International bodies are not compatriots: each is at home by itself.
  const isHome = (o: Organization) =>
    o.id === home.id || (o.country === home.country && o.country !== NO_COUNTRY)
  const partners = new Map<string, { partner: Partner; organizations: Set<string> }>()
  for (const organization of [...organizations.values()].sort((a, b) => (a.country < b.country ? -1 : 1))) {
    if (isHome(organization)) continue
    const { country } = organization
    const found = partners.get(country) ?? {
      partner: { country, given: {}, received: {} },
      organizations: new Set<string>(),
    }
    partners.set(country, found)
    found.organizations.add(organization.id)
  }
  const collections = readableCollections(world, caller)
  const counted = await countOwn(exchange, caller, collections, [...organizations.keys()], now)
  const given = new Map<string, Partner[]>()
  for (const { tally, collection, record } of counted) {
    const origin = organizations.get(tally.organization)
    if (!origin) continue
    const level = levelOf(record)
    if (!isHome(origin)) {
      const from = partners.get(origin.country)
      if (from) count(from.partner.received, level, tally.count)
      continue
    }
    // The submitter is of the originator's organization, which is no partner's.
    const open = { ...record, submitter: '' }
    const key = `${tally.collection} ${JSON.stringify(open)}`
    let to = given.get(key)
    if (!to) {
      to = receiving(world, collection, open, partners, now)
      given.set(key, to)
    }
    for (const partner of to) count(partner.given, level, tally.count)
  }
  return { country: home.country, partners: [...partners.values()].map(({ partner }) => partner) }
}

/** Partners of which at least one principal may read. */
function receiving(
  world: World,
  collection: Collection,
  record: AudienceRecord,
  partners: ReadonlyMap<string, { partner: Partner; organizations: ReadonlySet<string> }>,
  now: Micros,
): Partner[] {
  const found = new Set<Partner>()
  for (const { organization } of readersOf(world, collection, record, now)) {
    const to = partners.get(organization.country)
    if (to?.organizations.has(organization.id)) found.add(to.partner)
  }
  return [...found]
}
