/** The command line: commands, options, help texts and exit codes. */
import { Command, CommanderError, Option } from 'commander'
import { version } from '../package-root.ts'
import { SETTINGS } from '../settings.ts'
import { apply } from './apply.ts'
import { type CliContext, EXIT, guarded } from './context.ts'
import { doctor } from './doctor.ts'
import { examples } from './examples.ts'
import { addLedger } from './ledger-commands.ts'
import { setPassword } from './password.ts'
import type { PolicyCommand } from './policy.ts'
import { addPolicy } from './policy-program.ts'
import { addSharing, type SharingDeps } from './program-sharing.ts'
import { type LabelDue, listQuarantine, mapMarking, unmapMarking } from './quarantine.ts'
import { addRelease } from './release-commands.ts'
import { type RetentionCommand, retentionCommand } from './retention.ts'
import { type CreateToken, createToken, listTokensCommand, revokeToken } from './token.ts'

export interface ImportCommand {
  /** Paths; `-` is standard input. */
  files: string[]
  root: string
  collection: string
  as: string
}

export interface ExportCommand {
  root: string
  collection: string
  as: string
  format: 'bundle' | 'ndjson' | 'envelope'
  version: 'last' | 'all'
  out?: string
}

/** Commands that are written elsewhere; each returns its exit code or throws a Refusal. */
export interface ProgramDeps extends SharingDeps {
  context: CliContext
  serve(): Promise<number>
  migrate(command: { dryRun: boolean }): Promise<number>
  import(command: ImportCommand): Promise<number>
  export(command: ExportCommand): Promise<number>
  policy(command: PolicyCommand): Promise<number>
  openapi(): Promise<number>
  /** Labels anew what a decision made due; left out, the nodes that serve do so. */
  labelDue?: LabelDue
}

/** Runs one command line. @returns the exit code; usage errors are 2 and have been printed */
export async function runProgram(deps: ProgramDeps, argv: readonly string[]): Promise<number> {
  let code: number = EXIT.ok
  const program = buildProgram(deps, (exit) => {
    code = exit
  })
  try {
    await program.parseAsync([...argv])
    return code
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  }
}

/** @param finish receives the exit code of the command that ran */
export function buildProgram(deps: ProgramDeps, finish: (code: number) => void): Command {
  const { context } = deps
  const run = async (work: () => Promise<number>) => finish(await guarded(context, work))
  const program = new Command('comity')
    .description('International threat sharing: TAXII 2.1 on PostgreSQL, with TLP enforced on every read.')
    .version(version)
    // `export --version all` is not the program's own --version.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.out(text.replace(/\n$/, '')),
      writeErr: (text) => context.err(text.replace(/\n$/, '')),
    })
    .showHelpAfterError('(comity COMMAND --help says more)')
    .addHelpText('after', () => `\n${environmentHelp()}\n\n${EXIT_CODES}`)

  program
    .command('serve')
    .description('Serve TAXII 2.1 until SIGTERM or Ctrl-C.')
    .addHelpText(
      'after',
      examples('comity serve', 'DATABASE_URL=postgres://app@db/comity PORT=8443 comity serve'),
    )
    .action(() => run(() => deps.serve()))

  program
    .command('migrate')
    .description("Bring the database's schema to this release.")
    .option('--dry-run', 'say which migrations are missing, and change nothing', false)
    .addHelpText('after', examples('comity migrate --dry-run', 'comity migrate'))
    .action((options: { dryRun: boolean }) => run(() => deps.migrate(options)))

  program
    .command('apply')
    .description('Bring countries, organizations, principals, agreements and collections to a topology file.')
    .argument('<file>', 'YAML or JSON; - is standard input')
    .option('--prune', 'also remove what the file does not declare, collections with their objects', false)
    .option('--dry-run', 'print the difference, and change nothing', false)
    .addHelpText(
      'after',
      `\nPrints one line per change: + added, ~ changed, - removed. What is declared is declared whole:
a key left out has its default, except the password, which stays.${examples(
        'comity apply --dry-run topology.yaml',
        'comity apply --prune topology.yaml',
        'sops -d topology.enc.yaml | comity apply -',
      )}`,
    )
    .action((file: string, options: { prune: boolean; dryRun: boolean }) =>
      run(() => apply(context, { file, ...options, labelDue: deps.labelDue })),
    )

  program
    .command('retention')
    .description(
      'Drop the partitions of the log that are older than a date, with what hangs on their objects.',
    )
    .requiredOption('--before <date>', '2026-01-01 (UTC) or 2026-01-01T00:00:00Z')
    .option('--dry-run', 'say what would go, and change nothing', false)
    .addHelpText(
      'after',
      `\nWhole partitions only. Marking-definitions, embargoes that have not ended and objects with a release
schedule under way stay. There is no way back.${examples(
        'comity retention --before 2026-01-01 --dry-run',
        'comity retention --before 2026-01-01',
      )}`,
    )
    .action((options: RetentionCommand) => run(() => retentionCommand(context, options)))

  addTransfer(program, deps, run)
  addRelease(program, context, run)
  addPolicy(program, (command) => run(() => deps.policy(command)), examples)
  addLedger(program, context, run)
  addCredentials(program, context, run)
  addQuarantine(program, deps, run)
  addSharing(program, deps, run)

  program
    .command('doctor')
    .description('Check database, roles, row-level security, clocks, disk and TLS.')
    .addHelpText(
      'after',
      `\nPrints ok, warn or FAIL per check; exit code 1 when one fails.${examples('comity doctor')}`,
    )
    .action(() => run(() => doctor(context)))

  program
    .command('openapi')
    .description('Print the OpenAPI description of the HTTP interface.')
    .addHelpText('after', examples('comity openapi > openapi.yaml'))
    .action(() => run(() => deps.openapi()))
  return program
}

type Run = (work: () => Promise<number>) => Promise<void>

function addTransfer(program: Command, deps: ProgramDeps, run: Run): void {
  program
    .command('import')
    .description('Add STIX objects from files to a collection, as if the principal had posted them.')
    .argument('<files...>', 'STIX bundles, TAXII envelopes or one object per line; - is standard input')
    .requiredOption('--root <root>', 'API root')
    .requiredOption('--collection <collection>', 'id or alias')
    .requiredOption('--as <principal>', 'principal that submits, and so the originator')
    .addHelpText(
      'after',
      examples('comity import --root global --collection indicators --as mycert-siem bundle.json'),
    )
    .action((files: string[], options: Omit<ImportCommand, 'files'>) =>
      run(() => deps.import({ files, ...options })),
    )

  program
    .command('export')
    .description('Write what a principal may read of a collection.')
    .requiredOption('--root <root>', 'API root')
    .requiredOption('--collection <collection>', 'id or alias')
    .requiredOption('--as <principal>', 'principal whose view it is')
    .addOption(
      new Option('--format <format>', 'form of the output')
        .choices(['bundle', 'ndjson', 'envelope'])
        .default('bundle'),
    )
    .addOption(
      new Option('--version <which>', 'versions of each object').choices(['last', 'all']).default('last'),
    )
    .option('--out <file>', 'file to write (default: standard output)')
    .addHelpText(
      'after',
      examples(
        'comity export --root global --collection indicators --as sgcert-analyst --out indicators.json',
        'comity export --root global --collection indicators --as sgcert-analyst --format ndjson | jq .id',
      ),
    )
    .action((options: ExportCommand) => run(() => deps.export(options)))
}

function addCredentials(program: Command, context: CliContext, run: Run): void {
  const token = program.command('token').description('Make, list and revoke API tokens.')
  token
    .command('create')
    .description('Make a token and print it, once. It is never stronger than its owner.')
    .requiredOption('--principal <principal>', 'its owner')
    .requiredOption('--name <name>', 'what lists call it')
    .option('--max-tlp <level>', 'reads nothing above: clear, green, amber, amber+strict or red')
    .option('--scope <scopes>', 'read, write or read,write', 'read,write')
    .option('--collection <collections...>', 'ids or aliases (default: all that the owner may use)')
    .option('--expires <date>', '2027-01-01 (UTC) or 2027-01-01T00:00:00Z (default: never)')
    .option('--cidr <ranges...>', 'addresses that it may be used from (default: any)')
    .addHelpText(
      'after',
      examples(
        'comity token create --principal mycert-siem --name siem --max-tlp amber --scope read --expires 2027-01-01',
        'comity token create --principal feed --name push --scope write --collection indicators --cidr 192.0.2.0/24',
      ),
    )
    .action((options: CreateToken) => run(() => createToken(context, options)))
  token
    .command('list')
    .description('List tokens with their limits and last use.')
    .option('--principal <principal>', 'of this principal only')
    .addHelpText('after', examples('comity token list --principal mycert-siem'))
    .action((options: { principal?: string }) => run(() => listTokensCommand(context, options)))
  token
    .command('revoke')
    .description('End a token, from the next request on.')
    .argument('<token>', 'its prefix or its name')
    .option('--principal <principal>', 'its owner, when the name alone is not enough')
    .addHelpText(
      'after',
      examples('comity token revoke cmty_3Fq9ZbKe', 'comity token revoke siem --principal mycert-siem'),
    )
    .action((name: string, options: { principal?: string }) =>
      run(() => revokeToken(context, { token: name, ...options })),
    )

  program
    .command('password')
    .description('Passwords of principals.')
    .command('set')
    .description('Set a password: asked for on a terminal, else the first line of standard input.')
    .argument('<principal>', 'whose')
    .addHelpText(
      'after',
      examples('comity password set mycert-analyst', 'pass show comity | comity password set mycert-siem'),
    )
    .action((principal: string) => run(() => setPassword(context, { principal })))
}

function addQuarantine(program: Command, { context, labelDue }: ProgramDeps, run: Run): void {
  const quarantine = program
    .command('quarantine')
    .description('Objects that an unknown marking keeps with their originator.')
  quarantine
    .command('list')
    .description('List markings that hold objects or are mapped, with counts; never contents.')
    .addHelpText('after', examples('comity quarantine list'))
    .action(() => run(() => listQuarantine(context)))
  quarantine
    .command('map')
    .description('Decide what a marking counts as; objects that it holds are labelled anew.')
    .argument('<marking>', 'id of the marking-definition')
    .requiredOption(
      '--as <meaning>',
      'tlp:clear, tlp:green, tlp:amber, tlp:amber+strict, tlp:red or statement',
    )
    .requiredOption('--reason <text>', 'kept in the audit')
    .addHelpText(
      'after',
      examples(
        'comity quarantine map marking-definition--5c0d6a0e-3f5b-4c39-9a51-5b8f7d0c2e14 --as tlp:amber --reason "internal scheme of PetroBank, agreed 2026-11-20"',
      ),
    )
    .action((marking: string, options: { as: string; reason: string }) =>
      run(() => mapMarking(context, { marking, ...options }, labelDue)),
    )
  quarantine
    .command('unmap')
    .description('Take a decision back: what it released goes back to its originator.')
    .argument('<marking>', 'id of the marking-definition')
    .requiredOption('--reason <text>', 'kept in the audit')
    .addHelpText(
      'after',
      examples(
        'comity quarantine unmap marking-definition--5c0d6a0e-3f5b-4c39-9a51-5b8f7d0c2e14 --reason "mapped by mistake"',
      ),
    )
    .action((marking: string, options: { reason: string }) =>
      run(() => unmapMarking(context, { marking, ...options }, labelDue)),
    )
}

const EXIT_CODES = `Exit codes:
  0  done
  1  failed, or a check of doctor failed
  2  wrong usage, settings or file; nothing was changed
  3  the database does not answer, refuses, or is not the right one`

function environmentHelp(): string {
  const entries = SETTINGS.map(({ name, fallback, about }) => {
    const text = fallback ? `${about} Default: ${fallback}.` : about
    return `  ${name}\n${wrap(text, 92)
      .map((line) => `      ${line}`)
      .join('\n')}`
  })
  return `Environment:\n${entries.join('\n')}`
}

function wrap(text: string, width: number): string[] {
  const lines = ['']
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? ''
    if (last !== '' && last.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`
  }
  return lines
}
