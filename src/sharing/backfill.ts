/** Backfill: what an agreement lets somebody read since, and was there before, comes again for who polls (policy.md §7). */
import { rights } from '../policy/access.ts'
import type { Caller, Collection, Organization, Topology } from '../policy/model.ts'
import { countBackfill, readBackfill, readWidenings, reappend, type Span } from '../store/backfill.ts'
import { assume, lockAndAssume, type Reader, StaleWorld } from '../store/session.ts'
import { audit } from '../store/write-items.ts'
import type { Exchange } from '../taxii/exchange.ts'
import { formatMicros, type Micros } from '../time.ts'

/** Rows per lock of a collection's log. */
const BATCH = 500

export interface Backfill {
  /** Country or organization. */
  to: string
  /** Of these collections only. */
  only(collection: Collection): boolean
  /** Rows that were added before; null: before each agreement in force was last changed. */
  since: Micros | null
  dryRun: boolean
  by: string
  reason: string
}

export interface Filled {
  collection: Collection
  objects: number
}

/** The organizations that a name stands for; none when there is no such country or organization. */
export function organizationsOf(topology: Topology, name: string): Organization[] {
  const single = topology.organizations.get(name)
  if (single) return [single]
  return [...topology.organizations.values()].filter((o) => o.country === name)
}

/** Appends again, older first, batch by batch. A second run finds nothing: what it appended is new. */
export async function backfill(exchange: Exchange, command: Backfill): Promise<Filled[]> {
  await exchange.refresh()
  const spans = await spansOf(exchange, command)
  const filled: Filled[] = []
  for (const root of exchange.world.roots.values()) {
    for (const collection of root.collections) {
      if (!command.only(collection)) continue
      let objects = 0
      for (const span of spans) objects += await fill(exchange, collection, span, command)
      if (objects > 0) filled.push({ collection, objects })
    }
  }
  if (!command.dryRun) {
    const { to, since, by, reason } = command
    await audit(exchange.pool, exchange.clock.now(), by, 'backfill', {
      to,
      since: since === null ? null : formatMicros(since),
      reason,
      collections: filled.map((f) => ({ id: f.collection.id, root: f.collection.root, objects: f.objects })),
    })
  }
  return filled
}

async function spansOf(exchange: Exchange, { to, since }: Backfill): Promise<Span[]> {
  const { topology } = exchange.world
  const own = organizationsOf(topology, to)
  const strangers = (of: readonly Organization[]) =>
    of.map((o) => o.id).filter((id) => !own.some((o) => o.id === id))
  if (since !== null) {
    return [{ organizations: strangers([...topology.organizations.values()]), before: since }]
  }
  // By an agreement with a patron, its clients are reached as well.
  const reached = [...topology.organizations.values()].filter(
    (o) => own.includes(o) || own.some((one) => o.clients.has(one.id)),
  )
  const targets = new Set(reached.flatMap((o) => [o.id, o.country]))
  for (const community of topology.communities.values()) {
    if (reached.some((o) => community.members.has(o.id))) targets.add(community.id)
  }
  // Each originator once, with the latest time at which somebody was let in to what is its.
  const before = new Map<string, Micros>()
  for (const { source, since: at } of await readWidenings(
    exchange.pool,
    [...targets],
    exchange.clock.now(),
  )) {
    for (const id of strangers(organizationsOf(topology, source))) {
      if (at > (before.get(id) ?? -1n)) before.set(id, at)
    }
  }
  return [...new Set(before.values())].map((at) => ({
    organizations: [...before].filter(([, own]) => own === at).map(([id]) => id),
    before: at,
  }))
}

async function fill(
  exchange: Exchange,
  collection: Collection,
  span: Span,
  { to, dryRun }: Backfill,
): Promise<number> {
  let objects = 0
  for (;;) {
    try {
      const reader = unite(readersOf(exchange, collection, to))
      if (!reader) return objects
      const moved = await exchange.pool.transaction(async (db) => {
        if (dryRun) {
          await assume(db, reader)
          return await countBackfill(db, collection.seq, reader.scope, span)
        }
        await lockAndAssume(db, reader, collection.seq)
        const due = await readBackfill(db, collection.seq, reader.scope, span, BATCH)
        return due.length === 0 ? 0 : await reappend(db, collection.seq, due, exchange.clock.now())
      })
      objects += moved
      if (dryRun || moved === 0) return objects
    } catch (error) {
      if (!(error instanceof StaleWorld)) throw error
      await exchange.refresh()
    }
  }
}

/** Active principals of the target that may read the collection, each as it reads without a token's cap. */
function readersOf(exchange: Exchange, collection: Collection, to: string): Reader[] {
  const { world } = exchange
  const own = new Set(organizationsOf(world.topology, to).map((o) => o.id))
  const readers: Reader[] = []
  for (const principal of world.topology.principals.values()) {
    if (!own.has(principal.organization)) continue
    const subject = exchange.subject(principal)
    if (!subject) continue
    const caller: Caller = { id: principal.id, subject, token: null }
    if (rights(world, caller, collection)?.read) readers.push(exchange.reader(caller))
  }
  return readers
}

/** Who sees what one of them sees; as nobody in particular. */
function unite(readers: readonly Reader[]): Reader | null {
  const [first] = readers
  if (!first) return null
  const bits = readers.map((reader) => Buffer.from(reader.bits.slice(2), 'hex'))
  const all = Buffer.alloc(Math.max(...bits.map((b) => b.length)))
  for (const b of bits)
    b.forEach((byte, i) => {
      all[i] = (all[i] ?? 0) | byte
    })
  const ids = new Set(readers.flatMap((r) => r.scope.slice(1, -1).split(',')).filter((id) => id !== ''))
  return { ...first, scope: `{${[...ids].join(',')}}`, bits: `\\x${all.toString('hex')}`, principal: '' }
}
