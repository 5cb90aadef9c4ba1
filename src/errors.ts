/** One error class and one catalogue: code, HTTP status, TAXII title, and whether the detail may be shown. */

interface Entry {
  status: number
  title: string
  /** May `detail` be sent to the client? Never when we failed. */
  shown: boolean
}

const CATALOGUE = {
  badParameter: { status: 400, title: 'A parameter of the request is not valid', shown: true },
  badRequest: { status: 400, title: 'The request is not valid', shown: true },
  unauthorized: { status: 401, title: 'Authentication is required', shown: false },
  forbidden: { status: 403, title: 'You may not do this', shown: true },
  notFound: { status: 404, title: 'The resource was not found', shown: false },
  methodNotAllowed: { status: 405, title: 'The method is not allowed here', shown: true },
  notAcceptable: { status: 406, title: 'The media type is not offered', shown: true },
  timeout: { status: 408, title: 'The request took too long', shown: true },
  conflict: { status: 409, title: 'It is not in a state for this', shown: true },
  tooLarge: { status: 413, title: 'The request is too large', shown: true },
  uriTooLong: { status: 414, title: 'The URL is too long', shown: true },
  unsupportedMediaType: { status: 415, title: 'The content type is not supported', shown: true },
  expectationFailed: { status: 417, title: 'The expectation cannot be met', shown: true },
  unprocessable: { status: 422, title: 'The content cannot be processed', shown: true },
  tooManyRequests: { status: 429, title: 'Too many requests', shown: true },
  headersTooLarge: { status: 431, title: 'The request headers are too large', shown: true },
  notImplemented: { status: 501, title: 'The method is not known', shown: true },
  internal: { status: 500, title: 'The server failed', shown: false },
  unavailable: { status: 503, title: 'The server cannot answer now, try again shortly', shown: false },
} as const satisfies Record<string, Entry>

export type ErrorCode = keyof typeof CATALOGUE

/** One thing that is wrong with what was sent. */
export interface Problem {
  /** JSON Pointer (RFC 6901). */
  path: string
  message: string
}

/** An expected failure. Below http, code throws this; one renderer writes the TAXII error body (T-3.6-01). */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly status: number
  readonly title: string
  /** What to tell the client, if the catalogue lets it be shown. */
  readonly detail: string | undefined
  /** Response headers that belong to the error (Retry-After, Allow, WWW-Authenticate). */
  readonly headers: Readonly<Record<string, string>>
  /** Every thing that is wrong, for the REST interface. */
  readonly problems: readonly Problem[]

  constructor(
    code: ErrorCode,
    options: {
      detail?: string
      cause?: unknown
      headers?: Record<string, string>
      problems?: readonly Problem[]
    } = {},
  ) {
    super(options.detail ?? CATALOGUE[code].title, { cause: options.cause })
    this.name = 'AppError'
    this.code = code
    this.status = CATALOGUE[code].status
    this.title = CATALOGUE[code].title
    this.detail = CATALOGUE[code].shown ? options.detail : undefined
    this.headers = options.headers ?? {}
    this.problems = this.detail === undefined ? [] : (options.problems ?? [])
  }
}

/** A sentence for the operator and an exit code, no stack (docs/settings.md). */
export class Refusal extends Error {
  readonly exitCode: number
  constructor(sentence: string, exitCode = 1) {
    super(sentence)
    this.name = 'Refusal'
    this.exitCode = exitCode
  }
}
