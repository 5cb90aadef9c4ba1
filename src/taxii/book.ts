/** Audiences inside one transaction: those that the node knows, and those that this transaction has made. */
import type { AudienceRecord } from '../policy/model.ts'
import type { Database } from '../store/pool.ts'
import { internAudience } from '../store/write-items.ts'
import type { Exchange } from './exchange.ts'

export class Book {
  readonly #exchange: Exchange
  readonly #db: Database
  readonly #ids = new Map<AudienceRecord, number>()
  readonly #made = new Map<number, AudienceRecord>()

  constructor(exchange: Exchange, db: Database) {
    this.#exchange = exchange
    this.#db = db
  }

  /** Interned in this transaction, so that no other connection waits for it: it is known with the commit. */
  async id(record: AudienceRecord): Promise<number> {
    let id = this.#ids.get(record) ?? this.#exchange.idOf(record)
    if (id === undefined) {
      id = await internAudience(this.#db, record)
      this.#made.set(id, record)
    }
    this.#ids.set(record, id)
    return id
  }

  record(id: number): AudienceRecord {
    return this.#made.get(id) ?? this.#exchange.audience(id)
  }
}
