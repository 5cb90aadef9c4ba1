/** A keep-alive HTTP client that costs little: what it does not spend, the server under test has. */
import { connect, type Socket } from 'node:net'

export interface Reply {
  status: number
  /** Raw header lines. */
  head: string
  body: Buffer
}

const END = Buffer.from('\r\n\r\n')

/** One connection; one request at a time. Answers must have a Content-Length. */
export class Wire {
  readonly #socket: Socket
  #chunks: Buffer[] = []
  #size = 0
  #awaited = -1
  #head = ''
  #bodyAt = 0
  #resolve: ((reply: Reply) => void) | null = null
  #reject: ((error: Error) => void) | null = null

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk) => this.#take(chunk))
    socket.on('error', (error) => this.#reject?.(error))
    socket.on('close', () => this.#reject?.(new Error('the server closed the connection')))
  }

  static async open(base: string): Promise<Wire> {
    const { hostname, port } = new URL(base)
    return await new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname, () => resolve(new Wire(socket)))
      socket.once('error', reject)
    })
  }

  close(): void {
    this.#reject = null
    this.#socket.destroy()
  }

  /** @param request head and body as bytes, see `requestOf` */
  async send(request: Buffer | string): Promise<Reply> {
    return await new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
      this.#socket.write(request)
    })
  }

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#size += chunk.length
    if (this.#awaited < 0 && !this.#readHead()) return
    if (this.#size < this.#awaited) return
    const all =
      this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks, this.#size)
    const reply = {
      status: Number(this.#head.slice(9, 12)),
      head: this.#head,
      body: all.subarray(this.#bodyAt),
    }
    this.#chunks = []
    this.#size = 0
    this.#awaited = -1
    const resolve = this.#resolve
    this.#resolve = null
    this.#reject = null
    resolve?.(reply)
  }

  #readHead(): boolean {
    const all =
      this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks, this.#size)
    this.#chunks = [all]
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
export function requestOf(method: string, path: string, credential: string, body?: Buffer | string): Buffer {
  const lines = [
    `${method} ${path} HTTP/1.1`,
    'host: 127.0.0.1',
    `accept: ${TAXII}`,
    `authorization: ${credential}`,
  ]
  if (body === undefined) return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`)
  lines.push(`content-type: ${TAXII}`, `content-length: ${Buffer.byteLength(body)}`)
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), Buffer.from(body)])
}
