/** Which methods a resource has: OPTIONS says so, any other is 405 with Allow (T-3.1-15). */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../errors.ts'

/**
 * @param allowed OPTIONS among them
 * @returns true when the request was OPTIONS and has been answered
 * @throws methodNotAllowed
 */
export function answersOptions(
  request: FastifyRequest,
  reply: FastifyReply,
  allowed: readonly string[],
): boolean {
  const allow = allowed.join(', ')
  if (request.method === 'OPTIONS') {
    reply.code(204).header('allow', allow).header('cache-control', 'private, no-store').send()
    return true
  }
  if (!allowed.includes(request.method)) {
    throw new AppError('methodNotAllowed', { detail: `Allowed here: ${allow}.`, headers: { allow } })
  }
  return false
}
