/** The pools of one process: one for pages of the log, one for everything else; both as the application role. */
import type { Config } from '../config.ts'
import { Pool } from './pool.ts'
import { Replica } from './replica.ts'

export interface Pools {
  pool: Pool
  pages: Pool
  /** For pages too, where it has replayed enough. */
  replica: Replica | null
  usage(): { total: number; idle: number; waiting: number }
  close(): Promise<void>
}

/**
 * @param strong the URL's login role may do more than serve: act as comity_app
 */
export function openPools(
  url: string,
  strong: boolean,
  config: Pick<Config, 'poolSize' | 'requestSeconds' | 'readUrl' | 'pooled'>,
  onError: (error: Error) => void,
): Pools {
  const common = {
    url,
    role: strong ? ('comity_app' as const) : null,
    max: config.poolSize,
    statementSeconds: config.requestSeconds,
    pooled: config.pooled,
    onError,
  }
  const pool = new Pool({ ...common, name: 'comity' })
  const pages = new Pool({
    ...common,
    name: 'comity pages',
    plans: 'ordered',
    // All that it writes are deliveries, and their rules.
    hasty: true,
    largeValues: true,
  })
  const replica =
    config.readUrl === null ? null : new Replica({ ...config, url: config.readUrl, primary: pool })
  return {
    pool,
    pages,
    replica,
    usage() {
      const [a, b] = [pool.usage, pages.usage]
      return { total: a.total + b.total, idle: a.idle + b.idle, waiting: a.waiting + b.waiting }
    },
    async close() {
      await Promise.all([pool.close(), pages.close(), replica?.close()])
    },
  }
}
