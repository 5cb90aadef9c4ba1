/** Commands that relabel, schedule releases, and decide about requests for release, as a principal. */
import type { Command } from 'commander'
import type { CliContext } from './context.ts'
import { examples } from './examples.ts'
import { type RelabelCommand, relabelCommand } from './relabel.ts'
import { approveCommand, type DecideCommand, listRequestsCommand, refuseCommand } from './release-request.ts'
import {
  type AddCommand,
  addScheduleCommand,
  cancelScheduleCommand,
  listSchedulesCommand,
} from './schedule.ts'

const AS = ['--as <principal>', 'principal that acts'] as const
const REASON = ['--reason <text>', 'why; it is kept in the audit'] as const
const MARKING = ['--marking <markings...>', 'ids of marking-definitions, or tlp:LEVEL'] as const

/** Declares `relabel`, `schedule` and `release-request`. */
export function addRelease(
  program: Command,
  context: CliContext,
  run: (work: () => Promise<number>) => Promise<void>,
): void {
  program
    .command('relabel')
    .description("Give a version of an organization's object other markings.")
    .argument('<object>', 'STIX id')
    .requiredOption('--root <root>', 'API root')
    .requiredOption('--collection <collection>', 'id or alias')
    .requiredOption(...AS)
    .requiredOption(...MARKING)
    .requiredOption(...REASON)
    .option('--version <timestamp>', 'which version (default: the latest)')
    .addHelpText(
      'after',
      examples(
        'comity relabel --root global --collection indicators --as mycert-ann --marking tlp:green --reason "sources agree" indicator--8f6f0b5e-2f9b-4a4e-9d0c-0c6f1f1b7a11',
      ),
    )
    .action((object: string, options: Omit<RelabelCommand, 'object'>) =>
      run(() => relabelCommand(context, { object, ...options })),
    )
  addSchedules(program, context, run)
  addRequests(program, context, run)
}

type Run = Parameters<typeof addRelease>[2]

function addSchedules(program: Command, context: CliContext, run: Run): void {
  const schedule = program.command('schedule').description('Release schedules: other markings on dates.')
  schedule
    .command('list')
    .description("List the organization's release schedules, with their steps.")
    .requiredOption(...AS)
    .addHelpText('after', examples('comity schedule list --as mycert-ann'))
    .action((options: { as: string }) => run(() => listSchedulesCommand(context, options)))
  schedule
    .command('add')
    .description('Release a version of an object step by step.')
    .argument('<object>', 'STIX id')
    .requiredOption('--root <root>', 'API root')
    .requiredOption('--collection <collection>', 'id or alias')
    .requiredOption(...AS)
    .requiredOption('--step <steps...>', 'TIME=MARKING,MARKING: ids of marking-definitions, or tlp:LEVEL')
    .requiredOption(...REASON)
    .option('--version <timestamp>', 'which version (default: the latest)')
    .addHelpText(
      'after',
      examples(
        'comity schedule add --root global --collection indicators --as mycert-ann --reason "after the patch" --step 2027-01-01T00:00:00Z=tlp:green --step 2027-01-15T00:00:00Z=tlp:clear indicator--8f6f0b5e-2f9b-4a4e-9d0c-0c6f1f1b7a11',
      ),
    )
    .action((object: string, options: Omit<AddCommand, 'object'>) =>
      run(() => addScheduleCommand(context, { object, ...options })),
    )
  schedule
    .command('cancel')
    .description('End a release schedule; what is released stays released.')
    .argument('<schedule>', 'its id')
    .requiredOption(...AS)
    .requiredOption(...REASON)
    .addHelpText(
      'after',
      examples(
        'comity schedule cancel --as mycert-ann --reason "not now" 2d086da7-4bdc-4f91-900e-d77486753710',
      ),
    )
    .action((id: string, options: { as: string; reason: string }) =>
      run(() => cancelScheduleCommand(context, { id, ...options })),
    )
}

function addRequests(program: Command, context: CliContext, run: Run): void {
  const request = program.command('release-request').description('Requests for release, to decide about.')
  request
    .command('list')
    .description("List requests for release of the organization's objects.")
    .requiredOption(...AS)
    .option('--mine', 'those that the principal has filed itself', false)
    .addHelpText('after', examples('comity release-request list --as mycert-ann'))
    .action((options: { as: string; mine: boolean }) => run(() => listRequestsCommand(context, options)))
  request
    .command('approve')
    .description('Relabel the object; the requester learns that, and the reason.')
    .argument('<request>', 'its id')
    .requiredOption(...AS)
    .requiredOption(...MARKING)
    .requiredOption(...REASON)
    .addHelpText(
      'after',
      examples(
        'comity release-request approve --as mycert-ann --marking tlp:green --reason "agreed" 2d086da7-4bdc-4f91-900e-d77486753710',
      ),
    )
    .action((id: string, options: DecideCommand & { marking: string[] }) =>
      run(() => approveCommand(context, { ...options, id })),
    )
  request
    .command('refuse')
    .description('Decline it; the requester learns that, and the reason.')
    .argument('<request>', 'its id')
    .requiredOption(...AS)
    .requiredOption(...REASON)
    .addHelpText(
      'after',
      examples(
        'comity release-request refuse --as mycert-ann --reason "the source does not agree" 2d086da7-4bdc-4f91-900e-d77486753710',
      ),
    )
    .action((id: string, options: DecideCommand) => run(() => refuseCommand(context, { ...options, id })))
}
