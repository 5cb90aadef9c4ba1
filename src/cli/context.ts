/** What every command gets, and how its failures become exit codes. */
import type pg from 'pg'
import { AppError, Refusal } from '../errors.ts'
import { translate } from '../store/database-errors.ts'

export interface CliContext {
  /** Runs `work` on a connection as comity_owner in schema comity. */
  withOwner<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T>
  env: NodeJS.ProcessEnv
  /** What the command was asked for. */
  out: (line: string) => void
  /** Everything else. */
  err: (line: string) => void
}

export const EXIT = { ok: 0, failed: 1, usage: 2, database: 3 } as const

/** Schema, table or role is not there: not migrated, or another database. */
const NOT_OURS = ['3F000', '42P01', '42883', '42703', '42704', '22023']

/**
 * Runs a command; an expected failure becomes one line on stderr and its exit code.
 * @throws what nobody expected, with its stack
 */
export async function guarded(
  context: Pick<CliContext, 'err'>,
  work: () => Promise<number>,
): Promise<number> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Refusal) {
      context.err(`comity: ${error.message}`)
      return error.exitCode
    }
    const { code, message } = error as { code?: string; message?: string }
    if (NOT_OURS.includes(code ?? '')) {
      context.err(`comity: the database is not migrated (${message}): run comity migrate`)
      return EXIT.database
    }
    if (/^(28|3D000|42501)/.test(code ?? '')) {
      context.err(`comity: the database refuses (${message}): check DATABASE_OWNER_URL`)
      return EXIT.database
    }
    const translated = translate(error)
    if (translated instanceof AppError && translated.code === 'unavailable') {
      const cause = translated.cause as { message?: string; code?: string } | undefined
      const reason = cause?.message || cause?.code || translated.message
      context.err(`comity: the database does not answer (${reason}): check DATABASE_URL and that it runs`)
      return EXIT.database
    }
    throw error
  }
}
