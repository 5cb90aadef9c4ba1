/** What `comity doctor` finds beyond one machine: the pooler before the database, the replica beside it. */
import type { Config } from '../config.ts'
import { AppError } from '../errors.ts'
import { replicaLag, servingFacts } from '../store/checks.ts'
import { Pool } from '../store/pool.ts'
import { notAReplica } from '../store/replica.ts'
import type { Finding } from './doctor.ts'

const LAG_WARN_SECONDS = 10

/** Nothing where neither is used. */
export async function cluster(config: Config): Promise<Finding[]> {
  const { databaseUrl, readUrl, pooled } = config
  if (databaseUrl === null) return []
  const open = (url: string) =>
    new Pool({ url, role: 'comity_app', max: 1, statementSeconds: 5, name: 'comity doctor', pooled })
  const primary = open(databaseUrl)
  try {
    const findings = pooled ? [await pooler(primary)] : []
    if (readUrl !== null) {
      const standby = open(readUrl)
      try {
        findings.push(await replica(primary, standby))
      } finally {
        await standby.close()
      }
    }
    return findings
  } finally {
    await primary.close()
  }
}

async function pooler(primary: Pool): Promise<Finding> {
  const what = 'pooler'
  try {
    const { role, path } = await servingFacts(primary)
    if (role === 'comity_app' && path === 'comity')
      return { state: 'ok', what, detail: 'each statement runs as comity_app in schema comity' }
    return {
      state: 'FAIL',
      what,
      detail: `a statement runs as ${role} in schema ${path}`,
      remedy: 'use PgBouncer 1.18 or later with pool_mode = transaction (not statement)',
    }
  } catch (error) {
    return { state: 'FAIL', what, detail: reason(error), remedy: 'check DATABASE_URL and the pooler' }
  }
}

async function replica(primary: Pool, standby: Pool): Promise<Finding> {
  const what = 'replica'
  const remedy = 'check DATABASE_READ_URL; until then the primary reads all pages'
  try {
    const wrong = await notAReplica(primary, standby)
    if (wrong !== null) return { state: 'FAIL', what, detail: wrong, remedy }
    const { bytes, seconds } = await replicaLag(primary, standby)
    const detail = `${bytes} bytes of WAL${bytes > 0 ? ` and ${seconds.toFixed(1)} s` : ''} behind`
    if (bytes === 0 || seconds < LAG_WARN_SECONDS) return { state: 'ok', what, detail }
    return {
      state: 'warn',
      what,
      detail,
      remedy: 'find out why it lags; meanwhile the primary reads the pages',
    }
  } catch (error) {
    return { state: 'warn', what, detail: reason(error), remedy }
  }
}

function reason(error: unknown): string {
  const { message, code } = ((error instanceof AppError ? error.cause : error) ?? error) as {
    message?: string
    code?: string
  }
  return message || code || 'no answer'
}
