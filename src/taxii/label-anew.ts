/** Labels waiting objects anew: a marking that held them was decided on, or has come (policy.md §2). */
import { rights } from '../policy/access.ts'
import { definitionsNeeded, type Labelled, labelsOf } from '../policy/label.ts'
import type { Collection } from '../policy/model.ts'
import { namedFor } from '../policy/veto.ts'
import type { Database } from '../store/pool.ts'
import {
  type Claimed,
  claimQuarantined,
  type DueObject,
  noteQuarantined,
  readDue,
  settleQuarantined,
} from '../store/quarantined.ts'
import { lockAndAssume, type Reader, StaleWorld } from '../store/session.ts'
import { readDefinitions } from '../store/write-items.ts'
import type { Exchange } from './exchange.ts'
import { type Relabelling, relabel } from './relabel.ts'

const BATCH = 200

/**
 * One batch, in one transaction that holds the collection's log. It can be run again at any time: what is due stays due
 * until its labels are committed.
 * @returns false when nothing is due
 */
export async function labelAnew(exchange: Exchange): Promise<boolean> {
  const claimed = await claimQuarantined(exchange.pool)
  if (!claimed) return false
  await exchange.refresh()
  const { world } = exchange
  const collection = [...world.roots.values()]
    .flatMap((root) => root.collections)
    .find((c) => c.seq === claimed.collection)
  if (!collection) return false
  try {
    await exchange.pool.transaction(async (db) => await batch(exchange, db, collection, claimed))
  } catch (error) {
    if (!(error instanceof StaleWorld)) throw error
  }
  return true
}

async function batch(exchange: Exchange, db: Database, collection: Collection, claimed: Claimed) {
  const { reader, own } = sender(exchange, collection, claimed)
  await lockAndAssume(db, reader, collection.seq)
  const due = await readDue(db, reader.scope, claimed, BATCH)
  const found = due.map((object) => ({
    object,
    value: object.body === null ? null : (JSON.parse(object.body) as Record<string, unknown>),
  }))
  const needed = new Set(found.flatMap(({ value }) => (value ? definitionsNeeded(value) : [])))
  const definitions = new Map(
    (await readDefinitions(db, reader.scope, collection.seq, [...needed], own)).map((row) => [
      row.object_id,
      JSON.parse(row.body) as Record<string, unknown>,
    ]),
  )
  // Whatever the collection does with new ones: what it has keeps to its originator until it can be labelled.
  const named = namedFor(exchange.world.topology, claimed.organization)
  const rules = { ...collection, quarantine: true, named }
  const changes: Relabelling[] = []
  const labelled: { object: DueObject; judged: Extract<Labelled, { ok: true }>['judged'] }[] = []
  const held: bigint[] = []
  for (const { object, value } of found) {
    const one = value
      ? labelsOf(value, claimed.organization, rules, (id) => definitions.get(id), exchange.world.decisions)
      : null
    const known = one?.ok === true
    const result = known ? one : kept(claimed.organization)
    changes.push({ accepted: object.accepted, labelled: result })
    if (known) labelled.push({ object, judged: one.judged })
    else held.push(object.accepted)
  }
  const accepted = labelled.map(({ object }) => object.accepted)
  await settleQuarantined(db, collection.seq, accepted, held)
  await noteQuarantined(
    db,
    collection.seq,
    labelled.flatMap(({ object: { position }, judged }) => (position === null ? [] : [{ position, judged }])),
  )
  await relabel(exchange, db, collection, changes, { kind: 'quarantine', actor: '', reason: null })
}

/**
 * By whose eyes the objects and their markings are read: those of who sent them, without a token's cap. One that is
 * not active any more, or is with another organization, sees none of them: they stay with their originator.
 */
function sender(
  exchange: Exchange,
  collection: Collection,
  { principal: id, organization }: Claimed,
): { reader: Reader; own: string | null } {
  const { world } = exchange
  const subject = exchange.subject(world.topology.principals.get(id))
  if (subject?.organization.id !== organization) {
    const mark = { epoch: world.epoch, audiences: world.audienceCount }
    return { reader: { scope: '{}', bits: '', size: 0, principal: id, mark }, own: id }
  }
  const caller = { id, subject, token: null }
  const mayRead = rights(world, caller, collection)?.read === true
  return { reader: exchange.reader(caller, false), own: mayRead ? null : id }
}

/** For its originator only: what cannot be read, or cannot be labelled. */
function kept(org: string): Extract<Labelled, { ok: true }> {
  return {
    ok: true,
    labels: [{ level: 'unmarked', org }],
    parts: [],
    warnings: [],
    quarantined: true,
    judged: [],
  }
}
