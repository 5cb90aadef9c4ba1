/** `comity backfill`: what an agreement lets somebody read since, appended again for who polls. */
import { Refusal } from '../errors.ts'
import { backfill, organizationsOf } from '../sharing/backfill.ts'
import type { Exchange } from '../taxii/exchange.ts'
import { collectionOf } from '../taxii/operation.ts'
import { dateOf, operator, reasonOf } from './acting.ts'
import { type CliContext, EXIT } from './context.ts'
import { didYouMean } from './near.ts'

export interface BackfillCommand {
  to: string
  root?: string
  collection?: string
  since?: string
  dryRun: boolean
  reason?: string
}

export async function backfillCommand(
  exchange: Exchange,
  command: BackfillCommand,
  { out, err }: Pick<CliContext, 'out' | 'err'>,
): Promise<number> {
  const refuse = (sentence: string) => new Refusal(sentence, EXIT.usage)
  const { topology, roots } = exchange.world
  if (organizationsOf(topology, command.to).length === 0 || command.to === 'ZZ') {
    const known = [...topology.organizations.keys(), ...topology.countries.keys()]
    throw refuse(
      `There is no country or organization "${command.to}" with principals here${didYouMean(command.to, known)}.`,
    )
  }
  const root = command.root === undefined ? undefined : roots.get(command.root)
  if (command.root !== undefined && !root) {
    throw refuse(`There is no API root "${command.root}"${didYouMean(command.root, roots.keys())}.`)
  }
  if (command.collection !== undefined && !root) throw refuse('--collection needs --root.')
  const collection =
    root && command.collection !== undefined ? collectionOf(root, command.collection) : undefined
  if (command.collection !== undefined && !collection) {
    const near = didYouMean(command.collection, root?.byKey.keys() ?? [])
    throw refuse(`The API root ${root?.path} has no collection "${command.collection}"${near}.`)
  }
  const { dryRun } = command
  const filled = await backfill(exchange, {
    to: command.to,
    only: (one) => (collection ? one.seq === collection.seq : !root || one.root === root.path),
    since: dateOf(command.since, '--since'),
    dryRun,
    by: `operator ${operator()}`,
    reason: command.reason === undefined ? '' : reasonOf(command.reason),
  })
  let total = 0
  for (const { collection: one, objects } of filled) {
    out(`${one.root}/${one.alias ?? one.id}  ${objects}`)
    total += objects
  }
  const rows = `${total} object${total === 1 ? '' : 's'}`
  err(
    dryRun
      ? `${rows} to append again for ${command.to}; nothing was written (--dry-run)`
      : `${rows} appended again: who polls in ${command.to} gets them; others who read them get them once more`,
  )
  return EXIT.ok
}
