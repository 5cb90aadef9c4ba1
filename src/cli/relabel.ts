/** `comity relabel`: other markings on an object of the principal's organization. */
import { findOwnPlace, versionKeyOf } from '../sharing/own-copies.ts'
import { relabelObject } from '../sharing/relabel-object.ts'
import { type CliContext, EXIT } from './context.ts'
import { asMember, markingsOf, reasonOf } from './member.ts'

export interface RelabelCommand {
  object: string
  root: string
  collection: string
  as: string
  marking: string[]
  reason: string
  version?: string
}

/** Prints one line; warnings and ended schedules go to stderr. */
export async function relabelCommand(context: CliContext, command: RelabelCommand): Promise<number> {
  const refs = markingsOf(command.marking)
  const reason = reasonOf(command.reason)
  const done = await asMember(context, command.as, async (exchange, caller) => {
    const place = findOwnPlace(exchange, caller, command.root, command.collection)
    return await relabelObject(exchange, caller, place, {
      id: command.object,
      versionKey: versionKeyOf(command.version),
      accepted: null,
      markings: { object_marking_refs: refs },
      reason,
    })
  })
  printRelabelled(context, done)
  return EXIT.ok
}

export function printRelabelled(context: CliContext, done: Awaited<ReturnType<typeof relabelObject>>): void {
  const { before, after } = done.readers
  context.out(
    `${done.id} ${done.version} ${done.change}: ${before} organizations could read it, ${after ?? 'fewer'} can now`,
  )
  for (const warning of done.warnings) context.err(`warning: ${warning}`)
  for (const id of done.cancelled_schedules) context.err(`release schedule ${id} is cancelled`)
}
