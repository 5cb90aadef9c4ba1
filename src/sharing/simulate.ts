/** Who would gain and lose if an agreement came into force or ended: asked by a party before signing (policy.md §13). */
import { AppError } from '../errors.ts'
import {
  type Agreement,
  type Level,
  NO_COUNTRY,
  type Tlp,
  type Topology,
  type World,
} from '../policy/model.ts'
import { readersAmong } from '../policy/readers.ts'
import { touchedBy } from '../policy/receives.ts'
import { levelOf } from '../policy/words.ts'
import type { Exchange } from '../taxii/exchange.ts'
import { type Asker, countOwn, readableCollections } from './known.ts'
import { count, type PerLevel } from './levels.ts'

export interface Draft {
  from: string
  to: string
  max_tlp: Tlp
  recipients: 'national-cert' | 'all'
  clients: boolean
}

export type SimulateRequest = { draft: Draft } | { end: { from: string; to: string; max_tlp?: Tlp } }

export interface Change {
  gain: PerLevel
  lose: PerLevel
}

export interface Simulation {
  /** Stored versions that the caller sees and that the agreement is about. */
  considered: number
  countries: (Change & { code: string })[]
  organizations: (Change & { id: string; name: string; country: string })[]
}

/**
 * Counts over what the caller itself sees, so that no count tells of anything else.
 * @throws forbidden for who is no party; notFound for unknown names, or when there is no such agreement to end
 */
export async function simulate(
  exchange: Exchange,
  caller: Asker,
  request: SimulateRequest,
): Promise<Simulation> {
  const { world } = exchange
  const { topology } = world
  const now = exchange.clock.now()
  const { from, to } = 'draft' in request ? request.draft : request.end
  requireParty(caller, from, to)
  const changed = 'draft' in request ? [drafted(topology, request.draft)] : ending(topology, request.end)
  const agreements =
    'draft' in request
      ? [...topology.agreements, ...changed]
      : topology.agreements.filter((a) => !changed.includes(a))
  const after: World = { ...world, topology: { ...topology, agreements } }
  const touched = [...new Set(changed.flatMap((agreement) => touchedBy(topology, agreement)))].sort()
  const sources = [...topology.organizations.values()]
    .filter((o) => o.id === from || (o.country === from && from !== NO_COUNTRY))
    .map((o) => o.id)
  const collections = readableCollections(world, caller)
  const counted = await countOwn(exchange, caller, collections, sources, now)

  const sum = new Sum(topology, touched)
  const judged = new Map<string, [Set<string>, Set<string>]>()
  let considered = 0
  for (const { tally, collection, record } of counted) {
    considered += tally.count
    // The submitter is of the originator's organization, where no agreement counts.
    const open = { ...record, submitter: '' }
    const key = `${tally.collection} ${JSON.stringify(open)}`
    let both = judged.get(key)
    if (!both) {
      const reading = (w: World) =>
        new Set(readersAmong(w, collection, open, now, touched).map((r) => r.organization.id))
      both = [reading(world), reading(after)]
      judged.set(key, both)
    }
    sum.add(...both, levelOf(record), tally.count)
  }
  return { considered, ...sum.result() }
}

/** Its organization or its country; what others agree is not for it to try out. */
function requireParty({ subject }: Asker, from: string, to: string): void {
  const { id, country } = subject.organization
  const mine = (side: string) => side === id || (side === country && country !== NO_COUNTRY)
  if (mine(from) || mine(to)) return
  throw new AppError('forbidden', {
    detail: 'Only a party may simulate an agreement: your organization or its country.',
  })
}

function drafted({ countries, organizations, communities }: Topology, draft: Draft): Agreement {
  const { from, to, max_tlp, recipients, clients } = draft
  const inUse = new Set([...organizations.values()].map((o) => o.country))
  const isCountry = (name: string) => name !== NO_COUNTRY && (countries.has(name) || inUse.has(name))
  const known = (name: string) => isCountry(name) || organizations.has(name)
  if (!known(from) || !(known(to) || communities.has(to))) throw new AppError('notFound')
  const common = { source: from, target: to, maxTlp: max_tlp, recipients, clients }
  return { ...common, validFrom: null, validUntil: null, signed: [from, to] }
}

function ending(
  { agreements }: Topology,
  { from, to, max_tlp }: { from: string; to: string; max_tlp?: Tlp },
) {
  const found = agreements.filter(
    (a) => a.source === from && a.target === to && (max_tlp === undefined || a.maxTlp === max_tlp),
  )
  if (found.length === 0) throw new AppError('notFound')
  return found
}

/** Gains and losses per organization, and per country: where somebody reads what nobody read, or the reverse. */
class Sum {
  readonly #topology: Topology
  readonly #country = new Map<string, string>()
  readonly #organizations = new Map<string, Change>()
  readonly #countries = new Map<string, Change>()

  constructor(topology: Topology, touched: readonly string[]) {
    this.#topology = topology
    for (const id of touched) {
      const country = topology.organizations.get(id)?.country
      if (country !== undefined) this.#country.set(id, country)
    }
  }

  add(before: ReadonlySet<string>, after: ReadonlySet<string>, level: Level, number: number): void {
    compare(this.#organizations, before, after, level, number)
    const countries = (ids: ReadonlySet<string>) =>
      new Set([...ids].flatMap((id) => this.#country.get(id) ?? []).filter((code) => code !== NO_COUNTRY))
    compare(this.#countries, countries(before), countries(after), level, number)
  }

  result(): Pick<Simulation, 'countries' | 'organizations'> {
    const ordered = <T>(map: Map<string, T>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1))
    return {
      countries: ordered(this.#countries).map(([code, change]) => ({ code, ...change })),
      organizations: ordered(this.#organizations).map(([id, change]) => ({
        id,
        name: this.#topology.organizations.get(id)?.name ?? '',
        country: this.#country.get(id) ?? '',
        ...change,
      })),
    }
  }
}

function compare(
  changes: Map<string, Change>,
  before: ReadonlySet<string>,
  after: ReadonlySet<string>,
  level: Level,
  number: number,
): void {
  const note = (id: string, what: keyof Change) => {
    const change = changes.get(id) ?? { gain: {}, lose: {} }
    changes.set(id, change)
    count(change[what], level, number)
  }
  for (const id of after) if (!before.has(id)) note(id, 'gain')
  for (const id of before) if (!after.has(id)) note(id, 'lose')
}
