/** Database errors become codes of the catalogue, here and nowhere else. */
import { AppError } from '../errors.ts'

/** Classes and codes that mean "the database is not there now": try again shortly. */
const GONE = /^(08|57P0|53|55P03|40001|40P01|25006|57014)/
const SOCKET = /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND|EHOSTUNREACH|EAI_AGAIN|ENOENT)$/

/** @returns the error itself when it is ours already, 503 when the database is gone or busy, else 500. */
export function translate(error: unknown): Error {
  if (error instanceof AppError) return error
  if (!(error instanceof Error)) return new AppError('internal', { cause: error })
  const code = (error as { code?: string }).code ?? ''
  const unavailable =
    GONE.test(code) ||
    SOCKET.test(code) ||
    /timeout exceeded when trying to connect|Connection terminated|connection error|not queryable|SSL|ECONNREFUSED/i.test(
      error.message,
    )
  if (unavailable) return new AppError('unavailable', { cause: error, headers: { 'retry-after': '2' } })
  return /^[0-9A-Z]{5}$/.test(code) ? new AppError('internal', { cause: error }) : error
}
