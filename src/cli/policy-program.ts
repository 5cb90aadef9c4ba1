/** Declares the commands of `comity policy`. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { PolicyCommand } from './policy.ts'

/** @param examples a help text of these command lines */
export function addPolicy(
  program: Command,
  answer: (command: PolicyCommand) => Promise<void>,
  examples: (...commands: string[]) => string,
): void {
  const policy = program.command('policy').description('Who reads what, and why, as a principal may know it.')
  const declare = (name: string, about: string) =>
    policy
      .command(name)
      .description(about)
      .requiredOption('--as <principal>', 'principal that asks')
      .option('--json', 'the answer of the REST interface', false)
  const place = (command: Command) =>
    command
      .requiredOption('--root <root>', 'API root')
      .requiredOption('--collection <collection>', 'id or alias')
  const asking = <A extends PolicyCommand['ask']>(ask: A) => {
    return (options: Omit<Extract<PolicyCommand, { ask: A }>, 'ask'>) =>
      answer({ ask, ...options } as unknown as PolicyCommand)
  }

  place(declare('preview', 'Who will read this? Before publishing it.'))
    .option('--object <file>', 'a STIX object; - is standard input')
    .addOption(new Option('--tlp <level>', 'or this level alone').conflicts('object'))
    .addOption(new Option('--marking <ids...>', 'and these marking-definitions').conflicts('object'))
    .addHelpText(
      'after',
      examples('comity policy preview --as mycert-analyst --root global --collection indicators --tlp amber'),
    )
    .action(asking('preview'))

  place(declare('explain', "Why may, or may not, a reader read an object of the principal's organization?"))
    .requiredOption('--id <id>', 'the object')
    .option('--version <version>', 'one version (default: the latest that the principal sees)')
    .requiredOption('--reader <name>', 'an organization or a principal')
    .addHelpText(
      'after',
      examples(
        'comity policy explain --as mycert-analyst --root global --collection indicators --id indicator--6d0f2b1c-52ab-4a2f-8e0b-0c6f1f1b7a11 --reader sgcert',
      ),
    )
    .action(asking('explain'))

  place(declare('view-as', "The organization's objects as another reader sees them."))
    .requiredOption('--reader <name>', 'a country, an organization or a principal')
    .addOption(new Option('--limit <count>', 'most versions').default(1000).argParser(counted))
    .addHelpText(
      'after',
      examples('comity policy view-as --as mycert-analyst --root global --collection indicators --reader SG'),
    )
    .action(asking('view-as'))

  declare('simulate', 'Who would gain and lose if an agreement came into force, or ended?')
    .requiredOption('--from <name>', 'country or organization that gives')
    .requiredOption('--to <name>', 'country, community or organization that receives')
    .option('--max-tlp <level>', 'highest level')
    .addOption(
      new Option('--recipients <who>', 'who of a country receives')
        .choices(['national-cert', 'all'])
        .default('all'),
    )
    .option('--clients', "recipients' clients receive as well", false)
    .option('--end', 'the end of what there is, instead of a draft', false)
    .addHelpText(
      'after',
      examples(
        'comity policy simulate --as mycert-analyst --from MY --to DE --max-tlp amber',
        'comity policy simulate --as mycert-analyst --from MY --to SG --end',
      ),
    )
    .action(asking('simulate'))

  declare('reciprocity', 'What the country gives to each partner, and what it gets.')
    .addHelpText('after', examples('comity policy reciprocity --as mycert-analyst'))
    .action(asking('reciprocity'))
}

const MOST = 100_000

function counted(text: string): number {
  const count = Number(text)
  if (Number.isInteger(count) && count > 0 && count <= MOST) return count
  throw new InvalidArgumentError(`It is a number from 1 to ${MOST}.`)
}
