/** Why may or may not that reader read this object? Answered to the organization that submitted it (policy.md §13). */
import { AppError } from '../errors.ts'
import { rights } from '../policy/access.ts'
import { type Condition, explain } from '../policy/explain.ts'
import type { AudienceRecord, Collection, Level, Principal, World } from '../policy/model.ts'
import { openToAnybody } from '../policy/readers.ts'
import { levelOf } from '../policy/words.ts'
import { isStixId, timestampKey } from '../stix/index.ts'
import { type OwnItem, readOwnVersions } from '../store/own-items.ts'
import type { Exchange } from '../taxii/exchange.ts'
import { findCollection } from '../taxii/operation.ts'
import { formatMicros, type Micros } from '../time.ts'
import { type Asker, hidingOf, recordOf, toldOf } from './known.ts'

export interface ExplainRequest {
  root: string
  /** Id or alias. */
  collection: string
  id: string
  /** As the object spells it; absent: the latest that the caller sees. */
  version?: string
  reader: { principal: string } | { organization: string }
}

/** The answer for principals that no condition tells apart. */
export interface Explained {
  principals: number
  people: number
  feeds: number
  decision: boolean
  rule: string
  label: string | null
  conditions: Condition[]
}

export interface ExplainAnswer {
  id: string
  version: string
  date_added: string
  level: Level
  readers: Explained[]
}

/** @throws notFound for what the caller does not see, what is not of its organization, and unknown readers */
export async function explainObject(
  exchange: Exchange,
  caller: Asker,
  request: ExplainRequest,
): Promise<ExplainAnswer> {
  const { world } = exchange
  const { subject } = caller
  const now = exchange.clock.now()
  const { collection, rights: own } = findCollection(exchange, caller, request.root, request.collection)
  const readers = principalsOf(world, request.reader)
  if (!own.read || !isStixId(request.id) || readers === null) throw new AppError('notFound')
  const item = await findVersion(exchange, caller, collection, request, now)
  const told = await toldOf(exchange, subject, collection, item ? [item] : [], now)
  const record = item && recordOf(world, subject, collection, item, told, now)
  if (!item || !record) throw new AppError('notFound')
  return {
    id: item.id,
    version: item.version,
    date_added: formatMicros(item.position),
    level: levelOf(record),
    readers: explainTo(world, collection, record, readers, now),
  }
}

/** Active principals of an organization, or the one that is named, active or not; null when there is none such. */
function principalsOf(world: World, reader: ExplainRequest['reader']): Principal[] | null {
  const { principals, organizations } = world.topology
  if ('principal' in reader) {
    const one = principals.get(reader.principal)
    return one && organizations.has(one.organization) ? [one] : null
  }
  if (!organizations.has(reader.organization)) return null
  return [...principals.values()].filter((p) => p.organization === reader.organization && p.active)
}

async function findVersion(
  exchange: Exchange,
  caller: Asker,
  collection: Collection,
  { id, version }: ExplainRequest,
  now: Micros,
): Promise<OwnItem | undefined> {
  const organization = caller.subject.organization.id
  const reader = exchange.reader(caller)
  const hiding = hidingOf(exchange, caller, [collection], now)
  const { seq } = collection
  const items = await readOwnVersions(exchange.pool, reader, now, hiding, seq, organization, id, null)
  if (version === undefined) return items[0]
  const key = timestampKey(version)
  return key === null ? undefined : items.find((item) => item.versionKey === key)
}

function explainTo(
  world: World,
  collection: Collection,
  record: AudienceRecord,
  readers: readonly Principal[],
  now: Micros,
): Explained[] {
  const { topology } = world
  const groups = new Map<string, Explained>()
  for (const principal of readers) {
    const organization = topology.organizations.get(principal.organization)
    if (!organization) continue
    const subject = { principal, organization, cap: null }
    const found = rights(world, { id: principal.id, subject, token: null }, collection)
    const may = found?.read || openToAnybody(world, collection, record, now)
    const explanation = explain(topology, subject, may, record, now)
    const key = JSON.stringify(explanation)
    const group = groups.get(key) ?? { principals: 0, people: 0, feeds: 0, ...explanation }
    groups.set(key, group)
    group.principals++
    if (principal.kind === 'service') group.feeds++
    else group.people++
  }
  return [...groups.values()]
}
