/** A client on a bare socket: bytes go out as they are, answers come back one after the other. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Answer } from './client.ts'
import { sleep } from './run-lock.ts'

export class Wire {
  readonly socket: Socket
  #received = Buffer.alloc(0)
  #ended = false
  #wake: () => void = () => {}
  /** How the connection ended: the code of a socket error, or `end`. */
  fate: string | null = null

  constructor(url: string) {
    const { hostname, port } = new URL(url)
    // Half open: a server that has said its last word may still read.
    this.socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true })
    this.socket.on('data', (part: Buffer) => {
      this.#received = Buffer.concat([this.#received, part])
      this.#wake()
    })
    const ended = (fate: string) => {
      this.fate ??= fate
      this.#ended = true
      this.#wake()
    }
    this.socket.on('error', (error: NodeJS.ErrnoException) => ended(error.code ?? 'error'))
    this.socket.on('end', () => ended('end'))
    this.socket.on('close', () => ended('close'))
  }

  write(data: string | Buffer): this {
    if (!this.socket.destroyed) this.socket.write(data)
    return this
  }

  /** Writes with regard to back-pressure until all is out, the connection is gone or the time is up. */
  async pour(data: Buffer, times: number, seconds: number): Promise<number> {
    const until = Date.now() + seconds * 1000
    let sent = 0
    for (let i = 0; i < times && !this.socket.destroyed && Date.now() < until; i++) {
      sent += data.length
      if (!this.socket.write(data)) {
        const over = new AbortController()
        const signal = AbortSignal.any([over.signal, AbortSignal.timeout(Math.max(1, until - Date.now()))])
        await Promise.race(['drain', 'close'].map((name) => once(this.socket, name, { signal }))).catch(
          () => {},
        )
        over.abort()
      }
    }
    return sent
  }

  /** The next answer; null when the connection ends, or the time is up, before it is complete. */
  async answer(seconds = 10): Promise<Answer | null> {
    const until = Date.now() + seconds * 1000
    for (;;) {
      const found = this.#take()
      if (found) return found
      if (this.#ended || Date.now() > until) return null
      await this.#more(until)
    }
  }

  /** Waits until the server has closed; @returns how, or null when it has not in time. */
  async closed(seconds: number): Promise<string | null> {
    const until = Date.now() + seconds * 1000
    while (!this.#ended && Date.now() < until) await this.#more(until)
    return this.fate
  }

  /** Waits until the connection is gone in both directions. */
  async gone(seconds: number): Promise<boolean> {
    const until = Date.now() + seconds * 1000
    while (!this.socket.destroyed && Date.now() < until) await sleep(20)
    return this.socket.destroyed
  }

  destroy(): void {
    this.socket.destroy()
  }

  async #more(until: number): Promise<void> {
    await Promise.race([
      new Promise<void>((done) => {
        this.#wake = done
      }),
      sleep(Math.max(0, Math.min(100, until - Date.now()))),
    ])
  }

  #take(): Answer | null {
    const end = this.#received.indexOf('\r\n\r\n')
    if (end < 0) return null
    const [line = '', ...lines] = this.#received.subarray(0, end).toString('latin1').split('\r\n')
    const status = Number(line.split(' ')[1])
    const flat = lines.flatMap((l) => [l.slice(0, l.indexOf(':')), l.slice(l.indexOf(':') + 1).trim()])
    const at = flat.findIndex((name, i) => i % 2 === 0 && name.toLowerCase() === 'content-length')
    const length = status < 200 || at < 0 ? 0 : Number(flat[at + 1])
    if (this.#received.length < end + 4 + length) return null
    const body = this.#received.subarray(end + 4, end + 4 + length)
    this.#received = this.#received.subarray(end + 4 + length)
    return new Answer(status, flat, body, false)
  }
}
