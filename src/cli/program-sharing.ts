/** The command line of the sharing policy: agreements, vetoes, opt-outs, backfill, audit. */
import type { Command } from 'commander'
import type { As } from './acting.ts'
import { endCommand, listAgreementsCommand, type Propose, proposeCommand, signCommand } from './agreement.ts'
import { auditCommand } from './audit.ts'
import type { BackfillCommand } from './backfill.ts'
import type { CliContext } from './context.ts'
import { examples } from './examples.ts'
import type { LabelDue } from './quarantine.ts'
import {
  type AddVeto,
  addOptOutCommand,
  addVetoCommand,
  endOptOutCommand,
  endVetoCommand,
  listOptOutsCommand,
  listVetoesCommand,
} from './veto.ts'

export interface SharingDeps {
  context: CliContext
  labelDue?: LabelDue
  /** Left out where a program has no exchange to work on. */
  backfill?(command: BackfillCommand): Promise<number>
}

type Run = (work: () => Promise<number>) => Promise<void>

const AS = ['--as <principal>', 'custodian that acts (default: you, as the operator)'] as const
const REASON = ['--reason <text>', 'kept in the audit, and shown to the parties'] as const
const FOR = ['--for <sides...>', 'as the operator: sides that sign it by your hand'] as const

export function addSharing(program: Command, deps: SharingDeps, run: Run): void {
  addAgreement(program, deps.context, run)
  addVeto(program, deps, run)
  addOptOut(program, deps.context, run)

  program
    .command('backfill')
    .description(
      'Append again what an agreement lets somebody read since, so that incremental pollers get it.',
    )
    .requiredOption('--to <name>', 'country or organization that reads it')
    .option('--root <root>', 'of this API root only')
    .option('--collection <collection>', 'id or alias: of this collection only')
    .option('--since <time>', 'what was added before (default: before each agreement in force last changed)')
    .option('--reason <text>', 'kept in the audit')
    .option('--dry-run', 'count, and change nothing', false)
    .addHelpText(
      'after',
      examples(
        'comity backfill --to SG --dry-run',
        'comity backfill --to sgcert --root global --collection indicators',
      ),
    )
    .action((options: BackfillCommand) => run(async () => (await deps.backfill?.(options)) ?? 1))

  program
    .command('audit')
    .description('List who changed what, when and why.')
    .option('--since <time>', '2027-01-01 (UTC) or 2027-01-01T00:00:00Z')
    .option('--json', 'one JSON object per line')
    .addHelpText('after', examples('comity audit --since 2027-01-01', 'comity audit --json | jq .action'))
    .action((options: { since?: string; json?: boolean }) => run(() => auditCommand(deps.context, options)))
}

function addAgreement(program: Command, context: CliContext, run: Run): void {
  const agreement = program
    .command('agreement')
    .description('Agreements between countries and organizations.')
  agreement
    .command('list')
    .description('List agreements with their signatures.')
    .option('--as <principal>', 'those of its organization and country')
    .option('--json', 'one JSON object per line')
    .addHelpText('after', examples('comity agreement list', 'comity agreement list --as mycert-analyst'))
    .action((options: As & { json?: boolean }) => run(() => listAgreementsCommand(context, options)))
  agreement
    .command('propose')
    .description('Propose an agreement: a draft until both sides have signed. Prints its id.')
    .requiredOption('--from <side>', 'country or organization whose objects they are')
    .requiredOption('--to <side>', 'country or organization that may read them')
    .requiredOption('--max-tlp <level>', 'clear, green, amber, amber+strict or red')
    .option('--recipients <who>', 'all or national-cert: which organizations of a country', 'all')
    .option('--clients', 'clients of recipients may read as well', false)
    .option('--valid-from <time>', '2027-01-01 (UTC) or 2027-01-01T00:00:00Z')
    .option('--valid-until <time>', 'excluded')
    .option(...AS)
    .option(...FOR)
    .requiredOption(...REASON)
    .addHelpText(
      'after',
      examples(
        'comity agreement propose --from MY --to SG --max-tlp amber --recipients national-cert --as mycert-analyst --reason "exercise 2027"',
      ),
    )
    .action((options: Propose) => run(() => proposeCommand(context, options)))
  agreement
    .command('sign')
    .description('Sign an agreement; with the last signature it is in force.')
    .argument('<agreement>', 'its id')
    .option(...AS)
    .option(...FOR)
    .requiredOption(...REASON)
    .addHelpText(
      'after',
      examples(
        'comity agreement sign 5c0d6a0e-3f5b-4c39-9a51-5b8f7d0c2e14 --as sgcert-analyst --reason "agreed"',
      ),
    )
    .action((id: string, options: As & { reason: string }) =>
      run(() => signCommand(context, { agreement: id, ...options })),
    )
  agreement
    .command('end')
    .description('End an agreement at once, or refuse a draft.')
    .argument('<agreement>', 'its id')
    .option(...AS)
    .requiredOption(...REASON)
    .addHelpText(
      'after',
      examples(
        'comity agreement end 5c0d6a0e-3f5b-4c39-9a51-5b8f7d0c2e14 --as mycert-analyst --reason "over"',
      ),
    )
    .action((id: string, options: As & { reason: string }) =>
      run(() => endCommand(context, { agreement: id, ...options })),
    )
}

function addVeto(program: Command, { context, labelDue }: SharingDeps, run: Run): void {
  const veto = program
    .command('veto')
    .description("A national authority's no to what originates in its country.")
  veto
    .command('list')
    .description('List vetoes.')
    .option('--as <principal>', "those of its organization's country")
    .addHelpText('after', examples('comity veto list'))
    .action((options: As) => run(() => listVetoesCommand(context, options)))
  veto
    .command('add')
    .description('Speak a veto, from the next statement on. Prints its id.')
    .option('--by <organization>', 'as the operator: the national CERT that speaks')
    .option('--to <countries...>', 'countries that may not read (default: all, and at home)')
    .option('--level <level>', 'this level and stricter ones (default: every level)')
    .option('--named <id>', 'only this object, or what has this marking-definition')
    .option('--valid-from <time>', '2027-01-01 (UTC) or 2027-01-01T00:00:00Z')
    .option('--valid-until <time>', 'excluded')
    .option(...AS)
    .requiredOption(...REASON)
    .addHelpText(
      'after',
      examples('comity veto add --as mycert-analyst --to DE --level amber --reason "court order 12/2027"'),
    )
    .action((options: AddVeto) => run(() => addVetoCommand(context, options, labelDue)))
  veto
    .command('end')
    .description('End a veto.')
    .argument('<veto>', 'its id')
    .option(...AS)
    .requiredOption(...REASON)
    .addHelpText(
      'after',
      examples(
        'comity veto end 5c0d6a0e-3f5b-4c39-9a51-5b8f7d0c2e14 --as mycert-analyst --reason "order lifted"',
      ),
    )
    .action((id: string, options: As & { reason: string }) =>
      run(() => endVetoCommand(context, { veto: id, ...options })),
    )
}

function addOptOut(program: Command, context: CliContext, run: Run): void {
  const out = program.command('opt-out').description('Who neither gives nor receives under the baseline.')
  out
    .command('list')
    .description('List who has opted out.')
    .option('--as <principal>', 'its organization and country only')
    .addHelpText('after', examples('comity opt-out list'))
    .action((options: As) => run(() => listOptOutsCommand(context, options)))
  out
    .command('add')
    .description('Opt a country or an organization out of the baseline.')
    .argument('<who>', 'country or organization')
    .option(...AS)
    .requiredOption(...REASON)
    .addHelpText(
      'after',
      examples('comity opt-out add petrobank --as petrobank-boss --reason "regulator asks"'),
    )
    .action((who: string, options: As & { reason: string }) =>
      run(() => addOptOutCommand(context, { who, ...options })),
    )
  out
    .command('end')
    .description('Let it take part again.')
    .argument('<who>', 'country or organization')
    .option(...AS)
    .requiredOption(...REASON)
    .addHelpText(
      'after',
      examples('comity opt-out end petrobank --as petrobank-boss --reason "regulator agrees"'),
    )
    .action((who: string, options: As & { reason: string }) =>
      run(() => endOptOutCommand(context, { who, ...options })),
    )
}
