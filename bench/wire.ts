/** The least that a benchmark's client can do: one request after the other on a kept connection, nothing parsed but its length. */
import { connect, type Socket } from 'node:net'

/** One kept connection. */
export interface Wire {
  /** Sends a GET; @returns the head and the length of the body */
  get(path: string): Promise<{ status: number; head: string; body: Buffer }>
  close(): void
}

/** Connects to a server on this machine. @param headers lines of every request */
export async function wire(base: string, headers: readonly string[]): Promise<Wire> {
  const { hostname, port } = new URL(base)
  const socket: Socket = connect({ host: hostname, port: Number(port), noDelay: true })
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  const tail = ` HTTP/1.1\r\nHost: ${hostname}\r\n${headers.map((line) => `${line}\r\n`).join('')}\r\n`
  let chunks: Buffer[] = []
  let held = 0
  let wanted = -1
  let head = ''
  let start = 0
  let done: ((answer: { status: number; head: string; body: Buffer }) => void) | null = null
  let fail: ((error: Error) => void) | null = null
  socket.on('error', (error) => fail?.(error))
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    held += chunk.length
    if (wanted < 0) {
      const all = chunks.length === 1 ? chunk : Buffer.concat(chunks)
      chunks = [all]
      const end = all.indexOf('\r\n\r\n')
      if (end < 0) return
      head = all.toString('latin1', 0, end)
      start = end + 4
      wanted = start + Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0)
    }
    if (held < wanted) return
    const body = (chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)).subarray(start)
    chunks = []
    held = 0
    wanted = -1
    done?.({ status: Number(head.slice(9, 12)), head, body })
  })
  return {
    get: (path) =>
      new Promise((resolve, reject) => {
        done = resolve
        fail = reject
        socket.write(`GET ${path}${tail}`)
      }),
    close: () => socket.destroy(),
  }
}
