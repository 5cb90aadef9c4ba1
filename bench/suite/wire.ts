/** A keep-alive HTTP client that costs little: what it does not spend, the server under test has. */
import { connect, type Socket } from 'node:net'

export interface Reply {
  status: number
  /** Raw header lines. */
  head: string
  body: Buffer
}

const END = Buffer.from('\r\n\r\n')

/** What one read takes at most. */
const READ = 1_048_576

/**
 * One connection; one request at a time. Answers must have a Content-Length. It reads into the same memory each time:
 * fresh memory for each 64 KB would cost it as much as reading them.
 */
export class Wire {
  #socket: Socket | null = null
  /** Of one answer, as much as has come. */
  #store = Buffer.allocUnsafe(READ)
  #size = 0
  #awaited = -1
  #head = ''
  #bodyAt = 0
  #resolve: ((reply: Reply) => void) | null = null
  #reject: ((error: Error) => void) | null = null

  private constructor() {}

  static async open(base: string): Promise<Wire> {
    const { hostname, port } = new URL(base)
    const wire = new Wire()
    const onread = {
      buffer: Buffer.allocUnsafe(READ),
      callback: (count: number, buffer: Uint8Array) => {
        wire.#take(buffer.subarray(0, count))
        return true
      },
    }
    return await new Promise((resolve, reject) => {
      const socket = connect({ port: Number(port), host: hostname, onread }, () => resolve(wire))
      wire.#socket = socket
      socket.setNoDelay(true)
      socket.on('error', (error) => {
        reject(error)
        wire.#reject?.(error)
      })
      socket.on('close', () => wire.#reject?.(new Error('the server closed the connection')))
    })
  }

  close(): void {
    this.#reject = null
    this.#socket?.destroy()
  }

  /**
   * @param request head and body as bytes, see `requestOf`
   * @returns an answer whose body is there until the next request
   */
  async send(request: Buffer | string): Promise<Reply> {
    return await new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
      this.#socket?.write(request)
    })
  }

  #take(chunk: Uint8Array): void {
    this.#fit(this.#size + chunk.length)
    this.#store.set(chunk, this.#size)
    this.#size += chunk.length
    if (this.#awaited < 0 && !this.#readHead()) return
    if (this.#size < this.#awaited) return
    const reply = {
      status: Number(this.#head.slice(9, 12)),
      head: this.#head,
      body: this.#store.subarray(this.#bodyAt, this.#awaited),
    }
    this.#size = 0
    this.#awaited = -1
    const resolve = this.#resolve
    this.#resolve = null
    this.#reject = null
    resolve?.(reply)
  }

  #fit(size: number): void {
    if (size <= this.#store.length) return
    const more = Buffer.allocUnsafe(2 * size)
    this.#store.copy(more, 0, 0, this.#size)
    this.#store = more
  }

  #readHead(): boolean {
    const all = this.#store.subarray(0, this.#size)
    const end = all.indexOf(END)
    if (end < 0) return false
    this.#head = all.toString('latin1', 0, end)
    const length = /content-length: (\d+)/i.exec(this.#head)
    if (!length) throw new Error(`an answer without Content-Length: ${this.#head}`)
    this.#bodyAt = end + 4
    this.#awaited = this.#bodyAt + Number(length[1])
    return true
  }
}

const TAXII = 'application/taxii+json;version=2.1'

/** The bytes of a request. @param credential value of Authorization */
export function requestOf(
  method: string,
  path: string,
  credential: string,
  body?: Buffer | string,
  gzip = false,
): Buffer {
  const lines = [
    `${method} ${path} HTTP/1.1`,
    'host: 127.0.0.1',
    `accept: ${TAXII}`,
    `authorization: ${credential}`,
    ...(gzip ? ['accept-encoding: gzip'] : []),
  ]
  if (body === undefined) return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`)
  lines.push(`content-type: ${TAXII}`, `content-length: ${Buffer.byteLength(body)}`)
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), Buffer.from(body)])
}
