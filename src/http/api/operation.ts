/** What an operation of the REST interface under /api/v1 is: its input, its answer, its problems, and what it does. */
import { type Static, type TObject, type TSchema, Type } from 'typebox'
import type { Caller, Subject } from '../../policy/model.ts'
import type { Exchange } from '../../taxii/exchange.ts'
import { said } from './describe.ts'

/** An authenticated caller. */
export type Member = Caller & { subject: Subject }

/** Problems of one's own besides those that any request may meet (400, 401, 405, 413, 415, 429, 500, 503). */
export type OwnProblem = 403 | 404 | 409 | 422

export interface Input {
  params: Record<string, string>
  query: Record<string, unknown>
  body: unknown
}

export interface ApiOperation {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** As clients see it, parameters in braces: `/api/v1/recalls/{recall}/acknowledgement`. */
  path: string
  id: string
  tag: string
  summary: string
  description?: string
  /** What an API token must allow: `write` for whatever changes something. */
  scope: 'read' | 'write'
  params: TObject
  query: TObject
  /** null: no body is read. */
  body: TSchema | null
  answer: { status: 200 | 201 | 202; description: string; schema: TSchema }
  problems: readonly OwnProblem[]
  run(exchange: Exchange, caller: Member, input: Input): Promise<unknown>
}

interface Typed<P extends TObject, Q extends TObject, B extends TSchema, A extends TSchema>
  extends Omit<ApiOperation, 'params' | 'query' | 'body' | 'answer' | 'run' | 'problems' | 'scope'> {
  params?: P
  query?: Q
  body?: B
  scope?: 'read' | 'write'
  problems?: readonly OwnProblem[]
  answer: { status?: 200 | 201 | 202; description: string; schema: A }
  run(
    exchange: Exchange,
    caller: Member,
    input: { params: Static<P>; query: Static<Q>; body: Static<B> },
  ): Promise<Static<A>>
}

/** Declares an operation; input and answer have the types of their schemas. */
export function operation<
  A extends TSchema,
  P extends TObject = TObject,
  Q extends TObject = TObject,
  B extends TSchema = TSchema,
>(declared: Typed<P, Q, B, A>): ApiOperation {
  const { answer, run, ...rest } = declared
  return {
    ...rest,
    scope: declared.scope ?? 'read',
    params: declared.params ?? closed({}),
    query: declared.query ?? closed({}),
    body: declared.body ?? null,
    problems: declared.problems ?? [],
    answer: { status: answer.status ?? 200, description: answer.description, schema: answer.schema },
    run: run as unknown as ApiOperation['run'],
  }
}

/** An object with these properties and no others. */
export function closed<T extends Record<string, TSchema>>(properties: T, description?: string) {
  return Type.Object(properties, { additionalProperties: false, ...(description && { description }) })
}

/** Query parameters of a list that comes in pages. */
export const PAGE = {
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 1000, description: 'Most items per page; 100 if not given.' }),
  ),
  next: Type.Optional(
    Type.String({
      pattern: said('^[A-Za-z0-9_-]{1,512}$', 'is not a value that this server gave out'),
      description: '`next` of the page before; everything else stays as it was.',
    }),
  ),
}

/** A page: `items`, and `next` if and only if there are more. */
export function pageOf<T extends TSchema>(item: T) {
  return closed({
    items: Type.Array(item),
    next: Type.Optional(Type.String({ description: 'Opaque; gives the next page.' })),
  })
}
