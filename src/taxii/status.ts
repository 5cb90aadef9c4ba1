/** The status resource (TAXII 2.1 §4.3): what an envelope came to. */
import { AppError } from '../errors.ts'
import type { Caller, Root } from '../policy/model.ts'
import { readStatus, type StatusRow } from '../store/statuses.ts'
import { formatMicros } from '../time.ts'
import type { Exchange } from './exchange.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** A principal's own status. @throws notFound for anybody else's, expired and malformed ids alike */
export async function getStatus(exchange: Exchange, caller: Caller, root: Root, id: string): Promise<string> {
  if (!UUID.test(id)) throw new AppError('notFound')
  // What a capped token may not read, it may not learn the ids of: of statuses, it reads those that it made.
  const token = caller.token?.maxTlp ? caller.token.id : null
  const row = await readStatus(exchange.pool, exchange.reader(caller), root.path, id.toLowerCase(), token)
  if (!row) throw new AppError('notFound')
  return renderStatus(row)
}

/** Counts add up, lists have as many items as their counts, no empty list (T-4.3-02, -03). */
export function renderStatus(row: StatusRow): string {
  const pending = row.total - row.success - row.failure
  const head = JSON.stringify({
    id: row.id,
    status: pending > 0 ? 'pending' : 'complete',
    request_timestamp: formatMicros(row.requested),
    total_count: row.total,
    success_count: row.success,
    failure_count: row.failure,
    pending_count: pending,
  })
  const successes = row.success > 0 ? `,"successes":[${row.successes}]` : ''
  const failures = row.failure > 0 ? `,"failures":[${row.failures}]` : ''
  return `${head.slice(0, -1)}${successes}${failures}}`
}
