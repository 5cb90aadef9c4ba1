/** The query string of a request as it came. */
import type { FastifyRequest } from 'fastify'
import { parseQuery } from '../taxii/filter.ts'

/** Without its question mark. */
export function queryOf(request: FastifyRequest): string {
  const url = request.raw.url ?? ''
  const at = url.indexOf('?')
  return at < 0 ? '' : url.slice(at + 1)
}

/** Where no parameter is known, bad percent-encoding is refused all the same (T-3.4-01). @throws badParameter */
export function checkQuery(request: FastifyRequest): void {
  parseQuery(queryOf(request))
}
