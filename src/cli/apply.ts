/** `comity apply`: brings the database to a topology file, printing the difference. */
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { Refusal } from '../errors.ts'
import { keyedHash } from '../policy/credentials.ts'
import type { DeclaredTopology } from '../policy/declared.ts'
import { overClient } from '../store/client.ts'
import { readTokenKey } from '../store/manage-credentials.ts'
import { applyTopology, type Change } from '../store/topology.ts'
import { systemClock } from '../time.ts'
import { type CliContext, EXIT } from './context.ts'
import { readAll } from './input.ts'
import type { LabelDue } from './quarantine.ts'
import { readTopologyFile } from './topology-file.ts'

export interface ApplyCommand {
  /** A path, or `-` for standard input. */
  file: string
  prune: boolean
  dryRun: boolean
  /** Labels anew the objects that a new veto names; left out, the nodes that serve do so. */
  labelDue?: LabelDue | undefined
}

const MOST_BYTES = 4 * 1024 * 1024
const SIGN = { add: '+', change: '~', remove: '-' } as const

/** @returns the exit code: 2 and every problem with its line when the file is bad, with nothing changed */
export async function apply(
  context: CliContext,
  command: ApplyCommand,
  stdin: Readable = process.stdin,
): Promise<number> {
  const declared = await load(context, command.file, stdin)
  if (!declared) return EXIT.usage
  const notes: string[] = []
  const changes = await context.withOwner(async (client) => {
    const key = await readTokenKey(overClient(client))
    if (!key) throw new Refusal('The database is not migrated: run comity migrate.', EXIT.database)
    return await applyTopology(client, declared, {
      prune: command.prune,
      dryRun: command.dryRun,
      now: systemClock.now(),
      hashToken: (sha256) => keyedHash(key, sha256),
      note: (sentence) => notes.push(sentence),
    })
  })
  for (const change of changes) context.out(describe(change))
  for (const note of notes) context.err(note)
  if (changes.length === 0) context.err('no change')
  else {
    const count = `${changes.length} change${changes.length === 1 ? '' : 's'}`
    context.err(command.dryRun ? `${count} to make; nothing was written (--dry-run)` : `${count} applied`)
  }
  const names = declared.vetoes.some((veto) => veto.named !== null)
  if (names && !command.dryRun && changes.some((change) => change.kind === 'veto')) await command.labelDue?.()
  return EXIT.ok
}

async function load(context: CliContext, file: string, stdin: Readable): Promise<DeclaredTopology | null> {
  const name = file === '-' ? 'stdin' : file
  let text: string
  try {
    text = file === '-' ? await readAll(stdin, MOST_BYTES) : await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Refusal) throw error
    const { code } = error as NodeJS.ErrnoException
    throw new Refusal(`${name} cannot be read (${code}).`, EXIT.usage)
  }
  const baseDir = file === '-' ? process.cwd() : dirname(resolve(file))
  const result = readTopologyFile(text.replace(/^\uFEFF/, ''), { env: context.env, baseDir })
  if (result.ok) {
    for (const warning of result.warnings) context.err(`${name}: warning: ${warning}`)
    return result.declared
  }
  for (const { line, message } of result.problems) context.err(`${name}:${line}: ${message}`)
  const count = result.problems.length
  context.err(`${count} problem${count === 1 ? '' : 's'} in ${name}; nothing was changed`)
  return null
}

function describe({ action, kind, name, detail }: Change): string {
  return `${SIGN[action]} ${kind} ${name}${detail ? `  ${detail}` : ''}`
}
