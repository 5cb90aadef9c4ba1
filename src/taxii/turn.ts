/**
 * Long work on the one thread, in turns: one piece of work is done at a time, and between two turns the event loop serves
 * who waits. What was begun first is done first among equals, so that the database stores it while the next is judged;
 * the smaller goes before the larger, so that a single object does not wait for ten megabytes.
 */

/** Milliseconds of a turn. */
const LENGTH = 2
/** Each so many turns it is the oldest's, whatever its size: nothing waits for ever. */
const OLDEST = 4

/** What has to be done for a request, in one or more pieces. */
export interface Work {
  /** As a power of two, so that what is about as large counts as equal. */
  size: number
  /** When it began, by performance.now(). */
  since: number
}

/** @param bytes of the request */
export const workOf = (bytes: number): Work => ({
  size: Math.round(Math.log2(Math.max(1, bytes))),
  since: performance.now(),
})

interface Waiting extends Work {
  go: () => void
}

const waiting: Waiting[] = []
let busy = false
let turns = 0

/**
 * Does a piece of some work when it is its turn.
 * @param piece is handed what it awaits between its steps, where that is something to wait for. It must not wait for
 * anything else: all others wait for it
 */
export async function inTurns<T>(
  work: Work,
  piece: (pause: () => Promise<void> | undefined) => Promise<T>,
): Promise<T> {
  if (busy) await turnOf(work)
  busy = true
  let start = performance.now()
  const pause = () => {
    if (performance.now() - start < LENGTH) return undefined
    const turn = turnOf(work)
    setImmediate(next)
    return turn.then(() => {
      start = performance.now()
    })
  }
  try {
    return await piece(pause)
  } finally {
    // What it leads to, such as a statement, leaves before the next one begins.
    if (waiting.length > 0) setImmediate(next)
    else busy = false
  }
}

async function turnOf({ size, since }: Work): Promise<void> {
  await new Promise<void>((go) => waiting.push({ size, since, go }))
}

function next(): void {
  const eldest = ++turns % OLDEST === 0
  let place = 0
  for (const [i, one] of waiting.entries()) {
    const best = waiting[place] as Waiting
    if (eldest || one.size === best.size ? one.since < best.since : one.size < best.size) place = i
  }
  waiting.splice(place, 1)[0]?.go()
}
