/** Database errors become codes of the catalogue, here and nowhere else. */
import { AppError } from '../errors.ts'

/**
 * Classes and codes that mean "the database is not there now": try again shortly. Also when it does not let us in any
 * more (28, 3D000): nothing is wrong with the request, and it works again without a restart.
 */
const GONE = /^(08|57P0|53|58|28|3D000|55P03|40001|40P01|25006|25P03|57014)/
const SOCKET =
  /^(ECONNREFUSED|ECONNRESET|ECONNABORTED|EPIPE|ETIMEDOUT|ENOTFOUND|EHOSTUNREACH|EHOSTDOWN|ENETUNREACH|ENETDOWN|EAI_AGAIN|EMFILE|ENFILE|EADDRNOTAVAIL|ENOENT)$/
/** Text that no stored text can equal, such as U+0000 in a path or a parameter. */
const NO_TEXT = /^(22021|22P05)$/

/** Two transactions waited for each other, and this one was undone: it may be done again. */
export const isDeadlock = (error: unknown): boolean =>
  error instanceof AppError && (error.cause as { code?: string } | undefined)?.code === '40P01'

/** @returns the error itself when it is ours already, 503 when the database is gone or busy, else 500. */
export function translate(error: unknown): Error {
  if (error instanceof AppError) return error
  if (!(error instanceof Error)) return new AppError('internal', { cause: error })
  const code = (error as { code?: string }).code ?? ''
  const unavailable =
    GONE.test(code) ||
    SOCKET.test(code) ||
    /timeout exceeded when trying to connect|Connection terminated|connection error|not queryable|read timeout|timeout expired|after calling end|SSL|ECONNREFUSED/i.test(
      error.message,
    )
  if (unavailable) return new AppError('unavailable', { cause: error, headers: { 'retry-after': '2' } })
  if (NO_TEXT.test(code)) {
    return new AppError('badRequest', {
      detail: 'The request holds characters that no name has.',
      cause: error,
    })
  }
  return /^[0-9A-Z]{5}$/.test(code) ? new AppError('internal', { cause: error }) : error
}
