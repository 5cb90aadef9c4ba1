/** Closes a connection whose client may still be writing, so that it finds the answer there and not a reset. */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

const IDLE = 5_000
const LONGEST = 30_000

/**
 * After the answer: says that nothing more will come, throws away what the client still sends, and closes when it
 * has ended or the time is up. Closing at once would reset the connection, and the client lose the answer
 * (RFC 9112 §9.6).
 * @param request the request whose body is thrown away; none when what comes cannot be parsed
 */
export function linger(socket: Socket, request?: IncomingMessage): void {
  if (socket.destroyed) return
  const end = () => socket.destroy()
  if (request && !request.complete) {
    request.once('end', end)
    request.resume()
  } else {
    socket.removeAllListeners('data')
    socket.on('data', () => {})
    socket.resume()
  }
  const timer = setTimeout(end, LONGEST)
  socket.once('close', () => clearTimeout(timer))
  socket.once('end', end)
  socket.setTimeout(IDLE, end)
  socket.end()
}
