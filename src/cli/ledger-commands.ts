/** Commands on the delivery ledger and on recalls. */
import type { Command } from 'commander'
import type { CliContext } from './context.ts'
import { examples } from './examples.ts'
import { exportCommand, keyCommand, type LedgerCommand, verifyCommand } from './ledger.ts'
import { recallsCommand } from './recalls.ts'

const ORGANIZATION = ['--organization <organization>', 'only the chain of this originator'] as const

/** Declares `ledger` and `recalls`. */
export function addLedger(
  program: Command,
  context: CliContext,
  run: (work: () => Promise<number>) => Promise<void>,
): void {
  const ledger = program.command('ledger').description('The ledger of deliveries, one chain per originator.')
  ledger
    .command('verify')
    .description('Compute every hash, root and signature anew, and name the first that is wrong.')
    .option(...ORGANIZATION)
    .option('--json', 'print JSON', false)
    .addHelpText(
      'after',
      `\nExit code 1 when something is wrong.${examples('comity ledger verify', 'comity ledger verify --organization mycert --json')}`,
    )
    .action((options: LedgerCommand) => run(() => verifyCommand(context, options)))
  ledger
    .command('export')
    .description('Write entries and signed heads, one JSON per line.')
    .option(...ORGANIZATION)
    .addHelpText('after', examples('comity ledger export --organization mycert > mycert-ledger.ndjson'))
    .action((options: LedgerCommand) => run(() => exportCommand(context, options)))
  ledger
    .command('key')
    .description('Print the public key that heads are signed with, as PEM.')
    .addHelpText('after', examples('comity ledger key > exchange.pem'))
    .action(() => run(() => keyCommand(context)))
  program
    .command('recalls')
    .description('List what a principal received and that is stricter or deleted since.')
    .requiredOption('--as <principal>', 'whose recalls')
    .addHelpText('after', examples('comity recalls --as sgcert-ann'))
    .action((options: { as: string }) => run(() => recallsCommand(context, options)))
}
