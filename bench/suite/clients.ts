/** What clients do: walk, poll, read one object, push. */
import { unzipSync } from 'node:zlib'
import { requestOf, Wire } from './wire.ts'

export interface Walk {
  objects: number
  bytes: number
  pages: number
  ms: number
}

/** Walks the log by `next` from its start. @param gzip asks for it, and reads of each page but the last what says how to go on */
export async function walk(base: string, credential: string, limit: number, gzip = false): Promise<Walk> {
  const wire = await Wire.open(base)
  const start = performance.now()
  const result = { objects: 0, bytes: 0, pages: 0, ms: 0 }
  let next = ''
  try {
    for (;;) {
      const path = `/bench/collections/log/objects/?limit=${limit}${next && `&next=${next}`}`
      const { status, body } = await wire.send(requestOf('GET', path, credential, undefined, gzip))
      if (status !== 200) throw new Error(`GET answered ${status}: ${body.toString().slice(0, 300)}`)
      result.bytes += body.length
      result.pages++
      // In gzip the first bytes are stored as they are.
      const more = /^[^{]{0,15}\{"more":true,"next":"([^"]+)"/s.exec(body.toString('latin1', 0, 300))
      if (!more) {
        // Only the last page may be shorter.
        result.objects += JSON.parse((gzip ? unzipSync(body) : body).toString()).objects?.length ?? 0
        break
      }
      result.objects += limit
      next = more[1] as string
    }
  } finally {
    wire.close()
  }
  result.ms = performance.now() - start
  return result
}

/** The same request again and again on some connections. @returns answers per second and each one's milliseconds */
export async function repeat(
  base: string,
  request: Buffer,
  connections: number,
  seconds: number,
): Promise<{ rate: number; times: number[] }> {
  return await repeatEach(base, () => request, connections, seconds)
}

/** Requests that differ. @param make the nth request */
export async function repeatEach(
  base: string,
  make: (n: number) => Buffer,
  connections: number,
  seconds: number,
  wanted: readonly number[] = [200, 202],
): Promise<{ rate: number; times: number[] }> {
  const wires = await Promise.all(Array.from({ length: connections }, () => Wire.open(base)))
  const times: number[] = []
  let n = 0
  const start = performance.now()
  const end = start + seconds * 1000
  try {
    await Promise.all(
      wires.map(async (wire) => {
        for (let now = performance.now(); now < end; ) {
          const { status, body } = await wire.send(make(n++))
          if (!wanted.includes(status))
            throw new Error(`answered ${status}: ${body.toString().slice(0, 300)}`)
          const then = performance.now()
          times.push(then - now)
          now = then
        }
      }),
    )
  } finally {
    for (const wire of wires) wire.close()
  }
  return { rate: (times.length * 1000) / (performance.now() - start), times }
}

/** Pushes envelopes from some senders at once, each on a connection of its own. @returns objects per second */
export async function push(
  base: string,
  alias: string,
  credential: string,
  envelopes: readonly string[],
  size: number,
  senders: number,
): Promise<number> {
  const path = `/bench/collections/${alias}/objects/`
  const requests = envelopes.map((body) => requestOf('POST', path, credential, body))
  const wires = await Promise.all(Array.from({ length: senders }, () => Wire.open(base)))
  let n = 0
  const start = performance.now()
  try {
    await Promise.all(
      wires.map(async (wire) => {
        for (let i = n++; i < requests.length; i = n++) {
          const { status, body } = await wire.send(requests[i] as Buffer)
          if (status !== 202) throw new Error(`POST answered ${status}: ${body.toString().slice(0, 300)}`)
          if (!body.includes('"failure_count":0'))
            throw new Error(`an object failed: ${body.toString().slice(0, 500)}`)
        }
      }),
    )
  } finally {
    for (const wire of wires) wire.close()
  }
  return (envelopes.length * size * 1000) / (performance.now() - start)
}
