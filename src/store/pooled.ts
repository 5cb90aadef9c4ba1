/**
 * Statements through a pooler in transaction mode, where no setting of a session survives: each brings its settings
 * with it, in the same round trip, and leaves nothing behind.
 */
import pg from 'pg'
import type { render } from './sql.ts'

/** Name and value of a setting; from our own code only, never from outside. */
export type Setting = readonly [name: string, value: string]

/** Begins a transaction with these settings. `set` takes no snapshot, so that its isolation may still be chosen. */
export function beginWith(settings: readonly Setting[]): string {
  return ['begin', ...settings.map(([name, value]) => `set local ${name} = ${quoted(value)}`)].join('; ')
}

/** The settings as one select without a row, for the statements up to the next Sync. */
export function enterWith(settings: readonly Setting[]): string {
  const calls = settings.map(([name, value], i) => `set_config('${name}', '${value}', true) as c${i}`)
  return `select from (select ${calls.join(', ')} offset 0) s where s.c0 is null`
}

/** A list stays a list: `search_path` is the only setting with a comma. */
const quoted = (value: string) =>
  value
    .split(',')
    .map((part) => `'${part}'`)
    .join(', ')

/** What pg's own query does and its type does not say. */
interface Internals extends pg.Submittable {
  prepare(connection: Connection): void
  handleDataRow(message: unknown): void
  handleCommandComplete(message: unknown, connection: Connection): void
}

interface Connection {
  parse(query: { text: string; name: string; types: readonly number[] }): void
  bind(config: { portal: string; statement: string; values: readonly unknown[] }): void
  execute(config: { portal: string; rows: number }): void
}

type Done = (error: Error | undefined, result: pg.QueryResult) => void

const Query = pg.Query as unknown as new (config: object, values: undefined, done: Done) => Internals

/**
 * Two statements before one Sync: PostgreSQL runs them in one transaction of its own, and a pooler keeps the connection
 * for it. Neither has a name: the next one may meet another connection.
 */
class Entered extends Query {
  readonly #enter: string
  #entering = true

  constructor(enter: string, { text, values }: ReturnType<typeof render>, done: Done) {
    super({ text, values, queryMode: 'extended' }, undefined, done)
    this.#enter = enter
  }

  override prepare(connection: Connection): void {
    connection.parse({ text: this.#enter, name: '', types: [] })
    connection.bind({ portal: '', statement: '', values: [] })
    connection.execute({ portal: '', rows: 0 })
    super.prepare(connection)
  }

  override handleCommandComplete(message: unknown, connection: Connection): void {
    if (this.#entering) this.#entering = false
    else super.handleCommandComplete(message, connection)
  }
}

/** Runs one statement with the settings of `enter`. */
export async function queryWith(
  client: pg.ClientBase,
  enter: string,
  statement: ReturnType<typeof render>,
): Promise<pg.QueryResult> {
  return await new Promise((resolve, reject) => {
    client.query(
      new Entered(enter, statement, (error, result) => {
        if (error) reject(error)
        else resolve(result)
      }),
    )
  })
}
