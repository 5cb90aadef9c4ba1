/** Errors of the REST interface as problem details (RFC 9457): the same kinds and codes as TAXII's error messages. */
import type { AppError } from '../errors.ts'

export const PROBLEM = 'application/problem+json'

/** Is it an error of the REST interface, by the path of its request? */
export function isApi(url: string | undefined): boolean {
  return url?.startsWith('/api/') ?? false
}

/** 404 and 401 are constant; 5xx say an id to ask the operator about. */
export function problemBody(error: AppError, errorId: string): string {
  return JSON.stringify({
    type: 'about:blank',
    title: error.title,
    status: error.status,
    ...(error.detail && { detail: error.detail }),
    code: error.code,
    ...(error.problems.length > 0 && { errors: error.problems }),
    ...(error.status >= 500 && errorId !== '' && { error_id: errorId }),
  })
}
