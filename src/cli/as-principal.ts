/** A command that acts as a principal: who that is, in which collection, with which rights; or a sentence why not. */
import { Refusal } from '../errors.ts'
import { mayLook, type Rights, rights } from '../policy/access.ts'
import type { Caller, Collection, Subject } from '../policy/model.ts'
import type { Exchange } from '../taxii/exchange.ts'
import { collectionOf } from '../taxii/operation.ts'
import { EXIT } from './context.ts'
import { didYouMean } from './near.ts'

/** What a command says about whom and what it is for. */
export interface Target {
  root: string
  /** Id or alias. */
  collection: string
  as: string
}

export interface Acting {
  caller: Caller
  subject: Subject
  collection: Collection
  rights: Rights
}

const refuse = (sentence: string) => new Refusal(sentence, EXIT.usage)

/** A principal as a caller, without a token. @throws Refusal (2) when it is not there or not active */
export function actingAs(exchange: Exchange, name: string): Caller & { subject: Subject } {
  const { principals } = exchange.world.topology
  const principal = principals.get(name)
  if (!principal) throw refuse(`There is no principal "${name}"${didYouMean(name, principals.keys())}.`)
  const subject = exchange.subject(principal)
  if (!subject) throw refuse(`The principal ${name} is not active.`)
  return { id: principal.id, subject, token: null }
}

/**
 * @param right `look`: to read, if only what is open to anybody
 * @throws Refusal (2) naming what is unknown, or the right that is missing
 */
export function actAs(exchange: Exchange, target: Target, right: 'read' | 'write' | 'look'): Acting {
  const { world } = exchange
  const caller = actingAs(exchange, target.as)
  const root = world.roots.get(target.root)
  if (!root)
    throw refuse(`There is no API root "${target.root}"${didYouMean(target.root, world.roots.keys())}.`)
  const collection = collectionOf(root, target.collection)
  if (!collection) {
    const near = didYouMean(target.collection, root.byKey.keys())
    throw refuse(`The API root ${root.path} has no collection "${target.collection}"${near}.`)
  }
  const found: Rights = rights(world, caller, collection) ?? { read: false, write: false }
  if (right === 'look' ? !mayLook(found) : !found[right]) {
    const what = right === 'write' ? 'write to' : 'read from'
    throw refuse(
      `${caller.id} may not ${what} ${collection.alias ?? collection.id} of ${root.path}: grant it in the topology file, or name another principal with --as.`,
    )
  }
  return { caller, subject: caller.subject, collection, rights: found }
}
