/**
 * Large texts as the bytes that PostgreSQL sent. The driver decodes each value into a string, after it has gathered its
 * pieces in a buffer that grows: of a page of a megabyte, which is only to be sent on, that is as much work as all the
 * rest. This socket gathers a large row itself, and hands the driver a mark in the place of the text. Of the protocol it
 * knows the frame of messages and two of them (PostgreSQL, "Message Formats": RowDescription, DataRow). Connections with
 * TLS do without.
 *
 * Rows that a statement wants binary, of which the driver understands little, it gathers as well: `bytea` is handed on as
 * the bytes that came, without the two digits a byte that PostgreSQL would write and we would read, and all else as text.
 */
import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net'
import type pg from 'pg'

/** From so many bytes on a row is large, and a text in it is. */
const LARGE = 32 * 1024
const HEADER = 5
/** Bytes that are read at a time, into memory that stays. */
const READ = 128 * 1024
const ROW_DESCRIPTION = 0x54
const DATA_ROW = 0x44
const TEXT = 25
const BYTEA = 17
/** Binary values of bool, int8 and int4 as text. */
const BINARY: Record<number, (value: Buffer) => string> = {
  16: (value) => (value[0] === 1 ? 't' : 'f'),
  20: (value) => String(value.readBigInt64BE()),
  23: (value) => String(value.readInt32BE()),
}

/** What is handed on as it came. */
const TEXTS = new Set([TEXT, BYTEA])
/** Begins a mark: no text of PostgreSQL has a NUL. */
const MARK = '\0'

interface Column {
  type: number
  binary: boolean
}

/** Of a row that comes without a description. */
const UNKNOWN: Column = { type: 0, binary: false }

type Row = Record<string, unknown>

export class LargeValueSocket extends Socket {
  readonly #values: Buffer[] = []
  /** Of the rows that come. */
  #columns: Column[] = []
  #binary = false
  /** A large or binary row that has not come whole, without its header, and how much of it has. */
  #row: Buffer | null = null
  #filled = 0
  /** Bytes of another message that are still to come. */
  #pass = 0
  /** What has come of a message that is not known yet. */
  #rest: Buffer | null = null

  constructor() {
    const take = (piece: Buffer) => this.takeIn(piece)
    const onread: OnReadOpts = {
      buffer: Buffer.allocUnsafe(READ),
      callback(count, { buffer, byteOffset }) {
        take(Buffer.from(buffer, byteOffset, count))
        return true
      },
    }
    // Its type has it for connect() alone, the documentation for both.
    super({ onread } as SocketConstructorOpts)
  }

  /**
   * Puts the bytes in the place of their marks, and forgets them. @returns other rows: what the driver has made of one
   * statement is held by what it made of the one before until the whole heap is collected, and the bytes would be with it
   */
  fill(rows: readonly Row[]): readonly Row[] {
    if (this.#values.length === 0) return rows
    const filled = rows.map((row) => {
      const copy: Row = {}
      for (const [name, value] of Object.entries(row)) {
        const marked = typeof value === 'string' && value.startsWith(MARK)
        copy[name] = marked ? this.#values[Number(value.slice(1))] : value
      }
      return copy
    })
    this.forget()
    return filled
  }

  /** After a statement that failed. */
  forget(): void {
    this.#values.length = 0
  }

  /** Takes in what has come. @param piece memory that may be written over afterwards */
  takeIn(piece: Buffer): void {
    const chunk = this.#rest ? Buffer.concat([this.#rest, piece]) : piece
    this.#rest = null
    // What lies from `from` to `at` is the driver's.
    let [from, at] = [0, 0]
    const hand = (to: number) => {
      if (to > from) this.emit('data', Buffer.from(chunk.subarray(from, to)))
    }
    while (at < chunk.length) {
      if (this.#row) {
        const copied = chunk.copy(this.#row, this.#filled, at)
        this.#filled += copied
        at += copied
        from = at
        if (this.#filled === this.#row.length) this.#endRow(this.#row)
        continue
      }
      if (this.#pass > 0) {
        const passed = Math.min(this.#pass, chunk.length - at)
        this.#pass -= passed
        at += passed
        continue
      }
      const there = chunk.length - at
      const kind = chunk[at]
      const length = there < HEADER ? 0 : 1 + chunk.readUInt32BE(at + 1)
      if (length === 0 || (kind === ROW_DESCRIPTION && there < length)) {
        hand(at)
        this.#rest = Buffer.from(chunk.subarray(at))
        return
      }
      if (kind === ROW_DESCRIPTION) {
        const message = chunk.subarray(at, at + length)
        this.#columns = columnsOf(message)
        this.#binary = this.#columns.some(({ binary }) => binary)
        const odd = this.#columns.find(({ type, binary }) => binary && !(type in BINARY || TEXTS.has(type)))
        if (odd) {
          this.destroy(
            new Error(`a column of type ${odd.type} is not to be asked for binary: cast it to text`),
          )
          return
        }
        if (this.#binary) {
          hand(at)
          this.emit('data', asTexts(message))
          at += length
          from = at
          continue
        }
      }
      if (kind === DATA_ROW && (length > LARGE || this.#binary)) {
        hand(at)
        this.#row = Buffer.allocUnsafe(length - HEADER)
        this.#filled = 0
        at += HEADER
        from = at
      } else this.#pass = length
    }
    hand(at)
  }

  /** Hands the row on, with marks in it. */
  #endRow(row: Buffer): void {
    this.#row = null
    const parts: Buffer[] = [row.subarray(0, 2)]
    let at = 2
    for (let i = 0; i < row.readInt16BE(0); i++) {
      const { type, binary } = this.#columns[i] ?? UNKNOWN
      const length = row.readInt32BE(at)
      const end = at + 4 + Math.max(0, length)
      const value = row.subarray(at + 4, end)
      if (length >= 0 && ((type === TEXT && length > LARGE) || (type === BYTEA && binary))) {
        const mark = Buffer.from(`${MARK}${this.#values.push(value) - 1}`)
        parts.push(int32(mark.length), mark)
      } else if (length >= 0 && binary && BINARY[type]) {
        const text = Buffer.from(BINARY[type](value))
        parts.push(int32(text.length), text)
      } else parts.push(row.subarray(at, end))
      at = end
    }
    const length = parts.reduce((sum, part) => sum + part.length, 4)
    this.emit('data', Buffer.concat([Buffer.of(DATA_ROW), int32(length), ...parts]))
  }
}

/** For `stream` of a pool's options: the driver takes the place of the socket when the connection gets TLS. */
export const largeValues = ((config: { ssl?: unknown }) =>
  config.ssl ? new Socket() : new LargeValueSocket()) as unknown as () => Socket

/** The socket of a client; null with TLS, and for those that have none of these. */
export function largeValuesOf(client: pg.ClientBase): LargeValueSocket | null {
  const { connection } = client as unknown as { connection?: { stream?: unknown } }
  return connection?.stream instanceof LargeValueSocket ? connection.stream : null
}

function int32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeInt32BE(value)
  return bytes
}

/** Calls `each` with where type and format of each column stand in a RowDescription. */
function eachColumn(message: Buffer, each: (type: number, format: number) => void): void {
  let at = HEADER + 2
  for (let i = 0; i < message.readInt16BE(HEADER); i++) {
    // Name, table, column; type; size, modifier; format.
    at = message.indexOf(0, at) + 1 + 6
    each(at, at + 10)
    at += 12
  }
}

function columnsOf(message: Buffer): Column[] {
  const columns: Column[] = []
  eachColumn(message, (type, format) => {
    columns.push({ type: message.readUInt32BE(type), binary: message.readInt16BE(format) === 1 })
  })
  return columns
}

/** The description of what binary rows are handed on as. */
function asTexts(message: Buffer): Buffer {
  const texts = Buffer.from(message)
  eachColumn(message, (type, format) => {
    if (message.readUInt32BE(type) === BYTEA) texts.writeUInt32BE(TEXT, type)
    texts.writeInt16BE(0, format)
  })
  return texts
}
