/** `comity retention`: drops the partitions of the log that are older than a date. */
import { Refusal } from '../errors.ts'
import {
  type Count,
  clearAway,
  countRetention,
  forgetDemands,
  planRetention,
  readGone,
  takeOut,
} from '../store/retention.ts'
import { type Clock, formatMicros, type Micros, systemClock } from '../time.ts'
import { dateOf, operator, usage } from './acting.ts'
import { type CliContext, EXIT } from './context.ts'

export interface RetentionCommand {
  before: string
  dryRun: boolean
}

/** Prints one line per collection: what goes, and what stays though it is old. */
export async function retentionCommand(
  context: CliContext,
  command: RetentionCommand,
  clock: Clock = systemClock,
): Promise<number> {
  const now = clock.now()
  const before = dateOf(command.before, '--before') as Micros
  if (before > now) throw usage('--before takes a time that has passed')
  return await context.withOwner(async (client) => {
    const left = await readGone(client)
    if (left.length > 0 && command.dryRun) context.err(`still to be cleared away: ${left.join(', ')}`)
    if (!command.dryRun) {
      for (const name of left) {
        context.err(`clearing away ${name}, which an earlier run has taken out`)
        await clearAway(client, name)
      }
    }
    const plan = await planRetention(client, before)
    if (plan.until === null) {
      const end = plan.oldest === null ? 'is open-ended' : `ends at ${formatMicros(plan.oldest)}`
      context.err(`nothing to drop: the oldest partition ${end}, and only whole ones go`)
      if (left.length > 0 && !command.dryRun) await forgetDemands(client)
      return EXIT.ok
    }
    const counts = await countRetention(client, plan.until)
    for (const count of counts) context.out(describe(count))
    const names = plan.partitions.map((p) => p.name).join(', ')
    const what = `everything added before ${formatMicros(plan.until)} (${names})`
    if (command.dryRun) {
      context.err(`${what} would go; nothing was changed (--dry-run)`)
      return EXIT.ok
    }
    if (!(await takeOut(client, plan, { actor: operator(), now, before, counts }))) {
      throw new Refusal('Others held the log for too long; nothing was dropped: run it again.', EXIT.failed)
    }
    for (const name of await readGone(client)) await clearAway(client, name)
    await forgetDemands(client)
    context.err(`${what} has gone`)
    return EXIT.ok
  })
}

function describe({ collection, gone, stay }: Count): string {
  return `${collection}  ${gone} versions go${stay > 0n ? `, ${stay} stay` : ''}`
}
