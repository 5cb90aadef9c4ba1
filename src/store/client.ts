/** One connection with the face of the pool: what runs in the caller's own transaction. */
import type pg from 'pg'
import type { Database } from './pool.ts'
import { render, type Sql } from './sql.ts'

export function overClient(client: pg.ClientBase): Database {
  const rows = async <T>(statement: Sql): Promise<T[]> => (await client.query(render(statement))).rows as T[]
  return {
    rows,
    async one<T>(statement: Sql) {
      const [row] = await rows<T>(statement)
      if (row === undefined) throw new Error('a statement returned no row')
      return row
    },
  }
}
