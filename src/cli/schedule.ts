/** `comity schedule`: release schedules of the principal's organization. */
import { Refusal } from '../errors.ts'
import { addSchedule, endSchedule, listSchedules } from '../sharing/schedules.ts'
import { type CliContext, EXIT } from './context.ts'
import { asMember, idOf, markingsOf, reasonOf } from './member.ts'
import { table } from './table.ts'

export interface AddCommand {
  object: string
  root: string
  collection: string
  as: string
  step: string[]
  reason: string
  version?: string
}

const MOST_STEPS = 20

/** Prints the id of the new schedule. */
export async function addScheduleCommand(context: CliContext, command: AddCommand): Promise<number> {
  const steps = command.step.map(stepOf)
  if (steps.length > MOST_STEPS) throw new Refusal(`A schedule has at most ${MOST_STEPS} steps.`, EXIT.usage)
  const reason = reasonOf(command.reason)
  const { root, collection, object: id, version } = command
  const made = await asMember(context, command.as, (exchange, caller) =>
    addSchedule(exchange, caller, { root, collection, id, version, steps, reason }),
  )
  context.out(made.id)
  return EXIT.ok
}

function stepOf(text: string): { at: string; object_marking_refs: string[] } {
  const at = text.indexOf('=')
  if (at < 0) {
    throw new Refusal(
      `--step ${text} is not TIME=MARKING, such as 2027-01-01T00:00:00Z=tlp:green.`,
      EXIT.usage,
    )
  }
  return { at: text.slice(0, at), object_marking_refs: markingsOf(text.slice(at + 1).split(',')) }
}

/** Prints one line per step. */
export async function listSchedulesCommand(context: CliContext, { as }: { as: string }): Promise<number> {
  const rows = await asMember(context, as, async (exchange, caller) => {
    const found: string[][] = []
    let next: string | undefined
    do {
      const page: Awaited<ReturnType<typeof listSchedules>> = await listSchedules(exchange, caller, {
        limit: 1000,
        next,
      })
      for (const schedule of page.items) {
        for (const step of schedule.steps) {
          const what = step.problem ?? step.change ?? step.object_marking_refs.join(',')
          found.push([schedule.id, schedule.object, schedule.state, step.at, step.state, what])
        }
      }
      next = page.next
    } while (next)
    return found
  })
  if (rows.length === 0) context.err('no release schedules')
  else
    for (const line of table([['SCHEDULE', 'OBJECT', 'STATE', 'AT', 'STEP', 'WHAT'], ...rows]))
      context.out(line)
  return EXIT.ok
}

export async function cancelScheduleCommand(
  context: CliContext,
  command: { id: string; as: string; reason: string },
): Promise<number> {
  const [id, reason] = [idOf(command.id), reasonOf(command.reason)]
  await asMember(context, command.as, (exchange, caller) => endSchedule(exchange, caller, id, reason))
  context.err(`release schedule ${id} is cancelled`)
  return EXIT.ok
}
